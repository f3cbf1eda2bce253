"""One connection that speaks HTTP/1.1: a request, its whole answer, then the next request."""

import asyncio
import re
import select
from typing import cast

import httptools
import httpx

from graph.transport.bodies import TooLongError

MOST_HEAD = 100_000  # bytes of an answer before its body, and of all that is around that
_HEADER = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)


def message_of(request: httpx.Request) -> bytes:
    """A request as it is sent.

    Raises:
        httpx.LocalProtocolError: something fits into no header.
    """
    headers = [b"%s: %s" % header for header in request.headers.raw]
    if not all(map(_HEADER.fullmatch, headers)):
        raise httpx.LocalProtocolError("fits into no header")
    first = b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)
    return b"\r\n".join([first, *headers, b"", request.content])


class Connection(asyncio.Protocol):
    """Sends one request at a time. The parser calls the methods `on_*` with what an answer is made of.

    Attributes:
        gone: Done once the connection is closed.
        used_at: When it was used last, on the monotonic clock: a note of who keeps it.
    """

    def __init__(self) -> None:
        self.gone = asyncio.get_running_loop().create_future()
        self.used_at = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._readable = select.poll()
        self._answer: asyncio.Future[httpx.Response | Exception] | None = None
        self._most = self._received = 0
        self.on_message_begin()

    @property
    def is_ready(self) -> bool:
        """Whether it takes a request: the last answer is read, and nothing came since, such as that it closes."""
        return self._can_go_on and not self._transport.is_closing() and not self._readable.poll(0)

    async def ask(self, message: bytes, most: int) -> httpx.Response:
        """Send a request and read its answer. Where that fails, or ends the connection, it is closed.

        Args:
            message: What is sent.
            most: So many bytes the body may have, give or take `MOST_HEAD`.

        Raises:
            TooLongError: it has more. The rest is not read.
            httpx.TransportError: the connection broke, or what came is no HTTP.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._most, self._received = most, 0
        self.on_message_begin()  # nothing of the last answer is left
        self._transport.write(message)
        try:
            answer = await self._answer
        finally:
            self._answer = None
            if not self._can_go_on:
                self.abort()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def abort(self) -> None:
        """Close it, whatever is under way."""
        self._transport.abort()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed; so ends a body of which nothing else tells the end."""
        self.gone.set_result(None)
        names = {name.lower() for name, _ in self._headers}
        is_whole = self._has_head and not error and names.isdisjoint((b"content-length", b"transfer-encoding"))
        self._end(self._response() if is_whole else httpx.ReadError("broken"))

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._answer is None:  # and nobody had asked
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._can_go_on = False
            self._end(httpx.RemoteProtocolError("no HTTP"))
        if self._received > MOST_HEAD and not self._has_head:
            self._end(httpx.RemoteProtocolError("no end of its head"))
        elif self._received > MOST_HEAD + self._most:
            self._end(TooLongError())

    # ---- what the parser tells

    def on_message_begin(self) -> None:
        """An answer begins; where one has ended already, it is none to what was asked."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._has_head = self._can_go_on = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; those behind the body are not kept."""
        if not self._has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The body comes next, unless it only says that the answer is to come."""
        self._has_head = self._parser.get_status_code() >= 200

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._has_head and self._answer and not self._answer.done():
            self._can_go_on = self._parser.should_keep_alive()
            self._end(self._response())

    def _response(self) -> httpx.Response:
        body = httpx.ByteStream(b"".join(self._body))
        return httpx.Response(self._parser.get_status_code(), headers=self._headers, stream=body)

    def _end(self, answer: httpx.Response | Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)
