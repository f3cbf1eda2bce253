"""Conferences, with their members and calls."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph import records
from graph.context import Context
from graph.paging import Page, PageArgs
from graph.paging.rows import Rows
from graph.schema.call import Call
from graph.schema.connection import After, Before, Connection, First, Last
from graph.schema.member import Member
from graph.schema.node import Node, read_members
from graph.schema.of_conference import CALLS, MEMBERS, Part, only, pages_of, rows_of
from graph.schema.person import Organization, Person
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
