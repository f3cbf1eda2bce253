"""No credential, passcode, scroll id or signature is ever told: not in answers, errors, cursors, logs or reprs."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from faulty import passes
from marked import (
    CANARIES,
    FAULTS,
    PASSCODE,
    QUERY,
    WRONG,
    Ear,
    Told,
    asked,
    canary,
    everything,
    leaks,
    texts,
    wrong,
)
from mirrors import TYPES, secrets_of
from queries import Client

from graph.errors import ConfigError
from graph.fleet import build_fleet
from graph.settings import build
from graph.transport.client import VendorClient
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors import VENDORS
from graph.vendors.quanshi.adapter import QuanshiAdapter

pytestmark = pytest.mark.anyio

NAMES_OF_SECRETS = re.compile(
    "pass|pcode|token|scroll|secret|checksum|guid|credential|nonce|appkey|apikey", re.IGNORECASE
)


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
