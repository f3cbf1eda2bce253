"""Spans: one per GraphQL request, per request to a vendor, and per batch of a loader.

Without `server.tracing` no tracer is imported, and a span costs a function call. A span holds names
and outcomes, never a query, an id or a value, and an exception only by the outcome it led to. Vendors are not told of
the trace.
"""

import importlib.util
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

FLUSH_S = 3.0  # for a collector that does not answer while the process wants to end
MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


class Span(Protocol):
    """A part of the work, under way."""

    def tell(self, **attributes: str | int | None) -> None:
        """Add what became known; None is not known."""


class Tracer(Protocol):
    """Makes spans."""

    def span(self, name: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[Span]:
        """A span within the one under way."""

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """The span of a request, within the trace that its headers name."""

    def close(self) -> None:
        """Send what is left. Blocks."""


class _Untold:
    """The span of a process that is not traced."""

    def tell(self, **attributes: str | int | None) -> None:
        """Tell nobody."""


_untold: AbstractContextManager[Span] = nullcontext(_Untold())
_tracer: Tracer | None = None


def can_trace() -> bool:
    """Whether what the extra `tracing` brings is installed."""
    try:
        return all(importlib.util.find_spec(module) for module in MODULES)
    except ModuleNotFoundError:
        return False


def start_tracing(processor: "SpanProcessor | None" = None) -> None:
    """Trace from now on.

    Args:
        processor: Gets the spans; None sends them as the variables OTEL_* say.
    """
    global _tracer  # noqa: PLW0603 - a process is traced as a whole
    from graph.telemetry.otel import OpenTelemetry  # noqa: PLC0415 - an extra, and slow to import

    _tracer = OpenTelemetry(processor)


def stop_tracing() -> None:
    """Trace no more, and send what is left, for as long as that may take. Blocks."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        closing = threading.Thread(target=tracer.close, daemon=True)
        closing.start()
        closing.join(FLUSH_S)


def span(name: str, **attributes: str | int) -> AbstractContextManager[Span]:
    """A part of the work of a request."""
    return _untold if _tracer is None else _tracer.span(name, attributes)


def request_span(headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """A whole GraphQL request."""
    return _untold if _tracer is None else _tracer.request(headers)
