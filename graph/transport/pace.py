"""When a source may be asked next: not before the time it named itself, and not more often than it is set to be."""

from graph import clock
from graph.errors import VendorThrottledError
from graph.transport.quotas import Quotas

# A vendor that says a day, or whose clock is off, would else be gone for a day: a question each minute hurts nobody.
LONGEST_REST_S = 60.0


class Pace:
    """The pace of one source."""

    def __init__(self, source: str, account: str, per_second: float, quotas: Quotas) -> None:
        """Args: per_second: requests, counted for all who share the account; 0 is no limit."""
        self._source = source
        self._name = f"{source}:{account}:rate"
        self._per_second = per_second
        self._quotas = quotas
        self._rests_until = 0.0

    def rest(self, seconds: float) -> None:
        """Nobody asks for so long: the source said so."""
        self._rests_until = max(self._rests_until, clock.monotonic() + min(seconds, LONGEST_REST_S))

    @property
    def rest_s(self) -> float:
        """For how much longer nobody asks."""
        return max(0.0, self._rests_until - clock.monotonic())

    async def wait_for_rest(self, endpoint: str, patience_s: float) -> None:
        """Wait until the source may be asked.

        Raises:
            VendorThrottledError: at once, where that takes longer than the patience.
        """
        while rest_s := self.rest_s:
            self._check(rest_s, patience_s, f"{endpoint} was not asked: the source wants a pause.", endpoint)
            await clock.sleep(rest_s)

    async def wait_for_turn(self, endpoint: str, patience_s: float) -> None:
        """Wait for the next of so many requests per second.

        Raises:
            VendorThrottledError: at once, where that takes longer than the patience.
        """
        if not self._per_second:
            return
        wait_s = await self._quotas.take(self._name, self._per_second, patience_s)
        if wait_s:
            said = f"{endpoint} was not asked: max_requests_per_second ({self._per_second:g}) is used up."
            self._check(wait_s, patience_s, said, endpoint)
            await clock.sleep(wait_s)

    def _check(self, wait_s: float, patience_s: float, said: str, endpoint: str) -> None:
        if wait_s > patience_s:
            raise VendorThrottledError(said, source=self._source, endpoint=endpoint, retry_after_s=wait_s)
