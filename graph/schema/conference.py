"""Conferences, with their members and calls, and how they are found."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph import clock, records
from graph.context import Context
from graph.errors import InvalidArgumentError, InvalidIdError
from graph.ids import GlobalId, IdKind, decode_id
from graph.loaders import ConferenceKey
from graph.paging import Page, PageArgs
from graph.paging.rows import Rows
from graph.schema.call import Call
from graph.schema.connection import After, Before, Connection, First, Last, Order, found_out
from graph.schema.enums import TimeOrder, Vendor, values_of
from graph.schema.lists import conference_listing
from graph.schema.member import Member
from graph.schema.narrowing import Narrowing
from graph.schema.node import MAX_IDS, Node, read_members
from graph.schema.of_conference import CALLS, MEMBERS, Part, only, pages_of, rows_of
from graph.schema.person import Organization, Person
from graph.schema.scalars import EARLIEST, TimeRange
from graph.schema.scopes import sees
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined, source_field
from graph.schema.vendor_fields import ConferenceVendorFields
from graph.schema.weights import PAGE, dearest

if TYPE_CHECKING:
    from graph.schema.room import Room


def _member_count(root: records.Conference, info: Info) -> int | Awaitable[int | None] | None:
    known = _known_member_count(root, info.context)
    return _count_members(root, info) if known is NotImplemented else known


def _known_member_count(root: records.Conference, context: Context) -> Any:
    """The count; NotImplemented where the members have to be read for it."""
    if root.member_count is None and context.fleet.sources[root.source_name].adapter.member_count_needs_members:
        return NotImplemented
    return root.member_count


async def _count_members(root: records.Conference, info: Info) -> int | None:
    return _people(await read_members(info.context, root))


async def _count_members_of_all(roots: Sequence[records.Conference], info: Info) -> Sequence[object]:
    found = await rows_of(MEMBERS, info.context, roots)
    return [_people(it) if isinstance(it, tuple) else it for it in found]


def _people(members: Sequence[records.Member]) -> int | None:
    """How many there are; None where some of them could not be read."""
    return None if Rows.missing_from(members) else records.count_people(members)


async def _members(
    root: records.Conference,
    info: Info,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Member]:
    return only(await pages_of(MEMBERS, info.context, [root], PageArgs.parse(first, after, last, before)))


async def _calls(
    root: records.Conference,
    info: Info,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Call]:
    return only(await pages_of(CALLS, info.context, [root], PageArgs.parse(first, after, last, before)))


def _of_all(part: Part[Any]) -> Callable[..., Awaitable[Sequence[object]]]:
    """The same for many conferences."""

    async def find(
        roots: Sequence[records.Conference],
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Sequence[object]:
        return await pages_of(part, info.context, roots, PageArgs.parse(first, after, last, before))

    return find


@strawberry.federation.type(keys=["id", "sourceName vendorId"], description="One conference.")
class Conference(Node):
    """One conference."""

    source: Source = source_field("Where it was reported.")
    source_name: str = strawberry.field(description="The source's name.")
    vendor_id: str = strawberry.field(
        description="The vendor's own identifier: conf_guid, meetingUniqueId, uuid, conferenceId, confId."
    )
    number: str | None = strawberry.field(description="The number people dial. Reused over time: never a key.")
    title: str | None = strawberry.field(description="What it is called.")
    state: records.ConferenceState = strawberry.field(description="Where it stands.")
    started_at: datetime | None = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    scheduled_start_at: datetime | None = strawberry.field(description="When it was booked to begin.")
    scheduled_end_at: datetime | None = strawberry.field(description="When it was booked to end.")
    duration_seconds: int | None = strawberry.field(description="How long it lasted; null while it is going on.")
    planned_duration_seconds: int | None = strawberry.field(description="How long it was booked for.")
    host: Person | None = strawberry.field(description="Who hosts it.")
    creator: Person | None = strawberry.field(description="Who booked it.")
    member_count: int | None = joined(
        _member_count,
        "How many different people took part, as far as the vendor tells.",
        shortcut=_known_member_count,
        batch=_count_members_of_all,
    )
    peak_member_count: int | None = strawberry.field(description="How many were in it at the same time at most.")
    agent: Organization | None = strawberry.field(description="The reseller that the conference belongs to.")
    company: Organization | None = strawberry.field(description="The company that the conference belongs to.")
    department: Organization | None = strawberry.field(description="The department that the conference belongs to.")
    room: Annotated["Room", strawberry.lazy("graph.schema.room")] | None = strawberry.field(
        description="The room it was held in."
    )
    members: Connection[Member] = joined(
        _members,
        "Who joined, by time; those whose time is not known come last.",
        dearest("members_of"),
        PAGE,
        batch=_of_all(MEMBERS),
    )
    calls: Connection[Call] = joined(
        _calls,
        "Its call legs, by time; those whose time is not known come last.",
        dearest("calls_of"),
        PAGE,
        batch=_of_all(CALLS),
    )
    error_code: int | None = strawberry.field(description="The vendor's code for how it ended; 0 is normal.")
    error_info: str | None = strawberry.field(description="How it ended, in the vendor's words.")
    vendor_fields: ConferenceVendorFields = strawberry.field(description="What only this vendor reports.")

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.Conference | records.ConferenceRef)


# ---- how they are found ---------------------------------------------------------------------------


@strawberry.input(description="Which conferences are wanted; what is null or absent narrows nothing.")
class ConferenceFilter:
    """Which conferences are wanted."""

    during: TimeRange | None = strawberry.field(
        default=None,
        description="The conference's sort time lies in this range. Default: the 24 hours before the first page was "
        "asked; none with vendorIds.",
    )
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources, by name.")
    vendors: list[Vendor] | None = strawberry.field(default=None, description="Only sources of these vendors.")
    states: list[records.ConferenceState] | None = strawberry.field(default=None, description="Only these states.")
    vendor_ids: list[str] | None = strawberry.field(
        default=None,
        description="Only these conferences, by the vendor's own identifiers, at most 1000, in the order asked; with "
        "exactly one entry in `sources`.",
    )
    room: strawberry.ID | None = strawberry.field(default=None, description="Only those held in this room.")
    search: str | None = strawberry.field(
        default=None, description="Matches title, number, room name or host name, ignoring case."
    )

    def narrowing(self, context: Context) -> Narrowing:
        """The filter as the lists take it.

        Raises:
            InvalidArgumentError: parts of it do not go together.
            InvalidIdError: `room` is no id of a room.
        """
        return Narrowing(
            during=self.during.window() if self.during else None,
            sources=self.sources,
            vendors=values_of(self.vendors),
            states=frozenset(self.states) if self.states is not None else None,
            vendor_ids=self._vendor_ids(),
            room=_room_id(self.room) if self.room is not None else None,
            search=self.search,
            sees_names=sees(context, "Person.name"),
        )

    def _vendor_ids(self) -> Sequence[str] | None:
        if self.vendor_ids is None:
            return None
        if self.sources is None or len(set(self.sources)) != 1:
            raise InvalidArgumentError("`vendorIds` goes with exactly one entry in `sources`.")
        if len(self.vendor_ids) > MAX_IDS:
            raise InvalidArgumentError(f"`vendorIds` takes at most {MAX_IDS} identifiers.")
        return list(dict.fromkeys(self.vendor_ids))


def _room_id(text: str) -> GlobalId:
    wanted = decode_id(text)
    if wanted.kind is not IdKind.ROOM:
        raise InvalidIdError("`room` is not an id of a room.")
    return wanted


async def find_conferences(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        ConferenceFilter | None, strawberry.argument(description="Which conferences are wanted.")
    ] = None,
    order_by: Order = TimeOrder.START_DESC,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Conference]:
    """Resolve `Query.conferences`."""
    args = PageArgs.parse(first, after, last, before)
    narrowing = filter.narrowing(info.context) if filter else Narrowing()
    listing = conference_listing(
        info.context,
        args,
        narrowing,
        Selection.of(info).rows(),
        field="conferences",
        descending=order_by is not TimeOrder.START_ASC,
    )
    return await found_out(await listing.page(args), info)


async def find_conference(
    info: Info,
    source: Annotated[str, strawberry.argument(description="The source's name.")],
    vendor_id: Annotated[str, strawberry.argument(description="The vendor's own identifier.")],
    started_near: Annotated[
        datetime | None,
        strawberry.argument(description="Narrows the search where the vendor has no look-up by id."),
    ] = None,
) -> records.Conference | None:
    """Resolve `Query.conference`."""
    (found,) = info.context.fleet.select([source])
    extras = Selection.of(info).extras(found.adapter)
    near = started_near and min(max(started_near, EARLIEST), clock.now())  # nobody searches the future
    return await info.context.loaders.conferences.get(ConferenceKey(source, vendor_id, extras, near))
