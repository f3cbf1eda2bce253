"""The statistics of HexMeet's twin: what the four aggregating reports answer, from the world.

Ranges are half-open (one that includes its end comes with an end later by less than a second) and go by start,
whatever the twin's lists filter by. A day that can change no more is kept.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from itertools import accumulate
from typing import Any
from zlib import crc32

from graph.sandbox.world import LONGEST, Phase, World, WorldAttendance, WorldConference

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_KEPT_DAYS = 4096
_TERMS: dict[str, Callable[[WorldConference], Any]] = {
    "all": lambda _: None,
    "conf": lambda conference: conference.room.id,
    "capacity": lambda conference: conference.room.capacity,
    "company": lambda conference: conference.company.id,
}
_CALL_TERMS: dict[str, Callable[[WorldAttendance], Any]] = {
    "all": lambda _: None,
    "device_model": lambda call: call.device_model,
    "region": lambda call: call.person.province or "0",
}

Range = tuple[datetime, datetime]


@dataclass(slots=True)
class Stats:
    """What an Elasticsearch stats aggregation answers; all zeros where there was nothing."""

    count: int = 0
    min: int = 0
    max: int = 0
    sum: int = 0

    @classmethod
    def of(cls, values: list[int]) -> "Stats":
        """The statistics of some numbers."""
        return cls(len(values), min(values), max(values), sum(values)) if values else cls()

    def add(self, other: "Stats") -> None:
        """Take in the statistics of more numbers."""
        if other.count:
            self.min = min(self.min, other.min) if self.count else other.min
            self.max = max(self.max, other.max)
            self.count += other.count
            self.sum += other.sum

    def body(self) -> dict[str, Any]:
        """As the vendor writes it."""
        average = self.sum / self.count if self.count else 0.0
        shown = int(average) if average.is_integer() else average
        return {"count": self.count, "min": self.min, "max": self.max, "avg": shown, "sum": self.sum}


def ended_calls(conference: WorldConference, now: datetime) -> Iterator[WorldAttendance]:
    """The calls of a conference that are over, be it over itself or not."""
    return (call for call in conference.attendances if call.leave <= now)


def days(period: Range, zone: tzinfo) -> Iterator[tuple[datetime, Range]]:
    """The calendar days a range touches: local midnight, and the part of the day within the range (UTC)."""
    start, end = period
    day = start.astimezone(zone).date()
    while start < end and (midnight := _midnight(day, zone)) < end:
        day += _DAY
        yield midnight, (max(start, midnight.astimezone(UTC)), min(end, _midnight(day, zone).astimezone(UTC)))


class Statistics:
    """Answers the aggregating reports, each with the part of the body that follows the common envelope."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: OrderedDict[tuple[str, Range], Any] = OrderedDict()

    def histogram(self, target: str, period: Range, zone: tzinfo, now: datetime) -> dict[str, Any]:
        """Conferences or calls by day (datehistgram_stats): each day is there, an empty one with zeros."""
        total = Stats()
        buckets = []
        for midnight, part in days(period, zone):
            stats = self._by_term(f"{target}/all", part, now).get(None, Stats())
            total.add(stats)
            buckets.append({**_day_key(midnight), **stats.body()})
        return {"count": total.count, "sum": total.sum, "buckets": buckets}

    def terms(self, target: str, order: str, size: int, period: Range, now: datetime) -> dict[str, Any]:
        """The `size` first rooms, companies, capacities or device models (term_stats), and the totals of all."""
        kind = "call" if target == "device_model" else "conf"
        total = Stats()
        found: dict[Any, Stats] = {}
        for _, part in days(period, UTC):
            for key, stats in self._by_term(f"{kind}/{target}", part, now).items():
                found.setdefault(key, Stats()).add(stats)
                total.add(stats)
        first = sorted(found.items())
        if order != "key":
            first.sort(key=lambda item: -getattr(item[1], order))
        names = {room.id: room.name for room in self._world.rooms("hexmeet")} if target == "conf" else {}
        buckets = [
            {"key": key, "key_as_string": None} | ({"name": names[key]} if target == "conf" else {}) | stats.body()
            for key, stats in first[:size]
        ]
        return {"count": total.count, "sum": total.sum, "buckets": buckets}

    def resources(self, kind: str, size: int, period: Range, zone: tzinfo, now: datetime) -> dict[str, Any]:
        """Ports of the `size` busiest media nodes of a kind by day (term_datehistgram_stats).

        The top-level `video_used`, undefined in the document, is the peak of the range.
        """
        nodes = {mcu.name: mcu.ports for mcu in self._world.mcus if mcu.kind == kind}
        peaks = dict.fromkeys(nodes, 0)
        by_day: dict[str, list[dict[str, Any]]] = {name: [] for name in nodes}
        for midnight, part in days(period, zone):
            gauges = self._keep("gauges", part, now, partial(self._gauges, part, now))
            for name, ports in nodes.items():
                audio, video = gauges[name]
                fixed = Stats(audio.count, ports, ports, audio.count * ports) if audio.count else Stats()
                peaks[name] = max(peaks[name], video.max)
                by_day[name].append(
                    _day_key(midnight)
                    | {"audio_used": audio.body(), "audio_ports": fixed.body()}
                    | {"video_used": video.body(), "video_ports": fixed.body()},
                )
        busiest = sorted(nodes, key=lambda name: (-peaks[name], name))[:size]
        return {
            "buckets": [
                {"key": name, "key_as_string": None, "video_used": peaks[name], "buckets": by_day[name]}
                for name in busiest
            ],
        }

    def regions(self, target: str, period: Range, now: datetime) -> dict[str, Any]:
        """Calls or registrations by province (term_region_stats).

        issued_calls: ended calls that began in the range; onging_calls: calls that went on at some time of it;
        onging_regs: the people of those calls, since the world has no other sign of a registered endpoint.
        """
        counts: Counter[str] = Counter()
        if target == "issued_calls":
            for _, part in days(period, UTC):
                for region, stats in self._by_term("call/region", part, now).items():
                    counts[region] += stats.count
        else:
            people = set()
            for call in self._going_on(period, now):
                if target == "onging_calls" or call.person.account_id not in people:
                    people.add(call.person.account_id)
                    counts[call.person.province or "0"] += 1
        in_no_order = sorted(counts.items(), key=lambda item: crc32(item[0].encode()))
        return {"buckets": [{"key": region, "count": count} for region, count in in_no_order]}

    def _by_term(self, term: str, part: Range, now: datetime) -> dict[Any, Stats]:
        """Durations of what began within a day and is over, by key; `term` is such as "conf/capacity"."""

        def make() -> dict[Any, Stats]:
            durations: dict[Any, list[int]] = {}
            for key, begin, end in self._spans(term, part, now):
                durations.setdefault(key, []).append(int((end - begin).total_seconds()))
            return {key: Stats.of(values) for key, values in durations.items()}

        found: dict[Any, Stats] = self._keep(term, part, now, make)
        return found

    def _spans(self, term: str, part: Range, now: datetime) -> Iterator[tuple[Any, datetime, datetime]]:
        kind, _, name = term.partition("/")
        start, end = part
        if kind == "conf":
            key_of = _TERMS[name]
            for conference in self._world.between("hexmeet", start, end):
                if conference.phase(now) is Phase.ENDED and conference.start and conference.end:
                    yield key_of(conference), conference.start, conference.end
            return
        call_key_of = _CALL_TERMS[name]
        for conference in self._world.between("hexmeet", start - LONGEST, end):
            for call in ended_calls(conference, now):
                if start <= call.join < end:
                    yield call_key_of(call), call.join, call.leave

    def _going_on(self, part: Range, now: datetime) -> Iterator[WorldAttendance]:
        start, end = part
        for conference in self._world.between("hexmeet", start - LONGEST, end):
            if conference.phase(now) in (Phase.LIVE, Phase.ENDED):
                yield from (c for c in conference.attendances if c.join < end and c.leave > start and c.join <= now)

    def _gauges(self, part: Range, now: datetime) -> dict[str, tuple[Stats, Stats]]:
        """Channels in use on each node, audio and video, sampled on every full minute that has passed."""
        first = _minutes_up_to(part[0])
        samples = max(0, _minutes_up_to(min(part[1], now)) - first)
        steps = {mcu.name: ([0] * (samples + 1), [0] * (samples + 1)) for mcu in self._world.mcus}
        for call in self._going_on(part, now):
            begin = min(max(_minutes_up_to(call.join) - first, 0), samples)
            end = min(max(_minutes_up_to(call.leave) - first, 0), samples)
            audio, video = steps[call.mcu.name]
            for channel in (audio,) if call.client == "PHONE" else (audio, video):
                channel[begin] += 1
                channel[end] -= 1
        return {name: (_gauge(audio), _gauge(video)) for name, (audio, video) in steps.items()}

    def _keep(self, name: str, part: Range, now: datetime, make: Callable[[], Any]) -> Any:
        """What `make` gives, remembered where it can change no more."""
        key = (name, part)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = make()
        if part[1] + LONGEST < now:
            self._kept[key] = made
            if len(self._kept) > _KEPT_DAYS:
                self._kept.popitem(last=False)
        return made


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _day_key(midnight: datetime) -> dict[str, Any]:
    return {"key": int(midnight.timestamp()) * 1000, "key_as_string": midnight.strftime("%Y-%m-%d")}


def _minutes_up_to(instant: datetime) -> int:
    """The number, since the epoch, of the first full minute not before an instant."""
    return -int((datetime.fromtimestamp(0, UTC) - instant) // _MINUTE)


def _gauge(steps: Iterable[int]) -> Stats:
    return Stats.of(list(accumulate(steps))[:-1])
