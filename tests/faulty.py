"""What may go wrong between an adapter and a vendor: a wrapper that spoils what an emulator answers."""

import asyncio
import contextlib
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


class Faulty:
    """An application in front of which a fault may be put at any time."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.fault: Fault = passes
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.requests += 1
        await self.fault(self.app, scope, receive, send)


async def passes(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """No fault."""
    await app(scope, receive, send)


async def hangs(_: ASGIApp, __: Scope, receive: Receive, ___: Send) -> None:
    """Never answer; return once the caller has gone."""
    await _gone(receive)


async def drips(_: ASGIApp, __: Scope, receive: Receive, send: Send) -> None:
    """Begin an answer, and go on with a byte now and then for as long as the caller listens."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    gone = asyncio.ensure_future(_gone(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.wait([gone], timeout=0.02)


class Streams:
    """Answer a body that has no end.

    Attributes:
        sent: How many bytes of bodies went out, to all requests together.
    """

    def __init__(self, chunk: bytes = b" " * 65536, *, first: bytes = b"", encoding: str = "identity") -> None:
        self.sent = 0
        self._first, self._chunk = first, chunk
        self._headers = [(b"content-type", b"application/json"), (b"content-encoding", encoding.encode())]

    async def __call__(self, _: ASGIApp, __: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        gone = asyncio.ensure_future(_gone(receive))
        part = self._first or self._chunk
        while not gone.done():
            await send({"type": "http.response.body", "body": part, "more_body": True})
            self.sent += len(part)
            part = self._chunk
            await asyncio.sleep(0)


def swells() -> Streams:
    """Answer a compressed body without end, a thousandfold as large once it is unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    first = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    chunk = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return Streams(chunk, first=first, encoding="gzip")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answers(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer this, whatever is asked."""

    async def fault(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, headers, "application/json")(scope, receive, send)

    return fault


def changes(change: Callable[[bytes], bytes]) -> Fault:
    """Answer as the application does, but for the body."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.body":
                parts.append(message["body"])

        await app(scope, receive, keep)
        await Response(change(b"".join(parts)), media_type="application/json")(scope, receive, send)

    return fault


def rewrites(change: Callable[[Any], Any]) -> Fault:
    """Answer as the application does, but for what the body says."""
    return changes(lambda body: json.dumps(change(json.loads(body))).encode())


def becomes(other: ASGIApp) -> Fault:
    """Answer as another application would."""

    async def fault(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await other(scope, receive, send)

    return fault


async def read_request(receive: Receive) -> tuple[dict[str, Any], Receive]:
    """The body of a request, which is JSON or a form, and how it is read once more."""
    parts: list[bytes] = []
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    body = b"".join(parts)
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return json.loads(body) if body.startswith(b"{") else dict(parse_qsl(body.decode())), again


def by_body(choose: Callable[[dict[str, Any]], Fault]) -> Fault:
    """Go wrong as the body of the request has it."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        asked, again = await read_request(receive)
        await choose(asked)(app, scope, again, send)

    return fault


class Line:
    """A way to a server that may be cut: an address of its own, whose bytes go there and back.

    Attributes:
        url: Its address, the same all the time.
        to: Where it leads: a URL.
    """

    def __init__(self) -> None:
        self.url = self.to = ""
        self._port = 0
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._resets = False

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Refuse connections, and break those there are."""
        if self._server is not None:
            self._server.close()
            for end in self._ends:
                end.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def reset(self) -> None:
        """Accept connections, and reset each once something was asked."""
        self._resets = True

    async def mend(self) -> None:
        """Lead there and back again."""
        self._resets = False
        if self._server is None:
            self._server = await asyncio.start_server(self._lead, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{self._port}"

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._resets:
            await _reset(reader, writer)
            return
        host, port = self.to.removeprefix("http://").split(":")
        back, forth = await asyncio.open_connection(host, int(port))
        self._ends |= {writer, forth}
        try:
            await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))
        finally:
            self._ends -= {writer, forth}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    now_or_never = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now_or_never)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def resetting() -> AsyncIterator[str]:
    """The URL of a port where every connection is reset once something was asked."""
    async with await asyncio.start_server(_reset, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
