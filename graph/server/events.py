"""The endpoint /graphql for those who want a stream of events: each answer is one, and so is the end.

It is what graphql-sse calls distinct connections; queries are answered likewise.
https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from graph import clock
from graph.errors import UnauthenticatedError
from graph.server.answers import VARY
from graph.server.auth import Guard
from graph.server.cors import Origins
from graph.server.disconnects import WhileConnected
from graph.server.headers import HEADERS
from graph.server.refusals import refused
from graph.server.requests import read_request
from graph.server.streams import Answer, Operation, Streams, refusal_of
from graph.settings import AppSettings
from graph.telemetry.requests import ToldRequest
from graph.transport.deadline import start_deadline

EVENTS = "text/event-stream"
PING_S = 12.0  # what lies between would take silence for the end
PING = b":\n\n"
NEXT = b"event: next\ndata: %b\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


class Events:
    """The endpoint."""

    def __init__(self, streams: Streams, settings: AppSettings, guard: Guard, origins: Origins) -> None:
        self._streams = streams
        self._settings = settings
        self._guard = guard
        self._origins = origins

    async def answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request by a stream; one that is none as any other."""
        headers = Headers(scope=scope)
        with ToldRequest(request_id, headers) as told:
            start_deadline(self._settings.server.request_timeout_s)
            try:
                identity = await self._guard.authenticate(headers)
                told.caller = identity.name
                door = self._streams.operations.door
                with door.place() as place:
                    place.take(identity.name)
                    async with door.spending(identity.name):
                        max_kb = self._settings.limits.max_body_kb
                        request = await read_request(scope, headers, receive, max_kb, self._origins)
                with WhileConnected(receive):
                    await self._stream(Operation(request, identity, request_id, told), send)
            except ClientDisconnect:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
                told.outcome, told.codes, response = refused(error, request_id)
                await response(scope, receive, send)

    async def _stream(self, operation: Operation, send: Send) -> None:
        said = {**HEADERS, "content-type": f"{EVENTS}; charset=utf-8", "vary": VARY}
        said["x-request-id"] = operation.request_id
        said["x-accel-buffering"] = "no"
        raw = [(name.encode(), value.encode()) for name, value in said.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})

        async def write(event: bytes) -> None:
            await send({"type": "http.response.body", "body": event, "more_body": True})

        async def tell(answer: Answer) -> None:
            await write(NEXT % msgspec.json.encode(answer.payload))

        await write(b"")  # who asks sees that it is answered, long before anything happens
        async with _pinging(write):
            try:
                async with asyncio.timeout(operation.identity.left_s()):
                    is_all = await self._streams.run(operation, tell)
            except TimeoutError:
                await tell(refusal_of(UnauthenticatedError("expired"), operation))
                is_all = True
            if is_all:  # else clients come again, elsewhere
                await write(COMPLETE)
        await send({"type": "http.response.body"})


@contextlib.asynccontextmanager
async def _pinging(write: Callable[[bytes], Awaitable[None]]) -> AsyncIterator[None]:
    """Show now and then that the stream goes on."""

    async def ping() -> None:
        while True:
            await clock.sleep(PING_S)
            await write(PING)

    task = asyncio.create_task(ping())
    try:
        yield
    finally:
        task.cancel()
