"""HexMeet's twin: its bodies have the samples' shapes, equal the world, and refuse what the vendor refuses."""

from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import sample
from twins import HEXMEET_REQUESTS as REQUESTS
from twins import HexMeet, Time, assert_same_shape, ended_calls, ended_conferences, lasted

from graph import clock
from graph.sandbox.world import Phase, World
from graph.vendors.hexmeet import emulator
from graph.vendors.hexmeet.emulator import create_emulator
from graph.vendors.hexmeet.emulator_rows import call_guid, conf_guid

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
LISTS = ("term_conf_stats", "term_call_stats")


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, conferences=600, days=10, anchor=NOW)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time(NOW)
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
async def vendors(world: World, time: Time) -> AsyncIterator[Callable[..., HexMeet]]:
    """Makes twins with options."""
    assert time.now == NOW
    clients = []

    def make(**options: Any) -> HexMeet:
        transport = httpx.ASGITransport(create_emulator(world, **options))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://hexmeet"))
        return HexMeet(world, clients[-1])

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def vendor(vendors: Callable[..., HexMeet]) -> HexMeet:
    return vendors()


@pytest.mark.parametrize("report", REQUESTS)
async def test_bodies_have_the_shape_of_the_samples(vendor: HexMeet, report: str) -> None:
    assert_same_shape(await vendor.post(report), sample(f"hexmeet-{report}"))


async def test_lists_the_ended_conferences_of_the_world(vendor: HexMeet, world: World) -> None:
    rows = {row["conf_guid"]: row for row in await vendor.rows("term_conf_stats")}
    expected = ended_conferences(world, NOW)
    assert rows.keys() == expected.keys()
    for guid, row in rows.items():
        conference = expected[guid]
        assert datetime.fromisoformat(row["startTime"]) == conference.start
        assert datetime.fromisoformat(row["endTime"]) == conference.end
        assert row["duration"] == lasted(conference.start, conference.end)
        assert (row["conf_number"], row["conf_name"]) == (conference.number, conference.title)
        assert (row["room_name"], row["capacity"]) == (conference.room.name, conference.room.capacity)
        assert row["max_party_count"] == max(
            sum(other.join <= call.join < other.leave for other in conference.attendances)
            for call in conference.attendances
        )


async def test_lists_the_ended_calls_of_the_world(vendor: HexMeet, world: World) -> None:
    rows = {row["call_guid"]: row for row in await vendor.rows("term_call_stats")}
    expected = {call_guid(conference, call): (conference, call) for conference, call in ended_calls(world, NOW)}
    assert rows.keys() == expected.keys()
    assert any(conference.phase(NOW) is Phase.LIVE for conference, _ in expected.values())
    for guid, row in rows.items():
        conference, call = expected[guid]
        assert datetime.fromisoformat(row["startTime"]) == call.join
        assert row["duration"] == lasted(call.join, call.leave)
        assert (row["conf_guid"], row["room"]) == (conf_guid(conference), conference.room.name)
        assert (row["name"], row["version"]) == (call.person.name, call.version)
        assert (row["mcu_name"], row["call_rate"]) == (call.mcu.name, call.bitrate_kbps)


async def test_a_conference_shows_up_once_it_is_over(vendor: HexMeet, world: World, time: Time) -> None:
    live = world.live("hexmeet", NOW)[0]
    assert live.end is not None
    assert conf_guid(live) not in {row["conf_guid"] for row in await vendor.rows("term_conf_stats")}
    time.now = live.end
    assert conf_guid(live) in {row["conf_guid"] for row in await vendor.rows("term_conf_stats")}


@pytest.mark.parametrize("report", LISTS)
async def test_rows_come_in_no_useful_order(vendor: HexMeet, report: str) -> None:
    starts = [row["startTime"] for row in await vendor.rows(report)]
    assert starts not in (sorted(starts), sorted(starts, reverse=True))


