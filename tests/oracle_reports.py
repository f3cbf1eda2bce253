"""What reports should say of a world at an instant; see oracle.py."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from answers import Row, seconds, text
from oracle import BEFORE, Oracle, addresses

from graph.sandbox.world import Phase, WorldAttendance, WorldConference

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PROVINCES = (
    "北京 BJ 天津 TJ 河北 HE 山西 SX 内蒙古 NM 辽宁 LN 吉林 JL 黑龙江 HL 上海 SH 江苏 JS 浙江 ZJ 安徽 AH 福建 FJ "
    "江西 JX 山东 SD 河南 HA 湖北 HB 湖南 HN 广东 GD 广西 GX 海南 HI 重庆 CQ 四川 SC 贵州 GZ 云南 YN 西藏 XZ "
    "陕西 SN 甘肃 GS 青海 QH 宁夏 NX 新疆 XJ 台湾 TW 香港 HK"
)
ISO_CODES = dict(zip(PROVINCES.split()[::2], PROVINCES.split()[1::2], strict=True))


def stats(lengths: Iterable[int], *, has_extremes: bool = True) -> Row:
    """UsageStats over durations in seconds; NetEase reports neither the shortest nor the longest."""
    known = list(lengths)
    return {
        "count": len(known),
        "totalDurationSeconds": sum(known),
        "minDurationSeconds": min(known) if known and has_extremes else None,
        "maxDurationSeconds": max(known) if known and has_extremes else None,
        "averageDurationSeconds": sum(known) / len(known) if known else None,
    }


class ReportOracle(Oracle):
    """Knows what the reports count."""

    # ---- what is counted ----------------------------------------------------------------------

    def held(self, vendor: str, start: datetime, end: datetime) -> Iterator[WorldConference]:
        """The conferences that began in a range and are over."""
        for it in self.world.between(vendor, start, end):
            if it.phase(self.now) is Phase.ENDED:
                yield it

    def ended_calls(self, start: datetime, end: datetime) -> Iterator[WorldAttendance]:
        """HexMeet's calls that began in a range and are over."""
        for it in self.world.between("hexmeet", start - BEFORE, end):
            yield from (a for a in it.attendances if start <= a.join < end and a.leave <= self.now)

    def ongoing_calls(self, start: datetime, end: datetime) -> Iterator[WorldAttendance]:
        """HexMeet's calls that went on at some time of a range."""
        for it in self.world.between("hexmeet", start - BEFORE, end):
            yield from (a for a in it.attendances if a.join < end and a.leave > start and a.join <= self.now)

    # ---- rooms and media resources ------------------------------------------------------------

    def rooms(self, start: datetime, end: datetime) -> list[Row]:
        """Rooms in which something was held; HexMeet's by name, SYSTEC's by host_id. `vendorIds` may each be true."""
        found = []
        by_name: dict[str, list[WorldConference]] = defaultdict(list)
        by_host: dict[str, list[WorldConference]] = defaultdict(list)
        for it in self.held("hexmeet", start, end):
            by_name[it.room.name].append(it)
        for it in self.held("systec", start, end):
            by_host[it.room.host_id].append(it)
        for name in sorted(by_name):
            ids = {str(it.room.id) for it in by_name[name]}
            found.append(self._room("hexmeet", name, by_name[name][0].room.capacity, ids, by_name[name]))
        return found + [self._room("systec", None, None, {host}, by_host[host]) for host in sorted(by_host)]

    def _room(
        self, source: str, name: str | None, capacity: int | None, ids: set[str], held: list[WorldConference]
    ) -> Row:
        latest = sorted(((it.start, self.vendor_id(it)) for it in held), reverse=True)
        return {
            "sourceName": source,
            "name": name,
            "capacity": capacity,
            "vendorIds": ids,
            "usage": stats(seconds(it.start, it.end) for it in held),
            "conferences": {"totalCount": len(held), "nodes": [{"vendorId": vendor_id} for _, vendor_id in latest]},
        }

    def mcu_resources(self, first: date, last: date, zone: ZoneInfo) -> list[Row]:
        """HexMeet's media nodes with what they carried on some days, sampled every full minute that has passed."""
        days = [(day, midnight(day, zone), midnight(day + DAY, zone)) for day in each_day(first, last)]
        rows = []
        for mcu in sorted(self.world.mcus, key=lambda mcu: mcu.name):
            audio = self._gauges(days, mcu.name, with_video=False)
            video = self._gauges(days, mcu.name, with_video=True)
            ports = [gauge([mcu.ports] * used["samples"]) for used in audio]
            peaks = [max((used["max"] or 0) for used in medium) for medium in (audio, video)]
            utilization = {
                "days": [
                    {"date": day.isoformat(), "audioUsed": a, "audioPorts": p, "videoUsed": v, "videoPorts": p}
                    for (day, _, _), a, v, p in zip(days, audio, video, ports, strict=True)
                ],
                "peakAudioUsed": peaks[0],
                "peakVideoUsed": peaks[1],
                "peakRatio": max(peaks) / mcu.ports,
            }
            rows.append({"sourceName": "hexmeet", "name": mcu.name, "kind": mcu.kind, "utilization": utilization})
        return rows

    def _gauges(self, days: list[tuple[date, datetime, datetime]], mcu: str, *, with_video: bool) -> list[Row]:
        gauges = []
        for _, start, end in days:
            calls = [a for a in self.ongoing_calls(start, end) if a.mcu.name == mcu]
            spans = [(a.join, a.leave) for a in calls if not (with_video and a.client == "PHONE")]
            minutes = range(int((min(end, self.now) - start + MINUTE - timedelta(microseconds=1)) / MINUTE))
            gauges.append(gauge([sum(a <= start + n * MINUTE < b for a, b in spans) for n in minutes]))
        return gauges

    def region_counts(self, calls: Iterable[WorldAttendance], measure: str, *, people: bool = False) -> list[Row]:
        """Calls, or the people of the calls, by province; unknown places last."""
        found = list(calls)
        if people:
            found = list({a.person.account_id: a for a in found}.values())
        counts = Counter(a.person.province for a in found)
        return [
            {
                "sourceName": "hexmeet",
                "region": region,
                "isoCode": f"CN-{ISO_CODES[region]}" if region else None,
                "count": counts[region],
                "measure": measure,
            }
            for region in sorted(counts, key=lambda region: (region is None, region or ""))
        ]

    # ---- usage --------------------------------------------------------------------------------

    def hexmeet_day(self, subject: str, start: datetime, end: datetime) -> Row:
        """HexMeet's part of a day."""
        if subject == "CALLS":
            lengths = [seconds(a.join, a.leave) for a in self.ended_calls(start, end)]
        else:
            lengths = [seconds(it.start, it.end) for it in self.held("hexmeet", start, end)]
        return {
            "source": {"name": "hexmeet"},
            "stats": stats(lengths),
            "attendanceCount": None,
            "peakMemberCount": None,
        }

    def netease_day(self, start: datetime, end: datetime) -> Row:
        """NetEase's part of a day: what began, be it over or not."""
        begun = [it for it in self.world.between("netease", start, end) if it.start and it.start <= self.now]
        joins = [a for it in begun for a in it.attendances if a.join <= self.now]
        most = present = 0
        for _, step in sorted([(a.join, 1) for a in joins] + [(a.leave, -1) for a in joins]):
            present += step
            most = max(most, present)
        lengths = [seconds(it.start, min(it.end or self.now, self.now)) for it in begun]
        return {
            "source": {"name": "netease"},
            "stats": stats(lengths, has_extremes=False),
            "attendanceCount": len(joins),
            "peakMemberCount": most or None,
        }

    def usage(self, subject: str, first: date, last: date, zone: ZoneInfo, sources: Iterable[str]) -> Row:
        """A usage report."""
        buckets: list[Row] = []
        for day in each_day(first, last):
            start, end = midnight(day, zone), midnight(day + DAY, zone)
            parts = []
            if "hexmeet" in sources:
                parts.append(self.hexmeet_day(subject, start, end))
            if "netease" in sources:
                parts.append(self.netease_day(start, end))
            buckets.append(
                {
                    "date": day.isoformat(),
                    "startsAt": text(start),
                    "stats": merged([part["stats"] for part in parts]),
                    "attendanceCount": attendance(parts),
                    "peakMemberCount": parts[0]["peakMemberCount"] if len(parts) == 1 else None,
                    "bySource": parts,
                }
            )
        return {
            "count": sum(bucket["stats"]["count"] for bucket in buckets),
            "totalDurationSeconds": sum(bucket["stats"]["totalDurationSeconds"] for bucket in buckets),
            "attendanceCount": attendance([part for bucket in buckets for part in bucket["bySource"]]),
            "buckets": buckets,
            "complete": True,
        }

    def usage_by(self, dimension: str, start: datetime, end: datetime, order: str) -> tuple[list[Row], Row]:
        """All groups of a dimension in order, and the totals over them."""
        lengths: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
        if dimension == "DEVICE_MODEL":
            for a in self.ended_calls(start, end):
                lengths["hexmeet", a.device_model, None].append(seconds(a.join, a.leave))
        else:
            for it in self.held("hexmeet", start, end):
                key, name = {
                    "ROOM": (it.room.id, it.room.name),
                    "COMPANY": (it.company.id, None),
                    "CAPACITY": (it.room.capacity, None),
                }[dimension]
                lengths["hexmeet", str(key), name].append(seconds(it.start, it.end))
        if dimension == "ROOM":
            for it in self.held("systec", start, end):
                lengths["systec", it.room.host_id, None].append(seconds(it.start, it.end))
        rows: list[Row] = [
            {"source": {"name": source}, "key": key, "name": name, "stats": stats(found)}
            for (source, key, name), found in lengths.items()
        ]
        rows.sort(key=lambda row: (row["source"]["name"], row["key"]))
        orders: dict[str, Callable[[Row], Any]] = {
            "COUNT_DESC": lambda row: -row["stats"]["count"],
            "DURATION_DESC": lambda row: -row["stats"]["totalDurationSeconds"],
            "KEY_ASC": lambda row: row["key"],
        }
        return sorted(rows, key=orders[order]), stats(length for found in lengths.values() for length in found)

    # ---- what goes on -------------------------------------------------------------------------

    def live(self) -> Row:
        """What each source that counts such things has going on."""
        going_on = {vendor: self.world.live(vendor, self.now) for vendor in ("netease", "quanshi")}
        listed = list(self.listed("huawei", self.now - BEFORE, self.now + DAY))
        netease = sum(len({a.person.account_id for a in self.present(it)}) for it in going_on["netease"])
        soon = self.now + timedelta(minutes=15)  # Quanshi's twin lists what is about to begin
        coming = [
            it
            for it in self.world.between("quanshi", self.now, self.now + DAY)
            if it.phase(self.now) is Phase.SCHEDULED and it.scheduled_start and it.scheduled_start <= soon
        ]
        by_source = {
            "hexmeet": (None, len(list(self.ongoing_calls(self.now - 15 * MINUTE, self.now - 10 * MINUTE)))),
            "huawei": (len(listed), addresses(a for it in listed for a in self.present(it))),
            "netease": (len(going_on["netease"]), netease),
            "quanshi": (
                len(going_on["quanshi"]) + len(coming),
                sum(len(self.present(it)) for it in [*going_on["quanshi"], *coming]),
            ),
        }
        return {
            "conferenceCount": sum(count or 0 for count, _ in by_source.values()),
            "memberCount": sum(count for _, count in by_source.values()),
            "complete": True,
            "bySource": [
                {"source": {"name": name}, "conferenceCount": conferences, "memberCount": members}
                for name, (conferences, members) in by_source.items()
            ],
        }


