"""GraphQL over a WebSocket: the protocol graphql-transport-ws to the letter."""

import asyncio
import contextlib
import json
from typing import Any

import msgspec
import pytest
from callers import bearer, key_settings, keys
from issuing import issuing, token
from loglines import lines
from servers import serve
from sockets import LIVE, SPOKEN, Socket, over, socket
from websockets.exceptions import InvalidStatus
from worlds import running

from graph import clock
from graph.server import create_app, websocket
from graph.settings import AppSettings, AuthSettings, LimitsSettings, ServerSettings

pytestmark = pytest.mark.anyio

QUERY = "{ __typename }"
ANSWER = {"__typename": "Query"}
INIT = json.dumps({"type": "connection_init"})


def asking(key: object, payload: object) -> str:
    return json.dumps({"type": "subscribe", "id": key, "payload": payload})


async def test_operations_go_on_side_by_side_and_their_ids_can_be_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each conference that goes on is told first; queries are answered meanwhile."""
    async with running(monkeypatch, 50) as world, socket(world.client.url) as it:
        expected = (await world.client.data(LIST))["conferences"]["nodes"]
        await it.init()
        await it.subscribe("live", LIVE)
        told = [await it.read() for _ in expected]
        assert {(message["id"], message["type"]) for message in told} == {("live", "next")}
        events = [message["payload"]["data"]["liveConferences"] for message in told]
        assert {event["kind"] for event in events} == {"STARTED"}
        assert sorted(event["conference"]["vendorId"] for event in events) == sorted(it["vendorId"] for it in expected)
        for _ in range(2):
            assert (await it.ask(QUERY))["data"] == ANSWER
        await it.send("complete", id="live")
        await it.subscribe("live", LIVE)
        assert (await it.read())["payload"]["data"]["liveConferences"] == events[0]


LIST = '{ conferences(filter: {states: [LIVE], sources: ["quanshi", "huawei"]}, first: 200) { nodes { vendorId } } }'


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([asking("1", {"query": QUERY})], 4401),
        ([json.dumps({"type": "complete", "id": "1"})], 4401),
        ([INIT, INIT], 4429),
        ([INIT, asking("1", {"query": LIVE}), asking("1", {"query": QUERY})], 4409),
        *[
            ([*before, bad], 4400)
            for before in ([], [INIT])
            for bad in (
                *("", "nonsense", "1", "[]", "{}", '{"type": 1}', '{"type": "stop"}', "[" * 5000, '"\\ud800"'),
                *(b"", b'{"type": "ping"}', b"\xff\xfe"),
                '{"type": "ping", "payload": []}',
            )
        ],
        ([json.dumps({"type": "connection_init", "payload": "Bearer x"})], 4400),
        *[
            ([INIT, asking(*bad)], 4400)
            for bad in (
                (1, {"query": QUERY}),
                ("", {"query": QUERY}),
                ("x" * 257, {"query": QUERY}),
                ("1", None),
                ("1", QUERY),
                ("1", {"query": 1}),
                ("1", {"query": QUERY, "variables": []}),
            )
        ],
        ([INIT, json.dumps({"type": "subscribe", "id": "1"})], 4400),
    ],
    ids=repr,
)
async def test_what_is_against_the_protocol_closes_it(sent: list[str | bytes], code: int) -> None:
    async with serve(create_app(AppSettings())) as url, socket(url) as it:
        for message in sent:
            await it.write(message)
        closed, reason, _ = await it.end()
    assert closed == code
    assert reason


async def test_only_one_protocol_is_spoken() -> None:
    async with serve(create_app(AppSettings())) as url:
        for other in ("graphql-ws", None):
            async with socket(url, subprotocol=other) as it:
                assert (await it.end())[0] == 4406
        async with socket(url) as it:
            assert it.connection.subprotocol == SPOKEN


async def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it pings; who has said who it is may be silent."""
    monkeypatch.setattr(websocket, "INIT_S", 0.3)
    async with serve(create_app(AppSettings())) as url, socket(url) as silent, socket(url) as busy, socket(url) as it:
        await it.init()
        for _ in range(5):
            await busy.send("ping")
            assert await busy.read() == {"type": "pong"}
        assert (await silent.end())[0] == (await busy.end())[0] == 4408
        assert (await it.ask(QUERY))["data"] == ANSWER


