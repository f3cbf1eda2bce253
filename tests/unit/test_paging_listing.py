"""What a page says beside its rows: counts, sources, cursors of empty pages, and what it asks for nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, key

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import InvalidCursorError, UnsupportedError
from graph.paging import Listing, PageArgs, RangedFeed, SnapshotFeed, resolve_window
from graph.paging.rows import Rows, Slice
from graph.paging.windows import Window
from graph.records import SourceResultStatus
from graph.transport.deadline import start_deadline, within_deadline

pytestmark = pytest.mark.anyio
MONTH = Window(DAWN, DAWN + 30 * DAY)


def vendor(source: str = "s", count: int = 50, **options: Any) -> Vendor:
    return Vendor(source, [Row(DAWN + i * 13 * 60 * MINUTE, source, f"r{i:04}") for i in range(count)], **options)


def snapshot(source: str, rows: Sequence[Row], **options: Any) -> SnapshotFeed[Row]:
    async def read() -> Sequence[Row]:
        return rows

    return SnapshotFeed(source, read, lambda row: row.id, **options)


async def test_a_page_of_no_rows_asks_for_nothing() -> None:
    one = vendor(has_days=True)
    world = World([one], MONTH)
    page = await world.first(0)
    assert (page.edges, page.nodes, page.start_cursor, page.end_cursor) == ([], [], None, None)
    assert (await page.has_next_page(), await page.has_previous_page()) == (True, False)
    cursor = (await world.first(1)).end_cursor
    before = one.requests
    later = await world.first(0, cursor)
    assert (await later.has_next_page(), await later.has_previous_page()) == (True, True)
    back = await world.last(0, cursor)
    assert (await back.has_next_page(), await back.has_previous_page()) == (True, True)
    assert one.requests == before
    assert list(page.results) == ["s"]
    with pytest.raises(InvalidCursorError):
        await world.first(0, "damaged")


async def test_rows_that_a_request_has_already_are_not_waited_for_again() -> None:
    """They were read before the page was asked for, and come no newer however often they are read."""
    rows = Rows.of([Row(DAWN, "s", "r0")], read_at=clock.now() - timedelta(seconds=5))
    async with asyncio.timeout(30):
        page = await Listing([snapshot("s", rows)], key=key, scope="own").page(PageArgs())
        assert await page.total_count() == 1
    assert [row.id for row in page.nodes] == ["r0"]
    assert page.results["s"].as_of == rows.read_at


async def test_a_page_of_no_rows_of_nothing_has_no_next_page() -> None:
    assert not await (await World([], MONTH).first(0)).has_next_page()
    assert not await (await World([vendor()], Window(DAWN, DAWN)).first(0)).has_next_page()


@pytest.mark.parametrize("window", [Window(DAWN, DAWN), Window(DAWN - 9 * DAY, DAWN - 3 * DAY)])
async def test_an_empty_list_has_null_cursors(window: Window) -> None:
    page = await World([vendor()], window).first(10)
    assert (list(page.nodes), page.start_cursor, page.end_cursor, page.complete) == ([], None, None, True)
    assert not await page.has_next_page()
    assert not await page.has_previous_page()
    assert await page.total_count() == 0


async def test_the_widest_range_is_no_fault() -> None:
    always = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    page = await World([vendor()], always).first(10)
    assert page.complete


async def test_no_source_is_an_empty_page() -> None:
    page = await World([], MONTH).first(10)
    assert (list(page.nodes), page.end_cursor, await page.has_next_page(), await page.total_count()) == (
        [],
        None,
        False,
        0,
    )


async def test_the_count_is_the_vendors_where_it_is_exact() -> None:
    counted, read = vendor("counted", has_count=True, page_size=10), vendor("read", 30)
    world = World([counted, read], MONTH, store=WindowStore())
    page = await world.first(5)
    assert await page.total_counts() == {"counted": 50, "read": 30}
    assert await page.total_count() == 80
    assert counted.counts == 1


async def test_what_was_read_whole_is_counted_without_asking() -> None:
    """Rows outside of the range, which the grid reads along, do not count."""
    one = vendor(has_count=True)
    world = World([one], Window(DAWN + 5 * MINUTE, DAWN + 20 * DAY + 5 * MINUTE), store=WindowStore())
    page = await world.first(5)
    assert await page.total_count() == len(world.truth()) == 36
    assert (one.requests, one.counts) == (1, 0)


@pytest.mark.parametrize("store", [None, WindowStore()], ids=["no store", "store"])
async def test_what_was_read_at_once_is_counted_though_only_some_of_it_has_settled(store: WindowStore | None) -> None:
    now = clock.now()
    one = Vendor("s", [Row(now - i * DAY / 2, "s", f"r{i:03}") for i in range(1, 9)], has_count=True)
    page = await World([one], Window(now - 4 * DAY, now + DAY), store=store).first(5)
    assert page.known_total == (8,)
    assert (one.requests, one.counts) == (1, 0)


async def test_of_a_list_that_is_read_whole_only_what_is_wanted_is_counted() -> None:
    async def read() -> list[Row]:
        return vendor(count=9).rows

    feed = SnapshotFeed("s", read, lambda row: row.id, keep=lambda row: row.id.endswith(("3", "4")))
    page = await Listing([feed], key=key, scope="s").page(PageArgs())
    assert (page.known_total, len(page.nodes)) == ((2,), 2)


async def test_a_list_that_is_read_whole_is_counted_only_for_who_asks() -> None:
    looked_at = []

    async def read() -> list[Row]:
        return vendor(count=99).rows

    def keep(row: Row) -> bool:
        looked_at.append(row)
        return True

    page = await Listing([SnapshotFeed("s", read, lambda row: row.id, keep=keep)], key=key, scope="s").page(
        PageArgs(size=3)
    )
    await page.find_out(previous=True, next_=True, total=False)
    assert len(looked_at) < 10
    assert (await page.total_count(), page.known_total, len(looked_at) >= 99) == (99, (99,), True)


@pytest.mark.parametrize("store", [None, WindowStore()], ids=["no store", "store"])
async def test_only_what_others_may_wait_for_too_is_read_without_a_deadline(store: WindowStore | None) -> None:
    """Where nothing is kept nobody would come for what went on."""
    left: list[float] = []

    class Noting(Vendor):
        async def read(self, window: Window, token: object | None) -> Slice[Row]:
            left.append(within_deadline(1000.0))
            return await super().read(window, token)

    start_deadline(100.0)
    await World([Noting("s", vendor().rows)], MONTH, store=store).first(5)
    assert [seconds == 1000.0 for seconds in left] == [store is not None]


async def test_the_count_is_null_where_reading_would_exceed_the_budget() -> None:
    many = vendor(count=50, page_size=3)
    page = await World([many], MONTH, store=WindowStore()).first(5)
    assert await page.total_count() is None
    assert many.requests <= 8


async def test_the_count_goes_by_the_filter() -> None:
    world = World([vendor()], MONTH, options={"keep": lambda row: row.id.endswith("7")})
    page = await world.first(2)
    assert await page.total_count() == len(world.truth()) == 5


async def test_a_count_is_asked_for_once_however_often_it_is_read() -> None:
    one = vendor(has_count=True, page_size=10)
    page = await World([one], MONTH).first(5)
    await asyncio.gather(*(page.total_count() for _ in range(9)), page.total_counts())
    assert one.counts == 1


async def test_what_cannot_be_asked_is_shown_and_owes_nothing() -> None:
    async def refuse(_window: Window, _token: object | None) -> Slice[Row]:
        raise UnsupportedError("No.", source="other", endpoint="list")

    one = vendor()
    unable = msgspec.structs.replace(one.feed(), source="unable", read=refuse, store_key=None)
    listing = Listing([one.feed(), unable], key=key, scope="s", window=MONTH, unsupported=["never"])
    page = await listing.page(PageArgs(size=100))
    assert {name: result.status.name for name, result in page.results.items()} == {
        "never": "UNSUPPORTED",
        "s": "OK",
        "unable": "UNSUPPORTED",
    }
    assert page.complete
    assert not await page.has_next_page()
    assert await page.total_count() == 50


async def test_live_lists_are_merged_with_ranges() -> None:
    live = [Row(DAWN + i * DAY, "live", f"l{i}") for i in range(20)]
    past = vendor()
    feeds: list[RangedFeed[Row] | SnapshotFeed[Row]] = [
        past.feed(),
        snapshot("live", [*live, *live[:3]], status=SourceResultStatus.LIVE_ONLY),
    ]
    cursor: str | None = None
    found: list[Row] = []
    while True:
        listing = Listing(feeds, key=key, scope="s", window=MONTH, descending=True, store=WindowStore())
        page = await listing.page(PageArgs(size=7, cursor=cursor))
        found += page.nodes
        assert page.results["live"].status is SourceResultStatus.LIVE_ONLY
        if not await page.has_next_page():
            break
        cursor = page.end_cursor
    assert found == sorted([*past.rows, *live], key=key, reverse=True)
    assert await page.total_count() == 70
    assert await page.has_previous_page()


async def test_a_list_without_time_pages_both_ways() -> None:
    rows = [Row(DAWN, source, name) for source in ("b", "a") for name in ("", "x", "会议室", "会议", "y" * 90)]
    feeds = [snapshot(source, [row for row in rows if row.source == source]) for source in ("b", "a")]
    listing = Listing(feeds, key=lambda row: (row.source, row.id), scope="rooms")
    truth = sorted(rows, key=lambda row: (row.source, row.id))
    for is_forward in (True, False):
        cursor: str | None = None
        found: list[Row] = []
        while True:
            page = await listing.page(PageArgs(is_forward, 3, cursor))
            found = [*found, *page.nodes] if is_forward else [*page.nodes, *found]
            cursor = page.end_cursor if is_forward else page.start_cursor
            assert cursor
            assert len(cursor) < 512
            if not await (page.has_next_page if is_forward else page.has_previous_page)():
                break
        assert found == truth


async def test_a_stored_live_list_lives_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, reads = [0.0], 0
    monkeypatch.setattr(clock, "monotonic", lambda: seconds[0])

    async def read() -> Sequence[Row]:
        nonlocal reads
        reads += 1
        return [Row(DAWN, "live", "l")]

    store = WindowStore()
    for at, expected in ((0.0, 1), (1.5, 1), (2.5, 2)):
        seconds[0] = at
        feed = SnapshotFeed("live", read, lambda row: row.id, store_key="live")
        await Listing([feed], key=key, scope="s", store=store).page(PageArgs())
        assert reads == expected


async def test_a_richer_window_serves_a_plainer_need_and_not_the_other_way_round() -> None:
    one, store = vendor(), WindowStore()

    async def page(own: str, *richer: str) -> None:
        feed = one.feed(store_key=own, richer_keys=richer)
        await Listing([feed], key=key, scope="s", window=MONTH, store=store).page(PageArgs())

    await page("with members")
    assert one.requests == 1
    await page("plain", "with members")
    assert one.requests == 1
    await page("with members and calls")
    assert one.requests == 2


async def test_a_default_range_travels_in_the_cursor() -> None:
    one = vendor()
    listing = Listing([one.feed()], key=key, scope="s", window=MONTH, carries_window=True)
    page = await listing.page(PageArgs(size=2))
    assert resolve_window(PageArgs(cursor=page.end_cursor), "s", None, DAY) == MONTH
    other = Listing([one.feed()], key=key, scope="other", window=MONTH)
    with pytest.raises(InvalidCursorError, match="another field"):
        await other.page(PageArgs(cursor=page.end_cursor))


async def test_a_range_that_reaches_into_the_future_is_walked() -> None:
    now = clock.now()
    one = Vendor("s", [Row(now + i * MINUTE * 50, "s", f"r{i:03}") for i in range(-60, 60)], page_size=20)
    world = World([one], Window(now - 3 * DAY, now + 3 * DAY), store=WindowStore())
    pages = await world.walk(11)
    assert [row for page in pages for row in page.nodes] == world.truth()
    assert len(world.truth()) == 120
