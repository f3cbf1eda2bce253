"""Windows: half-open ranges of time, and the fixed grid they lie on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

Row = TypeVar("Row")

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


class Rows(tuple[Row, ...]):  # noqa: SLOT001 - a tuple has no room for slots
    """A whole list that was read at once.

    Attributes:
        left_out: How many of its rows could not be read.
        read_at: When reading it began, where that was before it was asked for.
    """

    left_out: int = 0
    read_at: datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[Row], left_out: int = 0, read_at: datetime | None = None) -> "Rows[Row]":
        """Rows, how many are missing, and when they were read."""
        made = cls(rows)
        if left_out:
            made.left_out = left_out
        if read_at:
            made.read_at = read_at
        return made

    @staticmethod
    def missing_from(rows: Sequence[object]) -> int:
        """How many rows are missing from a list that was read; none where it does not say."""
        return rows.left_out if isinstance(rows, Rows) else 0

    @staticmethod
    def read_before(rows: Sequence[object]) -> datetime | None:
        """When a list was read, where that was before it was asked for."""
        return rows.read_at if isinstance(rows, Rows) else None


class Slice(NamedTuple, Generic[Row]):
    """What one list request answered.

    Attributes:
        rows: In no order, perhaps beyond the window that was asked, perhaps one row twice.
        total: The vendor's count for the whole window, where it tells one.
        token: What to pass to read on; None when the window is drained.
        is_sparse: The rows come with other rows, so that a page may have few or none and yet be followed by more.
            Whoever says so sees to it that its tokens come to an end.
        left_out: How many rows of the page could not be read.
    """

    rows: Sequence[Row]
    total: int | None
    token: object | None
    is_sparse: bool = False
    left_out: int = 0


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
