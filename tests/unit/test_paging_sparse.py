"""Lists whose rows come with other rows: a page may have none and yet be followed by more."""

import pytest
from paging_world import DAWN, DAY, MINUTE, Row

from graph.errors import VendorPayloadError
from graph.paging import RangedFeed
from graph.paging.drain import Drain
from graph.paging.rows import Slice
from graph.paging.windows import Grid, Window

pytestmark = pytest.mark.anyio
DAYS = Window(DAWN, DAWN + 4 * DAY)
A, B = (Row(DAWN + i * MINUTE, "s", f"r{i}") for i in range(2))


async def drained(answers: list[Slice[Row]], *, is_stateless: bool) -> list[str]:
    async def read(_window: Window, _token: object | None) -> Slice[Row]:
        return answers.pop(0)

    drain = Drain(RangedFeed("s", read, lambda row: row.at, lambda row: row.id, Grid(), 2, is_stateless), DAYS)
    while not drain.is_done:
        await drain.read_page()
    return list(drain.rows)


async def test_any_number_of_empty_pages_may_lie_between_rows() -> None:
    empty = [Slice[Row]([], None, number, is_sparse=True) for number in range(1, 9)]
    answers = [Slice([A], None, 0, is_sparse=True), *empty, Slice([B], None, None, is_sparse=True)]
    assert await drained(answers, is_stateless=True) == [A.id, B.id]


@pytest.mark.parametrize(
    ("is_stateless", "answers"),
    [
        (True, [Slice[Row]([], None, "same", is_sparse=True)] * 3),
        (True, [Slice([A], None, number, is_sparse=True) for number in range(9)]),
        (False, [Slice[Row]([], None, "scroll", is_sparse=True)]),
    ],
    ids=["a token twice", "the same row again and again", "a scroll"],
)
async def test_sparse_pages_are_no_excuse_for_standing_still(is_stateless: bool, answers: list[Slice[Row]]) -> None:
    with pytest.raises(VendorPayloadError, match="does not end"):
        await drained(answers, is_stateless=is_stateless)
