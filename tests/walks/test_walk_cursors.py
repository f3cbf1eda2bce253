"""P3 over real HTTP: a cursor outlives a restart, changed settings and a year, and tells damage and other lists."""

from functools import reduce
from operator import getitem
from typing import Any

import msgspec
import pytest
from answers import text
from connections import (
    CALLS,
    FIND,
    GROUPS,
    LEGS,
    MCU_CALLS,
    MCUS,
    MEMBERS,
    REGIONS,
    ROOM_CONFERENCES,
    ROOMS,
    query,
)
from queries import Client
from walking import ARGUMENTS, CONFERENCES, PAGE_INFO, PASSED, SPAN, Stage, key, rows_of, staged, truth
from worlds import DAY, NOW

from graph.settings import AppSettings
from graph.vendors.netease.emulator_rows import FIRST_UNIQUE_ID

pytestmark = pytest.mark.anyio

DEFAULT_RANGE = query("", "conferences(PAGE)", "vendorId").replace("(, ", "(")
FILTERED = query("$f: ConferenceFilter", "conferences(filter: $f, PAGE)", "vendorId")
LAST_DAY = {"from": text(NOW - DAY), "to": text(NOW)}
ROOM = f"""
query($id: ID!, {ARGUMENTS}) {{ node(id: $id) {{ ... on Room {{ conferences({PASSED}) {{ {PAGE_INFO} }} }} }} }}
"""


async def restarted(stage: Stage, settings: AppSettings, cursor: str, **given: object) -> list[tuple[str, str, str]]:
    """The keys of the rest of a walk, read by a process that is new."""
    async with Client(settings) as client:
        stage.client = client
        keys = []
        after: str | None = cursor
        while after:
            page = (await client.data(CONFERENCES, d=SPAN, order="START_DESC", after=after, **given))["conferences"]
            keys += [key(row) for row in page["nodes"]]
            after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
        return keys


async def test_a_cursor_outlives_restarts_settings_and_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 150) as stage:
        first = (await stage.client.data(CONFERENCES, d=SPAN, order="START_DESC", first=30))["conferences"]
        place, cursor = key(first["nodes"][-1]), first["pageInfo"]["endCursor"]
        rest = [row for row in truth(stage) if row < place]
        assert len(rest) > 20
        for size in (1, 7, 50, 1000):
            assert await restarted(stage, stage.settings, cursor, first=size) == rest

        tables = stage.settings.sources
        fewer = {name: table for name, table in tables.items() if name != "systec"}
        settings = msgspec.structs.replace(stage.settings, sources=fewer)
        assert await restarted(stage, settings, cursor, first=7) == [row for row in rest if row[1] != "systec"]

        more = {"another": tables["systec"], **tables}
        settings = msgspec.structs.replace(stage.settings, sources=more)
        keys = await restarted(stage, settings, cursor, first=7)
        assert [row for row in keys if row[1] != "another"] == rest
        assert [row[2] for row in keys if row[1] == "another"] == [row[2] for row in rest if row[1] == "systec"]

        stage.move(366 * DAY)
        later = [row for row in truth(stage) if row < place]
        assert {source for _, source, _ in later} == {"hexmeet", "netease", "systec"}
        assert await restarted(stage, stage.settings, cursor, first=7) == later


async def test_a_default_range_stays_that_of_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 300, days=5) as stage:
        expected = [
            row["vendorId"] for row in stage.oracle.conferences(NOW - DAY, NOW, ["hexmeet", "netease", "systec"])
        ]
        pages = await stage.walk(DEFAULT_RANGE, ["conferences"], 7, between=lambda _: stage.move(DAY / 24))
        met = [row["vendorId"] for row in rows_of(pages)]
        assert [row for row in met if row in expected] == expected
        cursor = pages[0]["pageInfo"]["endCursor"]
        stage.move(366 * DAY)
        page = (await stage.client.data(DEFAULT_RANGE, first=1000, after=cursor))["conferences"]
        assert [row["vendorId"] for row in page["nodes"]] == [
            row["vendorId"] for row in stage.oracle.conferences(NOW - DAY, NOW)
        ][-len(page["nodes"]) :]
        assert len(page["nodes"]) > 7


