"""The tier that replicas share: windows and facts in a Valkey.

A name there is a hash, so that neither an account nor what somebody looked for can be read off it; a value is an
envelope with a version, so that replicas of two releases pass each other's by. Every key has a time to live.

Layout: a list's windows lie under keys of their own; a sorted set per list has their spans by their end.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

import msgspec

from graph import clock
from graph.cache.codec import Codec, FactCodec
from graph.cache.memory import StoredWindow
from graph.settings import CacheSettings

if TYPE_CHECKING:
    import redis.asyncio

    from graph.cache.valkey import Valkey

T = TypeVar("T")

VERSION = 1
PREFIX = "confgraph:1"
CANDIDATES = 16  # windows around an instant that are looked at
MAX_SPANS = 10_000  # per list; the oldest of more are forgotten
MAX_BYTES = 8 * 2**20  # of a value; a larger one would keep others waiting, and stays where it was read


class Kept(NamedTuple, Generic[T]):
    """A value and how long it lives on: fresh, and then stale."""

    value: T
    fresh_s: float
    stale_s: float


class _Envelope(msgspec.Struct, array_like=True):
    version: int
    fresh_until: datetime
    gone_at: datetime
    body: msgspec.Raw


_ENVELOPES: FactCodec[_Envelope] = FactCodec(_Envelope)


@dataclass(frozen=True)
class _Span:
    """One window, as a list's sorted set has it: `start end read_at is_settled fresh_until`, instants in seconds."""

    text: str
    start: float
    end: float
    read_at: float
    is_settled: bool
    fresh_until: float

    @classmethod
    def parse(cls, raw: bytes) -> "_Span | None":
        try:
            start, end, read_at, is_settled, fresh_until = raw.decode().split(" ")
            return cls(raw.decode(), float(start), float(end), float(read_at), is_settled == "1", float(fresh_until))
        except ValueError:
            return None


