"""The load: some connections, each of which asks as soon as it was answered."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast
from urllib.parse import urlsplit


class Load(NamedTuple):
    """What came of it.

    Attributes:
        requests: How many were answered.
        seconds: How long it took, to the last answer.
        latencies_ms: What each took, sorted.
    """

    requests: int
    seconds: float
    latencies_ms: list[float]

    def percentile(self, share: float) -> float:
        """The latency that so much of the requests did not exceed."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))]


class FailedError(Exception):
    """A server answered with another status than 200, or with errors, or not at all."""


class Client(asyncio.Protocol):
    """One connection that speaks just enough HTTP/1.1, and notes what each answer took."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self._unread = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._head = self._whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)

    async def ask(self, request: bytes) -> bytes:
        """Send one request; the body of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self.transport.write(request)
        body = await self._answer
        self.latencies_ms.append(1000 * (time.perf_counter() - began))
        return body

    def data_received(self, data: bytes) -> None:
        """Read on; a chunked body ends with an empty chunk, and is given with its chunks' lengths."""
        self._unread += data
        if not self._head:
            self._head = self._unread.find(b"\r\n\r\n") + 4
            if self._head < 4:
                self._head = 0
                return
            head = bytes(self._unread[: self._head]).lower()
            _, _, length = head.partition(b"\r\ncontent-length:")
            self._whole = self._head + int(length.partition(b"\r\n")[0]) if length else 0
        if len(self._unread) >= self._whole if self._whole else self._unread.endswith(b"\r\n0\r\n\r\n"):
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits waits in vain."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(FailedError(f"The server closed the connection: {error}"))

    def _end(self) -> None:
        status, body = bytes(self._unread[9:12]), bytes(self._unread[self._head :])
        self._unread.clear()
        self._head = 0
        assert self._answer  # noqa: S101 - nobody answers unasked
        if status != b"200" or b'"errors"' in body[:4096] or b'"errors"' in body[-4096:]:
            self._answer.set_exception(FailedError(f"Status {status.decode()}: {body[:500].decode(errors='replace')}"))
        else:
            self._answer.set_result(body)


def post(url: str, body: bytes) -> bytes:
    """A request as it is sent."""
    parts = urlsplit(url)
    return (
        b"POST %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\naccept: application/json\r\n"
        b"content-length: %d\r\n\r\n%s" % (parts.path.encode(), parts.netloc.encode(), len(body), body)
    )


async def put_load(url: str, requests: Sequence[bytes], connections: int, seconds: float, at_least: int = 1) -> Load:
    """Ask for so long, and so often, on so many connections, one after another of the requests."""
    clients = [await _connect(url) for _ in range(connections)]
    began = time.perf_counter()
    turns = _take_turns(requests, began + seconds, at_least)
    try:
        async with asyncio.timeout(seconds + 120), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(_ask_all(client, turns))
    finally:
        for client in clients:
            client.transport.close()
    took = time.perf_counter() - began
    latencies = sorted(itertools.chain.from_iterable(client.latencies_ms for client in clients))
    return Load(len(latencies), took, latencies)


def _take_turns(requests: Sequence[bytes], end: float, at_least: int) -> Iterator[bytes]:
    for number, request in enumerate(itertools.cycle(requests)):
        if number >= at_least and time.perf_counter() >= end:
            return
        yield request


async def _ask_all(client: Client, turns: Iterator[bytes]) -> None:
    for request in turns:
        await client.ask(request)


async def _connect(url: str) -> Client:
    parts = urlsplit(url)
    _, client = await asyncio.get_running_loop().create_connection(Client, parts.hostname or "", parts.port or 80)
    return client


async def ask_once(url: str, request: bytes) -> bytes:
    """The body of one answer, without its chunks' lengths."""
    client = await _connect(url)
    try:
        async with asyncio.timeout(60):
            return _whole(await client.ask(request))
    finally:
        client.transport.close()


def _whole(body: bytes) -> bytes:
    """A body in one piece."""
    if body.startswith(b"{"):
        return body
    pieces = []
    while size := int((chunk := body.partition(b"\r\n"))[0], 16):
        pieces.append(chunk[2][:size])
        body = chunk[2][size + 2 :]
    return b"".join(pieces)
