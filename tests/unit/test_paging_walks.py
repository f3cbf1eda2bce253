"""P1 and P2: the pages of a walk, put together, are the sorted list, whatever the vendors and the page size."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, rows_of, seeded

from graph import clock
from graph.cache.store import WindowStore
from graph.paging.windows import Grid, Window

GRIDS = (Grid(), Grid(base=DAY, widest=16 * DAY, anchor=DAWN + timedelta(hours=16)), Grid(base=MINUTE, widest=DAY))


def draw_minutes(rng: Random) -> list[int]:
    """Minutes with ties, bursts and empty stretches."""
    centres = [rng.randrange(40 * 1440) for _ in range(rng.randint(1, 5))]
    spread = rng.choice((0, 3, 600, 20000))
    return [rng.choice(centres) + rng.randint(0, spread) for _ in range(rng.choice((0, 2, 20, 60, 150)))]


def draw_vendor(rng: Random, source: str) -> Vendor:
    rows = [
        Row(DAWN + minute * MINUTE, source, f"{i * 7919 % 1000:x}", rng.randrange(1500) * MINUTE)
        for i, minute in enumerate(draw_minutes(rng))
    ]
    return Vendor(
        source,
        rows,
        page_size=rng.choice((3, 10, 50, 500)),
        is_stateless=rng.random() < 0.5,
        grid=rng.choice(GRIDS),
        is_end_inclusive=rng.random() < 0.5,
        filters_by_end=rng.random() < 0.3,
        repeats_rows=rng.random() < 0.5,
        has_days=rng.random() < 0.4,
    )


def draw_world(seed: int) -> World:
    rng = seeded(seed)
    vendors = [draw_vendor(rng, name) for name in ("b", "a", "c")[: rng.randint(1, 3)]]
    rows = [row.at for vendor in vendors for row in vendor.rows]
    first, last = (min(rows), max(rows)) if rows else (DAWN, DAWN + DAY)
    start = rng.choice((first, rng.choice(rows or [DAWN]), first - 10 * DAY, DAWN - MINUTE / 7))
    end = rng.choice((last, last + MINUTE, start + 90 * MINUTE, start + 60 * DAY))
    store = rng.choice((None, WindowStore(), WindowStore(), WindowStore(max_bytes=400_000), WindowStore(enabled=False)))
    return World(
        vendors,
        Window(start, max(end, start + MINUTE)),
        descending=rng.random() < 0.5,
        store=store,
        budget=rng.choice((3, 10)) if store and store.enabled else 10,
    )


def worlds() -> st.SearchStrategy[World]:
    """Worlds with two or three vendors, each with its own way to page."""
    return st.integers(0, 2**32).map(draw_world)


SIZES = st.sampled_from((1, 3, 10, 49, 1000))


@settings(deadline=None, max_examples=150)
@given(worlds(), SIZES, st.booleans())
def test_a_walk_yields_the_sorted_list(world: World, size: int, is_forward: bool) -> None:
    pages = asyncio.run(world.walk(size, is_forward=is_forward))
    assert rows_of(pages, is_forward=is_forward) == world.truth()
    assert all(page.complete for page in pages)


@settings(deadline=None, max_examples=80)
@given(worlds(), SIZES, st.booleans())
def test_both_has_page_flags_are_exact(world: World, size: int, is_forward: bool) -> None:
    """Each page that its budget does not end tells exactly whether rows lie before and after it."""
    world.budget = 1000
    truth = world.truth()

    async def check() -> None:
        pages = await world.walk(size, is_forward=is_forward)
        for page in pages:
            if not page.nodes:
                continue
            assert await page.has_previous_page() == (page.nodes[0] != truth[0])
            assert await page.has_next_page() == (page.nodes[-1] != truth[-1])

    with patch("graph.paging.listing.FIRST_PAGE_BUDGET", world.budget):
        asyncio.run(check())


@settings(deadline=None, max_examples=60)
@given(worlds(), SIZES, st.data())
def test_every_cursor_leads_on_from_its_row(world: World, size: int, data: st.DataObject) -> None:
    """after and before an edge's cursor lie exactly the rows after and before that edge, with any page size."""
    world.budget = 1000

    async def check() -> None:
        pages = await world.walk(size)
        edges = [edge for page in pages for edge in page.edges]
        if not edges:
            return
        at = data.draw(st.integers(0, len(edges) - 1))
        truth = world.truth()
        after = await world.first(1000, edges[at].cursor)
        before = await world.last(1000, edges[at].cursor)
        assert list(after.nodes) == truth[at + 1 :]
        assert list(before.nodes) == truth[:at]

    asyncio.run(check())


@settings(deadline=None, max_examples=100)
@given(worlds(), st.sampled_from((1, 2, 5, 20)), st.booleans(), st.randoms(use_true_random=False))
def test_rows_that_stay_come_once_while_others_come_and_go(world: World, size: int, is_forward: bool, rng: Any) -> None:
    stay = {row for row in world.truth() if rng.random() < 0.6}
    leave = [row for row in world.truth() if row not in stay]
    fresh_ids = iter(range(10_000, 100_000))

    def drift(_page: object) -> None:
        for vendor in world.vendors:
            for row in [row for row in vendor.rows if row in leave and rng.random() < 0.3]:
                vendor.rows.remove(row)
            if vendor.rows and rng.random() < 0.5 and len(vendor.rows) < 200:
                near = rng.choice(vendor.rows)
                vendor.rows.append(near._replace(id=f"{next(fresh_ids):x}", at=near.at + rng.choice((0, 1)) * MINUTE))

    pages = asyncio.run(world.walk(size, is_forward=is_forward, between=drift))
    rows = rows_of(pages, is_forward=is_forward)
    assert [row for row in rows if row in stay] == [row for row in world.truth() if row in stay]
    assert len(rows) == len(set(rows))
    assert rows == sorted(rows, key=lambda row: (row.at, row.source, row.id), reverse=world.descending)


@settings(deadline=None, max_examples=80)
@given(worlds(), SIZES, st.booleans(), st.integers(0, 2**32))
def test_a_row_that_was_there_when_the_walk_began_is_not_missed_for_what_others_read_before(
    world: World, size: int, is_forward: bool, seed: int
) -> None:
    """Other walks read all of the range every few seconds, and rows come in before, between and after."""
    rng = seeded(seed)
    now = DAWN + 60 * DAY
    world.store = WindowStore()
    for vendor in world.vendors:
        vendor.settle = timedelta(days=999)  # nothing is old enough to be kept for long
    ids = iter(range(10_000, 100_000))

    def insert() -> None:
        nonlocal now
        for vendor in world.vendors:
            if vendor.rows and len(vendor.rows) < 200:
                vendor.rows.append(rng.choice(vendor.rows)._replace(id=f"{next(ids):x}"))
        now += timedelta(seconds=rng.choice((2, 3)))

    async def others() -> None:
        insert()
        await (world.first if rng.random() < 0.5 else world.last)(rng.choice((1, 1000)))
        insert()

    async def check() -> None:
        await others()
        there, cursor = set(world.truth()), None
        rows: list[Row] = []
        while True:
            page = await (world.first if is_forward else world.last)(size, cursor)
            rows += page.nodes
            if not await (page.has_next_page if is_forward else page.has_previous_page)():
                break
            cursor = page.end_cursor if is_forward else page.start_cursor
            if rng.random() < 0.2:
                await others()
        assert there <= set(rows)
        assert len(rows) == len(set(rows))

    with patch.object(clock, "now", lambda: now), patch.object(clock, "monotonic", lambda: 0.0):
        asyncio.run(check())
