"""The quotas of processes that share a Valkey: counted there, by its clock, for all of them together.

While it does not answer, each process counts for itself, and cautiously, as the others do so too: a quarter of the
rate, and one place. What a process holds is told along with each place that it asks for, so that a Valkey which was
away, or has forgotten, knows of it again.
"""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from graph.transport.local_quotas import LocalQuotas

if TYPE_CHECKING:
    import redis.asyncio

    from graph.cache.valkey import Valkey

PREFIX = "confgraph:1:quota:"
ALONE_RATE = 0.25
ALONE_PLACES = 1

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""
# KEYS: the next turn. ARGV, in microseconds: from turn to turn, how far turns may run ahead of the clock, patience.
_TAKE = f"""{_NOW}
local interval, ahead, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local turn = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now))
local wait = math.ceil(math.max(0, turn - now - ahead))
if wait <= patience then
  redis.call('SET', KEYS[1], turn + interval, 'PX', math.ceil((turn + interval - now) / 1000) + 1)
end
return wait
"""
# KEYS: the next turn. ARGV: from turn to turn, in microseconds.
_GIVE_BACK = f"""{_NOW}
local turn = tonumber(redis.call('GET', KEYS[1]) or now) - ARGV[1]
if turn > now then
  redis.call('SET', KEYS[1], turn, 'PX', math.ceil((turn - now) / 1000) + 1)
else
  redis.call('DEL', KEYS[1])
end
return 0
"""
# KEYS: when each place ends, by token. ARGV: the token, for how many microseconds, how many places there are; then
# tokens and microseconds of those held already. Who gives no number of places has one already.
_HOLD = f"""{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 4, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], 'GT', now + ARGV[i + 1], ARGV[i])
end
local wait = 0
local is_held = ARGV[3] == '' or redis.call('ZSCORE', KEYS[1], ARGV[1])
if not is_held and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  wait = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now
else
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
redis.call('PEXPIREAT', KEYS[1], math.ceil(last / 1000) + 1)
return wait
"""


class SharedQuotas:
    """Counts in a Valkey; a `Quotas`."""

    def __init__(self, valkey: "Valkey") -> None:
        self._valkey = valkey
        self._local = LocalQuotas()  # what this process holds, and all it counts while alone

    async def take(self, name: str, per_second: float, patience_s: float) -> float:
        """Take the next turn of so many per second; see `Quotas`."""
        interval_s = 1 / per_second
        times = (_us(interval_s), _us(max(0.0, 1 - interval_s)), _us(patience_s))
        wait = await self._run(_TAKE, name, *times)
        if wait is None:
            return await self._local.take(name, per_second * ALONE_RATE, patience_s)
        return wait / 1e6

    async def give_back(self, name: str, per_second: float) -> None:
        """Give back a turn of so many per second; see `Quotas`."""
        if await self._run(_GIVE_BACK, name, _us(1 / per_second)) is None:
            await self._local.give_back(name, per_second * ALONE_RATE)

    async def occupy(self, name: str, limit: int, token: str, hold_s: float) -> float:
        """Take one of so many places; see `Quotas`."""
        held = [word for other, left_s in self._local.held(name).items() for word in (other, _us(left_s))]
        wait = await self._run(_HOLD, name, token, _us(hold_s), limit, *held)
        if wait is None:
            return await self._local.occupy(name, min(limit, ALONE_PLACES), token, hold_s)
        if not wait:
            await self._local.keep(name, token, hold_s)
        return wait / 1e6

    async def keep(self, name: str, token: str, hold_s: float) -> None:
        """Hold a place for that long from now."""
        await self._local.keep(name, token, hold_s)
        await self._run(_HOLD, name, token, _us(hold_s), "")

    async def vacate(self, name: str, token: str) -> None:
        """Give a place back before its time."""
        await self._local.vacate(name, token)
        await self._valkey.ask(lambda redis: redis.zrem(PREFIX + name, token))

    async def _run(self, script: str, name: str, *arguments: str | int) -> int | None:
        """What a script answers, which is never None; None where the Valkey did not answer."""

        def run(connection: "redis.asyncio.Redis") -> Awaitable[int]:
            return cast("Awaitable[int]", connection.eval(script, 1, PREFIX + name, *arguments))

        return await self._valkey.ask(run)


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
