"""Rooms, and the list of them: how much they were used, and the conferences held in them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import strawberry

from graph import clock, records, statistics
from graph.cache.codec import ROOMS
from graph.context import Context
from graph.loaders import RoomWindow, UsageGroupsKey, VendorKey
from graph.paging import Page, PageArgs, resolve_window
from graph.paging.rows import Rows
from graph.paging.windows import Window
from graph.records import Capability, UsageDimension, UsageOrder
from graph.schema.connection import After, Before, Connection, First, Last, found_out
from graph.schema.lists import DEFAULT_RANGE, room_conference_listing
from graph.schema.narrowing import matches
from graph.schema.node import Node
from graph.schema.scalars import TimeRange
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined, source_field
from graph.schema.usage import UsageStats
from graph.schema.weights import PAGE, dearest, narrowed
from graph.schema.whole_lists import scope_of, whole_listing

if TYPE_CHECKING:
    from graph.schema.conference import Conference


async def _vendor_id(root: records.Room, info: Info) -> str | None:
    if root.vendor_id is not None:
        return root.vendor_id
    room: records.Room | None = await info.context.loaders.rooms.get(VendorKey(root.source_name, root.key))
    return room.vendor_id if room else None


async def _capacity(root: records.Room, info: Info) -> int | None:
    if root.capacity is not None:
        return root.capacity
    now = clock.now().replace(second=0, microsecond=0)  # one window for all the rooms of a request
    window = Window(now - timedelta(days=1), now)
    seats: int | None = await info.context.loaders.room_capacities.get(RoomWindow(root.source_name, root.key, window))
    return seats


def _if_known(attribute: str) -> Callable[[records.Room, Context], object]:
    """What a record says; NotImplemented where others have to be asked."""

    def read(root: records.Room, _: Context) -> object:
        known = getattr(root, attribute)
        return NotImplemented if known is None else known

    return read


async def _usage(
    root: records.Room,
    info: Info,
    during: Annotated[TimeRange, strawberry.argument(description="When the conferences began.")],
) -> statistics.UsageStats:
    key = UsageGroupsKey(root.source_name, UsageDimension.ROOM, during.window(), UsageOrder.COUNT_DESC)
    found: statistics.UsageGroups = await info.context.loaders.usage_groups.get(key)
    if missing := Rows.missing_from(found.groups):  # one of them may be of this room
        raise info.context.fleet.sources[root.source_name].adapter.incomplete("usage", missing)
    return statistics.merge_stats(group.stats for group in found.groups if group.room and group.room.key == root.key)


async def _conferences(
    root: records.Room,
    info: Info,
    *,
    during: Annotated[
        TimeRange | None, strawberry.argument(description="When they began. Default: the 24 hours before now.")
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Conference]:
    args = PageArgs.parse(first, after, last, before)
    listing = room_conference_listing(info, root, during.window() if during else None, args)
    return await found_out(await listing.page(args), info)


@strawberry.federation.type(keys=["id", "sourceName name"], description="A meeting room.")
class Room(Node):
    """A meeting room."""

    source: Source = source_field("Where it was reported.")
    source_name: str = strawberry.field(description="The source's name.")
    vendor_id: str | None = joined(
        _vendor_id, "The vendor's own identifier.", dearest("room_ids"), shortcut=_if_known("vendor_id")
    )
    name: str | None = strawberry.field(
        description="Its name; rooms of one source with equal names are one room. Null where the source tells none: "
        "such a room is known by its `id` alone."
    )
    capacity: int | None = joined(
        _capacity,
        "Seats, as the conferences held in it tell: those of the range it was listed for, else of the last day.",
        dearest("capacities"),
        shortcut=_if_known("capacity"),
    )
    usage: UsageStats | None = joined(
        _usage, "Durations of the conferences that began in it during a range.", dearest("usage_by")
    )
    conferences: Connection[Annotated["Conference", strawberry.lazy("graph.schema.conference")]] = joined(
        _conferences, "The conferences held in it, latest first.", narrowed(Capability.LIST_CONFERENCES), PAGE
    )

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.Room)


@strawberry.input(description="What a list of rooms is narrowed to.")
class RoomFilter:
    """What a list of rooms is narrowed to."""

    during: TimeRange | None = strawberry.field(
        default=None, description="When they were used. Default: the 24 hours before the first page was asked."
    )
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources; null is all of them.")
    search: str | None = strawberry.field(default=None, description="Matches the name, ignoring case.")


async def find_rooms(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        RoomFilter | None, strawberry.argument(description="What the list is narrowed to.")
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Room]:
    """Resolve `Query.rooms`."""
    args = PageArgs.parse(first, after, last, before)
    wanted = filter or RoomFilter()
    scope = scope_of("rooms", wanted.during, wanted.sources, wanted.search)
    window = resolve_window(args, scope, wanted.during.window() if wanted.during else None, DEFAULT_RANGE)
    listing = whole_listing(
        info.context,
        wanted.sources,
        Capability.LIST_ROOMS,
        lambda source: source.adapter.list_rooms(window),
        identity=lambda room: room.key,
        key=lambda room: (room.source_name, room.name or "", room.key),
        scope=scope,
        codec=ROOMS,
        kept_as=("rooms",),
        keep=lambda room: matches(wanted.search, room.name),
        window=window,
        carries_window=wanted.during is None,
    )
    page = await found_out(await listing.page(args), info)
    if Selection.of(info).rows().has("capacity"):
        await _fill_capacities(info, page, window)
    return page


async def _fill_capacities(info: Info, page: Page[records.Room], window: Window) -> None:
    """Fill in the capacities that conferences of the range tell: one look per source."""
    loader = info.context.loaders.room_capacities
    rooms = [room for room in page.nodes if room.capacity is None]
    seats = await asyncio.gather(
        *(loader.get(RoomWindow(room.source_name, room.key, window)) for room in rooms), return_exceptions=True
    )
    told = {room.id: seat for room, seat in zip(rooms, seats, strict=True) if isinstance(seat, int)}
    page.replace_nodes(lambda room: msgspec.structs.replace(room, capacity=told.get(room.id, room.capacity)))
