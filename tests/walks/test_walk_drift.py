"""P1 over real HTTP for lists by time and what lies below a row: rows come, end and are dropped between the pages."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from answers import Row, text
from connections import CALLS, FIND, LEGS, MCU_CALLS, MCUS, MEMBERS, ROOM_CONFERENCES, ROOMS
from walking import Stage, staged
from watching import HOUR, Rows, Thing, Watched, assert_drifted, conferences, watch_walks
from worlds import DAY, NOW

from graph.sandbox.world import WorldConference
from graph.vendors.hexmeet.emulator_rows import call_guid

pytestmark = pytest.mark.anyio

# Windows older than settle_hours may be a day old: what comes and goes is younger, however long a walk lasts.
START, YOUNG, TOMORROW = NOW - 6 * DAY, NOW - 40 * HOUR, NOW + DAY
SPAN = {"from": text(START), "to": text(TOMORROW)}
QUARTER = timedelta(minutes=15)


def odd(*sources: str, time_filter: str = "end") -> dict[str, Any]:
    """Vendors whose range goes by another time and includes its end, and which tell some rows twice."""
    settings: dict[str, object] = {"time_filter": time_filter}
    twin = {**settings, "end_is_inclusive": True, "repeats_rows": True}
    return {"options": dict.fromkeys(sources, twin), "sources": dict.fromkeys(sources, settings)}


@pytest.mark.parametrize("is_odd", [False, True])
@pytest.mark.parametrize("source", ["hexmeet", "systec"])
async def test_conferences_of_a_room(monkeypatch: pytest.MonkeyPatch, source: str, is_odd: bool) -> None:
    async with staged(monkeypatch, 400, days=5, grain=QUARTER, **(odd(source) if is_odd else {})) as stage:
        held = [it for it in stage.world.between(source, YOUNG, TOMORROW) if it.start]
        room = Counter(it.room.id for it in held).most_common(1)[0][0]
        (name,) = {it.room.name if source == "hexmeet" else it.room.host_id for it in held if it.room.id == room}

        async def now() -> Rows:
            return {
                (text(it.start), stage.oracle.vendor_id(it)): None
                for it in stage.oracle.held(source, START, TOMORROW)
                if name in (it.room.name, it.room.host_id)
            }

        found = (await stage.client.data(ROOMS, d=SPAN, first=1000))["rooms"]["nodes"]
        node = next(row["id"] for row in found if name in (row["name"], row["vendorId"]))
        assert len({start for start, _ in await now()}) < len(await now()), "some begin at the same time"
        watched = Watched(
            ROOM_CONFERENCES,
            ["node", "conferences"],
            now,
            lambda row: ((row["startedAt"], row["vendorId"]), None),
            descending=True,
            given={"id": node, "d": SPAN},
        )
        things: list[Thing] = [(source, it.serial) for it in held if it.room.id == room]
        assert_drifted(await watch_walks(stage, watched, things, (1, 7, 50, 1000)), 5)


@pytest.mark.parametrize("is_odd", [False, True])
async def test_calls_of_a_media_resource(monkeypatch: pytest.MonkeyPatch, is_odd: bool) -> None:
    span = {"from": text(NOW - DAY), "to": text(TOMORROW)}
    async with staged(monkeypatch, 100, days=3, **(odd("hexmeet") if is_odd else {})) as stage:

        async def now() -> Rows:
            return {
                (text(call.join), call_guid(it, call)): text(call.leave)
                for it in stage.world.between("hexmeet", NOW - 3 * DAY, TOMORROW)
                for call in it.attendances
                if call.mcu.name == "mru-sh-1" and call.leave <= stage.now and NOW - DAY <= call.join < TOMORROW
            }

        found = (await stage.client.data(MCUS, d=span, first=1000))["mcuResources"]["nodes"]
        node = next(row["id"] for row in found if row["name"] == "mru-sh-1")
        watched = Watched(
            MCU_CALLS,
            ["node", "calls"],
            now,
            lambda row: ((row["startedAt"], row["vendorId"]), row["endedAt"]),
            descending=True,
            given={"id": node, "d": span},
        )
        things = conferences(stage.world, ["hexmeet"], NOW - DAY, TOMORROW)
        assert_drifted(await watch_walks(stage, watched, things, (2, 9, 50, 1000)), 5)


@pytest.mark.parametrize(
    ("order", "time_filter"),
    [
        ("START_DESC", None),
        ("START_ASC", "start"),
        ("START_DESC", "end"),
        ("START_ASC", "overlap"),
        ("START_DESC", "creation"),
    ],
)
async def test_calls(monkeypatch: pytest.MonkeyPatch, order: str, time_filter: str | None) -> None:
    span = {"from": text(NOW - DAY), "to": text(TOMORROW)}

    def tell(row: Row) -> tuple[Any, str]:
        names = ("sourceName", "startedAt", "endedAt", "displayName", "phoneNumber")
        known = json.dumps([*(row[name] for name in names), row["conference"]["vendorId"]])
        return (row["startedAt"], row["sourceName"], row.get("vendorId")), known

    async with staged(
        monkeypatch, 100, days=3, **(odd("hexmeet", "systec", time_filter=time_filter) if time_filter else {})
    ) as stage:
        variables = {"d": span, "order": order}

        async def now() -> Rows:
            """The vendors' ids are known by asking; that these are the calls, by the world."""
            page = (await stage.client.data(CALLS, first=1000, **variables))["calls"]
            rows = dict(map(tell, page["nodes"]))
            known = stage.oracle.calls(NOW - DAY, TOMORROW)
            assert sorted(rows.values()) == sorted(tell(row)[1] for row in known)
            return rows

        watched = Watched(CALLS, ["calls"], now, tell, descending=order == "START_DESC", given=variables)
        things = conferences(stage.world, ["hexmeet", "systec"], NOW - DAY, TOMORROW)
        assert_drifted(await watch_walks(stage, watched, things, (3, 50, 1000)), 10)


