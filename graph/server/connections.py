"""Connections that are no use to anybody: uvicorn would keep them for as long as a client likes.

It ends those on which nothing happens after an answer. Here end, too, those whose client takes its time: to send the
head of a request, to send the rest of a body that nobody wants any more, and to read what was answered. (A body that
is wanted has the deadline of its request.)

What a client sends is taken in pieces, between which others are served, and no faster than it is wanted: a quarter of
a megabyte, which is read at once, may be 40,000 frames or chunks.
"""

import asyncio
import json
import resource
from collections.abc import Callable
from typing import Any, Protocol

import h11
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from graph import clock
from graph.errors import BadUserInputError
from graph.server.headers import request_id_of

HEAD_S = 10.0
READING_S = 60.0
MAX_HEAD = 32_768  # bytes
PIECE = 1024  # bytes: hundreds of frames, if they are small
TURN_S = 0.002  # of pieces, before it is the others' turn
CLOSING_S = 2.0  # that a client has to answer that its WebSocket is closed
MOST_FRAGMENTS = 1000  # of one message
MAX_CONNECTIONS = 4096
NOT_HTTP = "This is no HTTP request, or its head is too long."


class _Application(Protocol):
    """Who takes what a client sends, and says so where it is too much for now."""

    read_paused: bool


class _Bounded(asyncio.Protocol):
    """A connection that others need not wait for, and that ends when its client stops reading."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    application: "_Application"
    _unread = b""
    _is_due = False
    _reading: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what the client sent, as far as its turn goes, and the rest in further ones."""
        self._unread += data
        if self._is_due:
            self.read_on()
        else:
            self.take()

    def take(self) -> None:
        """Take pieces for a turn, as long as they are wanted."""
        self._is_due = False
        until = clock.monotonic() + TURN_S
        while self._unread and not self.application.read_paused and not self.transport.is_closing():
            piece, self._unread = self._unread[:PIECE], self._unread[PIECE:]
            super().data_received(piece)
            if clock.monotonic() >= until:
                break
        self.read_on()

    def read_on(self) -> None:
        """Take the next pieces soon, if they are wanted; who has none left may send more."""
        if self.transport.is_closing():
            self._unread = b""
        elif self._unread:
            self.transport.pause_reading()
        if self.application.read_paused or self._is_due:
            return
        if self._unread:
            self._is_due = True
            self.loop.call_soon(self.take)
        else:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._stop_reading()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._reading = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read most of it."""
        super().resume_writing()
        self._stop_reading()

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


class BoundedProtocol(_Bounded, H11Protocol):
    """One connection of a client, who has only so much time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected; it is sent away where there are too many, for vendors need connections as well."""
        self._sending: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self.flow = self.application = _Flow(transport, self.read_on)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._stop_sending()

    def take(self) -> None:
        """Take pieces: nobody would look at the length of a head that came whole."""
        super().take()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Speak WebSocket from now on: what comes next is taken by another."""
        self.flow.pause_reading()
        super().handle_websocket_upgrade(event)
        rest, self._unread = self._unread, b""
        protocol: Any = self.transport.get_protocol()
        protocol.data_received(rest)

    def _watch(self) -> None:
        """Give a client that nobody waits for so long from the first byte that it sends, however many follow."""
        if self.conn.their_state is not h11.IDLE and self.conn.our_state is not h11.DONE:
            self._stop_sending()
        elif self._sending is None:
            self._sending = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words for it
        """Answer what is no request, as far as an answer is still possible."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        request_id = request_id_of({})
        error = {"message": NOT_HTTP, "extensions": {"code": BadUserInputError.code, "requestId": request_id}}
        body = json.dumps({"errors": [error]}).encode()
        headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("x-request-id", request_id),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class BoundedSocket(_Bounded, WebSocketsSansIOProtocol):
    """One WebSocket, once a connection has become one: whatever its client sends or does not, it takes up little."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.application = self
        self.close_timeout = CLOSING_S
        self._ending: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        if self._ending is not None:
            self._ending.cancel()

    async def receive(self) -> Any:
        """What the client has to say."""
        message = await super().receive()
        self.read_on()
        return message

    async def send(self, message: Any) -> None:
        """Send what the application has to say."""
        await super().send(message)
        if self.close_sent:  # uvicorn would take a handshake that was refused for one that nobody answered
            self.handshake_complete = True
            self.read_on()

    def handle_ping(self) -> None:
        """Answer one; a client that does not read gets no answers that pile up."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take the next part of a message: its parts may be empty, so that no length ends it."""
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self._fail(1009, "too many fragments")

    def send_receive_event_to_app(self) -> None:
        """Take a whole message."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(1007, "invalid UTF-8")
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """The client has not answered: it would not read either that it is told so."""
        self.transport.abort()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Nobody serves it any more: the client has so long to read why."""
        super().on_task_complete(task)
        self._ending = self.loop.call_later(2 * CLOSING_S, self.transport.abort)

    def shutdown(self) -> None:
        """The process ends: who serves it knows, and closes it."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()


class _Flow(FlowControl):
    """Tells when the application wants more."""

    def __init__(self, transport: asyncio.Transport, read_on: Callable[[], None]) -> None:
        super().__init__(transport)
        self._read_on = read_on

    def resume_reading(self) -> None:
        """Let more be read."""
        super().resume_reading()
        self._read_on()


def most_connections() -> int:
    """As many as leave half of the process's files for other things."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 2)
