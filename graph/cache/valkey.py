"""The connection to the Valkey, or Redis, that replicas share.

It may be slow or gone: nothing waits for it longer than a moment, and then it is not asked for a while. Whoever uses
it has a way to go on without. Where it speaks TLS (`valkeys://`) its certificate must be good, and its name that of the
address.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError

from graph import clock
from graph.settings import CacheSettings, Secret
from graph.telemetry.logs import log

T = TypeVar("T")

# For one command. A process that is busy itself is late to look at answers: at a quarter of a second two processes that
# contended for a core took the Valkey for gone, and read nearly everything twice.
PATIENCE_S = 1.0
PAUSE_S = 5.0  # without it after it failed
MAX_CONNECTIONS = 50

# A ValueError where something else listens there; a RuntimeError from uvloop, where an idle connection was reset.
_FAILURES = (RedisError, OSError, TimeoutError, ValueError, RuntimeError)


class _Credentials(CredentialProvider):
    """The password as it is when a connection is made."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._password.reveal()
        return (self._username, password) if self._username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


class Valkey:
    """One process's connections to it. Needs a running event loop."""

    def __init__(self, settings: CacheSettings) -> None:
        url = settings.url.replace("valkey", "redis", 1)  # the library's word for both
        self._password = settings.password
        pool = redis.asyncio.ConnectionPool.from_url(
            url,
            credential_provider=_Credentials(settings.username, settings.password) if settings.password else None,
            max_connections=MAX_CONNECTIONS,
            protocol=3,
        )
        self._redis = redis.asyncio.Redis.from_pool(pool)
        # The library's pool refuses who finds no connection free: they wait here instead.
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._back_at = 0.0
        self._is_away = False

    @property
    def is_up(self) -> bool:
        """Whether it is worth asking now."""
        return clock.monotonic() >= self._back_at

    async def ask(self, command: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T | None:
        """Run a command; None where it answers None, fails, or does not answer within a moment.

        One that failed may have been run. Whoever must tell failure from an answer asks what never answers None.
        """
        async with self._turns:
            if not self.is_up:
                return None
            try:
                async with asyncio.timeout(PATIENCE_S):
                    answer = await command(self._redis)
            except _FAILURES as error:
                self._back_at = clock.monotonic() + PAUSE_S
                await self._lose(error)
                return None
            if self._is_away:
                self._is_away = False
                log.info("shared cache back")
            return answer

    async def _lose(self, error: Exception) -> None:
        """Note that it is away, and give up its idle connections: each would fail in its turn."""
        if self._password and isinstance(error, AuthenticationError):
            self._password.reload()
        if not self._is_away:
            self._is_away = True
            log.warning("shared cache away", error=type(error).__name__)
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(PATIENCE_S):
                    await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._redis.aclose()