@pytest.mark.parametrize(
    ("source", "field"),
    [
        *((source, "members") for source in ("hexmeet", "netease", "systec", "huawei")),
        *((source, "calls") for source in ("hexmeet", "systec")),
    ],
)
async def test_members_and_calls_of_a_conference(monkeypatch: pytest.MonkeyPatch, source: str, field: str) -> None:
    """Of one that goes on where the vendor lists those: people come and go by themselves, too."""
    async with staged(monkeypatch, 400, days=3) as stage:
        conference = largest(stage, source, field)
        page = (await stage.client.data(FIND, s=[source], d=SPAN))["conferences"]
        vendor_id = stage.oracle.vendor_id(conference)
        node = next(row["id"] for row in page["nodes"] if row["vendorId"] == vendor_id)
        asked, time = (MEMBERS, "joinedAt") if field == "members" else (LEGS, "startedAt")

        def tell(row: Row) -> tuple[Any, Any]:
            return (row[time], row["vendorId"]), (row["displayName"], row["phoneNumber"])

        async def now() -> Rows:
            """The vendors' ids are known by asking; that these are the rows, by the world."""
            page = (await stage.client.data(asked, id=node, first=1000))["node"][field]
            left = stage.world.get(source, conference.serial)
            assert left
            known = stage.oracle.conference(left)[field]["nodes"]
            assert [row[time] for row in page["nodes"]] == sorted(row[time] for row in known)
            assert Counter(tell(row)[1] for row in page["nodes"]) == Counter(
                (row["displayName"], row["phoneNumber"]) for row in known
            )
            return dict(map(tell, page["nodes"]))

        watched = Watched(asked, ["node", field], now, tell, given={"id": node})
        parts: Sequence[Any] = conference.attendances
        if (source, field) == ("systec", "calls"):
            parts = conference.phone_legs
        things: list[Thing] = [(source, conference.serial, part) for part in parts]
        assert_drifted(await watch_walks(stage, watched, things, (1, 2, 5, 1000), lasts=HOUR))


def largest(stage: Stage, source: str, field: str) -> WorldConference:
    """The conference with most rows, of those that go on for hours where the vendor lists such."""
    found = stage.oracle.listed(source, YOUNG, NOW)
    wanted = [it for it in found if it.end and (source in ("hexmeet", "systec") or it.end > NOW + 2 * HOUR)]
    return max(wanted, key=lambda it: (len(stage.oracle.conference(it)[field]["nodes"]), it.serial))