async def test_callers_prove_who_they_are_in_the_first_message_or_the_handshake() -> None:
    async with serve(create_app(AppSettings(auth=keys("one")))) as url:
        async with socket(url) as it:
            await it.init(Authorization="Bearer key of one")
            assert (await it.ask(QUERY))["data"] == ANSWER
        async with socket(url, headers=dict([bearer("key of one")])) as it:
            await it.init()
        for payload in ({}, {"Authorization": "Bearer key of two"}):
            async with socket(url) as it:
                await it.send("connection_init", payload=payload)
                assert (await it.end())[0] == 4403


async def test_a_websocket_ends_when_its_token_does() -> None:
    """Not with its subscriptions completed: clients come again with a new token."""
    async with issuing() as issuer:
        auth = AuthSettings(mode="jwt", jwt=issuer.settings())
        async with serve(create_app(AppSettings(auth=auth))) as url, socket(url) as short, socket(url) as long:
            await short.init(Authorization=f"Bearer {token(exp=int(clock.now().timestamp()) + 2)}")
            await long.init(Authorization=f"Bearer {token()}")
            assert await short.end() == (4403, "Forbidden", [])
            assert (await long.ask(QUERY))["data"] == ANSWER


@pytest.mark.parametrize(
    ("auth", "origin", "is_let_in"),
    [
        (AuthSettings(), None, True),
        (AuthSettings(), "http://localhost:5173", True),
        (AuthSettings(), "https://listed.example", True),
        (AuthSettings(), "https://foreign.example", False),
        (AuthSettings(), "http://localhost.foreign.example", False),
        (AuthSettings(), "null", False),
        (AuthSettings(), "", False),
        (AuthSettings(insist_on_none=True), "http://api.example", True),
        (AuthSettings(insist_on_none=True), "https://listed.example", True),
        (AuthSettings(insist_on_none=True), "http://localhost:5173", False),
        (AuthSettings(insist_on_none=True), "https://foreign.example", False),
        (keys("one"), "https://foreign.example", True),
    ],
)
async def test_pages_of_other_sites_open_none_where_nobody_proves_who_it_is(
    auth: AuthSettings, origin: str | None, is_let_in: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A browser asks nobody before it does so, and a page of any site may try."""
    host = "localhost" if auth.is_for_loopback else "api.example"
    server = ServerSettings(cors_origins=["https://listed.example"])
    async with serve(create_app(AppSettings(server=server, auth=auth))) as url, contextlib.AsyncExitStack() as stack:
        headers = {"host": host, **({} if origin is None else {"origin": origin})}
        if is_let_in:
            it = await stack.enter_async_context(socket(url, headers=headers))
            await it.init(Authorization="Bearer key of one")
        else:
            with pytest.raises(InvalidStatus) as caught:
                await stack.enter_async_context(socket(url, headers=headers))
            assert caught.value.response.status_code == 403
            (error,) = json.loads(caught.value.response.body or b"")["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN"
            assert lines(capsys.readouterr().err, "request refused")[0]["reason"] == "origin"


async def test_a_page_whose_name_leads_to_loopback_opens_none() -> None:
    async with serve(create_app(AppSettings())) as url:
        with pytest.raises(InvalidStatus) as caught:
            async with socket(url, headers={"host": "rebound.example", "origin": "http://rebound.example"}):
                pass
    assert caught.value.response.status_code == 403


async def test_errors_have_a_code_and_the_id_that_the_log_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is wrong with an operation, the WebSocket and the others go on."""
    async with serve(create_app(AppSettings())) as url, socket(url) as it:
        await it.init()
        capsys.readouterr()
        hashed: dict[str, Any] = {"persistedQuery": {"version": 1, "sha256Hash": "a" * 64}}
        for query, more, code in (
            ("{", {}, "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
            ("query($n: Int!) { conferences(first: $n) { complete } }", {"variables": {"n": "x"}}, "BAD_USER_INPUT"),
            ("query A { __typename } query B { __typename }", {}, "BAD_USER_INPUT"),
            (QUERY, {"operationName": "A"}, "BAD_USER_INPUT"),
            (None, {}, "BAD_USER_INPUT"),
            (None, {"extensions": hashed}, "PERSISTED_QUERY_NOT_FOUND"),
            (f"{{{' '.join(f'a{n}: __typename' for n in range(200))}}}", {}, "LIMIT_EXCEEDED"),
            ("subscription { liveConferences { kind nothing } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ):
            error = await it.refusal("same", query, **more)
            (line,) = lines(capsys.readouterr().err, "request")
            assert error["extensions"]["code"] == code, error
            assert error["extensions"]["requestId"] == line["request_id"]
            assert line["codes"] == [code]
        assert (await it.ask(QUERY))["data"] == ANSWER


async def test_a_subscription_that_its_field_refuses_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    """Gateways pass on what "next" says, and lose what "error" says."""
    async with serve(create_app(AppSettings())) as url, socket(url) as it:
        await it.init()
        answer = await it.ask('subscription { liveConferences(sources: ["x"]) { kind } }')
        (line,) = lines(capsys.readouterr().err, "request")
        (error,) = answer["errors"]
        assert "data" not in answer
        assert error["extensions"] == {"code": "UNKNOWN_SOURCE", "requestId": line["request_id"]}
        assert error["path"] == ["liveConferences"]


async def test_a_caller_has_so_many_websockets() -> None:
    """The next is to come again later; one of another caller is let in."""
    settings = AppSettings(auth=keys("one", "two"), limits=LimitsSettings(max_concurrent_per_caller=2))
    async with serve(create_app(settings)) as url, contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(socket(url)) for _ in range(4)]
        for it, name in zip(opened[:3], ("one", "one", "two"), strict=True):
            await it.init(Authorization=f"Bearer key of {name}")
        await opened[3].send("connection_init", payload={"Authorization": "Bearer key of one"})
        assert (await opened[3].end())[0] == 1013
        await opened[0].connection.close()
        await _until_let_in(url)


async def _until_let_in(url: str) -> None:
    for _ in range(200):
        async with socket(url) as it:
            await it.send("connection_init", payload={"Authorization": "Bearer key of one"})
            with contextlib.suppress(Exception):
                assert await it.read() == {"type": "connection_ack"}
                return
        await asyncio.sleep(0.01)
    pytest.fail("nobody is let in")


async def _live(it: Socket, key: str) -> str:
    """Subscribe: what becomes of it, by its first message."""
    await it.subscribe(key, LIVE)
    while (message := await it.read())["id"] != key:
        pass
    if message["type"] == "next":
        return "told"
    (error,) = message["payload"]
    said: str = error["message"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    return said.rpartition("(")[2]


async def test_there_are_so_many_subscriptions_of_a_caller_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted over all its WebSockets; one that has ended leaves its place."""
    limits = LimitsSettings(max_subscriptions_per_caller=2, max_subscriptions=3)
    auth = AuthSettings(mode="keys", keys=[key_settings("one"), key_settings("two")])
    async with running(monkeypatch, 50) as world, contextlib.AsyncExitStack() as stack:
        settings = msgspec.structs.replace(over(world), auth=auth, limits=limits)
        url = await stack.enter_async_context(serve(create_app(settings)))
        one, again, two = [await stack.enter_async_context(socket(url)) for _ in range(3)]
        for it, name in ((one, "one"), (again, "one"), (two, "two")):
            await it.init(Authorization=f"Bearer key of {name}")
        assert await _live(one, "a") == await _live(again, "a") == "told"
        assert await _live(one, "b") == "limits.max_subscriptions_per_caller)."
        assert await _live(two, "a") == "told"
        assert await _live(two, "b") == "limits.max_subscriptions)."
        await one.send("complete", id="a")
        assert await _live(one, "c") == "told"
