"""Every error of confgraph: one class per way to recover from it.

    ConfgraphError                          code
      ConfigError                           -                     start-up only; names the key
      RequestError                          INVALID_ARGUMENT      the caller must change the request
        InvalidArgumentError                INVALID_ARGUMENT
        InvalidCursorError                  INVALID_CURSOR
        InvalidIdError                      INVALID_ID
        UnknownSourceError                  UNKNOWN_SOURCE
        LimitExceededError                  LIMIT_EXCEEDED
        LookupLimitError                    LOOKUP_LIMIT          absence could not be proven
        BadUserInputError                   BAD_USER_INPUT        a value is not of its type
        RateLimitedError                    RATE_LIMITED          the same request may get an answer later
        PersistedQueryNotFoundError         PERSISTED_QUERY_NOT_FOUND       its document has to be sent along
          PersistedQueryNotSupportedError   PERSISTED_QUERY_NOT_SUPPORTED   and always will have to be
        NotAuthorizedError                                        another caller may get an answer
          UnauthenticatedError              UNAUTHENTICATED       no credential, or not a good one
          ForbiddenError                    FORBIDDEN             who it is may not ask this
      VendorError                           VENDOR_ERROR          one source could not answer
        RetriableVendorError                                      asking again may help
          VendorTimeoutError                                      TIMEOUT
          VendorUnavailableError                                  UNAVAILABLE
            VendorUnreachableError                                UNAVAILABLE   it never got the request
            VendorExpiredError                                    UNAVAILABLE   read on no more: start over
          VendorThrottledError                                    THROTTLED
          VendorCircuitOpenError                                  UNAVAILABLE   not asked: it failed too often
        FatalVendorError                                          asking again will not help
          VendorAuthError                                         UNAUTHENTICATED
          VendorRefusedError                                      REFUSED
          VendorPayloadError                                      BAD_PAYLOAD
            VendorGarbageError                                    BAD_PAYLOAD   the whole body is no answer
        UnsupportedError                    UNSUPPORTED           UNSUPPORTED

The middle column is `extensions.code` of a GraphQL error, the right one the `SourceErrorCode` of a
merged answer. No error ever holds a credential, a passcode, a scroll id or a person's data.
"""

from enum import Enum


class SourceErrorCode(Enum):
    """Why a source could not answer, as `sources[].error.code` tells it."""

    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    THROTTLED = "THROTTLED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    REFUSED = "REFUSED"
    BAD_PAYLOAD = "BAD_PAYLOAD"
    UNSUPPORTED = "UNSUPPORTED"


class ConfgraphError(Exception):
    """Base of all errors of ours. `message` is written for the person who asked."""

    code = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(ConfgraphError):
    """The configuration cannot be used. `faults` has one line per fault, each naming its key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class RequestError(ConfgraphError):
    """The request cannot be answered as it stands."""

    code = "INVALID_ARGUMENT"


class InvalidArgumentError(RequestError):
    """An argument is out of its range or does not go with another."""


class InvalidCursorError(RequestError):
    """A cursor is damaged, or belongs to another field, order or filter."""

    code = "INVALID_CURSOR"


class InvalidIdError(RequestError):
    """An id is damaged, or of another type."""

    code = "INVALID_ID"


class UnknownSourceError(RequestError):
    """No source of that name."""

    code = "UNKNOWN_SOURCE"


class LimitExceededError(RequestError):
    """The request asks for more than one request may."""

    code = "LIMIT_EXCEEDED"


class LookupLimitError(RequestError):
    """A vendor without a look-up by id was searched as far back as allowed, and the id was not met."""

    code = "LOOKUP_LIMIT"


class BadUserInputError(RequestError):
    """A value is not of its type, such as an instant without offset."""

    code = "BAD_USER_INPUT"


class RateLimitedError(RequestError):
    """The caller asks for too much at a time. `retry_after_s` says when to ask again."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PersistedQueryNotFoundError(RequestError):
    """Nobody sent a document of that hash. Clients know it by the code or by the message, which is a word of theirs."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self, message: str = "PersistedQueryNotFound") -> None:
        super().__init__(message)


class PersistedQueryNotSupportedError(PersistedQueryNotFoundError):
    """No documents are known by their hashes here."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class NotAuthorizedError(RequestError):
    """The caller may not have this."""

    code = "FORBIDDEN"


class UnauthenticatedError(NotAuthorizedError):
    """The caller has not proved who it is. The message never says why, which would help whoever guesses.

    Attributes:
        reason: A few words of why, for the log.
    """

    code = "UNAUTHENTICATED"

    def __init__(self, reason: str) -> None:
        super().__init__("A valid credential is needed.")
        self.reason = reason


class ForbiddenError(NotAuthorizedError):
    """The caller is known, and may not ask this."""


class VendorError(ConfgraphError):
    """One source could not answer. Its message begins with the source's name.

    Attributes:
        said: The message without that.
        source: The source's name.
        endpoint: The vendor's name of the report, such as `term_conf_stats`.
        status: HTTP status, where there was one.
        vendor_code: The vendor's own code as text, such as `512` or `100-007`.
        request_id: The vendor's request id, where it sends one.
    """

    code = "VENDOR_ERROR"
    source_code = SourceErrorCode.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        source: str,
        endpoint: str,
        status: int | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{source}: {message}")
        self.said = message
        self.source = source
        self.endpoint = endpoint
        self.status = status
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class RetriableVendorError(VendorError):
    """Asking again may help."""


class VendorTimeoutError(RetriableVendorError):
    """No whole answer within the time allowed."""

    source_code = SourceErrorCode.TIMEOUT


class VendorUnavailableError(RetriableVendorError):
    """No connection, or the vendor says it is down."""


class VendorUnreachableError(VendorUnavailableError):
    """No connection came about, so the vendor did nothing for this request."""


class VendorExpiredError(VendorUnavailableError):
    """What was read page by page is gone at the vendor, which itself is well: it must be read from its start."""


class VendorThrottledError(RetriableVendorError):
    """Too many requests, or too many scrolls. `retry_after_s` where the vendor says when."""

    source_code = SourceErrorCode.THROTTLED


class VendorCircuitOpenError(RetriableVendorError):
    """The source failed too often and is left alone for a while. `retry_after_s` says for how long."""


class FatalVendorError(VendorError):
    """Asking again will not help."""


class VendorAuthError(FatalVendorError):
    """The credentials were refused; a clock that is off counts."""

    source_code = SourceErrorCode.UNAUTHENTICATED


class VendorRefusedError(FatalVendorError):
    """The vendor understood and said no."""

    source_code = SourceErrorCode.REFUSED


class VendorPayloadError(FatalVendorError):
    """The body does not fit its contract: says where, what was expected and what kind stood there."""

    source_code = SourceErrorCode.BAD_PAYLOAD


class VendorGarbageError(VendorPayloadError):
    """The body is no JSON, or too long to be read: the source as a whole is unwell."""


OUTAGES = (RetriableVendorError, VendorGarbageError)
"""What says that a source is down, rather than that it was asked for something wrong."""


class UnsupportedError(VendorError):
    """The vendor's interface has no such report, or not with these arguments."""

    code = "UNSUPPORTED"
    source_code = SourceErrorCode.UNSUPPORTED
