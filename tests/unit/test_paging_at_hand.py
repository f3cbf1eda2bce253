"""A page of a list that is at hand is what reading and merging it would make of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from paging_world import DAWN, MINUTE, Row, key

from graph import clock
from graph.paging import Listing, Page, PageArgs, SnapshotFeed, page_at_hand
from graph.paging.rows import Rows

pytestmark = pytest.mark.anyio
ROWS = [Row(DAWN + i * MINUTE, "s", f"r{i:02}") for i in (3, 1, 4, 0, 2)]


async def told(page: Page[Row]) -> dict[str, Any]:
    return {
        "rows": [(edge.node, edge.cursor) for edge in page.edges],
        "nodes": page.nodes,
        "cursors": (page.start_cursor, page.end_cursor),
        "more": (await page.has_next_page(), await page.has_previous_page()),
        "count": (await page.total_count(), await page.total_counts()),
        "results": page.results,
        "complete": page.complete,
    }


@pytest.mark.parametrize("size", [1, 2, 5, 6, 1000])
@pytest.mark.parametrize("is_forward", [True, False])
@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "none"])
@pytest.mark.parametrize("is_read", [True, False])
async def test_a_page_at_hand_is_the_page_that_is_read(
    monkeypatch: pytest.MonkeyPatch, size: int, rows: Sequence[Row], *, is_forward: bool, is_read: bool
) -> None:
    now = DAWN + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: now)
    read_at = now - MINUTE if is_read else None

    async def read() -> Sequence[Row]:
        return Rows.of(rows, 0, read_at)

    feed = SnapshotFeed("s", read, lambda row: row.id, is_asked=is_read)
    args = PageArgs(is_forward, size)
    right = await Listing([feed], key=key, scope="list").page(args)
    pairs = sorted((key(row), row) for row in rows)
    assert await told(page_at_hand("s", pairs, args, scope=lambda: "list", read_at=read_at)) == await told(right)
