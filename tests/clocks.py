"""Time that a test moves on by itself."""

import asyncio

import pytest
from holding import until

from graph import clock


def own_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that stands, until somebody sleeps, who does not wait. The only entry is its time."""
    time = [100.0]

    async def sleep(seconds: float) -> None:
        time[0] += seconds

    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    monkeypatch.setattr(clock, "sleep", sleep)
    return time


class Pauses:
    """Pauses that last until the test ends them; those of less than a second are over at once.

    Attributes:
        lengths: How long each was meant to be, in seconds.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lengths: list[float] = []
        self._ends: set[asyncio.Event] = set()
        monkeypatch.setattr(clock, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        if seconds < 1:
            return
        self.lengths.append(seconds)
        end = asyncio.Event()
        self._ends.add(end)
        try:
            await end.wait()
        finally:
            self._ends.discard(end)

    @property
    def count(self) -> int:
        """How many pause now."""
        return len(self._ends)

    async def begun(self, count: int = 1) -> None:
        """Wait until so many pause."""
        await until(lambda: len(self._ends) >= count)

    async def end(self) -> int:
        """End the pauses of all who pause, or are about to; how many."""
        await self.begun()
        ended, self._ends = self._ends, set()
        for end in ended:
            end.set()
        return len(ended)

    async def over(self) -> None:
        """Likewise, and wait for their next ones."""
        await self.begun(await self.end())
