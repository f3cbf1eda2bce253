"""The store of this process: windows of rows that were read, and small facts about them.

Least recently used first out, bounded by rows; every entry has a time to live. Equal reads that run at the same time
are one read. The store knows nothing of vendors or pages: it keeps what it is given under the key it is given.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from graph import clock
from graph.transport.deadline import shared_context

R = TypeVar("R")
T = TypeVar("T")

_Span = tuple[datetime, datetime]
_Name = tuple[Hashable, _Span | None]  # without a span: a fact

ENTRY_WEIGHT = 4  # rows that an entry counts for beside its own, so that a million empty windows are bounded too


@dataclass(frozen=True, slots=True)
class StoredWindow(Generic[R]):
    """All rows of a half-open range of time, sorted upward by their keys.

    Attributes:
        read_at: When reading them began.
        is_settled: Whether they hardly change any more.
    """

    start: datetime
    end: datetime
    keys: Sequence[tuple[int | str, ...]]
    rows: Sequence[R]
    read_at: datetime
    is_settled: bool = False

    def holds_since(self, since: datetime) -> bool:
        """Whether no row is missing that was there at an instant."""
        return self.is_settled or self.read_at >= since


@dataclass(slots=True)
class _Entry:
    value: Any
    weight: int
    expires_at: float


class WindowStore:
    """Windows and facts by key, bounded by rows, with a time to live.

    Args:
        max_rows: How many rows it holds at most.
        enabled: False keeps nothing: every page reads for itself.
    """

    def __init__(self, max_rows: int = 200_000, *, enabled: bool = True) -> None:
        self.max_rows = max_rows
        self.enabled = enabled
        self.rows = 0
        self._entries: OrderedDict[_Name, _Entry] = OrderedDict()
        self._windows: dict[Hashable, dict[_Span, StoredWindow[Any]]] = {}
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    # ---- windows ------------------------------------------------------------------------------

    def put_window(self, key: Hashable, window: StoredWindow[Any], ttl_s: float) -> None:
        """Keep a window; those that lie inside it are forgotten, they are older."""
        if not self.enabled:
            return
        for start, end in list(self._windows.get(key, ())):
            if window.start <= start and end <= window.end:
                self._drop((key, (start, end)))
        self._windows.setdefault(key, {})[window.start, window.end] = window
        self._put((key, (window.start, window.end)), window, len(window.rows), ttl_s)

    def find_window(self, key: Hashable, instant: datetime, *, up: bool, since: datetime) -> StoredWindow[Any] | None:
        """The window that reaches farthest from an instant: upward from it, or downward to just before it.

        Only one that has all rows which were there at `since`.
        """
        best = None
        for span in self._spans(key, instant, up=up):
            window: StoredWindow[Any] | None = self._get((key, span))
            if window is None or not window.holds_since(since):
                continue
            if best is None or (window.end > best.end if up else window.start < best.start):
                best = window
        return best

    def _spans(self, key: Hashable, instant: datetime, *, up: bool) -> Iterator[_Span]:
        for start, end in list(self._windows.get(key, ())):
            if start <= instant < end if up else start < instant <= end:
                yield start, end

    # ---- facts --------------------------------------------------------------------------------

    def remember(self, key: Hashable, value: object, ttl_s: float, rows: int = 0) -> None:
        """Keep a fact."""
        if self.enabled:
            self._drop((key, None))
            self._put((key, None), value, rows, ttl_s)

    def recall(self, key: Hashable) -> Any:
        """The fact of that name, or None."""
        return self._get((key, None))

    # ---- single flight --------------------------------------------------------------------------

    async def once(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Do a piece of work, or wait for it where it is being done already.

        The work runs in a task of its own: whoever stops waiting does not stop it for the others, and nobody's
        deadline ends it.
        """
        flight: asyncio.Task[T] | None = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(_start(work), context=shared_context())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: Hashable, flight: "asyncio.Task[Any]") -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # read, so that an error nobody waits for any more is not reported as lost

    # ---- entries ------------------------------------------------------------------------------

    def _put(self, name: _Name, value: object, rows: int, ttl_s: float) -> None:
        self._entries[name] = _Entry(value, rows + ENTRY_WEIGHT, clock.monotonic() + ttl_s)
        self.rows += rows + ENTRY_WEIGHT
        while self.rows > self.max_rows:
            self._drop(next(iter(self._entries)))

    def _get(self, name: _Name) -> Any:
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.expires_at <= clock.monotonic():
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        return entry.value

    def _drop(self, name: _Name) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        self.rows -= entry.weight
        key, span = name
        if span is not None:
            windows = self._windows[key]
            del windows[span]
            if not windows:
                del self._windows[key]


async def _start(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
