"""HexMeet's statistics on the documented samples: the requests sent, the records made."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import sample
from vendors.hexmeet_app import NOW, OK, TOKEN, hexmeet, histogram

from graph import clock
from graph.errors import VendorPayloadError
from graph.paging.windows import Window
from graph.records import (
    ConferenceState,
    McuKind,
    McuResource,
    RegionMeasure,
    Room,
    UsageDimension,
    UsageOrder,
    UsageSubject,
)
from graph.statistics import (
    Gauge,
    LiveCounts,
    McuDay,
    McuReport,
    UsageDay,
    UsageStats,
)
from graph.vendors.base import ConferenceQuery
from graph.vendors.hexmeet.adapter import HexmeetFields
from graph.vendors.hexmeet.fields import HexmeetConferenceFields
from graph.vendors.hexmeet.regions import ISO_CODES

pytestmark = pytest.mark.anyio

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Window(datetime(2021, 1, 7, 16, tzinfo=UTC), datetime(2021, 1, 14, 16, tzinfo=UTC))
COMMON = {
    "agent_id": 101376,
    "company_id": 31314944,
    "start_time": "2021-01-08T00:00:00.000+08:00",
    "end_time": "2021-01-14T23:59:59.999+08:00",
    "time_zone": "+08:00",
    "token": TOKEN,
}
DEPARTMENT = {"dept_id": 33931264}
DAILY = {"interval": "1d", "format": "yyyy-MM-dd"}
TERM_STATS = sample("hexmeet-term_stats")
OLSEN = Room(
    source_name="hex", key="研发 10 方个人会议室 Olsen", name="研发 10 方个人会议室 Olsen", vendor_id="154488832"
)
HALL = Room(source_name="hex", key="研发 200 方会议室", name="研发 200 方会议室", vendor_id="421818898")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def without_guid(body: dict[str, Any]) -> dict[str, Any]:
    assert len(body["guid"]) == 32
    return {name: value for name, value in body.items() if name != "guid"}


def groups(told: int, count: int | None = None) -> dict[str, Any]:
    """term_stats that tells so many groups of one minute each, and counts as many, or more."""
    stats = {"count": 1, "min": 60, "max": 60, "avg": 60.0, "sum": 60}
    buckets = [{"key": n, "key_as_string": None, "name": f"Room {n}", **stats} for n in range(told)]
    count = told if count is None else count
    return {**OK, "count": count, "sum": 60 * count, "buckets": buckets}


# ---- datehistgram_stats -------------------------------------------------------------------------


@pytest.mark.parametrize(("subject", "target"), [(UsageSubject.CONFERENCES, "conf"), (UsageSubject.CALLS, "call")])
async def test_usage_asks_for_whole_days_of_the_zone(subject: UsageSubject, target: str) -> None:
    async with hexmeet({"datehistgram_stats": [sample("hexmeet-datehistgram_stats")]}) as (adapter, vendor):
        await adapter.read_usage(subject, date(2021, 1, 8), date(2021, 1, 14), SHANGHAI)
    (asked,) = vendor.asked
    assert asked.query == "domainId=null"
    assert without_guid(asked.body) == {**COMMON, **DEPARTMENT, **DAILY, "target": target}


async def test_each_documented_field_of_usage_has_its_record_value() -> None:
    body = sample("hexmeet-datehistgram_stats")
    async with hexmeet({"datehistgram_stats": [body]}) as (adapter, _):
        usage = await adapter.read_usage(UsageSubject.CONFERENCES, date(2021, 1, 8), date(2021, 1, 14), SHANGHAI)
    assert (usage.count, usage.total_duration_seconds, usage.attendance_count) == (169, 308565, None)
    for day, bucket in zip(usage.days, body["buckets"], strict=True):
        assert set(bucket) == {"key", "key_as_string", "count", "min", "max", "avg", "sum"}
        assert day.starts_at == datetime.fromtimestamp(bucket["key"] / 1000, UTC)
        assert day.date.isoformat() == bucket["key_as_string"]
        assert day.stats.count == bucket["count"]
        assert day.stats.total_duration_seconds == bucket["sum"]
    assert usage.days[0] == UsageDay(
        date=date(2021, 1, 8),
        starts_at=WEEK.start,
        stats=UsageStats(
            count=32,
            total_duration_seconds=25694,
            min_duration_seconds=29,
            max_duration_seconds=3628,
            average_duration_seconds=802.9375,
        ),
    )
    assert usage.days[6].stats == UsageStats(count=0, total_duration_seconds=0), "0 of an empty day is no minimum"


async def test_days_without_a_bucket_are_there() -> None:
    async with hexmeet({"datehistgram_stats": [histogram({WEEK.start + timedelta(days=1): 2})]}) as (adapter, _):
        usage = await adapter.read_usage(UsageSubject.CALLS, date(2021, 1, 8), date(2021, 1, 10), SHANGHAI)
    assert [(day.date.day, day.stats.count) for day in usage.days] == [(8, 0), (9, 2), (10, 0)]


async def test_where_clocks_change_days_are_asked_for_at_the_offset_they_begin_with() -> None:
    """On 2021-10-31 Berlin has 25 hours; its last one falls into a bucket of its own."""

    def at(day: int, offset: str) -> datetime:
        return datetime.fromisoformat(f"2021-{10 if day > 20 else 11}-{day:02}T00:00:00{offset}")

    answers = [
        histogram({at(30, "+02:00"): 1, at(31, "+02:00"): 2, at(1, "+02:00"): 3}),
        histogram({at(1, "+01:00"): 4}),
    ]
    answers[0]["buckets"][2] |= {"min": 10, "max": 600, "sum": 700}
    async with hexmeet({"datehistgram_stats": answers}) as (adapter, vendor):
        usage = await adapter.read_usage(UsageSubject.CALLS, date(2021, 10, 30), date(2021, 11, 1), BERLIN)
    keys = ("start_time", "end_time", "time_zone")
    assert [tuple(asked.body[key] for key in keys) for asked in vendor.asked] == [
        ("2021-10-30T00:00:00.000+02:00", "2021-10-31T23:59:59.999+01:00", "+02:00"),
        ("2021-11-01T00:00:00.000+01:00", "2021-11-01T23:59:59.999+01:00", "+01:00"),
    ]
    assert [(day.date.isoformat(), day.stats.count) for day in usage.days] == [
        ("2021-10-30", 1),
        ("2021-10-31", 5),
        ("2021-11-01", 4),
    ]
    assert usage.days[1].stats == UsageStats(
        count=5,
        total_duration_seconds=820,
        min_duration_seconds=10,
        max_duration_seconds=600,
        average_duration_seconds=164.0,
    )
    assert (usage.count, [day.starts_at for day in usage.days]) == (
        10,
        [at(30, "+02:00"), at(31, "+02:00"), at(1, "+01:00")],
    )


async def test_counts_need_no_more_than_the_count() -> None:
    """The document's second sample of this report is cut off after it."""
    body = sample("hexmeet-datehistgram_stats-section6-truncated")
    async with hexmeet({"datehistgram_stats": [body, body]}) as (adapter, vendor):
        assert await adapter.count_conferences(ConferenceQuery(WEEK)) == 1184
        assert await adapter.count_calls(WEEK) == 1184
    assert [without_guid(asked.body) for asked in vendor.asked] == [
        {**COMMON, **DEPARTMENT, **DAILY, "target": target} for target in ("conf", "call")
    ]


