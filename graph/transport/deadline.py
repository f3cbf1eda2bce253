"""How long the request that runs now may still take. Set once per request, read before each vendor request.

Work that several requests wait for belongs to none of them: it runs in `shared_context()`, bounded by the source's
own timeouts, and each request waits for it within its own deadline.
"""

import asyncio
from collections.abc import Awaitable
from contextvars import Context, ContextVar, copy_context
from typing import TypeVar

from graph import clock
from graph.errors import VendorTimeoutError

T = TypeVar("T")

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def start_deadline(seconds: float) -> None:
    """Give the current task, and those it starts, this many seconds."""
    _ends_at.set(clock.monotonic() + seconds)


def within_deadline(seconds: float) -> float:
    """At most `seconds`, and no more than the deadline leaves; never below zero."""
    ends_at = _ends_at.get()
    return seconds if ends_at is None else max(0.0, min(seconds, ends_at - clock.monotonic()))


def shared_context() -> Context:
    """A context for a task that other requests may come to wait for: without the deadline of whoever starts it."""
    context = copy_context()
    context.run(_ends_at.set, None)
    return context


async def wait_within_deadline(work: Awaitable[T], *, source: str, endpoint: str) -> T:
    """Wait for shared work, shielded, no longer than the deadline allows.

    Raises:
        VendorTimeoutError: the deadline passed first; the work goes on for the others.
    """
    ends_at = _ends_at.get()
    task = asyncio.ensure_future(work)
    task.add_done_callback(_read_error)
    try:
        async with asyncio.timeout(None if ends_at is None else ends_at - clock.monotonic()):
            return await asyncio.shield(task)
    except TimeoutError:
        said = f"The time of this request was used up before {endpoint} had answered."
        raise VendorTimeoutError(said, source=source, endpoint=endpoint) from None


def _read_error(done: "asyncio.Future[T]") -> None:
    """Look at how work ended, so that an error nobody waits for any more is not reported as lost."""
    if not done.cancelled():
        done.exception()
