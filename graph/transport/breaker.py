"""Leaves a source alone that keeps failing, and finds out by one request at a time whether it is back."""

import contextlib
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from graph import clock
from graph.errors import (
    VendorCircuitOpenError,
    VendorError,
    VendorExpiredError,
    VendorGarbageError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.telemetry.logs import log
from graph.telemetry.metrics import BREAKER_OPEN

_FREE: AbstractContextManager[bool] = nullcontext(enter_result=False)


class Breaker:
    """The circuit breaker of one source: open after so many failures in a row, until a request is answered again."""

    def __init__(self, source: str, most_failures: int, open_s: float) -> None:
        """Args: most_failures: 0 never opens it; open_s: for so long nothing is sent, then one request tries."""
        self._source = source
        self._most_failures = most_failures
        self._open_s = open_s
        self._failures = 0
        self._last_said = ""
        self._may_probe_at = 0.0
        self._left_alone_at = -math.inf
        self._is_probed = False
        self._gauge = BREAKER_OPEN.labels(source)
        self._gauge.set(0)

    @property
    def is_open(self) -> bool:
        """Whether the source failed too often and has not answered since."""
        return 0 < self._most_failures <= self._failures

    def passage(self, endpoint: str) -> AbstractContextManager[bool]:
        """Let a request pass. Gives whether it is the probe; one that ends undecided makes room for another.

        Raises:
            VendorCircuitOpenError: the source is left alone, or a probe is under way.
        """
        return self._probe(endpoint) if self.is_open else _FREE

    @contextlib.contextmanager
    def _probe(self, endpoint: str) -> Iterator[bool]:
        if self._is_probed or clock.monotonic() < self._may_probe_at:
            raise self.refusal(endpoint)
        self._is_probed = True
        try:
            yield True
        finally:
            self._is_probed = False

    def refusal(self, endpoint: str) -> VendorCircuitOpenError:
        """The error of a request that is not sent."""
        return VendorCircuitOpenError(
            f"{endpoint} was not asked after {self._failures} failures in a row. Last: {self._last_said}",
            source=self._source,
            endpoint=endpoint,
            retry_after_s=max(0.0, self._may_probe_at - clock.monotonic()),
        )

    def fail(self, error: VendorError, began_at: float) -> None:
        """A request failed by the source's fault. One that began before the source was last left alone tells no news.

        Args:
            error: How.
            began_at: When it passed, on the monotonic clock.
        """
        if began_at <= self._left_alone_at:
            return
        self._failures += 1
        self._last_said = error.said
        if self.is_open:
            self._left_alone_at = clock.monotonic()
            self._may_probe_at = self._left_alone_at + self._open_s
            self._gauge.set(1)
            log.warning("source left alone", source=self._source)

    def succeed(self) -> None:
        """The source answered."""
        if self.is_open:
            self._gauge.set(0)
            log.info("source is back", source=self._source)
        self._failures = 0


def is_failure(error: VendorError, *, had_full_time: bool) -> bool | None:
    """Whether an error says that the source as a whole is unwell; None where it says nothing of it.

    A source that refuses, throttles, forgets or answers unlike its contract is alive. So may one be that had too
    little time.
    """
    if isinstance(error, VendorExpiredError):
        return False
    if isinstance(error, VendorTimeoutError) and error.status is None:
        return True if had_full_time else None
    if isinstance(error, VendorUnavailableError | VendorTimeoutError | VendorGarbageError):
        return True
    return None if error.status is None else False
