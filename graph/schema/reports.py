"""The root fields for reports: rooms, media resources, regions, usage and what is live."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import strawberry

from graph import clock, records, statistics
from graph.cache.codec import LIVE_COUNTS, MCU_RESOURCES, REGION_COUNTS, ROOMS, USAGE, USAGE_GROUPS, USAGE_STATS, Codec
from graph.errors import InvalidArgumentError, LimitExceededError
from graph.fleet import Source
from graph.loaders import McuReportsKey, RoomWindow, UsageGroupsKey
from graph.paging import Page, PageArgs, resolve_window
from graph.paging.freshness import note_life, note_settled
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import Rows, Window
from graph.records import Capability, McuKind, RegionMeasure, UsageDimension, UsageOrder, UsageSubject
from graph.reports import NOTHING, merge_live, merge_stats, merge_usage
from graph.schema.connection import After, Before, Connection, First, Last, found_out
from graph.schema.enums import UsageInterval
from graph.schema.lists import DEFAULT_RANGE
from graph.schema.live import LiveSummary
from graph.schema.mcu import McuResource
from graph.schema.narrowing import matches
from graph.schema.region import RegionCount
from graph.schema.room import Room
from graph.schema.scalars import DateRange, TimeRange
from graph.schema.selection import Selection
from graph.schema.source import Info, joined
from graph.schema.usage import UsageGroup, UsageReport, UsageStats
from graph.schema.weights import PAGE, together
from graph.schema.whole_lists import Beside, whole_listing

# The vendor's advice: what goes on now is counted with some delay.
LIVE_LAG = timedelta(minutes=10)
LIVE_SPAN = timedelta(minutes=5)
MOST_DAYS = 3660

T = TypeVar("T")

SourceNames = Annotated[
    list[str] | None, strawberry.argument(description="Only these sources, by name; null is all of them.")
]


@strawberry.input(description="What a list of rooms is narrowed to.")
class RoomFilter:
    """What a list of rooms is narrowed to."""

    during: TimeRange | None = strawberry.field(
        default=None, description="When they were used. Default: the 24 hours before the first page was asked."
    )
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources; null is all of them.")
    search: str | None = strawberry.field(default=None, description="Matches the name, ignoring case.")


@strawberry.input(description="What a list of media resources is narrowed to.")
class McuResourceFilter:
    """What a list of media resources is narrowed to."""

    during: TimeRange = strawberry.field(description="When they were used.")
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources; null is all of them.")
    kind: McuKind | None = strawberry.field(default=None, description="Null means both kinds.")


async def _totals(root: "GroupPage") -> statistics.UsageStats | None:
    return await root.read_totals()


@strawberry.type(name="UsageGroupConnection", description="A page of groups, merged from several sources.")
class UsageGroupConnection(Connection[UsageGroup]):
    """A page of groups."""

    totals: UsageStats | None = joined(_totals, "Over all groups, read or not; null when no source answered.")


class GroupPage:
    """A page of groups that can also tell the totals over all groups."""

    def __init__(
        self, page: Page[statistics.UsageGroup], totals: Callable[[], Awaitable[statistics.UsageStats | None]]
    ) -> None:
        self._page = page
        self.read_totals = totals

    def __getattr__(self, name: str) -> object:
        return getattr(self._page, name)


async def _rooms(
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
    args = PageArgs.parse(first, after, last, before)
    wanted = filter or RoomFilter()
    scope = _scope("rooms", _instants(wanted.during), _sorted(wanted.sources), wanted.search)
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


async def _mcu_resources(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        McuResourceFilter, strawberry.argument(description="What the list is narrowed to.")
    ],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.McuResource]:
    args = PageArgs.parse(first, after, last, before)
    window = filter.during.window()
    kinds = [filter.kind] if filter.kind else list(McuKind)
    loader = info.context.loaders.mcu_reports

    async def read(source: Source) -> Sequence[records.McuResource]:
        keys = [McuReportsKey(source.name, kind, window) for kind in kinds]
        reports = await asyncio.gather(*(loader.get(key) for key in keys))
        missing = sum(map(Rows.missing_from, reports))
        read_at = min((at for at in map(loader.read_at, keys) if at), default=None)
        return Rows.of((report.resource for found in reports for report in found), missing, read_at)

    kind = filter.kind.value if filter.kind else None
    listing = whole_listing(
        info.context,
        filter.sources,
        Capability.LIST_MCU_RESOURCES,
        read,
        identity=lambda resource: resource.name,
        key=lambda resource: (resource.source_name, resource.name),
        scope=_scope("mcuResources", _instants(filter.during), _sorted(filter.sources), kind),
        codec=MCU_RESOURCES,
        kept_as=("mcuResources", kind),
        window=window,
    )
    return await found_out(await listing.page(args), info)


async def _region_counts(
    info: Info,
    *,
    measure: Annotated[RegionMeasure, strawberry.argument(description="What is counted.")],
    during: Annotated[
        TimeRange | None,
        strawberry.argument(
            description="When. Default: for what goes on, five minutes that ended ten minutes ago; for issued "
            "calls the last 24 hours."
        ),
    ] = None,
    sources: SourceNames = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.RegionCount]:
    args = PageArgs.parse(first, after, last, before)
    scope = _scope("regionCounts", measure.value, _instants(during), _sorted(sources))
    is_live = measure is not RegionMeasure.ISSUED_CALLS
    window = resolve_window(
        args,
        scope,
        during.window() if during else None,
        LIVE_SPAN if is_live else DEFAULT_RANGE,
        lag=LIVE_LAG if is_live else timedelta(),
    )
    listing = whole_listing(
        info.context,
        sources,
        Capability.COUNT_REGIONS,
        lambda source: source.adapter.list_regions(measure, window),
        identity=lambda row: row.region or "",
        key=lambda row: (row.source_name, int(row.region is None), row.region or ""),
        scope=scope,
        codec=REGION_COUNTS,
        kept_as=("regionCounts", measure.value),
        window=window,
        carries_window=during is None,
    )
    return await found_out(await listing.page(args), info)


async def _usage(
    info: Info,
    *,
    of: Annotated[UsageSubject, strawberry.argument(description="What is counted.")],
    days: Annotated[DateRange, strawberry.argument(description="Which days, both included.")],
    interval: Annotated[  # noqa: ARG001 - there is one so far
        UsageInterval | None, strawberry.argument(description="How wide a bucket is.")
    ] = UsageInterval.DAY,
    time_zone: Annotated[
        str | None,
        strawberry.argument(
            description="Whose calendar days. A source whose days are fixed to another zone is UNSUPPORTED."
        ),
    ] = "Asia/Shanghai",
    sources: SourceNames = None,
) -> statistics.UsageReport:
    zone = _zone("Asia/Shanghai" if time_zone is None else time_zone)
    first, last = days.days()
    if (last - first).days >= MOST_DAYS:
        raise LimitExceededError(f"A usage report covers at most {MOST_DAYS} days.")
    fleet = info.context.fleet
    end = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)

    async def read(source: Source) -> statistics.Usage:
        question = f"{of.value} {first} {last} {zone.key}"
        asked = partial(source.adapter.read_usage, of, first, last, zone)
        found, read_at = await _shared(source, "usage", asked, USAGE, of=question)
        if source.has_settled(end):
            note_settled()
        else:
            note_life(SNAPSHOT_TTL_S, read_at)
        return found

    gathered = await fleet.gather(fleet.select(sources), Capability.USAGE, read)
    return merge_usage(gathered, first, last, zone)


async def _usage_by(
    info: Info,
    *,
    dimension: Annotated[UsageDimension, strawberry.argument(description="What it is grouped by.")],
    during: Annotated[TimeRange, strawberry.argument(description="When the conferences or calls began.")],
    order_by: Annotated[
        UsageOrder | None,
        strawberry.argument(description="The order; groups that are equal by it follow by source and key."),
    ] = UsageOrder.COUNT_DESC,
    sources: SourceNames = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> GroupPage:
    args = PageArgs.parse(first, after, last, before)
    window = during.window()
    order = order_by or UsageOrder.COUNT_DESC
    capability = Capability[f"USAGE_BY_{dimension.value}"]
    context = info.context
    loader = context.loaders.usage_groups
    kept_as = ("usageBy", dimension.value, order.value)
    known_totals = Beside(context.store, USAGE_STATS, kept_as, window)

    def key(source: Source) -> UsageGroupsKey:
        return UsageGroupsKey(source.name, dimension, window, order)

    async def read(source: Source) -> Sequence[statistics.UsageGroup]:
        report = await loader.get(key(source))
        rows = Rows.of(report.groups, Rows.missing_from(report.groups), loader.read_at(key(source)))
        await known_totals.keep(source, rows, report.totals)
        return rows

    async def totals() -> statistics.UsageStats | None:
        """Of the very reports that the page is a part of, where it needed them."""
        if window.is_empty:
            return NOTHING

        async def one(source: Source) -> statistics.UsageStats:
            known = await known_totals.of(source, page.results[source.name].as_of)
            return known or (await loader.get(key(source))).totals

        fleet = context.fleet
        found = (await fleet.gather(fleet.select(sources), capability, one)).values.values()
        return merge_stats(found) if found else None

    listing = whole_listing(
        info.context,
        sources,
        capability,
        read,
        identity=lambda group: group.key,
        key=_GROUP_KEYS[order],
        scope=_scope("usageBy", dimension.value, _instants(during), order.value, _sorted(sources)),
        codec=USAGE_GROUPS,
        kept_as=kept_as,
        window=window,
    )
    page = await found_out(await listing.page(args), info)
    return GroupPage(page, totals)


async def _live(info: Info, sources: SourceNames = None) -> statistics.LiveSummary:
    fleet = info.context.fleet

    async def read(source: Source) -> statistics.LiveCounts:
        found, read_at = await _shared(source, "live", source.adapter.read_live, LIVE_COUNTS)
        note_life(SNAPSHOT_TTL_S, read_at)
        return found

    gathered = await fleet.gather(fleet.select(sources), Capability.LIVE_SUMMARY, read)
    return merge_live(gathered)


async def _shared(
    source: Source, endpoint: str, read: Callable[[], Awaitable[T]], codec: Codec[tuple[T, datetime]], *, of: str = ""
) -> tuple[T, datetime]:
    """What all who ask within a moment get alike, and when reading it began."""

    async def timed() -> tuple[T, datetime]:
        read_at = clock.now()
        return await read(), read_at

    return await source.adapter.share(endpoint, timed, SNAPSHOT_TTL_S, of=of, codec=codec)


@strawberry.type
class ReportQuery:
    """The root fields for reports; every one is nullable, so that a refused argument leaves its siblings alone."""

    rooms: Connection[Room] | None = joined(
        _rooms, "Rooms that were used, by source and name.", together("room_list"), PAGE
    )
    mcu_resources: Connection[McuResource] | None = joined(
        _mcu_resources, "Media resources, by source and name.", together("mcu_list"), PAGE
    )
    region_counts: Connection[RegionCount] | None = joined(
        _region_counts,
        "Calls or registered devices per region, by source and region, unknown places last.",
        together("regions"),
        PAGE,
    )
    usage: UsageReport | None = joined(
        _usage, "How many conferences or calls, and for how long, per calendar day.", together("usage")
    )
    usage_by: UsageGroupConnection | None = joined(
        _usage_by, "The same, grouped: rooms, companies, room capacities or device models.", together("usage_by"), PAGE
    )
    live: LiveSummary | None = joined(
        _live,
        "How much is going on right now, as each source counts it: more than is LIVE where it counts others too.",
        together("live"),
    )


_GROUP_KEYS: dict[UsageOrder, Callable[[statistics.UsageGroup], tuple[int | str, ...]]] = {
    UsageOrder.COUNT_DESC: lambda group: (-group.stats.count, group.source_name, group.key),
    UsageOrder.DURATION_DESC: lambda group: (-group.stats.total_duration_seconds, group.source_name, group.key),
    UsageOrder.KEY_ASC: lambda group: (group.key, group.source_name),
}


async def _fill_capacities(info: Info, page: Page[records.Room], window: Window) -> None:
    """Fill in the capacities that conferences of the range tell: one look per source."""
    loader = info.context.loaders.room_capacities
    rooms = [room for room in page.nodes if room.capacity is None]
    seats = await asyncio.gather(
        *(loader.get(RoomWindow(room.source_name, room.key, window)) for room in rooms), return_exceptions=True
    )
    told = {room.id: seat for room, seat in zip(rooms, seats, strict=True) if isinstance(seat, int)}
    page.replace_nodes(lambda room: msgspec.structs.replace(room, capacity=told.get(room.id, room.capacity)))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgumentError("timeZone: expected a name such as Asia/Shanghai.") from None


def _scope(*parts: Hashable) -> str:
    return json.dumps(parts)


def _instants(during: TimeRange | None) -> tuple[str, str] | None:
    return (during.from_.isoformat(), during.to.isoformat()) if during else None


def _sorted(names: list[str] | None) -> tuple[str, ...] | None:
    return tuple(sorted(set(names))) if names is not None else None
