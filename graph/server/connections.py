"""What bounds connections: uvicorn would keep them for as long as a client likes. And WebSockets that are bounded.

A connection ends whose client does not read what it is sent. What a client sends is taken in pieces, between which
others are served, and no faster than it is wanted: a quarter of a megabyte, which is read at once, may be 40,000 frames
or chunks.
"""

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from graph import clock

READING_S = 60.0
PIECE = 1024  # bytes: hundreds of frames, if they are small
TURN_S = 0.002  # of pieces, before it is the others' turn
CLOSING_S = 2.0  # that a client has to answer that its WebSocket is closed
MOST_FRAGMENTS = 1000  # of one message


class _Application(Protocol):
    """Who takes what a client sends, and says so where it is too much for now."""

    read_paused: bool


class Bounded(asyncio.Protocol):
    """A connection that others need not wait for, and that ends when its client stops reading."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    application: "_Application"
    _is_due = False
    _reading: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unread = bytearray()  # of which the next piece is taken at no more cost, however much there is

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
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            self.take_piece(piece)
            if clock.monotonic() >= until:
                break
        self.read_on()

    def take_piece(self, piece: bytes) -> None:
        """Take a piece."""
        super().data_received(piece)

    def read_on(self) -> None:
        """Take the next pieces soon, if they are wanted; who has none left may send more."""
        if self.transport.is_closing():
            self._unread.clear()
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

    def eof_received(self) -> None:
        """The client says nothing more: it wants nothing more."""
        super().eof_received()
        self.end()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._time_reading()

    def resume_writing(self) -> None:
        """It has read most of it."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_reading()

    def end(self) -> None:
        """Close it, once its client has read what it was sent."""
        self.transport.close()
        self._time_reading()

    def _time_reading(self) -> None:
        if self._reading is None:
            self._reading = self.loop.call_later(READING_S, self.transport.abort)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


class BoundedSocket(Bounded, WebSocketsSansIOProtocol):
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
