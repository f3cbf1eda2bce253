"""Connections that speak HTTP/1.1, and the requests that come on each.

Here end those whose client takes its time: to send the head of a request, to send the rest of a body that nobody wants
any more, and to ask again. (A body that is wanted has the deadline of its request.)
"""

import asyncio
import resource
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from graph.errors import BadUserInputError
from graph.server.connections import Bounded
from graph.server.exchange import Exchange, raw_refusal

HEAD_S = 10.0
MAX_HEAD = 32_768  # bytes
MUCH = 65_536  # bytes of a body that wait to be looked at
MAX_CONNECTIONS = 4096
NOT_HTTP = (
    "This request is malformed or ambiguous (one Host, CRLF line ends, one length), "
    f"or its head is over {MAX_HEAD // 1024} KB."
)
ASGI = {"version": "3.0", "spec_version": "2.3"}
ANY = -1
VERSIONS = {"1.0": ANY, "1.1": 1}  # how many hosts each names
BLANKS = b" \t"  # around a value, and no part of it
CHUNKED = ("1.1", b"chunked", 1)  # said once


class _MalformedError(Exception):
    """What came is no request, though the parser takes it for one."""


class BoundedProtocol(Bounded):
    """One connection of a client, who has only so much time. The parser calls the methods `on_*`, as requests arrive.

    Requests are answered in turn. What comes behind one that is not answered yet is left until it is.

    Attributes:
        is_unread: The client has much to read yet.
        read_paused: What it sends is not wanted for now.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__()
        self.loop = _loop or asyncio.get_running_loop()
        self.application = self
        self.read_paused = self.is_unread = False
        self._config, self._state, self._app_state = config, server_state, app_state
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None  # that is under way
        self._waiting: deque[Exchange] = deque()  # those behind it
        self._arriving: Exchange | None = None  # whose body comes next
        self._is_within = False  # a request of which more is to come
        self._is_last = False  # whatever comes behind it is none
        self._is_torn = False  # what came behind it was none
        self._fruitless = 0  # bytes that came since those of a body
        self._is_read = asyncio.Event()
        self._is_read.set()
        self._end: asyncio.TimerHandle | None = None
        self._is_urged = False  # to send what it has begun
        self._head = b""  # that offers another protocol
        self._is_websocket = False

    @property
    def said(self) -> Sequence[tuple[bytes, bytes]]:
        """Headers of every answer."""
        return self._state.default_headers

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; it is sent away where there are too many, for vendors need connections as well."""
        self.transport = cast("asyncio.Transport", transport)
        self._client, self._server = get_remote_addr(self.transport), get_local_addr(self.transport)
        self._state.connections.add(cast("Any", self))
        if len(self._state.connections) > most_connections():
            self.transport.abort()
        else:
            self._urge()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._state.connections.discard(cast("Any", self))
        self._stop_clock()
        if self._exchange is not None:
            self._exchange.give_up()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self.is_unread = True
        self._is_read.clear()

    def resume_writing(self) -> None:
        """It has read most of it."""
        super().resume_writing()
        self.is_unread = False
        self._is_read.set()

    # ---- what the server tells

    def shutdown(self) -> None:
        """The process ends."""
        if self._exchange is None:
            self.end()
        else:
            self._exchange.is_last = True

    # ---- what an exchange asks for

    async def read(self) -> None:
        """Wait until the client has read most of what it was answered."""
        await self._is_read.wait()

    def want(self) -> None:
        """Take more of what the client sends."""
        if self.read_paused and not self._waiting:
            self.read_paused = False
            self.read_on()

    def answered(self, exchange: Exchange) -> None:
        """An answer is complete: it is the next one's turn."""
        self._exchange = None
        if self.transport.is_closing():
            return
        if exchange.is_last:
            self.end()
        elif self._waiting:
            self._serve(self._waiting.popleft())
        elif self._is_torn:
            self._refuse()
        else:
            self._wait()
            self.want()

    # ---- what the parser tells

    def take_piece(self, piece: bytes) -> None:
        """Take a piece. A head comes in several, so nobody need look at the length of one that came whole."""
        while piece and not (self._is_last and not self._is_within):
            self._fruitless += len(piece)
            try:
                self._parser.feed_data(piece)
                piece = b""
            except httptools.HttpParserUpgrade as found:
                head, self._head = self._head, b""
                piece = piece[found.args[0] :]
                if self._is_websocket:
                    self._speak_websocket(head, piece)
                    return
                self._parser = httptools.HttpRequestParser(self)  # that one is done, if the connection ends with it
                piece = head + piece
            except httptools.HttpParserError as error:
                if error.__context__ is not None and not isinstance(error.__context__, _MalformedError):
                    raise  # a fault of ours
                if self._is_within or not self._is_last:
                    self._refuse()
                return
        if self._fruitless > MAX_HEAD:
            self._refuse()
        elif self._is_within and self._exchange is None and not self._is_urged:
            self._urge()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._is_last:
            raise _MalformedError
        self._is_within = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._arriving = None
        if self._exchange is not None:
            self.read_paused = True

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; those behind the body are not kept."""
        if self._arriving is None:
            self._headers.append((name.lower(), value.rstrip(BLANKS)))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._fruitless = 0
        parser = self._parser
        version = parser.get_http_version()
        said: dict[bytes, bytes] = dict(self._headers)
        names = [name for name, _ in self._headers]
        hosts, encodings = names.count(b"host"), names.count(b"transfer-encoding")
        # What somebody else might read otherwise is refused, as far as the parser lets it pass.
        if (
            VERSIONS.get(version) not in (hosts, ANY)
            or hosts > 1
            or (encodings and (version, said[b"transfer-encoding"].lower(), encodings) != CHUNKED)
        ):
            raise _MalformedError
        if parser.should_upgrade():
            self._offer(said.get(b"upgrade", b"").lower())
            return
        path, _, query = self._url.partition(b"?")
        scope = {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": "http",
            "method": parser.get_method().decode("ascii"),
            "root_path": "",
            "path": unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii"),
            "raw_path": path,
            "query_string": query,
            "headers": self._headers,
            "state": self._app_state.copy(),
        }
        self._is_last = version == "1.0" or not parser.should_keep_alive()
        expects_word = version == "1.1" and said.get(b"expect", b"").lower() == b"100-continue"
        self._arriving = Exchange(self, scope, is_last=self._is_last, expects_word=expects_word)
        if self._exchange is None:
            self._serve(self._arriving)
        else:
            self._waiting.append(self._arriving)

    def _offer(self, protocol: bytes) -> None:
        """Look at what the client offers to speak. Where it is not spoken, the head is read again without that offer.

        The parser would take the body for something in that protocol.
        """
        method = self._parser.get_method()
        self._is_websocket = protocol == b"websocket"
        if method == b"CONNECT" or (self._is_websocket and self._exchange is not None):
            raise _MalformedError
        kept = [header for header in self._headers if self._is_websocket or header[0] != b"upgrade"]
        lines = b"".join([b"%b: %b\r\n" % header for header in kept])
        self._head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._url, self._parser.get_http_version().encode(), lines)

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._fruitless = 0
        exchange = self._arriving
        if exchange is None or exchange.is_over:
            return
        exchange.body += part
        if len(exchange.body) > MUCH:
            self.read_paused = True
        exchange.wake()

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._head:
            return
        self._fruitless = 0
        self._is_within = False
        if self._arriving is not None:
            self._arriving.is_whole = True
            self._arriving.wake()
        if self._exchange is None:
            self._wait()

    def _serve(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._stop_clock()
        # In a context of its own: it may begin within the one before, of which it is to know nothing.
        task = self.loop.create_task(exchange.run(self._config.loaded_app), context=Context())
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def _refuse(self) -> None:
        """Answer what is no request, in its turn, as far as an answer is still possible."""
        torn = self._arriving if self._is_within else None  # whose body it is
        if torn is not None and torn.has_begun:
            self.transport.abort()
        elif self._exchange is not torn and self._exchange is not None:
            if torn is not None:
                self._waiting.pop()
            self._is_last = self._is_torn = True
            self._is_within = False
        else:
            self.transport.write(raw_refusal(HTTPStatus.BAD_REQUEST, BadUserInputError(NOT_HTTP)))
            self.end()
            if torn is not None:
                torn.give_up()

    def _speak_websocket(self, head: bytes, rest: bytes) -> None:
        """Speak WebSocket from now on: what comes next is taken by another."""
        self._stop_clock()
        self._state.connections.discard(cast("Any", self))
        self.read_paused = True
        rest += self._unread
        self._unread.clear()
        spoken: Any = self._config.ws_protocol_class
        protocol = spoken(config=self._config, server_state=self._state, app_state=self._app_state)
        protocol.connection_made(self.transport)
        protocol.data_received(head)
        self.transport.set_protocol(protocol)
        protocol.data_received(rest)

    def _wait(self) -> None:
        """Give a client that was answered some time to ask again; less, if it has yet to send what nobody wants."""
        if self._is_within:
            self._urge()
        else:
            self._stop_clock()
            self._end = self.loop.call_later(self._config.timeout_keep_alive, self.end)

    def _urge(self) -> None:
        """Give a client that nobody works for so long from the first byte that it sends, however many follow."""
        self._stop_clock()
        self._end = self.loop.call_later(HEAD_S, self.transport.abort)
        self._is_urged = True

    def _stop_clock(self) -> None:
        self._is_urged = False
        if self._end is not None:
            self._end.cancel()
            self._end = None


def most_connections() -> int:
    """As many as leave half of the process's files for other things."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 2)
