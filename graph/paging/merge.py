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
        rows: The rows met, in order, each with its spot.
        has_more: Whether a row beyond them was seen.
    """

    def __init__(self, walks: Sequence[Walk[R]], start: Cursor, *, up: bool) -> None:
        self.walks = walks
        self.up = up
        self.rows: list[tuple[R, Spot]] = []
        self.has_more = False
        self._key, self._side = start.key, start.side
        tags = {walk.tag for walk in walks}
        # Sources that are not configured now, or not for this caller, may come back: their places are passed on.
        self._absent = {tag: at for tag, at in start.checkpoints.items() if tag not in tags and start.up is up}
        self._failed: list[Walk[R]] = []
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
        while True:
            await self._fill(size + 1 - len(self.rows))
            walk = self._next()
            if walk is None:
                return
            bound = self._bound(walk)
            while walk.head is not None and bound.is_passed(walk.head, up=self.up):
                if len(self.rows) == size:
                    self.has_more = True
                    return
                self._take(walk)
            if walk.head is not None and walk is self._next():
                return  # a source whose budget is spent may have rows before this one

    async def _fill(self, wanted: int) -> None:
        """Make every source show its head."""
        hungry = [walk for walk in self.walks if walk.is_hungry]
        if len(hungry) == 1:
            await hungry[0].fill(wanted)
        elif hungry:
            await asyncio.gather(*(walk.fill(wanted) for walk in hungry))
        if hungry:
            self._failed = [walk for walk in self.walks if walk.has_failed]

    def _next(self) -> Walk[R] | None:
        """The walk with the first head."""
        ready = {walk.head: walk for walk in self.walks if walk.head is not None}
        return ready[min(ready) if self.up else max(ready)] if ready else None

    def _bound(self, walk: Walk[R]) -> Cut:
        """The place up to which a walk may go on: another's head, or where a spent one stands."""
        others = [other for other in self.walks if other is not walk]
        heads = [other.head for other in others if other.head is not None]
        bound = Cut(min(heads) if self.up else max(heads), not self.up) if heads else end(up=self.up)
        for other in others:
            if other.is_spent and other.head is None and other.position.is_behind(bound, up=self.up):
                bound = other.position
        return bound

    def _take(self, walk: Walk[R]) -> None:
        key, row = walk.pop()
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
        places = [walk.position for walk in self.walks if walk.is_spent]
        nearest = end(up=self.up)
        for place in places:
            nearest = place if place.is_behind(nearest, up=self.up) else nearest
        if not nearest.is_behind(self._main, up=self.up):
            self._key, self._side = nearest.parts, 1 if nearest.is_after else -1
        return Cursor(self._key, self._side, self.up, self._debts())