@pytest.mark.parametrize("name", ["calls", "rooms", "regions", "Room.conferences", "McuResource.calls"])
async def test_other_default_ranges_stay_too(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A quarter of an hour goes by from page to page, and all rows of the day before the first are met."""
    async with staged(monkeypatch, 120, days=3) as stage:
        asked, path, tell = {
            "calls": (CALLS, ["calls"], "vendorId"),
            "rooms": (ROOMS, ["rooms"], "id"),
            "regions": (REGIONS, ["regionCounts"], "region"),
            "Room.conferences": (ROOM_CONFERENCES, ["node", "conferences"], "vendorId"),
            "McuResource.calls": (MCU_CALLS, ["node", "calls"], "vendorId"),
        }[name]
        given = {}
        if name == "Room.conferences":
            rooms = (await stage.client.data(ROOMS, first=1000))["rooms"]["nodes"]
            busy = max(stage.oracle.rooms(NOW - DAY, NOW), key=lambda row: row["usage"]["count"] if row["name"] else 0)
            given["id"] = next(row["id"] for row in rooms if row["name"] == busy["name"])
        elif name == "McuResource.calls":
            nodes = (await stage.client.data(MCUS, d=LAST_DAY))["mcuResources"]["nodes"]
            given["id"] = next(row["id"] for row in nodes if row["name"] == "gw-bj-1")
        first = [row[tell] for row in rows_of(await stage.walk(asked, path, 1000, **given))]
        pages = await stage.walk(asked, path, 1, between=lambda _: stage.move(DAY / 96), **given)
        met = [row[tell] for row in rows_of(pages)]
        assert len(pages) > 2
        assert [row for row in met if row in first] == first
        later = await stage.walk(asked, path, 1000, d=LAST_DAY, **given)
        assert set(met) <= {row[tell] for row in rows_of(later)}


async def test_a_damaged_or_foreign_cursor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 150, days=5) as stage:
        page = (await stage.client.data(CONFERENCES, d=SPAN, order="START_DESC", first=5))["conferences"]
        cursor = page["pageInfo"]["endCursor"]
        rooms = (await stage.client.data("{ rooms(first: 2) { nodes { id } pageInfo { endCursor } } }"))["rooms"]
        mine, other = (room["id"] for room in rooms["nodes"])
        below = (await stage.client.data(ROOM, id=mine, first=1))["node"]["conferences"]["pageInfo"]["endCursor"]
        span = {**SPAN, "to": text(NOW)}
        refused: list[tuple[str, dict[str, Any]]] = [
            (CONFERENCES, {"d": SPAN, "order": "START_ASC", "after": cursor}),
            (CONFERENCES, {"d": span, "order": "START_DESC", "after": cursor}),
            (CONFERENCES, {"d": SPAN, "order": "START_DESC", "after": rooms["pageInfo"]["endCursor"]}),
            (DEFAULT_RANGE, {"after": cursor}),
            (ROOM, {"id": other, "after": below}),
            *((CONFERENCES, {"d": SPAN, "order": "START_DESC", "after": damaged}) for damaged in damage(cursor)),
            *((CONFERENCES, {"d": SPAN, "order": "START_DESC", "before": damaged}) for damaged in damage(cursor)[:3]),
        ]
        for query, given in refused:
            answer = await stage.client.ask(query, **given)
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_CURSOR"], given
        assert (await stage.client.data(ROOM, id=mine, after=below))["node"]["conferences"]


async def test_a_cursor_of_any_list_is_refused_by_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """By another field, parent, range, order, filter, dimension or measure, whichever way; its own list takes it."""
    async with staged(monkeypatch, 150, days=3) as stage:
        lists = await every_list(stage)
        cursors = []
        for asked, path, given in lists:
            page = reduce(getitem, path, await stage.client.data(asked, first=1, **given))
            assert page["pageInfo"]["hasNextPage"], given
            cursors.append(page["pageInfo"]["endCursor"])
        for mine, (asked, _, given) in enumerate(lists):
            for number, cursor in enumerate(cursors):
                place = {"last": 1, "before": cursor} if number % 2 else {"first": 1, "after": cursor}
                answer = await stage.client.ask(asked, **given, **place)
                codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
                assert codes == ([] if number == mine else ["INVALID_CURSOR"]), (given, lists[number])


async def every_list(stage: Stage) -> list[tuple[str, list[str], dict[str, Any]]]:
    """Each connection in several ways: the query, the path and the variables."""
    d, less = ({"from": text(NOW - 3 * DAY), "to": text(end)} for end in (NOW, NOW - DAY / 24))
    found = (await stage.client.data(FIND, s=["hexmeet"], d=d))["conferences"]["nodes"]
    crowded = {
        stage.oracle.vendor_id(it) for it in stage.oracle.held("hexmeet", NOW - 3 * DAY, NOW) if len(it.attendances) > 2
    }
    held = [row["id"] for row in found if row["vendorId"] in crowded][:2]
    found = (await stage.client.data(ROOMS, d=d, first=1000))["rooms"]["nodes"]
    rooms = [row["id"] for row in found if row["name"] in ("Room 1 for 10", "Room 4 for 20")]
    found = (await stage.client.data(MCUS, d=d, first=1000))["mcuResources"]["nodes"]
    nodes = [row["id"] for row in found if row["name"] in ("mru-bj-1", "mru-bj-2")]
    filters: list[dict[str, Any]] = [
        {},
        {"sources": ["hexmeet"]},
        {"vendors": ["HEXMEET"]},
        {"states": ["ENDED"]},
        {"search": "1"},
        {"room": rooms[0]},
        {
            "sources": ["netease"],
            "vendorIds": [str(FIRST_UNIQUE_ID + it.serial) for it in stage.oracle.held("netease", NOW - 3 * DAY, NOW)],
        },
    ]
    return [
        *((FILTERED, ["conferences"], {"f": {"during": d, **more}}) for more in filters),
        (FILTERED, ["conferences"], {"f": {"during": less}}),
        (DEFAULT_RANGE, ["conferences"], {}),
        *(
            (CALLS, ["calls"], {"d": span, "order": order})
            for span, order in ((d, "START_DESC"), (less, "START_DESC"), (d, "START_ASC"))
        ),
        *((ROOMS, ["rooms"], {"d": span}) for span in (d, less)),
        *((MCUS, ["mcuResources"], {"d": span}) for span in (d, less)),
        *((REGIONS, ["regionCounts"], {"d": span}) for span in (d, less)),
        *(
            (GROUPS, ["usageBy"], {"d": d, "by": by, "order": order})
            for by, order in (("ROOM", "COUNT_DESC"), ("ROOM", "KEY_ASC"), ("CAPACITY", "COUNT_DESC"))
        ),
        *((ROOM_CONFERENCES, ["node", "conferences"], {"id": room, "d": d}) for room in rooms),
        *((MCU_CALLS, ["node", "calls"], {"id": node, "d": d}) for node in nodes),
        *((MEMBERS, ["node", "members"], {"id": it}) for it in held),
        *((LEGS, ["node", "calls"], {"id": it}) for it in held),
    ]


def damage(cursor: str) -> list[str]:
    """What becomes of cursors on their way."""
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(0, len(cursor), 7)]
    return ["", cursor[:-1], cursor + "A", cursor.lower(), f"{cursor}=", f" {cursor}", cursor * 9, "null", *flipped]
