"""P3 over real HTTP: a cursor outlives a restart, changed settings and a year, and tells damage and other lists."""

from typing import Any

import msgspec
import pytest
from answers import text
from queries import Client
from walking import ARGUMENTS, CONFERENCES, PAGE_INFO, PASSED, SPAN, Stage, key, rows_of, staged, truth
from worlds import DAY, NOW

from graph.settings import AppSettings

pytestmark = pytest.mark.anyio

DEFAULT_RANGE = f"query({ARGUMENTS}) {{ conferences({PASSED}) {{ nodes {{ vendorId }} {PAGE_INFO} }} }}"
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


def damage(cursor: str) -> list[str]:
    """What becomes of cursors on their way."""
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(0, len(cursor), 7)]
    return ["", cursor[:-1], cursor + "A", cursor.lower(), f"{cursor}=", f" {cursor}", cursor * 9, "null", *flipped]
