"""Trusted documents: with a manifest nothing else is answered, and a manifest that is no good is a fault."""

import contextlib
import json
from collections.abc import AsyncIterator
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers import serve
from sockets import socket
from streaming import events

from graph.errors import ConfigError
from graph.schema import build_schema
from graph.server import create_app
from graph.server.trusted import TrustedDocuments
from graph.settings import AppSettings, build
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
TEXT = "query Trusted { kind: __typename }"
OTHER = "query Other($first: Int) { conferences(first: $first) { complete } }"
SECRET = "the gateway and we know it"


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(name: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}


def apollo(*operations: tuple[str, str]) -> dict[str, Any]:
    """A manifest as Apollo's tool writes it."""
    written = [{"id": name, "name": "Q", "type": "query", "body": text} for name, text in operations]
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": written}


OF_RELAY = {sha1(TEXT.encode(), usedforsecurity=False).hexdigest(): TEXT, "other": OTHER}
OF_APOLLO = apollo((hash_of(TEXT), TEXT), ("other", OTHER))


def settings_of(path: Path, **server: object) -> AppSettings:
    auth = {"gateway_secret": SECRET}
    return build({"server": {"trusted_documents": str(path), **server}, "auth": auth}, TYPES, {})


@contextlib.asynccontextmanager
async def trusting(tmp_path: Path, manifest: object, **server: object) -> AsyncIterator[httpx.AsyncClient]:
    """A confgraph with a manifest."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    async with serve(create_app(settings_of(path, **server))) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def ask(http: httpx.AsyncClient, request: dict[str, Any], **headers: str) -> Any:
    """The data of an answer to a request by POST and by GET, or the code of its error."""
    parts = {name: part if isinstance(part, str) else json.dumps(part) for name, part in request.items()}
    told = []
    for reply in (
        await http.post("/graphql", json=request, headers=headers),
        await http.get("/graphql", params=parts, headers=headers),
    ):
        answer = reply.json()
        told.append(answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"])
    assert told[0] == told[1]
    return told[0]


@pytest.mark.parametrize("manifest", [OF_RELAY, OF_APOLLO], ids=["relay", "apollo"])
async def test_what_the_manifest_has_is_answered_by_its_id_its_hash_and_its_text(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    data = {"kind": "Query"}
    async with trusting(tmp_path, manifest) as http:
        assert await ask(http, {"query": TEXT}) == data
        assert await ask(http, named(hash_of(TEXT))) == data
        assert await ask(http, {"documentId": f"sha256:{hash_of(TEXT)}"}) == data
        assert await ask(http, {"documentId": "other", "variables": {"first": 1}}) == {
            "conferences": {"complete": True}
        }
        assert await ask(http, named("other")) == {"conferences": {"complete": True}}


async def test_nothing_else_is_answered(tmp_path: Path) -> None:
    """Not a document of the same meaning either, nor one that is sent under the name of a trusted one."""
    async with trusting(tmp_path, OF_RELAY) as http:
        for request in (
            {"query": TEXT + " "},
            {"query": "{ __typename }"},
            {"query": "{ __schema { queryType { name } } }"},
            {"query": "{ __typename }", **named(hash_of(TEXT))},
            {"query": "{ __typename }", "documentId": "other"},
            {"query": "{"},
            named(hash_of("{ __typename }")),
            {"documentId": "another"},
            {"documentId": ""},
            {},
        ):
            assert await ask(http, request) == "FORBIDDEN"
        strict = await http.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"accept": "application/graphql-response+json"}
        )
        assert strict.status_code == 403


async def test_streams_and_websockets_answer_nothing_else_either(tmp_path: Path) -> None:
    live = "subscription Live { liveConferences { kind } }"
    async with trusting(tmp_path, {**OF_RELAY, "live": live}) as http:
        url = str(http.base_url)
        for asked, is_trusted in (
            ({"query": TEXT}, True),
            ({"query": None, **named(hash_of(TEXT))}, True),
            ({"query": None, "documentId": "other"}, True),
            ({"query": TEXT + " "}, False),
            ({"query": live + " "}, False),
            ({"query": None, **named("another")}, False),
        ):
            async with events(url, **asked) as stream:
                kind, data = await stream.next()
                assert kind == "next"
                answer = json.loads(data)
                assert ("data" in answer) is is_trusted
                assert is_trusted or answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            async with socket(url) as it:
                await it.init()
                if is_trusted:
                    assert (await it.ask(**asked))["data"]
                else:
                    assert (await it.refusal("q", **asked))["extensions"]["code"] == "FORBIDDEN"


async def test_documents_that_are_not_trusted_are_not_kept_by_their_hashes(tmp_path: Path) -> None:
    text = "{ __typename }"
    async with trusting(tmp_path, OF_RELAY) as http:
        assert await ask(http, {"query": text, **named(hash_of(text))}) == "FORBIDDEN"
        assert await ask(http, named(hash_of(text))) == "FORBIDDEN"
        # The gateway makes its own documents, which open no door for others.
        assert await ask(http, {"query": text, **named(hash_of(text))}, **{"x-confgraph-gateway": SECRET}) == {
            "__typename": "Query"
        }
        assert await ask(http, named(hash_of(text))) == "FORBIDDEN"


async def test_trusted_documents_do_without_persisted_queries_and_without_introspection(tmp_path: Path) -> None:
    async with trusting(tmp_path, OF_RELAY, persisted_queries=False, introspection=False) as http:
        assert await ask(http, named("other")) == {"conferences": {"complete": True}}


async def test_browsers_are_shown_no_playground(tmp_path: Path) -> None:
    async with trusting(tmp_path, OF_RELAY) as http:
        reply = await http.get("/graphql", headers={"accept": "text/html,*/*"})
        assert "html" not in reply.headers["content-type"]


def fault_of(tmp_path: Path, content: str) -> str:
    """The only fault of a manifest."""
    path = tmp_path / "manifest.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        settings_of(path)
    (fault,) = caught.value.faults
    assert fault.startswith("server.trusted_documents: ")
    assert "\n" not in fault
    return fault


def test_a_manifest_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    for content in ("", "[]", "1", '{"a": 1}', "{", '{"format": "apollo-persisted-query-manifest"}', "[" * 100_000):
        assert "neither a JSON object of texts nor a manifest" in fault_of(tmp_path, content)
    assert "version 2" in fault_of(tmp_path, json.dumps({**OF_APOLLO, "version": 2}))
    assert "the id x" in fault_of(tmp_path, json.dumps(apollo(("x", TEXT), ("x", OTHER))))
    with pytest.raises(ConfigError, match=r"server\.trusted_documents: .*cannot be read: No such file"):
        settings_of(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Syntax Error"),
        ("{ nothing }", "nothing"),
        ("{" + "a {" * 999, "nests too deep"),
        ("{" + "a " * 6000 + "}", "max_tokens"),
    ],
    ids=["torn", "unknown", "deep", "long"],
)
def test_a_document_that_would_not_be_answered_is_a_fault_that_names_it(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"good": TEXT, "bad": text, "worse": text}), encoding="utf-8")
    settings = settings_of(path)
    with pytest.raises(ConfigError) as caught:
        TrustedDocuments.of(settings, build_schema(settings))
    assert [fault.split(": ")[:2] for fault in caught.value.faults] == [
        ["server.trusted_documents", f"document {name}"] for name in ("bad", "worse")
    ]
    assert why in caught.value.faults[0]
    assert "\n" not in caught.value.message.replace("\nserver.", "")


def test_a_document_that_asks_for_the_schema_is_a_fault_where_that_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nosy": "{ __schema { description } }"}), encoding="utf-8")
    settings = settings_of(path)
    assert TrustedDocuments.of(settings, build_schema(settings))
    settings = settings_of(path, introspection=False)
    with pytest.raises(ConfigError, match="document nosy: GraphQL introspection"):
        TrustedDocuments.of(settings, build_schema(settings))
