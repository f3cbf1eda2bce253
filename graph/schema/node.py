"""Objects by their ids: the Node interface, and how each kind of object is read again."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import strawberry

from graph.context import Context
from graph.errors import InvalidIdError
from graph.ids import GlobalId, IdKind
from graph.loaders import ConferenceKey, VendorKey
from graph.paging.rows import Rows
from graph.records import Conference, Member, Record
from graph.schema.selection import Selection
from graph.vendors.base import Extras

MAX_IDS = 1000


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
    (found,) = await fetch_nodes(context, [(wanted, selection)])
    if isinstance(found, Exception):
        raise found
    return found


async def fetch_nodes(
    context: Context, wanted: Sequence[tuple[GlobalId, Selection]]
) -> Sequence[Record | Exception | None]:
    """Read many objects again, at the same time: each likewise, or what went wrong with it."""
    found: list[Record | Exception | None] = [None] * len(wanted)
    kinds: dict[IdKind, list[int]] = defaultdict(list)
    for place, (it, _) in enumerate(wanted):
        if it.source_name in context.fleet.sources:
            kinds[it.kind].append(place)

    async def read(kind: IdKind, places: Sequence[int]) -> None:
        values = await _READERS[kind](context, [wanted[place] for place in places])
        for place, value in zip(places, values, strict=True):
            found[place] = value

    if len(kinds) == 1:
        await read(*kinds.popitem())
    else:
        await asyncio.gather(*(read(*item) for item in kinds.items()))
    return found


async def _conferences(context: Context, wanted: Sequence[tuple[GlobalId, Selection]]) -> Sequence[Any]:
    return await context.loaders.conferences.get_all(
        [_conference_key(context, it.source_name, it.key, selection) for it, selection in wanted]
    )


async def _members(context: Context, wanted: Sequence[tuple[GlobalId, Selection]]) -> Sequence[Any]:
    one_by_one = (_fetch_member(context, it.source_name, it.key) for it, _ in wanted)
    return await asyncio.gather(*one_by_one, return_exceptions=True)


async def _calls(context: Context, wanted: Sequence[tuple[GlobalId, Selection]]) -> Sequence[Any]:
    return await context.loaders.calls.get_all(_keys(wanted))


async def _rooms(context: Context, wanted: Sequence[tuple[GlobalId, Selection]]) -> Sequence[Any]:
    return await context.loaders.rooms.get_all(_keys(wanted))


async def _mcu_resources(context: Context, wanted: Sequence[tuple[GlobalId, Selection]]) -> Sequence[Any]:
    return await context.loaders.mcu_resources.get_all(_keys(wanted))


_READERS = {
    IdKind.CONFERENCE: _conferences,
    IdKind.MEMBER: _members,
    IdKind.CALL: _calls,
    IdKind.ROOM: _rooms,
    IdKind.MCU_RESOURCE: _mcu_resources,
}


def _keys(wanted: Sequence[tuple[GlobalId, Selection]]) -> list[VendorKey]:
    return [VendorKey(it.source_name, it.key) for it, _ in wanted]


def _conference_key(context: Context, source_name: str, vendor_id: str, selection: Selection) -> ConferenceKey:
    extras = selection.extras(context.fleet.sources[source_name].adapter)
    return ConferenceKey(source_name, vendor_id, extras)


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
