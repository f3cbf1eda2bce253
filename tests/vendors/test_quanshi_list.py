"""The Quanshi adapter reads the list whole, each row once, and once for all who ask at about the same time."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from answering import Asked
from starlette.responses import JSONResponse
from vendors.quanshi_app import SAMPLE, bodies, connected, paged, row

from graph import clock
from graph.errors import VendorTimeoutError, VendorUnavailableError
from graph.paging.rows import Rows
from graph.records import Conference
from graph.statistics import LiveCounts
from graph.transport.deadline import start_deadline
from graph.vendors.base import Extras

pytestmark = pytest.mark.anyio


async def test_all_pages_are_read_and_each_row_comes_once() -> None:
    rows = [row(1), row(2), row(2), row(3), row(4)]
    async with connected(paged(rows), page_size=2) as (adapter, vendor):
        conferences = await adapter.list_live(Extras())
    assert sorted(c.vendor_id for c in conferences) == ["1", "2", "3", "4"]
    assert [body["page"] for body in bodies(vendor)] == [1, 2, 3]


async def test_an_empty_page_ends_the_list() -> None:
    async with connected(paged([row(1), row(2)], total=100), page_size=2) as (adapter, vendor):
        assert len(await adapter.list_live(Extras())) == 2
    assert len(bodies(vendor)) == 2


async def test_a_list_that_shifted_is_read_again() -> None:
    """One row left between the pages: another moved up past the reader, and must not be lost."""
    before = [row(number) for number in (1, 2, 3)]
    seen = 0

    def answer(asked: Asked) -> Any:
        nonlocal seen
        seen += 1
        return paged(before if seen == 1 else before[1:])(asked)

    async with connected(answer, page_size=2) as (adapter, vendor):
        conferences = await adapter.list_live(Extras())
    assert sorted(c.vendor_id for c in conferences) == ["2", "3"]
    assert [body["page"] for body in bodies(vendor)] == [1, 2, 1]


@pytest.mark.parametrize(("strange", "served"), [([], "123456"), ([3], "12456")], ids=["all read", "one left out"])
async def test_a_list_with_one_page_in_place_of_another_is_read_again(strange: list[int], served: str) -> None:
    """The count stays as it is, and rows would be lost unnoticed; so they would beside one that cannot be read."""
    rows = [row(number) | ({"status": "?"} if number in strange else {}) for number in range(1, 7)]
    seen = 0

    def answer(asked: Asked) -> Any:
        nonlocal seen
        seen += 1
        moved = replace(asked, body={**asked.body, "page": 1}) if seen == 2 else asked
        return paged(rows)(moved)

    async with connected(answer, page_size=3) as (adapter, vendor):
        conferences = await adapter.list_live(Extras())
    assert sorted(c.vendor_id for c in conferences) == list(served)
    assert conferences.left_out == len(strange)
    assert [body["page"] for body in bodies(vendor)] == [1, 2, 1, 2]


async def test_a_list_that_never_holds_still_fails_rather_than_lose_rows() -> None:
    calls = 0

    def answer(asked: Asked) -> Any:
        nonlocal calls
        calls += 1
        return paged([row(1), row(2), row(3)], total=3 + calls % 2)(asked)

    async with connected(answer, page_size=2) as (adapter, vendor):
        with pytest.raises(VendorUnavailableError, match="kept changing"):
            await adapter.list_live(Extras())
    assert len(bodies(vendor)) == 6


async def test_the_list_and_the_counts_are_one_read_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(number) for number in range(120)]
    async with connected(paged(rows)) as (adapter, vendor):
        vendor.delay_s = 0.01
        answers = await asyncio.gather(adapter.list_live(Extras()), adapter.read_live(), adapter.list_live(Extras()))
        assert await adapter.get_conferences(["7"], Extras()) == [answers[0][7]]
        assert [body["page"] for body in bodies(vendor)] == [1, 2, 3]
        later = clock.monotonic() + 2
        monkeypatch.setattr(clock, "monotonic", lambda: later)
        await adapter.read_live()
    assert answers[1] == LiveCounts(conference_count=120, member_count=600)
    assert answers[0] == answers[2]
    assert len(bodies(vendor)) == 6


async def test_a_follower_does_not_inherit_the_deadline_of_whom_it_follows() -> None:
    async def hasty() -> Rows[Conference]:
        start_deadline(0.05)
        return await adapter.list_live(Extras())

    async with connected(paged([row(1)])) as (adapter, vendor):
        vendor.delay_s = 0.2
        leader = asyncio.create_task(hasty())
        await asyncio.sleep(0.01)
        follower = asyncio.create_task(adapter.list_live(Extras()))
        with pytest.raises(VendorTimeoutError):
            await leader
        assert len(await follower) == 1
    assert len(bodies(vendor)) == 1


async def test_a_cancelled_leader_leaves_the_read_to_its_followers() -> None:
    async with connected(paged([row(1)])) as (adapter, vendor):
        vendor.delay_s = 0.1
        leader = asyncio.create_task(adapter.list_live(Extras()))
        await asyncio.sleep(0.01)
        follower = asyncio.create_task(adapter.read_live())
        await asyncio.sleep(0.01)
        leader.cancel()
        assert (await follower).conference_count == 1
    assert len(bodies(vendor)) == 1


async def test_a_failed_read_is_not_kept() -> None:
    answers = [JSONResponse({}, 503), SAMPLE]
    async with connected(lambda _: answers.pop(0)) as (adapter, _):
        with pytest.raises(VendorUnavailableError):
            await adapter.read_live()
        assert (await adapter.read_live()).conference_count == 2
