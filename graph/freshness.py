"""How long an answer stays good: everything that is read for it notes until when, and the earliest counts.

It is noted where an answer takes what was read, whoever read it and wherever it was kept meanwhile.
"""

from contextvars import ContextVar
from datetime import datetime, timedelta

from graph import clock

SETTLED_S = 3600.0  # what has settled hardly changes
OWN_S = 300.0  # what depends on this process alone, as its schema and its sources do, changes with the next release
SECOND = timedelta(seconds=1)


class Freshness:
    """Until when one answer is good.

    Attributes:
        is_of_now: Whether it tells of the very moment: its client may keep it, nobody else is given it.
        read_at: When reading what may soon change in it began; None where nothing may.
    """

    def __init__(self) -> None:
        self.is_of_now = False
        self.read_at: datetime | None = None
        self._until: datetime | None = None

    def note(self, life_s: float, read_at: datetime) -> None:
        """Something in it is good for so long since it was read."""
        until = read_at + timedelta(seconds=life_s)
        if self._until is None or until < self._until:
            self._until = until
        if life_s < OWN_S and (self.read_at is None or read_at < self.read_at):
            self.read_at = read_at

    @property
    def until(self) -> datetime:
        """When it ceases to be good."""
        return self._until or clock.now() + timedelta(seconds=OWN_S)

    @property
    def max_age_s(self) -> int:
        """For how many whole seconds from now it is good; 0 is not at all."""
        return seconds_to(self._until) if self._until else int(OWN_S)


_freshness: ContextVar[Freshness | None] = ContextVar("freshness", default=None)


def start_freshness() -> Freshness:
    """Have the current task, and those it starts, note from now on what their answer is made of."""
    freshness = Freshness()
    _freshness.set(freshness)
    return freshness


def seconds_to(until: datetime) -> int:
    """How many whole seconds there are from now to an instant, as `max-age` tells it."""
    return max(0, (until - clock.now()) // SECOND)


def note_life(life_s: float, read_at: datetime | None = None) -> None:
    """Note that something in the answer is good for so long since it was read; by default that is now."""
    freshness = _freshness.get()
    if freshness is not None:
        now = clock.now()
        freshness.note(life_s, min(read_at or now, now))  # clocks of two replicas may differ


def note_now(life_s: float) -> None:
    """Note that something in the answer, which was not read but is known here, is as it is just now."""
    note_life(life_s)
    freshness = _freshness.get()
    if freshness is not None:
        freshness.is_of_now = True


def note_fault() -> None:
    """Note that something in the answer is not as it should be, and may be at once."""
    note_life(0)


def note_settled() -> None:
    """Note that something in the answer has settled."""
    note_life(SETTLED_S)


def note_read(read_at: datetime, young_s: float, *, is_settled: bool) -> None:
    """Note what was read, and for how long it is good unless it has settled; 0 is not at all, settled or not."""
    if is_settled and young_s:
        note_settled()
    else:
        note_life(young_s, read_at)