@pytest.mark.parametrize("report", LISTS)
async def test_a_large_snapshot_is_rendered_by_the_day_and_still_whole(
    vendor: HexMeet, monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    whole = await vendor.rows(report)
    monkeypatch.setattr(emulator, "_SHUFFLED_WHOLE", 10)
    by_the_day = await vendor.rows(report)
    assert by_the_day != whole
    assert sorted(map(str, by_the_day)) == sorted(map(str, whole))


@pytest.mark.parametrize(
    ("report", "changes", "code"),
    [
        *((report, {"token": wrong}, 401) for report in REQUESTS for wrong in (None, "other")),
        *((report, {"guid": None}, 400) for report in REQUESTS),
        *(("term_conf_stats", {name: None}, 400) for name in ("agent_id", "company_id", "dept_id", "time_zone")),
        *(("term_conf_stats", {name: "5"}, 400) for name in ("agent_id", "company_id", "dept_id", "size")),
        *(("term_call_stats", {name: None}, 400) for name in ("start_time", "end_time", "dept_id")),
        *(("term_call_stats", {"start_time": text}, 400) for text in ("2026-03-01", "2026-03-01T00:00:00", 5)),
        *(("term_call_stats", {"size": size}, 400) for size in (0, -1, 10_001, True)),
        *(("term_call_stats", {"scroll_timeout": text}, 400) for text in ("1 minute", "0s", "60", 60)),
        ("term_conf_stats", {"time_zone": "Nowhere/Land"}, 400),
        ("term_conf_stats", {"agent_id": 1}, 403),
        ("term_conf_stats", {"company_id": 1}, 403),
        *(("datehistgram_stats", {name: None}, 400) for name in ("dept_id", "interval", "format", "target")),
        *(("datehistgram_stats", {name: "other"}, 400) for name in ("interval", "format", "target")),
        ("datehistgram_stats", {"start_time": "1980-01-01T00:00:00.000+08:00"}, 400),
        *(("term_datehistgram_stats", {name: None}, 400) for name in ("target", "param1", "size")),
        ("term_datehistgram_stats", {"param1": "mru"}, 400),
        *(("term_stats", {name: None}, 400) for name in ("dept_id", "target", "param1", "size", "order")),
        ("term_stats", {"order": "name"}, 400),
        ("term_region_stats", {"target": "ongoing_calls"}, 400),
        *((report, {"nonsense": 1}, 400) for report in REQUESTS),
        *((report, {"param1": "zzz"}, 400) for report in REQUESTS),
        *((report, {"dept_id": "5"}, 400) for report in REQUESTS),
        *((report, {"start_time": "2199-01-01T00:00:00Z"}, 400) for report in REQUESTS),  # after the end
        *((report, {name: "conf"}, 400) for report in LISTS for name in ("target", "order", "interval")),
        *(("datehistgram_stats", {name: value}, 400) for name, value in (("size", 10), ("scroll_timeout", "1m"))),
        *(("term_region_stats", {name: value}, 400) for name, value in (("size", 10), ("interval", "1d"))),
        ("term_datehistgram_stats", {"order": "count"}, 400),
        ("term_stats", {"search": "x"}, 400),
        ("term_stats", {"target": "device_model", "param1": "zzz"}, 400),
    ],
)
async def test_refuses_by_err_code(vendor: HexMeet, report: str, changes: dict[str, Any], code: int) -> None:
    body = await vendor.post(report, **changes)
    assert body["err_code"] == code
    assert body["err_info"] not in ("", "RESULT_OK")
    assert body.keys() == {"guid", "err_code", "err_info", "more_info"}


@pytest.mark.parametrize("report", ["term_datehistgram_stats", "term_region_stats"])
async def test_two_reports_need_no_department(vendor: HexMeet, report: str) -> None:
    assert (await vendor.post(report, dept_id=None))["err_code"] == 0


async def test_refuses_another_query_string_type_or_method(vendor: HexMeet) -> None:
    path = "/report/agg/term_conf_stats"
    asked = vendor.asked("term_conf_stats")
    assert (await vendor.client.post(path, json=asked)).json()["err_code"] == 400
    assert (await vendor.client.post(f"{path}?domainId=1", json=asked)).json()["err_code"] == 400
    assert (await vendor.client.post(f"{path}?domainId=null", data=asked)).json()["err_code"] == 415
    json = {"content-type": "application/json"}
    for torn in ("[]", "{", ""):
        assert (await vendor.client.post(f"{path}?domainId=null", content=torn, headers=json)).json()["err_code"] == 400
    assert (await vendor.client.get(f"{path}?domainId=null")).status_code == 405


async def test_ten_rows_are_the_default_and_the_cap_is_kept(vendors: Callable[..., HexMeet]) -> None:
    page = await vendors(page_cap=20).post("term_conf_stats")
    assert (page["count"], len(page["buckets"])) == (10, 10)
    assert page["total"] > 10
    assert (await vendors(page_cap=20).post("term_conf_stats", size=20))["count"] == 20
    assert (await vendors(page_cap=20).post("term_conf_stats", size=21))["err_code"] == 400


async def test_a_scroll_id_looks_like_seventy_nine_contexts(vendor: HexMeet) -> None:
    raw = b64decode((await vendor.post("term_conf_stats"))["scrollid"], validate=True)
    assert raw.startswith(b"\x0equeryThenFetchO")
    assert len(raw) == 2465


async def test_a_scroll_moves_forward_only_under_ever_new_ids(vendor: HexMeet) -> None:
    first = await vendor.post("term_conf_stats", size=5)
    second = await vendor.post("term_conf_stats", size=5, scrollid=first["scrollid"], scroll_timeout="1m")
    third = await vendor.post("term_conf_stats", size=5, scrollid=second["scrollid"], scroll_timeout="1m")
    pages = (first, second, third)
    assert len({page["scrollid"] for page in pages}) == 3
    assert len({row["conf_guid"] for page in pages for row in page["buckets"]}) == 15
    for old in (first["scrollid"], second["scrollid"], "made up"):
        refused = await vendor.post("term_conf_stats", size=5, scrollid=old, scroll_timeout="1m")
        assert refused["err_code"] == 404
        assert old not in refused["err_info"]
    again = await vendor.post("term_conf_stats", size=5, scrollid=third["scrollid"], scroll_timeout="1m")
    assert again["count"] == 5


async def test_a_scroll_belongs_to_its_report(vendor: HexMeet) -> None:
    page = await vendor.post("term_conf_stats")
    assert (await vendor.post("term_call_stats", scrollid=page["scrollid"]))["err_code"] == 404


@pytest.mark.parametrize(
    "change",
    [
        {"start_time": "2026-03-01T00:00:00Z"},
        {"end_time": "2026-03-01T00:00:00Z"},
        {"time_zone": "+00:00"},
        {"dept_id": 1},
        {"search": "x"},
        {"size": 5},
        {"size": None},
    ],
)
async def test_a_scroll_is_read_on_with_the_body_it_began_with(vendor: HexMeet, change: dict[str, Any]) -> None:
    page = await vendor.post("term_conf_stats", size=4)
    on: dict[str, Any] = {"size": 4, "scrollid": page["scrollid"], "scroll_timeout": "1m", "guid": "another"}
    refused = await vendor.post("term_conf_stats", **on | change)
    assert refused["err_code"] == 400
    assert (await vendor.post("term_conf_stats", **on))["count"] == 4, "nothing was lost by asking wrongly"


async def test_a_scroll_lives_for_its_timeout_after_each_page(vendor: HexMeet, time: Time) -> None:
    page = await vendor.post("term_conf_stats", scroll_timeout="30s")
    time.now += timedelta(seconds=29)
    page = await vendor.post("term_conf_stats", scrollid=page["scrollid"], scroll_timeout="5s")
    assert page["count"] == 10
    time.now += timedelta(seconds=5)
    page = await vendor.post("term_conf_stats", scrollid=page["scrollid"], scroll_timeout="5s")
    assert page["err_code"] == 404
    page = await vendor.post("term_conf_stats")
    time.now += timedelta(minutes=10)
    assert (await vendor.post("term_conf_stats", scrollid=page["scrollid"]))["err_code"] == 404


async def test_a_page_without_a_timeout_frees_the_scroll(vendor: HexMeet) -> None:
    page = await vendor.post("term_conf_stats", scroll_timeout="1m")
    page = await vendor.post("term_conf_stats", scrollid=page["scrollid"])
    assert page["count"] == 10
    refused = await vendor.post("term_conf_stats", scrollid=page["scrollid"], scroll_timeout="1m")
    assert refused["err_code"] == 404


async def test_a_seventh_open_scroll_is_refused_until_one_times_out(vendor: HexMeet, time: Time) -> None:
    for _ in range(6):
        await vendor.rows("term_conf_stats", scroll_timeout="1m")  # drained, and open all the same
    assert (await vendor.post("term_call_stats"))["err_code"] == 429
    assert (await vendor.post("datehistgram_stats"))["err_code"] == 0
    time.now += timedelta(minutes=1)
    assert (await vendor.post("term_call_stats"))["err_code"] == 0


async def test_how_many_scrolls_fit_is_an_option(vendors: Callable[..., HexMeet]) -> None:
    vendor = vendors(max_open_scrolls=1)
    assert (await vendor.post("term_call_stats"))["err_code"] == 0
    assert (await vendor.post("term_call_stats"))["err_code"] == 429


async def test_a_scroll_shows_what_was_at_its_first_request(vendor: HexMeet, world: World, time: Time) -> None:
    page = await vendor.post("term_conf_stats", size=50, scroll_timeout="10d")
    rows = page["buckets"]
    time.now += timedelta(days=1)
    while page["buckets"]:
        page = await vendor.post("term_conf_stats", size=50, scrollid=page["scrollid"], scroll_timeout="1m")
        rows += page["buckets"]
    assert {row["conf_guid"] for row in rows} == ended_conferences(world, NOW).keys()
    assert ended_conferences(world, NOW).keys() != ended_conferences(world, time.now).keys()


@pytest.mark.parametrize("time_filter", ["start", "end", "overlap", "creation"])
async def test_the_range_filters_what_the_option_says(
    vendors: Callable[..., HexMeet], world: World, time_filter: str
) -> None:
    start, end = NOW - 50 * HOUR, NOW - 20 * HOUR

    def is_in(created: datetime, begin: datetime | None, finish: datetime | None) -> bool:
        assert begin is not None
        assert finish is not None
        if time_filter == "overlap":
            return begin < end and finish > start
        return start <= {"start": begin, "end": finish, "creation": created}[time_filter] < end

    vendor = vendors(time_filter=time_filter)
    period = {"start_time": start.isoformat(), "end_time": end.isoformat()}
    conferences = {row["conf_guid"] for row in await vendor.rows("term_conf_stats", **period)}
    everyone = ended_conferences(world, NOW)
    assert conferences == {guid for guid, it in everyone.items() if is_in(it.created, it.start, it.end)} != set()
    found = {row["call_guid"] for row in await vendor.rows("term_call_stats", **period)}
    calls = [(it, call) for it, call in ended_calls(world, NOW) if is_in(call.join, call.join, call.leave)]
    assert found == {call_guid(it, call) for it, call in calls}


async def test_an_unknown_time_filter_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="time_filter"):
        create_emulator(world, time_filter="begin")


