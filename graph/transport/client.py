"""One HTTP client per source: sends one vendor request within its time, and remembers how the source fares.

An adapter describes the request and reads the reply; what is learned from HTTP itself becomes an error here.
Nothing of a request or a body is ever put into an error: both hold credentials and personal data.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import httpx

from graph import clock
from graph.errors import (
    FatalVendorError,
    UnsupportedError,
    VendorError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.records import SourceError, SourceHealth, SourceState
from graph.transport.deadline import within_deadline
from graph.transport.messages import Retry, VendorReply, VendorRequest

T = TypeVar("T")

MAX_CONNECTIONS = 20
KEEP_ALIVE_S = 4.0  # many servers close an idle connection after five seconds: be first
# Whatever level the process logs at: their lines hold whole addresses and headers, some of which are credentials.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


class VendorClient:
    """Sends requests to one source. Make one per source and keep it: its connections are pooled."""

    def __init__(
        self, source: str, base_url: str, timeout_s: float, sign: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        """Args: sign: gives the headers that must be fresh for each request."""
        self.source = source
        self.timeout_s = timeout_s
        self.sign = sign
        self._base_url = base_url.rstrip("/")
        # httpx's own pool collapses when many callers wait in it: they wait here instead.
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
        )
        self._http = httpx.AsyncClient(limits=limits, timeout=None, trust_env=False)  # noqa: S113 - one for the whole request, in _send
        self._last_success_at: datetime | None = None
        self._last_error: SourceError | None = None
        self._failures = 0

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    def health(self) -> SourceHealth:
        """How the source fared lately: DOWN after three failures in a row."""
        if self._failures:
            state = SourceState.DOWN if self._failures >= 3 else SourceState.DEGRADED
        else:
            state = SourceState.UP if self._last_success_at else SourceState.UNKNOWN
        return SourceHealth(state=state, last_success_at=self._last_success_at, last_error=self._last_error)

    async def call(self, request: VendorRequest, read: Callable[[VendorReply], T]) -> T:
        """Send a request and read its reply.

        Args:
            request: What to send.
            read: Makes the result of the reply, or raises the VendorError that the vendor's own code stands for.

        Raises:
            VendorTimeoutError: no whole answer within `timeout_s`, or within the deadline of the request.
            VendorUnavailableError: no connection, or one that broke.
            VendorError: whatever `read` raised.
        """
        seconds = within_deadline(self.timeout_s)
        if not seconds:
            raise VendorTimeoutError(
                f"The time of this request was used up before {request.endpoint} was asked.",
                source=self.source,
                endpoint=request.endpoint,
            )
        try:
            result = read(await self._send(request, seconds))
        except UnsupportedError:
            raise
        except VendorError as error:
            # A source that was given less than its time did not fail.
            if seconds == self.timeout_s or not isinstance(error, VendorTimeoutError):
                self._failures += 1
                self._last_error = SourceError.of(error)
            raise
        self._failures = 0
        self._last_success_at = clock.now()
        return result

    async def _send(self, request: VendorRequest, seconds: float) -> VendorReply:
        where: dict[str, Any] = {"source": self.source, "endpoint": request.endpoint}
        try:
            # httpx bounds each read, not their sum: a dripping body is cut here.
            async with asyncio.timeout(seconds), self._slots:
                response = await self._exchange(request)
        except TimeoutError:
            said = f"{request.endpoint} gave no whole answer within {seconds:.3g} s."
            raise VendorTimeoutError(said, **where) from None
        except (httpx.LocalProtocolError, UnicodeError):  # a credential that fits no header
            raise FatalVendorError(f"{request.endpoint} could not be asked.", **where) from None
        except httpx.ConnectError:
            raise VendorUnreachableError(f"{request.endpoint} could not be reached.", **where) from None
        except (httpx.TransportError, httpx.DecodingError):
            raise VendorUnavailableError(f"{request.endpoint} broke the connection.", **where) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise FatalVendorError(f"{request.endpoint} could not be asked.", **where) from None
        except RuntimeError:
            if not self._http.is_closed:
                raise
            raise VendorUnavailableError(f"{request.endpoint} is not asked any more.", **where) from None
        return VendorReply(self.source, request.endpoint, response.status_code, response.headers, response.content)

    async def _exchange(self, request: VendorRequest) -> httpx.Response:
        try:
            return await self._post(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            # A pooled connection that the vendor was just closing: once more, on another one.
            if request.retry is not Retry.ALWAYS:
                raise
            return await self._post(request)

    async def _post(self, request: VendorRequest) -> httpx.Response:
        return await self._http.request(
            request.method,
            self._base_url + request.path,
            params=dict(request.params),
            headers={**request.headers, **(self.sign() if self.sign else {})},
            json=request.json,
            data=request.form,
        )
