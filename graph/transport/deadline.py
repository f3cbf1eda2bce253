"""How long the request that runs now may still take. Set once per request, read before each vendor request.

Work that several requests wait for belongs to none of them: it runs in `shared_context()`, bounded by the source's
own timeouts, and each request waits for it within its own deadline.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from graph import clock
from graph.errors import VendorTimeoutError

T = TypeVar("T")

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
    left_s = None if ends_at is None else ends_at - clock.monotonic()
    if patience_s is not None:
        left_s = patience_s if left_s is None else min(left_s, patience_s)
    used_up = f"The time of this request was used up before {endpoint} had answered."
    if left_s is not None and left_s <= 0:
        work.close()
        raise VendorTimeoutError(used_up, source=source, endpoint=endpoint)
    task = asyncio.create_task(work)
    task.add_done_callback(_read_error)
    try:
        async with asyncio.timeout(left_s):
            return await asyncio.shield(task)
    except TimeoutError:
        raise VendorTimeoutError(used_up, source=source, endpoint=endpoint) from None
    except asyncio.CancelledError:
        task.cancel()
        raise


def _read_error(done: "asyncio.Future[T]") -> None:
    """Look at how work ended, so that an error nobody waits for any more is not reported as lost."""
    if not done.cancelled():
        done.exception()
