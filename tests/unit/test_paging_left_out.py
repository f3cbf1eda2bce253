"""Rows that could not be read: the others come, and every page that lacks some says so."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, key

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import SourceErrorCode
from graph.paging import Listing, PageArgs, SnapshotFeed
from graph.paging.drain import Drain
from graph.paging.rows import Rows, Slice
from graph.paging.windows import Window
from graph.records import SourceResultStatus

pytestmark = pytest.mark.anyio
MONTH = Window(DAWN, DAWN + 30 * DAY)


class Torn(Vendor):
    """A vendor one in so many of whose rows cannot be read; its counts include them."""

    one_in: int = 7

    async def read(self, window: Window, token: object | None) -> Slice[Row]:
        answer = await super().read(window, token)
        good = [row for row in answer.rows if not self.one_in or int(row.id[1:]) % self.one_in]
        return answer._replace(rows=good, left_out=len(answer.rows) - len(good))


def torn(*, is_stateless: bool = True, one_in: int = 7, count: int = 70) -> Torn:
    rows = [Row(DAWN + i * 600 * MINUTE, "s", f"r{i:03}") for i in range(count)]
    vendor = Torn("s", rows, page_size=10, is_stateless=is_stateless, has_count=True)
    vendor.one_in = one_in
    return vendor


@pytest.mark.parametrize("is_stateless", [True, False])
@pytest.mark.parametrize("store", [None, WindowStore()], ids=["no store", "store"])
async def test_the_other_rows_come_and_the_page_says_what_is_missing(
    is_stateless: bool, store: WindowStore | None
) -> None:
    vendor = torn(is_stateless=is_stateless)
    world = World([vendor], MONTH, store=store)
    pages = await world.walk(100)
    readable = [row for row in world.truth() if int(row.id[1:]) % 7]
    assert [row for page in pages for row in page.nodes] == readable
    for page in pages:
        result = page.results["s"]
        assert result.status is SourceResultStatus.OK
        assert result.error is not None
        assert result.error.code is SourceErrorCode.BAD_PAYLOAD
        assert not page.complete
        assert await page.total_count() is None
        assert (await page.total_counts())["s"] is None
    errors = [page.results["s"].error for page in pages]
    assert sum(int(error.message.rstrip(".").split()[-1]) for error in errors if error) == 10


@pytest.mark.parametrize("is_stateless", [True, False])
async def test_a_list_of_which_no_row_can_be_read_ends_too(is_stateless: bool) -> None:
    vendor = torn(is_stateless=is_stateless, one_in=1)
    page = await World([vendor], MONTH).first(100)
    assert not page.nodes
    assert not page.complete
    assert vendor.requests <= 10


async def test_left_out_rows_count_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the guards would take the paging for one that does not end."""
    monkeypatch.setattr(clock, "now", lambda: MONTH.end)
    vendor = torn(one_in=2)
    drain = Drain(vendor.feed(), MONTH)
    while not drain.is_done:
        await drain.read_page()
    assert (len(drain.rows), drain.left_out, drain.total) == (35, 35, 70)


async def test_a_window_that_lacks_rows_does_not_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read may be readable after the vendor, or confgraph, was mended."""
    seconds = 0.0
    monkeypatch.setattr(clock, "now", lambda: MONTH.end + 99 * DAY + timedelta(seconds=seconds))
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)
    vendor = torn()
    world = World([vendor], MONTH, store=WindowStore())
    assert not (await world.first(100)).complete
    vendor.one_in, seconds = 0, 15
    page = await world.first(100)
    assert list(page.nodes) == world.truth()[: len(page.nodes)]
    assert page.complete
    assert page.results["s"].error is None


async def test_a_list_that_is_read_at_once_says_so_too() -> None:
    rows = [Row(DAWN, "live", f"r{i}") for i in range(3)]

    async def read() -> Sequence[Row]:
        return Rows.of(rows, left_out=2)

    status = SourceResultStatus.LIVE_ONLY
    feed = SnapshotFeed("live", read, lambda row: row.id, status=status, store_key="live")
    store = WindowStore()
    for _ in range(2):
        page = await Listing([feed], key=key, scope="s", store=store).page(PageArgs(size=5))
        assert list(page.nodes) == rows
        assert page.results["live"].status is status
        assert page.results["live"].error is not None
        assert page.results["live"].error.message == "Rows that could not be read were left out: 2."
        assert not page.complete


async def test_what_was_read_at_once_is_no_count_where_it_lacks_a_row() -> None:
    vendor = torn(count=8)
    page = await World([vendor], Window(DAWN, DAWN + 4 * DAY), store=WindowStore()).first(100)
    assert (vendor.requests, len(page.nodes)) == (1, 6)
    assert (await page.total_counts())["s"] is None
