"""Answers to requests that nothing is executed for: GraphQL errors, with the status that HTTP has for them."""

import asyncio
import contextlib
import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graph.errors import (
    BadUserInputError,
    ConfgraphError,
    PersistedQueryNotFoundError,
    RateLimitedError,
    RequestError,
    UnauthenticatedError,
)
from graph.schema.errors import MASKED, shortened
from graph.server.answers import JSON, WrittenAnswer, status_of
from graph.telemetry.logs import log, told_of

LINGER_S = 1.0


class Refused(Exception):  # noqa: N818 - it is an answer
    """A request is not executed."""

    def __init__(self, error: ConfgraphError, status: HTTPStatus, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
        self.headers = headers


def refused(error: Exception, request_id: str, media: str = JSON) -> tuple[str, list[str], Response]:
    """What becomes of a request that ended in an error: its outcome, the codes of its errors, and the answer."""
    cause: ConfgraphError
    headers: Mapping[str, str] | None = None
    match error:
        case Refused():
            cause, status, headers = error.error, int(error.status), error.headers
        case UnauthenticatedError():
            cause, status = error, 401
        case RateLimitedError():
            cause, status = error, 429
        case PersistedQueryNotFoundError():
            cause, status, media = error, 200, JSON  # whatever they accept, some clients look at no other answer
        case RequestError():
            cause, status = error, status_of(media, [error.code])
        case HTTPException():
            cause, status, headers = BadUserInputError(error.detail), error.status_code, error.headers
        case _:
            log.error("internal error", **told_of(error))
            cause, status = ConfgraphError(MASKED), 500
    return "refused" if status < 500 else "error", [cause.code], refusal(cause, status, request_id, media, headers)


def refusal(
    error: ConfgraphError,
    status: int,
    request_id: str,
    media: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """What a client is told that is refused."""
    extensions: dict[str, object] = {"code": error.code, "requestId": request_id}
    told = {"x-request-id": request_id, **(headers or {})}
    if isinstance(error, UnauthenticatedError):
        told["www-authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        seconds = math.ceil(error.retry_after_s)
        extensions["retryAfterSeconds"] = seconds
        told["retry-after"] = str(seconds)
    is_unread = status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    payload = {"errors": [{"message": shortened(error.message), "extensions": extensions}]}
    kind = _Last if is_unread else WrittenAnswer
    return kind(msgspec.json.encode(payload), media, told, status)


class _Last(WrittenAnswer):
    """The last answer on a connection whose client is still sending.

    It is there at once. To close at once as well would reset the connection, and the answer might be lost with it.
    """

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        self.headers["connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
                    pass
        await send({"type": "http.response.body"})
