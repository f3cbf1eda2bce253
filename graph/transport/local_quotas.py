"""The quotas of one process that shares its accounts with no other. Nothing here waits, or yields to another task."""

from graph import clock

MANY = 10_000


class LocalQuotas:
    """Counts in memory; a `Quotas`."""

    def __init__(self) -> None:
        self._next_turns: dict[str, float] = {}
        self._places: dict[str, dict[str, float]] = {}  # when each ends, by token

    async def take(self, name: str, per_second: float, patience_s: float) -> float:
        """Take the next turn of so many per second; see `Quotas`."""
        now = clock.monotonic()
        interval = 1 / per_second
        # Turns lie one interval apart on a line of their own, which may run ahead of the clock by up to a second.
        turn = max(now, self._next_turns.get(name, now))
        wait_s = max(0.0, turn - now - max(0.0, 1 - interval))
        if wait_s <= patience_s:
            self._next_turns[name] = turn + interval
            if len(self._next_turns) > MANY:  # what is over counts no more than what never was
                self._next_turns = {key: at for key, at in self._next_turns.items() if at > now}
        return wait_s

    async def give_back(self, name: str, per_second: float) -> None:
        """Give back a turn of so many per second."""
        if name in self._next_turns:
            self._next_turns[name] -= 1 / per_second

    async def occupy(self, name: str, limit: int, token: str, hold_s: float) -> float:
        """Take one of so many places; see `Quotas`."""
        held = self.held(name)
        if len(held) >= limit:
            return min(held.values())
        await self.keep(name, token, hold_s)
        return 0.0

    async def keep(self, name: str, token: str, hold_s: float) -> None:
        """Hold a place for that long from now."""
        self._places.setdefault(name, {})[token] = clock.monotonic() + hold_s

    async def vacate(self, name: str, token: str) -> None:
        """Give a place back before its time."""
        self._places.get(name, {}).pop(token, None)

    def held(self, name: str) -> dict[str, float]:
        """The places taken, by token: for how many seconds more."""
        now = clock.monotonic()
        places = {token: ends_at for token, ends_at in self._places.get(name, {}).items() if ends_at > now}
        self._places[name] = places
        return {token: ends_at - now for token, ends_at in places.items()}
