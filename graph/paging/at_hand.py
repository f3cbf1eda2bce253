"""Pages of lists that are at hand, whole: nothing has to be read or merged for them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from graph import clock
from graph.paging.args import PageArgs
from graph.paging.cursor import CursorWriter, Key
from graph.paging.page import Counts, Edge, Known, Page
from graph.paging.windows import to_seconds
from graph.records import SourceResult, SourceResultStatus

R = TypeVar("R")

_NOTHING_BEHIND = Known(False)  # it begins where its list does


def page_at_hand(
    source: str, rows: Sequence[tuple[Key, R]], args: PageArgs, *, scope: Callable[[], str], read_at: datetime | None
) -> Page[R]:
    """The first page of a list, going backward the last one: what `Listing.page` would make of it.

    Args:
        source: Where the list comes from.
        rows: All of it, sorted upward by its keys, none of them missing.
        args: Which page; there is no cursor, and some rows are wanted.
        scope: Tells the scope of the list, should a cursor be wanted.
        read_at: When it was read; None where it came with something else.
    """
    up = args.is_forward
    began = to_seconds(clock.now())
    writer: CursorWriter | None = None

    def write(key: Key) -> str:
        nonlocal writer
        writer = writer or CursorWriter(scope(), None, began, up=up)
        return writer.write_row(key)

    counts: Counts = {source: len(rows)}
    chosen = rows[: args.size] if up else rows[-args.size :]
    return Page(
        [Edge(row, key, write) for key, row in chosen],
        {source: SourceResult(source_name=source, status=SourceResultStatus.OK, as_of=read_at)},
        is_forward=up,
        has_more=len(rows) > args.size,
        has_behind=_NOTHING_BEHIND,
        counts=Known(counts),
    )
