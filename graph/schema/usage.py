"""How many conferences or calls, and for how long: per day, and grouped."""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import strawberry

from graph import fleet, statistics
from graph.cache.codec import USAGE, USAGE_GROUPS, USAGE_STATS
from graph.context import Context
from graph.errors import InvalidArgumentError, LimitExceededError
from graph.loaders import UsageGroupsKey
from graph.paging import Page, PageArgs
from graph.paging.rows import Rows
from graph.paging.windows import Window
from graph.records import BigInt, Capability, UsageDimension, UsageOrder, UsageSubject
from graph.reports import merge_usage
from graph.schema.connection import After, Before, Connection, First, Last, found_out
from graph.schema.enums import UsageInterval
from graph.schema.scalars import DateRange, TimeRange
from graph.schema.source import (
    Info,
    Source,
    SourceNames,
    SourceResult,
    joined,
    read_shared,
    results_of,
    source_field,
)
from graph.schema.whole_lists import Beside, scope_of, whole_listing

if TYPE_CHECKING:
    from graph.schema.room import Room

MOST_DAYS = 3660


@strawberry.type(
    description="Durations of a set of conferences or calls, in seconds. min, max and average are null when count is 0."
)
class UsageStats:
    """Durations of a set."""

    count: int = strawberry.field(description="How many conferences or calls.")
    total_duration_seconds: BigInt = strawberry.field(description="How long they lasted together.")
    min_duration_seconds: int | None = strawberry.field(
        description="How long the shortest lasted; null where a contributing source does not say."
    )
    max_duration_seconds: int | None = strawberry.field(
        description="How long the longest lasted; null where a contributing source does not say."
    )
    average_duration_seconds: float | None = strawberry.field(description="How long they lasted on average.")


@strawberry.type(description="What one source contributed to a calendar day.")
class SourceUsage:
    """One source's share."""

    source: Source = source_field("The source that contributed it.")
    stats: UsageStats = strawberry.field(description="How many, and for how long, at this source.")
    attendance_count: int | None = strawberry.field(
        description="How often somebody joined: whoever joins twice counts twice."
    )
    peak_member_count: int | None = strawberry.field(
        description="How many people were in conferences of this source at the same time at most."
    )


@strawberry.type(
    description="One calendar day. A conference counts wholly on the day it began, so a day may have over 24 hours."
)
class UsageBucket:
    """One calendar day."""

    date: dt.date = strawberry.field(description="The day, in the time zone asked.")
    starts_at: dt.datetime = strawberry.field(description="When the day begins.")
    stats: UsageStats = strawberry.field(description="How many, and for how long, over all sources.")
    attendance_count: int | None = strawberry.field(
        description="How often somebody joined, not how many people; null where a contributing source does not say."
    )
    peak_member_count: int | None = strawberry.field(
        description="How many people were in conferences at the same time at most; null when several sources "
        "contribute, see `bySource`."
    )
    by_source: list[SourceUsage] = strawberry.field(description="Each source's share, by name.")


@strawberry.type(description="Usage per calendar day, over all sources that report it.")
class UsageReport:
    """Usage per day."""

    count: int = strawberry.field(description="How many conferences or calls in the whole range.")
    total_duration_seconds: BigInt = strawberry.field(description="How long they lasted together, in seconds.")
    attendance_count: int | None = strawberry.field(
        description="How often somebody joined, not how many people; null where a contributing source does not say."
    )
    buckets: list[UsageBucket] = strawberry.field(description="Every day of the range, in order, empty ones too.")
    sources: list[SourceResult] = joined(results_of, "What each source contributed, by name.")
    complete: bool = strawberry.field(description="False when a source failed.")


@strawberry.type(description="One room, company, room capacity or device model.")
class UsageGroup:
    """One group."""

    source: Source = source_field("The source that reports the group.")
    key: str = strawberry.field(description="The vendor's key of the group: a room's or company's id, seats, a model.")
    name: str | None = strawberry.field(description="The group's name, where the vendor tells it.")
    room: Annotated["Room", strawberry.lazy("graph.schema.room")] | None = strawberry.field(
        description="The room, where the dimension is ROOM."
    )
    stats: UsageStats = strawberry.field(description="How many, and for how long, in this group.")


# ---- per day ----------------------------------------------------------------------------------------


