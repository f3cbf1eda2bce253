"""How long an answer stays good: everything that is read for it notes until when, and the earliest counts.

It is noted where an answer takes what was read, whoever read it and wherever it was kept meanwhile.
"""

from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from graph import clock
from graph.cache.memory import StoredWindow

SETTLED_S = 3600.0  # what has settled hardly changes
OWN_S = 300.0  # what depends on this process alone, as its schema and its sources do, changes with the next release


class Freshness:
    """Until when one answer is good."""

    def __init__(self) -> None:
        self._until: datetime | None = None

    def note(self, until: datetime) -> None:
        """Something in it is good until an instant."""
        if self._until is None or until < self._until:
            self._until = until

    @property
    def max_age_s(self) -> int:
        """For how many whole seconds from now; 0 is not at all."""
        if self._until is None:
            return int(OWN_S)
        return max(0, (self._until - clock.now()) // timedelta(seconds=1))


_freshness: ContextVar[Freshness | None] = ContextVar("freshness", default=None)


def start_freshness() -> Freshness:
    """Have the current task, and those it starts, note from now on what their answer is made of."""
    freshness = Freshness()
    _freshness.set(freshness)
    return freshness


def note_life(life_s: float, read_at: datetime | None = None) -> None:
    """Note that something in the answer is good for so long since it was read; by default that is now."""
    freshness = _freshness.get()
    if freshness is not None:
        now = clock.now()
        read_at = min(read_at or now, now)  # clocks of two replicas may differ
        freshness.note(read_at + timedelta(seconds=life_s))


def note_fault() -> None:
    """Note that something in the answer is not as it should be, and may be at once."""
    note_life(0)


def note_settled() -> None:
    """Note that something in the answer has settled."""
    note_life(SETTLED_S)


def note_read(read: StoredWindow[Any], young_s: float) -> None:
    """Note what was read, and for how long it is good unless it has settled; 0 is not at all, settled or not."""
    if read.is_settled and young_s:
        note_settled()
    else:
        note_life(young_s, read.read_at)
