"""The media types of answers, and the status that each gives to what could not be executed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from servers import serve

from graph.fleet import Fleet
from graph.schema import federation
from graph.server import create_app
from graph.server.answers import GRAPHQL, JSON
from graph.settings import AppSettings

pytestmark = pytest.mark.anyio

TWO = "query A { __typename } query B { __typename }"
COUNTED = "query ($n: Int!) { conferences(first: $n) { complete } }"
REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no document": ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    "a wrong document": ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    "no operation": ({"query": "fragment F on Query { __typename }"}, "BAD_USER_INPUT"),
    "several operations": ({"query": TWO}, "BAD_USER_INPUT"),
    "an unknown operation": ({"query": TWO, "operationName": "C"}, "BAD_USER_INPUT"),
    "a missing variable": ({"query": COUNTED}, "BAD_USER_INPUT"),
    "a null variable": ({"query": COUNTED, "variables": {"n": None}}, "BAD_USER_INPUT"),
    "a wrong variable": ({"query": COUNTED, "variables": {"n": "five"}}, "BAD_USER_INPUT"),
    "too much": ({"query": "{" + " ".join(f"a{n}: __typename" for n in range(101)) + "}"}, "LIMIT_EXCEEDED"),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.mark.parametrize("name", REQUESTS)
async def test_what_cannot_be_executed_has_no_data_and_the_status_of_its_media_type(
    name: str, http: httpx.AsyncClient
) -> None:
    """Whether it comes by POST or by GET, and when its document is known, too."""
    body, code = REQUESTS[name]
    address = {key: value if isinstance(value, str) else '{"n": null}' for key, value in body.items()}
    for media, status in ((GRAPHQL, 400), (JSON, 200)):
        for _ in range(2):
            replies = [
                await http.post("/graphql", json=body, headers={"accept": media}),
                await http.get("/graphql", params=address, headers={"accept": media}),
            ]
            for reply in replies:
                assert (reply.status_code, reply.headers["content-type"]) == (status, f"{media}; charset=utf-8")
                answer = reply.json()
                assert "data" not in answer
                for error in answer["errors"]:
                    assert error["extensions"]["code"] == code
                    assert error["extensions"]["requestId"] == reply.headers["x-request-id"]


async def test_an_executed_request_has_data_even_if_they_are_null(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(federation, "MAX_ENTITIES", 0)
    for media in (GRAPHQL, JSON):
        for query, data in (
            ("{ __typename }", {"__typename": "Query"}),
            ('{ node(id: "x") { id } }', {"node": None}),
            ("{ _entities(representations: [{}]) { __typename } }", None),
        ):
            reply = await http.post("/graphql", json={"query": query}, headers={"accept": media})
            assert (reply.status_code, reply.headers["content-type"]) == (200, f"{media}; charset=utf-8")
            answer = reply.json()
            assert answer["data"] == data
            for error in answer.get("errors", ()):
                assert error["extensions"]["requestId"] == reply.headers["x-request-id"]


async def test_what_is_refused_is_told_in_the_media_type_of_the_client(http: httpx.AsyncClient) -> None:
    for media in (GRAPHQL, JSON):
        for body, content_type, status in ((b"{", JSON, 400), (b"{}", JSON, 400), (b"{}", "text/plain", 415)):
            headers = {"accept": media, "content-type": content_type}
            reply = await http.post("/graphql", content=body, headers=headers)
            assert (reply.status_code, reply.headers["content-type"]) == (status, f"{media}; charset=utf-8")


async def test_who_reads_no_answer_gets_none(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is executed for it, and what is wrong with its request is told first."""

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Fleet, "select", fail)
    for accept in ("text/html", "application/json;q=0", "image/*"):
        reply = await http.post("/graphql", json={"query": "{ sources { name } }"}, headers={"accept": accept})
        (error,) = reply.json()["errors"]
        assert (reply.status_code, error["extensions"]["code"]) == (406, "BAD_USER_INPUT")
        assert GRAPHQL in error["message"]
        reply = await http.post("/graphql", json={}, headers={"accept": accept})
        assert reply.status_code == 400


async def test_a_get_changes_nothing(http: httpx.AsyncClient) -> None:
    for media in (GRAPHQL, JSON):
        reply = await http.get("/graphql", params={"query": "mutation { __typename }"}, headers={"accept": media})
        (error,) = reply.json()["errors"]
        assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_subscription_is_no_single_answer(http: httpx.AsyncClient) -> None:
    query = {"query": "subscription { liveConferences { __typename } }"}
    for reply in (await http.post("/graphql", json=query), await http.get("/graphql", params=query)):
        (error,) = reply.json()["errors"]
        assert (reply.status_code, error["extensions"]["code"]) == (406, "BAD_USER_INPUT")
        assert "text/event-stream" in error["message"]


async def test_an_empty_name_of_an_operation_is_none(http: httpx.AsyncClient) -> None:
    """Clients send it where they have none."""
    query = {"query": "query A { __typename }", "operationName": ""}
    for reply in (await http.post("/graphql", json=query), await http.get("/graphql", params=query)):
        assert reply.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('[{"query": "{ __typename }"}]', "batches"),
        ('{"query": "{ __typename }", "variables": "{}"}', "`variables` must be an object or null"),
        ('{"query": 5}', "`query` must be a text or null"),
        ('"{ __typename }"', "a JSON object"),
    ],
)
async def test_a_request_of_another_form_is_told_what_is_wrong_with_it(
    body: str, words: str, http: httpx.AsyncClient
) -> None:
    reply = await http.post("/graphql", content=body, headers={"content-type": JSON})
    assert reply.status_code == 400
    assert words in reply.json()["errors"][0]["message"]


async def test_an_answer_says_what_it_depends_on(http: httpx.AsyncClient) -> None:
    """So that a cache keeps one for each kind of client."""
    for body in ({"query": "{ __typename }"}, {"query": "{"}, {}):
        reply = await http.post("/graphql", json=body)
        assert {"accept", "accept-encoding"} <= set(reply.headers["vary"].lower().split(", "))


async def test_a_long_answer_travels_compressed(http: httpx.AsyncClient) -> None:
    query = {"query": "{ __schema { types { name description } } }"}
    packed = await http.post("/graphql", json=query, headers={"accept-encoding": "gzip"})
    plain = await http.post("/graphql", json=query, headers={"accept-encoding": "identity"})
    assert packed.json() == plain.json()
    assert (packed.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
    short = await http.post("/graphql", json={"query": "{ __typename }"}, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers
