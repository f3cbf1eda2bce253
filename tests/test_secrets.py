"""No credential, passcode, scroll id or signature is ever told: not in answers, errors, cursors, logs or reprs."""

import base64
import contextlib
import copy
import importlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from conftest import sample
from faulty import Fault, Faulty, answers, changes, hangs, passes
from mirrors import TYPES, secrets_of
from queries import Client
from servers import serve
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph import clock
from graph.errors import ConfigError
from graph.fleet import build_fleet
from graph.sandbox.world import World
from graph.settings import AppSettings, build
from graph.transport.client import VendorClient
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors import VENDORS
from graph.vendors.quanshi.adapter import QuanshiAdapter

pytestmark = pytest.mark.anyio

PASSCODE = "canary-quanshi-passcode"
NAMES_OF_SECRETS = re.compile(
    "pass|pcode|token|scroll|secret|checksum|guid|credential|nonce|appkey|apikey", re.IGNORECASE
)
LOOKS_ENCODED = re.compile(r"[A-Za-z0-9_-]{8,}")

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
    return f"canary-{vendor}-{field}"


def wrong(vendor: str, field: str) -> str:
    """A secret that the vendor refuses."""
    return f"wrong-{vendor}-{field}"


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


@pytest.fixture(autouse=True)
def _accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulators take the canaries for right."""
    for spec in VENDORS.values():
        emulator = importlib.import_module(spec.create_emulator.__module__)
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
    fault: Fault, *, sent: Callable[[str, str], str] = canary, **changed: object
) -> AsyncIterator[tuple[Client, AppSettings]]:
    """A confgraph over all vendors, each behind the fault, that sends these secrets."""
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
        tables = {
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
        settings = build({"sources": tables}, TYPES, {})
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
                yield base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode("latin-1")


def leaks(secrets: set[str], *told: object) -> list[str]:
    """The secrets that can be read somewhere."""
    text = "\n".join(one for value in told for one in texts(value))
    return sorted(secret for secret in secrets if secret in text)


class Told:
    """All that the process says besides its answers."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        caplog.set_level(logging.DEBUG)
        self._caplog = caplog
        self._capfd = capfd

    def __call__(self) -> list[str]:
        lines = [f"{record.getMessage()} {record.args} {record.exc_text}" for record in self._caplog.records]
        return [*lines, self._caplog.text, *self._capfd.readouterr()]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Told:
    return Told(caplog, capfd)


async def test_what_the_vendors_accept_and_answer_is_not_told(told: Told) -> None:
    ear = Ear()
    async with everything(ear.listens) as (client, _):
        variables = asked()
        first = await client.data(QUERY, **variables)
        second = await client.data(QUERY, **variables, after=first["conferences"]["pageInfo"]["endCursor"])
    assert all(part["complete"] for part in first.values() if isinstance(part, dict))
    found = {edge["node"]["id"] for edge in first["conferences"]["edges"]}
    assert len(found) > 20
    assert ear.heard.keys() == {"scrollid", "guestPcode", "CheckSum", "Set-GUID"}
    assert leaks(CANARIES | ear.all_heard, first, second, told()) == []


async def test_credentials_that_are_refused_are_not_told(told: Told) -> None:
    async with everything(passes, sent=wrong) as (client, _):
        answer = await client.ask(QUERY, **asked())
        health = await client.data("{ sources { name health { lastError { code message } } } }")
    contributions = answer["data"]["conferences"]["sources"]
    assert {part["error"]["code"] for part in contributions if part["error"]} == {"UNAUTHENTICATED"}
    assert {source["health"]["lastError"]["code"] for source in health["sources"]} == {"UNAUTHENTICATED"}
    assert leaks(CANARIES | WRONG, answer, health, told()) == []


@pytest.mark.parametrize("kind", FAULTS)
async def test_what_a_vendor_echoes_when_it_fails_is_not_told(kind: str, told: Told) -> None:
    async with everything(FAULTS[kind], timeout_s=0.3) as (client, _):
        answer = await client.ask(QUERY, **asked())
        again = await client.data("{ sources { health { lastError { message vendorCode vendorRequestId } } } }")
    failed = [part["source"]["name"] for part in answer["data"]["conferences"]["sources"] if part["status"] == "FAILED"]
    assert len(failed) == len(VENDORS)
    assert leaks(CANARIES, answer, again, told()) == []


async def test_an_error_that_nobody_foresaw_is_masked(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*_: object) -> Any:
        raise RuntimeError(f"{PASSCODE} {CANARIES}")

    monkeypatch.setattr(QuanshiAdapter, "list_live", break_down)
    monkeypatch.setattr(QuanshiAdapter, "read_live", break_down)
    async with everything(passes) as (client, _):
        answer = await client.ask(QUERY, **asked())
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INTERNAL"}
    assert leaks(CANARIES, answer, told()) == []


async def test_reprs_show_no_secret(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of what is configured nor those of what is sent, answered and read."""
    shown: list[object] = []
    call = VendorClient.call

    async def spy(client: VendorClient, request: VendorRequest, read: Callable[[VendorReply], Any]) -> Any:
        def read_and_show(reply: VendorReply) -> Any:
            shown.extend((reply, result := read(reply)))
            return result

        shown.append(request)
        return await call(client, request, read_and_show)

    monkeypatch.setattr(VendorClient, "call", spy)
    ear = Ear()
    async with everything(ear.listens) as (client, settings):
        await client.data(QUERY, **asked())
        fleet = build_fleet(settings)
        shown += [settings, fleet]
        for source in fleet.sources.values():
            shown += [source, source.settings, source.adapter, source.client, source.spec]
        await fleet.aclose()
    assert len(shown) > 50
    reprs = [text for thing in shown for text in (repr(thing), str(thing))]
    assert leaks(CANARIES | ear.all_heard, reprs, told()) == []


def test_a_fault_of_the_configuration_quotes_no_secret() -> None:
    for spec in VENDORS.values():
        for field in secrets_of(spec):
            secret = canary(spec.name, field)
            faulty = {"vendor": spec.name, "unknown": secret, "page_size": secret, "base_url": f"http://{secret}@host?"}
            from_environment = {f"CONFGRAPH_SOURCES__ONE__{field.upper()}": f"{secret}\n"}
            for value in ([secret], {"value": secret}, f"{secret}\n", f"{secret} 密"):
                for environment in ({}, from_environment):
                    with pytest.raises(ConfigError) as raised:
                        build({"sources": {"one": {**faulty, field: value}}}, TYPES, environment)
                    assert leaks({secret}, str(raised.value), repr(raised.value), raised.value.faults) == []


def test_a_secret_would_be_found_where_it_is_encoded() -> None:
    cursor = base64.urlsafe_b64encode(b"1 hush 2").rstrip(b"=").decode()
    assert leaks({"hush", "other"}, {"edges": [{"cursor": cursor}]}) == ["hush"]


async def test_no_name_of_the_schema_is_that_of_a_secret() -> None:
    """Looked for among all fields, arguments, inputs and enum values that introspection shows."""
    query = """{ __schema { types {
      name fields(includeDeprecated: true) { name args { name } }
      inputFields { name } enumValues(includeDeprecated: true) { name }
    } } }"""
    settings = build({"sources": {}}, TYPES, {})
    async with Client(settings) as client:
        types = (await client.data(query))["__schema"]["types"]
    names = [name for kind in types for name in set(texts(kind))]
    assert len(names) > 300
    assert [name for name in names if NAMES_OF_SECRETS.search(name)] == []
