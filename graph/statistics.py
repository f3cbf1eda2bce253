"""The records of statistics: what one source reports, what several make together, and how durations are merged.

The rules of `graph.records` hold here too.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime

from graph.records import McuResource, Record, Room, SourceResult

# ---- of one source ---------------------------------------------------------------------------------


class UsageStats(Record, frozen=True):
    """Durations of a set of conferences or calls, seconds. min, max and average are None when count is 0."""

    count: int
    total_duration_seconds: int
    min_duration_seconds: int | None = None
    max_duration_seconds: int | None = None
    average_duration_seconds: float | None = None


class UsageDay(Record, frozen=True):
    """One calendar day of one source. `starts_at` is its first instant."""

    date: date
    starts_at: datetime
    stats: UsageStats
    attendance_count: int | None = None
    peak_member_count: int | None = None


class Usage(Record, frozen=True):
    """One source's report over a range of days, with the vendor's own totals."""

    count: int
    total_duration_seconds: int
    attendance_count: int | None
    days: tuple[UsageDay, ...]


class UsageGroup(Record, frozen=True):
    """One room, company, capacity or device model. `room` is set where the dimension is ROOM."""

    source_name: str
    key: str
    name: str | None
    stats: UsageStats
    room: Room | None = None


class UsageGroups(Record, frozen=True):
    """All groups of one source, and the vendor's totals over all of them."""

    groups: tuple[UsageGroup, ...]
    totals: UsageStats


class Gauge(Record, frozen=True):
    """A gauge's samples over a day. A sum of samples means nothing and is left out."""

    samples: int
    min: float | None
    max: float | None
    average: float | None


class McuDay(Record, frozen=True):
    """One resource on one day, in ports."""

    date: date
    audio_used: Gauge | None = None
    audio_ports: Gauge | None = None
    video_used: Gauge | None = None
    video_ports: Gauge | None = None


class McuReport(Record, frozen=True):
    """One resource over a range of days."""

    resource: McuResource
    days: tuple[McuDay, ...]
    vendor_video_used: int | None = None


class LiveCounts(Record, frozen=True):
    """What is going on at one source right now."""

    conference_count: int | None
    member_count: int | None


class McuUtilization(Record, frozen=True):
    """A resource's days and peaks. `peak_ratio` is the highest used/ports of any day, 0 to 1."""

    days: tuple[McuDay, ...]
    peak_video_used: int | None
    peak_audio_used: int | None
    peak_ratio: float | None
    vendor_video_used: int | None


# ---- of several sources --------------------------------------------------------------------------


class SourceUsage(Record, frozen=True):
    """One source's share of a bucket."""

    source_name: str
    stats: UsageStats
    attendance_count: int | None
    peak_member_count: int | None


class UsageBucket(Record, frozen=True):
    """One calendar day over all sources that report it."""

    date: date
    starts_at: datetime
    stats: UsageStats
    attendance_count: int | None
    peak_member_count: int | None
    by_source: tuple[SourceUsage, ...]


class UsageReport(Record, frozen=True):
    """Usage over all sources that report it."""

    count: int
    total_duration_seconds: int
    attendance_count: int | None
    buckets: tuple[UsageBucket, ...]
    results: Mapping[str, SourceResult]
    complete: bool


class SourceLive(Record, frozen=True):
    """One source's share of what is going on."""

    source_name: str
    conference_count: int | None
    member_count: int | None


class LiveSummary(Record, frozen=True):
    """What is going on over all sources that tell."""

    conference_count: int | None
    member_count: int | None
    by_source: tuple[SourceLive, ...]
    results: Mapping[str, SourceResult]
    complete: bool
    as_of: datetime


# ---- several sets as one -------------------------------------------------------------------------

NOTHING = UsageStats(count=0, total_duration_seconds=0)


def merge_stats(parts: Iterable[UsageStats]) -> UsageStats:
    """The durations of several sets as those of one; min and max only where every set that counts has them."""
    counted = [part for part in parts if part.count]
    if len(counted) < 2:
        return counted[0] if counted else NOTHING
    count = sum(part.count for part in counted)
    total = sum(part.total_duration_seconds for part in counted)
    return UsageStats(
        count=count,
        total_duration_seconds=total,
        min_duration_seconds=merge_if_all([part.min_duration_seconds for part in counted], min),
        max_duration_seconds=merge_if_all([part.max_duration_seconds for part in counted], max),
        average_duration_seconds=total / count,
    )


def merge_if_all(values: Collection[int | None], merge: Callable[[Iterable[int]], int]) -> int | None:
    """The merge of the values, None where there are none or one is unknown."""
    known = [value for value in values if value is not None]
    return merge(known) if known and len(known) == len(values) else None
