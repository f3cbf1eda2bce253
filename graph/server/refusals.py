"""Answers to requests that nothing is executed for: GraphQL errors, with the status that HTTP has for them."""

import asyncio
import contextlib
import math
from http import HTTPStatus

import cross_web
import starlette.exceptions
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from graph.errors import BadUserInputError, ConfgraphError, RateLimitedError, UnauthenticatedError
from graph.schema.errors import MASKED, shortened
from graph.telemetry.logs import log, told_of

LINGER_S = 1.0


class Refused(Exception):  # noqa: N818 - it is an answer
    """A request is not executed."""

    def __init__(self, error: ConfgraphError, status: HTTPStatus) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status


def refused(error: Exception) -> tuple[str, list[str], Response]:
    """What becomes of a request that ended in an error: its outcome, the codes of its errors, and the answer."""
    cause: ConfgraphError
    match error:
        case Refused():
            cause, status = error.error, int(error.status)
        case UnauthenticatedError():
            cause, status = error, 401
        case RateLimitedError():
            cause, status = error, 429
        case cross_web.HTTPException(status_code=status, reason=said):
            cause = BadUserInputError(said)
        case starlette.exceptions.HTTPException(status_code=status, detail=said):
            cause = BadUserInputError(said)
        case _:
            log.error("internal error", **told_of(error))
            cause, status = ConfgraphError(MASKED), 500
    return "refused" if status < 500 else "error", [cause.code], refusal(cause, status)


def refusal(error: ConfgraphError, status: int) -> Response:
    """What a client is told that is refused."""
    extensions: dict[str, object] = {"code": error.code}
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        seconds = math.ceil(error.retry_after_s)
        extensions["retryAfterSeconds"] = seconds
        headers["retry-after"] = str(seconds)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = "GET, POST"
    body = {"errors": [{"message": shortened(error.message), "extensions": extensions}]}
    is_unread = status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return (_Last if is_unread else JSONResponse)(body, status, headers)


class _Last(JSONResponse):
    """The last answer on a connection whose client is still sending.

    It is there at once. To close at once as well would reset the connection, and the answer might be lost with it.
    """

    def __init__(self, body: object, status: int, headers: dict[str, str]) -> None:
        super().__init__(body, status, {**headers, "connection": "close"})

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
                    pass
        await send({"type": "http.response.body"})
