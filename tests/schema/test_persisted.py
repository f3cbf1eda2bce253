"""Automatic persisted queries, as Apollo's clients speak of them."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from servers import serve
from sockets import socket
from streaming import events

from graph.server import create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = pytest.mark.anyio

QUERY = "query Kept { __typename }"


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(name: str, **more: object) -> dict[str, Any]:
    """A request that names its document."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}, **more}


def kept(text: str) -> dict[str, Any]:
    """A request that sends a document along with its name."""
    return named(hash_of(text), query=text)


def told(reply: httpx.Response) -> tuple[int, str, str]:
    """The status of a reply, and the code and message of its only error."""
    answer = reply.json()
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["requestId"] == reply.headers["x-request-id"]
    assert reply.headers["cache-control"] == "no-store"
    return reply.status_code, error["extensions"]["code"], error["message"]


NOT_FOUND = (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
NOT_SUPPORTED = (200, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def get(http: httpx.AsyncClient, request: dict[str, Any], **headers: str) -> httpx.Response:
    parts = {name: part if isinstance(part, str) else json.dumps(part) for name, part in request.items()}
    return await http.get("/graphql", params=parts, headers=headers)


async def post(http: httpx.AsyncClient, request: dict[str, Any], **headers: str) -> httpx.Response:
    return await http.post("/graphql", json=request, headers=headers)


@pytest.mark.parametrize("ask", [get, post])
async def test_a_document_is_known_by_its_hash_once_it_was_sent_along(ask: Any, http: httpx.AsyncClient) -> None:
    for accept in ("application/graphql-response+json", "application/json", "*/*"):
        reply = await ask(http, named(hash_of(QUERY)), accept=accept)
        assert told(reply) == NOT_FOUND
        assert reply.headers["content-type"].split(";")[0] == "application/json"
    for request in (kept(QUERY), named(hash_of(QUERY)), {"documentId": f"sha256:{hash_of(QUERY)}"}):
        assert (await ask(http, request)).json()["data"] == {"__typename": "Query"}


async def test_streams_and_websockets_know_documents_by_their_hashes_too() -> None:
    """Whichever way they were sent."""
    async with serve(create_app(AppSettings())) as url, socket(url) as it:
        await it.init()
        missing = await it.refusal("q", None, **named(hash_of(QUERY)))
        assert (missing["extensions"]["code"], missing["message"]) == NOT_FOUND[1:]
        assert (await it.ask(**kept(QUERY)))["data"] == {"__typename": "Query"}
        assert (await it.ask(None, **named(hash_of(QUERY))))["data"] == {"__typename": "Query"}
        async with events(url, query=None, **named(hash_of(QUERY))) as stream:
            assert json.loads((await stream.next())[1])["data"] == {"__typename": "Query"}
            assert stream.reply.headers["cache-control"] == "no-store"
        async with events(url, query=None, **named(hash_of("{ a }"))) as stream:
            assert json.loads((await stream.next())[1])["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_variables_and_the_operation_go_with_a_name_as_with_a_document(http: httpx.AsyncClient) -> None:
    text = "query A { a: __typename } query B($is: Boolean!) { b: __typename @include(if: $is) }"
    chosen = {"operationName": "B", "variables": {"is": True}}
    assert (await post(http, kept(text) | chosen)).json()["data"] == {"b": "Query"}
    assert (await get(http, named(hash_of(text), **chosen))).json()["data"] == {"b": "Query"}
    assert told(await post(http, named(hash_of(text))))[:2] == (200, "BAD_USER_INPUT")


async def test_a_document_that_was_sent_without_a_name_has_one_nevertheless(http: httpx.AsyncClient) -> None:
    assert (await post(http, {"query": QUERY})).status_code == 200
    assert (await post(http, named(hash_of(QUERY)))).json()["data"] == {"__typename": "Query"}


async def test_a_hash_of_another_document_is_refused(http: httpx.AsyncClient) -> None:
    """Else anybody could have others ask for something else than they mean."""
    for name in (hash_of("{ __typename }"), hash_of(QUERY).upper(), "", "x", hash_of(QUERY) + "0"):
        assert told(await post(http, named(name, query=QUERY)))[:2] == (400, "BAD_USER_INPUT")
    assert told(await post(http, named(hash_of(QUERY)))) == NOT_FOUND
    assert told(await post(http, named(hash_of("{ __typename }")))) == NOT_FOUND


@pytest.mark.parametrize(
    "given",
    [1, [], "x", {}, {"version": 1}, {"version": 2, "sha256Hash": hash_of(QUERY)}, {"version": 1, "sha256Hash": 5}],
    ids=json.dumps,
)
async def test_a_name_of_no_known_form_is_refused(given: object, http: httpx.AsyncClient) -> None:
    for request in ({}, {"query": QUERY}):
        reply = await post(http, {**request, "extensions": {"persistedQuery": given}})
        assert told(reply)[:2] == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("extensions", [None, {}, {"persistedQuery": None}, {"other": 1}], ids=json.dumps)
async def test_a_request_without_document_and_name_is_refused(extensions: object, http: httpx.AsyncClient) -> None:
    assert told(await post(http, {"extensions": extensions}))[:2] == (400, "BAD_USER_INPUT")
    assert told(await post(http, {"extensions": extensions, "documentId": ""}))[:2] == (400, "BAD_USER_INPUT")
    for more in ({}, {"documentId": ""}):
        assert (await post(http, {"extensions": extensions, "query": QUERY, **more})).status_code == 200


async def test_only_what_was_found_right_is_known(http: httpx.AsyncClient) -> None:
    """Nor what has very many words: nobody fills the memory with what is never asked."""
    for text, code in (("{", "GRAPHQL_PARSE_FAILED"), ("{ a }", "GRAPHQL_VALIDATION_FAILED")):
        assert told(await post(http, kept(text)))[1] == code
        assert told(await post(http, named(hash_of(text)))) == NOT_FOUND
    lists = (f"a{n}: conferences(filter: {{states: [{'LIVE ' * 1400}]}}) {{complete}}" for n in range(3))
    long = f"{{{' '.join(lists)}}}"
    assert (await post(http, kept(long))).json()["data"]["a2"] == {"complete": True}
    assert told(await post(http, named(hash_of(long)))) == NOT_FOUND


async def test_where_it_is_off_a_name_is_no_document_but_goes_with_one() -> None:
    """Clients then send whole documents for good."""
    settings = AppSettings(server=ServerSettings(persisted_queries=False))
    async with serve(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await post(http, kept(QUERY))).json()["data"] == {"__typename": "Query"}
        for ask in (get, post):
            assert told(await ask(http, named(hash_of(QUERY)))) == NOT_SUPPORTED
