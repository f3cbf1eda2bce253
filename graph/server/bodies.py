"""The bodies of requests: JSON and nothing else, no longer than allowed, and there in time. And those of answers."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Send

from graph.errors import BadUserInputError, ForbiddenError, LimitExceededError
from graph.server.refusals import Refused
from graph.transport.deadline import within_deadline

METHODS = ("GET", "POST")


async def with_body(request: Request, max_kb: int) -> Request:
    """The same request, its body read; a GET has none that is looked at.

    Raises:
        Refused: it is no GraphQL request, by its head; its body is too long, or not there before the deadline.
        ClientDisconnect: the client has gone.
    """
    _check_head(request.method, request.headers)
    if request.method == "GET":
        return request
    if int(request.headers.get("content-length", 0)) > max_kb * 1024:
        raise _too_long(max_kb)
    try:
        async with asyncio.timeout(within_deadline(float("inf"))):
            body = await _read(request.receive, max_kb)
    except TimeoutError:
        error = LimitExceededError("The body of the request did not come in time (server.request_timeout_s).")
        raise Refused(error, HTTPStatus.REQUEST_TIMEOUT) from None
    return Request(request.scope, _again(body, request.receive))


def until_read(send: Send) -> Send:
    """The same, but what is sent last waits until the client has read most of what comes before.

    So an answer counts as under way for as long as it takes up memory here.
    """

    async def send_and_wait(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            await send({**message, "more_body": True})
            message = {"type": "http.response.body"}
        await send(message)

    return send_and_wait


def _check_head(method: str, headers: Mapping[str, str]) -> None:
    """What a web page can send to another site without asking it first, a form or a link, is no request either."""
    if method not in METHODS:
        raise Refused(BadUserInputError("GraphQL is asked by GET or POST."), HTTPStatus.METHOD_NOT_ALLOWED)
    if method == "GET" and headers.get("sec-fetch-site", "").strip().lower() == "cross-site":
        raise Refused(ForbiddenError("Web pages of another site cannot ask by GET."), HTTPStatus.FORBIDDEN)
    media_type = headers.get("content-type", "").partition(";")[0].strip()
    if method == "POST" and media_type != "application/json":
        error = BadUserInputError("The body must be JSON: content-type: application/json.")
        raise Refused(error, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refused(BadUserInputError("The body must not be compressed."), HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


async def _read(receive: Receive, max_kb: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > max_kb * 1024:
            raise _too_long(max_kb)
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return again


def _too_long(max_kb: int) -> Refused:
    error = LimitExceededError(f"The body of the request is too long; allowed are {max_kb} KB (limits.max_body_kb).")
    return Refused(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
