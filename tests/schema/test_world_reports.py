"""Rooms, media nodes, regions, usage and what is live equal the world."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from answers import Row, text
from worlds import DAY, NOW, Running, during, running

from graph.sandbox.world import WorldAttendance

pytestmark = pytest.mark.anyio

STATS = "{ count totalDurationSeconds minDurationSeconds maxDurationSeconds averageDurationSeconds }"
SOURCES = "complete sources { source { name } status }"
SHANGHAI = ZoneInfo("Asia/Shanghai")
ROOMS = f"""
query($during: TimeRange!, $first: Int, $after: String, $search: String) {{
  rooms(filter: {{during: $during, search: $search}}, first: $first, after: $after) {{
    totalCount {SOURCES} pageInfo {{ hasNextPage endCursor }}
    nodes {{
      sourceName name capacity vendorId usage(during: $during) {STATS}
      conferences(during: $during, first: 1000) {{ totalCount nodes {{ vendorId }} }}
    }}
  }}
}}
"""
GAUGE = "{ samples min max average }"
MCUS = f"""
query($filter: McuResourceFilter!, $during: TimeRange!) {{
  mcuResources(filter: $filter) {{
    totalCount {SOURCES}
    nodes {{
      sourceName name kind
      utilization(during: $during) {{
        days {{ date audioUsed {GAUGE} audioPorts {GAUGE} videoUsed {GAUGE} videoPorts {GAUGE} }}
        peakAudioUsed peakVideoUsed peakRatio
      }}
    }}
  }}
}}
"""
REGIONS = f"""
query($measure: RegionMeasure!, $during: TimeRange, $first: Int) {{
  regionCounts(measure: $measure, during: $during, first: $first) {{
    totalCount {SOURCES} nodes {{ sourceName region isoCode count measure }}
  }}
}}
"""
USAGE = f"""
query($of: UsageSubject!, $days: DateRange!, $zone: String, $sources: [String!]) {{
  usage(of: $of, days: $days, timeZone: $zone, sources: $sources) {{
    count totalDurationSeconds attendanceCount complete
    buckets {{
      date startsAt stats {STATS} attendanceCount peakMemberCount
      bySource {{ source {{ name }} stats {STATS} attendanceCount peakMemberCount }}
    }}
    sources {{ source {{ name }} status }}
  }}
}}
"""
USAGE_BY = f"""
query($dimension: UsageDimension!, $during: TimeRange!, $order: UsageOrder, $first: Int, $after: String) {{
  usageBy(dimension: $dimension, during: $during, orderBy: $order, first: $first, after: $after) {{
    totalCount totals {STATS} {SOURCES} pageInfo {{ hasNextPage endCursor }}
    nodes {{ source {{ name }} key name stats {STATS} room {{ sourceName name }} }}
  }}
}}
"""
LIVE = f"""
{{
  live {{
    conferenceCount memberCount {SOURCES} asOf
    bySource {{ source {{ name }} conferenceCount memberCount }}
  }}
}}
"""


def statuses(answer: Row) -> Mapping[str, str]:
    """What each source contributed, by name; in the order of their names."""
    names = [it["source"]["name"] for it in answer["sources"]]
    assert names == sorted(names)
    return {it["source"]["name"]: it["status"] for it in answer["sources"]}


def only(*names: str) -> Mapping[str, str]:
    """These sources can, the others cannot."""
    return {
        name: "OK" if name in names else "UNSUPPORTED" for name in ("hexmeet", "huawei", "netease", "quanshi", "systec")
    }


async def test_rooms_with_usage_and_conferences(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 1000) as run:
        page = (await run.client.data(ROOMS, during=during(5), first=100))["rooms"]
        expected = run.oracle.rooms(NOW - 5 * DAY, NOW)
        names = [room["name"] for room in expected if room["name"]]
        assert len(names) > 5
        assert page["totalCount"] == len(expected)
        assert statuses(page) == only("hexmeet", "systec")
        by_vendor_id = {frozenset(room["vendorIds"]): room for room in expected}
        assert [(room["sourceName"], room["name"]) for room in page["nodes"]] == [
            (room["sourceName"], room["name"]) for room in expected
        ]
        for room in page["nodes"]:
            (true,) = (by_vendor_id[ids] for ids in by_vendor_id if room["vendorId"] in ids)
            assert {**room, "conferences": None} == {
                **{name: value for name, value in true.items() if name != "vendorIds"},
                "vendorId": room["vendorId"],
                "conferences": None,
            }
            assert room["conferences"] == true["conferences"]


async def test_rooms_are_paged_and_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 1000) as run:
        expected = [room["name"] for room in run.oracle.rooms(NOW - 5 * DAY, NOW)]
        names: list[str | None] = []
        after = None
        for _ in range(len(expected)):
            page = (await run.client.data(ROOMS, during=during(5), first=4, after=after))["rooms"]
            names += [room["name"] for room in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert names == expected
        page = (await run.client.data(ROOMS, during=during(5), first=100, search="ROOM"))["rooms"]
        assert [room["name"] for room in page["nodes"]] == [
            name for name in expected if name and "room" in name.lower()
        ]


async def test_mcu_resources_with_their_utilization(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole days of the source's zone; the last one has only passed so far."""
    days = {"from": "2026-03-11T00:00:00+08:00", "to": "2026-03-13T00:00:00+08:00"}
    async with running(monkeypatch, 1000) as run:
        expected = run.oracle.mcu_resources(date(2026, 3, 11), date(2026, 3, 12), SHANGHAI)
        assert any(mcu["utilization"]["peakAudioUsed"] for mcu in expected)
        page = (await run.client.data(MCUS, filter={"during": days}, during=days))["mcuResources"]
        assert page["nodes"] == expected
        assert page["totalCount"] == len(expected)
        assert statuses(page) == only("hexmeet")
        gateways = (await run.client.data(MCUS, filter={"during": days, "kind": "GATEWAY"}, during=days))[
            "mcuResources"
        ]
        assert gateways["nodes"] == [mcu for mcu in expected if mcu["kind"] == "GATEWAY"]


