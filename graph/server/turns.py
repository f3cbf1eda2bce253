"""Turns at the processor: who gave this process much work waits a little while others ask, so that they hardly notice.

Work is what a tab has besides requests to vendors, which wait for themselves. Nobody waits who asks alone: then there
is nobody to wait for.
"""

import math

from graph import clock
from graph.errors import RateLimitedError
from graph.transport.deadline import within_deadline
from graph.transport.local_quotas import LocalQuotas

WORK_PER_S = 20.0  # a fifth of a processor or so; as much may come at once
LATELY_S = 5.0  # who asked within this time still asks
LEAST_WAIT_S = 0.01  # less may be too little for a clock to move on


class Turns:
    """Counts the work of each caller in this process."""

    def __init__(self) -> None:
        self._quotas = LocalQuotas()
        self._asked: dict[str, float] = {}  # when each caller asked last, who did so longest ago first

    async def wait(self, caller: str) -> None:
        """Wait until it is a caller's turn.

        Raises:
            RateLimitedError: that would be too late.
        """
        self._asked.pop(caller, None)
        self._asked[caller] = clock.monotonic()
        if not self._has_others(caller) or not await self._quotas.take(caller, WORK_PER_S, -1):
            return
        # Of those that wait, each takes a turn of its own: they come one by one, however many they are.
        while self._has_others(caller) and (wait_s := await self._quotas.take(caller, WORK_PER_S, 0)):
            if wait_s > within_deadline(math.inf):
                said = "This caller has kept the process too busy lately, and others wait."
                raise RateLimitedError(said, wait_s)
            await clock.sleep(min(max(wait_s, LEAST_WAIT_S), LATELY_S))  # by then there may be no others

    async def note(self, caller: str, work: int) -> None:
        """Note what a caller had this process do."""
        if self._has_others(caller):
            await self._quotas.take(caller, WORK_PER_S / work, math.inf)

    def _has_others(self, caller: str) -> bool:
        now = clock.monotonic()
        while self._asked and self._asked[oldest := next(iter(self._asked))] < now - LATELY_S:
            del self._asked[oldest]
        return len(self._asked) > (caller in self._asked)
