"""NetEase's twin: it shows the world as documented, and refuses what the vendor refuses."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from conftest import sample
from servers import serve
from shapes import misfits
from starlette.applications import Starlette

from graph import clock
from graph.sandbox.world import Fate, Phase, World, WorldConference
from graph.vendors.netease.emulator import create_emulator, emulator_settings
from graph.vendors.netease.emulator_rows import TimeFilter

pytestmark = pytest.mark.anyio

ZONE = timezone(timedelta(hours=8))
ANCHOR = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
WORLD = World(seed=5, conferences=1200, days=6, anchor=ANCHOR)
MEETINGS = list(WORLD.all("netease"))
FROM, TO = ANCHOR - timedelta(days=8), ANCHOR + timedelta(days=3)
SECOND = timedelta(seconds=1)
Freeze = Callable[[datetime], None]
Key = Callable[[WorldConference], datetime]


@pytest.fixture(autouse=True)
def freeze(monkeypatch: pytest.MonkeyPatch) -> Freeze:
    """Time stands still at the world's anchor, or wherever a test puts it."""

    def to(instant: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant)

    to(ANCHOR)
    return to


def signed(**changes: str) -> dict[str, str]:
    """The documented headers; `changes` replace some after signing, CurTime before."""
    settings = emulator_settings(WORLD)
    cur_time = changes.get("CurTime", str(int(clock.now().timestamp())))
    text = f"{settings['app_secret']}12345678{cur_time}"
    headers = {
        "AppKey": str(settings["app_key"]),
        "Nonce": "12345678",
        "CurTime": cur_time,
        "CheckSum": hashlib.sha1(text.encode()).hexdigest(),  # noqa: S324 - the vendor's choice
        "Content-Type": "application/json;charset=utf-8",
    }
    return headers | changes


async def ask(app: Starlette, report: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = report if report.startswith("/") else f"/v1/statistic/meeting/{report}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://twin") as client:
        return await client.post(path, content=content, headers=headers or signed())


def ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def ranged(start: datetime = FROM, end: datetime = TO, **more: Any) -> dict[str, Any]:
    return {"startTime": ms(start), "endTime": ms(end), **more}


def text(instant: datetime | None) -> str:
    return instant.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S") if instant else ""


