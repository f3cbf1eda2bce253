"""One request of a connection and its answer: what passes between the connection and the application."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope

from graph.errors import ConfgraphError
from graph.schema.errors import MASKED
from graph.server.headers import request_id_of
from graph.telemetry.logs import log, told_of

JOINED = 65_536  # bytes: a body up to that goes out in one piece with its head
LINES = {int(status): b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Line(Protocol):
    """A connection, as far as one exchange needs it.

    Attributes:
        transport: Sends.
        is_unread: The client has much to read yet.
    """

    transport: asyncio.Transport
    is_unread: bool

    @property
    def said(self) -> Sequence[tuple[bytes, bytes]]:
        """Headers of every answer."""

    async def read(self) -> None:
        """Wait until the client has read most of it."""

    def want(self) -> None:
        """Take more of what the client sends."""

    def answered(self, exchange: "Exchange") -> None:
        """An answer is complete."""

    def end(self) -> None:
        """Close it, once what was sent is read."""


class Exchange:
    """One request, as it arrives, and its answer.

    Attributes:
        body: What has come of the body, and was not taken yet.
        is_whole: All of it has come.
        has_begun: The answer, or what there is of it, is sent.
        is_over: The request is answered, or its client gone.
    """

    __slots__ = (
        *("_answer", "_asked", "_chunked", "_given", "_left", "_line", "_news", "_scope"),
        *("body", "expects_word", "has_begun", "is_last", "is_over", "is_whole"),
    )

    def __init__(self, line: Line, scope: Scope, *, is_last: bool, expects_word: bool) -> None:
        """Begin.

        Args:
            line: Where it takes place.
            scope: Of the request.
            is_last: The connection ends with it.
            expects_word: The client sends the body once it is told to.
        """
        self._line = line
        self._scope = scope
        self._answer: Message | None = None  # its status and headers: they are sent with what comes first of its body
        self._news: asyncio.Future[None] | None = None
        self._asked = False  # the application has looked at it
        self._given = False  # the application has the whole body
        self._chunked = False
        self._left: int | None = None  # of the length that the head of the answer says
        self.body = bytearray()
        self.is_last = is_last
        self.expects_word = expects_word
        self.is_whole = self.has_begun = self.is_over = False

    async def run(self, app: ASGIApp) -> None:
        """Have an application answer. Where it does not, the client is told so, or the connection ends."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are served on
            log.error("internal error", **told_of(error))
        finally:
            if not self.is_over:
                if not self.has_begun:
                    self._line.transport.write(raw_refusal(HTTPStatus.INTERNAL_SERVER_ERROR, ConfgraphError(MASKED)))
                self._line.end()

    def wake(self) -> None:
        """Tell the application that something has changed, if it waits for that."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def give_up(self) -> None:
        """Nobody waits for the answer any more."""
        self.is_over = True
        self.wake()

    async def receive(self) -> Message:
        """The next of the body, and then that it is over.

        At first that is what has come by now, even if it is nothing: who does not wait needs no timer.
        """
        if self.expects_word and not self.has_begun and not self.is_over:
            self.expects_word = False
            self._line.transport.write(GO_ON)
        while self._asked and not self.is_over and (self._given or not (self.body or self.is_whole)):
            self._line.want()
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        self._asked = True
        if self.is_over:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        self._given = self.is_whole
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def send(self, message: Message) -> None:
        """Send a part of the answer. What ends it returns once the client has read most of it.

        So an answer counts as under way for as long as it takes up memory here.
        """
        line = self._line
        if line.is_unread:
            await line.read()
        if self.is_over:
            return
        if message["type"] == "http.response.start":
            self._answer = message
            return
        body, has_more = message.get("body", b""), message.get("more_body", False)
        head, self._answer = self._head(self._answer) if self._answer else b"", None
        body = self._framed(body, has_more=has_more)
        self.has_begun = True
        if len(body) <= JOINED:
            line.transport.write(head + body)
        else:
            line.transport.write(head)
            line.transport.write(body)
        if not has_more:
            if self._left and self._scope["method"] != "HEAD":
                raise ValueError("The answer is shorter than it said.")  # and breaks off, for the client to know
            if line.is_unread:
                await line.read()
            self.give_up()
            line.answered(self)

    def _framed(self, body: bytes, *, has_more: bool) -> bytes:
        if self._scope["method"] == "HEAD":
            return b""
        if self._chunked:
            return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if has_more else b"0\r\n\r\n")
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                raise ValueError("The answer is longer than it said.")
        return body

    def _head(self, answer: Message) -> bytes:
        status = answer["status"]
        headers = [*self._line.said, *answer.get("headers", ())]
        said: dict[bytes, bytes] = dict(headers)
        parts = [LINES[status], *[b"%b: %b\r\n" % (name, value) for name, value in headers]]
        if b"content-length" in said:
            self._left = int(said[b"content-length"])
        elif status not in WITHOUT_BODY:
            if self._scope["http_version"] == "1.1":
                self._chunked = True
                parts.append(b"transfer-encoding: chunked\r\n")
            else:
                self.is_last = True
        is_told = said.get(b"connection") == b"close"
        # The client may send the body that it was to be told to or, as well, its next request.
        self.is_last |= is_told or self.expects_word
        if self.is_last and not is_told:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        head = b"".join(parts)
        if not head.count(b"\n") == head.count(b"\r") == len(parts):
            raise ValueError("The answer has a header of several lines.")
        return head


def raw_refusal(status: HTTPStatus, error: ConfgraphError) -> bytes:
    """An answer to what never reaches the application, or is not answered by it."""
    request_id = request_id_of({})
    told = {"message": error.message, "extensions": {"code": error.code, "requestId": request_id}}
    body = json.dumps({"errors": [told]}).encode()
    head = (
        "content-type: application/json; charset=utf-8\r\n"
        f"x-request-id: {request_id}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return LINES[status] + head.encode() + body
