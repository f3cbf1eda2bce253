"""A walk: one source's rows of a list, one by one in order, from a place on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from graph.cache.memory import StoredWindow
from graph.errors import OUTAGES, InvalidCursorError, SourceErrorCode, UnsupportedError, VendorError
from graph.freshness import note_fault, note_life, note_read
from graph.paging.cursor import Cut, Key, beginning, cut_between, rows_below, tag_of
from graph.paging.drain import Drain, Outlook
from graph.paging.feeds import RangedFeed, keep_all
from graph.paging.planner import Budget, Planner
from graph.paging.shelf import SNAPSHOT_TTL_S, YOUNG_TTL_S, Shelf, places
from graph.paging.windows import EPOCH, Window, from_micros, to_micros
from graph.records import SourceError, SourceResult, SourceResultStatus

R = TypeVar("R")

HORIZON = datetime(2200, 1, 1, tzinfo=UTC)  # no vendor has rows beyond it, and dates are finite


class Walk(ABC, Generic[R]):
    """Where a page stands in one source.

    Attributes:
        source: The source's name.
        tag: What stands for it in cursors.
        up: Whether the walk goes upward by key.
        head: The key of the next row; None when there is none, or `fill` has to fetch it.
        error: Why the source could not be read on.
        outage: Why rows are served that were read a while ago.
        fell_back_to: When the oldest of those were read that may have changed since.
        left_out: How many rows of what was read here could not be read.
        is_spent: Whether the page's budget ended before the next row was met.
        as_of: When the oldest part of what was read here came from the vendor.
        passed: The place up to which nothing is outstanding when there is no head.
    """

    def __init__(
        self,
        source: str,
        start: Cut,
        *,
        up: bool,
        keep: Callable[[R], bool],
        success: SourceResultStatus = SourceResultStatus.OK,
    ) -> None:
        self.source = source
        self._success = success
        self.tag = tag_of(source)
        self.up = up
        self.head: Key | None = None
        self.error: VendorError | None = None
        self.outage: VendorError | None = None
        self.fell_back_to: datetime | None = None
        self.left_out = 0
        self.is_spent = False
        self.as_of: datetime | None = None
        self._start = start
        self._keep = keep
        self._keys: Sequence[Key] = ()
        self._rows: Sequence[R] = ()
        self._at = self._stop = 0
        self.passed = self._beyond = start
        self._done: Key | None = None

    @property
    def status(self) -> SourceResultStatus:
        """How the source fared, as the page tells it."""
        if isinstance(self.error, UnsupportedError):
            return SourceResultStatus.UNSUPPORTED
        if self.error:
            return SourceResultStatus.FAILED
        return SourceResultStatus.STALE if self.outage else self._success

    @property
    def has_failed(self) -> bool:
        """Whether the source owes rows because it failed."""
        return self.status is SourceResultStatus.FAILED

    @property
    def result(self) -> SourceResult:
        """What the source contributed."""
        return SourceResult(source_name=self.source, status=self.status, as_of=self.as_of, error=self._source_error)

    @property
    def _source_error(self) -> SourceError | None:
        if fault := self.error or self.outage:
            return SourceError.of(fault)
        if self.left_out:
            said = f"Rows that could not be read were left out: {self.left_out}."
            return SourceError(code=SourceErrorCode.BAD_PAYLOAD, message=said)
        return None

    @property
    def position(self) -> Cut:
        """The place that this source was read up to: nothing before it is outstanding."""
        if self.head is None or self._done is None:
            return self.passed
        return cut_between(self._done, self.head, up=self.up)

    def pop(self) -> tuple[Key, R]:
        """Take the next row; there must be a head."""
        key, row = self._keys[self._at], self._rows[self._at]
        self._done = key
        self._at += 1 if self.up else -1
        self._find_head()
        return key, row

    @property
    def is_whole(self) -> bool:
        """Whether all rows that are read are wanted."""
        return self._keep is keep_all

    def pop_many(self, most: int) -> tuple[Sequence[Key], Sequence[R]]:
        """Take the next rows of those at hand, at most so many; it is whole."""
        at = self._at
        if self.up:
            self._at = min(self._stop, at + most)
            part = slice(at, self._at)
        else:
            self._at = max(self._stop, at - most)
            part = slice(at, self._at if self._at >= 0 else None, -1)
        keys = self._keys[part]
        if keys:
            self._done = keys[-1]
            self._find_head()
        return keys, self._rows[part]

    @property
    def is_hungry(self) -> bool:
        """Whether `fill` is to be called: rows may follow, and the next one is not known."""
        return self.head is None and self._has_more and not (self.error or self.is_spent)

    @property
    def is_over(self) -> bool:
        """Whether the source has no more rows."""
        return self.head is None and not self.has_failed and (self.error is not None or not self._has_more)

    async def fill(self, wanted: int) -> None:
        """Fetch until there is a head, unless the source ends, fails, or has spent its budget."""
        while self.is_hungry:
            try:
                self.is_spent = not await self._fetch(wanted)
            except VendorError as error:
                self.error = error
        if self.has_failed:
            note_fault()
        elif self.is_spent:
            note_life(SNAPSHOT_TTL_S)  # who asks again may get further

    async def count(self) -> int | None:
        """How many rows there are in all; None where the source fails, or reading them would cost too much."""
        rows = 0
        while self._has_more:
            if await self._would_cost_too_much():
                return None
            await self.fill(1)
            if self.error or self.is_spent or self.left_out:
                return None
            while self.head is not None:
                self.pop()
                rows += 1
        return rows

    @property
    def is_counted(self) -> bool:
        """Whether all of the list is at hand, so that `whole_count` tells how many rows it has."""
        return False

    @property
    def whole_count(self) -> int | None:
        """How many rows the whole list has, where it is counted."""
        return None

    async def _would_cost_too_much(self) -> bool:
        """Whether reading all that is left is known to exceed the budget."""
        return False

    @property
    @abstractmethod
    def _has_more(self) -> bool:
        """Whether a part of the list was not fetched yet."""

    @abstractmethod
    async def _fetch(self, wanted: int) -> bool:
        """Fetch the next part of the list and enter it; False when the budget does not allow it."""

    def _note(self, read: StoredWindow[R], young_s: float) -> None:
        """Take down when a part was read, what it lacks, and how long it is good unless it has settled."""
        self.as_of = min(self.as_of or read.read_at, read.read_at)
        self.left_out += read.left_out
        if self.outage and not read.is_settled:
            self.fell_back_to = min(self.fell_back_to or read.read_at, read.read_at)
        note_read(read.read_at, 0 if self.outage else young_s, is_settled=read.is_settled)

    def _enter(self, keys: Sequence[Key], rows: Sequence[R], low: int, high: int, beyond: Cut) -> None:
        """Stand before the rows `low` to `high` of a part that is sorted upward and ends at `beyond`."""
        start = rows_below(keys, self._start)
        low, high = (max(low, start), high) if self.up else (low, min(high, start))
        self._keys, self._rows, self._beyond = keys, rows, beyond
        self._at, self._stop = (low, max(low, high)) if self.up else (high - 1, min(low, high) - 1)
        self._find_head()

    def _find_head(self) -> None:
        step = 1 if self.up else -1
        while self._at != self._stop and not self._keep(self._rows[self._at]):
            self._at += step
        self.head = None if self._at == self._stop else self._keys[self._at]
        if self.head is None:
            self.passed = self._beyond


class RangedWalk(Walk[R]):
    """A walk that reads window by window, and holds one window at a time.

    Args:
        feed: The source.
        start: Where it starts.
        up: The way it goes.
        window: The range.
        shelf: What is stored of the feed.
        budget: The list requests left to it.
        is_first: Whether it is for the first page of a walk, which asks for little.
        insists: Whether it may exceed its budget where it would not get on at all otherwise.
    """

    def __init__(
        self,
        feed: RangedFeed[R],
        start: Cut,
        *,
        up: bool,
        window: Window,
        shelf: Shelf[R],
        budget: Budget,
        is_first: bool = False,
        insists: bool = False,
    ) -> None:
        super().__init__(feed.source, start, up=up, keep=feed.keep)
        self._feed = feed
        self._window = Window(max(window.start, EPOCH), min(window.end, HORIZON))
        self._rest = _remaining(self._window, start, up=up)
        self._shelf = shelf
        self._budget = budget
        self._is_first = is_first
        self._insists = insists
        self._planner: Planner | None = None
        self._whole_count: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the range was read at once, and all its rows are wanted."""
        return self._whole_count is not None

    @property
    def whole_count(self) -> int | None:
        """Of that range."""
        return self._whole_count

    @property
    def _has_more(self) -> bool:
        return not self._rest.is_empty

    async def _fetch(self, wanted: int) -> bool:
        stored = await self._shelf.find(self._rest, up=self.up) or await self._read_or_fall_back(wanted)
        if stored is None:
            return False
        is_over = stored.is_settled or all(map(self._feed.is_over, stored.rows))
        self._note(stored, YOUNG_TTL_S if is_over else SNAPSHOT_TTL_S)
        low, high = places(stored.keys, self._rest)
        has_all = self._rest == self._window
        if self.up:
            self._rest = Window(max(self._rest.start, stored.end), self._rest.end)
        else:
            self._rest = Window(self._rest.start, min(self._rest.end, stored.start))
        if has_all and self._rest.is_empty and self.is_whole and not (self.left_out or self.outage):
            self._whole_count = high - low
        self._enter(stored.keys, stored.rows, low, high, _place(stored.end if self.up else stored.start))
        return True

    async def _would_cost_too_much(self) -> bool:
        if await self._shelf.find(self._rest, up=self.up):
            return False
        planner = self._planner = self._planner or await self._plan()
        return planner.expected_requests(self._rest) > self._budget.left

    async def _read_or_fall_back(self, wanted: int) -> StoredWindow[R] | None:
        """Read the next window; while the source is down, take one that was read before. It is asked once a page."""
        outage = self.outage
        if outage is None:
            try:
                return await self._read(wanted)
            except OUTAGES as error:
                outage = error
        stale = await self._shelf.find_stale(self._rest, up=self.up)
        if stale is None:
            raise outage
        self.outage = outage
        return stale

    async def _read(self, wanted: int) -> StoredWindow[R] | None:
        """Read the window that comes next, narrower where it proves too big; None when the budget is spent."""
        planner = self._planner = self._planner or await self._plan()
        while self._budget.left > 0:
            window = planner.choose(self._rest, wanted)
            answer = await self._shelf.once(window, partial(self._drain, planner, window, wanted), up=self.up)
            if isinstance(answer, StoredWindow):
                planner.drained(Window(answer.start, answer.end), len(answer.rows))
                await self._learn(planner)
                return answer
            if not planner.accepts(answer, wanted):
                planner.refused(answer)
                await self._learn(planner)
        return None

    async def _learn(self, planner: Planner) -> None:
        await self._shelf.learn(planner.density, self._window, has_days=planner.days is not None)

    async def _drain(self, planner: Planner, window: Window, wanted: int) -> StoredWindow[R] | Outlook:
        """Drain a window, or give it up where plan and budget do not allow it.

        Half a window is worth nothing: a scroll cannot wait for the next page, and the rows of a list may move.
        """
        drain = Drain(self._feed, window)
        # A window that this page cannot get on without, and that cannot be narrower, is read to its end.
        is_needed = self._insists and planner.is_narrowest(window) and self.as_of is None
        while not drain.is_done and planner.accepts(drain.outlook, wanted):
            if is_needed and drain.pages:
                self._budget.take()
            elif not planner.can_afford(drain.outlook) or not self._budget.take():
                break
            await drain.read_page()
        return await self._shelf.keep(drain) if drain.is_done else drain.outlook

    async def _plan(self) -> Planner:
        feed, density = self._feed, await self._shelf.density()
        return Planner(
            feed.grid,
            feed.page_size,
            self.up,
            self._budget,
            can_probe=feed.has_stateless_pages,
            is_first=self._is_first,
            overlap=feed.overlap,
            density=density,
            days=await self._shelf.days(self._window, density),
        )


def _place(instant: datetime) -> Cut:
    return Cut((to_micros(instant),), is_after=False)


def _remaining(window: Window, start: Cut, *, up: bool) -> Window:
    """The part of a range that a walk from `start` has before it, rows of the same instant included."""
    first, last = to_micros(window.start), to_micros(window.end)
    if not start.parts or window.is_empty:
        return window if start == beginning(up=up) else Window(window.start, window.start)
    instant, is_exact = start.parts[0], len(start.parts) > 1
    if not isinstance(instant, int):
        raise InvalidCursorError("This cursor belongs to another list.")
    # Upward from (t,) the instant t itself remains unless the place is after it; downward, unless it is before it.
    place = max(first, min(last, instant + (start.is_after if not is_exact else not up)))
    return Window(from_micros(place), window.end) if up else Window(window.start, from_micros(place))