async def test_counts_are_none_where_the_vendor_counts_something_else() -> None:
    live = ConferenceQuery(WEEK, states=frozenset({ConferenceState.LIVE}))
    async with hexmeet({}) as (adapter, _):
        assert await adapter.count_conferences(ConferenceQuery(WEEK, room="North")) is None
        assert await adapter.count_conferences(live) is None
    async with hexmeet({}, time_filter="overlap") as (adapter, _):
        assert await adapter.count_conferences(ConferenceQuery(WEEK)) is None
        assert await adapter.count_calls(WEEK) is None


# ---- term_stats ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dimension", "narrowing"),
    [
        (UsageDimension.ROOM, {"target": "conf", "param1": "conf"}),
        (UsageDimension.COMPANY, {"target": "company", "param1": "conf"}),
        (UsageDimension.CAPACITY, {"target": "capacity", "param1": "conf"}),
        (UsageDimension.DEVICE_MODEL, {"target": "device_model"}),
    ],
)
async def test_each_dimension_has_its_target(dimension: UsageDimension, narrowing: dict[str, str]) -> None:
    async with hexmeet({"term_stats": [TERM_STATS]}) as (adapter, vendor):
        await adapter.read_usage_by(dimension, WEEK, UsageOrder.COUNT_DESC)
    expected = {**COMMON, **DEPARTMENT, **DAILY, **narrowing, "order": "count", "size": 100}
    assert without_guid(vendor.asked[0].body) == expected


