"""HexMeet's statistics: counts per day, groups, media resources, regions. None of them opens a scroll."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from graph import clock
from graph.paging.rows import Rows
from graph.paging.windows import EPOCH, Window
from graph.records import (
    ConferenceState,
    McuKind,
    McuResource,
    RegionCount,
    RegionMeasure,
    Room,
    UsageDimension,
    UsageOrder,
    UsageSubject,
)
from graph.statistics import (
    NOTHING,
    Gauge,
    LiveCounts,
    McuDay,
    McuReport,
    Usage,
    UsageDay,
    UsageGroup,
    UsageGroups,
    UsageStats,
    merge_if_all,
    merge_stats,
)
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.vendors.base import Adapter, ConferenceQuery
from graph.vendors.hexmeet.regions import ISO_CODES, TARGETS, UNKNOWN_PLACE
from graph.vendors.hexmeet.reports import (
    COUNT,
    GROUPS,
    HISTOGRAM,
    REGIONS,
    RESOURCES,
    USAGE,
    HexmeetSettings,
    Report,
    Reports,
)
from graph.vendors.hexmeet.wire import GaugeStats, GroupBucket, Groups, ResourceBucket, Resources, Stats

Top = TypeVar("Top", Groups, Resources)

_DAY = timedelta(days=1)
_DAILY: dict[str, Any] = {"interval": "1d", "format": "yyyy-MM-dd"}
_SUBJECTS = {UsageSubject.CONFERENCES: "conf", UsageSubject.CALLS: "call"}
_ORDERS = {UsageOrder.COUNT_DESC: "count", UsageOrder.DURATION_DESC: "sum", UsageOrder.KEY_ASC: "key"}
_DIMENSIONS: dict[UsageDimension, dict[str, Any]] = {
    UsageDimension.ROOM: {"target": "conf", "param1": "conf"},
    UsageDimension.COMPANY: {"target": "company", "param1": "conf"},
    UsageDimension.CAPACITY: {"target": "capacity", "param1": "conf"},
    UsageDimension.DEVICE_MODEL: {"target": "device_model"},
}
# The vendor answers the first `size` groups. A fuller answer is had by asking for more, not by reading on.
_SIZES = [100 * 4**n for n in range(6)]


class HexmeetStatistics(Adapter):
    """The verbs that need no rows."""

    def __init__(self, source: str, settings: HexmeetSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self.reports = Reports(settings, client)

    # ---- counts that spare lists --------------------------------------------------------------

    async def count_conferences(self, query: ConferenceQuery) -> int | None:
        """Count the conferences that started in a window; None where a filter narrows it.

        Shape: {"count"}
        Units: conferences that are over.
        Source: contracts.md 1.3, sample hexmeet-datehistgram_stats.json
        """
        all_ended = query.states is None or ConferenceState.ENDED in query.states
        if query.room is not None or not all_ended:
            return None
        return await self._count(UsageSubject.CONFERENCES, query.window)

    async def count_calls(self, window: Window) -> int | None:
        """Count the calls that started in a window.

        Shape: {"count"}
        Units: calls that are over.
        Source: contracts.md 1.3
        """
        return await self._count(UsageSubject.CALLS, window)

    async def count_per_day(self, subject: UsageSubject, window: Window) -> Mapping[datetime, int]:
        """Count the rows of each day of the source's zone, keyed by the day's midnight.

        Shape: {"buckets": [{"key", "count"}]}
        Units: `key` epoch milliseconds.
        Source: contracts.md 1.3
        """
        body = await self.reports.ask(HISTOGRAM, window, target=_SUBJECTS[subject], **_DAILY)
        return {_instant(bucket.key): bucket.count for bucket in body.buckets}

    # ---- rooms, media resources, regions ------------------------------------------------------

    async def list_rooms(self, window: Window) -> Rows[Room]:
        """Read the rooms in which conferences of a window were held; rooms of equal name are one.

        Where the vendor tells fewer groups than it is asked for, those beyond are not known.

        Shape: {"count", "sum", "buckets": [{"key", "name", "count", "min", "max", "avg", "sum"}]}, `key` being the
            room's number.
        Units: the numbers of conferences go unused.
        Source: contracts.md 1.5, sample hexmeet-term_stats.json
        """
        body = await self._all(GROUPS, window, order=_ORDERS[UsageOrder.KEY_ASC], **_DIMENSIONS[UsageDimension.ROOM])
        rooms: dict[str, Room] = {}
        for bucket in sorted(body.buckets, key=lambda bucket: str(bucket.key)):
            if bucket.name:
                rooms.setdefault(bucket.name, self._to_room(bucket.name, bucket))
        return Rows.of(rooms.values(), left_out(body.buckets))

    async def get_rooms(self, keys: Sequence[str]) -> list[Room | Exception | None]:
        """Read rooms by name, among those used in the last `lookup_days`; one request for all.

        Shape: as `list_rooms`.
        Units: none.
        Source: contracts.md 1.5 and 6.4
        """
        listed = await self.list_rooms(self._lookup_window())
        rooms = {room.key: room for room in listed}
        absent = self.absent_from(GROUPS.name, listed.left_out)
        return [rooms.get(key, absent) for key in keys]

    async def list_mcu_reports(self, kind: McuKind, window: Window) -> Rows[McuReport]:
        """Read the media resources of a kind, day by day; one with a day that cannot be read is left out with it.

        Shape: {"buckets": [{"key", "video_used", "buckets": [{"key", "audio_used": {"count", "min", "max", "avg",
            "sum"}, "audio_ports", "video_used", "video_ports"}]}]}
        Units: ports; a day's `key` epoch milliseconds.
        Source: contracts.md 1.4, sample hexmeet-term_datehistgram_stats.json
        """
        body = await self._all(RESOURCES, window, target="conf", param1=kind.value)
        zone = timezone(window.start.astimezone(self.zone).utcoffset() or timedelta())
        whole = [bucket for bucket in body.buckets if not left_out(bucket.buckets)]
        missing = left_out(body.buckets) + len(body.buckets) - len(whole)
        return Rows.of((self._to_mcu_report(bucket, kind, zone) for bucket in whole), missing)

    async def get_mcu_resources(self, names: Sequence[str]) -> list[McuResource | Exception | None]:
        """Read media resources by name, among those of the last `lookup_days`; one request for each kind.

        Shape: as `list_mcu_reports`, of which {"key"}
        Units: none.
        Source: contracts.md 1.4 and 6.4
        """
        window = self._lookup_window()
        parts = [await self.list_mcu_reports(kind, window) for kind in McuKind]
        resources = {report.resource.name: report.resource for part in reversed(parts) for report in reversed(part)}
        absent = self.absent_from(RESOURCES.name, sum(part.left_out for part in parts))
        return [resources.get(name, absent) for name in names]

    async def list_regions(self, measure: RegionMeasure, window: Window) -> Rows[RegionCount]:
        """Count per province; provinces without any are left out by the vendor.

        Shape: {"buckets": [{"key", "count"}]}, key "0" (or an empty one) being an unknown place.
        Units: calls or registrations.
        Source: contracts.md 1.8, sample hexmeet-term_region_stats.json
        """
        body = await self.reports.ask(REGIONS, window, target=TARGETS[measure])
        counts: Counter[str | None] = Counter()
        for bucket in body.buckets:
            counts[None if bucket.key in ("", UNKNOWN_PLACE) else bucket.key] += bucket.count
        rows = (
            RegionCount(
                source_name=self.source,
                region=region,
                iso_code=ISO_CODES.get(region or UNKNOWN_PLACE),
                count=count,
                measure=measure,
            )
            for region, count in counts.items()
        )
        return Rows.of(rows, left_out(body.buckets))

    # ---- usage --------------------------------------------------------------------------------

    async def read_usage(self, subject: UsageSubject, first: date, last: date, zone: ZoneInfo) -> Usage:
        """Count per calendar day of any zone: one request for each stretch of days with one UTC offset.

        Shape: {"count", "sum", "buckets": [{"key", "key_as_string", "count", "min", "max", "avg", "sum"}]}
        Units: seconds; `key` epoch milliseconds. An item counts wholly on the day it started.
        Source: contracts.md 1.3 and 1.6, sample hexmeet-datehistgram_stats.json
        """
        midnights = _midnights(first, last, zone)
        days = dict.fromkeys(midnights[:-1], NOTHING)
        dates = {midnight.astimezone(zone).date(): midnight for midnight in days}
        count, total = 0, 0
        for stretch in _stretches(midnights, zone):
            body = await self.reports.ask(USAGE, stretch, zone=zone, target=_SUBJECTS[subject], **_DAILY)
            count += body.count
            total += int(body.sum)
            for bucket in body.buckets:
                # Where a day has 25 hours, the last has a bucket of its own; both lie on one date.
                on = max(_instant(bucket.key), stretch.start).astimezone(zone).date()
                if on in dates:
                    days[dates[on]] = merge_stats([days[dates[on]], _to_stats(bucket)])
        return Usage(
            count=count,
            total_duration_seconds=total,
            attendance_count=None,
            days=tuple(UsageDay(date=on, starts_at=start, stats=days[start]) for on, start in dates.items()),
        )

    async def read_usage_by(self, dimension: UsageDimension, window: Window, order: UsageOrder) -> UsageGroups:
        """Count per room, company, capacity or device model; a device model's count is of calls.

        Where the groups together count less than the totals say, some are missing or some conferences have no group:
        the least and the greatest of all are not known then.

        A group that cannot be read is left out; the totals are the vendor's own.

        Shape: {"count", "sum", "buckets": [{"key", "name", "count", "min", "max", "avg", "sum"}]}
        Units: seconds. `key` is a number or text, `name` only with rooms.
        Source: contracts.md 1.5 and 1.7, sample hexmeet-term_stats.json
        """
        body = await self._all(GROUPS, window, order=_ORDERS[order], **_DIMENSIONS[dimension])
        groups = tuple(self._to_group(bucket, dimension) for bucket in body.buckets)
        held = [group.stats for group in groups if group.stats.count] if body.is_whole else []
        totals = UsageStats(
            count=body.count,
            total_duration_seconds=int(body.sum),
            min_duration_seconds=merge_if_all([stats.min_duration_seconds for stats in held], min),
            max_duration_seconds=merge_if_all([stats.max_duration_seconds for stats in held], max),
            average_duration_seconds=body.sum / body.count if body.count else None,
        )
        return UsageGroups(groups=Rows.of(groups, left_out(body.buckets)), totals=totals)

    async def read_live(self) -> LiveCounts:
        """Count the calls going on, as of ten minutes ago: the vendor is no sooner sure of them.

        Shape: as `list_regions`.
        Units: calls, over the five minutes that the vendor advises.
        Source: contracts.md 1.8 and 6.5
        """
        end = clock.now() - timedelta(minutes=10)
        regions = await self.list_regions(RegionMeasure.ONGOING_CALLS, Window(end - timedelta(minutes=5), end))
        if regions.left_out:
            raise self.incomplete(REGIONS.name, regions.left_out)
        return LiveCounts(conference_count=None, member_count=sum(region.count for region in regions))

    async def check(self) -> str:
        """Count the conferences of the last day.

        Shape: {"count"}
        Units: conferences that are over.
        Source: contracts.md 1.3
        """
        now = clock.now()
        body = await self.reports.ask(
            COUNT, Window(now - _DAY, now), target=_SUBJECTS[UsageSubject.CONFERENCES], **_DAILY
        )
        return f"{body.count} conferences began in the last 24 hours"

    # ---- requests -----------------------------------------------------------------------------

    async def _count(self, subject: UsageSubject, window: Window) -> int | None:
        if self.time_filter != "start":
            return None
        return (await self.reports.ask(COUNT, window, target=_SUBJECTS[subject], **_DAILY)).count

    async def _all(self, report: Report[Top], window: Window, **fields: Any) -> Top:
        """Ask for more until all are told, or fewer than asked for: then no more can be had."""
        for size in _SIZES:
            body = await self.reports.ask(report, window, size=size, **_DAILY, **fields)
            if body.is_whole or len(body.buckets) + left_out(body.buckets) < size:
                break
        return body

    def _lookup_window(self) -> Window:
        now = clock.now()
        return Window(now - self.lookup, now)

    # ---- wire to record -----------------------------------------------------------------------

    def _to_room(self, name: str, bucket: GroupBucket) -> Room:
        return Room(source_name=self.source, key=name, name=name, vendor_id=str(bucket.key))

    def _to_group(self, bucket: GroupBucket, dimension: UsageDimension) -> UsageGroup:
        is_room = dimension is UsageDimension.ROOM
        return UsageGroup(
            source_name=self.source,
            key=str(bucket.key),
            name=bucket.name or None,
            stats=_to_stats(bucket),
            room=self._to_room(bucket.name, bucket) if is_room and bucket.name else None,
        )

    def _to_mcu_report(self, bucket: ResourceBucket, kind: McuKind, zone: timezone) -> McuReport:
        return McuReport(
            resource=McuResource(source_name=self.source, name=bucket.key, kind=kind),
            days=tuple(
                McuDay(
                    date=_instant(day.key).astimezone(zone).date(),
                    audio_used=_to_gauge(day.audio_used),
                    audio_ports=_to_gauge(day.audio_ports),
                    video_used=_to_gauge(day.video_used),
                    video_ports=_to_gauge(day.video_ports),
                )
                for day in bucket.buckets
            ),
            vendor_video_used=bucket.video_used,
        )


def _to_stats(stats: Stats) -> UsageStats:
    if not stats.count:
        return NOTHING
    return UsageStats(
        count=stats.count,
        total_duration_seconds=int(stats.sum),
        min_duration_seconds=None if stats.min is None else int(stats.min),
        max_duration_seconds=None if stats.max is None else int(stats.max),
        average_duration_seconds=stats.avg,
    )


def _to_gauge(stats: GaugeStats | None) -> Gauge | None:
    if stats is None:
        return None
    if not stats.count:
        return Gauge(samples=0, min=None, max=None, average=None)
    return Gauge(samples=stats.count, min=stats.min, max=stats.max, average=stats.avg)


def _instant(epoch_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=epoch_ms)


def _midnights(first: date, last: date, zone: ZoneInfo) -> list[datetime]:
    """The first instant of each day, and of the day after the last, in UTC."""
    days = (last - first).days + 2
    return [datetime.combine(first + n * _DAY, time(), zone).astimezone(UTC) for n in range(days)]


def _stretches(midnights: Sequence[datetime], zone: ZoneInfo) -> list[Window]:
    """Windows of days that start at one UTC offset: the vendor cuts days at one offset for each request."""
    inner = pairwise(midnights[:-1])
    cuts = [b for a, b in inner if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset()]
    return [Window(*edges) for edges in pairwise([midnights[0], *cuts, midnights[-1]])]
