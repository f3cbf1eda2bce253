"""The endpoint /graphql for WebSockets: the protocol graphql-transport-ws, and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import contextlib
from http import HTTPStatus
from typing import Annotated, Any, Never

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from graph.errors import ForbiddenError, RateLimitedError, UnauthenticatedError
from graph.identity import Identity
from graph.server.auth import Guard
from graph.server.headers import request_id_of
from graph.server.hosts import SocketOrigins
from graph.server.refusals import refusal
from graph.server.requests import GraphQLRequest
from graph.server.streams import Answer, Operation, Streams
from graph.settings import LimitsSettings
from graph.telemetry.logs import log
from graph.telemetry.requests import ToldRequest

SUBPROTOCOL = "graphql-transport-ws"
INIT_S = 10.0
LONGEST_REASON = 40  # of 123 bytes, in any script
FOREIGN = "Web pages of this origin may not open a WebSocket (server.cors_origins)."

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Init(msgspec.Struct, tag="connection_init"):
    """The first message: who asks."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag="ping"):
    """Asks for a pong."""

    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag="pong"):
    """Asks for nothing."""

    payload: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag="subscribe"):
    """Begins an operation; a query is one, too."""

    id: Id
    payload: GraphQLRequest


class Complete(msgspec.Struct, tag="complete"):
    """Ends an operation."""

    id: Id


Message = Init | Ping | Pong | Subscribe | Complete

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class Closing(Exception):  # noqa: N818 - most are no error of ours
    """Why a WebSocket is closed: a code, and a few words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """The endpoint.

    Attributes:
        streams: Executes operations.
        guard: Knows who asks.
        most_operations: So many may be under way on one WebSocket before the next message is read.
    """

    def __init__(self, streams: Streams, guard: Guard, limits: LimitsSettings, origins: SocketOrigins) -> None:
        self.streams = streams
        self.guard = guard
        # No more can have a place: those that have none end as soon as they are told so.
        self.most_operations = limits.max_concurrent_per_caller + limits.max_subscriptions_per_caller
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until one side has had enough."""
        websocket = WebSocket(scope, receive, send)
        if not self._origins.allow(websocket.headers):
            request_id = request_id_of(websocket.headers)
            log.warning("request refused", reason="origin", request_id=request_id)
            await websocket.send_denial_response(refusal(ForbiddenError(FOREIGN), HTTPStatus.FORBIDDEN, request_id))
            return
        is_spoken = SUBPROTOCOL in scope["subprotocols"]
        await receive()  # that somebody connects
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if is_spoken else None})
        closing = Closing(4406, "Subprotocol not acceptable")
        if is_spoken:
            try:
                await _Socket(self, websocket.headers, receive, send).serve()
            except ClientDisconnect:
                return
            except Closing as error:
                closing = error
        with contextlib.suppress(OSError):  # it may have gone meanwhile
            await send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})


class _Socket:
    """One WebSocket, and the operations under way on it."""

    def __init__(self, endpoint: Sockets, headers: Headers, receive: Receive, send: Send) -> None:
        self._endpoint = endpoint
        self._headers = headers
        self._receive = receive
        self._send = send
        self._operations: dict[str, asyncio.Task[None]] = {}  # those that the client has not ended, by id
        self._tasks: set[asyncio.Task[None]] = set()  # all

    async def serve(self) -> None:
        """Serve it until one side has had enough.

        Raises:
            Closing: it is to be closed.
            ClientDisconnect: the client has closed it.
        """
        lives = self._endpoint.streams.lives
        is_known = False
        try:
            async with contextlib.AsyncExitStack() as place, lives.of(INIT_S) as life:
                identity = await self._first()
                is_known = True
                self._enter(place, identity)
                if not lives.are_over:
                    left_s = identity.left_s()
                    life.reschedule(None if left_s is None else asyncio.get_running_loop().time() + left_s)
                await self._write(type="connection_ack")
                await self._listen(identity)
        except TimeoutError:
            if lives.are_over:  # what was asked gets its answer; clients come again, elsewhere
                await asyncio.gather(*self._tasks, return_exceptions=True)  # some may have been ended by the client
                raise Closing(1012, "Service restart") from None
            if is_known:  # they may come again, with a new token
                raise Closing(4403, "Forbidden") from None
            raise Closing(4408, "Connection initialisation timeout") from None
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _first(self) -> Identity:
        """Who asks, as the first message says."""
        while not isinstance(message := await self._next(), Init):
            if isinstance(message, Subscribe | Complete):
                raise Closing(4401, "Unauthorized")
            await self._reply(message)
        try:
            return await self._endpoint.guard.authenticate_connection(message.payload or {}, self._headers)
        except UnauthenticatedError:
            raise Closing(4403, "Forbidden") from None

    def _enter(self, place: contextlib.AsyncExitStack, identity: Identity) -> None:
        try:
            place.enter_context(self._endpoint.streams.operations.door.socket()).take(identity.name)
        except RateLimitedError:
            raise Closing(1013, "Try again later") from None

    async def _listen(self, identity: Identity) -> Never:
        while True:
            match await self._next():
                case Init():
                    raise Closing(4429, "Too many initialisation requests")
                case Subscribe(key, request):
                    if key in self._operations:
                        raise Closing(4409, f"Subscriber for {key} already exists"[:LONGEST_REASON])
                    await self._begin(key, request, identity)
                case Complete(key):
                    if task := self._operations.pop(key, None):
                        task.cancel()
                case message:
                    await self._reply(message)

    async def _next(self) -> Message:
        await asyncio.sleep(0)  # thousands may have come at once, and others want to be served as well
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            raise ClientDisconnect
        try:
            return _decoder.decode(received.get("text") or b"")
        except (ValueError, RecursionError):  # also where it is binary, or half a character
            raise Closing(4400, "Invalid message") from None

    async def _reply(self, message: Message) -> None:
        if isinstance(message, Ping):
            await self._write(type="pong")

    async def _begin(self, key: str, request: GraphQLRequest, identity: Identity) -> None:
        while len(self._tasks) > self._endpoint.most_operations:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._operate(key, request, identity))
        self._operations[key] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _operate(self, key: str, request: GraphQLRequest, identity: Identity) -> None:
        """Answer one operation."""
        request_id = request_id_of({})

        async def tell(answer: Answer) -> None:
            errors = answer.payload.get("errors", ())
            # One that its field refuses is answered: gateways lose what "error" says.
            if answer.is_refusal and not any("path" in error for error in errors):
                await self._end(key, type="error", payload=errors)
            else:
                await self._write(id=key, type="next", payload=answer.payload)

        with ToldRequest(request_id, self._headers) as told, contextlib.suppress(ClientDisconnect):
            told.caller = identity.name
            if await self._endpoint.streams.run(Operation(request, identity, request_id, told), tell):
                await self._end(key, type="complete")

    async def _end(self, key: str, **message: object) -> None:
        """Send the last message of an operation, unless it has had one. Its id may be used again from then on."""
        if self._operations.get(key) is asyncio.current_task():
            del self._operations[key]
            await self._write(id=key, **message)

    async def _write(self, **message: object) -> None:
        text = msgspec.json.encode(message).decode()  # bytes would become a binary frame, which clients refuse
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError:
            raise ClientDisconnect from None