async def walk(app: Starlette, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every row of a list, page by page."""
    rows: list[dict[str, Any]] = []
    index = 0
    while True:
        index += 1
        ret = (await ask(app, "list", {**body, "pageIndex": index, "pageSize": 50})).json()["ret"]
        rows += ret["list"]
        if index >= ret["query"]["totalPageCount"]:
            return rows


def unique_id(conference: WorldConference) -> int:
    return 20_000 + conference.serial


def expected(key: Key, start: datetime, end: datetime) -> list[int]:
    """The ids that a range selects, ascending."""
    known = (c for c in MEETINGS if c.phase(clock.now()) is not Phase.UNBORN)
    return sorted(unique_id(c) for c in known if start <= key(c) < end)


async def detail(app: Starlette, conference: WorldConference) -> dict[str, Any]:
    body = (await ask(app, "detail", {"meetingUniqueId": unique_id(conference)})).json()
    row: dict[str, Any] = body["ret"][0]
    return row


async def test_bodies_have_the_documented_shape() -> None:
    app = create_emulator(WORLD)
    meeting = next(c for c in MEETINGS if c.phase(ANCHOR) is Phase.ENDED)
    requests = [
        ("list", {}, "realtime"),
        ("list", ranged(pageSize=100), "list"),
        ("getByTimeRange", ranged(), "getByTimeRange"),
        ("detail", {"meetingUniqueId": unique_id(meeting)}, "detail"),
    ]
    for report, body, name in requests:
        assert misfits((await ask(app, report, body)).json(), [sample(f"netease-{name}")]) == []


async def test_documented_bodies_are_served_once_the_checks_passed() -> None:
    names = {"realtime": {}, "list": ranged(), "getByTimeRange": ranged(), "detail": {"meetingUniqueId": 7}}
    app = create_emulator(WORLD, documented={name: sample(f"netease-{name}") for name in names})
    for name, body in names.items():
        report = "list" if name == "realtime" else name
        assert (await ask(app, report, body)).json() == sample(f"netease-{name}")
        assert (await ask(app, report, body, signed(AppKey="x"))).json()["code"] == 401
    second = (await ask(app, "list", ranged(pageIndex=2))).json()
    assert second["ret"] == {**sample("netease-list")["ret"], "list": []}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AppKey": "other"}, 401),
        ({"CheckSum": "0" * 40}, 401),
        ({"CheckSum": ""}, 401),
        ({"Nonce": "87654321"}, 401),
        ({"CurTime": "now"}, 302),
        ({"Content-Type": "text/plain"}, 302),
        ({"Content-Type": "application/json"}, 303),
        ({"Content-Type": "application/json;charset=gbk"}, 303),
    ],
)
async def test_unsigned_requests_are_refused(changes: dict[str, str], code: int) -> None:
    answer = await ask(create_emulator(WORLD), "list", {}, signed(**changes))
    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert misfits(answer.json(), [sample("netease-error-401")]) == []


@pytest.mark.parametrize(("seconds", "code"), [(-61, 401), (-60, 200), (60, 200), (61, 401)])
async def test_a_clock_a_minute_off_is_refused_with_words_of_its_own(seconds: int, code: int) -> None:
    cur_time = str(int(ANCHOR.timestamp()) + seconds)
    body = (await ask(create_emulator(WORLD), "list", {}, signed(CurTime=cur_time))).json()
    assert body["code"] == code
    assert code == 200 or body["msg"] != sample("netease-error-401")["msg"]


@pytest.mark.parametrize(
    ("report", "body", "code"),
    [
        ("list", b"[]", 300),
        ("list", b"{", 300),
        ("list", {"startTime": 1}, 301),
        ("list", {"startTime": "1", "endTime": 2}, 300),
        ("list", ranged(TO, FROM), 300),
        ("list", ranged(pageSize=101), 300),
        ("list", ranged(pageSize=0), 300),
        ("list", ranged(pageIndex=0), 300),
        ("list", ranged(pageIndex="1"), 300),
        ("list", ranged(status=2), 300),
        ("list", ranged(status="2,9"), 300),
        ("getByTimeRange", {"endTime": 1}, 301),
        ("detail", {}, 301),
        ("detail", {"meetingUniqueId": "7"}, 300),
        ("detail", {"meetingUniqueId": 7}, 2000),
    ],
)
async def test_bad_parameters_are_refused(report: str, body: Any, code: int) -> None:
    for status in (200, 400):
        answer = await ask(create_emulator(WORLD, error_http_status=status), report, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_post_is_served() -> None:
    async with serve(create_emulator(WORLD)) as url, httpx.AsyncClient(base_url=url) as client:
        good = await client.post("/v1/statistic/meeting/list", content=b"{}", headers=signed())
        refused = await client.get("/v1/statistic/meeting/list", headers=signed())
    assert good.json()["code"] == 200
    assert "date" in good.headers
    assert refused.status_code == 405


async def test_a_list_has_every_meeting_of_its_range_once_and_in_no_useful_order() -> None:
    start, end = ANCHOR - timedelta(days=3), ANCHOR + timedelta(hours=12)
    rows = await walk(create_emulator(WORLD), ranged(start, end))
    ids = [row["meetingUniqueId"] for row in rows]
    assert sorted(ids) == expected(lambda c: c.sort_time_at(ANCHOR), start, end)
    assert len(ids) > 50
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


async def test_query_counts_pages() -> None:
    query = (await ask(create_emulator(WORLD), "list", ranged(pageIndex=2))).json()["ret"]["query"]
    total = len(expected(lambda c: c.sort_time_at(ANCHOR), FROM, TO))
    assert (query["pageSize"], query["pageIndex"], query["offset"], query["limit"]) == (10, 2, 10, 10)
    assert (query["totalCount"], query["totalPageCount"]) == (total, -(-total // 10))


async def test_rows_say_what_is_in_the_world() -> None:
    rows = {row["meetingUniqueId"]: row for row in await walk(create_emulator(WORLD), ranged())}
    for c in MEETINGS:
        if c.phase(ANCHOR) not in (Phase.ENDED, Phase.LIVE):
            continue
        assert c.start is not None
        assert c.end is not None
        row, is_over = rows[unique_id(c)], c.end <= ANCHOR
        assert row["subject"] == c.title
        assert str(row["meetingId"]) == c.number
        assert row["id"] < 10**15
        assert row["creatorAccountId"] == c.creator.account_id
        assert row.get("hostAccountId") == (c.host.account_id if c.scheduled_start else None)
        assert row["meetingCreateTime"] == text(c.created)
        assert (row["reserveStartTime"], row["reserveEndTime"]) == (text(c.scheduled_start), text(c.scheduled_end))
        assert (row["realStartTime"], row["realEndTime"]) == (text(c.start), text(c.end) if is_over else "")
        assert row["duration"] == ((c.end if is_over else ANCHOR) - c.start).total_seconds()
        assert row["memberCount"] == len({a.person.account_id for a in c.attendances if a.join <= ANCHOR})


async def test_a_meeting_goes_through_its_states(freeze: Freeze) -> None:
    """Not begun, in progress, ended until its reserved end, recycled; an instant one is recycled at once."""
    app = create_emulator(WORLD)
    held = [(c, c.start, c.end, c.scheduled_end) for c in MEETINGS if c.start and c.end]
    booked, start, end, booked_end = next((c, s, e, b) for c, s, e, b in held if b and e + SECOND < b)
    freeze(booked.created - SECOND)
    assert (await ask(app, "detail", {"meetingUniqueId": unique_id(booked)})).json()["code"] == 2000
    seen = []
    for instant in (booked.created, start, end - SECOND, end, booked_end):
        freeze(instant)
        row = await detail(app, booked)
        seen.append((row["status"], row["realStartTime"], row["realEndTime"], row["duration"]))
    length = int((end - start).total_seconds())
    assert seen == [
        (1, "", "", 0),
        (2, text(start), "", 0),
        (2, text(start), "", length - 1),
        (3, text(start), text(end), length),
        (5, text(start), text(end), length),
    ]
    instant_one, end = next((c, e) for c, _, e, b in held if b is None)
    freeze(end)
    assert (await detail(app, instant_one))["status"] == 5


async def test_meetings_never_held_have_no_real_times(freeze: Freeze) -> None:
    app = create_emulator(WORLD)
    freeze(TO)
    for fate, status in ((Fate.CANCELLED, 4), (Fate.UNUSED, 5)):
        row = await detail(app, next(c for c in MEETINGS if c.fate is fate))
        found = [row[key] for key in ("status", "realStartTime", "realEndTime", "duration", "memberCount", "members")]
        assert found == [status, "", "", 0, 0, []]


async def test_a_list_is_narrowed_by_status() -> None:
    app = create_emulator(WORLD)
    everything = await walk(app, ranged())
    for status in ("2", "4,5", "1,2,3"):
        rows = await walk(app, ranged(status=status))
        assert rows == [row for row in everything if str(row["status"]) in status.split(",")]
        assert rows
    assert await walk(app, ranged(status="")) == everything


@pytest.mark.parametrize("path", [None, "/v1/statistic/meeting/realtime"])
async def test_counters_count_what_goes_on(path: str | None) -> None:
    app = create_emulator(WORLD, realtime_path=path)
    live = [c for c in MEETINGS if c.phase(ANCHOR) is Phase.LIVE]
    people = sum(len({a.person.account_id for a in c.attendances if a.join <= ANCHOR < a.leave}) for c in live)
    counts = (await ask(app, path or "list", {})).json()["ret"]
    assert counts == {"inMeetingCount": len(live), "inMeetingMemberCount": people}
    assert people > 0
    listed = (await ask(app, "list", {})).json()["ret"]
    assert ("list" in listed) is (path is not None)


@pytest.mark.parametrize(("unit", "factor"), [("ms", 1000), ("s", 1)])
async def test_days_sum_up_the_meetings_begun_in_them(unit: Any, factor: int, freeze: Freeze) -> None:
    app = create_emulator(WORLD, daily_duration_unit=unit)
    for instant in (ANCHOR, ANCHOR + timedelta(days=2)):  # the second time, remembered days are asked for again
        freeze(instant)
        ret = (await ask(app, "getByTimeRange", ranged(FROM + timedelta(hours=5)))).json()["ret"]
        begun: dict[int, list[WorldConference]] = {}
        for c in MEETINGS:
            if c.start and c.start <= instant:
                midnight = c.start.astimezone(ZONE).replace(hour=0, minute=0, second=0)
                begun.setdefault(ms(midnight), []).append(c)
        assert [day["date"] for day in ret["details"]] == sorted(begun)
        for day in ret["details"]:
            meetings = begun[day["date"]]
            spans = [a for c in meetings for a in c.attendances if a.join <= instant]
            lengths = [min(c.end, instant) - c.start for c in meetings if c.start and c.end]
            assert day["meetingCount"] == len(meetings)
            assert day["meetingDuration"] == sum(length.total_seconds() for length in lengths) * factor
            assert day["meetingMemberCount"] == len(spans)
            assert day["peakNum"] == max(sum(a.join <= at.join < a.leave for a in spans) for at in spans)
        assert ret["sumMeetingCount"] == sum(day["meetingCount"] for day in ret["details"]) > 100
        assert ret["sumMeetingDuration"] == sum(day["meetingDuration"] for day in ret["details"])
        assert ret["sumMeetingMemberCount"] == sum(day["meetingMemberCount"] for day in ret["details"])


async def test_days_are_remembered_only_whole_and_settled(freeze: Freeze) -> None:
    """A meeting that goes on over midnight still adds to its day, and a part of a remembered day is counted anew."""
    late = World(seed=5, conferences=900, days=3, anchor=datetime(2026, 3, 12, 15, 30, tzinfo=UTC))
    midnight = datetime(2026, 3, 12, 16, tzinfo=UTC)
    day = ranged(midnight - timedelta(days=1), midnight)
    app = create_emulator(late)
    sums = []
    for instant in (midnight + SECOND, midnight + timedelta(hours=30), midnight + timedelta(hours=30)):
        freeze(instant)
        sums.append((await ask(app, "getByTimeRange", day)).json()["ret"])
    assert sums[0]["sumMeetingDuration"] < sums[1]["sumMeetingDuration"]
    assert sums[1] == sums[2]
    half = (await ask(app, "getByTimeRange", ranged(midnight - timedelta(hours=9), midnight))).json()["ret"]
    assert 0 < half["sumMeetingCount"] < sums[1]["sumMeetingCount"]


async def test_members_are_those_who_joined_by_now(freeze: Freeze) -> None:
    live = next(c for c in MEETINGS if c.start and len({a.leave for a in c.attendances}) > 2)
    now = min(a.leave for a in live.attendances)
    freeze(now)
    row = await detail(create_emulator(WORLD), live)
    clients = {"TV": 1, "IOS": 2, "ANDROID": 3, "WINDOWS": 4, "MAC": 5, "WEB": 6, "SIP": 7, "LINUX": 8}
    wanted = [
        {
            "id": unique_id(live) * 1000 + a.ordinal,
            "accountId": a.person.account_id,
            "nickname": a.person.name,
            "joinTime": text(a.join),
            "exitTime": text(a.leave) if a.leave <= now else "",
            "duration": (min(a.leave, now) - a.join).total_seconds(),
            "clientType": clients[a.client],
        }
        for a in live.attendances
        if a.join <= now
    ]
    assert sorted(row["members"], key=lambda member: int(member["id"])) == wanted
    assert {member["exitTime"] == "" for member in wanted} == {True, False}
    assert row["memberCount"] == len({member["accountId"] for member in wanted})


async def test_an_unknown_meeting_may_be_an_empty_array() -> None:
    app = create_emulator(WORLD, unknown_detail="empty")
    for number in (7, 10**9):
        assert (await ask(app, "detail", {"meetingUniqueId": number})).json()["ret"] == []


def end_known(c: WorldConference) -> datetime:
    if c.start and c.end and c.start <= ANCHOR:
        return min(c.end, ANCHOR)
    return c.scheduled_end or c.created


@pytest.mark.parametrize("hours", [-60, -26, -1, 2])
async def test_the_range_may_filter_other_times(hours: int) -> None:
    start = ANCHOR + timedelta(hours=hours)
    end = start + timedelta(hours=20)
    filters: list[tuple[TimeFilter, Key]] = [("end", end_known), ("creation", lambda c: c.created)]
    for time_filter, key in filters:
        rows = await walk(create_emulator(WORLD, time_filter=time_filter), ranged(start, end))
        assert sorted(row["meetingUniqueId"] for row in rows) == expected(key, start, end)
    rows = await walk(create_emulator(WORLD, time_filter="overlap"), ranged(start, end))
    begun_inside = expected(lambda c: c.sort_time_at(ANCHOR), start, end)
    gone_over_into = [
        unique_id(c) for c in MEETINGS if c.sort_time_at(ANCHOR) < start < end_known(c) and c.created <= ANCHOR
    ]
    assert sorted(row["meetingUniqueId"] for row in rows) == sorted(begun_inside + gone_over_into)


@pytest.mark.parametrize("is_early", [True, False])
async def test_a_meeting_yet_to_begin_is_found_by_its_booking(is_early: bool) -> None:
    coming = [(c, c.scheduled_start) for c in MEETINGS if c.start and c.start > ANCHOR >= c.created]
    booked, start = next((c, at) for c, at in coming if at and (c.sort_time < at if is_early else c.sort_time > at))
    rows = await walk(create_emulator(WORLD), ranged(start, start + SECOND))
    assert unique_id(booked) in [row["meetingUniqueId"] for row in rows]


async def test_the_range_may_include_its_end() -> None:
    start = next(c.start for c in MEETINGS if c.start)
    counts = []
    for is_inclusive in (False, True):
        app = create_emulator(WORLD, end_is_inclusive=is_inclusive)
        counts.append((await ask(app, "list", ranged(start, start))).json()["ret"]["query"]["totalCount"])
    assert counts[0] == 0 < counts[1]


async def test_rows_may_come_twice() -> None:
    rows = await walk(create_emulator(WORLD, repeats_rows=True), ranged())
    once = await walk(create_emulator(WORLD), ranged())
    ids = [row["meetingUniqueId"] for row in rows]
    assert len(ids) > len(set(ids)) == len(once)
