"""How many scrolls may be open at once.

One scroll costs HexMeet 79 search contexts of the 500 its node has, so about six fit, for all its clients
together. Nothing closes one: even drained it stays open until its timeout after the last touch, and so it is
counted here.
"""

import math
from dataclasses import dataclass, field

from graph import clock


@dataclass(eq=False)
class Scroll:
    """One scroll. It moves forward only: its id serves one page, whose answer brings the next id.

    Attributes:
        seen: The ids of the rows read, to know when all of them came.
        closes_at: When the vendor lets it go, on the monotonic clock; infinite while a page is under way.
    """

    seen: set[str] = field(default_factory=set, repr=False)
    closes_at: float = math.inf
    next_id: str = field(default="", repr=False)

    def take(self) -> str | None:
        """The id for the next page; None where a page is lost, or the scroll has expired."""
        scroll_id, self.next_id = self.next_id, ""
        if not scroll_id or self.closes_at <= clock.monotonic():
            return None
        self.closes_at = math.inf
        return scroll_id


class ScrollSlots:
    """Lets at most `limit` scrolls be open; 0 is no limit."""

    def __init__(self, limit: int, keep_alive_s: float) -> None:
        self.limit = limit
        self.keep_alive_s = keep_alive_s
        self._open: set[Scroll] = set()

    async def open(self, timeout_s: float) -> Scroll:
        """Wait for a slot and take it.

        Raises:
            TimeoutError: none can become free in time; at once, where that is known beforehand.
        """
        ends_at = clock.monotonic() + timeout_s
        while wait_s := self.wait_s():
            if clock.monotonic() + wait_s > ends_at:
                raise TimeoutError
            await clock.sleep(wait_s)
        scroll = Scroll()
        self._open.add(scroll)
        return scroll

    def touch(self, scroll: Scroll) -> None:
        """A page ended, well or badly: the vendor keeps the scroll a while from now at the most."""
        scroll.closes_at = clock.monotonic() + self.keep_alive_s

    def forget(self, scroll: Scroll) -> None:
        """The vendor did not open it."""
        self._open.discard(scroll)

    def wait_s(self) -> float:
        """Seconds until a slot may be free; 0 where one is."""
        now = clock.monotonic()
        self._open = {scroll for scroll in self._open if scroll.closes_at > now}
        if not self.limit or len(self._open) < self.limit:
            return 0.0
        # One that is being read now closes no sooner than its time to live from now.
        return min(self.keep_alive_s, *(scroll.closes_at - now for scroll in self._open))
