"""The roots of the schema."""

from typing import Annotated, Any, cast

import strawberry

from graph import fleet, records
from graph.errors import InvalidIdError, LimitExceededError
from graph.freshness import OWN_S, note_life
from graph.ids import GlobalId, decode_id
from graph.schema.call import Call, find_calls
from graph.schema.conference import Conference, find_conference, find_conferences
from graph.schema.connection import Connection
from graph.schema.federation import Schema, Service
from graph.schema.live import LiveSummary, find_live
from graph.schema.mcu import McuResource, find_mcu_resources
from graph.schema.node import MAX_IDS, Node, fetch_node, fetch_nodes
from graph.schema.region import RegionCount, find_region_counts
from graph.schema.room import Room, find_rooms
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined
from graph.schema.usage import UsageGroupConnection, UsageReport, find_usage, find_usage_by
from graph.schema.weights import PAGE, dearest, lists, together


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
        find_conferences,
        "Conferences of every source, merged into one list ordered by sort time: those of the last 24 hours, unless "
        "`filter` says otherwise by `during` or `vendorIds`.",
        lists(records.Capability.LIST_CONFERENCES),
        PAGE,
    )
    conference: Conference | None = joined(
        find_conference, "One conference by the vendor's own identifier.", dearest("conferences")
    )
    calls: Connection[Call] | None = joined(
        find_calls,
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
