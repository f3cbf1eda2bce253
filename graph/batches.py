"""Batches: what is asked for one by one in one turn of the loop is read together, and once for all who ask.

Requests that come to ask for the same batch at about the same time share what one of them reads. An error answered for
a key stays the answer for the rest of the request.

Sole importer of aiodataloader, and of its traps: a loader binds the running loop (so they are made per request), a
cancelled batch would hang its callers, a cancelled caller would poison the future that it shares with others.
"""

import asyncio
import contextlib
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from aiodataloader import DataLoader

from graph.cache.memory import StoredWindow
from graph.errors import VendorUnavailableError
from graph.fleet import Fleet, Source
from graph.freshness import note_fault, note_life, note_settled
from graph.paging import read_recent
from graph.paging.rows import Rows
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.telemetry.traces import span


class OfSource(Hashable, Protocol):
    """Anything that bears the name of a configured source."""

    @property
    def source_name(self) -> str:
        """The source's name."""


K = TypeVar("K", bound=OfSource)
V = TypeVar("V")

_encode = msgspec.msgpack.Encoder().encode


class Answer(NamedTuple, Generic[V]):
    """What a key came to.

    Attributes:
        value: Its value, or what went wrong with it: an error that several wait for is not raised in their future.
        read_at: When reading it began, which may have been for another request.
    """

    value: V | Exception
    read_at: datetime | None


class SourceLoader(DataLoader[K, Answer[V]]):
    """Collects the keys asked for in one turn of the loop, and reads those of each source in one batch.

    Attributes:
        young_s: For how long values are good that have not settled.
    """

    young_s: ClassVar[float] = SNAPSHOT_TTL_S

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self._reading: set[asyncio.Future[Any]] = set()
        self._is_cancelled = False

    def cancel(self) -> None:
        """Read no further: nobody waits for it any more."""
        self._is_cancelled = True
        for reading in self._reading:
            reading.cancel()

    @abstractmethod
    async def read(self, source: Source, keys: Sequence[K]) -> Sequence[V | Exception]:
        """Read one batch: the same length and order, an exception as the value of what failed."""

    def batch_key(self, key: K) -> Hashable:
        """Keys for which this is equal are read together; they are of one source."""
        return key.source_name

    def get_cache_key(self, key: K) -> Any:
        """Keys for which this is equal are the same key."""
        return key

    def told_apart_by(self, key: K) -> Hashable:
        """What of a key makes a difference to its batch."""
        return key

    def ended_at(self, key: K, value: Any) -> datetime | None:  # noqa: ARG002 - of use to some
        """When all had ended that the value of a key tells of; None where that is not known."""
        return None

    def missing_from(self, value: Any) -> int:
        """How many rows of a value could not be read: it has not settled, as they may be readable soon."""
        return Rows.missing_from(value)

    def read_at(self, key: K) -> datetime | None:
        """When reading the value of a key began, which may have been for another request."""
        asked = self._cache.get(self.get_cache_key(key))
        return asked.result().read_at if asked and asked.done() else None

    async def get(self, key: K) -> V:
        """The value of a key, or what went wrong with it raised."""
        (value,) = await self.get_all([key])
        if isinstance(value, Exception):
            raise value
        return value

    async def get_all(self, keys: Sequence[K]) -> list[V | Exception]:
        """The values of many keys, and what went wrong with those that have none."""
        asked = [self.load(key) for key in keys]
        if unread := [each for each in asked if not each.done()]:
            await asyncio.wait(unread)  # who is cancelled here leaves them to the others, as a plain await would not
        answers = [each.result() for each in asked]
        for key, answer in zip(keys, answers, strict=True):
            self._note(key, answer)
        return [answer.value for answer in answers]

    def _note(self, key: K, answer: Answer[V]) -> None:
        """Note how long a value is good for."""
        if isinstance(answer.value, Exception):
            note_fault()
        elif self._has_settled(key, answer.value):
            note_settled()
        else:
            note_life(self.young_s, answer.read_at)

    async def batch_load_fn(self, keys: list[K]) -> list[Answer[V]]:
        """Read the batches of all sources at the same time; one that fails leaves the others alone."""
        answers: dict[Hashable, Answer[V]] = {}
        batches: dict[Hashable, list[K]] = defaultdict(list)
        for key in () if self._is_cancelled else keys:
            batches[self.batch_key(key)].append(key)
        reading = asyncio.gather(
            *(self._read_batch(batch, answers) for batch in batches.values()), return_exceptions=True
        )
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        return [answers.get(self.get_cache_key(key)) or _given_up(key) for key in keys]

    async def _read_batch(self, keys: list[K], answers: dict[Hashable, Answer[V]]) -> None:
        try:
            source = self._fleet.sources[keys[0].source_name]
            with span("batch", loader=type(self).__name__, source=source.name, keys=len(keys)):
                found = await self._read_recent(source, keys)
            told = [Answer(value, found.read_at) for value in found.rows]
            answers.update(zip(map(self.get_cache_key, keys), told, strict=True))
        except Exception as error:  # noqa: BLE001 - raised again at each key of this batch, and at no other
            answers.update((self.get_cache_key(key), Answer(error, None)) for key in keys)

    async def _read_recent(self, source: Source, keys: list[K]) -> StoredWindow[V | Exception]:
        """What another request read of the same batch a moment ago, or is reading, else what is read now."""
        asked = blake2b(_encode([self.told_apart_by(key) for key in keys]), digest_size=16).hexdigest()
        return await read_recent(
            source.adapter.store,
            f"{source.name}\n{source.client.account}\n{type(self).__name__}\n{asked}",
            lambda: self.read(source, keys),
            source=source.name,
            has_settled=lambda values: all(map(self._has_settled, keys, values)),
        )

    def _has_settled(self, key: K, value: Any) -> bool:
        ended_at = None if self.missing_from(value) else self.ended_at(key, value)
        return self._fleet.sources[key.source_name].has_settled(ended_at)


def _given_up(key: OfSource) -> Answer[Any]:
    said = "The request was cancelled."
    return Answer(VendorUnavailableError(said, source=key.source_name, endpoint="batch"), None)
