"""P4 and P6: what pages and walks cost in list requests, and what they hold."""

import asyncio
import gc
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, rows_of, seeded

from graph import clock
from graph.cache.store import WindowStore
from graph.paging import RangedFeed
from graph.paging.rows import Slice
from graph.paging.windows import Grid, Window

pytestmark = pytest.mark.anyio
SIXTY_DAYS = Window(DAWN, DAWN + 60 * DAY)
MEGABYTE = 2**20
MONTHLY = Grid(base=DAY, widest=16 * DAY, anchor=DAWN + timedelta(hours=16))
KINDS: dict[str, dict[str, Any]] = {
    "scroll": {"is_stateless": False},
    "scroll with counts": {"is_stateless": False, "has_days": True},
    "numbered": {"is_stateless": True},
    "monthly": {"is_stateless": True, "grid": MONTHLY},
}


def default_rows(seed: int, count: int = 1000) -> list[Row]:
    """About so many rows in 60 days: office hours, quiet weekends, some empty days."""
    rng = seeded(seed)
    weights = [rng.uniform(0.75, 1.25) * (0.2 if day % 7 > 4 else 1) * (rng.random() > 0.08) for day in range(60)]
    days = rng.choices(range(60), weights, k=count)
    return [
        Row(DAWN + day * DAY + min(1439, int(abs(rng.gauss(700, 200)))) * MINUTE, "s", f"{i:032x}")
        for i, day in enumerate(days)
    ]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today is the end of the sixty days."""
    monkeypatch.setattr(clock, "now", lambda: SIXTY_DAYS.end)


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("page_size", [100, 300, 500])
@pytest.mark.parametrize("descending", [True, False])
async def test_costs_in_the_default_world(kind: str, page_size: int, descending: bool) -> None:
    months = 4 if kind == "monthly" else 0
    for seed in range(8):
        vendor = Vendor("s", default_rows(seed), page_size=page_size, **KINDS[kind])
        world = World([vendor], SIXTY_DAYS, descending=descending, store=WindowStore())
        page = await world.first(50)
        assert len(page.nodes) == 50
        assert vendor.requests <= 3
        world.store, vendor.requests = WindowStore(), 0
        assert rows_of(await world.walk(50)) == world.truth()
        assert vendor.requests <= 2 * -(-1000 // page_size) + 12 + months
        world.store, vendor.requests = WindowStore(), 0
        assert rows_of(await world.walk(50, is_forward=False), is_forward=False) == world.truth()
        assert vendor.requests <= 2 * -(-1000 // page_size) + 12 + months


@pytest.mark.parametrize("is_stateless", [True, False])
@pytest.mark.parametrize(("rows", "requests"), [(90, 1), (250, 3), (5000, 2)])
async def test_a_day_is_planned_without_counts(is_stateless: bool, rows: int, requests: int) -> None:
    """Its first page tells as much: a day that has too many rows is given up after it."""
    vendor = Vendor("s", [Row(DAWN + i * DAY / rows, "s", f"{i:04}") for i in range(rows)], 100, is_stateless)
    vendor.has_days = True
    world = World([vendor], Window(DAWN, DAWN + DAY))
    await world.first(50)
    assert (vendor.requests, vendor.counts) == (requests, 0)
    vendor.requests, world.store = 0, WindowStore()
    assert rows_of(await world.walk(50)) == world.truth()
    assert vendor.requests <= 2 * -(-rows // 100) + 12
    assert vendor.counts <= 1


async def test_a_day_that_seems_to_have_much_is_counted() -> None:
    """The rows met last lay dense; those of the day need not."""
    rows = [Row(DAWN + i * DAY / 5000, "s", f"{i:04}") for i in range(5000)]
    quiet = [Row(DAWN + 9 * DAY + i * DAY / 90, "s", f"quiet{i:02}") for i in range(90)]
    vendor = Vendor("s", [*rows, *quiet], 100, is_stateless=False, has_days=True)
    world = World([vendor], Window(DAWN, DAWN + DAY), store=WindowStore())
    await world.first(50)
    vendor.requests, world.window = 0, Window(DAWN + 9 * DAY, DAWN + 10 * DAY)
    page = await world.first(80)
    assert len(page.nodes) == 80
    assert (vendor.requests, vendor.counts) == (1, 1)


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("page_size", [100, 300, 500])
@pytest.mark.parametrize("is_stateless", [True, False])
async def test_a_vendor_that_filters_by_the_end_costs_at_most_twice_as_much(page_size: int, is_stateless: bool) -> None:
    for seed in range(4):
        vendor = Vendor("s", default_rows(seed), page_size, is_stateless, filters_by_end=True)
        world = World([vendor], SIXTY_DAYS, store=WindowStore())
        assert rows_of(await world.walk(50)) == world.truth()
        assert vendor.requests <= 2 * (2 * -(-1000 // page_size) + 12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(list(KINDS)))
def test_costs_in_any_world(seed: int, kind: str) -> None:
    """Bursts and empty stretches make the first page come short, never dear, and the walk stays within its bound."""
    rng = seeded(seed)
    page_size = 100
    rows = []
    for _ in range(rng.randint(0, 6)):
        centre, spread = rng.randrange(60 * 1440), rng.choice((1, 60, 5000))
        rows += [min(60 * 1440 - 1, centre + rng.randrange(spread)) for _ in range(rng.choice((1, 10, 100, 400)))]
    vendor = Vendor(
        "s", [Row(DAWN + at * MINUTE, "s", f"{i:032x}") for i, at in enumerate(rows)], page_size, **KINDS[kind]
    )
    world = World([vendor], SIXTY_DAYS, store=WindowStore(), descending=rng.random() < 0.5)

    async def check() -> None:
        cursor, spent = None, 0
        while True:
            page = await world.first(50, cursor)
            assert vendor.requests - spent <= (10 if cursor else 8)
            spent, cursor = vendor.requests, page.end_cursor
            if not await page.has_next_page():
                break
        assert spent <= 2 * -(-len(rows) // page_size) + 12 + 4 * (kind == "monthly")

    asyncio.run(check())


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("kind", KINDS)
async def test_fifty_identical_queries_cost_what_one_costs(kind: str) -> None:
    alone, many = (Vendor("s", default_rows(1), **KINDS[kind]) for _ in range(2))
    await World([alone], SIXTY_DAYS, store=WindowStore()).first(50)
    world = World([many], SIXTY_DAYS, store=WindowStore())
    pages = await asyncio.gather(*(world.first(50) for _ in range(50)))
    assert all(list(page.nodes) == world.truth()[:50] for page in pages)
    assert (many.requests, many.counts) == (alone.requests, alone.counts)


@pytest.mark.usefixtures("now")
async def test_a_second_look_costs_nothing() -> None:
    vendor = Vendor("s", default_rows(1))
    world = World([vendor], SIXTY_DAYS, store=WindowStore())
    page = await world.first(50)
    requests = vendor.requests
    again = await world.first(50)
    assert list(again.nodes) == list(page.nodes)
    second = await world.first(20, page.edges[9].cursor)
    assert await second.has_previous_page()
    assert list((await world.last(9, page.edges[9].cursor)).nodes) == list(page.nodes[:9])
    assert vendor.requests == requests


async def test_young_windows_are_read_again_after_seconds_and_settled_ones_after_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(clock, "now", lambda: SIXTY_DAYS.end + timedelta(seconds=seconds[0]))
    vendor = Vendor("s", [Row(DAWN + 30 * DAY, "s", "old"), Row(SIXTY_DAYS.end - 2 * MINUTE, "s", "young")])
    world = World([vendor], SIXTY_DAYS, store=WindowStore())
    page = await world.first(1)
    assert page.results["s"].as_of == SIXTY_DAYS.end
    assert vendor.requests == 1
    seconds[0] = 1
    await world.first(10)
    assert vendor.requests == 1, "a walk that begins a moment later"
    seconds[0] = 5
    await world.first(10, page.end_cursor)
    assert vendor.requests == 1, "a page of the walk that read them"
    await world.first(10)
    assert vendor.requests == 2, "a walk that begins later"
    vendor.requests, seconds[0] = 1, 30
    vendor.rows.append(Row(SIXTY_DAYS.end - MINUTE, "s", "new"))
    page = await world.first(10)
    assert [row.id for row in page.nodes] == ["new", "young", "old"]
    assert vendor.requests == 2
    world.window = Window(DAWN, DAWN + 40 * DAY)
    settled = await world.first(10)
    assert vendor.requests == 2
    assert settled.results["s"].as_of == SIXTY_DAYS.end + timedelta(seconds=30)
    seconds[0] = 90_000
    await world.first(10)
    assert vendor.requests == 3


async def test_a_filter_that_lets_little_through_makes_short_pages() -> None:
    """The page stops at its budget, with the place reached, and the walk still finds every row."""
    vendor = Vendor("s", default_rows(3, 4000), has_days=True)
    world = World([vendor], SIXTY_DAYS, store=WindowStore(), options={"keep": lambda row: row.id.endswith("77")})
    pages = await world.walk(50)
    assert rows_of(pages) == world.truth()
    assert any(len(page.nodes) < 50 for page in pages[:-1])
    assert all(page.end_cursor for page in pages[:-1])
    assert vendor.requests <= 10 * len(pages)


async def test_counts_that_go_beyond_the_list_are_not_trusted() -> None:
    """The vendor counts all rows, the list is narrowed to few: windows grow as if it had not counted."""
    many, few = default_rows(3, 20_000), default_rows(4, 600)
    vendor = Vendor("s", few, is_stateless=False, has_days=True)
    everything = Vendor("s", many)
    vendor.__dict__["count_per_day"] = everything.count_per_day
    world = World([vendor], SIXTY_DAYS, store=WindowStore())
    assert rows_of(await world.walk(50)) == world.truth()
    assert vendor.requests <= 2 * 6 + 12


async def test_nothing_in_the_future_or_long_ago_is_dear() -> None:
    vendor = Vendor("s", default_rows(1))
    world = World([vendor], Window(DAWN - 3650 * DAY, DAWN + 3650 * DAY), store=WindowStore())
    page = await world.first(50)
    assert vendor.requests <= 8
    assert await page.has_next_page()
    assert rows_of(await world.walk(1000)) == world.truth()


@pytest.mark.usefixtures("young_heap")
@pytest.mark.parametrize("kind", ["numbered", "scroll with counts"])
async def test_a_long_walk_holds_a_bounded_number_of_rows(kind: str) -> None:
    """20,000 rows made up on the way, a megabyte of them in the store: no more than some windows are alive."""

    class Weighed(Row):
        __slots__ = ()

    alive: list[int] = []
    vendor = Vendor("s", default_rows(5, 20_000), page_size=500, **KINDS[kind])

    def feed(**options: Any) -> RangedFeed[Row]:
        plain = Vendor.feed(vendor, **options)

        async def read(window: Window, token: object | None) -> Slice[Row]:
            answer = await vendor.read(window, token)
            return answer._replace(rows=[Weighed(*row) for row in answer.rows])

        return msgspec.structs.replace(plain, read=read)

    vendor.__dict__["feed"] = feed
    store = WindowStore(max_bytes=MEGABYTE)
    world = World([vendor], SIXTY_DAYS, store=store)
    cursor, rows = None, 0
    while True:
        page = await world.first(100, cursor)
        cursor, rows = page.end_cursor, rows + len(page.nodes)
        if rows % 2000 == 0:
            gc.collect()
            assert 0 < store.memory.bytes <= MEGABYTE
            alive.append(sum(type(thing) is Weighed for thing in gc.get_objects()))
        if not await page.has_next_page():
            break
        del page
    assert rows == 20_000
    assert 0 < max(alive) < 6000
