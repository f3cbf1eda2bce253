"""Counts what one GraphQL request has sent to vendors, by source.

Work that several requests wait for is charged to the one that started it: its context is a copy of theirs, with the
same counter in it. What nobody asked for, such as a check, is not counted.
"""

from collections import Counter
from contextvars import ContextVar

_sent: ContextVar[Counter[str] | None] = ContextVar("sent", default=None)


def start_meter() -> Counter[str]:
    """Count what the current task, and those it starts, send from now on: the counter, by source."""
    counter: Counter[str] = Counter()
    _sent.set(counter)
    return counter


def sent() -> int:
    """How many requests the current task, and those it started, have sent since its meter was started last."""
    counter = _sent.get()
    return 0 if counter is None else counter.total()


def count_request(source: str) -> None:
    """Note that a request is sent to a source."""
    counter = _sent.get()
    if counter is not None:
        counter[source] += 1


def asker() -> int:
    """Tells the requests apart that vendors are asked for; 0 where nobody counts."""
    counter = _sent.get()
    return 0 if counter is None else id(counter)
