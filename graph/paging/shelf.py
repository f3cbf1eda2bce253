"""The shelf: what one feed has in the store, and how long it stays there."""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar, cast

from msgspec.structs import replace

from graph import clock
from graph.cache.codec import FactCodec, WindowCodec
from graph.cache.memory import StoredWindow
from graph.cache.store import WindowStore
from graph.errors import VendorError
from graph.freshness import note_life, note_read, note_settled
from graph.paging.cursor import Key
from graph.paging.drain import Drain, Outlook
from graph.paging.feeds import RangedFeed
from graph.paging.planner import Planner
from graph.paging.windows import Window, to_micros
from graph.transport.deadline import wait_within_deadline

R = TypeVar("R")
T = TypeVar("T")

SETTLED_TTL_S = 24 * 3600.0
YOUNG_TTL_S = 10.0
SNAPSHOT_TTL_S = 2.0
COUNTS_TTL_S = 3600.0
JOIN_S = 1  # what was read so long before a walk began serves it too, so that equal queries at a time cost one

Days = tuple[Mapping[datetime, int] | None]
Count = tuple[int | None, datetime]

_DENSITY: FactCodec[float] = FactCodec(float)
_DAYS: FactCodec[Days] = FactCodec(tuple[dict[datetime, int] | None])
_COUNT: FactCodec[Count] = FactCodec(Count)


class _GivenUp(Generic[R]):
    """How it is written that a window was given up; one that was drained is found in the store."""

    _outlooks: FactCodec[Outlook] = FactCodec(Outlook)

    def encode(self, value: StoredWindow[R] | Outlook) -> bytes | None:
        return self._outlooks.encode(value) if isinstance(value, Outlook) else None

    def decode(self, raw: bytes) -> StoredWindow[R] | Outlook | None:
        return self._outlooks.decode(raw)


_GIVEN_UP: _GivenUp[Any] = _GivenUp()


class Since(NamedTuple):
    """How old what was read may be, for one walk to use it.

    Attributes:
        fresh: What may still change must have been read at this instant or later.
        stale: Likewise where the source is down, so that it cannot be read now.
        is_first: Whether this is the first page of a walk. A later one owes what fails, and tries it again at once.
    """

    fresh: datetime
    stale: datetime
    is_first: bool = False


