"""What is sent to a vendor, and what comes back.

Nothing of a request or a body is ever put into an error: both hold credentials and personal data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, TypeVar

import httpx
import msgspec

from graph import clock
from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)

T = TypeVar("T")

_MSGSPEC_TEXT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?\Z", re.DOTALL)


class Retry(Enum):
    """When a request may be sent again.

    ALWAYS: it changes nothing at the vendor.
    IF_UNDONE: only where the vendor did nothing for it, such as when no connection came about or it was throttled.
    NEVER: its answer moves something on, as a scroll's page does.
    """

    ALWAYS = "ALWAYS"
    IF_UNDONE = "IF_UNDONE"
    NEVER = "NEVER"


@dataclass(frozen=True)
class VendorRequest:
    """One request to a vendor.

    Attributes:
        endpoint: The vendor's name of the report, for errors and counters; never an address.
        path: Appended to the source's `base_url`.
        json: The body as JSON, or
        form: the body as a form.
        retry: When it may be sent again.
    """

    endpoint: str
    path: str
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    retry: Retry = Retry.ALWAYS


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
