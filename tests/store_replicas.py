"""Stores of several replicas, in one process, that share one real Valkey."""

import contextlib
from collections.abc import AsyncIterator

import redis.asyncio
from valkeys import RunningValkey

from graph.cache.store import WindowStore
from graph.cache.valkey import Valkey
from graph.settings import CacheSettings


@contextlib.asynccontextmanager
async def replicas(valkey: RunningValkey, count: int = 2) -> AsyncIterator[list[WindowStore]]:
    """The stores of some replicas; each has its own connections."""
    settings = CacheSettings(url=valkey.url)
    connections = [Valkey(settings) for _ in range(count)]
    try:
        yield [WindowStore.of(settings, connection) for connection in connections]
    finally:
        for connection in connections:
            await connection.aclose()


@contextlib.asynccontextmanager
async def raw(valkey: RunningValkey) -> AsyncIterator[redis.asyncio.Redis]:
    """What an operator sees."""
    client = redis.asyncio.Redis(port=valkey.port)
    try:
        yield client
    finally:
        await client.aclose()
