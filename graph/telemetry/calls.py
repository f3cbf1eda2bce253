"""What is told of each request to a vendor."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from graph import clock
from graph.telemetry.logs import log
from graph.telemetry.metrics import VENDOR_REQUESTS, VENDOR_SECONDS


@dataclass
class VendorCall:
    """One request on its way; set the outcome before it ends.

    Attributes:
        outcome: `ok`, the `SourceErrorCode` of a failure in lower case, or `cancelled`.
    """

    outcome: str = "cancelled"
    status: int | None = None


@contextlib.contextmanager
def vendor_call(source: str, endpoint: str) -> Iterator[VendorCall]:
    """Count, time and log one request to a vendor."""
    call = VendorCall()
    began = clock.monotonic()
    try:
        yield call
    finally:
        seconds = clock.monotonic() - began
        VENDOR_REQUESTS.labels(source, endpoint, call.outcome).inc()
        VENDOR_SECONDS.labels(source).observe(seconds)
        tell = log.debug if call.outcome in ("ok", "cancelled") else log.warning
        tell("vendor request", source=source, endpoint=endpoint, outcome=call.outcome, duration_s=round(seconds, 4))
