"""The shelf: what one feed has in the store, and how long it stays there."""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from datetime import datetime
from typing import Generic, TypeVar, cast

from graph import clock
from graph.cache.memory import StoredWindow, WindowStore
from graph.errors import VendorError
from graph.paging.cursor import Key
from graph.paging.drain import Drain
from graph.paging.feeds import RangedFeed, SnapshotFeed
from graph.paging.windows import Window, to_micros

R = TypeVar("R")
T = TypeVar("T")

SETTLED_TTL_S = 24 * 3600.0
YOUNG_TTL_S = 10.0
SNAPSHOT_TTL_S = 2.0
COUNTS_TTL_S = 3600.0


class Shelf(Generic[R]):
    """One ranged feed's part of the store.

    Args:
        feed: The feed.
        key: The sort key of a row.
        store: Where windows are kept.
    """

    def __init__(self, feed: RangedFeed[R], key: Callable[[R], Key], store: WindowStore) -> None:
        self._feed = feed
        self._sort_key = key
        self._store = store
        self._key: Hashable = feed.source if feed.store_key is None else feed.store_key

    # ---- windows ------------------------------------------------------------------------------

    def find(self, rest: Window, *, up: bool) -> StoredWindow[R] | None:
        """The stored window at the near end of what remains of a range."""
        instant = rest.start if up else rest.end
        found = (self._store.find_window(key, instant, up=up) for key in (self._key, *self._feed.richer_keys))
        return next((window for window in found if window), None)

    async def once(self, window: Window, work: Callable[[], Awaitable[T]]) -> T:
        """Read a window, or wait for whoever is reading it."""
        return await self._store.once(("drain", self._key, window), work)

    def keep(self, drain: Drain[R]) -> StoredWindow[R]:
        """Store a drained window, sorted: what has settled for long, the rest for seconds."""
        pairs = sorted(((self._sort_key(row), row) for row in drain.rows.values()), key=lambda pair: pair[0])
        keys, rows = [key for key, _ in pairs], [row for _, row in pairs]
        whole = StoredWindow(drain.window.start, drain.window.end, keys, rows, drain.read_at)
        for part, ttl_s in self._by_age(whole):
            self._store.put_window(self._key, part, ttl_s)
        return whole

    def _by_age(self, whole: StoredWindow[R]) -> Iterator[tuple[StoredWindow[R], float]]:
        grid = self._feed.grid
        settled = grid.window(cell := grid.cell(clock.now() - self._feed.settle), cell).start
        if settled <= whole.start or settled >= whole.end:
            yield whole, YOUNG_TTL_S if settled <= whole.start else SETTLED_TTL_S
            return
        at = bisect_left(whole.keys, (to_micros(settled),))
        yield StoredWindow(whole.start, settled, whole.keys[:at], whole.rows[:at], whole.read_at), SETTLED_TTL_S
        yield StoredWindow(settled, whole.end, whole.keys[at:], whole.rows[at:], whole.read_at), YOUNG_TTL_S

    # ---- what plans go by -----------------------------------------------------------------------

    @property
    def density(self) -> float | None:
        """Rows per cell of the grid, as met last."""
        return cast("float | None", self._store.recall(("density", self._key)))

    async def days(self, window: Window) -> Mapping[datetime, int] | None:
        """The vendor's counts per day of a range, asked for once; None where it cannot tell."""
        count = self._feed.count_per_day
        if count is None:
            return None
        around = self._feed.grid.around(window)
        name = ("days", self._key, around)
        known = self._store.recall(name)
        if known is None:
            try:
                known = (await self._store.once(name, lambda: count(around)),)
            except VendorError:
                known = (None,)  # a plan can do without
            self._store.remember(name, known, COUNTS_TTL_S)
        return cast("tuple[Mapping[datetime, int] | None]", known)[0]

    def learn(self, density: float | None, window: Window, *, has_days: bool) -> None:
        """Keep what a plan came to know; counts per day that proved misleading are not used again."""
        self._store.remember(("density", self._key), density, SETTLED_TTL_S)
        if self._feed.count_per_day is not None and not has_days:
            self._store.remember(("days", self._key, self._feed.grid.around(window)), (None,), COUNTS_TTL_S)

    async def count(self, window: Window) -> int | None:
        """The vendor's exact count of a range; None where it cannot tell."""
        count = self._feed.count
        if count is None:
            return None
        name = ("count", self._key, window)
        known = cast("int | None", self._store.recall(name))
        if known is None:
            known = await self._store.once(name, lambda: count(window))
            self._store.remember(name, known, YOUNG_TTL_S)
        return known


async def read_snapshot(feed: SnapshotFeed[R], key: Callable[[R], Key], store: WindowStore) -> StoredWindow[R]:
    """A snapshot feed's list, sorted and without duplicates; at most two seconds old."""
    name = ("snapshot", feed.source if feed.store_key is None else feed.store_key)

    async def read() -> StoredWindow[R]:
        read_at = clock.now()
        rows = {feed.identity(row): row for row in await feed.read()}
        pairs = sorted(((key(row), row) for row in rows.values()), key=lambda pair: pair[0])
        return StoredWindow(read_at, read_at, [k for k, _ in pairs], [row for _, row in pairs], read_at)

    known = cast("StoredWindow[R] | None", store.recall(name))
    if known is None:
        known = await store.once(name, read)
        store.remember(name, known, SNAPSHOT_TTL_S, len(known.rows))
    return known
