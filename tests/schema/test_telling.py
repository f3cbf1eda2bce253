"""What is told of GraphQL requests, over HTTP: one line and one count each, and never what was asked or answered."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from loglines import Line, lines
from servers import serve

from graph.fleet import Fleet, Source
from graph.server import create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = pytest.mark.anyio

PRIVATE = "Ann-Example-5150"
NAMED = "query Names($text: String) { sources { name } conferences(filter: {search: $text}) { complete } }"
UNKNOWN = f'{{ sources {{ name }} conference(source: "{PRIVATE}", vendorId: "1") {{ title }} }}'
WRONG = f"query Wrong {{ {PRIVATE.replace('-', '_')} }}"
INVALID_PAGE = "query Page { sources { name } conferences(first: -1) { complete } }"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def counted(http: httpx.AsyncClient) -> dict[str, float]:
    """The requests that /metrics has counted, by outcome; `seconds` is how many were timed."""
    text = (await http.get("/metrics")).text
    counts = re.findall(r'^confgraph_requests_total\{outcome="(\w+)"\} (\S+)$', text, re.MULTILINE)
    timed = re.findall(r"^confgraph_request_seconds_(count) (\S+)$", text, re.MULTILINE)
    return {key: float(value) for key, value in [*counts, *timed]}


@pytest.mark.parametrize(
    ("query", "outcome", "told"),
    [
        (NAMED, "ok", {"kind": "query", "operation": "Names"}),
        ("{ sources { name } }", "ok", {"kind": "query"}),
        (f"query {'N' * 65} {{ sources {{ name }} }}", "ok", {"kind": "query"}),
        (UNKNOWN, "partial", {"kind": "query", "codes": ["UNKNOWN_SOURCE"]}),
        (INVALID_PAGE, "partial", {"kind": "query", "operation": "Page", "codes": ["INVALID_ARGUMENT"]}),
        (WRONG, "error", {"kind": "query", "operation": "Wrong", "codes": ["GRAPHQL_VALIDATION_FAILED"]}),
        (f"{{ {PRIVATE} ", "error", {"codes": ["GRAPHQL_PARSE_FAILED"]}),
        ("", "refused", {"codes": ["BAD_USER_INPUT"]}),
    ],
)
async def test_a_request_is_told_by_its_outcome(
    query: str, outcome: str, told: Line, http: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await counted(http)
    body = {"query": query, "variables": {"text": PRIVATE}}
    reply = await http.post("/graphql", json=body, headers={"x-request-id": "request-0001"})
    assert reply.status_code == (400 if outcome == "refused" else 200)
    assert reply.headers["x-request-id"] == "request-0001"
    text = capsys.readouterr().err
    (line,) = lines(text, "request")
    assert line.pop("duration_s") >= 0
    assert line.pop("time")
    known = {"level": "info", "event": "request", "request_id": "request-0001", "caller": "anonymous"}
    assert line == {**known, "outcome": outcome, **told}
    assert PRIVATE not in text
    after = await counted(http)
    assert after[outcome] == before.get(outcome, 0) + 1
    assert after["count"] == before["count"] + 1
    assert sum(after.values()) == sum(before.values()) + 2


async def test_metrics_are_served_where_they_are_wanted() -> None:
    for metrics in (True, False):
        settings = AppSettings(server=ServerSettings(metrics=metrics))
        async with serve(create_app(settings)) as url, httpx.AsyncClient() as http:
            reply = await http.get(f"{url}/metrics")
        assert reply.status_code == (200 if metrics else 404)
        if metrics:
            assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert "# TYPE confgraph_vendor_seconds histogram" in reply.text


async def test_what_fails_inside_is_found_in_the_log_by_the_id_that_the_client_was_told(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def select(*_: object) -> list[Source]:
        raise RuntimeError(PRIVATE)

    monkeypatch.setattr(Fleet, "select", select)
    reply = await http.post("/graphql", json={"query": "{ sources { name } }"})
    (error,) = reply.json()["errors"]
    request_id = reply.headers["x-request-id"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    text = capsys.readouterr().err
    failed, request = lines(text)
    assert failed["request_id"] == request["request_id"] == request_id
    assert (failed["event"], failed["level"], failed["error"]) == ("internal error", "error", "RuntimeError")
    assert failed["where"][-1].endswith("in select")
    assert (request["outcome"], request["codes"]) == ("error", ["INTERNAL"])
    assert PRIVATE not in text + reply.text
