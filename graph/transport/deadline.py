"""How long the request that runs now may still take. Set once per request, read before each vendor request."""

from contextvars import ContextVar

from graph import clock

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def start_deadline(seconds: float) -> None:
    """Give the current task, and those it starts, this many seconds."""
    _ends_at.set(clock.monotonic() + seconds)


def within_deadline(seconds: float) -> float:
    """At most `seconds`, and no more than the deadline leaves; never below zero."""
    ends_at = _ends_at.get()
    return seconds if ends_at is None else max(0.0, min(seconds, ends_at - clock.monotonic()))
