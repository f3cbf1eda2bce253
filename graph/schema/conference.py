"""Conferences, with their members and calls."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph import records
from graph.context import Context
from graph.paging import Page, PageArgs
from graph.paging.windows import Rows
from graph.schema.call import Call
from graph.schema.connection import After, Before, Connection, First, Last
from graph.schema.lists import calls_of, members_of
from graph.schema.member import Member
from graph.schema.node import Node, read_members
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
    members = await read_members(info.context, root)
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
    return await members_of(info.context, root).page(PageArgs.parse(first, after, last, before))


async def _calls(
    root: records.Conference,
    info: Info,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Call]:
    return await calls_of(info.context, root).page(PageArgs.parse(first, after, last, before))


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
    )
    peak_member_count: int | None = strawberry.field(description="How many were in it at the same time at most.")
    agent: Organization | None = strawberry.field(description="The reseller.")
    company: Organization | None = strawberry.field(description="The company.")
    department: Organization | None = strawberry.field(description="The department.")
    room: Annotated["Room", strawberry.lazy("graph.schema.room")] | None = strawberry.field(
        description="The room it was held in."
    )
    members: Connection[Member] = joined(
        _members, "Who joined, by time; those whose time is not known come last.", dearest("members_of"), PAGE
    )
    calls: Connection[Call] = joined(
        _calls, "Its call legs, by time; those whose time is not known come last.", dearest("calls_of"), PAGE
    )
    error_code: int | None = strawberry.field(description="The vendor's code for how it ended; 0 is normal.")
    error_info: str | None = strawberry.field(description="The same in the vendor's words.")
    vendor_fields: ConferenceVendorFields = strawberry.field(description="What only this vendor reports.")

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.Conference | records.ConferenceRef)
