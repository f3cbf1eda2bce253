"""A client of one source before a vendor that answers as a test says, well-formed or not."""

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, Any

import msgspec
import pytest
from answering import Answer, Vendor, answering
from clients import once

from graph.errors import VendorError
from graph.settings import SourceSettings
from graph.transport.client import VendorClient
from graph.transport.messages import VendorReply, VendorRequest

CREDENTIAL = "hush-hush"
REQUEST = VendorRequest("report", "/report", headers={"token": CREDENTIAL}, json={"token": CREDENTIAL})

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Person(msgspec.Struct):
    name: str
    age: Annotated[int, msgspec.Meta(ge=0)]


class Body(msgspec.Struct):
    rows: list[Person]


BODY = msgspec.json.Decoder(Body)


def read_body(reply: VendorReply) -> Body:
    """What an adapter does with a reply."""
    reply.raise_for_status()
    return reply.decode(BODY)


@contextlib.asynccontextmanager
async def client_of(
    url: str, sign: Callable[[], Mapping[str, str]] | None = None, **settings: Any
) -> AsyncIterator[VendorClient]:
    """A client of the source "acme"; it sends each request once unless the settings say otherwise."""
    table = SourceSettings(vendor="acme", base_url=url, timeout_s=5.0)
    client = once("acme", table, **settings)
    client.sign = sign
    try:
        yield client
    finally:
        await client.aclose()


@contextlib.asynccontextmanager
async def asking(answer: Answer, **settings: Any) -> AsyncIterator[tuple[VendorClient, Vendor]]:
    """A client, and the vendor that answers it."""
    async with answering(answer) as (url, vendor), client_of(url, **settings) as client:
        yield client, vendor


@contextlib.asynccontextmanager
async def raw(handle: Handler, **settings: Any) -> AsyncIterator[VendorClient]:
    """A client of a server that speaks bytes, once it has read the head of a request."""
    handlers: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with client_of(f"http://127.0.0.1:{port}", **settings) as client:
            yield client
    finally:
        server.close()
        await asyncio.gather(*filter(None, handlers))


async def write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Answer with bytes."""
    writer.write(data)
    await writer.drain()


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Never answer; return once the client has gone."""
    await reader.read()


async def failure(client: VendorClient, request: VendorRequest = REQUEST) -> VendorError:
    """The error of a request, which must not show what was sent."""
    with pytest.raises(VendorError) as caught:
        await client.call(request, read_body)
    error = caught.value
    assert (error.source, error.endpoint) == ("acme", "report")
    assert CREDENTIAL not in "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(request)
    return error


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that sets no event."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.005)
