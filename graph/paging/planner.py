"""The planner: which window of a source to read next, so that a walk costs few list requests.

What it goes by, best first: the vendor's own counts per day, where the range is long or seems to have much; the density
met last; where pages are stateless, one page over all that remains, whose total tells the density unless it drains the
range at once; else a day. Over empty stretches windows grow up to eightfold. It aims at 0.5 to 2.5 vendor pages, ends
windows on round marks, so that other walks come to want the same ones, and at least halves one that proves too big.
Where the narrowest window (at SYSTEC a day) holds more than a budget can read, a page other than the first exceeds its
budget to get on at all. All of it are guesses about cost: no row depends on them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from graph.paging.drain import Outlook
from graph.paging.windows import Grid, Window

DAY = timedelta(days=1)
AT_ONCE = DAY * 5 // 4  # a short range, which is tried as a whole where nothing is known
SMALL_PAGES = 2  # what a short range may have
FASTEST_GROWTH = 8
NOTHING = 1e-9  # rows per cell


@dataclass
class Budget:
    """How many list requests one source may still be asked for on one page."""

    left: int

    def take(self) -> bool:
        """Use one up, if there is one."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True


@dataclass
class Planner:
    """The plan of one walk over one source.

    Attributes:
        grid: Where windows may lie.
        page_size: Rows per list request.
        up: Whether the walk goes forward in time.
        budget: The list requests that are left to this page.
        can_probe: Whether looking at one page of a wide window is harmless: pages are stateless.
        is_first: Whether this is the first page of a walk, which asks for little.
        overlap: How much wider than a window the vendor is asked; narrower windows would not be cheaper.
        density: Rows per cell of the grid as met last; None when nothing is known.
        days: The vendor's counts per day.
    """

    grid: Grid
    page_size: int
    up: bool
    budget: Budget
    can_probe: bool
    is_first: bool
    overlap: timedelta = timedelta(0)
    density: float | None = None
    days: Mapping[datetime, int] | None = None
    _cap: int = field(init=False)

    def __post_init__(self) -> None:
        self._widest = self.grid.widest // self.grid.base
        self._narrowest = max(1, min(self._widest, ceil(self.overlap / self.grid.base)))
        self._cap = self._widest

    # ---- choosing -----------------------------------------------------------------------------

    def choose(self, rest: Window, wanted: int) -> Window:
        """The next window, at the near end of what remains of the range."""
        first, last = self.grid.cell(rest.start), self.grid.cell_after(rest.end)
        near, limit = (first, last) if self.up else (last, first)
        width = max(self._narrowest, min(self._cap, round(self._wish(rest, wanted))))
        is_last = abs(limit - near) <= min(self._cap, width * 5 // 4)
        far = limit if is_last else self._align(near, width)
        return self.grid.window(min(near, far), max(near, far))

    def _align(self, near: int, width: int) -> int:
        """About `width` from `near`, on a coarse mark, so that other walks come to read the same windows."""
        mark = 1 << max(0, (width // 4).bit_length() - 1)
        target = near + width if self.up else near - width
        far = (target + mark // 2) // mark * mark
        if abs(far - near) > self._cap:
            far += -mark if self.up else mark
        return far

    def _wish(self, rest: Window, wanted: int) -> float:
        """The width, in cells, that is likely to hold the rows to be read next."""
        rows = self._rows(wanted)
        if self.days is not None:
            return self._reach(rest, rows) / self.grid.base
        if self.density is not None:
            return min(rows / self.density, self._widest)
        return self._widest if self.can_probe else DAY / self.grid.base

    def _rows(self, wanted: int) -> float:
        """How many rows the next window should have."""
        page = self.page_size
        if self.is_first:
            rows = min(max(wanted * 1.5, page * 0.5), max(wanted, page * 0.75), page * 2.5)
        else:
            rows = min(max(wanted, page * 1.5), page * 2.5)
        return min(rows, page * 0.75 * max(1, self.budget.left))

    def _reach(self, rest: Window, rows: float) -> timedelta:
        """How far one has to read, by the counts per day, to meet so many rows."""
        for day, whole in sorted(self._days(), reverse=not self.up):
            part = Window(max(day, rest.start), min(day + DAY, rest.end))
            if part.is_empty:
                continue
            count = whole * (part.width / DAY)
            if count >= rows:
                share = part.width * (rows / count)
                return (part.start - rest.start if self.up else rest.end - part.end) + share
            rows -= count
        return rest.width

    def _days(self) -> Iterable[tuple[datetime, int]]:
        return (self.days or {}).items()

    def expected_requests(self, rest: Window) -> int:
        """How many list requests reading a whole range would take; 0 when nothing is known."""
        known = (self.density or 0) * (rest.width / self.grid.base)
        return ceil((known if self.days is None else self._counted(rest)) / self.page_size)

    def _counted(self, window: Window) -> float:
        """The rows of a range by the counts per day."""
        parts = ((count, min(day + DAY, window.end) - max(day, window.start)) for day, count in self._days())
        return sum(count * (part / DAY) for count, part in parts if part > timedelta(0))

    @staticmethod
    def goes_by_days(window: Window, grid: Grid, page_size: int, density: float | None) -> bool:
        """Whether counts per day help to read a range: a short one is tried at once, unless it seems to have much."""
        return window.width > AT_ONCE or (density or 0) * (window.width / grid.base) > SMALL_PAGES * page_size

    # ---- learning -----------------------------------------------------------------------------

    def accepts(self, known: Outlook, wanted: int) -> bool:
        """Whether a window is worth reading on as it is, and not narrower."""
        if not known.pages or self.is_narrowest(known.window):
            return True
        if (self.is_first or self.density is None) and known.expected_pages > self._patience(wanted):
            return False
        return self.can_afford(known)

    def _patience(self, wanted: int) -> int:
        """How many vendor pages of one window it puts up with, on the first page of a walk or where it only guessed."""
        return max(2, ceil(self._rows(wanted) / self.page_size) + 1) + (self.density is None)

    def can_afford(self, known: Outlook) -> bool:
        """Whether the budget reaches to the end of a window."""
        return not known.pages or known.expected_pages <= known.pages + self.budget.left

    def is_narrowest(self, window: Window) -> bool:
        """Whether a window cannot be made narrower."""
        return window.width <= self._narrowest * self.grid.base

    def drained(self, window: Window, rows: int) -> None:
        """Learn how many rows a window had; where they are far fewer than counted, a filter is at work."""
        if self.days is not None and self._counted(window) > 2 * rows + self.page_size:
            self.days = None
        met = rows / (window.width / self.grid.base)
        before = self.density if self.density is not None else met * FASTEST_GROWTH
        if rows == 0 and self.density is None:
            before = self.page_size / (window.width / self.grid.base)
        self.density = max(met, before / FASTEST_GROWTH, NOTHING)
        self._cap = self._widest

    def refused(self, known: Outlook) -> None:
        """Learn that a window has too many rows; the next is at most half as wide, the budget's last the narrowest."""
        cells = known.window.width // self.grid.base
        self.density, self.days = known.expected_pages * self.page_size / cells, None
        steepness = (cells / self._narrowest) ** (1 / max(1, self.budget.left))
        self._cap = max(self._narrowest, int(cells / max(2.0, steepness)))
