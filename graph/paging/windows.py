"""Windows: half-open ranges of time, and the fixed grid they lie on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


class Window(NamedTuple):
    """A half-open range of time, aware and in UTC: start <= t < end."""

    start: datetime
    end: datetime

    def until(self, end: datetime | None) -> "Window":
        """The part of it that lies before an instant; None cuts nothing off."""
        return self if end is None or end >= self.end else Window(self.start, max(self.start, end))

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end

    @property
    def width(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    @property
    def is_empty(self) -> bool:
        """Whether no instant lies in it."""
        return self.start >= self.end


@dataclass(frozen=True)
class Grid:
    """Where a source's windows may lie: multiples of `base` times a power of two, counted from `anchor`.

    Attributes:
        base: The narrowest window, the grain of the vendor's range arguments.
        widest: No window is wider than this; the vendor would cut it silently or choke on it.
        anchor: An instant at which a window of any width starts.
    """

    base: timedelta = timedelta(minutes=15)
    widest: timedelta = timedelta(days=4096)
    anchor: datetime = EPOCH

    def cell(self, instant: datetime) -> int:
        """The number of the narrowest window that holds an instant."""
        return (instant - self.anchor) // self.base

    def cell_after(self, instant: datetime) -> int:
        """The number of the first narrowest window that starts at an instant or later."""
        return -((self.anchor - instant) // self.base)

    def window(self, first: int, end: int) -> Window:
        """The window from cell `first` up to, without, cell `end`."""
        return Window(self.anchor + first * self.base, self.anchor + end * self.base)

    def start_of_cell(self, instant: datetime) -> datetime:
        """Where the narrowest window starts that holds an instant."""
        return instant - (instant - self.anchor) % self.base

    def around(self, window: Window) -> Window:
        """The narrowest window of the grid that holds a whole range."""
        return self.window(self.cell(window.start), self.cell_after(window.end))


def to_micros(instant: datetime) -> int:
    """An instant as sort keys have it: microseconds since the epoch."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant of a sort key; OverflowError where no calendar has it."""
    return EPOCH + micros * MICROSECOND


def to_seconds(instant: datetime) -> int:
    """An instant as cursors have it: whole seconds since the epoch, rounded down."""
    return (instant - EPOCH) // SECOND


def from_seconds(seconds: int) -> datetime:
    """The instant of those; OverflowError where no calendar has it."""
    return EPOCH + seconds * SECOND
