"""How many requests are answered at once, and how much each caller may cost.

What a request cost is known once it was answered: a caller that spent more than its share is refused until that is
made up for. Shares are counted for all replicas together where they share a cache, requests at once in each process.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from graph.errors import RateLimitedError
from graph.settings import LimitsSettings
from graph.transport.meter import sent, start_meter
from graph.transport.quotas import Quotas

BURST_S = 30.0  # what may be spent at once, in seconds' worth: a request of `max_cost` must not ruin its caller
MOST_DEBT_S = 600.0  # requests that ran at once may spend far more than that: who owes so much is charged no more
AGAIN_S = 1.0


class Door:
    """Lets requests in."""

    def __init__(self, limits: LimitsSettings, quotas: Quotas) -> None:
        self._limits = limits
        self._quotas = quotas
        self._inside: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Take one of the places that there are for requests, in all and of this caller.

        Raises:
            RateLimitedError: there is none.
        """
        limits = self._limits
        if self._inside[caller] >= limits.max_concurrent_per_caller:
            raise _too_many("caller", "max_concurrent_per_caller", limits.max_concurrent_per_caller)
        if self._inside.total() >= limits.max_concurrent_requests:
            raise _too_many("process", "max_concurrent_requests", limits.max_concurrent_requests)
        self._inside[caller] += 1
        try:
            yield
        finally:
            self._inside[caller] -= 1
            if not self._inside[caller]:
                del self._inside[caller]  # there may be very many callers in the course of time

    @contextlib.asynccontextmanager
    async def spending(self, caller: str) -> AsyncIterator[None]:
        """Charge a caller for the requests to vendors that are sent inside.

        Raises:
            RateLimitedError: it has spent too much already.
        """
        per_second = self._limits.cost_per_second
        if not per_second:
            yield
            return
        name = f"caller:{caller}:cost"
        wait_s = await self._quotas.take(name, per_second, -1) - BURST_S
        if wait_s > 0:
            said = f"This caller has had too many requests to vendors; allowed are {per_second:g} a second"
            raise RateLimitedError(f"{said} (limits.cost_per_second).", wait_s)
        start_meter()
        try:
            yield
        finally:
            if cost := sent():
                await self._quotas.take(name, per_second / cost, MOST_DEBT_S)


def _too_many(whose: str, limit: str, allowed: int) -> RateLimitedError:
    said = f"Too many requests of this {whose} at once; allowed are {allowed} (limits.{limit})."
    return RateLimitedError(said, AGAIN_S)
