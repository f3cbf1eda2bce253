"""Asking confgraph byte by byte, over a connection of one's own."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

QUERY = b'{"query": "{ __typename }"}'
JSON = {"content-type": "application/json"}
HEAD = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


class Wire:
    """A connection that a test writes to byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def write(self, data: str | bytes) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def drip(self, data: bytes = b"x") -> int:
        """Send this again and again until nobody takes it: how often."""
        sent = 0
        with contextlib.suppress(ConnectionError):
            while True:
                await self.write(data)
                sent += 1
                await asyncio.sleep(0.01)
        return sent

    async def reply(self) -> tuple[int, dict[str, str], Any]:
        """The status, the headers and the body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.strip().split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in rest)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, json.loads(body)

    async def is_over(self) -> bool:
        """Wait until the other side has closed it."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while await self.reader.read(65536):
                    pass
        return True


@contextlib.asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """A connection to a server."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def code(body: Any) -> str:
    """The code of the only error of a body that has nothing but that."""
    (error,) = body.pop("errors")
    assert not body
    said: str = error["extensions"]["code"]
    return said
