"""The connections to one source, counted at the other end."""

import asyncio
import contextlib
import gzip
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asking import REQUEST, Body, client_of, failure, read_body, until, write
from authorities import Authority

from graph.errors import VendorUnavailableError
from graph.transport import connections
from graph.transport.client import VendorClient

pytestmark = pytest.mark.anyio

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"rows":[]}'


class Server:
    """Answers on as many connections as come."""

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.asked = 0
        self.answer = OK
        self.closes = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                await reader.readexactly(int(length.split()[1]))
                self.asked += 1
                await self.answers.wait()
                await write(writer, self.answer)
                if self.closes:
                    break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.closed += 1


@contextlib.asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[tuple[VendorClient, Server]]:
    server = Server()
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    async with client_of(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", **settings) as client:
        yield client, server
    await until(lambda: server.closed == server.opened)  # none is left open
    listener.close()


async def ask(client: VendorClient, times: int = 1) -> None:
    answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(times)))
    assert answers == [Body([])] * times


async def test_connections_are_used_again() -> None:
    async with serving(max_connections=3) as (client, server):
        for _ in range(5):
            await ask(client)
        assert server.opened == 1
        for _ in range(5):
            await ask(client, 10)
        assert (server.asked, server.opened) == (55, 3)


async def test_one_that_is_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its other end may be closing it just then."""
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.0)
    async with serving() as (client, server):
        for _ in range(3):
            await ask(client)
        await until(lambda: server.closed >= 2)
        assert server.opened == 3


async def test_one_that_the_vendor_closed_is_not_used_again() -> None:
    """A scroll page, which must not be sent twice, would be lost there."""
    async with serving() as (client, server):
        server.closes = True
        for times in range(1, 4):
            await ask(client)
            await until(lambda times=times: server.closed == times)  # type: ignore[misc]


async def test_a_request_that_is_cancelled_at_any_moment_takes_no_connection_with_it() -> None:
    async with serving(max_connections=1) as (client, server):
        for moment in range(40):
            task = asyncio.create_task(client.call(REQUEST, read_body))
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with asyncio.timeout(10):
                await ask(client)
        assert server.opened - server.closed <= 2


async def test_a_request_that_is_cancelled_while_its_connection_closes_is_forgotten() -> None:
    packed = gzip.compress(bytes(2_000_000))
    async with serving(max_connections=1, max_body_mb=1) as (client, server):
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9000000\r\n\r\n" + packed
        for moment in range(20):
            task = asyncio.create_task(client.call(REQUEST, read_body))
            asked = server.asked
            await until(lambda asked=asked: server.asked > asked)  # type: ignore[misc]
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        pool = client._connections
        assert not pool._open


@pytest.mark.parametrize("spoilt", [b"no TLS at all", b"\x17\x03\x03\x00\x20" + b"x" * 32], ids=["plain", "encrypted"])
async def test_one_whose_encryption_breaks_is_the_sources_fault(spoilt: bytes, tmp_path: Path) -> None:
    async def spoil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        os.write(writer.get_extra_info("socket").fileno(), spoilt)
        writer.transport.abort()

    authority = Authority(tmp_path)
    async with await asyncio.start_server(spoil, "127.0.0.1", 0, ssl=authority.server()) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with client_of(url, ca_file=authority.file) as client:
            assert type(await failure(client)) is VendorUnavailableError


async def test_one_whose_answer_was_not_read_to_its_end_is_closed() -> None:
    async with serving(max_connections=1, max_body_mb=1) as (client, server):
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b" " * 2_000_000
        await failure(client)
        server.answer = OK
        await ask(client)
        assert server.opened == 2


async def test_one_that_is_idle_holds_no_answer() -> None:
    async with serving() as (client, server):
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000011\r\n\r\n" + b" " * 3_000_000 + b'{"rows":[]}'
        await ask(client)  # what is made once is there
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await ask(client)
            after, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert server.opened == 1
        assert most - before > 3_000_000
        assert after - before < 1_000_000


async def test_closing_breaks_off_what_is_under_way() -> None:
    async with serving() as (client, server):
        server.answers.clear()
        task = asyncio.create_task(failure(client))
        await until(lambda: server.asked == 1)
        await client.aclose()
        assert type(await task) is VendorUnavailableError
        assert (await failure(client)).message == "acme: report is not asked any more."
        server.answers.set()
