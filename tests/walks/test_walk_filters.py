"""Filters over real HTTP: the same wherever they are applied; identifiers are read as pages want them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from answers import text
from walking import ARGUMENTS, PAGE_INFO, PASSED, Stage, rows_of, staged
from worlds import DAY, NOW

from graph.sandbox.world import Phase
from graph.vendors.base import Adapter
from graph.vendors.huawei.emulator import FIRST_CONF_ID
from graph.vendors.netease.adapter import NeteaseAdapter
from graph.vendors.systec.adapter import SystecAdapter

pytestmark = pytest.mark.anyio

QUERY = f"""
query($f: ConferenceFilter, {ARGUMENTS}) {{
  conferences(filter: $f, {PASSED}) {{
    nodes {{ vendorId sourceName state title number room {{ id name }} host {{ name }} }} {PAGE_INFO}
  }}
}}
"""
SPAN = {"from": text(NOW - 8 * DAY), "to": text(NOW + DAY)}
Row = dict[str, Any]


async def rows_that(stage: Stage, size: int, *, is_forward: bool = True, **filter_: Any) -> list[Row]:
    given = {"during": SPAN, **filter_}
    pages = await stage.walk(QUERY, ["conferences"], size, is_forward=is_forward, f=given)
    return rows_of(pages, is_forward=is_forward)


def ask_for_all(monkeypatch: pytest.MonkeyPatch, kind: type[Adapter]) -> None:
    """Let an adapter forget what it could narrow."""
    narrowed = kind.list_conferences

    async def list_conferences(self: Any, query: Any, token: object | None = None) -> Any:
        return await narrowed(self, replace(query, states=None, room=None), token)

    monkeypatch.setattr(kind, "list_conferences", list_conferences)


async def test_filters_are_the_same_wherever_they_are_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 300, days=10) as stage:
        every = await rows_that(stage, 1000)
        assert [row["vendorId"] for row in every] == [
            row["vendorId"] for row in stage.oracle.conferences(NOW - 8 * DAY, NOW + DAY)
        ]
        room = next(row["room"]["id"] for row in every if row["sourceName"] == "systec")
        hall = next(row["room"]["id"] for row in every if row["sourceName"] == "hexmeet")
        word = next(row["title"] for row in every if row["sourceName"] == "netease")[-2:]

        def has_word(row: Row) -> bool:
            texts = (row["title"], row["number"], (row["room"] or {}).get("name"), (row["host"] or {}).get("name"))
            return any(word in it for it in texts if it)

        cases: list[tuple[Row, Callable[[Row], bool]]] = [
            ({"states": ["SCHEDULED", "CANCELLED"]}, lambda row: row["state"] in ("SCHEDULED", "CANCELLED")),
            ({"states": ["EXPIRED"]}, lambda row: row["state"] == "EXPIRED"),
            ({"states": ["LIVE"]}, lambda row: row["state"] == "LIVE"),
            ({"states": ["ENDED"]}, lambda row: row["state"] == "ENDED"),
            ({"vendors": ["NETEASE", "QUANSHI"]}, lambda row: row["sourceName"] in ("netease", "quanshi")),
            ({"room": room}, lambda row: bool(row["room"]) and row["room"]["id"] == room),
            ({"room": hall}, lambda row: bool(row["room"]) and row["room"]["id"] == hall),
            ({"search": word}, has_word),
            (
                {"search": word, "states": ["ENDED"], "vendors": ["NETEASE"]},
                lambda row: has_word(row) and row["state"] == "ENDED" and row["sourceName"] == "netease",
            ),
        ]
        for is_local in (False, True):
            if is_local:
                ask_for_all(monkeypatch, NeteaseAdapter)
                ask_for_all(monkeypatch, SystecAdapter)
            for filter_, holds in cases:
                expected = [row for row in every if holds(row)]
                assert expected
                for is_forward in (True, False):
                    stage.start_anew()
                    assert await rows_that(stage, 3, is_forward=is_forward, **filter_) == expected, filter_


async def test_a_thousand_identifiers_are_read_twenty_at_a_time_as_pages_want_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty requests for all of them, on pages of any size, both ways; three for the first fifty."""
    async with staged(monkeypatch, 20_000, days=5) as stage:
        live = [it for it in stage.world.live("huawei", NOW) if it.phase(NOW) is Phase.LIVE]
        there = [str(FIRST_CONF_ID + it.serial) for it in live]
        assert len(there) > 5
        ids = [str(n) for n in range(1, 1001 - len(there))]
        for at, conf_id in enumerate(there):
            ids.insert(at * 37, conf_id)
        assert len(ids) == 1000
        filter_ = {"vendorIds": ids, "sources": ["huawei"]}
        for size in (1, 7, 50, 1000):
            for is_forward in (True, False):
                stage.start_anew()
                pages = await stage.walk(QUERY, ["conferences"], size, is_forward=is_forward, f=filter_)
                assert [row["vendorId"] for row in rows_of(pages, is_forward=is_forward)] == there
                assert all(page["complete"] for page in pages)
                assert stage.lists()["huawei"] == 50
        stage.start_anew()
        page = (await stage.client.data(QUERY, f=filter_, first=1))["conferences"]
        assert page["pageInfo"]["hasNextPage"]
        assert stage.lists()["huawei"] <= 3


async def test_identifiers_of_netease_cost_a_detail_each_where_a_page_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with staged(monkeypatch, 1000, days=5) as stage:
        rows = await rows_that(stage, 1000, sources=["netease"])
        ids = [row["vendorId"] for row in rows][:200]
        filter_ = {"vendorIds": ids, "sources": ["netease"]}
        stage.start_anew()
        page = (await stage.client.data(QUERY, f=filter_, first=15))["conferences"]
        assert [row["vendorId"] for row in page["nodes"]] == ids[:15]
        assert sum(stage.sandbox.requests.values()) == 20
        pages = await stage.walk(QUERY, ["conferences"], 15, f=filter_)
        assert [row["vendorId"] for row in rows_of(pages)] == ids
        assert sum(stage.sandbox.requests.values()) == 200
