"""The bodies of requests: no longer than allowed, and there in time."""

import asyncio
import math
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

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
    body = bytearray()
    is_whole = _take(body, await receive(), max_kb)  # what has come by now: most often all
    try:
        if not is_whole:
            with _InTime():
                while not _take(body, await receive(), max_kb):
                    pass
    except TimeoutError:
        error = LimitExceededError("The body of the request did not come in time (server.request_timeout_s).")
        raise Refused(error, HTTPStatus.REQUEST_TIMEOUT) from None
    count_work(len(body) // BYTES_OF_WORK)
    return bytes(body)


class _InTime:
    """Cancels what is awaited inside at the deadline: a timer, which is a quarter of what `asyncio.timeout` takes."""

    def __enter__(self) -> None:
        self._is_late = False
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(within_deadline(math.inf), self._end)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._is_late and self._task and kind is asyncio.CancelledError and not self._task.uncancel():
            raise TimeoutError from None

    def _end(self) -> None:
        self._is_late = True
        if self._task:
            self._task.cancel()


def _take(body: bytearray, message: Message, max_kb: int) -> bool:
    """Take the next part of a body: whether it is the last."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body += message.get("body", b"")
    if len(body) > max_kb * 1024:
        raise _too_long(max_kb)
    return not message.get("more_body", False)


def _too_long(max_kb: int) -> Refused:
    error = LimitExceededError(f"The body of the request is too long; allowed are {max_kb} KB (limits.max_body_kb).")
    return Refused(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
