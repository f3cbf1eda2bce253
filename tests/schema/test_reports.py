"""Edges of the reports and ranges: totals beside any page, ranges without end, and what those cost."""

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from worlds import during, running

pytestmark = pytest.mark.anyio

GROUPS = """
query($during: TimeRange!, $dimension: UsageDimension!, $first: Int, $sources: [String!]) {
  usageBy(dimension: $dimension, during: $during, first: $first, sources: $sources) {
    totals { count totalDurationSeconds }
    totalCount
    nodes { stats { count totalDurationSeconds } }
  }
}"""


async def test_totals_are_over_all_groups_whatever_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        answers = [
            (await run.client.data(GROUPS, during=during(10), dimension="ROOM", first=first))["usageBy"]
            for first in (0, 1, 1000)
        ]
        whole = [group["stats"] for group in answers[2]["nodes"]]
        expected = {key: sum(stats[key] for stats in whole) for key in ("count", "totalDurationSeconds")}
        assert expected["count"] > 0
        assert [answer["totals"] for answer in answers] == [expected] * 3
        nobody = {"dimension": "ROOM", "sources": ["quanshi"]}
        assert (await run.client.data(GROUPS, during=during(10), **nobody))["usageBy"] == {
            "totals": None,
            "totalCount": 0,
            "nodes": [],
        }


async def test_a_range_outside_of_all_time_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    early = {"from": "1960-01-01T00:00:00Z", "to": "1961-01-01T00:00:00Z"}
    query = """
    query($d: TimeRange!) {
      conferences(filter: { during: $d }) { totalCount }
      rooms(filter: { during: $d }) { totalCount }
      mcuResources(filter: { during: $d }) { totalCount }
      regionCounts(measure: ISSUED_CALLS, during: $d) { totalCount }
      usageBy(dimension: ROOM, during: $d) { totalCount totals { count } }
    }"""
    async with running(monkeypatch) as run:
        data = await run.client.data(query, d=early)
        assert {answer["totalCount"] for answer in data.values()} == {0}
        assert data["usageBy"]["totals"] == {"count": 0}
        assert run.requests() == {}


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31")])
async def test_days_that_no_report_has_are_refused(first: str, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query($d: DateRange!) { usage(of: CONFERENCES, days: $d) { count } sources { name } }"
    async with running(monkeypatch) as run:
        answer = await run.client.ask(query, d={"from": first, "to": last})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ARGUMENT"]
        assert len(answer["data"]["sources"]) == 5


@pytest.mark.parametrize("near", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_a_conference_is_looked_for_near_any_instant(near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instant at the end of all calendars finds nothing, which is not proof that there is nothing."""
    query = 'query($near: DateTime) { conference(source: "hexmeet", vendorId: "%s", startedNear: $near) { id } }'
    async with running(monkeypatch) as run:
        answer = await run.client.ask(query % ("0" * 32), near=near)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["LOOKUP_LIMIT"]


@pytest.mark.parametrize("field", ["conferences", "calls"])
async def test_a_range_that_reaches_far_ahead_shows_its_rows_at_once(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole year is an ordinary question: nobody is asked what will have ended in its future."""
    query = f"""
    query($d: TimeRange!, $sources: [String!]) {{
      {field}(first: 20, filter: {{ during: $d, sources: $sources }}) {{ nodes {{ id }} complete }}
    }}"""
    ahead = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    async with running(monkeypatch, 3000) as run:
        page = (await run.client.data(query, d=ahead, sources=["hexmeet", "systec"]))[field]
        assert len(page["nodes"]) == 20
        assert page["complete"] is True
        assert max(run.requests().values()) <= 3


async def test_identifiers_may_name_their_source_twice_and_ignore_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    query = """
    query($f: ConferenceFilter, $order: TimeOrder, $after: String) {
      conferences(filter: $f, orderBy: $order, first: 1, after: $after) {
        nodes { vendorId } pageInfo { endCursor }
      }
    }"""
    async with running(monkeypatch) as run:
        rows = await run.client.data(
            '{ conferences(filter: { sources: ["netease"] }, first: 2) { nodes { vendorId } } }'
        )
        ids = [row["vendorId"] for row in rows["conferences"]["nodes"]]
        wanted: dict[str, Any] = {"sources": ["netease", "netease"], "vendorIds": ids}
        first = (await run.client.data(query, f=wanted, order="START_ASC"))["conferences"]
        cursor = first["pageInfo"]["endCursor"]
        second = (await run.client.data(query, f=wanted, order="START_DESC", after=cursor))["conferences"]
        assert [page["nodes"][0]["vendorId"] for page in (first, second)] == ids


async def test_a_live_conference_of_a_source_that_lists_only_those_is_found_by_its_identifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = "query($f: ConferenceFilter) { conferences(filter: $f) { nodes { vendorId } complete } }"
    async with running(monkeypatch) as run:
        rows = (await run.client.data(query, f={"sources": ["quanshi"]}))["conferences"]["nodes"]
        ids = [row["vendorId"] for row in rows][::-1]
        assert ids
        found = (await run.client.data(query, f={"sources": ["quanshi"], "vendorIds": ids}))["conferences"]
        assert [row["vendorId"] for row in found["nodes"]] == ids


class Hanging:
    """An emulator that takes requests and never answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(60)
        await self._app(scope, receive, send)


async def test_a_hanging_source_takes_nothing_from_the_joins_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that only help to plan are not waited for as long as rows are."""
    query = (
        "{ conferences(first: 40) { nodes { sourceName members { complete } } sources { source { name } status } } }"
    )
    server = {"request_timeout_s": 5}
    hanging = {"netease": {"timeout_s": 2}}

    def wrap(vendor: str, app: ASGIApp) -> ASGIApp:
        return Hanging(app) if vendor == "netease" else app

    async with running(monkeypatch, sources=hanging, server=server, wrap=wrap) as run:
        page = (await run.client.data(query))["conferences"]
        assert {"hexmeet", "systec"} <= {row["sourceName"] for row in page["nodes"]}
        assert all(row["members"]["complete"] for row in page["nodes"])
        health = await run.client.data("{ sources { name health { state } } }")
        states = {source["name"]: source["health"]["state"] for source in health["sources"]}
        assert states == {"hexmeet": "UP", "huawei": "UP", "netease": "DEGRADED", "quanshi": "UP", "systec": "UP"}
