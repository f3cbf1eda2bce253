"""Objects by their ids: the Node interface, and how each kind of object is read again."""

import strawberry

from graph.context import Context
from graph.errors import InvalidIdError
from graph.ids import GlobalId, IdKind
from graph.loaders import ConferenceKey, VendorKey
from graph.paging.windows import Rows
from graph.records import Call, Conference, McuResource, Member, Record, Room
from graph.schema.selection import Selection
from graph.vendors.base import Extras


@strawberry.interface(description="Anything that can be fetched again by its id.")
class Node:
    """Anything with an id."""

    id: strawberry.ID = strawberry.field(description="Opaque; stays the same as long as the source keeps its name.")

    @classmethod
    def resolve_type(cls, obj: Record, info: object, abstract_type: object) -> str:  # noqa: ARG003 - Strawberry's signature
        """The GraphQL type of a record: it bears the same name."""
        return type(obj).__name__


async def fetch_node(context: Context, wanted: GlobalId, selection: Selection) -> Record | None:
    """Read one object again; None where its source is not configured or its vendor no longer knows it.

    Args:
        context: Of the request.
        wanted: What to read.
        selection: What is selected on it, should it be a conference.
    """
    if wanted.source_name not in context.fleet.sources:
        return None
    key = VendorKey(wanted.source_name, wanted.key)
    if wanted.kind is IdKind.CONFERENCE:
        return await fetch_conference(context, *key, selection)
    if wanted.kind is IdKind.MEMBER:
        return await _fetch_member(context, *key)
    if wanted.kind is IdKind.CALL:
        call: Call | None = await context.loaders.calls.get(key)
        return call
    if wanted.kind is IdKind.ROOM:
        room: Room | None = await context.loaders.rooms.get(key)
        return room
    resource: McuResource | None = await context.loaders.mcu_resources.get(key)
    return resource


async def fetch_conference(
    context: Context, source_name: str, vendor_id: str, selection: Selection
) -> Conference | None:
    """Read one conference of a configured source with what is selected on it."""
    extras = selection.extras(context.fleet.sources[source_name].adapter)
    return await context.loaders.conferences.get(ConferenceKey(source_name, vendor_id, extras))


async def read_members(context: Context, conference: Conference) -> tuple[Member, ...]:
    """The members of a conference: its own where they came with it, else those the vendor is asked for."""
    if conference.members is not None:
        return conference.members
    loader = context.loaders.conference_members
    members = await loader.get(conference)
    return Rows.of(members, Rows.missing_from(members), loader.read_at(conference))


async def _fetch_member(context: Context, source_name: str, key: str) -> Member | None:
    conference_id, separator, vendor_id = key.partition("\n")
    if not separator:
        raise InvalidIdError("This is not an id of a member.")
    wanted = ConferenceKey(source_name, conference_id, Extras(members=True))
    conference = await context.loaders.conferences.get(wanted)
    if conference is None:
        return None
    context.loaders.conferences.remember(conference)
    members = await read_members(context, conference)
    found = next((member for member in members if member.vendor_id == vendor_id), None)
    if found is None and (missing := Rows.missing_from(members)):
        raise context.fleet.sources[source_name].adapter.incomplete("members", missing)
    return found
