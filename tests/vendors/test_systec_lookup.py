"""SYSTEC by id: looked up by uuid while the vendor honours it, else met in one search; nothing is taken on trust."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from accounts import SYSTEC_DAY, systec, systec_page, systec_row
from mirrors import ANCHOR, expected, mirror
from recorder import Asked, Recorder

from graph import clock
from graph.errors import LookupLimitError, VendorAuthError
from graph.records import Call, Conference, Room
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.systec.adapter import UUID_IGNORED_FOR, Place
from graph.vendors.systec.detail import Met

pytestmark = pytest.mark.anyio

NOTHING = Extras()


def uuid(number: int) -> str:
    return base64.b64encode(number.to_bytes(16, "big")).decode()


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """A clock that stands at a noon, and the start of a meeting so many days before it."""
    noon = datetime.fromisoformat("2018-06-30T12:00:00+08:00")
    monkeypatch.setattr(clock, "now", lambda: noon)
    return lambda ago: (noon - timedelta(days=ago)).strftime("%Y-%m-%d %H:%M:%S")


def library(rows: list[dict[str, Any]], *, honours_uuid: bool) -> Recorder:
    """A vendor with some meetings, `to` exclusive, that honours `uuid` or passes it over.

    Without a range it answers a `uuid` over all time, and anything else for today.
    """

    def answer(asked: Asked) -> Any:
        form = asked.form
        uuid = form.get("uuid") if honours_uuid else None
        today = clock.now().date()
        first, to = form.get("from", f"{today}"), form.get("to", f"{today + timedelta(days=1)}")
        is_any_time = uuid is not None and "from" not in form
        found = [row for row in rows if is_any_time or first <= row["start_time"] < to]
        if uuid is not None:
            found = [row for row in found if row["uuid"] == uuid]
        if "host_id" in form:
            found = [row for row in found if row["host_id"] == form["host_id"]]
        size, number = int(form["page_size"]), int(form["page_number"])
        page = found[size * (number - 1) : size * number]
        return systec_page(*page, total=len(found), has_next=size * number < len(found))

    return Recorder(answer)


def ids(found: list[Conference | Exception | None]) -> list[str | None]:
    return [conference.vendor_id if isinstance(conference, Conference) else None for conference in found]


@pytest.mark.parametrize("honours_uuid", [True, False])
async def test_found_by_uuid_or_by_search(*, honours_uuid: bool, days: Callable[[int], str]) -> None:
    """In the order asked; what was not met is not called absent. Only a search ends somewhere."""
    rows = [systec_row(uuid=uuid(n), start_time=days(n), end_time="") for n in range(1, 40)]
    async with systec(library(rows, honours_uuid=honours_uuid), page_size=7) as adapter:
        wanted = [uuid(30), uuid(2), uuid(35), uuid(99)]
        found = await adapter.get_conferences(wanted, Extras(members=True))
    assert ids(found) == [uuid(30), uuid(2), uuid(35) if honours_uuid else None, None]
    assert isinstance(found[0], Conference)
    assert found[0].members is not None
    assert {type(value) for value in found[2:]} - {Conference} == {LookupLimitError}
    assert "searched back 31 days" in str(found[3])


async def test_a_uuid_that_is_honoured_costs_a_request_of_a_row(days: Callable[[int], str]) -> None:
    vendor = library([systec_row(uuid=uuid(n), start_time=days(3)) for n in range(9)], honours_uuid=True)
    async with systec(vendor) as adapter:
        assert ids(await adapter.get_conferences([uuid(4), uuid(5)], NOTHING)) == [uuid(4), uuid(5)]
    assert [(asked.form["uuid"], asked.form["page_size"]) for asked in vendor.asked] == [(uuid(4), "1"), (uuid(5), "1")]
    assert not any({"from", "to"} & asked.form.keys() for asked in vendor.asked)


async def test_the_twin_answers_a_uuid_by_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long ago the meeting was."""
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    async with mirror("systec", lookup_days=1) as source:
        oldest = expected("systec")[-1].vendor_id
        assert ids(await source.adapter.get_conferences([oldest], NOTHING)) == [oldest]
        assert source.faulty.requests == 1


async def test_a_uuid_honoured_within_a_range_only_is_met_in_the_days_of_the_search(days: Callable[[int], str]) -> None:
    """Without a range the vendor may mean today."""
    row = systec_row(uuid=uuid(1), start_time=days(29))

    def answer(asked: Asked) -> Any:
        is_met = asked.form.get("from", "9999") <= row["start_time"] < asked.form["to"]
        return systec_page(row) if is_met and asked.form["uuid"] == row["uuid"] else systec_page()

    vendor = Recorder(answer)
    async with systec(vendor) as adapter:
        found = await adapter.get_conferences([uuid(1), uuid(2)], NOTHING)
    assert ids(found) == [uuid(1), None]
    assert all("uuid" in asked.form for asked in vendor.asked)


