"""How many conferences or calls, and for how long: per day, and grouped."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.records import BigInt
from graph.schema.source import Source, SourceResult, joined, results_of, source_field

if TYPE_CHECKING:
    from graph.schema.room import Room


@strawberry.type(
    description="Durations of a set of conferences or calls, in seconds. min, max and average are null when count is 0."
)
class UsageStats:
    """Durations of a set."""

    count: int = strawberry.field(description="How many.")
    total_duration_seconds: BigInt = strawberry.field(description="All durations together.")
    min_duration_seconds: int | None = strawberry.field(
        description="The shortest; null where a contributing source does not say."
    )
    max_duration_seconds: int | None = strawberry.field(
        description="The longest; null where a contributing source does not say."
    )
    average_duration_seconds: float | None = strawberry.field(description="The mean.")


@strawberry.type(description="One source's share of a bucket.")
class SourceUsage:
    """One source's share."""

    source: Source = source_field("The source.")
    stats: UsageStats = strawberry.field(description="Its durations.")
    attendance_count: int | None = strawberry.field(description="Its joins, not people.")
    peak_member_count: int | None = strawberry.field(description="How many people it had at the same time at most.")


@strawberry.type(
    description="One calendar day. A conference counts wholly on the day it began, so a day may have over 24 hours."
)
class UsageBucket:
    """One calendar day."""

    date: dt.date = strawberry.field(description="The day, in the time zone asked.")
    starts_at: dt.datetime = strawberry.field(description="Its first instant.")
    stats: UsageStats = strawberry.field(description="Durations over all sources.")
    attendance_count: int | None = strawberry.field(
        description="Joins, not people; null where a contributing source does not say."
    )
    peak_member_count: int | None = strawberry.field(description="Null when several sources contribute; see bySource.")
    by_source: list[SourceUsage] = strawberry.field(description="Each source's share, by name.")


@strawberry.type(description="Usage per calendar day, over all sources that report it.")
class UsageReport:
    """Usage per day."""

    count: int = strawberry.field(description="How many in the whole range.")
    total_duration_seconds: BigInt = strawberry.field(description="For how long, in seconds.")
    attendance_count: int | None = strawberry.field(
        description="Joins, not people; null where a contributing source does not say."
    )
    buckets: list[UsageBucket] = strawberry.field(description="Every day of the range, in order, empty ones too.")
    sources: list[SourceResult] = joined(results_of, "What each source contributed, by name.")
    complete: bool = strawberry.field(description="False when a source failed.")


@strawberry.type(description="One room, company, room capacity or device model.")
class UsageGroup:
    """One group."""

    source: Source = source_field("The source.")
    key: str = strawberry.field(description="The vendor's key of the group: a room's or company's id, seats, a model.")
    name: str | None = strawberry.field(description="The group's name, where the vendor tells it.")
    room: Annotated["Room", strawberry.lazy("graph.schema.room")] | None = strawberry.field(
        description="The room, where the dimension is ROOM."
    )
    stats: UsageStats = strawberry.field(description="Durations of the group.")
