"""What one connection takes for an answer, byte by byte."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asking import REQUEST, Body, Handler, client_of, failure, raw, read_body, until, write
from authorities import Authority

from graph.errors import VendorError, VendorGarbageError, VendorTimeoutError, VendorUnavailableError
from graph.transport import connections
from graph.transport.client import VendorClient
from graph.transport.connection import MOST_HEAD
from graph.transport.messages import VendorRequest

pytestmark = pytest.mark.anyio

ROWS = b'{"rows":[]}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + ROWS
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDS = b'4;of=three\r\n{"ro\r\n7\r\nws":[]}\r\n0\r\nRetry-After: 9\r\n\r\n'


@contextlib.asynccontextmanager
async def served(handle: Handler, **settings: Any) -> AsyncIterator[VendorClient]:
    """A client of a server that does with each connection as it likes."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server, client_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", **settings) as client:
        yield client


@pytest.mark.parametrize("is_dripping", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED + ENDS,
        b"HTTP/1.1 200 OK\r\n\r\n" + ROWS,
        b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n" + ROWS,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + OK,
    ],
    ids=["length", "chunks", "until it closes", "HTTP/1.0", "after hints"],
)
async def test_every_way_to_tell_the_end_of_a_body_is_understood(answer: bytes, *, is_dripping: bool) -> None:
    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in [answer[at : at + 1] for at in range(len(answer))] if is_dripping else [answer]:
            await write(writer, part)
            await asyncio.sleep(0)

    async with raw(send) as client:
        assert await client.call(REQUEST, read_body) == Body([])


async def test_blanks_behind_a_value_are_no_part_of_it() -> None:
    packed = gzip.compress(ROWS)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip \t\r\nContent-Length: %d \r\n\r\n" % len(packed) + packed
    async with raw(lambda _, writer: write(writer, answer)) as client:
        assert await client.call(REQUEST, read_body) == Body([])


async def test_what_comes_behind_the_body_is_no_header_of_it() -> None:
    async with raw(lambda _, writer: write(writer, CHUNKED + ENDS)) as client:
        assert await client.call(REQUEST, lambda reply: reply.retry_after_s()) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Length: 5\r\n\r\n" + ROWS,
        b"HTTP/1.1 200 OK\r\nContent-Length: -11\r\n\r\n" + ROWS,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: other\r\n\r\n" + ROWS,
        CHUNKED + ENDS[:-4],
        CHUNKED + b"zz\r\n" + ROWS,
        b"HTTP/1.1 200 OK\r\nServer\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nServer: a",
    ],
    ids=["another protocol", "hint", "two lengths", "less than none", "unknown", "cut", "chunk", "header", "head"],
)
async def test_what_leaves_the_end_open_is_no_answer(answer: bytes) -> None:
    async with raw(lambda _, writer: write(writer, answer)) as client:
        assert type(await failure(client)) is VendorUnavailableError


