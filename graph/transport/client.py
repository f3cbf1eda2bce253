"""One HTTP client per source: sends one vendor request within its time, and remembers how the source fares.

An adapter describes the request and reads the reply; what is learned from HTTP itself becomes an error here.
Nothing of a request or a body is ever put into an error: both hold credentials and personal data.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec

from graph import clock
from graph.errors import (
    FatalVendorError,
    UnsupportedError,
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.records import SourceError, SourceHealth, SourceState
from graph.transport.deadline import within_deadline

T = TypeVar("T")

MAX_CONNECTIONS = 20
KEEP_ALIVE_S = 4.0  # many servers close an idle connection after five seconds: be first
# Whatever level the process logs at: their lines hold whole addresses and headers, some of which are credentials.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

_MSGSPEC_TEXT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?\Z", re.DOTALL)


@dataclass(frozen=True)
class VendorRequest:
    """One request to a vendor.

    Attributes:
        endpoint: The vendor's name of the report, for errors and counters; never an address.
        path: Appended to the source's `base_url`.
        json: The body as JSON, or
        form: the body as a form.
        is_safe: May be sent again after a broken connection; False for a scroll page, whose cursor may have moved.
    """

    endpoint: str
    path: str
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    is_safe: bool = True


@dataclass(frozen=True)
class VendorReply:
    """What came back: status, headers and the whole body."""

    source: str
    endpoint: str
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    def decode(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The typed body.

        Raises:
            VendorPayloadError: with the JSON path, what was expected and what kind of value stood there.
        """
        try:
            return decoder.decode(self.body)
        except msgspec.ValidationError as error:
            raise self.payload_error(*_explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self.payload_error("$", "expected JSON, found something else") from None

    def decode_envelope(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The part of the body that holds the vendor's own code, whatever the HTTP status.

        Raises:
            VendorError: what the HTTP status says, where the body has no such part.
        """
        try:
            return self.decode(decoder)
        except VendorPayloadError:
            self.raise_for_status()
            raise

    def payload_error(self, path: str, what: str) -> VendorPayloadError:
        """The error of a body that does not fit; `what` names types, never values."""
        return VendorPayloadError(
            f"The answer of {self.endpoint} does not fit its contract at {path}: {what}.",
            source=self.source,
            endpoint=self.endpoint,
            status=self.status,
        )

    def raise_for_status(self, vendor_code: str | None = None, request_id: str | None = None) -> None:
        """Raise what the HTTP status says, where it is not 2xx; a code of the body that means nothing goes along."""
        if 200 <= self.status < 300:
            return
        said = f"{self.endpoint} answered with HTTP status {self.status}."
        known: dict[int, type[VendorError]] = {
            401: VendorAuthError,
            403: VendorAuthError,
            408: VendorTimeoutError,
            429: VendorThrottledError,
            504: VendorTimeoutError,
        }
        kind = known.get(self.status, VendorUnavailableError if self.status >= 500 else VendorRefusedError)
        raise kind(
            said,
            source=self.source,
            endpoint=self.endpoint,
            status=self.status,
            vendor_code=vendor_code,
            request_id=request_id,
            retry_after_s=self.retry_after_s(),
        )

    def retry_after_s(self) -> float | None:
        """The Retry-After header in seconds, from either of its forms."""
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", text):
            return float(text)
        date = _http_date(text)
        return max(0.0, (date - clock.now()).total_seconds()) if date else None

    def clock_skew_s(self) -> float | None:
        """How far our clock is ahead of the vendor's, by its Date header."""
        date = _http_date(self.headers.get("date", ""))
        return (clock.now() - date).total_seconds() if date else None


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
            if not request.is_safe:
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


def _explain(error: msgspec.ValidationError) -> tuple[str, str]:
    """Path and types of a ValidationError, without the value that msgspec quotes for enums and formats."""
    match = _MSGSPEC_TEXT.match(str(error))
    what = match["what"] if match else ""
    path = (match["path"] if match else None) or "$"
    types = re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", what)
    if types:
        return path, f"expected {types[1]}, found {types[2]}"
    missing = re.fullmatch(r"Object missing required field `([^`]*)`", what)
    if missing:
        return path, f"expected the field {missing[1]}, found none"
    return path, "expected another value"


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
