"""Counts what one GraphQL request has sent to vendors, by source, and all that it comes to for its caller.

Work that several requests wait for is charged to the one that started it: its context is a copy of theirs, with the
same counters in it. What nobody asked for, such as a check, is not counted.
"""

from collections import Counter
from contextvars import ContextVar


class Tab:
    """What a caller has to pay for, in requests to vendors; other work is put down as so many of them.

    Attributes:
        spent: So much it is up to now.
        work: So much of it is other work.
    """

    def __init__(self) -> None:
        self.spent = 0
        self.work = 0

    def count(self, cost: int, *, is_work: bool) -> None:
        """Put something down."""
        self.spent += cost
        self.work += cost if is_work else 0

    async def reserve(self, cost: int) -> None:
        """Set aside what may be spent from now on.

        Raises:
            RateLimitedError: nothing is, as its caller may not spend so much now.
        """


_sent: ContextVar[Counter[str] | None] = ContextVar("sent", default=None)
_tab: ContextVar[Tab | None] = ContextVar("tab", default=None)


def start_meter() -> Counter[str]:
    """Count what the current task, and those it starts, send from now on: the counter, by source."""
    counter: Counter[str] = Counter()
    _sent.set(counter)
    return counter


def counted() -> Counter[str]:
    """What the current task, and those it started, have sent since its meter was started last, by source."""
    return _sent.get() or Counter()


def start_tab(tab: Tab) -> None:
    """Put down there whatever the current task, and those it starts, cost from now on."""
    _tab.set(tab)


def count_request(source: str) -> None:
    """Note that a request is sent to a source."""
    counter = _sent.get()
    if counter is not None:
        counter[source] += 1
    _count(1, is_work=False)


def count_work(cost: int) -> None:
    """Note work that is no request, as so many of them."""
    _count(cost, is_work=True)


def _count(cost: int, *, is_work: bool) -> None:
    tab = _tab.get()
    if tab is not None and cost:
        tab.count(cost, is_work=is_work)


async def reserve(cost: int) -> None:
    """Set aside what may be spent from now on, where somebody pays.

    Raises:
        RateLimitedError: nothing is, as the caller may not spend so much now.
    """
    tab = _tab.get()
    if tab is not None and cost:
        await tab.reserve(cost)


def asker() -> int:
    """Tells the requests apart that vendors are asked for; 0 where nobody counts."""
    counter = _sent.get()
    return 0 if counter is None else id(counter)
