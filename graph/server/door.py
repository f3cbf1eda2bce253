"""How much is done at once, and how much each caller may cost.

A caller that spent more than its share is refused until that is made up for, and the events of its subscriptions wait
(spending.py). One that keeps the process busy waits while others ask (turns.py). Shares are counted for all replicas
together where they share a cache; requests, subscriptions and WebSockets at once, and turns, in each process.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Self

from graph.errors import RateLimitedError
from graph.server.spending import Spending
from graph.server.turns import Turns
from graph.settings import LimitsSettings
from graph.telemetry.metrics import SUBSCRIPTIONS
from graph.transport.quotas import Quotas

AGAIN_S = 1.0


class Door:
    """Lets requests in."""

    def __init__(self, limits: LimitsSettings, quotas: Quotas) -> None:
        self._limits = limits
        self._quotas = quotas
        self._turns = Turns()
        self._requests = _Places(limits, "requests", "max_concurrent_per_caller", "max_concurrent_requests")
        self._subscriptions = _Places(limits, "subscriptions", "max_subscriptions_per_caller", "max_subscriptions")
        self._sockets = _Places(limits, "WebSockets", "max_concurrent_per_caller", None)

    def place(self) -> "Place":
        """One of the places that there are for requests, in all and of each caller."""
        return Place(self._requests)

    def socket(self) -> "Place":
        """One of the places that a caller has for WebSockets; in all there are as many as connections."""
        return Place(self._sockets)

    @contextlib.contextmanager
    def subscription(self, caller: str) -> Iterator[None]:
        """Take one of the places that there are for subscriptions, in all and of this caller.

        Raises:
            RateLimitedError: there is none.
        """
        with Place(self._subscriptions) as place:
            place.take(caller)
            with SUBSCRIPTIONS.track_inprogress():
                yield

    def spending(self, caller: str) -> Spending:
        """Charge a caller for what is done inside: the requests to vendors that are sent, and other work.

        Gives what charges for that up to now, and waits until its caller has spent no more than it may.

        Raises:
            RateLimitedError: it has spent too much already, or what it asks for may cost too much for now.
        """
        return Spending(self._quotas, self._turns, caller, self._limits.cost_per_second)


class Place:
    """One that is taken for as long as what is done inside takes, from when it is known for whom."""

    __slots__ = ("_caller", "_places")

    def __init__(self, places: "_Places") -> None:
        self._places = places
        self._caller: str | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def take(self, caller: str) -> None:
        """Take it for a caller.

        Raises:
            RateLimitedError: there is none.
        """
        self._places.add(caller)
        self._caller = caller

    def __exit__(self, *_: object) -> None:
        """Leave it to others."""
        if self._caller is not None:
            self._places.remove(self._caller)


class _Places:
    """So many for each caller, and for all together."""

    def __init__(self, limits: LimitsSettings, what: str, per_caller: str, in_all: str | None) -> None:
        self._what = what
        self._per_caller, self._most_per_caller = per_caller, getattr(limits, per_caller)
        self._in_all, self._most = in_all, getattr(limits, in_all) if in_all else math.inf
        self._taken: dict[str, int] = {}
        self._all = 0

    def add(self, caller: str) -> None:
        taken = self._taken.get(caller, 0)
        if taken >= self._most_per_caller:
            raise self._too_many("caller", self._per_caller, self._most_per_caller)
        if self._all >= self._most:
            raise self._too_many("process", self._in_all, self._most)
        self._taken[caller] = taken + 1
        self._all += 1

    def remove(self, caller: str) -> None:
        self._all -= 1
        if self._taken[caller] == 1:
            del self._taken[caller]  # there may be very many callers in the course of time
        else:
            self._taken[caller] -= 1

    def _too_many(self, whose: str, limit: str | None, allowed: float) -> RateLimitedError:
        said = f"Too many {self._what} of this {whose} at once; allowed are {allowed} (limits.{limit})."
        return RateLimitedError(said, AGAIN_S)