async def test_a_uuid_that_is_ignored_is_asked_once_an_hour(
    days: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer shows it; from then on one search serves all ids together. After an hour it is tried again."""
    vendor = library([systec_row(uuid=uuid(n), start_time=days(0)) for n in range(9)], honours_uuid=False)
    async with systec(vendor) as adapter:
        assert ids(await adapter.get_conferences([uuid(n) for n in range(4, 8)], NOTHING)) == list(
            map(uuid, range(4, 8))
        )
        await adapter.get_conferences([uuid(99), uuid(98)], NOTHING)
        assert ["uuid" in asked.form for asked in vendor.asked] == [True, False, False, False]
        now = clock.now() + UUID_IGNORED_FOR
        monkeypatch.setattr(clock, "now", lambda: now)
        await adapter.get_conferences([uuid(99)], NOTHING)
        assert ["uuid" in asked.form for asked in vendor.asked[4:]] == [True, False, False]


async def test_a_meeting_seen_before_is_read_from_its_day(days: Callable[[int], str]) -> None:
    """However old it is; gone from its day it is absent, not merely unmet."""
    rows = [systec_row(uuid=uuid(1))]
    vendor = library(rows, honours_uuid=False)
    async with systec(vendor) as adapter:
        await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
        assert ids(await adapter.get_conferences([uuid(1)], NOTHING)) == [uuid(1)]
        rows.clear()
        assert await adapter.get_conferences([uuid(1)], NOTHING) == [None]
    assert days(0) > "2018"
    assert {(asked.form["from"], asked.form["to"]) for asked in vendor.asked} == {("2017-08-31", "2017-09-01")}


async def test_near_narrows_the_search() -> None:
    vendor = library([systec_row(uuid=uuid(1))], honours_uuid=False)
    async with systec(vendor, max_conference_hours=24) as adapter:
        near = SYSTEC_DAY.start + timedelta(hours=5)
        assert ids(await adapter.get_conferences([uuid(1)], NOTHING, near)) == [uuid(1)]
    ranges = [(asked.form.get("from"), asked.form.get("to")) for asked in vendor.asked]
    assert ranges == [(None, None), ("2017-08-30", "2017-09-02")]


async def test_what_is_no_uuid_costs_no_request() -> None:
    vendor = library([], honours_uuid=True)
    async with systec(vendor) as adapter:
        assert await adapter.get_conferences(["", "a b", "=", "x" * 65, "ü", "a\n"], NOTHING) == [None] * 6
    assert vendor.asked == []


async def test_a_failed_search_is_an_error_value(days: Callable[[int], str]) -> None:
    """For the ids that were not met before it failed."""
    recent = systec_page(systec_row(uuid=uuid(1), start_time=days(1)))
    async with systec(Recorder(recent, recent, {"status": 200, "data": 1})) as adapter:
        found, failed = await adapter.get_conferences([uuid(1), uuid(2)], NOTHING)
    assert isinstance(found, Conference)
    assert isinstance(failed, Exception)
    assert not isinstance(failed, LookupLimitError)


async def test_calls_by_id(days: Callable[[int], str]) -> None:
    """By the uuid they begin with; an unknown leg of a known meeting is absent."""
    vendor = library([systec_row(uuid=uuid(1), start_time=days(1))], honours_uuid=True)
    async with systec(vendor) as adapter:
        (known,) = await adapter.get_conferences([uuid(1)], Extras(calls=True))
        assert isinstance(known, Conference)
        assert known.calls is not None
        leg = known.calls[0]
        found = await adapter.get_calls([f"{uuid(1)}:0000000000:0", leg.vendor_id, f"{uuid(2)}:0000000000:0", "no id"])
    assert found[:2] == [None, leg]
    assert isinstance(found[1], Call)
    assert isinstance(found[2], LookupLimitError)
    assert found[3] is None


async def test_arrays_not_asked_for_at_first_are_read_together() -> None:
    """One scan per stretch of days with the flag that is needed; a failed stretch is an error value of its meetings."""
    old = systec_row(uuid=uuid(3), start_time="2017-05-01 10:00:00")
    rows = [systec_row(uuid=uuid(1)), systec_row(uuid=uuid(2), start_time="2017-09-10 10:00:00"), old]
    vendor = library(rows, honours_uuid=False)
    async with systec(vendor) as adapter:
        window = SYSTEC_DAY._replace(
            start=SYSTEC_DAY.start - timedelta(days=130), end=SYSTEC_DAY.end + timedelta(days=20)
        )
        token: object | None = Place(0, 1, Met())
        conferences: list[Conference] = []
        while token is not None:
            page = await adapter.list_conferences(ConferenceQuery(window), token)
            conferences += page.rows
            token = page.token
        vendor.asked.clear()
        members = await adapter.read_members(conferences)
        calls = await adapter.read_calls(conferences)
        assert [len(part) for part in (*members, *calls) if isinstance(part, tuple)] == [1] * 6
        assert [asked.form.get("show_participants") for asked in vendor.asked] == ["true", "true", None, None]
        assert sorted((asked.form["from"], asked.form["to"]) for asked in vendor.asked[:2]) == [
            ("2017-05-01", "2017-05-02"),
            ("2017-08-31", "2017-09-11"),
        ]
        vendor.answers = [{"status": 503}]
        failed = await adapter.read_members(conferences)
    assert len(failed) == 3
    assert all(isinstance(part, Exception) for part in failed)


async def test_rooms_by_host_id(days: Callable[[int], str]) -> None:
    """A room is there when a meeting was held in it lately; a row of another room proves nothing."""
    rows = [systec_row(uuid=uuid(1), host_id="a", start_time=days(30)), systec_row(uuid=uuid(2), start_time=days(1))]
    vendor = library(rows, honours_uuid=True)
    async with systec(vendor) as adapter:
        found = await adapter.get_rooms(["b", "a", "no room!"])
        assert found == [None, Room(source_name="sy", key="a", vendor_id="a"), None]
        assert {asked.form["page_size"] for asked in vendor.asked} == {"1"}
        vendor.answers = [systec_page(rows[1])]
        assert await adapter.get_rooms(["b"]) == [None]
        vendor.answers = [{"status": 401}]
        (failed,) = await adapter.get_rooms(["b"])
    assert isinstance(failed, VendorAuthError)
