"""While a source is down, what was read of it a while ago stands in, and the promises hold as of when that was."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, key, rows_of, seeded

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import SourceErrorCode, VendorAuthError, VendorUnavailableError
from graph.paging import Listing, Page, PageArgs, SnapshotFeed
from graph.paging.rows import Slice
from graph.paging.windows import Window
from graph.records import SourceResultStatus

pytestmark = pytest.mark.anyio
NOW = DAWN + 30 * DAY
MONTH = Window(DAWN, NOW)
STALE, OK, FAILED = SourceResultStatus.STALE, SourceResultStatus.OK, SourceResultStatus.FAILED


class Time:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)


@pytest.fixture
def time() -> Iterator[Time]:
    with pytest.MonkeyPatch.context() as patch:
        yield started(patch)


def started(patch: pytest.MonkeyPatch) -> Time:
    time = Time()
    patch.setattr(clock, "now", lambda: time.now)
    patch.setattr(clock, "monotonic", lambda: time.passed_s)
    return time


def young(source: str = "s", count: int = 30) -> Vendor:
    """Its rows are of the last hours: none has settled."""
    rows = [Row(NOW - i * 20 * MINUTE - MINUTE, source, f"r{i:04}") for i in range(count)]
    return Vendor(source, rows, page_size=10)


async def test_a_source_that_is_down_is_shown_as_it_was(time: Time) -> None:
    vendor = young()
    world = World([vendor], MONTH, store=WindowStore())
    seen = list((await world.first(10)).nodes)
    time.passed_s = 60
    vendor.is_down = True
    page = await world.first(10)
    result = page.results["s"]
    assert (list(page.nodes), result.status, result.as_of) == (seen, STALE, NOW)
    assert result.error is not None
    assert result.error.code is SourceErrorCode.UNAVAILABLE
    assert page.complete
    assert await page.has_next_page()


@pytest.mark.parametrize(("stale_s", "passed_s", "status"), [(600, 609, STALE), (600, 611, FAILED), (0, 11, FAILED)])
async def test_as_long_as_the_setting_says(time: Time, stale_s: float, passed_s: float, status: object) -> None:
    vendor = young()
    world = World([vendor], MONTH, store=WindowStore(stale_s=stale_s))
    await world.first(10)
    time.passed_s = passed_s
    vendor.is_down = True
    assert (await world.first(10)).results["s"].status is status


async def test_a_refusal_is_no_outage(time: Time) -> None:
    vendor = young()
    world = World([vendor], MONTH, store=WindowStore())
    await world.first(10)
    time.passed_s = 60

    async def refuse(_window: Window, _token: object | None) -> Slice[Row]:
        raise VendorAuthError("No.", source="s", endpoint="list")

    vendor.__dict__["read"] = refuse
    page = await world.first(10)
    assert page.results["s"].status is FAILED
    assert not page.nodes


async def test_where_nothing_was_read_before_the_source_owes_its_rows(time: Time) -> None:
    """It is asked once a page, however many windows stand in for it."""
    vendor = young(count=100)
    world = World([vendor], MONTH, store=WindowStore())
    seen = rows_of([await world.first(10), await world.first(25)])
    time.passed_s = 60
    vendor.is_down, asked = True, vendor.requests
    page = await world.first(100)
    assert set(seen) <= set(page.nodes)
    assert len(page.nodes) < 100
    assert page.results["s"].status is FAILED
    assert not page.complete
    assert vendor.requests == asked + 1
    vendor.is_down = False
    time.passed_s = 61
    rest = await world.first(500, page.end_cursor)
    assert [*page.nodes, *rest.nodes] == world.truth()


async def test_a_walk_that_began_with_stale_rows_goes_on_as_of_then(time: Time) -> None:
    """Its later pages may use what was read since, and miss nothing that was there at `asOf`."""
    vendor = young(count=40)
    world = World([vendor], MONTH, store=WindowStore())
    before = world.truth()
    await world.first(40)
    time.passed_s = 60
    vendor.is_down = True
    vendor.rows.append(Row(NOW - 30 * MINUTE, "s", "later"))
    page = await world.first(4)
    assert page.results["s"].as_of == NOW
    time.passed_s = 90
    rest = await world.first(100, page.end_cursor)
    assert rest.results["s"].status is STALE
    assert [*page.nodes, *rest.nodes] == before


async def test_a_walk_does_not_go_on_with_what_was_read_before_it_began(time: Time) -> None:
    """A row that came meanwhile was there when it began: the source owes it instead."""
    vendor = young(count=40)
    world = World([vendor], MONTH, store=WindowStore())
    await world.walk(10)
    time.passed_s = 60
    vendor.rows.append(Row(NOW - 600 * MINUTE, "s", "later"))
    page = await world.first(1)
    assert page.results["s"].status is OK
    vendor.is_down = True
    owing = await world.first(100, page.end_cursor)
    assert owing.results["s"].status is FAILED
    assert await owing.has_next_page()
    vendor.is_down = False
    rest = await world.first(100, owing.end_cursor)
    assert [*page.nodes, *owing.nodes, *rest.nodes] == world.truth()


async def test_a_live_list_stands_in_too(time: Time) -> None:
    rows = [Row(DAWN, "live", f"r{i}") for i in range(3)]
    is_down = False

    async def read() -> Sequence[Row]:
        if is_down:
            raise VendorUnavailableError("Down.", source="live", endpoint="list")
        return rows

    status = SourceResultStatus.LIVE_ONLY
    feed = SnapshotFeed("live", read, lambda row: row.id, status=status, store_key="live")
    store = WindowStore()

    async def page(cursor: str | None = None) -> Page[Row]:
        return await Listing([feed], key=key, scope="s", store=store).page(PageArgs(size=2, cursor=cursor))

    assert (await page()).results["live"].status is status
    time.passed_s, is_down = 30, True
    first = await page()
    assert (first.results["live"].status, first.results["live"].as_of) == (STALE, NOW)
    rest = await page(first.end_cursor)
    assert [*first.nodes, *rest.nodes] == rows
    time.passed_s = 700
    assert (await page(first.end_cursor)).results["live"].status is FAILED


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from((1, 3, 10, 50)), st.booleans())
def test_no_row_is_lost_or_doubled_in_any_weather(seed: int, size: int, is_forward: bool) -> None:
    """P1 and P5 with sources that go down and come back, stale rows, new rows, and others who read before."""
    rng = seeded(seed)
    vendors = [
        Vendor(
            name,
            [Row(NOW - rng.randrange(1, 900) * MINUTE, name, f"{name}{i:03}") for i in range(rng.choice((3, 25, 60)))],
            page_size=rng.choice((4, 15)),
            is_stateless=rng.random() < 0.5,
        )
        for name in "bac"[: rng.randint(1, 3)]
    ]
    born = {row: NOW for vendor in vendors for row in vendor.rows}
    world = World(vendors, MONTH, descending=rng.random() < 0.5, store=WindowStore())
    quiet_after = rng.randint(3, 25)
    turns = 0

    with pytest.MonkeyPatch.context() as patch:
        time = started(patch)

        def turn(_page: Page[Row] | None = None) -> None:
            """Time goes on, rows come, sources go down and come back."""
            nonlocal turns
            turns += 1
            time.passed_s += rng.choice((3, 5, 15, 100))
            for vendor in vendors:
                vendor.is_down = turns < quiet_after and rng.random() < 0.5
                if rng.random() < 0.5:
                    row = Row(NOW - rng.randrange(1, 900) * MINUTE, vendor.source, f"{vendor.source}n{turns:03}")
                    vendor.rows.append(row)
                    born[row] = time.now

        async def check() -> None:
            for _ in range(rng.randint(0, 3)):
                await world.first(rng.choice((5, 40)))
                turn()
            began = time.now
            pages = await world.walk(size, is_forward=is_forward, between=turn)
            rows = rows_of(pages)
            for result in pages[0].results.values():
                if result.error and result.as_of:
                    began = min(began, result.as_of)
            assert len(rows) == len(set(rows))
            assert {row for row, at in born.items() if at <= began} <= set(rows) <= set(born)

        asyncio.run(check())


async def test_of_a_window_that_was_read_across_the_line_what_has_settled_stays(time: Time) -> None:
    vendor = Vendor("s", [Row(NOW - i * DAY - MINUTE, "s", f"r{i}") for i in range(6)])
    store = WindowStore()
    await World([vendor], Window(NOW - 6 * DAY, NOW), store=store).first(10)
    time.passed_s = 60
    page = await World([vendor], Window(NOW - 6 * DAY, NOW - 3 * DAY), store=store).first(10)
    assert (len(page.nodes), vendor.requests) == (3, 1)
