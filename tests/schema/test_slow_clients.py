"""Clients that send too much or too slowly, or do not read: bounded, whatever they do."""

import asyncio
import contextlib
import json
import socket as net
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from holding import until
from loglines import lines
from servers import serve
from sockets import socket
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from wires import HEAD, JSON, QUERY, code, wire

from graph.server import connections, create_app, http11
from graph.server.connections import PIECE, BoundedSocket
from graph.server.http11 import BoundedProtocol
from graph.settings import AppSettings, LimitsSettings, ServerSettings

pytestmark = pytest.mark.anyio


def app(*, server: dict[str, Any] | None = None, **limits: Any) -> ASGIApp:
    return create_app(AppSettings(server=ServerSettings(**(server or {})), limits=LimitsSettings(**limits)))


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_that_is_too_long_is_refused_and_one_that_is_not_is_read(is_chunked: bool) -> None:
    async def parts(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    async with serve(app(max_body_kb=100)) as url, httpx.AsyncClient(base_url=url) as http:
        for size, status in ((102_400, 200), (102_401, 413), (5_000_000, 413), (102_400, 200)):
            body = QUERY.ljust(size)
            content = parts(body) if is_chunked else body
            reply = await http.post("/graphql", content=content, headers=JSON)
            assert reply.status_code == status
            if status == 413:
                assert code(reply.json()) == "LIMIT_EXCEEDED"
                assert reply.headers["connection"] == "close"
                assert reply.headers["x-request-id"]


async def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes() -> None:
    async with serve(app()) as url, wire(url) as client:
        await client.write(f"{HEAD}content-length: 1000000000\r\nexpect: 100-continue\r\n\r\n")
        status, headers, body = await client.reply()
        assert (status, code(body), headers["connection"]) == (413, "LIMIT_EXCEEDED", "close")
        assert await client.is_over()


async def test_an_endless_body_is_cut() -> None:
    async with serve(app(max_body_kb=1)) as url, wire(url) as client:
        await client.write(f"{HEAD}transfer-encoding: chunked\r\n\r\n")
        dripping = asyncio.create_task(client.drip(b"400\r\n" + b" " * 1024 + b"\r\n"))
        status, _, body = await client.reply()
        assert (status, code(body)) == (413, "LIMIT_EXCEEDED")
        assert await client.is_over()
        assert await dripping


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
async def test_a_body_of_which_nothing_comes_is_not_waited_for(framing: str) -> None:
    async with serve(app(server={"request_timeout_s": 0.3})) as url, wire(url) as client:
        await client.write(f"{HEAD}{framing}\r\n\r\n")
        async with asyncio.timeout(20):
            status, headers, body = await client.reply()
        assert (status, code(body), headers["connection"]) == (408, "LIMIT_EXCEEDED", "close")


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
async def test_a_body_that_does_not_come_in_time_is_not_waited_for(framing: str) -> None:
    """However steadily it trickles."""
    async with serve(app(server={"request_timeout_s": 0.3})) as url, wire(url) as client:
        await client.write(f"{HEAD}{framing}\r\n\r\n")
        dripping = asyncio.create_task(client.drip(b" " if "length" in framing else b"1\r\n \r\n"))
        status, headers, body = await client.reply()
        assert (status, code(body), headers["connection"]) == (408, "LIMIT_EXCEEDED", "close")
        assert await client.is_over()
        dripping.cancel()


async def test_a_client_that_leaves_within_its_body_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return bool(lines(told, "request"))

    async with serve(app()) as url:
        async with wire(url) as client:
            await client.write(f"{HEAD}transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n")
            await asyncio.sleep(0.1)
        await until(is_told)
    assert [line["event"] for line in lines(told)] == ["request"]


async def test_a_connection_that_sends_no_whole_head_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at all, or a byte now and then; one after an answer, too. Others are served meanwhile."""
    monkeypatch.setattr(http11, "HEAD_S", 0.4)
    async with serve(app()) as url, wire(url) as silent, wire(url) as slow, wire(url) as later:
        await later.write(f"{HEAD}content-length: {len(QUERY)}\r\n\r\n".encode() + QUERY)
        assert (await later.reply())[0] == 200
        await slow.write(HEAD)
        dripping = [asyncio.create_task(one.drip()) for one in (slow, later)]
        for _ in range(20):
            async with httpx.AsyncClient() as http:
                assert (await http.get(f"{url}/healthz")).status_code == 200
        for one in (silent, slow, later):
            assert await one.is_over()
        assert all(await asyncio.gather(*dripping))


async def test_the_rest_of_a_body_that_was_answered_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http11, "HEAD_S", 0.4)
    async with serve(app()) as url, wire(url) as client:
        await client.write("POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n")
        status, _, body = await client.reply()
        assert (status, code(body)) == (415, "BAD_USER_INPUT")
        dripping = asyncio.create_task(client.drip())
        assert await client.is_over()
        assert await dripping


async def test_a_slow_request_outlives_the_time_for_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http11, "HEAD_S", 0.2)
    async with serve(app()) as url, wire(url) as client:
        await client.write(f"{HEAD}content-length: {len(QUERY)}\r\n\r\n".encode() + QUERY[:5])
        await asyncio.sleep(0.5)
        await client.write(QUERY[5:])
        assert (await client.reply())[0] == 200


async def test_who_does_not_read_keeps_its_place_until_it_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that answers which nobody fetches cannot pile up."""
    monkeypatch.setattr(connections, "READING_S", 0.4)
    wide = json.dumps({"query": "{" + " ".join(f"s{number}: _service {{ sdl }}" for number in range(50)) + "}"})
    request = f"{HEAD}content-length: {len(wide)}\r\n\r\n{wide}"
    async with serve(app(max_concurrent_per_caller=1)) as url, httpx.AsyncClient() as http:

        async def statuses(wanted: int) -> None:
            async with asyncio.timeout(20):
                while (await http.post(f"{url}/graphql", content=QUERY, headers=JSON)).status_code != wanted:
                    pass

        async with wire(url) as client:
            asking = asyncio.create_task(client.drip(request.encode()))  # ahead of all answers
            await statuses(429)
            assert await asking
        await statuses(200)


@pytest.mark.parametrize("end", ["it said so", "it is silent", "it says nothing more"])
async def test_who_does_not_read_the_last_of_its_answer_is_cut_off(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little as it is: such connections would be kept for ever, and there is an end to them."""
    monkeypatch.setattr(connections, "READING_S", 0.4)
    lost = asyncio.Event()

    class Narrow(BoundedProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.get_extra_info("socket").setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    kept_s = 0.1 if end == "it is silent" else 60
    long = PlainTextResponse("x" * 60_000)
    async with serve(long, lifespan="off", http=Narrow, timeout_keep_alive=kept_s) as url, asyncio.timeout(20):
        at = urlsplit(url)
        with net.socket() as client:
            client.setsockopt(net.SOL_SOCKET, net.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, (at.hostname, at.port))
            said = "connection: close\r\n" if end == "it said so" else ""
            client.send(f"GET / HTTP/1.1\r\nhost: localhost\r\n{said}\r\n".encode())
            await asyncio.sleep(0.2)
            if end == "it says nothing more":
                client.shutdown(net.SHUT_WR)
            await lost.wait()


@pytest.mark.parametrize(
    "sent",
    [
        "nonsense\r\n\r\n",
        f"GET /{'x' * 40_000} HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n" + "a: b\r\n" * 9000,
        "GET / HTTP/1.1\r\nhost: a\r\n" + f"a: {'b' * 40_000}\r\n\r\n",
        "\x16\x03\x01\r\n",
    ],
    ids=["nonsense", "address", "headers", "a whole head", "tls"],
)
async def test_what_is_no_request_gets_an_error_like_any_other(sent: str) -> None:
    async with serve(app()) as url, wire(url) as client:
        await client.write(sent)
        status, headers, body = await client.reply()
        assert body["errors"][0]["extensions"]["requestId"] == headers["x-request-id"]
        assert (status, code(body)) == (400, "BAD_USER_INPUT")
        assert (headers["content-type"], headers["connection"]) == ("application/json; charset=utf-8", "close")
        assert await client.is_over()


async def test_a_body_torn_in_its_chunks_ends_its_connection_alone(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(app()) as url, httpx.AsyncClient() as http:
        for head in (HEAD, HEAD.replace("application/json", "text/plain")):
            async with wire(url) as client:
                await client.write(f"{head}transfer-encoding: chunked\r\n\r\n")
                await asyncio.sleep(0.1)
                await client.write("zz\r\n")
                assert await client.is_over()
        assert (await http.get(f"{url}/healthz")).status_code == 200
    assert "internal error" not in capsys.readouterr().err


@pytest.fixture
async def taken(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter[int]]:
    """How many bytes of clients were taken in each turn of the loop, where a turn has time for no more than it must."""
    monkeypatch.setattr(connections, "TURN_S", 0.0)
    found: Counter[int] = Counter()
    turn = 0

    async def move_on() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    moving = asyncio.create_task(move_on())
    for spoken in (BoundedProtocol, BoundedSocket):

        def take(self: Any, piece: bytes, take: Any = spoken.take_piece) -> None:
            found[turn] += len(piece)
            take(self, piece)

        monkeypatch.setattr(spoken, "take_piece", take)
    yield found
    moving.cancel()


LOOPS = pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"use_uvloop": is_it}) for is_it in (False, True)], ids=["asyncio", "uvloop"]
)


@LOOPS
async def test_others_are_served_between_the_chunks_of_a_body(taken: Counter[int]) -> None:
    """However many of them are sent at once."""
    chunks = b"1\r\n \r\n" * 40_000 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUERY), QUERY)
    async with serve(app()) as url, wire(url) as client:
        await client.write(f"{HEAD}transfer-encoding: chunked\r\n\r\n".encode() + chunks)
        assert (await client.reply())[0] == 200
        assert max(taken.values()) <= 2 * PIECE  # one that has just come, one of before
        assert taken.total() > len(chunks)
        await client.write(f"{HEAD}content-length: {len(QUERY)}\r\n\r\n".encode() + QUERY)
        assert (await client.reply())[0] == 200


@LOOPS
@pytest.mark.parametrize(
    "sent",
    [b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0", b'\x81\x8f\0\0\0\0{"type":"pong"}'],
    ids=["pings", "pongs", "messages"],
)
async def test_others_are_served_between_the_frames_of_a_websocket(taken: Counter[int], sent: bytes) -> None:
    async with serve(app()) as url, socket(url) as it:
        await it.init()
        before = taken.total()
        it.connection.transport.write(sent * 20_000)
        assert (await it.ask("{ __typename }"))["data"]
        assert max(taken.values()) <= 2 * PIECE
        assert taken.total() - before > 20_000 * len(sent)


@LOOPS
async def test_messages_that_nobody_has_looked_at_are_not_unpacked(taken: Counter[int]) -> None:
    """They take up as little as they did on the wire: of a few bytes each there may be very many."""
    most = 0

    async def busy(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal most
        await receive()
        await send({"type": "websocket.accept"})
        await until(lambda: taken.total() > PIECE)
        for _turn in range(100):
            await asyncio.sleep(0)
            most = max(most, taken.total())
        while (await receive())["type"] == "websocket.receive":
            pass

    async with serve(busy, lifespan="off") as url, socket(url) as it:
        it.connection.transport.write(b"\x81\x80\0\0\0\0" * 20_000)
        await until(lambda: taken.total() > 120_000)
    assert most < 3 * PIECE


async def test_there_is_an_end_to_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http11, "MAX_CONNECTIONS", 3)
    async with serve(app()) as url, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(wire(url)) for _ in range(4)]
        assert await clients[3].is_over()
        for client in clients[:3]:
            await client.write(f"{HEAD}content-length: {len(QUERY)}\r\n\r\n".encode() + QUERY)
            assert (await client.reply())[0] == 200