@pytest.mark.parametrize("is_inclusive", [False, True])
async def test_the_end_of_the_range_is_inclusive_by_option(
    vendors: Callable[..., HexMeet], world: World, is_inclusive: bool
) -> None:
    guid, conference = next(iter(ended_conferences(world, NOW).items()))
    assert conference.start is not None
    vendor = vendors(end_is_inclusive=is_inclusive)
    rows = await vendor.rows("term_conf_stats", end_time=conference.start.isoformat())
    assert (guid in {row["conf_guid"] for row in rows}) is is_inclusive


@pytest.mark.parametrize("report", LISTS)
async def test_rows_come_twice_by_option(vendors: Callable[..., HexMeet], report: str) -> None:
    once = {str(row) for row in await vendors().rows(report)}
    seen = Counter(str(row) for row in await vendors(repeats_rows=True).rows(report))
    assert seen.keys() == once
    assert set(seen.values()) == {1, 2}


@pytest.mark.parametrize("report", REQUESTS)
async def test_documented_bodies_come_verbatim_once(vendors: Callable[..., HexMeet], report: str) -> None:
    body = sample(f"hexmeet-{report}")
    vendor = vendors(documented={report: body})
    assert await vendor.post(report) == body
    assert (await vendor.post(report, token="other"))["err_code"] == 401
    if "scrollid" in body:
        assert await vendor.post(report, scrollid=body["scrollid"]) == {**body, "count": 0, "buckets": []}


async def test_a_documented_body_may_be_for_one_target(vendors: Callable[..., HexMeet]) -> None:
    vendor = vendors(documented={"term_stats": {"buckets": [1]}, "term_stats:capacity": {"buckets": [2]}})
    assert await vendor.post("term_stats") == {"buckets": [1]}
    assert await vendor.post("term_stats", target="capacity") == {"buckets": [2]}
