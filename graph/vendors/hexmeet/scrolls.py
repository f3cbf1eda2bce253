"""How many scrolls may be open at once.

One scroll costs HexMeet 79 search contexts of the 500 its node has, so about six fit, for all its clients
together. Nothing closes one: even drained it stays open until its timeout after the last touch, and so it is
counted here, together with those of all processes that share the account.
"""

import math
import secrets
from dataclasses import dataclass, field

from graph import clock
from graph.transport.quotas import Quotas


class NoSlotError(TimeoutError):
    """No scroll can be opened in time; `wait_s` is when one may be, if nobody else opens it."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


@dataclass(eq=False)
class Scroll:
    """One scroll. It moves forward only: its id serves one page, whose answer brings the next id.

    Attributes:
        seen: The ids of the rows read, to know when all of them came.
        left_out: How many rows came that could not be read.
        closes_at: When the vendor lets it go, on the monotonic clock; infinite while a page is under way.
        slot: The token of the place it has among those that may be open.
    """

    seen: set[str] = field(default_factory=set, repr=False)
    left_out: int = 0
    closes_at: float = math.inf
    next_id: str = field(default="", repr=False)
    slot: str = field(default_factory=lambda: secrets.token_hex(16))

    def take(self) -> str | None:
        """The id for the next page; None where a page is lost, or the scroll has expired."""
        scroll_id, self.next_id = self.next_id, ""
        if not scroll_id or self.closes_at <= clock.monotonic():
            return None
        self.closes_at = math.inf
        return scroll_id


class ScrollSlots:
    """Lets so many scrolls be open."""

    def __init__(self, quotas: Quotas, name: str, limit: int, keep_alive_s: float, page_s: float) -> None:
        """Where to count, and what.

        Args:
            quotas: Counts them.
            name: Of the account.
            limit: How many may be open; 0 is no limit, and nothing is counted.
            keep_alive_s: For how long the vendor keeps one that is not read on.
            page_s: How long one page takes at the most. A process that ends meanwhile holds its slots no longer.
        """
        self.limit = limit
        self.keep_alive_s = keep_alive_s
        self._quotas = quotas
        self._name = name
        self._busy_s = page_s + keep_alive_s

    async def open(self, timeout_s: float) -> Scroll:
        """Wait for a slot and take it, for a page that is under way from now on.

        Raises:
            NoSlotError: none can become free in time; at once, where that is known beforehand.
        """
        scroll = Scroll()
        try:
            await self._wait_for_slot(scroll, timeout_s)
        except BaseException:
            await self.forget(scroll)  # a slot may have been given while the answer was on its way
            raise
        return scroll

    async def _wait_for_slot(self, scroll: Scroll, timeout_s: float) -> None:
        ends_at = clock.monotonic() + timeout_s
        while self.limit and (wait_s := await self._quotas.occupy(self._name, self.limit, scroll.slot, self._busy_s)):
            # One that is being read now closes no sooner than its time to live from now.
            wait_s = min(wait_s, self.keep_alive_s)
            if clock.monotonic() + wait_s > ends_at:
                raise NoSlotError(wait_s)
            await clock.sleep(wait_s)

    async def read_on(self, scroll: Scroll) -> None:
        """Another page is under way."""
        if self.limit:
            await self._quotas.keep(self._name, scroll.slot, self._busy_s)

    async def touch(self, scroll: Scroll) -> None:
        """A page ended, well or badly: the vendor keeps the scroll a while from now at the most."""
        scroll.closes_at = clock.monotonic() + self.keep_alive_s
        if self.limit:
            await self._quotas.keep(self._name, scroll.slot, self.keep_alive_s)

    async def forget(self, scroll: Scroll) -> None:
        """The vendor did not open it."""
        if self.limit:
            await self._quotas.vacate(self._name, scroll.slot)