async def test_each_documented_field_of_grouped_usage_has_its_record_value() -> None:
    async with hexmeet({"term_stats": [TERM_STATS]}) as (adapter, vendor):
        usage = await adapter.read_usage_by(UsageDimension.ROOM, WEEK, UsageOrder.DURATION_DESC)
    assert vendor.asked[0].body["order"] == "sum"
    assert usage.totals == UsageStats(
        count=73,
        total_duration_seconds=250473,
        min_duration_seconds=21,
        max_duration_seconds=86876,
        average_duration_seconds=250473 / 73,
    )
    for group, bucket in zip(usage.groups, TERM_STATS["buckets"], strict=True):
        assert set(bucket) == {"key", "key_as_string", "name", "count", "min", "max", "avg", "sum"}
        assert (group.key, group.name) == (str(bucket["key"]), bucket["name"])
        assert group.stats == UsageStats(
            count=bucket["count"],
            total_duration_seconds=bucket["sum"],
            min_duration_seconds=bucket["min"],
            max_duration_seconds=bucket["max"],
            average_duration_seconds=bucket["avg"],
        )
    assert [group.room for group in usage.groups] == [OLSEN, HALL]


async def test_a_device_model_is_text_without_name_and_maybe_without_extremes() -> None:
    bucket = {"key": "VE 10", "count": 3, "sum": 90.0}
    answer = {**OK, "count": 3, "sum": 90.0, "buckets": [bucket]}
    async with hexmeet({"term_stats": [answer]}) as (adapter, vendor):
        usage = await adapter.read_usage_by(UsageDimension.DEVICE_MODEL, WEEK, UsageOrder.KEY_ASC)
    (group,) = usage.groups
    assert (group.key, group.name, group.room) == ("VE 10", None, None)
    assert group.stats == UsageStats(count=3, total_duration_seconds=90)
    assert usage.totals == UsageStats(count=3, total_duration_seconds=90, average_duration_seconds=30.0)
    assert vendor.asked[0].body["order"] == "key"


async def test_nothing_in_the_range_has_no_extremes() -> None:
    async with hexmeet({"term_stats": [groups(0)]}) as (adapter, _):
        usage = await adapter.read_usage_by(UsageDimension.ROOM, WEEK, UsageOrder.COUNT_DESC)
    assert usage.totals == UsageStats(count=0, total_duration_seconds=0)
    assert usage.groups == ()


