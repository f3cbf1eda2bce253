"""GraphQL as a stream of events: distinct connections mode of graphql-sse."""

import asyncio
import contextlib
import json
from typing import Any

import httpx
import msgspec
import pytest
from callers import bearer, keys
from holding import until
from issuing import issuing, token
from servers import serve
from sockets import LIVE, over
from streaming import ACCEPT, Events, events
from wires import JSON
from worlds import TYPES, running

from graph import clock
from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.server import create_app
from graph.server import events as endpoint
from graph.settings import AppSettings, AuthSettings, LimitsSettings, build

pytestmark = pytest.mark.anyio

QUERY = "{ __typename }"


def code(data: str) -> str:
    """That of the only error of an event, or of an answer that is none."""
    (error,) = json.loads(data)["errors"]
    assert error["extensions"]["requestId"]
    said: str = error["extensions"]["code"]
    return said


async def test_each_answer_is_an_event_and_so_is_the_end() -> None:
    """Lines end in \\n alone: some clients can read no other."""
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(headers=ACCEPT) as http:
        reply = await http.post(f"{url}/graphql", json={"query": QUERY}, headers={"x-request-id": "request-0001"})
        by_get = await http.get(f"{url}/graphql", params={"query": QUERY})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["x-request-id"] == "request-0001"
    assert "content-encoding" not in reply.headers
    assert reply.content.startswith(b'event: next\ndata: {"data":{"__typename":"Query"}')
    assert reply.content.endswith(b"}\n\nevent: complete\ndata:\n\n")
    assert reply.content.count(b"\n") == 6
    assert by_get.content == reply.content


async def test_a_subscription_tells_first_what_goes_on_and_shows_that_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PING_S", 0.02)
    async with running(monkeypatch, 50) as world, events(world.client.url, LIVE) as stream:
        event, data = await stream.next()
        assert (event, json.loads(data)["data"]["liveConferences"]["kind"]) == ("next", "STARTED")
        reading = asyncio.create_task(_read_all(stream))
        await until(lambda: stream.pings > 5)
        reading.cancel()


async def _read_all(stream: Events) -> None:
    async for _ in stream.rest():
        pass


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { liveConferences(sources: ["x"]) { kind } }', "UNKNOWN_SOURCE"),
        (None, "BAD_USER_INPUT"),
    ],
)
async def test_what_is_no_operation_is_told_in_the_stream_which_ends(query: str, expected: str) -> None:
    """A client of graphql-sse reads no body of another status."""
    async with serve(create_app(AppSettings())) as url, events(url, query) as stream:
        assert stream.reply.status_code == 200
        told = [event async for event in stream.rest()]
    assert [event for event, _ in told] == ["next", "complete"]
    assert code(told[0][1]) == expected
    assert "data" not in json.loads(told[0][1])


@pytest.mark.parametrize(
    ("request_", "status", "expected"),
    [
        ({"json": {"query": QUERY}}, 401, "UNAUTHENTICATED"),
        ({"content": "{", "headers": {"content-type": "application/json"}}, 400, "BAD_USER_INPUT"),
        ({"content": "{}", "headers": {"content-type": "text/plain"}}, 415, "BAD_USER_INPUT"),
        ({"json": {"query": " " * 300_000}}, 413, "LIMIT_EXCEEDED"),
    ],
)
async def test_what_is_no_request_is_answered_as_ever(request_: dict[str, Any], status: int, expected: str) -> None:
    known = dict([bearer("key of one")]) if status != 401 else {}
    app = create_app(AppSettings(auth=keys("one")))
    async with serve(app) as url, httpx.AsyncClient(headers={**ACCEPT, **known}) as http:
        reply = await http.post(f"{url}/graphql", **request_)
    assert (reply.status_code, code(reply.text)) == (status, expected)
    assert reply.headers["x-request-id"]


async def test_what_is_no_request_costs_its_caller_as_ever() -> None:
    """Nothing of the next one is read, then."""
    settings = AppSettings(limits=LimitsSettings(cost_per_second=0.01))
    async with serve(create_app(settings)) as url, httpx.AsyncClient(headers={**ACCEPT, **JSON}) as http:
        statuses = [(await http.post(f"{url}/graphql", content="{")).status_code for _ in range(3)]
        late = await http.post(f"{url}/graphql", json={"query": QUERY})
    assert statuses == [400, 429, 429]
    assert (late.status_code, code(late.text)) == (429, "RATE_LIMITED")
    assert int(late.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, multipart/mixed", "text/event-stream"),
        ("text/event-stream, */*", "text/event-stream"),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", "json"),
        ("application/json;q=0.5, text/event-stream", "text/event-stream"),
        ("application/json, text/event-stream;q=0.5", "json"),
        ("text/event-stream;q=0, */*", "json"),
        ("*/*", "json"),
    ],
)
async def test_only_who_likes_it_best_gets_a_stream(accept: str, media: str) -> None:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(headers={"accept": accept}) as http:
        reply = await http.post(f"{url}/graphql", json={"query": QUERY})
    assert media in reply.headers["content-type"]


async def test_a_subscription_needs_a_stream() -> None:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient() as http:
        reply = await http.post(f"{url}/graphql", json={"query": LIVE})
    assert 400 <= reply.status_code < 500
    assert "text/event-stream" in reply.json()["errors"][0]["message"]


async def test_a_stream_ends_when_its_token_does() -> None:
    """It says so: a client that comes again needs another."""
    async with issuing() as issuer, Sandbox(World(conferences=50)) as sandbox:
        settings = build({"sources": sandbox.settings()}, TYPES, {})
        auth = AuthSettings(mode="jwt", jwt=issuer.settings())
        async with serve(create_app(msgspec.structs.replace(settings, auth=auth))) as url:
            good_for = token(exp=int(clock.now().timestamp()) + 2)
            async with events(url, LIVE, dict([bearer(good_for)])) as stream:
                *_, (event, data), (last, _) = [told async for told in stream.rest()]
    assert (event, code(data), last) == ("next", "UNAUTHENTICATED", "complete")


async def test_there_are_so_many_subscriptions_of_a_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many connections it has; a WebSocket's count as well."""
    async with running(monkeypatch, 50) as world, contextlib.AsyncExitStack() as stack:
        settings = msgspec.structs.replace(over(world), limits=LimitsSettings(max_subscriptions_per_caller=2))
        url = await stack.enter_async_context(serve(create_app(settings)))
        for _ in range(2):
            one = await stack.enter_async_context(events(url, LIVE))
            assert "STARTED" in (await one.next())[1]
        async with events(url, LIVE) as late:
            (event, data), (last, _) = [told async for told in late.rest()]
        assert (event, code(data), last) == ("next", "RATE_LIMITED", "complete")
