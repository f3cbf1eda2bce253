"""How long the request that runs now may still take. Set once per request, read before each vendor request.

Work that several requests wait for belongs to none of them: it runs in `shared_context()`, bounded by the source's
own timeouts, and each request waits for it within its own deadline.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from math import inf
from typing import Any, TypeVar

from graph import clock
from graph.errors import VendorTimeoutError

T = TypeVar("T")


class OutOfTimeError(Exception):
    """The deadline passed while shared work went on."""


_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def start_deadline(seconds: float) -> None:
    """Give the current task, and those it starts, this many seconds."""
    _ends_at.set(clock.monotonic() + seconds)


def stop_deadline() -> None:
    """Give the current task, and those it starts, as long as they take: events come for hours."""
    _ends_at.set(None)


def within_deadline(seconds: float) -> float:
    """At most `seconds`, and no more than the deadline leaves; never below zero."""
    ends_at = _ends_at.get()
    return seconds if ends_at is None else max(0.0, min(seconds, ends_at - clock.monotonic()))


def shared_context() -> Context:
    """A context for a task that other requests may come to wait for: without the deadline of whoever starts it."""
    context = copy_context()
    context.run(_ends_at.set, None)
    return context


async def wait_within_deadline(
    work: Coroutine[Any, Any, T], *, source: str, endpoint: str, patience_s: float | None = None
) -> T:
    """Wait for shared work no longer than the deadline allows, and than `patience_s` where that is given.

    Whoever runs out of time leaves the work going on, for those who come after; whoever is cancelled gives it up, and
    whoever has no time left begins none.

    Raises:
        VendorTimeoutError: the time passed first.
    """
    ends_at = _ends_at.get()
    if patience_s is not None:
        ends_at = min(ends_at or inf, clock.monotonic() + patience_s)
    used_up = "The time of this request was used up before %s had answered."
    if ends_at is not None and ends_at <= clock.monotonic():
        work.close()
        raise VendorTimeoutError(used_up % endpoint, source=source, endpoint=endpoint)
    token = None if patience_s is None else _ends_at.set(ends_at)
    try:
        return await work
    except OutOfTimeError:
        raise VendorTimeoutError(used_up % endpoint, source=source, endpoint=endpoint) from None
    finally:
        if token is not None:
            _ends_at.reset(token)


async def until_done(task: "asyncio.Task[Any]") -> None:
    """Wait until shared work has ended, well or not: within the deadline, and without ending it if one is cancelled.

    Raises:
        OutOfTimeError: the deadline passed first.
    """
    loop, ends_at = asyncio.get_running_loop(), _ends_at.get()
    waiter = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    task.add_done_callback(wake)
    timer = None if ends_at is None else loop.call_later(ends_at - clock.monotonic(), wake)
    try:
        await waiter
    finally:
        task.remove_done_callback(wake)
        if timer is not None:
            timer.cancel()
    if not task.done():
        raise OutOfTimeError
