"""What is told of each request to a vendor."""

from functools import cache
from types import TracebackType
from typing import Self

from graph import clock
from graph.telemetry.logs import is_told, log
from graph.telemetry.metrics import VENDOR_REQUESTS, VENDOR_SECONDS
from graph.telemetry.traces import span

count = cache(VENDOR_REQUESTS.labels)
timer = cache(VENDOR_SECONDS.labels)


class VendorCall:
    """One request to a vendor, counted, timed, logged and traced; set the outcome before it ends.

    Attributes:
        outcome: `ok`, the `SourceErrorCode` of a failure in lower case, or `cancelled`.
    """

    __slots__ = ("_began", "_endpoint", "_source", "_span", "_traced", "outcome")

    def __init__(self, source: str, endpoint: str) -> None:
        self.outcome = "cancelled"
        self._source = source
        self._endpoint = endpoint
        self._span = span("vendor request", source=source, endpoint=endpoint)

    def __enter__(self) -> Self:
        """It is sent."""
        self._began = clock.monotonic()
        self._traced = self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """It ended."""
        seconds = clock.monotonic() - self._began
        count(self._source, self._endpoint, self.outcome).inc()
        timer(self._source).observe(seconds)
        self._traced.tell(outcome=self.outcome)
        level = "debug" if self.outcome in ("ok", "cancelled") else "warning"
        if is_told(level):
            tell = log.debug if level == "debug" else log.warning
            tell(
                "vendor request",
                source=self._source,
                endpoint=self._endpoint,
                outcome=self.outcome,
                duration_s=round(seconds, 4),
            )
        self._span.__exit__(kind, error, traceback)
