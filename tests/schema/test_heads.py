"""Requests as they lie on the wire: what two might read in two ways is refused, the rest is answered in turn."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextvars import ContextVar

import httpx
import pytest
from loglines import lines
from servers import serve
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from wires import HEAD, JSON, QUERY, Wire, code, wire

from graph.server import create_app
from graph.settings import AppSettings

pytestmark = pytest.mark.anyio

CHUNKED = f"{HEAD}transfer-encoding: chunked\r\n\r\n"
WHOLE = f"{HEAD}content-length: {len(QUERY)}\r\n\r\n".encode() + QUERY
PIECES = b"%x\r\n%b\r\n0\r\n" % (len(QUERY), QUERY)

# Each holds a second request, which is not to be answered whatever the first is taken for.
TWOFOLD = {
    "two lengths": f"{HEAD}content-length: {len(QUERY)}\r\ncontent-length: 0\r\n\r\n",
    "the same length twice": f"{HEAD}content-length: {len(QUERY)}\r\ncontent-length: {len(QUERY)}\r\n\r\n",
    "lengths in one header": f"{HEAD}content-length: {len(QUERY)}, {len(QUERY)}\r\n\r\n",
    "a length with a sign": f"{HEAD}content-length: +{len(QUERY)}\r\n\r\n",
    "a length below nothing": f"{HEAD}content-length: -1\r\n\r\n",
    "a length in another base": f"{HEAD}content-length: 0x1b\r\n\r\n",
    "no length": f"{HEAD}content-length:\r\n\r\n",
    "a length and chunks": f"{HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunks and a length": f"{HEAD}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n",
    "chunks twice": f"{HEAD}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    "something and chunks": f"{HEAD}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunks of something": f"{HEAD}transfer-encoding: gzip, chunked\r\n\r\n",
    "something of chunks": f"{HEAD}transfer-encoding: chunked, gzip\r\n\r\n",
    "not encoded": f"{HEAD}transfer-encoding: identity\r\n\r\n",
    "nearly chunks": f"{HEAD}transfer-encoding: xchunked\r\n\r\n",
    "chunks behind a control character": f"{HEAD}transfer-encoding: \x0bchunked\r\n\r\n",
    "chunks on a line of their own": f"{HEAD}transfer-encoding:\r\n chunked\r\n\r\n",
    "chunks before there were any": f"{HEAD.replace('1.1', '1.0')}transfer-encoding: chunked\r\n\r\n",
    "a space before the colon": f"{HEAD}content-length : 4\r\n\r\n",
    "a header of two lines": f"{HEAD}x-two: one\r\n two\r\n\r\n",
    "a header that begins with a space": "GET / HTTP/1.1\r\n host: a\r\n\r\n",
    "a header without a colon": f"{HEAD}content-length\r\n\r\n",
    "a header without a name": f"{HEAD}: x\r\n\r\n",
    "a name with a bracket": f"{HEAD}x(y): z\r\n\r\n",
    "lines that end in LF": HEAD.replace("\r\n", "\n") + "\n",
    "one line that ends in LF": f"{HEAD}x: y\ncontent-length: 4\r\n\r\n",
    "one line that ends in CR": f"{HEAD}x: y\rcontent-length: 4\r\n\r\n",
    "a zero": f"{HEAD}x: a\0b\r\n\r\n",
    "a control character": f"{HEAD}x: a\x01b\r\n\r\n",
    "no host": "GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": "GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: b\r\n\r\n",
    "no version": "GET /healthz\r\n\r\n",
    "an old version": "GET /healthz HTTP/0.9\r\nhost: localhost\r\n\r\n",
    "a new version": "GET /healthz HTTP/2.0\r\nhost: localhost\r\n\r\n",
    "a version that there is not": "GET /healthz HTTP/1.2\r\nhost: localhost\r\n\r\n",
    "tabs": "GET\t/healthz\tHTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a control character in the address": "GET /healthz\x01 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a letter beyond ASCII in the address": "GET /h\u00e9 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a tunnel": f"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(WHOLE)}\r\n\r\n",
    "a method in lower case": "get /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
}
TORN = {
    "no number": b"zz\r\n",
    "a number with its base": b"0x1\r\n \r\n",
    "a number behind a space": b" 1\r\n \r\n",
    "a number before a space": b"1 \r\n \r\n",
    "a number without end": b"f" * 30 + b"\r\n",
    "a line that ends in LF": b"1\n \r\n",
    "an extension that ends in LF": b"1;x\n \r\n",
    "an extension that ends in CR": b"1;x\r \r\n",
    "an extension with a control character": b"1;x\x01\r\n \r\n",
    "a chunk that ends in LF": b"1\r\n \n0\r\n\r\n",
    "a chunk without end": b"1\r\n 0\r\n\r\n",
    "a chunk that is longer than it says": b"1\r\n   \r\n0\r\n\r\n",
    "a length behind all chunks": PIECES + b"content-length: 5\r\n\r\n",
    "a last line that ends in LF": b"0\n\n",
    "an extension that is too long": b"1;" + b"x" * 40_000,
    "headers behind all chunks that are too long": PIECES + b"x: " + b"y" * 40_000,
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(create_app(AppSettings())) as url:
        yield url


async def assert_refused_once(client: Wire) -> None:
    status, headers, body = await client.reply()
    assert (status, code(body), headers["connection"]) == (400, "BAD_USER_INPUT", "close")
    assert await client.reader.read() == b"", "nothing more is answered"


@pytest.mark.parametrize("name", TWOFOLD)
async def test_a_head_that_may_mean_two_things_is_refused(url: str, name: str) -> None:
    async with wire(url) as client:
        await client.write(TWOFOLD[name].encode("latin-1") + WHOLE)
        await assert_refused_once(client)


async def test_a_refusal_says_what_is_wanted(url: str) -> None:
    """Many requests that are refused are HTTP, only not plainly so."""
    async with wire(url) as client:
        await client.write(TWOFOLD["no host"].encode())
        _, _, body = await client.reply()
    assert body["errors"][0]["message"] == (
        "This request is malformed or ambiguous (one Host, CRLF line ends, one length), or its head is over 32 KB."
    )


@pytest.mark.parametrize("name", TORN)
async def test_a_body_that_may_end_in_two_places_is_refused(url: str, name: str) -> None:
    async with wire(url) as client:
        await client.write(CHUNKED.encode() + TORN[name] + WHOLE)
        await assert_refused_once(client)


async def test_blanks_around_a_value_are_no_part_of_it(url: str) -> None:
    """As few send them, and the parser leaves those behind it."""
    async with wire(url) as client:
        blank = re.sub(
            rb": ([^\r]*)\r\n", rb":\t \1 \t\r\n", WHOLE.replace(b"\r\n", b"\r\nx-request-id: request-1\r\n", 1)
        )
        await client.write(blank.replace(b"content-length", b"accept-encoding: \r\ncontent-length"))
        status, headers, body = await client.reply()
        assert (status, headers["x-request-id"], body["data"]) == (200, "request-1", {"__typename": "Query"})


async def test_headers_behind_a_body_are_none_of_the_request(url: str) -> None:
    async with wire(url) as client:
        await client.write(CHUNKED.encode() + PIECES + b"x-request-id: from-behind\r\n\r\n")
        status, headers, _ = await client.reply()
        assert (status, headers["x-request-id"] != "from-behind") == (200, True)


def ask(request_id: str) -> bytes:
    return WHOLE.replace(b"\r\n\r\n", f"\r\nx-request-id: {request_id}\r\n\r\n".encode(), 1)


async def test_requests_that_come_at_once_are_answered_one_after_the_other(url: str) -> None:
    async with wire(url) as client:
        await client.write(b"".join(ask(f"request-{n:03}") for n in range(50)))
        for number in range(50):
            status, headers, _ = await client.reply()
            assert (status, headers["x-request-id"]) == (200, f"request-{number:03}")


@pytest.mark.parametrize("size", [1, 7, 60])
async def test_requests_are_the_same_in_whatever_pieces_they_come(url: str, size: int) -> None:
    offer = b"\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    healthy = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    framed = [WHOLE, CHUNKED.encode() + PIECES + b"x: y\r\n\r\n", healthy]
    last = healthy.replace(b"1.1", b"1.0")
    sent = b"".join([*framed, *(one.replace(b"\r\n\r\n", offer, 1) for one in framed), last])
    async with wire(url) as client:
        for start in range(0, len(sent), size):
            await client.write(sent[start : start + size])
            await asyncio.sleep(0)
        answered = await client.reader.read()
    said = [b'{"data":{"__typename":"Query"}', b'{"data":{"__typename":"Query"}', b"ok\n"]
    assert re.findall(rb"HTTP/1.1 200 |{.data.*?}|ok\n", answered) == [
        it for body in [*said, *said, b"ok\n"] for it in (b"HTTP/1.1 200 ", body)
    ]


async def test_garbage_behind_a_request_does_not_cost_its_answer(url: str) -> None:
    async with wire(url) as client:
        await client.write(ask("request-1") + b"nonsense\r\n\r\n" + ask("request-2"))
        status, headers, _ = await client.reply()
        assert (status, headers["x-request-id"]) == (200, "request-1")
        await assert_refused_once(client)


async def test_a_torn_body_behind_a_request_does_not_cost_its_answer(url: str) -> None:
    async with wire(url) as client:
        await client.write(ask("request-1") + ask("request-2") + CHUNKED.encode() + b"zz\r\n" + WHOLE)
        for number in (1, 2):
            status, headers, _ = await client.reply()
            assert (status, headers["x-request-id"]) == (200, f"request-{number}")
        await assert_refused_once(client)


@pytest.mark.parametrize("last", ["HTTP/1.1\r\nconnection: close", "HTTP/1.0", "HTTP/1.0\r\nconnection: keep-alive"])
async def test_nothing_is_answered_behind_the_last_request(url: str, last: str) -> None:
    async with wire(url) as client:
        await client.write(ask("request-1").replace(b"HTTP/1.1", last.encode()) + WHOLE)
        status, headers, _ = await client.reply()
        assert (status, headers["x-request-id"], headers["connection"]) == (200, "request-1", "close")
        assert await client.reader.read() == b""


@pytest.mark.parametrize("whole", [WHOLE, CHUNKED.encode() + PIECES + b"\r\n"], ids=["length", "chunks"])
async def test_a_protocol_that_is_offered_and_not_spoken_changes_nothing(url: str, whole: bytes) -> None:
    """As some clients offer HTTP/2 with each request: the body is one all the same."""
    first = whole.replace(b"\r\n\r\n", b"\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", 1)
    async with wire(url) as client:
        for sent in (first + ask("request-2"), first[:150], first[150:] + ask("request-2")):
            await client.write(sent)
            await asyncio.sleep(0.01)
        for _ in range(2):
            status, _, body = await client.reply()
            assert (status, body["data"]) == (200, {"__typename": "Query"})
            status, headers, _ = await client.reply()
            assert (status, headers["x-request-id"]) == (200, "request-2")


@pytest.mark.parametrize("last", ["HTTP/1.1\r\nconnection: close, upgrade", "HTTP/1.0\r\nconnection: upgrade"])
async def test_a_protocol_is_offered_with_the_last_request_as_well(url: str, last: str) -> None:
    async with wire(url) as client:
        await client.write(WHOLE.replace(b"HTTP/1.1", f"{last}\r\nupgrade: h2c".encode(), 1))
        status, headers, body = await client.reply()
        assert (status, body["data"], headers["connection"]) == (200, {"__typename": "Query"}, "close")
        assert await client.is_over()


async def test_a_websocket_is_not_begun_behind_a_request_under_way(url: str) -> None:
    upgrade = b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    async with wire(url) as client:
        await client.write(WHOLE + upgrade)
        assert (await client.reply())[0] == 200
        await assert_refused_once(client)


async def test_a_client_is_told_to_go_on_where_its_body_is_wanted(url: str) -> None:
    """Where it is not, nobody could tell its body from its next request: the connection ends."""
    head = f"{HEAD}content-length: {len(QUERY)}\r\nexpect: 100-continue\r\n\r\n"
    async with wire(url) as client:
        await client.write(head)
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.write(QUERY)
        status, headers, _ = await client.reply()
        assert (status, "connection" in headers) == (200, False)
        await client.write(head.replace("application/json", "text/plain"))
        status, headers, _ = await client.reply()
        assert (status, headers["connection"]) == (415, "close")
        assert await client.is_over()


@pytest.mark.parametrize("length", [len(QUERY), 1_000_000_000])
async def test_a_client_is_not_told_to_go_on_where_that_would_be_part_of_its_answer(url: str, length: int) -> None:
    """One of an old version, which does not know these words, or one that is told already that it need not."""
    version = "1.0" if length == len(QUERY) else "1.1"
    async with wire(url) as client:
        await client.write(f"{HEAD.replace('1.1', version)}content-length: {length}\r\nexpect: 100-continue\r\n\r\n")
        await asyncio.sleep(0.05)
        await client.write(QUERY)
        assert (await client.reply())[0] == (200 if length == len(QUERY) else 413)
        client.writer.write_eof()
        assert await client.reader.read() == b""


async def test_a_body_that_is_torn_once_it_is_answered_gets_no_second_answer(url: str) -> None:
    """Its client would take that for the one to its next request."""
    async with wire(url) as client:
        await client.write(CHUNKED.replace("application/json", "text/plain"))
        assert (await client.reply())[0] == 415
        await client.write("zz\r\n")
        assert await client.reader.read() == b""


async def test_an_answer_to_head_has_no_body(url: str) -> None:
    async with wire(url) as client:
        await client.write(b"HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" + WHOLE)
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert (await client.reply())[0] == 200


async def parts(_: Scope, __: Receive, send: Send) -> None:
    """Answers in parts whose lengths nobody said."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"one ", b"", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def test_a_body_of_no_known_length_ends_as_its_client_understands() -> None:
    """In chunks, or for an old client with the connection."""
    async with serve(parts, lifespan="off") as url, wire(url) as old:
        async with httpx.AsyncClient() as http:
            assert [(await http.get(url)).text for _ in range(2)] == ["one two"] * 2
        await old.write("GET / HTTP/1.0\r\n\r\n")
        head, _, body = (await old.reader.read()).partition(b"\r\n\r\n")
        assert (b"chunked" in head, body) == (False, b"one two")