def gauge(samples: list[int]) -> Row:
    """Statistics of a gauge."""
    return {
        "samples": len(samples),
        "min": min(samples, default=None),
        "max": max(samples, default=None),
        "average": sum(samples) / len(samples) if samples else None,
    }


def merged(parts: list[Row]) -> Row:
    """Several sources' stats as one: extremes only where all that count something have them."""
    held = [part for part in parts if part["count"]]
    count = sum(part["count"] for part in held)
    total = sum(part["totalDurationSeconds"] for part in held)

    def extreme(name: str, pick: Callable[[list[int]], int]) -> int | None:
        values = [part[name] for part in held]
        return pick(values) if values and None not in values else None

    return {
        "count": count,
        "totalDurationSeconds": total,
        "minDurationSeconds": extreme("minDurationSeconds", min),
        "maxDurationSeconds": extreme("maxDurationSeconds", max),
        "averageDurationSeconds": total / count if count else None,
    }


def attendance(parts: list[Row]) -> int | None:
    """Joins of all; None where one that counts something does not say."""
    known = [part["attendanceCount"] for part in parts if part["attendanceCount"] is not None]
    is_told = all(part["attendanceCount"] is not None for part in parts if part["stats"]["count"])
    return sum(known) if known and is_told else None


def each_day(first: date, last: date) -> list[date]:
    """The days from first to last."""
    return [first + n * DAY for n in range((last - first).days + 1)]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time(), zone)