async def test_the_calls_of_an_mcu_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    query = """
    query($during: TimeRange!) {
      mcuResources(filter: {during: $during}) {
        nodes { name calls(during: $during, first: 1000) { totalCount nodes { startedAt displayName mcu { name } } } }
      }
    }"""
    async with running(monkeypatch, 400) as run:
        nodes = (await run.client.data(query, during=during(1)))["mcuResources"]["nodes"]
        calls = list(run.oracle.ended_calls(NOW - DAY, NOW))
        for node in nodes:
            true = [(str(text(a.join)), a.person.name) for a in calls if a.mcu.name == node["name"]]
            rows = node["calls"]["nodes"]
            assert [row["startedAt"] for row in rows] == sorted((at for at, _ in true), reverse=True)
            assert sorted((row["startedAt"], row["displayName"]) for row in rows) == sorted(true)
            assert node["calls"]["totalCount"] in (None, len(true))
            assert all(row["mcu"]["name"] == node["name"] for row in rows)


async def test_region_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the last day of issued calls, and of what goes on five minutes that ended ten minutes ago."""
    async with running(monkeypatch, 3000) as run:

        async def asked(measure: str, **given: Any) -> list[Row]:
            page = (await run.client.data(REGIONS, measure=measure, first=100, **given))["regionCounts"]
            assert statuses(page) == only("hexmeet")
            assert page["totalCount"] == len(page["nodes"])
            rows: list[Row] = page["nodes"]
            return rows

        issued = run.oracle.region_counts(run.oracle.ended_calls(NOW - DAY, NOW), "ISSUED_CALLS")
        assert len(issued) > 10
        assert await asked("ISSUED_CALLS") == issued
        months = run.oracle.region_counts(run.oracle.ended_calls(NOW - 60 * DAY, NOW), "ISSUED_CALLS")
        assert months[-1]["region"] is None
        assert await asked("ISSUED_CALLS", during=during(60)) == months

        def ongoing() -> list[WorldAttendance]:
            return list(run.oracle.ongoing_calls(NOW - DAY / 96, NOW - DAY / 144))

        assert ongoing()
        assert await asked("ONGOING_CALLS") == run.oracle.region_counts(ongoing(), "ONGOING_CALLS")
        people = run.oracle.region_counts(ongoing(), "ONGOING_REGISTRATIONS", people=True)
        assert await asked("ONGOING_REGISTRATIONS") == people


async def test_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every day, each source's share, merged numbers; what NetEase cannot count is unsupported there."""
    first, last = date(2026, 2, 20), date(2026, 3, 12)
    days = {"from": first.isoformat(), "to": last.isoformat()}
    both = ["hexmeet", "netease"]
    async with running(monkeypatch, 1000) as run:
        for subject, sources, zone, contributing in (
            ("CONFERENCES", None, "Asia/Shanghai", both),
            ("CONFERENCES", ["netease"], "Asia/Shanghai", ["netease"]),
            ("CONFERENCES", ["hexmeet"], "Asia/Shanghai", ["hexmeet"]),
            ("CONFERENCES", both, "Europe/Berlin", ["hexmeet"]),
            ("CALLS", None, "Asia/Shanghai", ["hexmeet"]),
            ("CALLS", ["hexmeet"], "America/New_York", ["hexmeet"]),  # its clocks change on 8 March
        ):
            answer = (await run.client.data(USAGE, of=subject, days=days, zone=zone, sources=sources))["usage"]
            meant = {name: status for name, status in only(*contributing).items() if sources is None or name in sources}
            assert statuses(answer) == meant
            del answer["sources"]
            expected = run.oracle.usage(subject, first, last, ZoneInfo(zone), contributing)
            assert expected["count"] > 30
            assert answer == expected


async def test_usage_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """All groups of each dimension in each order, page by page, and totals that do not depend on the page."""
    async with running(monkeypatch, 1000) as run:
        for dimension in ("ROOM", "COMPANY", "CAPACITY", "DEVICE_MODEL"):
            for order in ("COUNT_DESC", "DURATION_DESC", "KEY_ASC"):
                await assert_groups(run, dimension, order)


async def assert_groups(run: Running, dimension: str, order: str) -> None:
    expected, totals = run.oracle.usage_by(dimension, NOW - 20 * DAY, NOW, order)
    rows: list[Row] = []
    after = None
    for _ in expected:
        given = {"dimension": dimension, "during": during(20), "order": order, "first": 7, "after": after}
        page = (await run.client.data(USAGE_BY, **given))["usageBy"]
        assert page["totals"] == totals
        assert page["totalCount"] == len(expected)
        rows += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert statuses(page) == (only("hexmeet", "systec") if dimension == "ROOM" else only("hexmeet"))
    for row in rows:
        room = row.pop("room")
        is_room = dimension == "ROOM"
        assert room == ({"sourceName": row["source"]["name"], "name": row["name"]} if is_room else None)
    assert rows == expected


async def test_live(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 3000) as run:
        answer = (await run.client.data(LIVE))["live"]
        assert answer.pop("asOf") == text(NOW)
        assert statuses(answer) == only("hexmeet", "huawei", "netease", "quanshi")
        del answer["sources"]
        expected = run.oracle.live()
        assert all(part["memberCount"] for part in expected["bySource"])
        assert answer == expected
