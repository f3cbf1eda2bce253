"""The statistics of HexMeet's twin equal what the world says, computed here the long way round."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from twins import HexMeet, Time, ended_calls, ended_conferences, lasted

from graph import clock
from graph.sandbox.world import World
from graph.vendors.hexmeet.emulator import create_emulator

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))
START, END = NOW - timedelta(days=12), NOW + timedelta(days=2)
FIELDS = ("count", "min", "max", "avg", "sum")


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, conferences=600, days=10, anchor=NOW)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time(NOW)
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
async def vendor(world: World, time: Time) -> AsyncIterator[HexMeet]:
    assert time.now == NOW
    transport = httpx.ASGITransport(create_emulator(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://hexmeet") as client:
        yield HexMeet(world, client)


def durations(world: World, target: str, now: datetime = NOW) -> list[tuple[datetime, int]]:
    """When each conference or call that is over began, and how long it lasted."""
    if target == "conf":
        found = [(it.start, it.end) for it in ended_conferences(world, now).values()]
    else:
        found = [(call.join, call.leave) for _, call in ended_calls(world, now)]
    return [(start, lasted(start, end)) for start, end in found if start is not None]


def stats(values: list[int]) -> dict[str, Any]:
    if not values:
        return dict.fromkeys(FIELDS, 0)
    average = sum(values) / len(values)
    return {"count": len(values), "min": min(values), "max": max(values), "avg": average, "sum": sum(values)}


def only_stats(bucket: dict[str, Any]) -> dict[str, Any]:
    return {field: bucket[field] for field in FIELDS}


@pytest.mark.parametrize("target", ["conf", "call"])
@pytest.mark.parametrize(("name", "zone"), [("+08:00", CHINA), ("-03:30", None), ("Europe/Berlin", None)])
async def test_the_histogram_has_every_day_of_the_zone(
    vendor: HexMeet, world: World, target: str, name: str, zone: timezone | ZoneInfo | None
) -> None:
    zone = zone or (ZoneInfo(name) if "/" in name else timezone(-timedelta(hours=3, minutes=30)))
    by_day: dict[str, list[int]] = defaultdict(list)
    for start, seconds in durations(world, target):
        by_day[start.astimezone(zone).date().isoformat()].append(seconds)
    body = await vendor.post("datehistgram_stats", target=target, time_zone=name)
    first, last = START.astimezone(zone).date(), END.astimezone(zone).date()
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert [bucket["key_as_string"] for bucket in body["buckets"]] == [date.isoformat() for date in dates]
    for date, bucket in zip(dates, body["buckets"], strict=True):
        assert bucket["key"] == datetime(date.year, date.month, date.day, tzinfo=zone).timestamp() * 1000
        assert only_stats(bucket) == stats(by_day[date.isoformat()])
    assert (body["count"], body["sum"]) == (sum(map(len, by_day.values())), sum(map(sum, by_day.values())))
    assert not body["buckets"][-1]["count"]


async def test_the_histogram_keeps_to_its_range(vendor: HexMeet, world: World) -> None:
    start, end = NOW - timedelta(hours=70), NOW - timedelta(hours=10)
    period = {"start_time": start.isoformat(), "end_time": end.isoformat()}
    body = await vendor.post("datehistgram_stats", **period)
    expected = [seconds for begin, seconds in durations(world, "conf") if start <= begin < end]
    assert (body["count"], body["sum"]) == (len(expected), sum(expected)) != (0, 0)
    nothing = await vendor.post("datehistgram_stats", **period | {"end_time": period["start_time"]})
    assert (nothing["count"], nothing["buckets"]) == (0, [])


@pytest.mark.parametrize("is_inclusive", [False, True])
async def test_statistics_include_the_end_by_option(world: World, time: Time, *, is_inclusive: bool) -> None:
    """Asked for a range that ends as something begins, or for that instant alone."""
    assert time.now == NOW
    transport = httpx.ASGITransport(create_emulator(world, end_is_inclusive=is_inclusive))
    async with httpx.AsyncClient(transport=transport, base_url="http://hexmeet") as client:
        vendor = HexMeet(world, client)
        for target in ("conf", "call"):
            starts = sorted(start for start, _ in durations(world, target))
            at = starts[len(starts) // 2]
            before, here = sum(start < at for start in starts), starts.count(at)
            for begin, others in ((START, before), (at, 0)):
                period = {"start_time": begin.isoformat(), "end_time": at.isoformat()}
                expected = others + here * is_inclusive
                assert (await vendor.post("datehistgram_stats", target=target, **period))["count"] == expected
                if target == "conf":
                    assert (await vendor.post("term_stats", **period))["count"] == expected
                else:
                    regions = (await vendor.post("term_region_stats", **period))["buckets"]
                    assert sum(region["count"] for region in regions) == expected


async def test_a_day_counts_what_has_ended_meanwhile(vendor: HexMeet, world: World, time: Time) -> None:
    before = await vendor.post("datehistgram_stats")
    for days in (1, 3):
        time.now = NOW + timedelta(days=days)
        body = await vendor.post("datehistgram_stats")
        expected = [seconds for begin, seconds in durations(world, "conf", time.now) if begin < END]
        assert body["count"] == len(expected) > before["count"]


async def test_rooms_have_an_id_a_name_and_descending_counts(vendor: HexMeet, world: World) -> None:
    body = await vendor.post("term_stats", size=100)
    by_room: dict[int, list[int]] = defaultdict(list)
    for conference in ended_conferences(world, NOW).values():
        by_room[conference.room.id].append(lasted(conference.start, conference.end))
    names = {room.id: room.name for room in world.rooms("hexmeet")}
    assert {bucket["key"]: only_stats(bucket) for bucket in body["buckets"]} == {
        key: stats(values) for key, values in by_room.items()
    }
    assert all(bucket["name"] == names[bucket["key"]] for bucket in body["buckets"])
    counts = [bucket["count"] for bucket in body["buckets"]]
    assert counts == sorted(counts, reverse=True)
    assert body["count"] == sum(counts)


async def test_the_top_of_the_rooms_leaves_the_totals_alone(vendor: HexMeet) -> None:
    whole = await vendor.post("term_stats", size=100, order="sum")
    top = await vendor.post("term_stats", size=2, order="sum")
    assert top["buckets"] == whole["buckets"][:2]
    assert (top["count"], top["sum"]) == (whole["count"], whole["sum"])
    sums = [bucket["sum"] for bucket in whole["buckets"]]
    assert sums == sorted(sums, reverse=True)
    keys = [bucket["key"] for bucket in (await vendor.post("term_stats", size=100, order="key"))["buckets"]]
    assert keys == sorted(keys)


@pytest.mark.parametrize("target", ["capacity", "company"])
async def test_capacities_and_companies_have_no_name(vendor: HexMeet, world: World, target: str) -> None:
    found = ended_conferences(world, NOW).values()
    expected = Counter(it.room.capacity if target == "capacity" else it.company.id for it in found)
    body = await vendor.post("term_stats", target=target, size=100)
    assert {bucket["key"]: bucket["count"] for bucket in body["buckets"]} == expected
    assert body["buckets"][0].keys() == {"key", "key_as_string", *FIELDS}


async def test_device_models_are_words_over_calls_and_need_neither_param1_nor_order(
    vendor: HexMeet, world: World
) -> None:
    found: dict[str, list[int]] = defaultdict(list)
    for _, call in ended_calls(world, NOW):
        found[call.device_model].append(lasted(call.join, call.leave))
    body = await vendor.post("term_stats", target="device_model", param1=None, size=100, order=None)
    assert {bucket["key"]: only_stats(bucket) for bucket in body["buckets"]} == {
        key: stats(values) for key, values in found.items()
    }
    assert body["count"] == sum(map(len, found.values()))
    assert len((await vendor.post("term_stats", target="device_model", param1=None, size=None))["buckets"]) <= 10


@pytest.mark.parametrize("kind", ["MRU", "GATEWAY"])
async def test_ports_are_sampled_each_minute_that_has_passed(vendor: HexMeet, world: World, kind: str) -> None:
    nodes = {mcu.name: mcu for mcu in world.mcus if mcu.kind == kind}
    start, end = NOW - timedelta(days=2), NOW + timedelta(hours=30)
    period = {"start_time": start.isoformat(), "end_time": end.isoformat()}
    body = await vendor.post("term_datehistgram_stats", param1=kind, **period)
    minutes = [start + timedelta(minutes=n) for n in range(int((NOW - start).total_seconds()) // 60)]
    calls = [call for conference in world.all("hexmeet") for call in conference.attendances if call.leave > start]
    assert {bucket["key"] for bucket in body["buckets"]} == nodes.keys()
    for bucket in body["buckets"]:
        here = [call for call in calls if call.mcu.name == bucket["key"]]
        by_day: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for minute in minutes:
            going_on = [call for call in here if call.join <= minute < call.leave]
            used = len(going_on), sum(call.client != "PHONE" for call in going_on)
            by_day[minute.astimezone(CHINA).date().isoformat()].append(used)
        ports = nodes[bucket["key"]].ports
        for day in bucket["buckets"]:
            samples = by_day[day["key_as_string"]]
            assert day["audio_used"] == stats([audio for audio, _ in samples])
            assert day["video_used"] == stats([video for _, video in samples])
            assert day["audio_ports"] == day["video_ports"] == stats([ports] * len(samples))
        assert [len(by_day[day["key_as_string"]]) for day in bucket["buckets"]] == [690, 1440, 750, 0]
        assert bucket["video_used"] == max(day["video_used"]["max"] for day in bucket["buckets"])
    assert any(bucket["video_used"] for bucket in body["buckets"])


async def test_the_busiest_nodes_come_first(vendor: HexMeet) -> None:
    whole = (await vendor.post("term_datehistgram_stats"))["buckets"]
    peaks = [bucket["video_used"] for bucket in whole]
    assert peaks == sorted(peaks, reverse=True)
    assert (await vendor.post("term_datehistgram_stats", size=1))["buckets"] == whole[:1]


async def test_regions_count_ended_calls(vendor: HexMeet, world: World) -> None:
    body = await vendor.post("term_region_stats", target="issued_calls")
    expected = Counter(call.person.province or "0" for _, call in ended_calls(world, NOW))
    assert {bucket["key"]: bucket["count"] for bucket in body["buckets"]} == expected
    assert "0" in expected


@pytest.mark.parametrize("target", ["onging_calls", "onging_regs"])
async def test_regions_count_what_goes_on_in_any_range(vendor: HexMeet, world: World, target: str) -> None:
    minute = timedelta(minutes=1)
    for start, end in (
        (NOW - 15 * minute, NOW - 10 * minute),
        (NOW - 5000 * minute, NOW),
        (NOW - 20 * minute, NOW + 60 * minute),
    ):
        period = {"start_time": start.isoformat(), "end_time": end.isoformat()}
        calls = [
            call
            for conference in world.all("hexmeet")
            for call in conference.attendances
            if call.join < end and call.leave > start and call.join <= NOW
        ]
        people = {call.person.account_id: call.person for call in calls}.values()
        expected = Counter(
            person.province or "0"
            for person in (people if target == "onging_regs" else [call.person for call in calls])
        )
        body = await vendor.post("term_region_stats", target=target, **period)
        assert {bucket["key"]: bucket["count"] for bucket in body["buckets"]} == expected
