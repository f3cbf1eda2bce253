"""Spans: what they are of, that they hang together, and that they hold and send nothing they must not."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from answering import answering
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from servers import serve
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graph.errors import ConfigError
from graph.server import create_app
from graph.settings import AppSettings, ServerSettings, build
from graph.telemetry import traces
from graph.telemetry.calls import VendorCall
from graph.telemetry.requests import ToldRequest
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "Ann-Example-5150"
PRIVATE_ID = "51505150"
ROW = """query Row($id: String!) { conference(source: "netease", vendorId: $id) { title } }"""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    traces.start_tracing(SimpleSpanProcessor(exporter))
    yield exporter
    traces.stop_tracing()


def told(span: ReadableSpan) -> dict[str, Any]:
    """Its attributes."""
    return {key: value for key, value in (span.attributes or {}).items() if key != "confgraph.keys"}


async def test_a_request_its_batches_and_vendor_requests_are_one_trace(spans: InMemorySpanExporter) -> None:
    """It goes on where the client's ends, and the vendor is not told of it."""
    table = {"vendor": "netease", "app_key": "key", "app_secret": SECRET, "retries": 0}
    async with answering(lambda _: Response(SECRET, 500)) as (url, vendor):
        settings = build({"sources": {"netease": {**table, "base_url": url}}}, TYPES, {})
        async with serve(create_app(settings)) as server, httpx.AsyncClient() as http:
            body = {"query": ROW, "variables": {"id": PRIVATE_ID}}
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "baggage": "a=b"}
            reply = await http.post(f"{server}/graphql", json=body, headers=headers)
    assert reply.json()["data"] == {"conference": None}
    exchange, batch, request = spans.get_finished_spans()
    assert [span.name for span in (exchange, batch, request)] == ["vendor request", "batch", "GraphQL request"]
    assert {span.context.trace_id for span in (exchange, batch, request)} == {int(TRACE, 16)}
    assert request.parent
    assert f"{request.parent.span_id:016x}" == PARENT
    assert request.kind is SpanKind.SERVER
    assert batch.parent
    assert exchange.parent
    assert (batch.parent.span_id, exchange.parent.span_id) == (request.context.span_id, batch.context.span_id)
    assert told(request) == {
        "confgraph.kind": "query",
        "confgraph.operation": "Row",
        "confgraph.outcome": "error",
    }
    assert told(batch) == {"confgraph.source": "netease", "confgraph.loader": "ConferenceByKeyLoader"}
    assert told(exchange).keys() == {"confgraph.source", "confgraph.endpoint", "confgraph.outcome"}
    text = "".join(span.to_json() for span in (exchange, batch, request))
    assert SECRET not in text
    assert PRIVATE_ID not in text
    assert not {"traceparent", "tracestate", "baggage"} & {name for one in vendor.asked for name in one.headers}


async def test_an_exception_is_told_by_its_outcome_only(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match=SECRET), ToldRequest("request-1", {}), VendorCall("alpha", "list"):
        raise ValueError(SECRET)
    exchange, request = spans.get_finished_spans()
    assert exchange.events == request.events == ()
    assert exchange.status.description is None
    assert told(request) == {"confgraph.outcome": "error"}
    assert told(exchange) == {
        "confgraph.source": "alpha",
        "confgraph.endpoint": "list",
        "confgraph.outcome": "cancelled",
    }


async def test_spans_are_sent_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a collector that speaks OTLP over HTTP, the last ones when the process ends."""
    received: list[ExportTraceServiceRequest] = []

    async def collector(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = await Request(scope, receive).body()
            received.append(ExportTraceServiceRequest.FromString(body))
            assert scope["path"] == "/v1/traces"
            await Response(status_code=200)(scope, receive, send)

    async with serve(collector) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        settings = AppSettings(server=ServerSettings(tracing=True))
        async with serve(create_app(settings)) as server, httpx.AsyncClient() as http:
            await http.post(f"{server}/graphql", json={"query": "query Mine { sources { name } }"})
    (sent,) = received
    (resource,) = sent.resource_spans
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert names["service.name"] == "confgraph"
    (span,) = resource.scope_spans[0].spans
    assert span.name == "GraphQL request"
    assert {item.key: item.value.string_value for item in span.attributes}["confgraph.operation"] == "Mine"


@pytest.mark.parametrize("variable", ["OTEL_SERVICE_NAME=mine", "OTEL_RESOURCE_ATTRIBUTES=service.name=mine"])
async def test_the_service_bears_the_name_that_the_environment_gives(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _, value = variable.partition("=")
    monkeypatch.setenv(key, value)
    exporter = InMemorySpanExporter()
    traces.start_tracing(SimpleSpanProcessor(exporter))
    try:
        with ToldRequest("request-1", {}):
            pass
    finally:
        traces.stop_tracing()
    (span,) = exporter.get_finished_spans()
    assert span.resource.attributes["service.name"] == "mine"


async def test_a_collector_that_does_not_answer_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not sent within a moment is lost."""
    monkeypatch.setattr(traces, "FLUSH_S", 0.1)
    hanging = asyncio.Event()

    async def collector(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hanging.wait()
        writer.close()

    async with await asyncio.start_server(collector, "127.0.0.1", 0) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        traces.start_tracing()
        with ToldRequest("request-1", {}):
            pass
        async with asyncio.timeout(8):  # ten seconds is what the exporter would wait
            await asyncio.to_thread(traces.stop_tracing)
        hanging.set()


def test_who_does_not_trace_imports_nothing_for_it() -> None:
    code = (
        "import sys, graph.cli, graph.telemetry.traces as traces\n"
        "assert traces.span('a') is traces.request_span({})\n"
        "print([name for name in ('graph.telemetry.otel', 'opentelemetry.sdk.trace') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own code
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("missing", traces.MODULES)
def test_tracing_without_its_extra_is_a_configuration_fault(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(ConfigError) as raised:
        build({"server": {"tracing": True}}, TYPES, {})
    assert raised.value.faults == ["server.tracing: needs the extra of that name: pip install '.[tracing]'"]