async def test_an_answer_that_fails_is_told_or_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    """A client does not take a part for the whole, nor one header for two; the log says where it failed."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/at-once":
            raise ValueError("secret")
        if scope["path"] == "/header":
            await PlainTextResponse("x", headers={"x": "a\r\nset-cookie: b"})(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"part", "more_body": scope["path"] == "/later"})
        raise ValueError("secret")

    async with serve(failing, lifespan="off") as url, httpx.AsyncClient(base_url=url) as http:
        for path in ("/at-once", "/header"):
            reply = await http.get(path)
            (error,) = reply.json()["errors"]
            assert (reply.status_code, error["extensions"]["code"], "b" in reply.cookies) == (500, "INTERNAL", False)
        for path in ("/short", "/later"):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(path)
    told = lines(capsys.readouterr().err, "internal error")
    assert [line["error"] for line in told] == ["ValueError"] * 4
    assert "secret" not in str(told)


async def test_a_request_knows_nothing_of_the_one_before() -> None:
    """Though it is begun when that one ends."""
    before: ContextVar[bytes] = ContextVar("before", default=b"nothing")

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        found = before.get()
        before.set(scope["raw_path"])
        await PlainTextResponse(found)(scope, receive, send)

    async with serve(telling, lifespan="off") as url, wire(url) as client:
        first = b"".join(b"GET /%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % number for number in range(2))
        await client.write(first + b"GET /last HTTP/1.0\r\n\r\n")
        assert (await client.reader.read()).count(b"nothing") == 3


async def test_who_leaves_is_noticed_while_it_is_answered() -> None:
    left = asyncio.Event()

    async def waiting(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with serve(waiting, lifespan="off") as url:
        async with wire(url) as client:
            await client.write(WHOLE)
            await asyncio.sleep(0.05)
            assert not left.is_set()
        async with asyncio.timeout(20):
            await left.wait()


async def test_a_long_body_arrives_whole(url: str) -> None:
    """However much of it comes before anybody looks."""
    async with httpx.AsyncClient(base_url=url) as http:
        reply = await http.post("/graphql", content=QUERY.ljust(200_000), headers=JSON)
        assert reply.json()["data"] == {"__typename": "Query"}
