"""A listing: one list, merged from its sources, and the pages of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from msgspec.structs import replace as replace_struct

from graph import clock
from graph.cache.store import OwnStore, WindowStore
from graph.errors import VendorError
from graph.freshness import note_life
from graph.paging.args import PageArgs
from graph.paging.cursor import Cursor, CursorWriter, Cut, Key, beginning, decode_cursor, tag_of
from graph.paging.feeds import ChosenFeed, Feed, RangedFeed, SnapshotFeed
from graph.paging.merge import Merge, Spot
from graph.paging.page import AtHand, Counts, Edge, Known, Once, Page
from graph.paging.planner import Budget
from graph.paging.shelf import JOIN_S, SNAPSHOT_TTL_S, Shelf, Since
from graph.paging.unranged import ChosenWalk, SnapshotWalk
from graph.paging.walk import RangedWalk, Walk
from graph.paging.windows import EPOCH, Window, from_seconds, to_seconds
from graph.records import SourceResult, SourceResultStatus

R = TypeVar("R")

FIRST_PAGE_BUDGET = 8


class Listing(Generic[R]):
    """One list over several sources.

    Args:
        feeds: How to read each source.
        key: A row's sort key, unique in the list; for ranged feeds it starts with the sort time in microseconds.
        scope: Field, parent, order and filter as text: a cursor of another scope is refused.
        descending: Whether the list goes the exact reverse way of the keys.
        window: The range of ranged feeds.
        carries_window: Whether the range was a default, so that cursors have to carry it.
        budget: List requests per source and page.
        store: Where windows are kept beyond the page.
        unsupported: Sources that cannot answer, by name.
    """

    def __init__(
        self,
        feeds: Sequence[Feed[R]],
        *,
        key: Callable[[R], Key],
        scope: str,
        descending: bool = False,
        window: Window | None = None,
        carries_window: bool = False,
        budget: int = 10,
        store: WindowStore | None = None,
        unsupported: Sequence[str] = (),
    ) -> None:
        self._feeds = feeds
        self._key = key
        self._scope = scope
        self._descending = descending
        self._window = window
        self._carries_window = carries_window
        self._budget = budget
        self._store = store if store is not None and store.enabled else None
        self._own_store: WindowStore | None = None  # of what may not be kept beyond the page
        self._unsupported = unsupported

    async def page(self, args: PageArgs) -> Page[R]:
        """Read one page.

        Raises:
            InvalidCursorError: the cursor is damaged, or belongs to another list.
        """
        up = args.is_forward is not self._descending
        limit = self._budget if args.cursor else min(self._budget, FIRST_PAGE_BUDGET)
        budgets = {feed.source: Budget(limit) for feed in self._feeds}
        start = self._start(args, up=up)
        is_first = args.cursor is None
        since = _since(start, is_first=is_first)
        walks = [
            self._walk(
                feed,
                self._place(feed.source, start, up=up),
                budgets,
                up=up,
                since=since,
                is_first=is_first,
                insists=not is_first,
            )
            for feed in self._feeds
        ]
        merge = Merge(walks, start, up=up)
        if args.size == 0:
            return self._empty_page(args, walks, budgets, start)
        await merge.run(args.size)
        if is_first:
            start = _go_back(start, walks)
        writer = CursorWriter(self._scope, self._window if self._carries_window else None, start.began, up=up)
        edges = _edges(merge.rows, writer)
        is_short = len(edges) < args.size and merge.is_unfinished
        return Page(
            edges if args.is_forward else edges[::-1],
            self._results(walks),
            is_forward=args.is_forward,
            has_more=merge.has_more or merge.is_unfinished,
            has_behind=Known(False) if is_first else Once(partial(self._has_rows_behind, start, budgets, up=up)),
            counts=self._once_counted(walks, budgets, start),
            reached=writer.write(merge.reached()) if is_short else None,
            left_out=any(walk.left_out for walk in walks),
        )

    # ---- where a page starts ----------------------------------------------------------------------

    def _start(self, args: PageArgs, *, up: bool) -> Cursor:
        now = to_seconds(clock.now())
        if args.cursor is not None:
            cursor = decode_cursor(args.cursor, self._scope)
            return replace_struct(cursor, began=min(cursor.began, now))  # clocks of two replicas may differ
        return Cursor((), 1 if beginning(up=up).is_after else -1, up, began=now)

    def _place(self, source: str, start: Cursor, *, up: bool) -> Cut:
        """Where one source starts: at its own checkpoint, else with the others."""
        own = start.checkpoints.get(tag_of(source)) if start.up is up else None
        if own is not None:
            return own.cut(source)
        cut = start.cut(up=up)
        for at, part in enumerate(cut.parts):
            if isinstance(part, str):
                # Behind another source's row all or none of this one's rows of the same time are done; told
                # without that row's id, the place is short enough for many of them to fit into a cursor.
                is_other = part != source and any(part == feed.source for feed in self._feeds)
                return Cut(cut.parts[:at], source < part) if is_other else cut
        return cut

    def _walk(
        self,
        feed: Feed[R],
        place: Cut,
        budgets: Mapping[str, Budget],
        *,
        up: bool,
        since: Since,
        is_first: bool = False,
        insists: bool = False,
    ) -> Walk[R]:
        if isinstance(feed, ChosenFeed):
            return ChosenWalk(feed, place, up=up, key=self._key)
        if isinstance(feed, SnapshotFeed):
            return SnapshotWalk(feed, place, up=up, key=self._key, store=self._store_of(feed), since=since)
        return RangedWalk(
            feed,
            place,
            up=up,
            window=self._range.until(feed.ends_at),
            shelf=self._shelf(feed, since),
            budget=budgets[feed.source],
            is_first=is_first,
            insists=insists,
        )

    def _shelf(self, feed: RangedFeed[R], since: Since) -> Shelf[R]:
        return Shelf(feed, self._key, self._store_of(feed), since)

    def _store_of(self, feed: RangedFeed[R] | SnapshotFeed[R]) -> WindowStore:
        if self._store is not None and feed.store_key is not None:
            return self._store
        if self._own_store is None:
            self._own_store = OwnStore()
        return self._own_store

    @property
    def _range(self) -> Window:
        if self._window is None:
            raise ValueError("A list with ranged feeds needs a range of time.")
        return self._window

    # ---- what a page says ---------------------------------------------------------------------

    def _results(self, walks: Sequence[Walk[R]]) -> Mapping[str, SourceResult]:
        unsupported = SourceResultStatus.UNSUPPORTED
        results = {name: SourceResult(source_name=name, status=unsupported) for name in self._unsupported}
        results |= {walk.source: walk.result for walk in walks}
        return dict(sorted(results.items()))

    def _empty_page(
        self, args: PageArgs, walks: Sequence[Walk[R]], budgets: Mapping[str, Budget], start: Cursor
    ) -> Page[R]:
        """The page of no rows that a client asked for; it makes no list request."""
        is_empty_range = self._window is not None and self._window.is_empty
        return Page(
            [],
            self._results(walks),
            is_forward=args.is_forward,
            has_more=bool(self._feeds) and not is_empty_range,
            has_behind=Known(args.cursor is not None),
            counts=self._once_counted(walks, budgets, start),
        )

    def _once_counted(self, walks: Sequence[Walk[R]], budgets: Mapping[str, Budget], start: Cursor) -> Once[Counts]:
        if all(walk.is_counted for walk in walks):
            return AtHand(lambda: {walk.source: walk.whole_count for walk in walks})
        return Once(partial(self._counts, walks, budgets, start))

    async def _has_rows_behind(self, start: Cursor, budgets: Mapping[str, Budget], *, up: bool) -> bool:
        """Walk one row the other way from where the page started."""
        place = start.cut(up=up)
        if place == beginning(up=up):
            return False
        may_have_more = False
        # The source of the row before is asked first: most likely it still has it.
        for feed in sorted(self._feeds, key=lambda feed: feed.source not in place.parts):
            walk = self._walk(feed, place, budgets, up=not up, since=_since(start), is_first=True)
            await walk.fill(1)
            if walk.head is not None:
                return True
            may_have_more = may_have_more or walk.has_failed or walk.is_spent
        return may_have_more

    async def _counts(self, walks: Sequence[Walk[R]], budgets: Mapping[str, Budget], start: Cursor) -> Counts:
        since = _since(start)
        found = {walk.source: walk.whole_count if walk.is_counted else None for walk in walks}
        unsure = {walk.source for walk in walks if walk.error or walk.left_out}
        asked = [feed for feed in self._feeds if found[feed.source] is None and feed.source not in unsure]
        counts: list[int | None]
        if len(asked) == 1:
            counts = [await self._count(asked[0], budgets, since)]
        else:
            counts = await asyncio.gather(*(self._count(feed, budgets, since) for feed in asked))
        if None in counts:
            note_life(SNAPSHOT_TTL_S)  # what would cost too much may have been read for others by then
        return {**found, **dict(zip((feed.source for feed in asked), counts, strict=True))}

    async def _count(self, feed: Feed[R], budgets: Mapping[str, Budget], since: Since) -> int | None:
        """The vendor's count, else by reading."""
        if isinstance(feed, RangedFeed):
            with suppress(VendorError):
                count = await self._shelf(feed, since).count(self._range)
                if count is not None:
                    return count
        up = not self._descending
        return await self._walk(feed, beginning(up=up), budgets, up=up, since=since).count()


def _edges(rows: Sequence[tuple[R, Key | Spot]], writer: CursorWriter) -> list[Edge[R]]:
    write_row = writer.write_row

    def write_spot(spot: Spot) -> str:
        return writer.write(spot.cursor())

    return [Edge(row, place, write_row if type(place) is tuple else write_spot) for row, place in rows]


def _since(start: Cursor, *, is_first: bool = False) -> Since:
    """What has to be known of what may still change: the state when the walk began, or a later one.

    A walk that begins while a source is down may begin earlier, with what that source answered before.
    """
    began = from_seconds(start.began - JOIN_S)
    return Since(began, EPOCH if is_first else began, is_first)


def _go_back(start: Cursor, walks: Sequence[Walk[R]]) -> Cursor:
    """Let a walk have begun when the oldest rows were read that stand in for a source that is down.

    Its promise then holds as of that instant, and later pages may use what was read since.
    """
    ages = (to_seconds(walk.fell_back_to) for walk in walks if walk.fell_back_to)
    return replace_struct(start, began=min((start.began, *ages)))
