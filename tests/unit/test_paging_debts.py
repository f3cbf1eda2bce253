"""P5: a source that fails loses nothing: it owes its rows, and they come once it answers."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, key, rows_of, seeded

from graph.cache.store import WindowStore
from graph.errors import SourceErrorCode
from graph.paging import Page, PageArgs, SnapshotFeed
from graph.paging.listing import Listing
from graph.paging.windows import Window
from graph.records import SourceResultStatus

pytestmark = pytest.mark.anyio
MONTH = Window(DAWN, DAWN + 30 * DAY)


def make_world(seed: int, sources: int = 3, **options: object) -> World:
    rng = seeded(seed)
    vendors = [
        Vendor(
            f"{name * rng.choice((1, 32))}",
            [
                Row(DAWN + rng.randrange(3000) * 14 * MINUTE, name, f"{i:032x}{name * 8}")
                for i in range(rng.choice((5, 40, 120)))
            ],
            page_size=rng.choice((5, 20)),
            is_stateless=rng.random() < 0.5,
        )
        for name in "fbdace"[:sources]
    ]
    for vendor in vendors:
        vendor.rows = [row._replace(source=vendor.source) for row in vendor.rows]
    world = World(vendors, MONTH, descending=rng.random() < 0.5, store=rng.choice((None, WindowStore())))
    for name, value in options.items():
        setattr(world, name, value)
    return world


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from((1, 4, 20, 100)), st.booleans(), st.integers(1, 6))
def test_sources_that_fail_and_come_back_lose_no_row(seed: int, size: int, is_forward: bool, sources: int) -> None:
    world = make_world(seed, sources)
    rng = seeded(seed)
    quiet_after = rng.randint(1, 30)
    asked = 0

    def weather(_page: Page[Row] | None) -> None:
        nonlocal asked
        asked += 1
        for vendor in world.vendors:
            vendor.is_down = asked < quiet_after and rng.random() < 0.4

    weather(None)
    pages = asyncio.run(world.walk(size, is_forward=is_forward, between=weather))
    rows = rows_of(pages, is_forward=is_forward)
    assert len(rows) == len(set(rows))
    assert sorted(rows, key=key, reverse=world.descending) == world.truth()
    for page in pages:
        failed = [name for name, result in page.results.items() if result.status is SourceResultStatus.FAILED]
        assert page.complete == (not failed)


async def test_a_page_says_what_is_missing_and_the_cursor_brings_it_later() -> None:
    good = Vendor("good", [Row(DAWN + i * DAY, "good", f"g{i}") for i in range(8)])
    bad = Vendor("bad", [Row(DAWN + i * DAY, "bad", f"b{i}") for i in range(8)], is_down=True)
    world = World([good, bad], MONTH)
    page = await world.first(3)
    assert [row.source for row in page.nodes] == ["good"] * 3
    assert page.results["good"].status is SourceResultStatus.OK
    assert page.results["bad"].status is SourceResultStatus.FAILED
    assert page.results["bad"].error
    assert page.results["bad"].error.code is SourceErrorCode.UNAVAILABLE
    assert list(page.results) == ["bad", "good"]
    assert not page.complete
    assert await page.total_count() is None

    bad.is_down = False
    rest = await world.first(100, page.end_cursor)
    assert rest.complete
    assert sorted([*page.nodes, *rest.nodes], key=key, reverse=True) == world.truth()
    assert [row.source for row in rest.nodes[:3]] == ["bad"] * 3, "what was owed comes first"
    assert not await rest.has_next_page()


async def test_a_walk_goes_on_while_all_that_is_left_is_owed() -> None:
    """With the other sources at their end the page is empty, its end cursor is not null, and there is a next page."""
    good = Vendor("good", [Row(DAWN, "good", "g")])
    bad = Vendor("bad", [Row(DAWN, "bad", "b")], is_down=True)
    world = World([good, bad], MONTH)
    first = await world.first(10)
    second = await world.first(10, first.end_cursor)
    assert (list(second.nodes), await second.has_next_page()) == ([], True)
    assert second.end_cursor
    assert second.start_cursor
    requests = good.requests
    bad.is_down = False
    third = await world.first(10, second.end_cursor)
    assert [row.id for row in third.nodes] == ["b"]
    assert not await third.has_next_page()
    assert good.requests == requests, "a source that is at its end is not asked again"


async def test_a_failing_snapshot_owes_its_rows_too() -> None:
    live = [Row(DAWN + i * MINUTE, "live", f"l{i}") for i in range(4)]
    past = Vendor("past", [Row(DAWN + i * MINUTE, "past", f"p{i}") for i in range(4)])
    reader = Vendor("live", live, page_size=100, is_down=True)

    async def read() -> list[Row]:
        return list((await reader.read(MONTH, None)).rows)

    feed = SnapshotFeed("live", read, lambda row: row.id, status=SourceResultStatus.LIVE_ONLY)

    def listing() -> Listing[Row]:
        return Listing([past.feed(), feed], key=key, scope="s", window=MONTH)

    page = await listing().page(PageArgs.parse(3, None, None, None))
    assert page.results["live"].status is SourceResultStatus.FAILED
    reader.is_down = False
    rest = await listing().page(PageArgs.parse(9, page.end_cursor, None, None))
    assert rest.results["live"].status is SourceResultStatus.LIVE_ONLY
    assert rest.complete
    assert sorted([*page.nodes, *rest.nodes], key=key) == sorted([*live, *past.rows], key=key)
    assert await rest.total_count() == 8


async def test_places_of_sources_that_are_not_there_are_passed_on() -> None:
    """A source that owes rows may leave the configuration for a while."""
    good = Vendor("good", [Row(DAWN + i * DAY, "good", f"g{i}") for i in range(9)])
    bad = Vendor("bad", [Row(DAWN + i * DAY, "bad", f"b{i}") for i in range(3)], is_down=True)
    both, alone = World([good, bad], MONTH), World([good], MONTH)
    first = await both.first(3)
    second = await alone.first(3, first.end_cursor)
    bad.is_down = False
    third = await both.first(100, second.end_cursor)
    assert sorted([*first.nodes, *second.nodes, *third.nodes], key=key, reverse=True) == both.truth()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_six_sources_in_debt_fit_into_a_cursor(seed: int) -> None:
    """With names and ids as long as they get, each source failing behind its own row among ties."""
    rng = seeded(seed)
    names = [f"source_{letter}".ljust(32, "x") for letter in "fbdace"]
    vendors = [
        Vendor(name, [Row(DAWN + (i // 3) * DAY, name, f"{rng.getrandbits(160):040x}") for i in range(60)])
        for name in names
    ]
    world = World(vendors, MONTH, descending=rng.random() < 0.5)
    longest = 0

    def fail_more(page: Page[Row]) -> None:
        nonlocal longest
        longest = max(longest, *(len(edge.cursor) for edge in page.edges), len(page.end_cursor or ""))
        up = [vendor for vendor in vendors if not vendor.is_down]
        if len(up) > 1:
            rng.choice(up).is_down = True
        else:
            for vendor in vendors:
                vendor.is_down = False

    pages = asyncio.run(world.walk(7, between=fail_more))
    assert sorted(rows_of(pages), key=key, reverse=world.descending) == world.truth()
    assert 100 < longest < 512


async def test_debts_hold_in_the_direction_of_one_walk() -> None:
    """Going back from a cursor with debts yields what lies before it, of every source."""
    good = Vendor("good", [Row(DAWN + i * DAY, "good", f"g{i}") for i in range(6)])
    bad = Vendor("bad", [Row(DAWN + i * DAY + timedelta(hours=1), "bad", f"b{i}") for i in range(6)], is_down=True)
    world = World([good, bad], MONTH, descending=False)
    page = await world.first(3)
    bad.is_down = False
    back = await world.last(100, page.end_cursor)
    assert [row.id for row in back.nodes] == ["g0", "b0", "g1", "b1"]


async def test_a_source_that_a_debt_outlasted_is_counted_all_the_same() -> None:
    """The next page starts behind its last row, so that nothing of it is read there for the rows' sake."""
    late = Vendor("late", [Row(DAWN + i * DAY, "late", f"l{i}") for i in range(3)], is_down=True)
    rows = [Row(DAWN + i * DAY, "live", f"n{i}") for i in range(4)]

    async def read() -> list[Row]:
        return rows

    live = SnapshotFeed("live", read, lambda row: row.id)
    listing = Listing([late.feed(), live], key=key, scope="s", window=MONTH)
    first = await listing.page(PageArgs.parse(20, None, None, None))
    late.is_down = False
    second = await listing.page(PageArgs.parse(20, first.end_cursor, None, None))
    assert (first.nodes, second.nodes) == (rows, late.rows)
    assert (second.complete, await second.total_count()) == (True, 7)
