"""What goes on until somebody ends it: WebSockets and subscriptions, which would keep the process from ending."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Lives:
    """Ends all that is under way when the process does."""

    def __init__(self) -> None:
        self.are_over = False
        self._lives: set[asyncio.Timeout] = set()

    @contextlib.asynccontextmanager
    async def of(self, seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
        """Let what is inside go on for so long; None is without an end.

        Raises:
            TimeoutError: that is over, or everything is (`are_over`).
        """
        async with asyncio.timeout(0 if self.are_over else seconds) as life:
            self._lives.add(life)
            try:
                yield life
            finally:
                self._lives.discard(life)

    def end(self) -> None:
        """End everything, and whatever begins from now on."""
        self.are_over = True
        now = asyncio.get_running_loop().time()
        for life in self._lives:
            if not life.expired():
                life.reschedule(now)
