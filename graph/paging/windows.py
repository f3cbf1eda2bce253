"""Windows: half-open ranges of time, and the fixed grid they lie on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

Row = TypeVar("Row")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """A half-open range of time, aware and in UTC: start <= t < end."""

    start: datetime
    end: datetime

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end


@dataclass(frozen=True)
class Grid:
    """Where a source's windows may lie: multiples of `base` times a power of two, counted from `anchor`.

    Attributes:
        base: The narrowest window, the grain of the vendor's range arguments.
        widest: No window is wider than this; the vendor would cut it silently or choke on it.
        anchor: An instant at which a window of any width starts.
    """

    base: timedelta = timedelta(minutes=15)
    widest: timedelta = timedelta(days=64)
    anchor: datetime = EPOCH


class Slice(NamedTuple, Generic[Row]):
    """What one list request answered.

    Attributes:
        rows: In no order, perhaps beyond the window that was asked, perhaps one row twice.
        total: The vendor's count for the whole window, where it tells one.
        token: What to pass to read on; None when the window is drained.
    """

    rows: Sequence[Row]
    total: int | None
    token: object | None
