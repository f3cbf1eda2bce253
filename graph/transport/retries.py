"""Whether a request is sent again, and after how long."""

import random

from graph.errors import (
    RetriableVendorError,
    VendorThrottledError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.transport.messages import Retry

BASE_S = 0.1
MOST_S = 2.0
COST = 10  # requests that pay for one repetition
RESERVE = 10 * COST


class Retries:
    """The repetitions of one source. All its requests pay for them, so that a vendor that is down gets few more."""

    def __init__(self, most: int) -> None:
        """Args: most: how often one request is sent again at most."""
        self._most = most
        self._credit = RESERVE

    def earn(self) -> None:
        """A request is sent for the first time."""
        self._credit = min(RESERVE, self._credit + 1)

    def pause_s(self, error: RetriableVendorError, allowed: Retry, times: int, left_s: float) -> float | None:
        """How long to wait before a request is sent again; None where it must not be, or would come too late.

        Args:
            error: How it ended.
            allowed: When it may be sent again.
            times: How often it was sent again already.
            left_s: The time it has.
        """
        if times >= self._most or self._credit < COST or not _is_allowed(error, allowed):
            return None
        pause_s = _pause_s(error, times)
        if pause_s >= left_s:
            return None
        self._credit -= COST
        return pause_s


def _is_allowed(error: RetriableVendorError, allowed: Retry) -> bool:
    if allowed is Retry.IF_UNDONE:
        return isinstance(error, VendorUnreachableError | VendorThrottledError)
    # Neither a timeout, which used the time up, nor a circuit that is open.
    return allowed is Retry.ALWAYS and isinstance(error, VendorUnavailableError | VendorThrottledError)


def _pause_s(error: RetriableVendorError, times: int) -> float:
    """Full jitter, and no less than the vendor asks for."""
    if times == 0 and type(error) is VendorUnavailableError and error.status is None:
        return 0.0  # a connection broke: most likely a pooled one that the vendor was just closing
    jitter_s = random.uniform(0, min(MOST_S, BASE_S * 2**times))  # noqa: S311 - it spreads load, it hides nothing
    return max(jitter_s, error.retry_after_s or 0.0)
