"""Feeds: how one source's rows of one list can be read, and what a page says that each source contributed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from graph.cache.codec import Codec
from graph.paging.rows import Slice
from graph.paging.windows import Grid, Window
from graph.records import SourceResultStatus

R = TypeVar("R")


def keep_all(_row: object) -> bool:
    """The filter that lets every row through."""
    return True


class RangedFeed(msgspec.Struct, Generic[R], frozen=True):
    """One source's rows of one list, readable window by window.

    Attributes:
        source: The source's name.
        read: One list request, that is one vendor page of a window; the token None asks for the first.
        time: A row's sort time.
        identity: The vendor's id, by which duplicates are dropped.
        grid: Where windows may lie.
        page_size: Rows per list request.
        has_stateless_pages: Pages are numbered and may be asked for at any time; False where a scroll must be
            drained at once.
        keep: The filter that is applied here, after the read; never part of what is stored.
        is_over: Whether what a row tells of has ended.
        count: The vendor's exact count of a range, asked without a list request; None where `keep` filters.
        count_per_day: Rows per day by the day's first instant, to plan windows; no list request, may be a bit off.
        counts_patience_s: How long rows wait for those counts.
        store_key: What windows are stored under: source, account, list, narrowing parameters and extras, or None
            for never. Feeds that share one must have the same sort keys.
        codec: How lists of its rows are written for other processes; None keeps them in this one.
        richer_keys: Store keys of feeds whose windows have all that this one needs.
        settle: Windows older than this hardly change any more.
        ends_at: No row lies at this instant or after it; None where rows of the future may.
        overlap: How much wider than the window the vendor is asked, where its range filters not the start.
    """

    source: str
    read: Callable[[Window, object | None], Awaitable[Slice[R]]]
    time: Callable[[R], datetime]
    identity: Callable[[R], str]
    grid: Grid
    page_size: int
    has_stateless_pages: bool
    keep: Callable[[R], bool] = keep_all
    is_over: Callable[[R], bool] = keep_all
    count: Callable[[Window], Awaitable[int | None]] | None = None
    count_per_day: Callable[[Window], Awaitable[Mapping[datetime, int] | None]] | None = None
    counts_patience_s: float = 0.7
    store_key: str | None = None
    codec: Codec[Any] | None = None
    richer_keys: Sequence[str] = ()
    settle: timedelta = timedelta(hours=50)
    overlap: timedelta = timedelta(0)
    ends_at: datetime | None = None


class ChosenFeed(msgspec.Struct, Generic[R], frozen=True):
    """One source's rows that were asked for one by one, in the order asked; their sort keys are their places.

    Attributes:
        source: The source's name.
        read: The rows of the places from the first up to, without, the second; those that are not there are left out.
        places: How many were asked for.
        at_once: How many are read together, always the same ones.
        keep: The filter that is applied here.
        status: What its contribution is called: OK, or LIVE_ONLY.
    """

    source: str
    read: Callable[[int, int], Awaitable[Sequence[R]]]
    places: int
    at_once: int
    keep: Callable[[R], bool] = keep_all
    status: SourceResultStatus = SourceResultStatus.OK


class SnapshotFeed(msgspec.Struct, Generic[R], frozen=True):
    """One source's whole list, read at once.

    Attributes:
        source: The source's name.
        read: Every row.
        identity: The vendor's id, by which duplicates are dropped.
        keep: The filter that is applied here.
        status: What its contribution is called: OK, or LIVE_ONLY.
        is_settled: Whether what it is of, a range or a conference, has settled; None where that is now.
        gets_no_more: Whether no rows will come that are not there now.
        store_key: What the list is stored under: for seconds, settled for long; None where its rows are the request's
            own, at hand or kept by a loader.
        codec: How it is written for other processes; None keeps it in this one.
        is_asked: Whether reading it asks the vendor; False where the rows are at hand.
    """

    source: str
    read: Callable[[], Awaitable[Sequence[R]]]
    identity: Callable[[R], str]
    keep: Callable[[R], bool] = keep_all
    status: SourceResultStatus = SourceResultStatus.OK
    is_settled: bool | None = None
    gets_no_more: bool = False
    store_key: str | None = None
    codec: Codec[Any] | None = None
    is_asked: bool = True


Feed: TypeAlias = RangedFeed[R] | SnapshotFeed[R] | ChosenFeed[R]