async def find_usage(
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
    """Resolve `Query.usage`."""
    zone = _zone("Asia/Shanghai" if time_zone is None else time_zone)
    first, last = days.days()
    if (last - first).days >= MOST_DAYS:
        raise LimitExceededError(f"A usage report covers at most {MOST_DAYS} days.")
    end = dt.datetime(last.year, last.month, last.day, tzinfo=zone) + dt.timedelta(days=1)

    async def read(source: fleet.Source) -> statistics.Usage:
        question = f"{of.value} {first} {last} {zone.key}"
        ask = partial(source.adapter.read_usage, of, first, last, zone)
        return await read_shared(source, "usage", ask, USAGE, of=question, is_settled=source.has_settled(end))

    gathered = await info.context.fleet.gather(sources, Capability.USAGE, read)
    return merge_usage(gathered, first, last, zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgumentError("timeZone: expected a name such as Asia/Shanghai.") from None


# ---- grouped ----------------------------------------------------------------------------------------


class Grouping(NamedTuple):
    """What every source is asked to group, and how."""

    dimension: UsageDimension
    window: Window
    order: UsageOrder

    @property
    def capability(self) -> Capability:
        """What a source must be able to do."""
        return Capability[f"USAGE_BY_{self.dimension.value}"]

    @property
    def kept_as(self) -> Sequence[object]:
        """What tells apart, besides source and range, what is read."""
        return "usageBy", self.dimension.value, self.order.value

    def of(self, source: fleet.Source) -> UsageGroupsKey:
        """The report of one source."""
        return UsageGroupsKey(source.name, *self)

    def totals(self, context: Context) -> Beside[statistics.UsageStats]:
        """The totals that were told beside the groups."""
        return Beside(context.store, USAGE_STATS, self.kept_as, self.window)


class GroupPage:
    """A page of groups, and what it is a page of: the totals are over all of that.

    Attributes:
        page: The page; its attributes are those of this, too.
        grouping: What was asked.
        asked: Names of the sources that were asked; None is all.
    """

    def __init__(self, page: Page[statistics.UsageGroup], grouping: Grouping, asked: Sequence[str] | None) -> None:
        self.page = page
        self.grouping = grouping
        self.asked = asked

    def __getattr__(self, name: str) -> object:
        return getattr(self.page, name)


async def find_usage_by(
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
    """Resolve `Query.usageBy`."""
    args = PageArgs.parse(first, after, last, before)
    grouping = Grouping(dimension, during.window(), order_by or UsageOrder.COUNT_DESC)
    order = grouping.order
    listing = whole_listing(
        info.context,
        sources,
        grouping.capability,
        partial(_read_groups, info.context, grouping),
        identity=lambda group: group.key,
        key=_GROUP_KEYS[order],
        scope=scope_of("usageBy", dimension.value, during, order.value, sources),
        codec=USAGE_GROUPS,
        kept_as=grouping.kept_as,
        window=grouping.window,
    )
    return GroupPage(await found_out(await listing.page(args), info), grouping, sources)


async def _read_groups(context: Context, grouping: Grouping, source: fleet.Source) -> Rows[statistics.UsageGroup]:
    loader, key = context.loaders.usage_groups, grouping.of(source)
    report: statistics.UsageGroups = await loader.get(key)
    rows = Rows.of(report.groups, Rows.missing_from(report.groups), loader.read_at(key))
    await grouping.totals(context).keep(source, rows, report.totals)
    return rows


async def _totals(root: GroupPage, info: Info) -> statistics.UsageStats | None:
    """Of the very reports that the page is a part of, where it needed them."""
    if root.grouping.window.is_empty:
        return statistics.NOTHING
    read = partial(_read_totals, info.context, root)
    gathered = await info.context.fleet.gather(root.asked, root.grouping.capability, read)
    return statistics.merge_stats(gathered.values.values()) if gathered.values else None


async def _read_totals(context: Context, page: GroupPage, source: fleet.Source) -> statistics.UsageStats:
    grouping = page.grouping
    known = await grouping.totals(context).of(source, page.page.results[source.name].as_of)
    return known or (await context.loaders.usage_groups.get(grouping.of(source))).totals


_GROUP_KEYS: dict[UsageOrder, Callable[[statistics.UsageGroup], tuple[int | str, ...]]] = {
    UsageOrder.COUNT_DESC: lambda group: (-group.stats.count, group.source_name, group.key),
    UsageOrder.DURATION_DESC: lambda group: (-group.stats.total_duration_seconds, group.source_name, group.key),
    UsageOrder.KEY_ASC: lambda group: (group.key, group.source_name),
}


@strawberry.type(name="UsageGroupConnection", description="A page of groups, with the totals over all of them.")
class UsageGroupConnection(Connection[UsageGroup]):
    """A page of groups."""

    totals: UsageStats | None = joined(_totals, "Over all groups, read or not; null when no source answered.")
