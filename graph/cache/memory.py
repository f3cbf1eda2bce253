"""The tier in this process: windows of rows that were read, and small facts about them, bounded by bytes.

Least recently used first out; every entry is fresh for a while, and for a while longer can be served as stale. It
knows nothing of vendors or pages: it keeps what it is given under the key it is given.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import Any, Generic, TypeVar

import msgspec

from graph import clock

R = TypeVar("R")

Span = tuple[datetime, datetime]
_Name = tuple[str, Span | None]  # without a span: a fact

# Measured with tracemalloc over the rows of the emulators, with and without their members and calls: a row alive takes
# 1.8 to 2.6 times its bytes as msgpack, and its sort key with the places in two lists 106 bytes.
LIVE_PER_ENCODED = 2.6
ROW_BYTES = 110
ENTRY_BYTES = 500  # of an entry beside its rows, so that a million empty windows are bounded too
SAMPLE = 8
UNWEIGHABLE_BYTES = 2000  # of a row that has no form as msgpack


class StoredWindow(msgspec.Struct, Generic[R], frozen=True):
    """All rows of a half-open range of time, sorted upward by their keys.

    Attributes:
        read_at: When reading them began.
        is_settled: Whether they hardly change any more.
        left_out: How many rows are missing because they could not be read.
    """

    start: datetime
    end: datetime
    keys: Sequence[tuple[int | str, ...]]
    rows: Sequence[R]
    read_at: datetime
    is_settled: bool = False
    left_out: int = 0

    def holds_since(self, since: datetime) -> bool:
        """Whether no row is missing that was there at an instant."""
        return self.is_settled or self.read_at >= since

    def reaches_from(self, instant: datetime, *, up: bool) -> bool:
        """Whether a walk can go on with it from an instant: upward from it, or downward from just before it."""
        return self.start <= instant < self.end if up else self.start < instant <= self.end


class _Entry(msgspec.Struct):
    value: Any
    weight: int
    rows: int
    fresh_until: float
    gone_at: float


class Memory:
    """Windows and facts by key.

    Args:
        max_bytes: About how much it holds at most; without end, it is not weighed.

    Attributes:
        bytes: About how much it holds.
        rows: How many rows that are.
    """

    def __init__(self, max_bytes: float) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.rows = 0
        self._entries: OrderedDict[_Name, _Entry] = OrderedDict()
        self._windows: dict[str, dict[Span, StoredWindow[Any]]] = {}

    # ---- windows ------------------------------------------------------------------------------

    def put_window(self, key: str, window: StoredWindow[Any], fresh_s: float, stale_s: float) -> None:
        """Keep a window; those that lie inside it are forgotten, unless they were read later."""
        for span, other in list(self._windows.get(key, {}).items()):
            if window.start <= other.start and other.end <= window.end and other.read_at <= window.read_at:
                self._drop((key, span))
        span = window.start, window.end
        self._drop((key, span))
        self._windows.setdefault(key, {})[span] = window
        self._put((key, span), window, window.rows, fresh_s, stale_s)

    def find_window(
        self, key: str, instant: datetime, *, up: bool, since: datetime, may_be_stale: bool = False
    ) -> StoredWindow[Any] | None:
        """The window that reaches farthest from an instant: upward from it, or downward to just before it.

        Only one that has all rows which were there at `since`.
        """
        windows = self._windows.get(key)
        if windows is None:
            return None
        if up:
            spans = [span for span in windows if span[0] <= instant < span[1]]
        else:
            spans = [span for span in windows if span[0] < instant <= span[1]]
        found = (self._get((key, span), may_be_stale=may_be_stale) for span in spans)
        return farthest([window for window in found if window and window.holds_since(since)], up=up)

    # ---- facts --------------------------------------------------------------------------------

    def put(self, key: str, value: object, fresh_s: float, stale_s: float = 0.0) -> None:
        """Keep a fact."""
        self._drop((key, None))
        self._put((key, None), value, _rows_of(value), fresh_s, stale_s)

    def get(self, key: str, *, may_be_stale: bool = False) -> Any:
        """The fact of that name, or None."""
        return self._get((key, None), may_be_stale=may_be_stale)

    # ---- entries ------------------------------------------------------------------------------

    def _put(self, name: _Name, value: object, rows: Sequence[Any], fresh_s: float, stale_s: float) -> None:
        fresh_until = clock.monotonic() + fresh_s
        weight = 0 if self.max_bytes == inf else weigh(rows)
        entry = self._entries[name] = _Entry(value, weight, len(rows), fresh_until, fresh_until + stale_s)
        self.bytes += entry.weight
        self.rows += entry.rows
        while self.bytes > self.max_bytes:
            self._drop(next(iter(self._entries)))

    def _get(self, name: _Name, *, may_be_stale: bool) -> Any:
        entry = self._entries.get(name)
        if entry is None:
            return None
        now = clock.monotonic()
        if entry.gone_at <= now:
            self._drop(name)
            return None
        if entry.fresh_until <= now and not may_be_stale:
            return None
        self._entries.move_to_end(name)
        return entry.value

    def _drop(self, name: _Name) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        self.bytes -= entry.weight
        self.rows -= entry.rows
        key, span = name
        if span is not None:
            windows = self._windows[key]
            del windows[span]
            if not windows:
                del self._windows[key]


def _rows_of(value: object) -> Sequence[Any]:
    """What a fact consists of, for its weight."""
    if isinstance(value, StoredWindow):
        return value.rows
    if isinstance(value, dict):
        return tuple(value.values())
    return value if isinstance(value, list | tuple) else ()


def farthest(windows: Sequence[StoredWindow[R]], *, up: bool) -> StoredWindow[R] | None:
    """The window that reaches farthest; among equals the one that was read last."""
    if len(windows) < 2:
        return windows[0] if windows else None
    if up:
        return max(windows, key=lambda window: (window.end, window.read_at))
    return min(windows, key=lambda window: (window.start, -window.read_at.timestamp()))


def weigh(rows: Sequence[Any]) -> int:
    """About how many bytes an entry with these rows takes, judged by a few of them."""
    if not rows:
        return ENTRY_BYTES
    sample = rows[:: max(1, len(rows) // SAMPLE)]
    try:
        encoded = len(msgspec.msgpack.encode(sample)) * LIVE_PER_ENCODED / len(sample)
    except (TypeError, ValueError, OverflowError):
        encoded = UNWEIGHABLE_BYTES
    return ENTRY_BYTES + int(len(rows) * (ROW_BYTES + encoded))
