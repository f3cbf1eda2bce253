"""A confgraph over all vendors whose credentials are marked, and all that it says in one place, to look for them."""

import base64
import contextlib
import copy
import importlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from conftest import sample
from faulty import Fault, Faulty, answers, changes, hangs
from loglines import logging_from
from mirrors import TYPES, secrets_of
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from queries import Client
from servers import serve
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph import clock
from graph.sandbox.world import World
from graph.settings import AppSettings, build
from graph.telemetry import traces
from graph.telemetry.metrics import exposition
from graph.vendors import VENDORS

PASSCODE = "hush-quanshi-passcode"
LOOKS_ENCODED = re.compile(r"[A-Za-z0-9_-]{8,}")
MEASURED = re.compile(r"(?<![\w.])(?=[\d.]{16})\d+\.\d+(?:e[+-]\d+)?(?![\w.])")  # with the noise of a float

QUERY = """
query ($during: TimeRange!, $days: DateRange!, $after: String) {
  sources { name capabilities health { state lastError { code message vendorCode vendorRequestId } } }
  conferences(filter: {during: $during}, first: 40, after: $after) {
    edges {
      cursor
      node {
        id vendorId title errorInfo
        host { accountId name email phoneNumber }
        room { id vendorId name }
        members(first: 2) { edges { cursor node { id vendorId displayName phoneNumber } } }
        calls(first: 2) { edges { cursor node { id vendorId } } }
        vendorFields { ... on QuanshiConferenceFields { billingCode customerCode hostIp } }
      }
    }
    pageInfo { startCursor endCursor }
    totalCount complete ...contributions
  }
  calls(filter: {during: $during}, first: 5) { nodes { id } pageInfo { endCursor } complete }
  rooms(filter: {during: $during}) { nodes { id vendorId name } pageInfo { endCursor } complete }
  mcuResources(filter: {during: $during}) { nodes { id name } complete }
  regionCounts(measure: ISSUED_CALLS, during: $during) { nodes { region } complete }
  usage(of: CONFERENCES, days: $days) { count complete sources { ...contribution } }
  usageBy(dimension: ROOM, during: $during) { nodes { key } complete }
  live { memberCount complete sources { ...contribution } }
}
fragment contributions on ConferenceConnection { sources { ...contribution } }
fragment contribution on SourceResult {
  source { name } status error { code message vendorCode vendorRequestId }
}
"""


def canary(vendor: str, field: str) -> str:
    """The secret that a source is given."""
    return f"hush-{vendor}-{field}"


def wrong(vendor: str, field: str) -> str:
    """A secret that the vendor refuses."""
    return f"wrong-hush-{vendor}-{field}"


CANARIES = {canary(spec.name, field) for spec in VENDORS.values() for field in secrets_of(spec)} | {PASSCODE}


WRONG = {wrong(spec.name, field) for spec in VENDORS.values() for field in secrets_of(spec)}


