"""Per-request loaders: what the fields of one query ask for one by one is asked of each source together.

Requests that come to ask for the same batch at about the same time share what one of them reads.

Sole importer of aiodataloader, and of its traps: a loader binds the running loop (so they are made per request), a
cancelled batch would hang its callers, a cancelled caller would poison the future it shares with others. An error
answered for a key stays the answer for the rest of the request.
"""

import asyncio
import contextlib
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from aiodataloader import DataLoader

from graph.errors import VendorUnavailableError
from graph.fleet import Fleet, Source
from graph.paging import read_recent
from graph.paging.freshness import note_fault, note_life, note_settled
from graph.paging.shelf import SNAPSHOT_TTL_S, YOUNG_TTL_S
from graph.paging.windows import Rows, Window
from graph.records import (
    Call,
    Conference,
    McuKind,
    McuResource,
    Member,
    Room,
    UsageDimension,
    UsageOrder,
)
from graph.statistics import McuReport, UsageGroups
from graph.telemetry.traces import span
from graph.vendors.base import Extras


class OfSource(Hashable, Protocol):
    """Anything that bears the name of a configured source."""

    @property
    def source_name(self) -> str:
        """The source's name."""


K = TypeVar("K", bound=OfSource)
V = TypeVar("V")


class VendorKey(NamedTuple):
    """What one source knows an object by."""

    source_name: str
    key: str


class ConferenceKey(NamedTuple):
    """A conference, what to read along with it, and where to look first."""

    source_name: str
    vendor_id: str
    extras: Extras = Extras()
    near: datetime | None = None


class RoomWindow(NamedTuple):
    """A room during a range of time."""

    source_name: str
    key: str
    window: Window


class McuReportsKey(NamedTuple):
    """The media resources of a kind during a range of time."""

    source_name: str
    kind: McuKind
    window: Window


class UsageGroupsKey(NamedTuple):
    """One grouped usage report."""

    source_name: str
    dimension: UsageDimension
    window: Window
    order: UsageOrder


_OF_WINDOWS = (RoomWindow, McuReportsKey, UsageGroupsKey)


