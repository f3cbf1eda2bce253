"""The connections to one source, in the place of httpx's own pool.

That one slows down as requests wait in it, and loses a place for good to a request that is cancelled just before it
connects. Nobody waits here: requests take their turns before.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpcore
import httpx

KEEP_ALIVE_S = 4.0  # many servers close an idle connection after five seconds: be first


class Connections(httpx.AsyncBaseTransport):
    """Keeps connections for the next request, those used last on top. Errors are those of httpcore.

    Args:
        ca_file: Certificates of authorities to trust besides those everybody trusts.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._tls = _tls(ca_file)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._busy: set[httpcore.AsyncHTTPConnection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Close the response, and its connection is kept or closed."""
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
        )
        connection = await self._take(asked.url.origin)
        try:
            answer = await connection.handle_async_request(asked)
        except BaseException:
            await self._give_back(connection)
            raise
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer, lambda: self._give_back(connection))
        )

    async def aclose(self) -> None:
        """Close all; requests under way break off."""
        connections = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        for connection in connections:
            await connection.aclose()

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while self._idle and self._idle[-1].has_expired():
            await self._idle.pop().aclose()
        if self._idle:
            connection = self._idle.pop()
        else:
            connection = httpcore.AsyncHTTPConnection(origin, ssl_context=self._tls, keepalive_expiry=KEEP_ALIVE_S)
        self._busy.add(connection)
        return connection

    async def _give_back(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection that can be used again. The one unused for longest may have to go."""
        is_kept = connection in self._busy and connection.is_available()
        self._busy.discard(connection)
        if is_kept:
            self._idle.append(connection)
        else:
            await connection.aclose()
        if self._idle and self._idle[0].has_expired():
            await self._idle.pop(0).aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._give_back = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()

    async def aclose(self) -> None:
        try:
            await self._answer.aclose()
        finally:
            await self._give_back()


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """TLS of today, which wants a certificate of the server's name. Nothing turns that off."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def is_about_certificate(error: BaseException | None) -> bool:
    """Whether no connection came about since the other side could not prove who it is."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
