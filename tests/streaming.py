"""A client of a stream of events, event by event."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

Event = tuple[str, str]

PATIENCE_S = 20
ACCEPT = {"accept": "text/event-stream"}


class Events:
    """The answer to one operation, as it comes.

    Attributes:
        reply: Its status and headers.
        pings: How often it was shown that the stream goes on.
    """

    def __init__(self, reply: httpx.Response) -> None:
        self.reply = reply
        self.pings = 0
        self._chunks = reply.aiter_bytes()
        self._unread = b""

    async def next(self) -> Event:
        """The next event and its data.

        Raises:
            StopAsyncIteration: the stream is over.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while b"\n\n" not in self._unread:
                    self._unread += await anext(self._chunks)
                text, _, self._unread = self._unread.partition(b"\n\n")
                if text != b":":
                    event, data = text.decode().split("\n")
                    return event.removeprefix("event: "), data.removeprefix("data:").strip()
                self.pings += 1

    async def rest(self) -> AsyncIterator[Event]:
        """All further events."""
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield await self.next()


@contextlib.asynccontextmanager
async def events(
    url: str, query: str | None, headers: Mapping[str, str] | None = None, **more: Any
) -> AsyncIterator[Events]:
    """Ask for the answers to an operation; leaving the context breaks them off."""
    sent = {**ACCEPT, **(headers or {})}
    async with (
        httpx.AsyncClient(headers=sent, timeout=PATIENCE_S) as http,
        http.stream("POST", f"{url}/graphql", json={"query": query, **more}) as reply,
    ):
        yield Events(reply)
