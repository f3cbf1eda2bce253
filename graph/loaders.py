"""The loaders of one request: what its fields ask for one by one is asked of each source together, see `batches`."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from graph.batches import OfSource, SourceLoader
from graph.fleet import Fleet, Source
from graph.paging.rows import Rows
from graph.paging.shelf import YOUNG_TTL_S
from graph.paging.windows import Window
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
from graph.vendors.base import Extras

V = TypeVar("V")
L = TypeVar("L", bound=SourceLoader[Any, Any])


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

    async def get_all(self, keys: Sequence[ConferenceKey]) -> list[Conference | Exception | None]:
        """The same of many keys, and what went wrong with those that have none."""
        known = [self.known(key.source_name, key.vendor_id) for key in keys]
        asked = [key for key, conference in zip(keys, known, strict=True) if conference is None]
        read = iter(await super().get_all(asked) if asked else ())
        return [conference or next(read) for conference in known]

    def batch_key(self, key: ConferenceKey) -> Hashable:
        """What is searched around different instants is not searched together."""
        return key.source_name, key.near

    def get_cache_key(self, key: ConferenceKey) -> Any:
        """Extras are read for a whole batch: they make no other conference of it."""
        return key.source_name, key.vendor_id, key.near

    def ended_at(self, key: ConferenceKey, value: Conference | None) -> datetime | None:  # noqa: ARG002 - the value tells it
        """When the conference had."""
        return None if value is None else value.over_at

    async def read(self, source: Source, keys: Sequence[ConferenceKey]) -> Sequence[Conference | Exception | None]:
        """Read a batch with all that any of its keys wants."""
        extras = Extras(members=any(key.extras.members for key in keys), calls=any(key.extras.calls for key in keys))
        return await source.adapter.get_conferences([key.vendor_id for key in keys], extras, keys[0].near)


class CallByKeyLoader(SourceLoader[VendorKey, Call | None]):
    """Calls by the vendor's identifier."""

    def ended_at(self, key: VendorKey, value: Call | None) -> datetime | None:  # noqa: ARG002 - the value tells it
        """When the call had."""
        return None if value is None else value.ended_at

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

    def ended_at(self, key: Conference, value: Any) -> datetime | None:  # noqa: ARG002 - the conference tells it
        """When the conference had."""
        return key.over_at


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


class OfWindow(OfSource, Protocol):
    """Anything of a source that is about a range of time."""

    @property
    def window(self) -> Window:
        """The range."""


W = TypeVar("W", bound=OfWindow)


class OfWindowLoader(SourceLoader[W, V]):
    """What is told of ranges of time."""

    young_s: ClassVar[float] = YOUNG_TTL_S

    def ended_at(self, key: W, value: Any) -> datetime | None:  # noqa: ARG002 - the range tells it
        """When the range had."""
        return key.window.end


class RoomCapacityLoader(OfWindowLoader[RoomWindow, int | None]):
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


class ReportLoader(OfWindowLoader[W, V]):
    """Whole reports: each key is a request of its own, asked once however often the query needs it."""

    def batch_key(self, key: W) -> Hashable:
        """No two keys share a request."""
        return key


class McuReportsLoader(ReportLoader[McuReportsKey, Sequence[McuReport]]):
    """The media resources of a kind with their days."""

    async def read(self, source: Source, keys: Sequence[McuReportsKey]) -> Sequence[Sequence[McuReport] | Exception]:
        """Read one report."""
        return [await source.adapter.list_mcu_reports(key.kind, key.window) for key in keys]


class UsageGroupsLoader(ReportLoader[UsageGroupsKey, UsageGroups]):
    """Usage per room, company, capacity or device model."""

    def missing_from(self, value: UsageGroups) -> int:
        """Of its groups."""
        return Rows.missing_from(value.groups)

    async def read(self, source: Source, keys: Sequence[UsageGroupsKey]) -> Sequence[UsageGroups | Exception]:
        """Read one report."""
        return [await source.adapter.read_usage_by(key.dimension, key.window, key.order) for key in keys]


class Loaders:
    """The loaders of one request, each made when it is first used."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._made: dict[type[SourceLoader[Any, Any]], Any] = {}

    def cancel(self) -> None:
        """Stop what is still being read, once the request has its answer or its client has gone."""
        for loader in self._made.values():
            loader.cancel()

    def renew(self) -> None:
        """Begin anew, as for another request."""
        self.cancel()
        self._made.clear()

    def _the(self, kind: type[L]) -> L:
        loader = self._made.get(kind)
        if loader is None:
            loader = self._made[kind] = kind(self._fleet)
        return cast("L", loader)

    @property
    def conferences(self) -> ConferenceByKeyLoader:
        """Conferences by key."""
        return self._the(ConferenceByKeyLoader)

    @property
    def calls(self) -> CallByKeyLoader:
        """Calls by key."""
        return self._the(CallByKeyLoader)

    @property
    def conference_members(self) -> ConferenceMembersLoader:
        """Members by conference."""
        return self._the(ConferenceMembersLoader)

    @property
    def conference_calls(self) -> ConferenceCallsLoader:
        """Calls by conference."""
        return self._the(ConferenceCallsLoader)

    @property
    def rooms(self) -> RoomByKeyLoader:
        """Rooms by key."""
        return self._the(RoomByKeyLoader)

    @property
    def room_capacities(self) -> RoomCapacityLoader:
        """Capacities by room and window."""
        return self._the(RoomCapacityLoader)

    @property
    def mcu_resources(self) -> McuByNameLoader:
        """Media resources by name."""
        return self._the(McuByNameLoader)

    @property
    def mcu_reports(self) -> McuReportsLoader:
        """Media resources with their days, by kind and window."""
        return self._the(McuReportsLoader)

    @property
    def usage_groups(self) -> UsageGroupsLoader:
        """Grouped usage, by dimension and window."""
        return self._the(UsageGroupsLoader)