@pytest.mark.parametrize(
    ("there", "told", "sizes"),
    [
        (100, 100, [100]),  # as many as asked for may be all
        (401, 401, [100, 400, 1600]),
        (400, 150, [100, 400]),  # the vendor has a cap of its own
        (99, 98, [100]),  # a conference without a room
        (10**6, 10**6, [100, 400, 1600, 6400, 25_600, 102_400]),
    ],
)
async def test_more_groups_are_asked_for_until_they_count_as_much_as_the_total(
    there: int, told: int, sizes: list[int]
) -> None:
    async with hexmeet({"term_stats": lambda body: groups(min(body["size"], told), there)}) as (adapter, vendor):
        usage = await adapter.read_usage_by(UsageDimension.ROOM, WEEK, UsageOrder.COUNT_DESC)
    assert [asked.body["size"] for asked in vendor.asked] == sizes
    assert len(usage.groups) == min(told, sizes[-1])
    is_whole = len(usage.groups) == there
    assert usage.totals == UsageStats(
        count=there,
        total_duration_seconds=60 * there,
        min_duration_seconds=60 if is_whole else None,
        max_duration_seconds=60 if is_whole else None,
        average_duration_seconds=60.0,
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"count": 2**31}, "$.count"),
        ({"sum": 2.0**53}, "$.sum"),
    ],
)
async def test_a_statistic_that_fits_no_int_is_told_by_its_path(change: dict[str, Any], path: str) -> None:
    async with hexmeet({"term_stats": [groups(1) | change]}) as (adapter, _):
        with pytest.raises(VendorPayloadError, match=re.escape(f"at {path}: ")):
            await adapter.read_usage_by(UsageDimension.ROOM, WEEK, UsageOrder.COUNT_DESC)


async def test_rooms_of_one_name_are_one_and_nameless_ones_none() -> None:
    answer = groups(3)
    for bucket, (key, name) in zip(answer["buckets"], [(30, "North"), (200, "North"), (1, "")], strict=True):
        bucket |= {"key": key, "name": name}
    async with hexmeet({"term_stats": [answer]}) as (adapter, vendor):
        rooms = await adapter.list_rooms(WEEK)
    assert rooms == (Room(source_name="hex", key="North", name="North", vendor_id="200"),)
    expected = {**COMMON, **DEPARTMENT, **DAILY, "target": "conf", "param1": "conf", "order": "key", "size": 100}
    assert without_guid(vendor.asked[0].body) == expected


async def test_rooms_by_name_cost_one_request_for_all() -> None:
    async with hexmeet({"term_stats": [TERM_STATS]}, lookup_days=7) as (adapter, vendor):
        assert await adapter.get_rooms([HALL.key, "no such room", OLSEN.key]) == [HALL, None, OLSEN]
    assert [asked.body["start_time"] for asked in vendor.asked] == ["2021-01-08T12:00:00.000+08:00"]


# ---- term_datehistgram_stats --------------------------------------------------------------------


async def test_each_documented_field_of_a_media_resource_has_its_record_value() -> None:
    body = sample("hexmeet-term_datehistgram_stats")
    async with hexmeet({"term_datehistgram_stats": [body]}) as (adapter, vendor):
        reports = await adapter.list_mcu_reports(McuKind.MRU, WEEK)
    expected = {**COMMON, **DAILY, "target": "conf", "param1": "MRU", "size": 100}
    assert without_guid(vendor.asked[0].body) == expected, "this report has no dept_id"
    used = Gauge(samples=851, min=0, max=34, average=1.399529964747356)
    ports = Gauge(samples=851, min=40, max=40, average=40)
    day = McuDay(date=date(2021, 1, 8), audio_used=used, audio_ports=ports, video_used=used, video_ports=ports)
    resource = McuResource(source_name="hex", name="haishen mru 192 168 1 68", kind=McuKind.MRU)
    assert reports == (McuReport(resource=resource, days=(day,), vendor_video_used=92),)


async def test_a_gauge_without_a_name_or_without_samples_is_understood() -> None:
    body = sample("hexmeet-term_datehistgram_stats")
    day = body["buckets"][0]["buckets"][0]
    del day["video_ports"]
    day["audio_used"] = {"count": 0, "min": 0, "max": 0, "avg": 0, "sum": 0}
    async with hexmeet({"term_datehistgram_stats": [body]}) as (adapter, _):
        (report,) = await adapter.list_mcu_reports(McuKind.GATEWAY, WEEK)
    assert report.days[0].video_ports is None
    assert report.days[0].audio_used == Gauge(samples=0, min=None, max=None, average=None)


