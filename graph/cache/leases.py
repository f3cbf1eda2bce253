"""Leases: of all replicas that share a Valkey one does a piece of work, and the others wait for it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from graph import clock
from graph.cache.codec import ERRORS, Codec, FactCodec
from graph.cache.shared import key_of
from graph.errors import VendorCircuitOpenError, VendorError

if TYPE_CHECKING:
    import redis.asyncio

    from graph.cache.valkey import Valkey

T = TypeVar("T")

LEASE_MS = 2000  # after so long without its holder it is free again
RENEW_S = 0.5
POLL_S = (0.01, 0.02, 0.04, 0.08)  # between looks at another's lease; then the last again and again
NOTE_MS = 500

_DELETE_MINE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_RENEW_MINE = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
)


class _Note(msgspec.Struct, array_like=True):
    """How work under a lease ended, where its result is not kept: an error, or what it says to those who wait."""

    error: bytes | None = None
    said: bytes | None = None


_NOTES: FactCodec[_Note] = FactCodec(_Note)


class Lease:
    """The right to do a piece of work, held for as long as its holder lives.

    Args:
        valkey: The connection.
        name: Of the work.
    """

    def __init__(self, valkey: "Valkey", name: str) -> None:
        self._valkey = valkey
        self._key = f"{key_of(name)}:lease"
        self._note = f"{key_of(name)}:note"
        self._token = secrets.token_hex(8)

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[bool]:
        """Try to get it, and hold it meanwhile; False where another replica has it.

        Without a Valkey everybody gets it: each replica works for itself then.
        """
        if not await self._take():
            yield False
            return
        keeper = asyncio.create_task(self._keep())
        try:
            yield True
        finally:
            keeper.cancel()
            await self._valkey.ask(lambda valkey: valkey.eval(_DELETE_MINE, 1, self._key, self._token))

    async def _take(self) -> bool:
        async def take(valkey: "redis.asyncio.Redis") -> bool:
            is_mine = await valkey.set(self._key, self._token, nx=True, px=LEASE_MS)
            if is_mine:
                await valkey.unlink(self._note)  # of the work before
            return bool(is_mine)

        return await self._valkey.ask(take) is not False  # None: no answer

    async def _keep(self) -> None:
        while True:
            await clock.sleep(RENEW_S)
            await self._valkey.ask(lambda valkey: valkey.eval(_RENEW_MINE, 1, self._key, self._token, LEASE_MS))

    async def tell(self, *, error: VendorError | None = None, said: bytes | None = None) -> None:
        """Leave a note to those who wait elsewhere. That a circuit is open here means nothing there."""
        if isinstance(error, VendorCircuitOpenError):
            return
        note = _NOTES.encode(_Note(ERRORS.encode(error) if error else None, said))
        if note is not None:
            await self._valkey.ask(lambda valkey: valkey.set(self._note, note, px=NOTE_MS))

    async def follow(self, codec: Codec[T] | None) -> T | None:
        """Wait until its holder is done, or gone; what that says to those who wait, if anything.

        Raises:
            VendorError: what it failed with.
        """
        for pause_s in chain(POLL_S, repeat(POLL_S[-1])):
            await clock.sleep(pause_s)
            answer = await self._valkey.ask(lambda valkey: valkey.mget(self._key, self._note))
            holder, told = cast("list[bytes | None]", answer or [None, None])
            if told is not None:
                note = _NOTES.decode(told) or _Note()
                if error := ERRORS.decode(note.error or b""):
                    raise error
                return codec.decode(note.said) if codec and note.said else None
            if holder is None:
                break
        return None

    async def last_error(self) -> VendorError | None:
        """What the work failed with a moment ago, in any replica."""
        told = await self._valkey.ask(lambda valkey: valkey.get(self._note))
        note = _NOTES.decode(cast("bytes", told or b""))
        return ERRORS.decode(note.error) if note and note.error else None
