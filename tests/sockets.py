"""A client of graphql-transport-ws, message by message."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol
from worlds import TYPES, Running, source_tables

from graph.settings import AppSettings, build

Message = dict[str, Any]

SPOKEN = "graphql-transport-ws"
LIVE = "subscription Live { liveConferences { kind conference { id vendorId } } }"
PATIENCE_S = 20


def over(world: Running) -> AppSettings:
    """A configuration of its own over the vendors of a world."""
    return build({"sources": source_tables(world.sandbox, {})}, TYPES, {})


class Socket:
    """A WebSocket to a confgraph."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def write(self, text: str | bytes) -> None:
        """Send text as it is, or bytes as a binary frame."""
        await self.connection.send(text)

    async def send(self, kind: str, **message: object) -> None:
        await self.write(json.dumps({"type": kind, **message}))

    async def read(self) -> Message:
        """The next message, which is text."""
        async with asyncio.timeout(PATIENCE_S):
            text = await self.connection.recv()
        assert isinstance(text, str)
        message: Message = json.loads(text)
        return message

    async def init(self, **payload: object) -> None:
        """Say who asks, and be let in."""
        await self.send("connection_init", **({"payload": payload} if payload else {}))
        assert await self.read() == {"type": "connection_ack"}

    async def subscribe(self, key: str, query: str | None, **more: object) -> None:
        await self.send("subscribe", id=key, payload={"query": query, **more})

    async def ask(self, query: str | None, key: str = "q", **more: object) -> Message:
        """The answer to a query, where nothing else comes meanwhile."""
        await self.subscribe(key, query, **more)
        answer = await self.read()
        assert (answer["id"], answer["type"]) == (key, "next"), answer
        assert await self.read() == {"id": key, "type": "complete"}
        payload: Message = answer["payload"]
        return payload

    async def refusal(self, key: str, query: str | None, **more: object) -> Message:
        """The only error of an operation that is refused."""
        await self.subscribe(key, query, **more)
        answer = await self.read()
        assert (answer["id"], answer["type"]) == (key, "error"), answer
        (error,) = answer["payload"]
        assert isinstance(error, dict)
        return error

    async def end(self) -> tuple[int, str, list[Message]]:
        """Wait until it is closed: the code, the words, and the messages before."""
        messages: list[Message] = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                messages.append(await self.read())
        return self.connection.close_code or 0, self.connection.close_reason or "", messages


@contextlib.asynccontextmanager
async def socket(
    url: str, headers: Mapping[str, str] | None = None, subprotocol: str | None = SPOKEN, **options: Any
) -> AsyncIterator[Socket]:
    """A WebSocket to /graphql at a URL of HTTP, on which nothing has been said; a `host` is a header as well."""
    at, sent = urlsplit(url), dict(headers or {})
    async with connect(
        f"ws://{sent.pop('host', at.netloc)}/graphql",
        host=at.hostname,
        port=at.port,
        subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
        additional_headers=sent,
        proxy=None,
        open_timeout=PATIENCE_S,
        close_timeout=1,
        **{"ping_interval": None, **options},
    ) as connection:
        yield Socket(connection)