async def test_media_resources_by_name_are_looked_for_in_both_kinds() -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        names = {"MRU": ["one", "both"], "GATEWAY": ["both", "two"]}[body["param1"]]
        return {**OK, "buckets": [{"key": name, "key_as_string": None, "buckets": []} for name in names]}

    async with hexmeet({"term_datehistgram_stats": answer}) as (adapter, vendor):
        found = await adapter.get_mcu_resources(["two", "none", "both"])
    assert [resource.kind if isinstance(resource, McuResource) else resource for resource in found] == [
        McuKind.GATEWAY,
        None,
        McuKind.MRU,
    ]
    assert len(vendor.asked) == 2


# ---- term_region_stats --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "target"),
    [
        (RegionMeasure.ONGOING_CALLS, "onging_calls"),
        (RegionMeasure.ISSUED_CALLS, "issued_calls"),
        (RegionMeasure.ONGOING_REGISTRATIONS, "onging_regs"),
    ],
)
async def test_each_documented_region_has_its_record(measure: RegionMeasure, target: str) -> None:
    body = sample("hexmeet-term_region_stats")
    async with hexmeet({"term_region_stats": [body]}) as (adapter, vendor):
        regions = await adapter.list_regions(measure, WEEK)
    assert without_guid(vendor.asked[0].body) == {**COMMON, "target": target}, "this report has no dept_id"
    assert [(region.region or "0", region.count) for region in regions] == [
        (bucket["key"], bucket["count"]) for bucket in body["buckets"]
    ]
    assert {region.measure for region in regions} == {measure}
    codes = {region.region: region.iso_code for region in regions}
    assert codes.pop(None) is None, "an unknown place has no code"
    assert len(set(codes.values()) - {None}) == 33
    assert (codes["北京"], codes["河南"], codes["湖南"], codes["陕西"]) == ("CN-BJ", "CN-HA", "CN-HN", "CN-SN")


async def test_a_region_we_have_no_code_for_keeps_its_name() -> None:
    body = {**OK, "buckets": [{"key": "海外", "count": 1}]}
    async with hexmeet({"term_region_stats": [body]}) as (adapter, _):
        (region,) = await adapter.list_regions(RegionMeasure.ISSUED_CALLS, WEEK)
    assert (region.region, region.iso_code) == ("海外", None)


async def test_both_words_for_an_unknown_place_are_one_region() -> None:
    buckets = [{"key": key, "count": count} for key, count in (("0", 2), ("北京", 1), ("", 3))]
    async with hexmeet({"term_region_stats": [{**OK, "buckets": buckets}]}) as (adapter, _):
        regions = await adapter.list_regions(RegionMeasure.ISSUED_CALLS, WEEK)
    assert [(it.region, it.iso_code, it.count) for it in regions] == [(None, None, 5), ("北京", "CN-BJ", 1)]


def test_every_province_has_its_own_code() -> None:
    assert len(ISO_CODES) == len(set(ISO_CODES.values())) == 34


async def test_live_counts_the_calls_of_the_five_minutes_the_vendor_advises() -> None:
    async with hexmeet({"term_region_stats": [sample("hexmeet-term_region_stats")]}) as (adapter, vendor):
        assert await adapter.read_live() == LiveCounts(conference_count=None, member_count=144921)
    body = vendor.asked[0].body
    assert body["target"] == "onging_calls"
    assert (body["start_time"], body["end_time"]) == (
        "2021-01-15T11:45:00.000+08:00",
        "2021-01-15T11:49:59.999+08:00",
    )


def test_the_type_of_vendor_fields_knows_its_records_from_others() -> None:
    assert HexmeetConferenceFields.is_type_of(HexmeetFields(type=3), None)
    assert not HexmeetConferenceFields.is_type_of(OLSEN, None)
