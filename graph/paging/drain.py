"""The drain: one window of one source, read whole, whatever the vendor's paging does meanwhile."""

from datetime import datetime
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from graph import clock
from graph.errors import VendorPayloadError, VendorTimeoutError, VendorUnavailableError
from graph.paging.feeds import RangedFeed
from graph.paging.rows import Slice
from graph.paging.windows import Window

R = TypeVar("R")

RESTARTS = 2  # of a window whose list changed while it was read
SCROLL_RESTARTS = 1  # of a window whose scroll timed out
SLACK_PAGES = 3


class Outlook(NamedTuple):
    """What is known of a window that is not drained, or was given up.

    Attributes:
        window: The window.
        pages: How many of its pages were read.
        expected_pages: How many it has, as far as is known.
    """

    window: Window
    pages: int
    expected_pages: int


class Drain(Generic[R]):
    """The reading of one window, page after page.

    Attributes:
        window: What is read. Rows outside of it are dropped, so that windows never share a row.
        rows: The rows met so far, by identity.
        left_out: How many more could not be read.
        total: The vendor's count as the first page told it.
        pages: How many pages were read since it started, or started over.
        is_done: Whether the window is drained.
        read_at: When its first page was asked for.
    """

    def __init__(self, feed: RangedFeed[R], window: Window) -> None:
        self.feed = feed
        self.window = window
        self.is_done = False
        self._restarts = 0
        self._start()

    def _start(self) -> None:
        self.rows: dict[str, R] = {}
        self.left_out = 0
        self.total: int | None = None
        self.pages = 0
        self.read_at: datetime = clock.now()
        self._token: object | None = None
        self._seen: set[str] = set()
        self._fetched = 0
        self._pages_in_vain = 0
        self._came_again = False

    @property
    def outlook(self) -> Outlook:
        """What is known of the window now."""
        known = ceil((self.total or 0) / self.feed.page_size)
        return Outlook(self.window, self.pages, max(known, self.pages + (not self.is_done)))

    async def read_page(self) -> None:
        """Read the next page: one list request.

        Raises:
            VendorError: the page could not be read, or the list kept changing.
        """
        if not self.pages:
            self.read_at = clock.now()
        try:
            answer = await self.feed.read(self.window, self._token)
        except (VendorTimeoutError, VendorUnavailableError):
            # A scroll may have moved on though its page never came: it is never asked for again.
            if self.feed.has_stateless_pages or self._token is None or self._restarts >= SCROLL_RESTARTS:
                raise
            self._start_over()
            return
        self._take(answer)

    def _take(self, answer: Slice[R]) -> None:
        self.pages += 1
        if self.pages == 1:
            self.total = answer.total
        known = len(self._seen)
        start, end = self.window
        identity_of, time_of = self.feed.identity, self.feed.time
        for row in answer.rows:
            identity = identity_of(row)
            self._seen.add(identity)
            if start <= time_of(row) < end:
                self.rows[identity] = row
        self.left_out += answer.left_out
        self._fetched += len(answer.rows) + answer.left_out
        if answer.rows or not self._may_be_empty(answer):
            # A row that cannot be read may be a new one; the total, where there is one, ends what only seems to go on.
            is_known = len(self._seen) == known
            may_have_new = not is_known or (answer.left_out > 0 and self.total is not None)
            self._pages_in_vain = 0 if may_have_new else self._pages_in_vain + 1
            self._came_again |= len(answer.rows) > 1 and is_known
        if answer.token is not None:
            self._guard(answer)
            self._token = answer.token
        elif self.feed.has_stateless_pages and (answer.total != self.total or self._is_short):
            # Rows moved from page to page, or a page came in place of another: one may have slipped through.
            if self._restarts >= RESTARTS:
                raise VendorUnavailableError(
                    "The list kept changing while it was read.", source=self.feed.source, endpoint="list"
                )
            self._start_over()
        else:
            self.is_done = True

    @property
    def _is_short(self) -> bool:
        """Whether a page of known rows came in place of rows that are missing."""
        return self._came_again and self.total is not None and len(self._seen) + self.left_out < self.total

    def _start_over(self) -> None:
        self._restarts += 1
        self._start()

    def _may_be_empty(self, answer: Slice[R]) -> bool:
        """Whether a page without rows may be followed by more. Never in a scroll: its token need not change."""
        return answer.is_sparse and self.feed.has_stateless_pages

    def _guard(self, answer: Slice[R]) -> None:
        """Refuse a paging that would never end. Numbered pages may bring nothing new while their rows shift."""
        patience = SLACK_PAGES if self.feed.has_stateless_pages else 0
        if not answer.rows and not answer.left_out and not self._may_be_empty(answer):
            fault = "an empty page says that more pages follow"
        elif self.feed.has_stateless_pages and answer.token == self._token:
            fault = "a page names itself as the next one"
        elif self._pages_in_vain > patience:
            fault = "the same rows come again and again"
        elif self.total is not None and self._fetched > 3 * self.total + SLACK_PAGES * self.feed.page_size:
            fault = "there are far more rows than the total says"
        else:
            return
        raise VendorPayloadError(f"The paging does not end: {fault}.", source=self.feed.source, endpoint="list")
