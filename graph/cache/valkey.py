"""The connection to the Valkey, or Redis, that replicas share.

It may be slow or gone: nothing waits for it longer than a moment, and then it is not asked for a while. Whoever uses
it has a way to go on without.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio
from redis.exceptions import RedisError

from graph import clock
from graph.settings import CacheSettings

T = TypeVar("T")

PATIENCE_S = 0.25  # for one command
PAUSE_S = 2.0  # without it after it failed
MAX_CONNECTIONS = 50


class Valkey:
    """One process's connections to it. Needs a running event loop."""

    def __init__(self, settings: CacheSettings) -> None:
        url = settings.url.replace("valkey", "redis", 1)  # the library's word for both
        pool = redis.asyncio.ConnectionPool.from_url(
            url,
            username=settings.username or None,
            password=settings.password.reveal() if settings.password else None,
            max_connections=MAX_CONNECTIONS,
            protocol=3,
        )
        self._redis = redis.asyncio.Redis.from_pool(pool)
        self._back_at = 0.0

    @property
    def is_up(self) -> bool:
        """Whether it is worth asking now."""
        return clock.monotonic() >= self._back_at

    async def ask(self, command: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T | None:
        """Run a command; None where it answers None, fails, or does not answer within a moment."""
        if not self.is_up:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await command(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._back_at = clock.monotonic() + PAUSE_S
            return None

    async def aclose(self) -> None:
        """Close its connections."""
        await self._redis.aclose()
