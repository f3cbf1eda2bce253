"""What is found by scanning HexMeet: members, calls, rows by id, capacities."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from vendors.hexmeet_app import NOW, OK, call_guid, call_row, conference_row, hexmeet, histogram, own_clock, page

from graph.errors import (
    LookupLimitError,
    VendorRefusedError,
    VendorUnavailableError,
)
from graph.paging.windows import Window
from graph.records import Call, ClientType, Conference, UsageSubject
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.hexmeet.adapter import HexmeetAdapter
from graph.vendors.hexmeet.scans import Whereabouts, cut_newest_first, estimate_rows, join_spans

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Answer = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


def answer_range(rows: list[dict[str, Any]]) -> Answer:
    """Answers those rows that start in the range asked for."""
    return lambda body: page([row for row in rows if body["start_time"] <= _wire(row["startTime"]) < body["end_time"]])


def _wire(text: str) -> str:
    return (
        datetime.fromisoformat(text)
        .astimezone(datetime.fromisoformat("2021-01-01T00:00+08:00").tzinfo)
        .isoformat(timespec="milliseconds")
    )


def ranges(bodies: list[dict[str, Any]]) -> list[Window]:
    return [Window(*(datetime.fromisoformat(body[key]) for key in ("start_time", "end_time"))) for body in bodies]


async def all_conferences(adapter: HexmeetAdapter) -> list[Conference]:
    return list((await adapter.list_conferences(ConferenceQuery(Window(NOW - 9 * DAY, NOW)))).rows)


# ---- windows ------------------------------------------------------------------------------------


def test_spans_that_touch_or_whose_gap_is_worth_it_become_one() -> None:
    spans = [Window(NOW + n * HOUR, NOW + (n + 1) * HOUR) for n in (9, 0, 1, 3)]
    inner = Window(NOW, NOW + HOUR / 2)
    joined = join_spans([*spans, inner], lambda gap: gap.end - gap.start <= HOUR)
    assert joined == [Window(NOW, NOW + 4 * HOUR), Window(NOW + 9 * HOUR, NOW + 10 * HOUR)]


def test_rows_are_estimated_by_the_share_of_each_day() -> None:
    per_day = {NOW: 24, NOW + DAY: 48, NOW + 2 * DAY: 1000}
    assert estimate_rows(Window(NOW + 23 * HOUR, NOW + 25 * HOUR), per_day) == pytest.approx(3.0)


def test_a_search_goes_back_in_growing_spans_without_a_gap() -> None:
    per_day = {NOW - n * DAY: 10 for n in range(1, 31)}
    spans = cut_newest_first(Window(NOW - 31 * DAY, NOW), per_day, 20)
    assert [span.end for span in spans] == [NOW] + [span.start for span in spans[:-1]]
    assert [(span.end - span.start).days for span in spans] == [2, 8, 21]


def test_whereabouts_are_narrowed_bounded_and_forget_the_oldest() -> None:
    whereabouts = Whereabouts(max_entries=2)
    whereabouts.remember("a", Window(NOW - DAY, NOW))
    whereabouts.remember("b", Window(NOW, NOW + HOUR))
    whereabouts.remember("a", Window(NOW - HOUR, NOW + HOUR))
    whereabouts.remember("c", Window(NOW, NOW + HOUR))
    whereabouts.remember("c", Window(NOW - DAY, NOW - HOUR))
    assert whereabouts.find(["a", "b", "c"]) == [Window(NOW - HOUR, NOW), Window(NOW, NOW + HOUR)]


def test_whereabouts_that_are_full_make_room_for_more_than_one() -> None:
    whereabouts = Whereabouts(max_entries=20)
    whereabouts.remember_starts((str(number), NOW) for number in range(20))
    whereabouts.remember_starts([("0", NOW), ("20", NOW)])
    assert [number for number in range(21) if str(number) in whereabouts] == [0, *range(4, 21)]


# ---- members and calls --------------------------------------------------------------------------


async def test_one_scan_serves_the_members_and_calls_of_all_conferences() -> None:
    conferences = [conference_row(n, NOW - n * HOUR) for n in (3, 2, 1)]
    calls = [call_row(n, 1 + n % 4, NOW - 3 * HOUR + n * HOUR / 4) for n in range(12)]
    answers = {"term_conf_stats": [page(conferences)], "term_call_stats": [page([*calls, *calls], 12)]}
    async with hexmeet(answers) as (adapter, vendor):
        parents = await all_conferences(adapter)
        members, legs = await asyncio.gather(adapter.read_members(parents), adapter.read_calls(parents))
        again = await adapter.read_calls(parents)
        bodies = vendor.of("term_call_stats")
    minute = timedelta(minutes=1)
    assert ranges(bodies) == [Window(NOW - 3 * HOUR - minute, NOW + minute)]
    assert [[leg.vendor_id for leg in found] for found in legs if isinstance(found, tuple)] == [
        [call_guid(n) for n in (2, 6, 10)],
        [call_guid(n) for n in (1, 5, 9)],
        [call_guid(n) for n in (0, 4, 8)],
    ]
    assert again == legs
    first = members[0]
    assert isinstance(first, tuple)
    assert [member.vendor_id for member in first] == [call_guid(n) for n in (2, 6, 10)]


async def test_a_member_is_what_its_call_tells() -> None:
    call = call_row(1, 1, NOW - HOUR, name="刘冲安卓", version="EasyVideo 1.4")
    answers = {"term_conf_stats": [page([conference_row(1, NOW - HOUR)])], "term_call_stats": [page([call])]}
    async with hexmeet(answers) as (adapter, _):
        (members,) = await adapter.read_members(await all_conferences(adapter))
    assert isinstance(members, tuple)
    (member,) = members
    assert (member.vendor_id, member.conference_vendor_id) == (call_guid(1), f"{1:032x}")
    assert (member.display_name, member.client_version) == ("刘冲安卓", "EasyVideo 1.4")
    assert (member.joined_at, member.left_at, member.duration_seconds) == (NOW - HOUR, NOW - HOUR * 5 / 6, 600)
    assert (member.client_type, member.role, member.vendor_fields) == (ClientType.UNKNOWN, None, None)


@pytest.mark.parametrize(("rows_between", "scans"), [(7, 1), (9, 2)])
async def test_a_gap_is_read_while_it_costs_less_than_a_scroll(rows_between: int, scans: int) -> None:
    """Four pages of two rows are the price of another scroll."""
    conferences = [conference_row(1, NOW - 50 * HOUR), conference_row(2, NOW - HOUR)]
    per_day = {NOW - 50 * HOUR + n * DAY: rows_between // 2 + n % 2 for n in range(2)}
    answers = {
        "term_conf_stats": [page(conferences)],
        "term_call_stats": lambda _: page([]),
        "datehistgram_stats": [histogram(per_day)],
    }
    async with hexmeet(answers, page_size=2) as (adapter, vendor):
        await adapter.read_calls(await all_conferences(adapter))
        assert len(vendor.of("term_call_stats")) == scans
        assert [body["target"] for body in vendor.of("datehistgram_stats")] == ["call"]


async def test_a_scan_that_failed_is_told_for_each_conference_and_not_remembered() -> None:
    answers = {
        "term_conf_stats": [page([conference_row(1, NOW - HOUR), conference_row(2, NOW - HOUR)])],
        "term_call_stats": [{**OK, "err_code": 7}, page([])],
    }
    async with hexmeet(answers) as (adapter, _):
        parents = await all_conferences(adapter)
        assert [type(found) for found in await adapter.read_members(parents)] == [VendorRefusedError] * 2
        assert await adapter.read_members(parents) == [(), ()]


async def test_who_leaves_does_not_stop_the_scan_for_others() -> None:
    gate = asyncio.Event()

    async def slow() -> dict[str, Any]:
        await gate.wait()
        return page([call_row(1, 1, NOW - HOUR)])

    answers = {"term_conf_stats": [page([conference_row(1, NOW - HOUR)])], "term_call_stats": [slow()]}
    async with hexmeet(answers) as (adapter, _):
        parents = await all_conferences(adapter)
        leaving, staying = (asyncio.create_task(adapter.read_calls(parents)) for _ in range(2))
        await asyncio.sleep(0.05)
        leaving.cancel()
        gate.set()
        (calls,) = await staying
    assert isinstance(calls, tuple)
    assert len(calls) == 1


async def test_no_conferences_cost_no_request() -> None:
    async with hexmeet({}) as (adapter, vendor):
        assert await adapter.read_members([]) == []
        assert vendor.asked == []


# ---- by id --------------------------------------------------------------------------------------


async def test_rows_that_were_read_are_found_where_they_lie(time: list[float]) -> None:
    conferences = [conference_row(n, NOW - n * HOUR / 2) for n in range(1, 4)]
    calls = [call_row(1, 1, NOW - HOUR)]
    answers = {"term_conf_stats": answer_range(conferences), "term_call_stats": answer_range(calls)}
    async with hexmeet(answers, max_open_scrolls=0) as (adapter, vendor):
        listed = await all_conferences(adapter)
        await adapter.list_calls(Window(NOW - DAY, NOW))
        wanted = [f"{3:032x}", f"{1:032x}"]
        assert await adapter.get_conferences(wanted, Extras()) == [listed[2], listed[0]]
        (call,) = await adapter.get_calls([call_guid(1)])
        assert isinstance(call, Call)
        looked_up = ranges([vendor.of("term_conf_stats")[1], vendor.of("term_call_stats")[1]])
    moment = timedelta(milliseconds=1)
    assert looked_up == [
        Window(NOW - 3 * HOUR / 2, NOW - HOUR / 2 + moment),
        Window(NOW - HOUR, NOW - HOUR + moment),
    ]
    assert time == [100.0]


async def test_a_conference_is_looked_for_where_its_calls_were_met(time: list[float]) -> None:
    conference = conference_row(1, NOW - 5 * DAY)
    calls = [call_row(n, 1, NOW - 5 * DAY + n * HOUR) for n in range(3)]
    answers = {"term_conf_stats": answer_range([conference]), "term_call_stats": [page(calls)]}
    async with hexmeet(answers) as (adapter, vendor):
        await adapter.list_calls(Window(NOW - 9 * DAY, NOW))
        (found,) = await adapter.get_conferences([f"{1:032x}"], Extras())
        asked = ranges(vendor.of("term_conf_stats"))
    assert isinstance(found, Conference)
    assert asked == [Window(NOW - 5 * DAY - 23 * HOUR, NOW - 5 * DAY + timedelta(minutes=1))]
    assert time == [100.0]


async def test_unknown_ids_are_searched_together_newest_first_until_all_are_met(time: list[float]) -> None:
    conferences = [conference_row(n, NOW - n * DAY + HOUR) for n in range(1, 31)]
    per_day = {NOW - n * DAY: 1 for n in range(1, 31)}
    answers = {"term_conf_stats": answer_range(conferences), "datehistgram_stats": lambda _: histogram(per_day)}
    async with hexmeet(answers, page_size=1) as (adapter, vendor):
        found = await adapter.get_conferences([f"{n:032x}" for n in (7, 2)], Extras())
        asked = ranges(vendor.of("term_conf_stats"))
    assert [getattr(row, "vendor_id", None) for row in found] == [f"{7:032x}", f"{2:032x}"]
    assert asked == [Window(NOW - 4 * DAY, NOW), Window(NOW - 20 * DAY, NOW - 4 * DAY)]
    assert time == [100.0]


async def test_absence_is_not_proven_by_a_search(time: list[float]) -> None:
    answers = {"term_conf_stats": lambda _: page([]), "datehistgram_stats": lambda _: histogram({})}
    async with hexmeet(answers, lookup_days=12) as (adapter, vendor):
        near = NOW - 400 * DAY
        (unmet,) = await adapter.get_conferences(["f" * 32], Extras())
        (unmet_there,) = await adapter.get_conferences(["f" * 32], Extras(), near)
        asked = ranges(vendor.of("term_conf_stats"))
    assert asked == [Window(NOW - 12 * DAY, NOW), Window(near - DAY, near + DAY)]
    assert isinstance(unmet, LookupLimitError)
    assert unmet.message == (
        "hex was searched back 12 days, and this id was not met: `conference(startedNear:)`, or a larger lookup_days, "
        "reaches further."
    )
    assert isinstance(unmet_there, LookupLimitError)
    assert unmet_there.message == (
        "hex was searched around the time given, and this id was not met: another `startedNear` may find it."
    )
    assert time == [100.0]


async def test_what_is_not_listed_where_it_was_met_is_not_said_to_be_old(time: list[float]) -> None:
    """A conference that goes on: a call of it has ended, it has not. A stranger is said to be searched for."""
    answers = {
        "term_conf_stats": lambda _: page([]),
        "term_call_stats": [page([call_row(1, 1, NOW - HOUR)])],
        "datehistgram_stats": lambda _: histogram({}),
    }
    async with hexmeet(answers) as (adapter, vendor):
        await adapter.list_calls(Window(NOW - DAY, NOW))
        (ongoing,) = await adapter.get_conferences([f"{1:032x}"], Extras())
        assert len(vendor.of("term_conf_stats")) == 1
        beside, stranger = await adapter.get_conferences([f"{1:032x}", f"{2:032x}"], Extras())
    for unlisted in (ongoing, beside):
        assert isinstance(unlisted, LookupLimitError)
        assert unlisted.message == ("hex does not list this id now: what goes on is listed only once it has ended.")
    assert isinstance(stranger, LookupLimitError)
    assert "searched back 31 days" in stranger.message
    assert time == [100.0]


async def test_what_is_no_id_is_absent_without_a_request() -> None:
    async with hexmeet({}) as (adapter, vendor):
        assert await adapter.get_conferences(["A" * 32, "", "a" * 31, f"{'a' * 32}\n"], Extras()) == [None] * 4
        assert await adapter.get_calls(["a" * 32, call_guid(1).upper() + "0"]) == [None] * 2
        assert vendor.asked == []


async def test_a_failing_search_is_told_for_each_id_not_found(time: list[float]) -> None:
    per_day = {NOW - n * DAY: 1 for n in range(1, 31)}
    answers = {
        "term_call_stats": [page([call_row(1, 1, NOW - HOUR)]), (502, b"")],
        "datehistgram_stats": [histogram(per_day)],
    }
    async with hexmeet(answers, page_size=1) as (adapter, _):
        found, failed, absent = await adapter.get_calls([call_guid(1), call_guid(2), "no id"])
    assert isinstance(found, Call)
    assert isinstance(failed, VendorUnavailableError)
    assert absent is None
    assert time == [100.0]


async def test_a_rooms_capacity_is_what_its_newest_conference_says() -> None:
    rows = [
        conference_row(1, NOW - 2 * HOUR, room_name="North", capacity=20),
        conference_row(2, NOW - 5 * HOUR, room_name="North", capacity=10),
        conference_row(3, NOW - 5 * HOUR, room_name="South"),
    ]
    async with hexmeet({"term_conf_stats": [page(rows)]}) as (adapter, vendor):
        assert await adapter.get_room_capacities(["South", "North", "West"], Window(NOW - DAY, NOW)) == [None, 20, None]
        assert len(vendor.asked) == 1


async def test_days_are_counted_without_a_scroll() -> None:
    per_day = {NOW - 12 * HOUR: 3, NOW + 12 * HOUR: 0}
    async with hexmeet({"datehistgram_stats": [histogram(per_day)]}) as (adapter, vendor):
        assert await adapter.count_per_day(UsageSubject.CALLS, Window(NOW - DAY, NOW + DAY)) == per_day
    assert vendor.asked[0].body["target"] == "call"
