"""What may go wrong between an adapter and a vendor: a wrapper that spoils what an emulator answers."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

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


@contextlib.asynccontextmanager
async def resetting() -> AsyncIterator[str]:
    """The URL of a port where every connection is reset once something was asked."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        now_or_never = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now_or_never)
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
