"""What is sent to a vendor, and what comes back.

Nothing of a request or a body is ever put into an error: both hold credentials and personal data.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, TypeVar, cast

import httpx
import msgspec

from graph import clock
from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorGarbageError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.transport.drift import Drift
from graph.transport.lenient import read_leniently
from graph.transport.shapes import shape_of

T = TypeVar("T")


class Retry(Enum):
    """When a request may be sent again.

    ALWAYS: it changes nothing at the vendor.
    IF_UNDONE: only where the vendor did nothing for it, such as when no connection came about or it was throttled.
    NEVER: its answer moves something on, as a scroll's page does.
    """

    ALWAYS = "ALWAYS"
    IF_UNDONE = "IF_UNDONE"
    NEVER = "NEVER"


class VendorRequest(msgspec.Struct, frozen=True):
    """One request to a vendor.

    Attributes:
        endpoint: The vendor's name of the report, for errors and counters; never an address.
        path: Appended to the source's `base_url`. It is kept in memory, so it holds no credential and nobody's data.
        method: Of HTTP.
        params: What the address asks for; they are kept likewise.
        headers: Beside those that every request has, or in the place of one: by the same name in lower case.
        json: The body as JSON, or
        form: the body as a form.
        retry: When it may be sent again.
    """

    endpoint: str
    path: str
    method: str = "POST"
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    json: Any = None
    form: Mapping[str, str] | None = None
    retry: Retry = Retry.ALWAYS

    def __repr__(self) -> str:
        """Without what it holds."""
        return f"VendorRequest({self.endpoint})"


class VendorReply(msgspec.Struct, frozen=True):
    """What came back: status, headers and the whole body. What is unlike the contract is told to `drift`."""

    source: str
    endpoint: str
    status: int
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    drift: Drift

    def __repr__(self) -> str:
        """Without what it holds."""
        return f"VendorReply({self.endpoint}, {self.status})"

    @property
    def headers(self) -> httpx.Headers:
        """The headers, by names in any case."""
        return httpx.Headers(self.raw_headers)

    @property
    def is_success(self) -> bool:
        """Whether HTTP says so, which at most vendors means little."""
        return 200 <= self.status < 300

    def decode(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The typed body with all its rows; optional values that do not fit are dropped.

        Raises:
            VendorPayloadError: with the JSON path, what was expected and what kind of value stood there.
        """
        return self._decode(decoder, needs_all=True)

    def decode_rows(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The typed body without those rows that cannot be read; `left_out` tells how many an array misses.

        Raises:
            VendorPayloadError: something other than a row cannot be read.
        """
        return self._decode(decoder, needs_all=False)

    def decode_envelope(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The part of the body that holds the vendor's own code, whatever the HTTP status; the rest is not looked at.

        Raises:
            VendorError: what the HTTP status says, where the body has no such part.
        """
        try:
            return self._read(decoder, needs_all=True)
        except VendorPayloadError:
            self.raise_for_status()
            raise

    def decode_at_once(self, decoder: "msgspec.json.Decoder[T]", is_well: Callable[[T], bool]) -> T | None:
        """The typed body of a success that says itself that it is one; None of whatever else it may be."""
        if not self.is_success:
            return None
        try:
            value = decoder.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return self._looked_at(decoder, value) if is_well(value) else None

    def _decode(self, decoder: "msgspec.json.Decoder[T]", *, needs_all: bool) -> T:
        return self._looked_at(decoder, self._read(decoder, needs_all=needs_all))

    def _looked_at(self, decoder: "msgspec.json.Decoder[T]", value: T) -> T:
        self.drift.look_at(self.endpoint, shape_of(decoder), value, self.body)
        return value

    def _read(self, decoder: "msgspec.json.Decoder[T]", *, needs_all: bool) -> T:
        try:
            try:
                return decoder.decode(self.body)
            except msgspec.ValidationError:
                reading = read_leniently(self.body, shape_of(decoder))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._unfit("$: expected JSON, found something else", VendorGarbageError) from None
        if self.is_success:  # what answers in the vendor's place owes nothing to its contract
            self.drift.note_faults(self.endpoint, reading.faults)
        fault = reading.unreadable or (reading.rows_lost if needs_all else None)
        if fault:
            raise self._unfit(str(fault))
        return cast("T", reading.value)

    def payload_error(self, path: str, what: str) -> VendorPayloadError:
        """The error of a body that does not fit; `what` names types, never values."""
        return self._unfit(f"{path}: {what}")

    def _unfit(self, what: str, kind: type[VendorPayloadError] = VendorPayloadError) -> VendorPayloadError:
        return kind(
            f"The answer of {self.endpoint} does not fit its contract at {what}.",
            source=self.source,
            endpoint=self.endpoint,
            status=self.status,
        )

    def raise_for_status(self, vendor_code: str | None = None, request_id: str | None = None) -> None:
        """Raise what the HTTP status says, where it is not 2xx; a code of the body that means nothing goes along."""
        if self.is_success:
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


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
