"""Walks over lists that have no windows: they are read at once, or row by row as asked."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import InvalidCursorError
from graph.freshness import SETTLED_S
from graph.paging.cursor import Cut, Key, end
from graph.paging.feeds import ChosenFeed, SnapshotFeed
from graph.paging.shelf import SNAPSHOT_TTL_S, YOUNG_TTL_S, Since
from graph.paging.snapshots import read_snapshot
from graph.paging.walk import Walk

R = TypeVar("R")


class SnapshotWalk(Walk[R]):
    """A walk over a list that is read at once."""

    def __init__(
        self,
        feed: SnapshotFeed[R],
        start: Cut,
        *,
        up: bool,
        key: Callable[[R], Key],
        store: WindowStore,
        since: Since,
    ) -> None:
        super().__init__(feed.source, start, up=up, keep=feed.keep, success=feed.status)
        self._feed = feed
        self._key = key
        self._store = store
        self._since = since
        self._is_wanted = start != end(up=up)
        self._is_read = False

    @property
    def is_counted(self) -> bool:
        """Whether all of it could be read."""
        return self._is_read and not self.left_out

    @property
    def whole_count(self) -> int:
        """Of all that was read."""
        return len(self._rows) if self.is_whole else sum(map(self._keep, self._rows))

    @property
    def _has_more(self) -> bool:
        return self._is_wanted and not self._is_read

    async def _fetch(self, wanted: int) -> bool:  # noqa: ARG002 - the list is read whole, whatever is wanted
        snapshot, self.outage = await read_snapshot(self._feed, self._key, self._store, self._since)
        self._is_read = True
        if self._feed.is_asked:
            young_s = SNAPSHOT_TTL_S if self._feed.is_settled is None else YOUNG_TTL_S
            has_rows = bool(snapshot.left_out) or any(map(self._keep, snapshot.rows))
            self._note(snapshot, SETTLED_S if self._feed.gets_no_more and not has_rows else young_s)
        else:
            self.left_out = snapshot.left_out
        self._enter(snapshot.keys, snapshot.rows, 0, len(snapshot.rows), end(up=self.up))
        return True


class ChosenWalk(Walk[R]):
    """A walk over rows that were asked for one by one: it reads as many as a page wants."""

    def __init__(self, feed: ChosenFeed[R], start: Cut, *, up: bool, key: Callable[[R], Key]) -> None:
        super().__init__(feed.source, start, up=up, keep=feed.keep, success=feed.status)
        self._feed = feed
        self._key = key
        place = start.parts[0] if start.parts else 0
        if not isinstance(place, int):
            raise InvalidCursorError("This cursor belongs to another list.")
        self._at_place = place + start.is_after if start.parts else (0 if up else feed.places)

    @property
    def _has_more(self) -> bool:
        return self._at_place < self._feed.places if self.up else self._at_place > 0

    async def _fetch(self, wanted: int) -> bool:
        """Read some batches at once; where one fails, those before it count."""
        size = self._feed.at_once
        near = self._at_place // size if self.up else (self._at_place - 1) // size
        batches = [near + (number if self.up else -number) for number in range(-(-wanted // size))]
        spans = [(max(0, n * size), min(self._feed.places, (n + 1) * size)) for n in batches]
        spans = [(first, end) for first, end in spans if first < end]
        answers = await asyncio.gather(*(self._feed.read(*span) for span in spans), return_exceptions=True)
        failed = next((at for at, answer in enumerate(answers) if isinstance(answer, BaseException)), len(answers))
        if failed == 0:
            raise cast("BaseException", answers[0])
        rows = [row for answer in answers[:failed] for row in cast("Sequence[R]", answer)]
        rows.sort(key=self._key)
        self._at_place = spans[failed - 1][1 if self.up else 0]
        self.as_of = self.as_of or clock.now()
        keys = [self._key(row) for row in rows]
        self._enter(keys, rows, 0, len(rows), Cut((self._at_place,), is_after=False))
        return True
