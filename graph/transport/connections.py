"""The connections to one source, in the place of httpx's own pool.

That one slows down as requests wait in it, loses a place for good to a request that is cancelled just before it
connects, and takes several times the work. Nobody waits here: requests take their turns before.
"""

import asyncio
import contextlib
import socket
import ssl
from functools import cache
from pathlib import Path

import httpx

from graph import __version__, clock
from graph.transport.bodies import ACCEPTED
from graph.transport.connection import Answer, Connection

KEEP_ALIVE_S = 4.0  # many servers close an idle connection after five seconds: be first
PATIENCE_S = 1.0  # with one address of a server that has others
WHYS: tuple[tuple[type[OSError], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not to be trusted"),
    (ssl.SSLError, "no TLS of version 1.2 or later could be agreed on"),
    (socket.gaierror, "its name could not be resolved"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "it broke off before TLS could be agreed on"),
    (TimeoutError, "no answer"),
)
HEADERS = {"accept": "*/*", **ACCEPTED, "connection": "keep-alive", "user-agent": f"confgraph/{__version__}"}


class Connections:
    """Keeps connections for the next request, those used last on top. All requests go to one server.

    Redirects are not followed, as they carry credentials to wherever they lead; no proxy is asked and no cookie kept.

    Attributes:
        is_closed: Nothing is sent any more.
    """

    def __init__(self, most: int, ca_file: Path | None = None) -> None:
        """Make none yet.

        Args:
            most: So many bytes the body of an answer may have as it comes, give or take what is around it.
            ca_file: Certificates of authorities to trust besides those everybody trusts.
        """
        self.is_closed = False
        self._most = most
        self._tls = tls_context(ca_file)
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []

    async def ask(self, url: httpx.URL, message: bytes, seconds: float) -> Answer:
        """Send a request.

        Args:
            url: Tells the server; all requests go to the same.
            message: The request, as `message_of` makes them.
            seconds: How long all of it may take.

        Raises:
            TimeoutError: it took longer.
            TooLongError: the body is longer than allowed.
            httpx.ConnectError: no connection came about; `why_unreached` tells why.
            httpx.TransportError: the connection broke, or what came is no HTTP.
        """
        ends_at = asyncio.get_running_loop().time() + seconds
        connection = self._take()
        if connection is None:
            async with asyncio.timeout_at(ends_at):
                connection = await self._connect(url)
        if self.is_closed:  # meanwhile
            connection.abort()
        try:
            return await connection.ask(message, self._most, ends_at)
        finally:
            self._give_back(connection)

    async def aclose(self) -> None:
        """Close all; requests under way break off."""
        self.is_closed = True
        for connection in self._open:
            connection.abort()
        if self._open:
            await asyncio.wait([connection.gone for connection in self._open])

    def _take(self) -> Connection | None:
        """One that can be used again."""
        while self._idle:
            connection = self._idle.pop()
            if clock.monotonic() - connection.used_at < KEEP_ALIVE_S and connection.is_ready:
                return connection
            connection.abort()
        return None

    def _give_back(self, connection: Connection) -> None:
        """Keep a connection that can be used again. The one unused for longest may have to go."""
        now = clock.monotonic()
        if connection.can_go_on:
            connection.used_at = now
            self._idle.append(connection)
        if self._idle and now - self._idle[0].used_at >= KEEP_ALIVE_S:
            self._idle.pop(0).abort()

    async def _connect(self, url: httpx.URL) -> Connection:
        """Open one, to the first of the server's addresses that answers."""
        name, port = url.raw_host.decode("ascii"), url.port or {"http": 80, "https": 443}[url.scheme]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
            *others, last = [str(address[0]) for *_, address in found]
            for address in others:
                with contextlib.suppress(TimeoutError, OSError):
                    async with asyncio.timeout(PATIENCE_S):
                        return await self._open_one(address, port, name, url.scheme)
            return await self._open_one(last, port, name, url.scheme)
        except OSError as error:
            raise httpx.ConnectError("not reached") from error

    async def _open_one(self, address: str, port: int, name: str, scheme: str) -> Connection:
        is_safe = scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection,
            address,
            port,
            ssl=self._tls if is_safe else None,
            server_hostname=name if is_safe else None,
        )
        self._open.add(connection)
        connection.gone.add_done_callback(lambda _: self._open.discard(connection))
        return connection


@cache
def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """TLS of today, which wants a certificate of the server's name. Nothing turns that off.

    Args:
        ca_file: Certificates of authorities to trust besides those everybody trusts.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def why_unreached(error: httpx.ConnectError) -> str:
    """How a sentence ends that says that no connection came about: why, where that is known, and no address."""
    return next((f": {why}" for kind, why in WHYS if isinstance(error.__cause__, kind)), "")
