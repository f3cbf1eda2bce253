"""The roots of the schema."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast

import strawberry

from graph import clock, fleet, records
from graph.context import Context
from graph.errors import InvalidArgumentError, InvalidIdError, LimitExceededError
from graph.freshness import OWN_S, note_life
from graph.ids import GlobalId, IdKind, decode_id
from graph.loaders import ConferenceKey
from graph.paging import Page, PageArgs
from graph.schema.call import Call
from graph.schema.conference import Conference
from graph.schema.connection import After, Before, Connection, First, Last, found_out
from graph.schema.enums import TimeOrder, Vendor
from graph.schema.federation import Schema, Service
from graph.schema.lists import call_listing, conference_listing
from graph.schema.live import LiveSummary, find_live
from graph.schema.mcu import McuResource, find_mcu_resources
from graph.schema.narrowing import Narrowing
from graph.schema.node import Node, fetch_node, fetch_nodes
from graph.schema.region import RegionCount, find_region_counts
from graph.schema.room import Room, find_rooms
from graph.schema.scalars import EARLIEST, TimeRange
from graph.schema.scopes import sees
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined
from graph.schema.usage import UsageGroupConnection, UsageReport, find_usage, find_usage_by
from graph.schema.weights import PAGE, dearest, lists, together

MAX_IDS = 1000


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
            vendors=_values(self.vendors),
            states=frozenset(self.states) if self.states is not None else None,
            vendor_ids=self._vendor_ids(),
            room=_room(self.room) if self.room is not None else None,
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


@strawberry.input(description="Which calls are wanted; what is null or absent narrows nothing.")
class CallFilter:
    """Which calls are wanted."""

    during: TimeRange | None = strawberry.field(
        default=None,
        description="The call began in this range. Default: the 24 hours before the first page was asked.",
    )
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources, by name.")
    vendors: list[Vendor] | None = strawberry.field(default=None, description="Only sources of these vendors.")
    search: str | None = strawberry.field(
        default=None, description="Matches display name, room name or client version, ignoring case."
    )

    def narrowing(self, context: Context) -> Narrowing:
        """The filter as the lists take it."""
        return Narrowing(
            during=self.during.window() if self.during else None,
            sources=self.sources,
            vendors=_values(self.vendors),
            search=self.search,
            sees_names=sees(context, "Call.displayName"),
        )


def _values(vendors: list[Vendor] | None) -> list[str] | None:
    return None if vendors is None else [vendor.value for vendor in vendors]


def _room(text: str) -> GlobalId:
    wanted = decode_id(text)
    if wanted.kind is not IdKind.ROOM:
        raise InvalidIdError("`room` is not an id of a room.")
    return wanted


Order = Annotated[TimeOrder | None, strawberry.argument(description="Latest or earliest first.")]


async def _conferences(
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


async def _calls(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        CallFilter | None, strawberry.argument(description="Which calls are wanted.")
    ] = None,
    order_by: Order = TimeOrder.START_DESC,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Call]:
    args = PageArgs.parse(first, after, last, before)
    narrowing = filter.narrowing(info.context) if filter else Narrowing()
    listing = call_listing(info.context, args, narrowing, field="calls", descending=order_by is not TimeOrder.START_ASC)
    return await found_out(await listing.page(args), info)


async def _conference(
    info: Info,
    source: Annotated[str, strawberry.argument(description="The source's name.")],
    vendor_id: Annotated[str, strawberry.argument(description="The vendor's own identifier.")],
    started_near: Annotated[
        datetime | None,
        strawberry.argument(description="Narrows the search where the vendor has no look-up by id."),
    ] = None,
) -> records.Conference | None:
    (found,) = info.context.fleet.select([source])
    extras = Selection.of(info).extras(found.adapter)
    near = started_near and min(max(started_near, EARLIEST), clock.now())  # nobody searches the future
    return await info.context.loaders.conferences.get(ConferenceKey(source, vendor_id, extras, near))


def _sources(info: Info) -> list[fleet.Source]:
    note_life(OWN_S)
    return info.context.fleet.select()


def _service(info: Info) -> Schema:
    note_life(OWN_S)
    return cast("Schema", info.schema)


@strawberry.type(name="Query", description="What can be asked.")
class SubgraphQuery:
    """The roots that a gateway composes: all but node and nodes, of which a supergraph can have only one owner.

    Every one but `_service` is nullable, so that a refused argument leaves its siblings alone.
    """

    rooms: Connection[Room] | None = joined(
        find_rooms,
        "Rooms used in the last 24 hours, or `filter.during`, by source and name.",
        together("room_list"),
        PAGE,
    )
    mcu_resources: Connection[McuResource] | None = joined(
        find_mcu_resources, "Media resources used in `filter.during`, by source and name.", together("mcu_list"), PAGE
    )
    region_counts: Connection[RegionCount] | None = joined(
        find_region_counts,
        "Calls or registered devices per region, by source and region, unknown places last.",
        together("regions"),
        PAGE,
    )
    usage: UsageReport | None = joined(
        find_usage, "How many conferences or calls, and for how long, per calendar day.", together("usage")
    )
    usage_by: UsageGroupConnection | None = joined(
        find_usage_by,
        "Conferences or calls per room, company, room capacity or device model.",
        together("usage_by"),
        PAGE,
    )
    live: LiveSummary | None = joined(
        find_live,
        "How much is going on right now, as each source counts it: more than is LIVE where it counts others too.",
        together("live"),
    )
    conferences: Connection[Conference] | None = joined(
        _conferences,
        "Conferences of every source, merged into one list ordered by sort time: those of the last 24 hours, unless "
        "`filter` says otherwise by `during` or `vendorIds`.",
        lists(records.Capability.LIST_CONFERENCES),
        PAGE,
    )
    conference: Conference | None = joined(
        _conference, "One conference by the vendor's own identifier.", dearest("conferences")
    )
    calls: Connection[Call] | None = joined(
        _calls,
        "Call legs of every source that reports them, merged into one list ordered by start time: those of the last "
        "24 hours, unless `filter.during` says otherwise.",
        lists(records.Capability.LIST_CALLS),
        PAGE,
    )
    sources: list[Source] | None = joined(_sources, "The configured sources, by name, and how they fare.")
    service: Service = strawberry.field(  # type: ignore[assignment]  # the schema is served as it is
        name="_service", resolver=_service, description="For gateways: this subgraph."
    )


async def _node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The object's id.")],  # noqa: A002 - the contract's name
) -> records.Record | None:
    wanted = decode_id(id)
    return await fetch_node(info.context, wanted, Selection.of(info, "Conference"))


async def _nodes(
    info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 1000 ids.")]
) -> list[Any]:
    if len(ids) > MAX_IDS:
        raise LimitExceededError(f"At most {MAX_IDS} ids at once.")
    answers: list[Any] = [None] * len(ids)
    named: list[tuple[int, GlobalId]] = []
    for place, id_ in enumerate(ids):
        try:
            named.append((place, decode_id(id_)))
        except InvalidIdError as error:
            answers[place] = error
    selection = Selection.of(info, "Conference")
    found = await fetch_nodes(info.context, [(wanted, selection) for _, wanted in named])
    for (place, _), record in zip(named, found, strict=True):
        answers[place] = record
    return answers


@strawberry.type(description="What can be asked.")
class Query(SubgraphQuery):
    """All roots."""

    node: Node | None = joined(
        _node,
        "Fetch any object again by its id. Null when the vendor no longer knows it.",
    )
    nodes: list[Node | None] = joined(
        _nodes, "Fetch many objects by their ids, in the order asked; null where one is not known."
    )