class Ear:
    """Hears what passes between adapters and emulators that must not be told, by kind."""

    def __init__(self) -> None:
        self.heard: dict[str, set[str]] = {}

    @property
    def all_heard(self) -> set[str]:
        """Whatever the kind."""
        return {secret for kind in self.heard.values() for secret in kind}

    async def listens(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """A fault that is none."""
        parts: list[bytes] = []

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note("Set-GUID", Headers(raw=message["headers"]).get("set-guid"))
            parts.append(message.get("body", b""))
            await send(message)

        self._note("CheckSum", Headers(scope=scope).get("checksum"))
        await app(scope, receive, heard)
        for kind, value in re.findall(rb'"(scrollid|guestPcode)":"([^"]+)"', b"".join(parts)):
            self._note(kind.decode(), value.decode())

    def _note(self, kind: str, value: str | None) -> None:
        if value:
            self.heard.setdefault(kind, set()).add(value)


def echoes(render: Callable[[str], bytes], status: int) -> Fault:
    """Answer with all that was sent, as a vendor may when it complains."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        sent = f"{request.url} {dict(request.headers)} {(await request.body()).decode()}"
        await answers(render(sent), status)(app, scope, receive, send)

    return fault


def complaint(said: str) -> bytes:
    """A refusal in the words of any vendor."""
    codes = {"err_code": 9, "code": 9, "status": 9, "retcode": "9"}
    return json.dumps({**codes, **dict.fromkeys(("err_info", "more_info", "msg", "message"), said)}).encode()


FAULTS: dict[str, Fault] = {
    "complaint": echoes(complaint, 200),
    "complaint with a status": echoes(complaint, 500),
    "text": echoes(str.encode, 200),
    "text with a status": echoes(str.encode, 401),
    "torn": changes(lambda body: body[: len(body) // 2]),
    "hanging": hangs,
}


def accept_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulators take the canaries for right."""
    for spec in VENDORS.values():
        emulator = importlib.import_module(f"graph.vendors.{spec.name}.emulator")
        accepted = spec.emulator_settings(world())
        for field in secrets_of(spec):
            names = [name for name, value in vars(emulator).items() if value == accepted[field]]
            assert len(names) == 1
            monkeypatch.setattr(emulator, names[0], canary(spec.name, field))


def quanshi_list(now: datetime) -> Any:
    """The documented list with a conference of an hour ago and a canary for its passcode."""
    body = copy.deepcopy(sample("quanshi-listbystatus"))
    began = int((now - timedelta(hours=1)).timestamp())
    body["result"]["confList"][0] |= {"startTime": began, "guestPcode": PASSCODE, "pcode2": PASSCODE}
    return body


@contextlib.asynccontextmanager
async def everything(
    fault: Fault,
    *,
    sent: Callable[[str, str], str] = canary,
    tables: Mapping[str, Mapping[str, object]] | None = None,
    **changed: object,
) -> AsyncIterator[tuple[Client, AppSettings]]:
    """A confgraph over all vendors, each behind the fault, that sends these secrets.

    Args:
        fault: Of each vendor.
        sent: Makes the secret of a vendor's setting.
        tables: Of the configuration, besides the sources.
        changed: Settings of each source.
    """
    options: dict[str, dict[str, Any]] = {
        "hexmeet": {"max_open_scrolls": 1000},
        "quanshi": {"documented": {"listbystatus": quanshi_list(clock.now())}},
        "huawei": {"rotates_guid": True},
    }
    unlimited = {"hexmeet": {"max_open_scrolls": 0}}
    emulators = {
        spec.name: Faulty(spec.create_emulator(world(), **options.get(spec.name, {}))) for spec in VENDORS.values()
    }
    for emulator in emulators.values():
        emulator.fault = fault
    async with serve(Starlette(routes=[Mount(f"/{name}", app) for name, app in emulators.items()])) as url:
        sources = {
            spec.name: {
                "vendor": spec.name,
                "base_url": f"{url}/{spec.name}",
                **spec.emulator_settings(world()),
                **unlimited.get(spec.name, {}),
                **{field: sent(spec.name, field) for field in secrets_of(spec)},
                **changed,
            }
            for spec in VENDORS.values()
        }
        settings = build({**(tables or {}), "sources": sources}, TYPES, {})
        async with Client(settings) as client:
            yield client, settings


@cache
def world() -> World:
    """One for all tests: things go on in it for a while."""
    return World(conferences=120, days=4)


def asked() -> dict[str, Any]:
    """The variables of the query: the last two days."""
    now = clock.now()
    during = {"from": (now - timedelta(days=2)).isoformat(), "to": now.isoformat()}
    today = now.date()
    return {"during": during, "days": {"from": str(today - timedelta(days=1)), "to": str(today)}}


def texts(value: Any) -> Iterator[str]:
    """Every text of an answer, and what is in those that are encoded."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
        if LOOKS_ENCODED.fullmatch(value):
            with contextlib.suppress(ValueError):
                yield base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode(errors="replace")


def leaks(secrets: set[str], *told: object) -> list[str]:
    """The secrets that can be read somewhere; digits amid those of a measured number are nobody's."""
    text = "\n".join(one for value in told for one in texts(value))
    unmeasured = MEASURED.sub("", text)
    return sorted(secret for secret in secrets if secret in (unmeasured if secret.isdecimal() else text))


class Told:
    """All that the process says besides its answers: its log, its spans, its metrics."""

    def __init__(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], spans: InMemorySpanExporter
    ) -> None:
        caplog.set_level(logging.DEBUG)
        self._caplog = caplog
        self._spans = spans
        self._capfd = capfd

    def __call__(self) -> list[str]:
        lines = [f"{record.getMessage()} {record.args} {record.exc_text}" for record in self._caplog.records]
        # As one exports them, but in letters that can be looked for.
        spans = [
            json.dumps(json.loads(span.to_json()), ensure_ascii=False) for span in self._spans.get_finished_spans()
        ]
        out, err = self._capfd.readouterr()
        assert '"vendor request"' in err
        assert any('"vendor request"' in span for span in spans)
        return [*lines, self._caplog.text, out, err, *spans, exposition(None).decode()]


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Told]:
    """All that is told from now on, spans and every line of the log; emulators take the canaries for right."""
    accept_canaries(monkeypatch)
    spans = InMemorySpanExporter()
    traces.start_tracing(SimpleSpanProcessor(spans))
    with logging_from("debug"):
        yield Told(caplog, capfd, spans)
    traces.stop_tracing()
