"""SYSTEC's twin: its bodies have the sample's shape, equal the world, and refuse what the vendor refuses."""

from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import httpx
import pytest
from conftest import sample
from twins import Time, assert_same_shape, lasted

from graph import clock
from graph.sandbox.world import Phase, World, WorldConference
from graph.vendors.systec.emulator import (
    conference_of,
    create_emulator,
    emulator_settings,
    planned_minutes,
    uuid_of,
)

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))
DAY = timedelta(days=1)
BOTH = {"show_participants": "true", "show_telephony_usage": "true"}
PATH = "/umeeting/share/detail"


class Systec:
    """Asks a twin, by default about a stretch that has all of the world in it but for the oldest days."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client

    async def post(self, **changes: str | None) -> Any:
        asked: dict[str, Any] = emulator_settings(self.world) | {"from": "2026-02-14", "to": "2026-03-12"} | changes
        response = await self.client.post(PATH, data={name: it for name, it in asked.items() if it is not None})
        assert response.status_code == 200
        return response.json()

    async def rows(self, **changes: str | None) -> list[dict[str, Any]]:
        """The whole list, page by page."""
        rows, number, has_next_page = [], 1, True
        while has_next_page:
            page = (await self.post(**{"page_size": "40"} | changes, page_number=str(number)))["data"]
            rows += page["meetings"]
            has_next_page = page["has_next_page"]
            number += 1
        assert len(rows) == page["total_record"]
        return rows


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, conferences=600, days=40, anchor=NOW)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Time:
    frozen = Time(NOW)
    monkeypatch.setattr(clock, "now", lambda: frozen.now)
    return frozen


@pytest.fixture
async def vendors(world: World, frozen: Time) -> AsyncIterator[Callable[..., Systec]]:
    """Makes twins with options."""
    assert frozen.now == NOW
    clients = []

    def make(**options: Any) -> Systec:
        transport = httpx.ASGITransport(create_emulator(world, **options))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://systec"))
        return Systec(world, clients[-1])

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def vendor(vendors: Callable[..., Systec]) -> Systec:
    return vendors()


def ended(world: World, first: date, until: date, now: datetime = NOW) -> dict[str, WorldConference]:
    """What began in some days of China and is over, by uuid."""
    start, end = midnight(first), midnight(until)
    found = (it for it in world.all("systec") if it.phase(now) is Phase.ENDED)
    return {uuid_of(it): it for it in found if it.start is not None and start <= it.start < end}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


async def test_bodies_have_the_shape_of_the_sample(vendor: Systec, world: World) -> None:
    some = next(it for it in ended(world, date(2026, 2, 14), date(2026, 3, 12)).values() if it.phone_legs)
    body = await vendor.post(**BOTH, uuid=uuid_of(some))
    assert_same_shape(body, sample("systec-detail"))


async def test_lists_the_ended_conferences_of_the_world(vendor: Systec, world: World) -> None:
    rows = {row["uuid"]: row for row in await vendor.rows(**BOTH)}
    expected = ended(world, date(2026, 2, 14), date(2026, 3, 12))
    assert rows.keys() == expected.keys()
    for uuid, row in rows.items():
        conference = expected[uuid]
        assert (instant(row["start_time"]), instant(row["end_time"])) == (conference.start, conference.end)
        assert (row["host_id"], row["meeting_id"]) == (conference.room.host_id, conference.number)
        assert (row["topic"], row["is_extra"]) == (conference.title, int(conference.is_extra))
        assert row["duration"] == planned_minutes(conference)
        assert [(it["name"], instant(it["join_time"]), instant(it["leave_time"])) for it in row["participants"]] == [
            (span.person.name, span.join, span.leave) for span in conference.attendances
        ]
        assert [
            (it["phone_number"], instant(it["start_time"]), instant(it["end_time"]), it["duration"], it["total"])
            for it in row["telephony_usage"]
        ] == [
            (leg.number, leg.start, leg.end, lasted(leg.start, leg.end) / 60, leg.fen / 100)
            for leg in conference.phone_legs
        ]


async def test_planned_minutes_are_booked_else_rounded_up(world: World) -> None:
    found = ended(world, date(2026, 2, 1), date(2026, 3, 12)).values()
    booked = next(it for it in found if it.scheduled_start)
    assert planned_minutes(booked) * 60 == lasted(booked.scheduled_start, booked.scheduled_end)
    instants = [replace(it, scheduled_start=None, scheduled_end=None) for it in found]
    assert all(0 <= planned_minutes(it) * 60 - lasted(it.start, it.end) < 60 for it in instants)
    assert any(lasted(it.start, it.end) % 60 for it in instants)


async def test_people_and_legs_come_only_when_asked_for(vendor: Systec) -> None:
    for flags in ({}, {"show_participants": "true"}, {"show_telephony_usage": "true"}, dict.fromkeys(BOTH, "false")):
        row = (await vendor.post(**flags))["data"]["meetings"][0]
        assert ("participants" in row) is (flags.get("show_participants") == "true")
        assert ("telephony_usage" in row) is (flags.get("show_telephony_usage") == "true")


async def test_a_conference_shows_up_once_it_is_over(vendor: Systec, world: World, frozen: Time) -> None:
    live = world.live("systec", NOW)[0]
    assert live.end is not None
    before = (await vendor.post())["data"]["total_record"]
    assert uuid_of(live) not in {row["uuid"] for row in await vendor.rows()}
    frozen.now = live.end
    assert uuid_of(live) in {row["uuid"] for row in await vendor.rows()}
    assert (await vendor.post())["data"]["total_record"] > before


async def test_pages_tell_where_they_are(vendor: Systec) -> None:
    first = (await vendor.post())["data"]
    assert (first["page_number"], first["page_size"], len(first["meetings"])) == (1, 30, 30)
    assert (first["has_previous_page"], first["has_next_page"]) == (False, True)
    pages = first["total_page"]
    assert pages == (first["total_record"] + 29) // 30
    last = (await vendor.post(page_number=str(pages)))["data"]
    assert (last["has_previous_page"], last["has_next_page"]) == (True, False)
    beyond = (await vendor.post(page_number=str(pages + 1)))["data"]
    assert (beyond["meetings"], beyond["has_next_page"]) == ([], False)
    assert await vendor.post() == await vendor.post()


async def test_rows_come_in_no_useful_order(vendor: Systec) -> None:
    starts = [row["start_time"] for row in await vendor.rows()]
    assert starts not in (sorted(starts), sorted(starts, reverse=True))


async def test_days_need_no_padding_and_the_echo_has_none_in_from(vendor: Systec) -> None:
    padded, unpadded = await vendor.post(), await vendor.post(**{"from": "2026-2-14", "to": "2026-3-12"})
    assert padded == unpadded
    assert (padded["data"]["from"], padded["data"]["to"]) == ("2026-2-14", "2026-03-12")


@pytest.mark.parametrize(
    ("last", "first"),
    [("2026-03-12", date(2026, 2, 12)), ("2026-03-08", date(2026, 2, 8)), ("2026-03-31", date(2026, 2, 28))],
)
async def test_a_long_range_is_silently_cut_to_its_last_month(
    vendor: Systec, world: World, last: str, first: date
) -> None:
    body = await vendor.post(**{"from": "2020-01-01", "to": last})
    assert (body["status"], body["message"]) == (200, "OK")
    assert body["data"]["from"] == f"{first.year}-{first.month}-{first.day}"
    rows = await vendor.rows(**{"from": "2020-01-01", "to": last})
    whole = ended(world, date(2026, 1, 1), date.fromisoformat(last))
    assert {row["uuid"] for row in rows} == ended(world, first, date.fromisoformat(last)).keys() != whole.keys()


async def test_a_range_of_a_month_is_not_cut(vendor: Systec) -> None:
    body = await vendor.post(**{"from": "2026-02-10", "to": "2026-03-10"})
    assert body["data"]["from"] == "2026-2-10"


@pytest.mark.parametrize("is_inclusive", [False, True])
async def test_the_day_of_to_belongs_to_the_range_by_option(
    vendors: Callable[..., Systec], world: World, is_inclusive: bool
) -> None:
    rows = await vendors(to_is_inclusive=is_inclusive).rows(**{"from": "2026-03-01", "to": "2026-03-05"})
    with_the_day = ended(world, date(2026, 3, 1), date(2026, 3, 6))
    without = ended(world, date(2026, 3, 1), date(2026, 3, 5))
    assert with_the_day.keys() != without.keys()
    assert {row["uuid"] for row in rows} == (with_the_day if is_inclusive else without).keys()


@pytest.mark.parametrize("is_inclusive", [False, True])
async def test_the_default_range_is_today(vendors: Callable[..., Systec], world: World, is_inclusive: bool) -> None:
    rows = await vendors(to_is_inclusive=is_inclusive).rows(**{"from": None, "to": None})
    today = ended(world, date(2026, 3, 10), date(2026, 3, 11))
    assert {row["uuid"] for row in rows} == today.keys() != set()


async def test_one_record_is_found_by_uuid_over_all_time(vendor: Systec, world: World) -> None:
    uuid, conference = next(iter(ended(world, date(2026, 1, 1), date(2026, 2, 5)).items()))
    for period, is_found in (({"from": None, "to": None}, True), ({}, False)):
        meetings = (await vendor.post(uuid=uuid, **period))["data"]["meetings"]
        assert [row["topic"] for row in meetings] == [conference.title] * is_found
    live = world.live("systec", NOW)[0]
    for nothing in (uuid_of(live), "dgvOvqWVRUWjrEOS2YI2ig==", "no base64"):
        assert (await vendor.post(uuid=nothing, **{"from": None, "to": None}))["data"]["meetings"] == []


async def test_the_uuid_is_ignored_by_option(vendors: Callable[..., Systec], world: World) -> None:
    uuid = next(iter(ended(world, date(2026, 2, 14), date(2026, 2, 20))))
    vendor = vendors(ignores_uuid=True)
    assert await vendor.post(uuid=uuid) == await vendor.post()


async def test_uuids_are_base64_of_sixteen_bytes_and_lead_back(world: World) -> None:
    uuids = {uuid_of(it): it for it in world.all("systec")}
    assert all(len(b64decode(uuid, validate=True)) == 16 for uuid in uuids)
    assert {sign for sign in "/+=" if any(sign in uuid for uuid in uuids)} == set("/+=")
    assert all(conference_of(world, uuid) == it for uuid, it in uuids.items())


async def test_one_room_is_asked_for_by_host_id(vendor: Systec, world: World) -> None:
    everyone = ended(world, date(2026, 2, 14), date(2026, 3, 12))
    room = Counter(it.room for it in everyone.values()).most_common(1)[0][0]
    rows = await vendor.rows(host_id=room.host_id)
    assert {row["uuid"] for row in rows} == {uuid for uuid, it in everyone.items() if it.room == room}
    assert await vendor.rows(host_id="nobody") == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        *(({name: wrong}, 401) for name in ("api_key", "api_secret") for wrong in (None, "", "other")),
        *(({"page_size": text}, 400) for text in ("0", "301", "-1", "many", "")),
        *(({"page_number": text}, 400) for text in ("0", "-1", "1.5")),
        *(({name: text}, 400) for name in ("from", "to") for text in ("20260301", "2026-02-30", "2026-03-01 00:00")),
        *(({name: text}, 400) for name in BOTH for text in ("True", "1", "")),
        ({"to": "2026-02-14"}, 400),
        ({"to": "2026-02-13"}, 400),
    ],
)
async def test_refuses_by_status_in_the_body(vendor: Systec, changes: dict[str, str | None], status: int) -> None:
    body = await vendor.post(**changes)
    assert body["status"] == status
    assert body.keys() == {"status", "message"}
    assert body["message"] not in ("", "OK")


async def test_refuses_another_method_or_content_type(vendor: Systec) -> None:
    assert (await vendor.client.get(PATH)).status_code == 405
    assert (await vendor.client.post(PATH, json=emulator_settings(vendor.world))).json()["status"] == 415
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await vendor.client.post(PATH, content=b"api_key=\xff", headers=form)).json()["status"] == 400


async def test_the_page_cap_is_an_option(vendors: Callable[..., Systec]) -> None:
    assert (await vendors().post(page_size="300"))["status"] == 200
    assert (await vendors(page_cap=20).post(page_size="21"))["status"] == 400


@pytest.mark.parametrize("time_filter", ["start", "end", "overlap", "creation"])
async def test_the_range_filters_what_the_option_says(
    vendors: Callable[..., Systec], world: World, time_filter: str
) -> None:
    start, end = midnight(date(2026, 3, 2)), midnight(date(2026, 3, 9))

    def is_in(it: WorldConference) -> bool:
        assert it.start is not None
        assert it.end is not None
        if time_filter == "overlap":
            return it.start < end and it.end > start
        return start <= {"start": it.start, "end": it.end, "creation": it.created}[time_filter] < end

    rows = await vendors(time_filter=time_filter).rows(**{"from": "2026-03-02", "to": "2026-03-09"})
    everyone = ended(world, date(2026, 1, 1), date(2026, 3, 12))
    assert {row["uuid"] for row in rows} == {uuid for uuid, it in everyone.items() if is_in(it)} != set()


@pytest.mark.parametrize("is_inclusive", [False, True])
async def test_the_midnight_that_ends_the_range_belongs_to_it_by_option(
    vendors: Callable[..., Systec], world: World, is_inclusive: bool
) -> None:
    def moved(vendor: str, start: datetime, end: datetime) -> list[WorldConference]:
        """One conference, begun at midnight."""
        assert vendor == "systec"
        return [at_midnight] if start <= midnight(date(2026, 3, 5)) < end else []

    some = next(iter(ended(world, date(2026, 3, 4), date(2026, 3, 5)).values()))
    at_midnight = replace(some, start=midnight(date(2026, 3, 5)), end=midnight(date(2026, 3, 6)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "between", moved)
        rows = await vendors(end_is_inclusive=is_inclusive).rows(**{"from": "2026-03-01", "to": "2026-03-05"})
    assert len(rows) == is_inclusive


async def test_an_unknown_time_filter_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="time_filter"):
        create_emulator(world, time_filter="begin")


async def test_rows_come_twice_by_option(vendors: Callable[..., Systec]) -> None:
    once = {row["uuid"] for row in await vendors().rows()}
    seen = Counter(row["uuid"] for row in await vendors(repeats_rows=True).rows())
    assert seen.keys() == once
    assert set(seen.values()) == {1, 2}


async def test_the_documented_body_comes_verbatim_once(vendors: Callable[..., Systec]) -> None:
    body = sample("systec-detail")
    vendor = vendors(documented={"detail": body})
    assert await vendor.post() == body
    assert await vendor.post(page_number="2") == {**body, "data": {**body["data"], "meetings": []}}
    assert (await vendor.post(api_key="other"))["status"] == 401
