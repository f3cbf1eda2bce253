"""P1 over real HTTP: calls, reports, and the lists below rooms, media resources and conferences."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from answers import Row, text
from connections import CALLS, FIND, GROUPS, LEGS, MCU_CALLS, MCUS, MEMBERS, REGIONS, ROOM_CONFERENCES, ROOMS
from walking import Stage, rows_of, staged
from worlds import DAY, NOW

from graph.sandbox.world import WorldConference

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
START, END = NOW - 4 * DAY, NOW - HOUR
SPAN = {"from": text(START), "to": text(END)}


async def check(
    stage: Stage, asked: str, path: Sequence[str], expected: list[Any], tell: Callable[[Row], Any], **given: Any
) -> None:
    """Walk in pages of every size, both ways: what comes is what is expected, and both flags are exact."""
    assert len(expected) > 3
    for size in (1, 7, 50, 1000):
        for is_forward in (True, False):
            pages = await stage.walk(asked, path, size, is_forward=is_forward, **given)
            assert [tell(row) for row in rows_of(pages, is_forward=is_forward)] == expected, (size, is_forward)
            for page in pages:
                info = page["pageInfo"]
                assert info["hasPreviousPage"] == (tell(page["nodes"][0]) != expected[0])
                assert info["hasNextPage"] == (tell(page["nodes"][-1]) != expected[-1])
                assert page["complete"]


async def every_row(stage: Stage, asked: str, path: Sequence[str], **given: Any) -> list[Row]:
    return rows_of(await stage.walk(asked, path, 1000, **given))


def call_key(row: Row) -> tuple[str, ...]:
    return row["startedAt"], row["sourceName"], row["vendorId"]


def told(row: Row) -> str:
    """What the oracle knows of a call, too."""
    names = ("sourceName", "startedAt", "endedAt", "displayName", "phoneNumber")
    return json.dumps([*(row[name] for name in names), row["conference"]["vendorId"]])


async def test_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 30, days=5) as stage:
        known = Counter(told(row) for row in stage.oracle.calls(START, END))
        for order in ("START_DESC", "START_ASC"):
            rows = await every_row(stage, CALLS, ["calls"], d=SPAN, order=order)
            assert Counter(map(told, rows)) == known
            keys = [call_key(row) for row in rows]
            assert {source for _, source, _ in keys} == {"hexmeet", "systec"}
            assert keys == sorted(set(keys), reverse=order == "START_DESC")
            await check(stage, CALLS, ["calls"], keys, call_key, d=SPAN, order=order)


async def test_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 100, days=5) as stage:
        rows = await every_row(stage, ROOMS, ["rooms"], d=SPAN)
        expected = stage.oracle.rooms(START, END)
        assert [row["name"] for row in rows] == [row["name"] for row in expected]
        assert all(row["vendorId"] in known["vendorIds"] for row, known in zip(rows, expected, strict=True))
        ids = [row["id"] for row in rows]
        assert len(set(ids)) == len(ids) > 20
        await check(stage, ROOMS, ["rooms"], ids, lambda row: row["id"], d=SPAN)


async def test_media_resources_and_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 100, days=5) as stage:
        names = sorted(mcu.name for mcu in stage.world.mcus)
        await check(stage, MCUS, ["mcuResources"], names, lambda row: row["name"], d=SPAN)
        counts = stage.oracle.region_counts(stage.oracle.ended_calls(START, END), "ISSUED_CALLS")
        regions = [(row["region"], row["count"]) for row in counts]
        assert regions[-1][0] is None
        await check(stage, REGIONS, ["regionCounts"], regions, lambda row: (row["region"], row["count"]), d=SPAN)


@pytest.mark.parametrize("order", ["COUNT_DESC", "DURATION_DESC", "KEY_ASC"])
async def test_usage_groups(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    async with staged(monkeypatch, 100, days=5) as stage:
        for dimension in ("ROOM", "DEVICE_MODEL"):
            rows, _ = stage.oracle.usage_by(dimension, START, END, order)
            expected = [(row["source"]["name"], row["key"], row["stats"]["count"]) for row in rows]
            given = {"d": SPAN, "by": dimension, "order": order}

            def tell(row: Row) -> tuple[str, str, int]:
                return row["source"]["name"], row["key"], row["stats"]["count"]

            await check(stage, GROUPS, ["usageBy"], expected, tell, **given)


async def test_conferences_of_a_room_and_calls_of_a_media_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 150, days=5) as stage:
        rooms = await every_row(stage, ROOMS, ["rooms"], d=SPAN)
        for source in ("hexmeet", "systec"):
            known = [row for row in stage.oracle.rooms(START, END) if row["sourceName"] == source]
            mine = [row for row in rooms if row["sourceName"] == source]
            at = max(range(len(known)), key=lambda at: known[at]["usage"]["count"])
            expected = [row["vendorId"] for row in known[at]["conferences"]["nodes"]]
            path = ["node", "conferences"]
            given = {"id": mine[at]["id"], "d": SPAN}
            await check(stage, ROOM_CONFERENCES, path, expected, lambda row: row["vendorId"], **given)
        mcu = (await every_row(stage, MCUS, ["mcuResources"], d=SPAN))[0]
        calls = [it for it in stage.oracle.ended_calls(START, END) if it.mcu.name == mcu["name"]]
        path = ["node", "calls"]
        rows = await every_row(stage, MCU_CALLS, path, id=mcu["id"], d=SPAN)
        assert Counter((row["startedAt"], row["displayName"]) for row in rows) == Counter(
            (text(it.join), it.person.name) for it in calls
        )
        keys = [call_key(row) for row in rows]
        assert keys == sorted(set(keys), reverse=True)
        await check(stage, MCU_CALLS, path, keys[:60], call_key, id=mcu["id"], d=since(rows[:60]))


def since(rows: list[Row]) -> dict[str, str | None]:
    """The range of some rows of a list that is latest first; a second is nobody else's."""
    assert len({row["startedAt"] for row in rows[-1:]}) == 1
    return {"from": rows[-1]["startedAt"], "to": SPAN["to"]}


@pytest.mark.parametrize("source", ["hexmeet", "netease", "systec", "huawei"])
async def test_members_and_calls_of_a_conference(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Members come by time and each once, on every page size; so do the calls, where there are any."""
    async with staged(monkeypatch, 150, days=5) as stage:
        conference = largest(stage, source)
        known = stage.oracle.conference(conference)
        page = (await stage.client.data(FIND, s=[source], d=SPAN))["conferences"]
        node = next(row["id"] for row in page["nodes"] if row["vendorId"] == known["vendorId"])
        for asked, field, time, name in (
            (MEMBERS, "members", "joinedAt", "displayName"),
            (LEGS, "calls", "startedAt", "displayName"),
        ):
            expected = known[field]["nodes"]
            if known[field]["sources"][0]["status"] == "UNSUPPORTED" or not expected:
                continue
            rows = await every_row(stage, asked, ["node", field], id=node)
            assert Counter((row[time], row[name]) for row in rows) == Counter(
                (row[time], row[name]) for row in expected
            )
            assert [row[time] for row in rows] == sorted(row[time] for row in rows)
            ids = [row["vendorId"] for row in rows]
            assert len(set(ids)) == len(ids)
            if len(ids) > 3:
                await check(stage, asked, ["node", field], ids, lambda row: row["vendorId"], id=node)
            assert field == "calls" or len(ids) > 3


def largest(stage: Stage, source: str) -> WorldConference:
    found = stage.oracle.listed(source, START, END)
    return max(found, key=lambda it: (len(it.attendances), it.serial))
