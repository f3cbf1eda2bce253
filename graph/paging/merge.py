"""The merge: several walks as one, in order, with a cursor at every row.

The next row is the smallest head. Before it is known every source must show its head, have ended, or have failed; one
whose budget is spent shows nothing, so no row beyond the place it reached is given out, and the page comes short.
A source that failed owes its rows: cursors remember where it stands, and on a later page it starts from there, behind
the others, until it has caught up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from graph.paging.cursor import Checkpoint, Cursor, Cut, Key, cut_between, end
from graph.paging.walk import Walk

R = TypeVar("R")

Debts = Mapping[bytes, Checkpoint]


class Spot(msgspec.Struct, frozen=True, gc=False):
    """What the cursor of one row is made of, once somebody reads it.

    Attributes:
        key: The key of the row that is farthest in the walk, `side` as in a cursor.
        debts: Where the sources stand that owe rows.
        tag: The row's own source, as cursors tell it.
        source: Its name.
        done: The row's own key.
        coming: The key of the source's next row, where it is known.
        place: Else where the source stands.
        up: The way the walk goes.
    """

    key: Key
    side: int
    debts: Debts
    tag: bytes
    source: str
    done: Key
    coming: Key | None
    place: Cut
    up: bool

    def cursor(self) -> Cursor:
        """The cursor at the row.

        Where the row is the farthest, its source stands there, too: a place told between it and the next row would
        pass over whatever comes in between. Not where sources owe rows: should this one fail next, it would owe from
        this row on, whose id takes more room than a cursor has for each of several debts.
        """
        if self.done == self.key and self.side == 0 and not self.debts:
            return Cursor(self.key, 0, self.up, self.debts)
        place = cut_between(self.done, self.coming, up=self.up) if self.coming else self.place
        own = Checkpoint.of(place, self.source)
        return Cursor(self.key, self.side, self.up, {**self.debts, self.tag: own})


class Merge(Generic[R]):
    """One pass over all sources.

    Args:
        walks: One per source.
        start: Where the pass starts.
        up: The way it goes.

    Attributes:
        rows: The rows met, in order, each with what its cursor is made of: its key alone where all sources stand there.
        has_more: Whether a row beyond them was seen.
    """

    def __init__(self, walks: Sequence[Walk[R]], start: Cursor, *, up: bool) -> None:
        self.walks = walks
        self.up = up
        self.rows: list[tuple[R, Key | Spot]] = []
        self.has_more = False
        self._key, self._side = start.key, start.side
        tags = {walk.tag for walk in walks}
        # Sources that are not configured now, or not for this caller, may come back: their places are passed on.
        self._absent = {tag: at for tag, at in start.checkpoints.items() if tag not in tags and start.up is up}
        self._failed: list[Walk[R]] = []
        self._stop: Cut | None = None
        self._behind = [walk for walk in walks if walk.position.is_behind(self._main, up=up)]

    @property
    def _main(self) -> Cut:
        """The place of the row that is farthest in the walk."""
        return Cut(self._key, self.up if self._side == 0 else self._side > 0)

    @property
    def is_unfinished(self) -> bool:
        """Whether a source owes rows: it failed, or its budget is spent."""
        return any(walk.has_failed or walk.is_spent for walk in self.walks)

    async def run(self, size: int) -> None:
        """Take so many rows, and look at one more."""
        await self._fill(size + 1)
        while True:
            walk, limit = self._first()
            if walk is None:
                return
            if limit is None and self._stop is None and walk.is_whole and not self._has_debts:
                self._take_many(walk, size - len(self.rows))
            while walk.head is not None and (limit is None or (walk.head < limit) is self.up):
                if self._stop is not None and not self._stop.is_passed(walk.head, up=self.up):
                    return  # a source whose budget is spent may have rows before this one
                if len(self.rows) == size:
                    self.has_more = True
                    return
                self._take(walk)
            if walk.head is None:
                await self._fill(size + 1 - len(self.rows))

    async def _fill(self, wanted: int) -> None:
        """Make every source show its head."""
        hungry = [walk for walk in self.walks if walk.is_hungry]
        if len(hungry) == 1:
            await hungry[0].fill(wanted)
        elif hungry:
            await asyncio.gather(*(walk.fill(wanted) for walk in hungry))
        if hungry:
            self._failed = [walk for walk in self.walks if walk.has_failed]
            self._stop = self._nearest_spent()

    def _first(self) -> tuple[Walk[R] | None, Key | None]:
        """The walk with the first head, and the head that comes next after its own rows."""
        first: Walk[R] | None = None
        head: Key | None = None
        limit: Key | None = None
        for walk in self.walks:
            if (its := walk.head) is None:
                continue
            if head is None or (its < head) is self.up:
                first, head, limit = walk, its, head
            elif limit is None or (its < limit) is self.up:
                limit = its
        return first, limit

    def _nearest_spent(self) -> Cut | None:
        """The place up to which rows are sure: beyond it a source may have some whose budget is spent."""
        nearest: Cut | None = None
        for walk in self.walks:
            if walk.is_spent and (nearest is None or walk.position.is_behind(nearest, up=self.up)):
                nearest = walk.position
        return nearest

    @property
    def _has_debts(self) -> bool:
        return bool(self._absent or self._failed or self._behind)

    def _take_many(self, walk: Walk[R], most: int) -> None:
        """Take rows that no other source has a say in."""
        keys, rows = walk.pop_many(most)
        if keys:
            self._key, self._side = keys[-1], 0
            self.rows += zip(rows, keys, strict=True)

    def _take(self, walk: Walk[R]) -> None:
        key, row = walk.pop()
        if not self._has_debts:
            self._key, self._side = key, 0
            self.rows.append((row, key))
            return
        if not (self._behind and self._main.is_passed(key, up=self.up)):
            self._key, self._side = key, 0
        debts = self._debts(walk) if self._failed or self._behind else self._absent
        spot = Spot(self._key, self._side, debts, walk.tag, walk.source, key, walk.head, walk.passed, self.up)
        self.rows.append((row, spot))

    def _debts(self, but: Walk[R] | None = None) -> Debts:
        """Where the sources stand that owe rows."""
        if self._behind:
            self._behind = [walk for walk in self._behind if self._is_behind(walk)]
        owing = [walk for walk in (*self._failed, *self._behind) if walk is not but]
        if not owing:
            return self._absent
        return {**self._absent, **{walk.tag: Checkpoint.of(walk.position, walk.source) for walk in owing}}

    def _is_behind(self, walk: Walk[R]) -> bool:
        if walk.head is not None:
            return self._main.is_passed(walk.head, up=self.up)
        return not walk.is_over and walk.position.is_behind(self._main, up=self.up)

    def reached(self) -> Cursor:
        """The cursor at the place reached, where the rows end but sources still owe some."""
        nearest = self._nearest_spent() or end(up=self.up)
        if not nearest.is_behind(self._main, up=self.up):
            self._key, self._side = nearest.parts, 1 if nearest.is_after else -1
        return Cursor(self._key, self._side, self.up, self._debts())
