"""Rows that were asked for one by one: read as pages want them, in the order asked, and owed where a read failed."""

import asyncio
from collections.abc import Sequence

import pytest
from cursors import encode_cursor
from hypothesis import given, settings
from hypothesis import strategies as st
from paging_world import DAWN, Row, seeded

from graph.errors import InvalidCursorError, VendorUnavailableError
from graph.paging import ChosenFeed, Listing, Page, PageArgs
from graph.paging.cursor import Cursor

pytestmark = pytest.mark.anyio


class Chosen:
    """A vendor that has some of the rows asked for. `reads` are the places it was asked for."""

    def __init__(self, there: Sequence[bool], at_once: int) -> None:
        self.there = there
        self.at_once = at_once
        self.reads: list[range] = []
        self.down: set[int] = set()

    def truth(self) -> list[int]:
        return [place for place, is_there in enumerate(self.there) if is_there]

    async def read(self, first: int, end: int) -> Sequence[Row]:
        self.reads.append(range(first, end))
        await asyncio.sleep(0)
        if self.down.intersection(range(first, end)):
            raise VendorUnavailableError("Down.", source="s", endpoint="look-up")
        return [Row(DAWN, "s", str(place)) for place in range(end - 1, first - 1, -1) if self.there[place]]

    async def page(self, size: int, cursor: str | None = None, *, is_forward: bool = True) -> Page[Row]:
        feed = ChosenFeed("s", self.read, len(self.there), self.at_once)
        listing = Listing([feed], key=lambda row: (int(row.id),), scope="chosen")
        return await listing.page(PageArgs(is_forward, size, cursor))


async def walk(chosen: Chosen, size: int, *, is_forward: bool, seed: int = 0) -> list[Page[Row]]:
    """All pages; what is down changes from page to page where there is a seed, until most are read."""
    rng, cursor = seeded(seed), None
    pages: list[Page[Row]] = []
    while True:
        if seed:
            chosen.down = set(rng.sample(range(len(chosen.there)), 2)) if len(pages) < 30 else set()
        page = await chosen.page(size, cursor, is_forward=is_forward)
        pages.append(page)
        if not await (page.has_next_page if is_forward else page.has_previous_page)():
            return pages
        cursor = page.end_cursor if is_forward else page.start_cursor
        assert cursor


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.booleans(), min_size=2, max_size=60),
    st.integers(1, 25),
    st.sampled_from((1, 3, 20, 1000)),
    st.booleans(),
    st.sampled_from((0, 1, 2, 3)),
)
def test_a_walk_yields_what_is_there_in_the_order_asked(
    there: list[bool], at_once: int, size: int, is_forward: bool, seed: int
) -> None:
    chosen = Chosen(there, at_once)
    pages = asyncio.run(walk(chosen, size, is_forward=is_forward, seed=seed))
    rows = [int(row.id) for page in (pages if is_forward else reversed(pages)) for row in page.nodes]
    assert rows == chosen.truth()
    assert all(len(read) == at_once or len(there) in (read.stop, read.start) for read in chosen.reads)
    assert seed or all(page.complete for page in pages)
    assert pages[-1].complete


async def test_a_page_reads_no_more_than_it_wants() -> None:
    chosen = Chosen([True] * 1000, at_once=20)
    page = await chosen.page(50)
    assert sorted(read.start for read in chosen.reads) == [0, 20, 40]
    chosen.reads.clear()
    await chosen.page(50, page.end_cursor)
    assert sorted(read.start for read in chosen.reads) == [40, 60, 80, 100]


async def test_a_count_reads_them_all() -> None:
    chosen = Chosen([place % 3 > 0 for place in range(100)], at_once=20)
    page = await chosen.page(5)
    assert await page.total_count() == len(chosen.truth()) == 66


async def test_nothing_asked_for_is_nothing_read() -> None:
    chosen = Chosen([], at_once=20)
    page = await chosen.page(5)
    assert (page.nodes, await page.has_next_page(), chosen.reads) == ([], False, [])


async def test_a_cursor_of_another_kind_of_key_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        await Chosen([True], 1).page(5, encode_cursor(Cursor(("text",), 0, up=True), "chosen"))
