"""Sends spans by OpenTelemetry. Imported only where that is wanted: it comes with the extra `tracing`.

Where to, how many and under which name is said by the variables OTEL_*, which the SDK reads itself.
"""

import contextlib
from collections.abc import Iterator, Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from graph import __version__

PREFIX = "confgraph."
REQUEST = "GraphQL request"


class OpenTelemetry:
    """The spans of this process, and where they are sent."""

    def __init__(self, processor: SpanProcessor | None) -> None:
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("confgraph", __version__)
        self._incoming = TraceContextTextMapPropagator()

    def span(self, name: str, attributes: Mapping[str, str | int]) -> "contextlib.AbstractContextManager[ToldSpan]":
        """A span within the one under way."""
        return self._start(name, SpanKind.INTERNAL, attributes)

    def request(self, headers: Mapping[str, str]) -> "contextlib.AbstractContextManager[ToldSpan]":
        """The span of a request, within the trace that its headers name."""
        trace = {key: value for key in ("traceparent", "tracestate") if (value := headers.get(key))}
        return self._start(REQUEST, SpanKind.SERVER, {}, self._incoming.extract(trace, Context()))

    def close(self) -> None:
        """Send what is left. Blocks."""
        self._provider.shutdown()

    @contextlib.contextmanager
    def _start(
        self, name: str, kind: SpanKind, attributes: Mapping[str, str | int], parent: Context | None = None
    ) -> Iterator["ToldSpan"]:
        # The words of an exception may be anything, so spans do without.
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            told = ToldSpan(span)
            told.tell(**attributes)
            yield told


class ToldSpan:
    """A span whose attributes bear our prefix."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def tell(self, **attributes: str | int | None) -> None:
        """Add what became known; None is not known."""
        for key, value in attributes.items():
            if value is not None:
                self._span.set_attribute(PREFIX + key, value)


def _resource() -> Resource:
    """Who sends: the environment's word for it, else ours."""
    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: "confgraph"}))
    return found
