"""The shelf: what one feed has in the store, and how long it stays there."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar, cast

from graph import clock
from graph.cache.memory import StoredWindow, WindowStore
from graph.errors import VendorError
from graph.paging.cursor import Key
from graph.paging.drain import Drain
from graph.paging.feeds import RangedFeed, SnapshotFeed
from graph.paging.windows import Window, to_micros
from graph.transport.deadline import wait_within_deadline

R = TypeVar("R")
T = TypeVar("T")

SETTLED_TTL_S = 24 * 3600.0
YOUNG_TTL_S = 10.0
SNAPSHOT_TTL_S = 2.0
COUNTS_TTL_S = 3600.0
COUNTS_PATIENCE_S = 2.0


class Shelf(Generic[R]):
    """One ranged feed's part of the store.

    Args:
        feed: The feed.
        key: The sort key of a row.
        store: Where windows are kept.
        since: Windows that may still change are taken only if they were read at this instant or later.
    """

    def __init__(self, feed: RangedFeed[R], key: Callable[[R], Key], store: WindowStore, since: datetime) -> None:
        self._feed = feed
        self._sort_key = key
        self._store = store
        self._since = since
        self._key: Hashable = feed.source if feed.store_key is None else feed.store_key

    # ---- windows ------------------------------------------------------------------------------

    def find(self, rest: Window, *, up: bool) -> StoredWindow[R] | None:
        """The stored window at the near end of what remains of a range."""
        instant = rest.start if up else rest.end
        names = (self._key, *self._feed.richer_keys)
        found = (self._store.find_window(name, instant, up=up, since=self._since) for name in names)
        return next((window for window in found if window), None)

    async def once(
        self, window: Window, work: Callable[[], Awaitable[StoredWindow[R] | Drain[R]]]
    ) -> StoredWindow[R] | Drain[R]:
        """Read a window, or wait for whoever is reading it; read it again where they began too early."""
        while True:
            answer = await self._wait(self._store.once(("drain", self._key, window), work))
            if not isinstance(answer, StoredWindow) or answer.holds_since(self._since):
                return answer

    def keep(self, drain: Drain[R]) -> StoredWindow[R]:
        """Store a drained window, sorted: what has settled for long, the rest for seconds."""
        pairs = sorted(((self._sort_key(row), row) for row in drain.rows.values()), key=lambda pair: pair[0])
        keys, rows = [key for key, _ in pairs], [row for _, row in pairs]
        start, end, read_at = drain.window.start, drain.window.end, drain.read_at
        settled = self._settled()
        for part in _parts(start, end, settled):
            low, high = (bisect_left(keys, (to_micros(instant),)) for instant in part)
            is_settled = part.end <= settled
            window = StoredWindow(*part, keys[low:high], rows[low:high], read_at, is_settled)
            self._store.put_window(self._key, window, SETTLED_TTL_S if is_settled else YOUNG_TTL_S)
        return StoredWindow(start, end, keys, rows, read_at, end <= settled)

    def _settled(self) -> datetime:
        """Where what has settled ends, on the grid."""
        grid = self._feed.grid
        return grid.window(cell := grid.cell(clock.now() - self._feed.settle), cell).start

    # ---- what plans go by -----------------------------------------------------------------------

    @property
    def density(self) -> float | None:
        """Rows per cell of the grid, as met last."""
        return cast("float | None", self._store.recall(("density", self._key)))

    async def days(self, window: Window) -> Mapping[datetime, int] | None:
        """The vendor's counts per day of a range, asked for once; None where it cannot tell, or not at once."""
        count = self._feed.count_per_day
        if count is None:
            return None
        around = self._feed.grid.around(window)
        name = ("days", self._key, around)

        async def read() -> tuple[Mapping[datetime, int] | None]:
            try:
                known, ttl_s = (await count(around),), COUNTS_TTL_S
            except VendorError:
                known, ttl_s = (None,), YOUNG_TTL_S  # a plan can do without
            self._store.remember(name, known, ttl_s)
            return known

        known = self._store.recall(name)
        if known is None:
            try:
                async with asyncio.timeout(COUNTS_PATIENCE_S):
                    known = await self._wait(self._store.once(name, read))
            except TimeoutError:
                return None  # rows do not wait for counts; these are there for whoever asks later
        return cast("tuple[Mapping[datetime, int] | None]", known)[0]

    def learn(self, density: float | None, window: Window, *, has_days: bool) -> None:
        """Keep what a plan came to know; counts per day that proved misleading are not used again."""
        self._store.remember(("density", self._key), density, SETTLED_TTL_S)
        if self._feed.count_per_day is not None and not has_days:
            self._store.remember(("days", self._key, self._feed.grid.around(window)), (None,), COUNTS_TTL_S)

    async def count(self, window: Window) -> int | None:
        """The vendor's exact count of a range; None where it cannot tell."""
        count = self._feed.count
        if window.is_empty:
            return 0
        if count is None:
            return None
        name = ("count", self._key, window)

        async def read() -> tuple[int | None, datetime]:
            read_at = clock.now()
            return await count(window), read_at

        known = cast("tuple[int | None, datetime] | None", self._store.recall(name))
        while known is None or (known[1] < self._since and window.end > self._settled()):
            known = await self._wait(self._store.once(name, read))
            self._store.remember(name, known, YOUNG_TTL_S)
        return known[0]

    async def _wait(self, work: Awaitable[T]) -> T:
        return await wait_within_deadline(work, source=self._feed.source, endpoint="list")


def _parts(start: datetime, end: datetime, settled: datetime) -> list[Window]:
    """A range, cut where what has settled ends."""
    return [Window(start, settled), Window(settled, end)] if start < settled < end else [Window(start, end)]


async def read_recent(store: WindowStore, name: Hashable, read: Callable[[], Awaitable[Sequence[T]]]) -> Sequence[T]:
    """What was read at most two seconds ago and without an error in it, else read now, once for all who ask."""

    async def noted() -> tuple[Sequence[T], datetime]:
        read_at = clock.now()
        return await read(), read_at

    known = cast("tuple[Sequence[T], datetime] | None", store.recall(name))
    if known is None or not timedelta(0) <= clock.now() - known[1] <= timedelta(seconds=SNAPSHOT_TTL_S):
        known = await store.once(name, noted)
        if not any(isinstance(item, Exception) for item in known[0]):
            store.remember(name, known, SNAPSHOT_TTL_S, len(known[0]))
    return known[0]


async def read_snapshot(
    feed: SnapshotFeed[R], key: Callable[[R], Key], store: WindowStore, since: datetime
) -> StoredWindow[R]:
    """A snapshot feed's list, sorted and without duplicates; at most two seconds old, and read not before `since`."""
    name = ("snapshot", feed.source if feed.store_key is None else feed.store_key)

    async def read() -> StoredWindow[R]:
        read_at = clock.now()
        rows = {feed.identity(row): row for row in await feed.read()}
        pairs = sorted(((key(row), row) for row in rows.values()), key=lambda pair: pair[0])
        return StoredWindow(read_at, read_at, [k for k, _ in pairs], [row for _, row in pairs], read_at)

    known = cast("StoredWindow[R] | None", store.recall(name))
    while known is None or not known.holds_since(since):
        known = await wait_within_deadline(store.once(name, read), source=feed.source, endpoint="list")
        store.remember(name, known, SNAPSHOT_TTL_S, len(known.rows))
    return known