class SourceLoader(DataLoader[K, V]):
    """Collects the keys asked for in one turn of the loop, and reads those of each source in one batch."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self._reading: set[asyncio.Future[Any]] = set()
        self._read_at: dict[Hashable, datetime] = {}
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

    def read_at(self, key: K) -> datetime | None:
        """When reading the value of a key began, which may have been for another request."""
        return self._read_at.get(self.get_cache_key(key))

    async def get(self, key: K) -> V:
        """The value of a key, or what went wrong with it raised."""
        loading = self.load(key)
        loading.add_done_callback(_look_at)
        try:
            value = await asyncio.shield(loading)
        except Exception:
            note_fault()
            raise
        if self._fleet.sources[key.source_name].has_settled(_ended_at(key, value)):
            note_settled()
        else:
            note_life(YOUNG_TTL_S if isinstance(key, _OF_WINDOWS) else SNAPSHOT_TTL_S, self.read_at(key))
        return value

    async def batch_load_fn(self, keys: list[K]) -> list[V]:
        """Read the batches of all sources at the same time; one that fails leaves the others alone."""
        values: list[Any] = [
            VendorUnavailableError("The request was cancelled.", source=key.source_name, endpoint="batch")
            for key in keys
        ]
        batches: dict[Hashable, list[int]] = defaultdict(list)
        for position, key in enumerate(() if self._is_cancelled else keys):
            batches[self.batch_key(key)].append(position)

        async def one(positions: list[int]) -> None:
            batch = [keys[position] for position in positions]
            try:
                source = self._fleet.sources[batch[0].source_name]
                with span("batch", loader=type(self).__name__, source=source.name, keys=len(batch)):
                    answers = await self._read_recent(source, batch)
                pairs: list[tuple[int, V | Exception]] = list(zip(positions, answers, strict=True))
            except Exception as error:  # noqa: BLE001 - raised again at each key of this batch, and at no other
                pairs = [(position, error) for position in positions]
            for position, answer in pairs:
                values[position] = answer

        reading = asyncio.gather(*(one(positions) for positions in batches.values()), return_exceptions=True)
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        return cast("list[V]", values)

    async def _read_recent(self, source: Source, batch: list[K]) -> Sequence[V | Exception]:
        """What another request read of the same batch a moment ago, or is reading, else what is read now."""
        asked = blake2b(repr([self.told_apart_by(key) for key in batch]).encode(), digest_size=16).hexdigest()
        found = await read_recent(
            source.adapter.store,
            f"{source.name}\n{source.client.account}\n{type(self).__name__}\n{asked}",
            lambda: self.read(source, batch),
            source=source.name,
        )
        self._read_at |= {self.get_cache_key(key): found.read_at for key in batch}
        return found.rows


def _ended_at(key: object, value: object) -> datetime | None:
    """When all had ended that the value of a key tells of; None where that is not known, or rows are missing."""
    if isinstance(value, Rows) and value.left_out:
        return None
    if isinstance(key, _OF_WINDOWS):
        return key.window.end
    told = key if isinstance(key, Conference) else value
    return told.ended_at if isinstance(told, Conference | Call) else None


def _look_at(done: "asyncio.Future[Any]") -> None:
    """An error for a caller that was cancelled is not lost: nobody wants it."""
    if not done.cancelled():
        done.exception()


class ConferenceByKeyLoader(SourceLoader[ConferenceKey, Conference | None]):
    """Conferences by the vendor's identifier; those already at hand cost nothing."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self._known: dict[tuple[str, str], Conference] = {}

    def remember(self, conference: Conference) -> None:
        """Have a record at hand for whoever asks for it by its key."""
        self._known.setdefault((conference.source_name, conference.vendor_id), conference)

    def known(self, source_name: str, vendor_id: str) -> Conference | None:
        """The record, where it is at hand."""
        return self._known.get((source_name, vendor_id))

    async def get(self, key: ConferenceKey) -> Conference | None:
        """The conference of a key; None where the vendor does not know it."""
        return self.known(key.source_name, key.vendor_id) or await super().get(key)

    def batch_key(self, key: ConferenceKey) -> Hashable:
        """What is searched around different instants is not searched together."""
        return key.source_name, key.near

    def get_cache_key(self, key: ConferenceKey) -> Any:
        """Extras are read for a whole batch: they make no other conference of it."""
        return key.source_name, key.vendor_id, key.near

    async def read(self, source: Source, keys: Sequence[ConferenceKey]) -> Sequence[Conference | Exception | None]:
        """Read a batch with all that any of its keys wants."""
        extras = Extras(members=any(key.extras.members for key in keys), calls=any(key.extras.calls for key in keys))
        return await source.adapter.get_conferences([key.vendor_id for key in keys], extras, keys[0].near)


class CallByKeyLoader(SourceLoader[VendorKey, Call | None]):
    """Calls by the vendor's identifier."""

    async def read(self, source: Source, keys: Sequence[VendorKey]) -> Sequence[Call | Exception | None]:
        """Read a batch."""
        return await source.adapter.get_calls([key.key for key in keys])


class OfConferenceLoader(SourceLoader[Conference, V]):
    """What belongs to conferences, by their records."""

    def get_cache_key(self, key: Conference) -> Any:
        """Hashing a whole record would look at all of it."""
        return key.source_name, key.vendor_id

    def told_apart_by(self, key: Conference) -> Hashable:
        """So would writing it."""
        return key.vendor_id, key.sort_time, key.ended_at


class ConferenceMembersLoader(OfConferenceLoader[tuple[Member, ...]]):
    """The members of conferences that came without them."""

    async def read(self, source: Source, keys: Sequence[Conference]) -> Sequence[tuple[Member, ...] | Exception]:
        """Read a batch."""
        return await source.adapter.read_members(keys)


class ConferenceCallsLoader(OfConferenceLoader[tuple[Call, ...]]):
    """The calls of conferences that came without them."""

    async def read(self, source: Source, keys: Sequence[Conference]) -> Sequence[tuple[Call, ...] | Exception]:
        """Read a batch."""
        return await source.adapter.read_calls(keys)