class SharedTier:
    """What this process asks of the shared Valkey. Everything may be a miss; nothing raises.

    Args:
        valkey: The connection.
    """

    def __init__(self, valkey: "Valkey") -> None:
        self._valkey = valkey

    # ---- windows ------------------------------------------------------------------------------

    async def find_window(
        self,
        lists: Sequence[str],
        instant: datetime,
        *,
        up: bool,
        since: datetime,
        codec: Codec[StoredWindow[Any]],
        may_be_stale: bool = False,
    ) -> tuple[str, Kept[StoredWindow[Any]]] | None:
        """The window that reaches farthest from an instant, and the list it is of: the first that has any."""
        at, floor, now = instant.timestamp(), since.timestamp(), clock.now().timestamp()
        for name, spans in zip(lists, await self._spans(lists, at), strict=True):
            fit = [
                span
                for span in spans
                if (span.start <= at < span.end if up else span.start < at <= span.end)
                and (span.is_settled or span.read_at >= floor)
                and (may_be_stale or span.fresh_until > now)
            ]
            for span in sorted(fit, key=lambda span: (span.end if up else -span.start, span.read_at), reverse=True):
                kept = await self._get(f"{key_of(name)}:{span.text}", codec)
                if kept is not None and kept.value.holds_since(since) and (may_be_stale or kept.fresh_s > 0):
                    return name, kept
        return None

    async def _spans(self, lists: Sequence[str], at: float) -> list[list[_Span]]:
        async def ask(valkey: "redis.asyncio.Redis") -> list[list[bytes]]:
            async with valkey.pipeline(transaction=False) as pipe:
                for name in lists:
                    pipe.zrangebyscore(f"{key_of(name)}:spans", at, "+inf", start=0, num=CANDIDATES)
                return await pipe.execute()

        found = await self._valkey.ask(ask) or [[] for _ in lists]
        return [[span for raw in spans if (span := _Span.parse(raw))] for spans in found]

    async def put_window(
        self, name: str, window: StoredWindow[Any], fresh_s: float, stale_s: float, codec: Codec[StoredWindow[Any]]
    ) -> None:
        """Keep a window; those that lie inside it are forgotten."""
        blob = _wrap(window, fresh_s, stale_s, codec)
        if blob is None:
            return
        key, index = key_of(name), f"{key_of(name)}:spans"
        start, end = window.start.timestamp(), window.end.timestamp()
        fresh_until = clock.now().timestamp() + fresh_s
        text = f"{start!r} {end!r} {window.read_at.timestamp()!r} {window.is_settled:d} {fresh_until!r}"
        life = timedelta(seconds=fresh_s + stale_s)

        async def put(valkey: "redis.asyncio.Redis") -> bool:
            ending_inside = cast("list[bytes]", await valkey.zrangebyscore(index, f"({start!r}", end))
            inside = [
                span.text
                for raw in ending_inside
                if (span := _Span.parse(raw)) and span.start >= start and span.read_at <= window.read_at.timestamp()
            ]
            async with valkey.pipeline(transaction=False) as pipe:
                if inside:
                    pipe.zrem(index, *inside)
                    pipe.unlink(*(f"{key}:{other}" for other in inside))
                pipe.set(f"{key}:{text}", blob, px=life)
                pipe.zadd(index, {text: end})
                pipe.zremrangebyrank(index, 0, -MAX_SPANS - 1)
                pipe.expire(index, life, nx=True)
                pipe.expire(index, life, gt=True)
                await pipe.execute()
            return True

        await self._valkey.ask(put)

    # ---- facts --------------------------------------------------------------------------------

    async def put(self, name: str, value: T, fresh_s: float, stale_s: float, codec: Codec[T]) -> None:
        """Keep a fact."""
        blob = _wrap(value, fresh_s, stale_s, codec)
        if blob is not None:
            life = timedelta(seconds=fresh_s + stale_s)
            await self._valkey.ask(lambda valkey: valkey.set(key_of(name), blob, px=life))

    async def get(self, name: str, codec: Codec[T], *, may_be_stale: bool = False) -> Kept[T] | None:
        """The fact of that name, or None."""
        kept = await self._get(key_of(name), codec)
        return kept if kept and (may_be_stale or kept.fresh_s > 0) else None

    async def _get(self, key: str, codec: Codec[T]) -> Kept[T] | None:
        blob = await self._valkey.ask(lambda valkey: valkey.get(key))
        return None if blob is None else _unwrap(cast("bytes", blob), codec)


def key_of(name: str) -> str:
    """What a name is called there."""
    return f"{PREFIX}:{{{blake2b(name.encode(), digest_size=16).hexdigest()}}}"


def _wrap(value: T, fresh_s: float, stale_s: float, codec: Codec[T]) -> bytes | None:
    body = codec.encode(value)
    if body is None or len(body) > MAX_BYTES:
        return None
    fresh_until = clock.now() + timedelta(seconds=fresh_s)
    gone_at = fresh_until + timedelta(seconds=stale_s)
    return _ENVELOPES.encode(_Envelope(VERSION, fresh_until, gone_at, msgspec.Raw(body)))


def _unwrap(blob: bytes, codec: Codec[T]) -> Kept[T] | None:
    envelope = _ENVELOPES.decode(blob)
    if envelope is None or envelope.version != VERSION:
        return None
    value = codec.decode(bytes(envelope.body))
    if value is None:
        return None
    fresh_s = (envelope.fresh_until - clock.now()).total_seconds()
    stale_s = (envelope.gone_at - envelope.fresh_until).total_seconds() + min(0.0, fresh_s)
    return Kept(value, max(0.0, fresh_s), max(0.0, stale_s))


@contextlib.asynccontextmanager
async def connected(settings: CacheSettings) -> "AsyncIterator[Valkey | None]":
    """The connections of a configuration, closed at the end; None where it shares no cache."""
    if not settings.is_shared:
        yield None
        return
    from graph.cache.valkey import Valkey  # noqa: PLC0415 - slow to import, and most processes share nothing

    async with contextlib.aclosing(Valkey(settings)) as valkey:
        yield valkey
