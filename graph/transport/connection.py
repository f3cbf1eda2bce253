"""One connection that speaks HTTP/1.1: a request, its whole answer, then the next request."""

import asyncio
import re
import select
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import httptools
import httpx

from graph.transport.bodies import TooLongError

MOST_HEAD = 100_000  # bytes of an answer before its body, and of all that is around that
_HEADERS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[!-~](?:[\t -~]*[!-~])?)?\r\n)*")


def start_of(method: str, url: httpx.URL, headers: Mapping[str, str]) -> bytes:
    """How requests of a kind begin: their first line, the header that names the server, and others they all have.

    Raises:
        httpx.LocalProtocolError: something fits into no header.
    """
    first = b"%s %s HTTP/1.1\r\nHost: %s\r\n" % (method.encode("ascii"), url.raw_path, url.netloc)
    return first + _lines(headers)


def message_of(start: bytes, headers: Mapping[str, str], content: bytes) -> bytes:
    """A request as it is sent.

    Args:
        start: How it begins, by `start_of`.
        headers: All others.
        content: Its body.

    Raises:
        httpx.LocalProtocolError: something fits into no header.
    """
    return b"%s%s\r\n%s" % (start, _lines(headers), content)


def _lines(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or not _HEADERS.fullmatch(lines):
        raise httpx.LocalProtocolError("fits into no header")
    return lines.encode("ascii")


class Answer(NamedTuple):
    """What came for a request.

    Attributes:
        status: The number HTTP gives it.
        headers: As they came.
        body: As it came, whole.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def encoding(self) -> str:
        """How its body is packed; empty where it is not."""
        found = [value.strip() for name, value in self.headers if name.lower() == b"content-encoding"]
        return b", ".join(found).decode("latin-1")


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
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Answer | Exception] | None = None
        self._most = self._received = 0
        self.on_message_begin()

    @property
    def can_go_on(self) -> bool:
        """Whether it may take a request: the last answer is read, and it was not closed since."""
        return self._can_go_on and not self._transport.is_closing()

    @property
    def is_ready(self) -> bool:
        """Whether it takes a request now: nothing has come since either, such as that the other side closes."""
        return self.can_go_on and not self._readable.poll(0)

    async def ask(self, message: bytes, most: int, ends_at: float) -> Answer:
        """Send a request and read its answer. Where that fails, or ends the connection, it is closed.

        Args:
            message: What is sent.
            most: So many bytes the body may have, give or take `MOST_HEAD`.
            ends_at: When the answer must be there, on the clock of the event loop.

        Raises:
            TimeoutError: it was not.
            TooLongError: it has more. The rest is not read.
            httpx.TransportError: the connection broke, or what came is no HTTP.
        """
        self._answer = self._loop.create_future()
        self._most, self._received = most, 0
        self.on_message_begin()  # nothing of the last answer is left
        self._transport.write(message)
        timer = self._loop.call_at(ends_at, self._end, TimeoutError())
        try:
            answer = await self._answer
        finally:
            timer.cancel()
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
        self._end(self._whole() if is_whole else httpx.ReadError("broken"))

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
            self._end(self._whole())

    def _whole(self) -> Answer:
        body, self._body = b"".join(self._body), []  # who waits for the next request holds no answer
        return Answer(self._parser.get_status_code(), self._headers, body)

    def _end(self, answer: Answer | Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)