class Shelf(Generic[R]):
    """One ranged feed's part of the store.

    Args:
        feed: The feed.
        key: The sort key of a row.
        store: Where windows are kept.
        since: Which of them may be used.
    """

    def __init__(self, feed: RangedFeed[R], key: Callable[[R], Key], store: WindowStore, since: Since) -> None:
        self._feed = feed
        self._sort_key = key
        self._store = store
        self._since = since
        self._list = feed.store_key or feed.source
        self._lists = (self._list, *feed.richer_keys)
        self._has_asked_days = False
        self._windows = WindowCodec(feed.codec, key) if feed.codec is not None and store.is_shared else None

    # ---- windows ------------------------------------------------------------------------------

    async def find(self, rest: Window, *, up: bool) -> StoredWindow[R] | None:
        """The stored window at the near end of what remains of a range."""
        return await self._store.find_window(
            self._lists, rest.start if up else rest.end, up=up, since=self._since.fresh, codec=self._windows
        )

    async def find_stale(self, rest: Window, *, up: bool) -> StoredWindow[R] | None:
        """Likewise, one that may not be fresh any more, for when the source is down."""
        instant, since = rest.start if up else rest.end, self._since.stale
        return await self._store.find_window(
            self._lists, instant, up=up, since=since, codec=self._windows, may_be_stale=True
        )

    async def once(
        self, window: Window, work: Callable[[], Awaitable[StoredWindow[R] | Outlook]], *, up: bool
    ) -> StoredWindow[R] | Outlook:
        """Read a window, or wait for whoever is reading it; read it again where what they have does not serve."""
        name = f"{self._list}\ndrain\n{window.start.isoformat()}\n{window.end.isoformat()}"

        while True:
            answer = await self._wait(
                self._store.once(
                    name,
                    work,
                    look=None if self._windows is None else lambda: self.find(window, up=up),
                    said=_GIVEN_UP,
                    is_patient=self._since.is_first,
                )
            )
            if not isinstance(answer, StoredWindow):
                return answer
            # Who looked may have been going the other way, and another replica may have kept the window in parts.
            near = window.start if up else window.end
            if answer.holds_since(self._since.fresh) and answer.reaches_from(near, up=up):
                return answer

    async def keep(self, drain: Drain[R]) -> StoredWindow[R]:
        """Store a drained window, sorted: what has settled for long, the rest for seconds.

        A row that could not be read may be readable soon: a window that lacks one does not settle.
        """
        found = list(drain.rows.values())
        pairs = sorted(zip(map(self._sort_key, found), found, strict=True), key=itemgetter(0))
        keys, rows = [key for key, _ in pairs], [row for _, row in pairs]
        start, end = drain.window
        settled = start if drain.left_out else self._settled()
        whole = StoredWindow(start, end, keys, rows, drain.read_at, end <= settled, drain.left_out)
        for part in _parts(whole, settled):
            fresh_s = SETTLED_TTL_S if part.is_settled else YOUNG_TTL_S
            await self._store.put_window(self._list, part, fresh_s, self._windows)
        return whole

    def _settled(self) -> datetime:
        """Where what has settled ends, on the grid."""
        return self._feed.grid.start_of_cell(clock.now() - self._feed.settle)

    # ---- what plans go by -----------------------------------------------------------------------

    async def density(self) -> float | None:
        """Rows per cell of the grid, as met last."""
        return await self._store.recall(f"{self._list}\ndensity", self._shared(_DENSITY))

    async def days(self, window: Window, density: float | None) -> Mapping[datetime, int] | None:
        """The vendor's counts per day of a range, asked for once; None where it cannot tell, or not at once.

        A range that a plan does not need them for, by the density met last, is not asked about.
        """
        feed, count = self._feed, self._feed.count_per_day
        if count is None or not Planner.goes_by_days(window, feed.grid, feed.page_size, density):
            return None
        self._has_asked_days = True
        around = feed.grid.around(window)
        name, codec = self._of_window("days", around), self._shared(_DAYS)

        async def read() -> Days:
            try:
                known, fresh_s = (await count(around),), COUNTS_TTL_S
            except VendorError:
                known, fresh_s = (None,), YOUNG_TTL_S  # a plan can do without
            await self._store.remember(name, known, fresh_s, codec)
            return known

        async def look() -> Days | None:
            return await self._store.recall(name, codec)

        known = await look()
        if known is None:
            asked = self._store.once(name, read, look=look if codec else None)
            try:
                known = await self._wait(asked, patience_s=feed.counts_patience_s)
            except VendorError:
                return None  # rows do not wait for counts; these are there for whoever asks later
        return known[0]

    async def learn(self, density: float | None, window: Window, *, has_days: bool) -> None:
        """Keep what a plan came to know; counts per day that proved misleading are not used again."""
        if density is not None:
            await self._store.remember(f"{self._list}\ndensity", density, SETTLED_TTL_S, self._shared(_DENSITY))
        if self._has_asked_days and not has_days:
            name = self._of_window("days", self._feed.grid.around(window))
            await self._store.remember(name, cast("Days", (None,)), COUNTS_TTL_S, self._shared(_DAYS))

    async def count(self, window: Window) -> int | None:
        """The vendor's exact count of a range; None where it cannot tell. What was read whole is counted here."""
        count = self._feed.count
        if window.is_empty:
            return 0
        if count is None:
            return None
        stored = await self.find(window, up=True)
        if stored and stored.end >= window.end and not stored.left_out:
            note_read(stored.read_at, YOUNG_TTL_S, is_settled=stored.is_settled)
            low, high = places(stored.keys, window)
            return high - low
        name, codec = self._of_window("count", window), self._shared(_COUNT)

        async def read() -> Count:
            read_at = clock.now()
            known = (await count(window), read_at)
            await self._store.remember(name, known, YOUNG_TTL_S, codec)
            return known

        async def look() -> Count | None:
            known = await self._store.recall(name, codec)
            is_good = known is not None and (known[1] >= self._since.fresh or window.end <= self._settled())
            return known if is_good else None

        known = await look()
        while known is None or (known[1] < self._since.fresh and window.end > self._settled()):
            known = await self._wait(self._store.once(name, read, look=look if codec else None))
        if window.end <= self._settled():
            note_settled()
        else:
            note_life(YOUNG_TTL_S, known[1])
        return known[0]

    def _shared(self, codec: FactCodec[T]) -> FactCodec[T] | None:
        """Facts are shared where the rows are."""
        return None if self._windows is None else codec

    def _of_window(self, fact: str, window: Window) -> str:
        return f"{self._list}\n{fact}\n{window.start.isoformat()}\n{window.end.isoformat()}"

    async def _wait(self, work: Coroutine[Any, Any, T], patience_s: float | None = None) -> T:
        return await wait_within_deadline(work, source=self._feed.source, endpoint="list", patience_s=patience_s)


def places(keys: Sequence[Key], window: Window) -> tuple[int, int]:
    """Where the keys of a range begin and end among some that are sorted upward."""
    return bisect_left(keys, (to_micros(window.start),)), bisect_left(keys, (to_micros(window.end),))


def _parts(whole: StoredWindow[R], settled: datetime) -> list[StoredWindow[R]]:
    """A window, cut where what has settled ends."""
    if not whole.start < settled < whole.end:
        return [whole]
    at = bisect_left(whole.keys, (to_micros(settled),))
    older = replace(whole, end=settled, keys=whole.keys[:at], rows=whole.rows[:at], is_settled=True)
    return [older, replace(whole, start=settled, keys=whole.keys[at:], rows=whole.rows[at:])]