class RoomByKeyLoader(SourceLoader[VendorKey, Room | None]):
    """Rooms by what their ids are made of, with the vendor's identifier and name filled in."""

    async def read(self, source: Source, keys: Sequence[VendorKey]) -> Sequence[Room | Exception | None]:
        """Read a batch."""
        return await source.adapter.get_rooms([key.key for key in keys])


class RoomCapacityLoader(SourceLoader[RoomWindow, int | None]):
    """How many seats rooms have, from the conferences held in them in a window."""

    def batch_key(self, key: RoomWindow) -> Hashable:
        """One request looks at one window."""
        return key.source_name, key.window

    async def read(self, source: Source, keys: Sequence[RoomWindow]) -> Sequence[int | Exception | None]:
        """Read a batch."""
        return await source.adapter.get_room_capacities([key.key for key in keys], keys[0].window)


class McuByNameLoader(SourceLoader[VendorKey, McuResource | None]):
    """Media resources by name, with their kind filled in."""

    async def read(self, source: Source, keys: Sequence[VendorKey]) -> Sequence[McuResource | Exception | None]:
        """Read a batch."""
        return await source.adapter.get_mcu_resources([key.key for key in keys])


class ReportLoader(SourceLoader[K, V]):
    """Whole reports: each key is a request of its own, asked once however often the query needs it."""

    def batch_key(self, key: K) -> Hashable:
        """No two keys share a request."""
        return key


class McuReportsLoader(ReportLoader[McuReportsKey, Sequence[McuReport]]):
    """The media resources of a kind with their days."""

    async def read(self, source: Source, keys: Sequence[McuReportsKey]) -> Sequence[Sequence[McuReport] | Exception]:
        """Read one report."""
        return [await source.adapter.list_mcu_reports(key.kind, key.window) for key in keys]


class UsageGroupsLoader(ReportLoader[UsageGroupsKey, UsageGroups]):
    """Usage per room, company, capacity or device model."""

    async def read(self, source: Source, keys: Sequence[UsageGroupsKey]) -> Sequence[UsageGroups | Exception]:
        """Read one report."""
        return [await source.adapter.read_usage_by(key.dimension, key.window, key.order) for key in keys]


class Loaders:
    """The loaders of one request, each made when it is first used."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def cancel(self) -> None:
        """Stop what is still being read, once the request has its answer or its client has gone."""
        for loader in vars(self).values():
            if isinstance(loader, SourceLoader):
                loader.cancel()

    def renew(self) -> None:
        """Begin anew, as for another request."""
        self.cancel()
        for name in [name for name, loader in vars(self).items() if isinstance(loader, SourceLoader)]:
            delattr(self, name)

    @cached_property
    def conferences(self) -> ConferenceByKeyLoader:
        """Conferences by key."""
        return ConferenceByKeyLoader(self._fleet)

    @cached_property
    def calls(self) -> CallByKeyLoader:
        """Calls by key."""
        return CallByKeyLoader(self._fleet)

    @cached_property
    def conference_members(self) -> ConferenceMembersLoader:
        """Members by conference."""
        return ConferenceMembersLoader(self._fleet)

    @cached_property
    def conference_calls(self) -> ConferenceCallsLoader:
        """Calls by conference."""
        return ConferenceCallsLoader(self._fleet)

    @cached_property
    def rooms(self) -> RoomByKeyLoader:
        """Rooms by key."""
        return RoomByKeyLoader(self._fleet)

    @cached_property
    def room_capacities(self) -> RoomCapacityLoader:
        """Capacities by room and window."""
        return RoomCapacityLoader(self._fleet)

    @cached_property
    def mcu_resources(self) -> McuByNameLoader:
        """Media resources by name."""
        return McuByNameLoader(self._fleet)

    @cached_property
    def mcu_reports(self) -> McuReportsLoader:
        """Media resources with their days, by kind and window."""
        return McuReportsLoader(self._fleet)

    @cached_property
    def usage_groups(self) -> UsageGroupsLoader:
        """Grouped usage, by dimension and window."""
        return UsageGroupsLoader(self._fleet)
