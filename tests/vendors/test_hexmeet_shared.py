"""What callers of HexMeet share: a scan, within each one's own time; connections that break; rooms' capacities."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from clocks import own_clock
from starlette.responses import Response
from vendors.hexmeet_app import NOW, call_row, conference_row, hexmeet, histogram, page

from graph.errors import VendorTimeoutError, VendorUnavailableError, VendorUnreachableError
from graph.paging.windows import Window
from graph.transport.deadline import start_deadline
from graph.transport.messages import VendorRequest
from graph.transport.retries import COST, RESERVE, Retries
from graph.vendors.base import ConferenceQuery
from graph.vendors.hexmeet.adapter import HexmeetAdapter

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LAST_HOUR = Window(NOW - HOUR, NOW)
BROKEN = Response(b"", headers={"content-length": "100"})
"""Ends before it is whole, so that the server has to break the connection."""


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


# ---- one scan for all ---------------------------------------------------------------------------


@pytest.mark.parametrize("hurried_first", [True, False])
async def test_everybody_waits_for_a_shared_scan_within_their_own_deadline(*, hurried_first: bool) -> None:
    gate = asyncio.Event()

    async def slow() -> dict[str, Any]:
        await gate.wait()
        return page([call_row(1, 1, NOW - HOUR)])

    answers = {"term_conf_stats": [page([conference_row(1, NOW - HOUR)])], "term_call_stats": [slow()]}
    async with hexmeet(answers, timeout_s=60) as (adapter, vendor):
        parents = list((await adapter.list_conferences(ConferenceQuery(LAST_HOUR))).rows)

        async def ask(seconds: float) -> Any:
            start_deadline(seconds)
            return await adapter.read_calls(parents)

        async with asyncio.timeout(30):
            tasks = [asyncio.create_task(ask(seconds)) for seconds in ((0.3, 60) if hurried_first else (60, 0.3))]
            hurried, patient = tasks if hurried_first else reversed(tasks)
            (too_late,) = await hurried
            gate.set()
            (calls,) = await patient
        assert len(vendor.of("term_call_stats")) == 1
    assert isinstance(too_late, VendorTimeoutError)
    assert len(calls) == 1


# ---- broken connections -------------------------------------------------------------------------


async def test_a_first_page_that_broke_off_opens_another_scroll_in_a_slot_of_its_own(time: list[float]) -> None:
    answers = [BROKEN, page([]), page([])]
    async with hexmeet({"term_call_stats": answers}, max_open_scrolls=2, scroll_timeout_s=3) as (adapter, vendor):
        adapter.client._retries = Retries(1)
        assert (await adapter.list_calls(LAST_HOUR)).rows == []
        assert (len(vendor.asked), time) == (2, [100.0])
        await adapter.list_calls(LAST_HOUR)
    assert time == [103.0], "the one that broke off may be open too: both slots are taken until their timeout"


@pytest.mark.parametrize(("retries", "at_reserve"), [(0, 0), (2, RESERVE // COST)])
async def test_a_first_page_that_broke_off_is_asked_for_once_more_while_repetitions_can_be_paid_for(
    retries: int, at_reserve: int
) -> None:
    """Which a vendor that breaks off always gets few of."""
    async with hexmeet({"term_call_stats": lambda _: BROKEN}, max_open_scrolls=0) as (adapter, vendor):
        adapter.client._retries = Retries(retries)
        for _ in range(20):
            with pytest.raises(VendorUnavailableError):
                await adapter.list_calls(LAST_HOUR)
        assert 0 <= len(vendor.asked) - 20 - at_reserve <= at_reserve / 2, "and a tenth of the others"


async def test_a_later_page_that_broke_off_is_lost() -> None:
    answers = [page([call_row(1, 1, NOW - HOUR)], 2), BROKEN]
    async with hexmeet({"term_call_stats": answers}) as (adapter, vendor):
        token = (await adapter.list_calls(LAST_HOUR)).token
        with pytest.raises(VendorUnavailableError):
            await adapter.list_calls(LAST_HOUR, token)
        assert len(vendor.asked) == 2


@pytest.mark.parametrize(("status", "kind"), [(502, VendorUnavailableError), (None, VendorUnreachableError)])
async def test_a_vendor_that_is_down_is_not_asked_twice(
    monkeypatch: pytest.MonkeyPatch, status: int | None, kind: type[VendorUnavailableError]
) -> None:
    asked = []

    async def call(_: HexmeetAdapter, request: VendorRequest, __: Any) -> Any:
        asked.append(request.endpoint)
        raise kind("down", source="hex", endpoint=request.endpoint, status=status)

    async with hexmeet({}) as (adapter, _):
        monkeypatch.setattr(type(adapter.client), "call", call)
        with pytest.raises(kind):
            await adapter.list_calls(LAST_HOUR)
    assert asked == ["term_call_stats"]


# ---- capacities of rooms ------------------------------------------------------------------------

PER_DAY = histogram({NOW - n * DAY: 10 for n in range(1, 31)})


def starts(bodies: list[dict[str, Any]]) -> list[datetime]:
    """Where the ranges asked for start, each once."""
    return list(dict.fromkeys(datetime.fromisoformat(body["start_time"]) for body in bodies))


def endless(rows: list[dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Answers the rows of the range asked for, then pages of other conferences without an end."""
    numbers = iter(range(1000, 2000))

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        found = [row for row in rows if starts([body])[0] <= datetime.fromisoformat(row["startTime"])]
        return page([conference_row(next(numbers), NOW - 30 * DAY), *([] if "scrollid" in body else found)], 5000)

    return answer


async def test_capacities_are_searched_for_newest_first_until_all_rooms_were_met() -> None:
    rows = [
        conference_row(1, NOW - 1.5 * DAY, room_name="North", capacity=20),
        conference_row(2, NOW - 5 * DAY, room_name="North", capacity=10),
        conference_row(3, NOW - 6 * DAY, room_name="South", capacity=30),
    ]

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        start, end = (datetime.fromisoformat(body[key]) for key in ("start_time", "end_time"))
        return page([row for row in rows if start <= datetime.fromisoformat(row["startTime"]) < end])

    answers = {"term_conf_stats": answer, "datehistgram_stats": lambda _: PER_DAY}
    month = Window(NOW - 30 * DAY, NOW)
    async with hexmeet(answers, page_size=5, max_open_scrolls=0) as (adapter, vendor):
        assert await adapter.get_room_capacities(["North"], month) == [20]
        assert starts(vendor.of("term_conf_stats")) == [NOW - 2 * DAY]
        vendor.asked.clear()
        assert await adapter.get_room_capacities(["South", "North"], month) == [30, 20]
        assert starts(vendor.of("term_conf_stats")) == [NOW - 2 * DAY, NOW - 10 * DAY]


async def test_a_search_for_capacities_reads_ten_pages_at_the_most() -> None:
    rows = [conference_row(1, NOW - DAY, room_name="North", capacity=20)]
    answers = {"term_conf_stats": endless(rows), "datehistgram_stats": lambda _: PER_DAY}
    async with hexmeet(answers, max_open_scrolls=0) as (adapter, vendor):
        found = await adapter.get_room_capacities(["Nowhere", "North"], Window(NOW - 30 * DAY, NOW))
        assert found == [None, 20]
        assert len(vendor.of("term_conf_stats")) == 10
