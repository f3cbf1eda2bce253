"""Statistics of several sources made one: what may be added is added, what may not is null."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from graph import clock
from graph.fleet import Gathered
from graph.records import SourceResult, SourceResultStatus
from graph.statistics import (
    Gauge,
    LiveCounts,
    LiveSummary,
    McuReport,
    McuUtilization,
    SourceLive,
    SourceUsage,
    Usage,
    UsageBucket,
    UsageDay,
    UsageReport,
    merge_if_all,
    merge_stats,
)


def merge_usage(gathered: Gathered[Usage], first: date, last: date, zone: ZoneInfo) -> UsageReport:
    """The usage reports of several sources as one, with a bucket for every day."""
    days = {name: {day.date: day for day in usage.days} for name, usage in sorted(gathered.values.items())}
    buckets = tuple(
        _bucket(day, zone, {name: found[day] for name, found in days.items() if day in found})
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    )
    return UsageReport(
        count=sum(usage.count for usage in gathered.values.values()),
        total_duration_seconds=sum(usage.total_duration_seconds for usage in gathered.values.values()),
        attendance_count=_joins((usage.count, usage.attendance_count) for usage in gathered.values.values()),
        buckets=buckets,
        results=gathered.results,
        complete=is_complete(gathered.results),
    )


def merge_live(gathered: Gathered[LiveCounts]) -> LiveSummary:
    """The live counts of several sources as one; each sum is over the sources that count such things."""
    counts = gathered.values.values()
    read = [result.as_of for result in gathered.results.values() if result.as_of]
    return LiveSummary(
        conference_count=_sum_known(count.conference_count for count in counts),
        member_count=_sum_known(count.member_count for count in counts),
        by_source=tuple(
            SourceLive(source_name=name, conference_count=count.conference_count, member_count=count.member_count)
            for name, count in sorted(gathered.values.items())
        ),
        results=gathered.results,
        complete=is_complete(gathered.results),
        as_of=min(read, default=clock.now()),
    )


def is_complete(results: Mapping[str, SourceResult]) -> bool:
    """Whether no source failed."""
    return all(result.status is not SourceResultStatus.FAILED for result in results.values())


def utilization(report: McuReport) -> McuUtilization:
    """A resource's days with their peaks: those of each medium, and the highest share of ports in use."""
    ratios = [
        used.max / ports.max
        for day in report.days
        for used, ports in ((day.audio_used, day.audio_ports), (day.video_used, day.video_ports))
        if used and used.max is not None and ports and ports.max
    ]
    return McuUtilization(
        days=report.days,
        peak_video_used=_peak(day.video_used for day in report.days),
        peak_audio_used=_peak(day.audio_used for day in report.days),
        peak_ratio=max(ratios, default=None),
        vendor_video_used=report.vendor_video_used,
    )


def _bucket(day: date, zone: ZoneInfo, parts: Mapping[str, UsageDay]) -> UsageBucket:
    alone = next(iter(parts.values())) if len(parts) == 1 else None
    return UsageBucket(
        date=day,
        starts_at=datetime(day.year, day.month, day.day, tzinfo=zone),
        stats=merge_stats(part.stats for part in parts.values()),
        attendance_count=_joins((part.stats.count, part.attendance_count) for part in parts.values()),
        peak_member_count=alone.peak_member_count if alone else None,
        by_source=tuple(
            SourceUsage(
                source_name=name,
                stats=part.stats,
                attendance_count=part.attendance_count,
                peak_member_count=part.peak_member_count,
            )
            for name, part in parts.items()
        ),
    )


def _joins(parts: Iterable[tuple[int, int | None]]) -> int | None:
    """The joins of several sources, given each one's count and joins; who counts nothing need not tell any."""
    return merge_if_all([joins for count, joins in parts if count or joins is not None], sum)


def _sum_known(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _peak(gauges: Iterable[Gauge | None]) -> int | None:
    peaks = [gauge.max for gauge in gauges if gauge and gauge.max is not None]
    return round(max(peaks)) if peaks else None
