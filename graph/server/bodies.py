"""The bodies of requests: no longer than allowed, and there in time. And those of answers."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from graph.errors import LimitExceededError
from graph.server.refusals import Refused
from graph.transport.deadline import within_deadline
from graph.transport.meter import count_work

BYTES_OF_WORK = 16_384  # so many are as much work as a request to a vendor: faults in them take long to be told


async def read_body(headers: Headers, receive: Receive, max_kb: int) -> bytes:
    """Read a body whole.

    Raises:
        Refused: it is too long, or not there before the deadline.
        ClientDisconnect: the client has gone.
    """
    if int(headers.get("content-length", 0)) > max_kb * 1024:
        raise _too_long(max_kb)
    try:
        async with asyncio.timeout(within_deadline(float("inf"))):
            body = await _read(receive, max_kb)
    except TimeoutError:
        error = LimitExceededError("The body of the request did not come in time (server.request_timeout_s).")
        raise Refused(error, HTTPStatus.REQUEST_TIMEOUT) from None
    count_work(len(body) // BYTES_OF_WORK)
    return body


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


def _too_long(max_kb: int) -> Refused:
    error = LimitExceededError(f"The body of the request is too long; allowed are {max_kb} KB (limits.max_body_kb).")
    return Refused(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
