"""Connections that are no use to anybody: uvicorn would keep them for as long as a client likes.

It ends those on which nothing happens after an answer. Here end, too, those whose client takes its time: to send the
head of a request, to send the rest of a body that nobody wants any more, and to read what was answered. (A body that
is wanted has the deadline of its request.)
"""

import asyncio
import json
import resource

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from graph.errors import BadUserInputError

HEAD_S = 10.0
READING_S = 60.0
MAX_HEAD = 32_768  # bytes
MAX_CONNECTIONS = 4096
NOT_HTTP = "This is no HTTP request, or its head is too long."


class BoundedProtocol(H11Protocol):
    """One connection of a client, who has only so much time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected; it is sent away where there are too many, for vendors need connections as well."""
        self._sending: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._stop_sending()
        self._stop_reading()

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        super().data_received(data)
        self._watch()

    def _watch(self) -> None:
        """Give a client that nobody waits for so long from the first byte that it sends, however many follow."""
        if self.conn.their_state is not h11.IDLE and self.conn.our_state is not h11.DONE:
            self._stop_sending()
        elif self._sending is None:
            self._sending = self.loop.call_later(HEAD_S, self.transport.abort)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._reading = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read most of it."""
        super().resume_writing()
        self._stop_reading()

    def _stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words for it
        """Answer what is no request, as far as an answer is still possible."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        error = {"message": NOT_HTTP, "extensions": {"code": BadUserInputError.code}}
        body = json.dumps({"errors": [error]}).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def most_connections() -> int:
    """As many as leave half of the process's files for other things."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 2)
