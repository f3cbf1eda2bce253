"""One window is read whole, whatever the vendor's paging does, or the source fails and says why."""

import pytest
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World

from graph.cache.store import WindowStore
from graph.errors import SourceErrorCode, VendorError, VendorPayloadError, VendorUnavailableError
from graph.paging import RangedFeed
from graph.paging.drain import Drain
from graph.paging.rows import Slice
from graph.paging.windows import Grid, Window

pytestmark = pytest.mark.anyio
DAYS = Window(DAWN, DAWN + 4 * DAY)


def rows(count: int) -> list[Row]:
    return [Row(DAWN + i * MINUTE, "s", f"r{i:04}") for i in range(count)]


async def read_all(drain: Drain[Row]) -> None:
    while not drain.is_done:
        await drain.read_page()


async def drained(vendor: Vendor) -> list[str]:
    drain = Drain(vendor.feed(), DAYS)
    await read_all(drain)
    return sorted(drain.rows)


def canned(answers: list[Slice[Row]], *, is_stateless: bool) -> RangedFeed[Row]:
    async def read(_window: Window, _token: object | None) -> Slice[Row]:
        return answers.pop(0)

    return RangedFeed("s", read, lambda row: row.at, lambda row: row.id, Grid(), 2, is_stateless)


@pytest.mark.parametrize("is_stateless", [True, False])
async def test_pages_in_any_order_with_duplicates_and_strangers_make_the_window(is_stateless: bool) -> None:
    vendor = Vendor("s", rows(25), page_size=4, is_stateless=is_stateless, repeats_rows=True, is_end_inclusive=True)
    vendor.rows.append(Row(DAYS.end, "s", "stranger"))
    assert await drained(vendor) == [row.id for row in rows(25)]


async def test_a_list_that_changed_while_it_was_read_is_read_again() -> None:
    """Rows move from page to page: one would be lost unnoticed."""
    vendor = Vendor("s", rows(10), page_size=4)
    pages = 0

    def drop_one() -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            vendor.rows.pop(0)

    vendor.before_page = drop_one
    assert await drained(vendor) == [row.id for row in rows(10)[1:]]
    assert vendor.requests == 6


async def test_a_page_that_comes_in_place_of_another_is_no_page_of_the_window() -> None:
    """The total stays as it is, and two rows would be lost unnoticed: the window is read again, and then fails."""
    first, second = rows(4)[:2], rows(4)[2:]
    wrong = [Slice(first, 4, 2), Slice(first, 4, None)]
    drain = Drain(canned([*wrong, Slice(first, 4, 2), Slice(second, 4, None)], is_stateless=True), DAYS)
    await read_all(drain)
    assert sorted(drain.rows) == [row.id for row in rows(4)]
    with pytest.raises(VendorUnavailableError, match="kept changing"):
        await read_all(Drain(canned(wrong * 3, is_stateless=True), DAYS))


async def test_a_list_that_never_stops_changing_fails_after_three_tries() -> None:
    vendor = Vendor("s", rows(10), page_size=4)
    vendor.before_page = lambda: vendor.rows.append(Row(DAWN, "s", f"new{vendor.requests}"))
    with pytest.raises(VendorUnavailableError, match="kept changing"):
        await drained(vendor)


async def test_a_scroll_page_that_timed_out_is_never_asked_again_its_window_starts_over() -> None:
    vendor = Vendor("s", rows(10), page_size=4, is_stateless=False, timeouts=1)
    assert await drained(vendor) == [row.id for row in rows(10)]
    assert vendor.requests == 5, "one page, the one that timed out, and the three of another scroll"
    vendor = Vendor("s", rows(10), page_size=4, is_stateless=False, timeouts=2)
    with pytest.raises(VendorError, match="Too slow"):
        await drained(vendor)


async def test_a_numbered_page_that_timed_out_fails_the_source() -> None:
    vendor = Vendor("s", rows(10), page_size=4, timeouts=1)
    page = await World([vendor], DAYS).first(100)
    assert page.results["s"].error
    assert page.results["s"].error.code is SourceErrorCode.TIMEOUT


A, B = rows(2)


@pytest.mark.parametrize(
    ("is_stateless", "answers"),
    [
        (True, [Slice([A], 9, "same"), Slice([B], 9, "same")]),
        (True, [Slice([A], 9, 1), Slice([], 9, 2)]),
        (False, [Slice([], 0, "scroll")]),
        (False, [Slice([A, B], 9, "scroll"), Slice([A, B], 9, "scroll")]),
        (True, [Slice([A, B], 1, number) for number in range(99)]),
    ],
    ids=[
        "a token twice",
        "an empty page with a token",
        "an empty scroll with a token",
        "a scroll that stands",
        "endless",
    ],
)
async def test_paging_that_would_not_end_is_refused(is_stateless: bool, answers: list[Slice[Row]]) -> None:
    drain = Drain(canned(answers, is_stateless=is_stateless), DAYS)
    with pytest.raises(VendorPayloadError, match="does not end"):
        await read_all(drain)


async def test_a_scroll_may_keep_its_token() -> None:
    drain = Drain(canned([Slice([A], 2, "id"), Slice([B], 2, None)], is_stateless=False), DAYS)
    await read_all(drain)
    assert list(drain.rows) == [A.id, B.id]


@pytest.mark.parametrize("is_stateless", [True, False])
async def test_a_crowded_instant_is_read_at_once_by_the_second_page(is_stateless: bool) -> None:
    """A window that cannot be narrower and has more pages than the budget: the first page stays within its own."""
    vendor = Vendor("s", [Row(DAWN, "s", f"r{i:04}") for i in range(400)], page_size=20, is_stateless=is_stateless)
    world = World([vendor], DAYS, store=WindowStore(), descending=False)
    spent: list[int] = []
    pages = await world.walk(1000, between=lambda _page: spent.append(vendor.requests))
    assert [row for page in pages for row in page.nodes] == world.truth()
    assert (len(pages[0].nodes), pages[0].complete) == (0, True)
    assert spent[0] <= 8
    assert vendor.requests <= 40
