"""What is told of each request to a vendor."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from graph import clock
from graph.telemetry.logs import log
from graph.telemetry.metrics import VENDOR_REQUESTS, VENDOR_SECONDS
from graph.telemetry.traces import span

count = cache(VENDOR_REQUESTS.labels)
timer = cache(VENDOR_SECONDS.labels)


@dataclass
class VendorCall:
    """One request on its way; set the outcome before it ends.

    Attributes:
        outcome: `ok`, the `SourceErrorCode` of a failure in lower case, or `cancelled`.
    """

    outcome: str = "cancelled"


@contextlib.contextmanager
def vendor_call(source: str, endpoint: str) -> Iterator[VendorCall]:
    """Count, time, log and trace one request to a vendor."""
    call = VendorCall()
    began = clock.monotonic()
    with span("vendor request", source=source, endpoint=endpoint) as traced:
        try:
            yield call
        finally:
            seconds = clock.monotonic() - began
            count(source, endpoint, call.outcome).inc()
            timer(source).observe(seconds)
            traced.tell(outcome=call.outcome)
            tell = log.debug if call.outcome in ("ok", "cancelled") else log.warning
            tell("vendor request", source=source, endpoint=endpoint, outcome=call.outcome, duration_s=round(seconds, 4))