@pytest.mark.parametrize(
    ("begin", "part", "kind", "most"),
    [
        (b"HTTP/1.1 200 OK\r\nA: ", b"a" * 1000, VendorUnavailableError, MOST_HEAD),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100, VendorUnavailableError, MOST_HEAD),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, VendorUnavailableError, MOST_HEAD),
        (CHUNKED + b"1;a=", b"a" * 1000, VendorGarbageError, 1_000_000),
        (CHUNKED + b"1\r\n{\r\n0\r\nA: ", b"a" * 1000, VendorGarbageError, 1_000_000),
    ],
    ids=["header", "headers", "hints", "chunk", "trailer"],
)
async def test_nothing_around_a_body_is_read_without_end(
    begin: bytes, part: bytes, kind: type[VendorError], most: int
) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begin)
        while True:
            await write(writer, part)
            sent += len(part)

    async with raw(flood, max_body_mb=1) as client:
        assert type(await failure(client)) is kind
        assert most < sent < most + 20_000_000  # what buffers on the way may hold


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("more", [b"more", OK.replace(b'{"rows":[]}', b'{"rows": 1}')], ids=["garbage", "answer"])
async def test_what_nobody_asked_for_answers_nothing(more: bytes, *, is_late: bool) -> None:
    """It is not taken for the answer to the next request, which goes over another connection."""
    opened = closed = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened, closed
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        await write(writer, OK if is_late else OK + more)
        if is_late:
            await asyncio.sleep(0.01)
            await write(writer, more)
        await reader.read()
        writer.close()
        closed += 1

    async with served(answer) as client:
        for times in range(1, 4):
            assert await client.call(REQUEST, read_body) == Body([])
            await until(lambda times=times: closed == times)  # type: ignore[misc]
        assert opened == 3


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-5]], ids=["nothing", "half a head", "half a body"])
async def test_an_answer_that_comes_too_late_is_none_to_the_next_request(begin: bytes) -> None:
    closed = asyncio.Event()
    opened = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        await write(writer, begin if opened == 1 else OK)
        await reader.read()  # until the client has gone
        writer.close()
        closed.set()

    async with served(answer, timeout_s=0.2) as client:
        assert type(await failure(client)) is VendorTimeoutError
        async with asyncio.timeout(10):
            await closed.wait()
        assert await client.call(REQUEST, read_body) == Body([])
    assert opened == 2


async def test_a_request_says_what_its_body_is_and_nothing_twice() -> None:
    heads: list[bytes] = []
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for length in (7, 13, 7, 0):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            bodies.append(await reader.readexactly(length))
            await write(writer, OK)
        writer.close()

    requests = [
        VendorRequest("report", "/a b", params={"q": "1 &é"}, json={"a": 1}),
        VendorRequest("report", "/", form={"a": "b c", "é": ""}),
        VendorRequest("report", "/", headers={"content-type": "application/json;charset=utf-8"}, json={"a": 2}),
        VendorRequest("report", "/"),
    ]
    async with served(answer) as client:
        for request in requests:
            await client.call(request, read_body)
    assert bodies == [b'{"a":1}', b"a=b+c&%C3%A9=", b'{"a":2}', b""]
    first, *_ = [head.split(b"\r\n") for head in heads]
    assert first[0] == b"POST /a%20b?q=1+%26%C3%A9 HTTP/1.1"
    types = []
    for head, body in zip(heads, bodies, strict=True):
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        assert len(lines) == head.count(b"\r\n") - 2, "no header comes twice"
        assert lines[b"content-length"] == str(len(body)).encode()
        types.append(lines.get(b"content-type"))
    form = b"application/x-www-form-urlencoded"
    assert types == [b"application/json", form, b"application/json;charset=utf-8", None]


async def test_an_answer_is_not_given_twice() -> None:
    """One without a body is no answer to the next request, where the connection closes instead."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"HTTP/1.1 204 No Content\r\n\r\n", b""):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(21)
            await write(writer, reply)
        writer.close()

    async with served(answer) as client:
        assert await client.call(REQUEST, lambda reply: reply.status) == 204
        assert type(await failure(client)) is VendorUnavailableError


async def test_a_cookie_is_not_sent_back() -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(21)
            await write(writer, OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))
        writer.close()

    async with served(answer) as client:
        for _ in range(2):
            await client.call(REQUEST, read_body)
    assert heads[0] == heads[1]


# ---- where it leads -------------------------------------------------------------------------------


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have every name stand for these addresses."""

    def found(_: object, port: int, *__: Any, **___: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


async def test_a_server_is_found_at_any_of_its_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One refuses, one takes the connection and says nothing."""
    authority = Authority(tmp_path)
    monkeypatch.setattr(connections, "PATIENCE_S", 0.05)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await write(writer, OK)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.server()) as server:
        port = server.sockets[0].getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            resolve(monkeypatch, "127.0.0.3", "127.0.0.2", "127.0.0.1")
            async with client_of(f"https://localhost:{port}", ca_file=authority.file) as client:
                assert await client.call(REQUEST, read_body) == Body([])


async def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be told credentials."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with raw(lambda _, writer: write(writer, OK)) as client:
        assert await client.call(REQUEST, read_body) == Body([])
