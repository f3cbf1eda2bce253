"""Filters narrow the list of conferences and calls to just the rows that meet them."""

from typing import Any

import pytest
from answers import FRAGMENTS, Row, settled
from worlds import DAY, NOW, Running, during, running

pytestmark = pytest.mark.anyio

CONFERENCES = """
query($filter: ConferenceFilter, $order: TimeOrder) {
  conferences(filter: $filter, orderBy: $order, first: 1000) {
    totalCount complete nodes { vendorId sourceName state } sources { source { name } status totalCount }
  }
}
"""
CALLS = """
query($filter: CallFilter, $order: TimeOrder, $first: Int, $after: String) {
  calls(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount complete nodes { vendorId ...Leg } sources { source { name } status totalCount }
    pageInfo { hasNextPage endCursor }
  }
}
""" + FRAGMENTS[FRAGMENTS.index("fragment Leg") : FRAGMENTS.index("fragment Joined")]
SPAN = 8


def expected(run: Running) -> list[Row]:
    return run.oracle.conferences(NOW - SPAN * DAY, NOW)


async def asked(run: Running, **filter_: Any) -> list[str]:
    """The vendorIds of what meets a filter."""
    page = (await run.client.data(CONFERENCES, filter={"during": during(SPAN), **filter_}))["conferences"]
    assert page["complete"]
    assert page["totalCount"] == len(page["nodes"])
    return [row["vendorId"] for row in page["nodes"]]


def ids(rows: list[Row]) -> list[str]:
    return [row["vendorId"] for row in rows]


async def test_states(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 1000) as run:
        rows = run.oracle.conferences(NOW - 60 * DAY, NOW + DAY)
        assert {row["state"] for row in rows} == {"SCHEDULED", "LIVE", "ENDED", "CANCELLED", "EXPIRED"}
        span = during(61, NOW + DAY)
        for states in (
            ["SCHEDULED"],
            ["LIVE"],
            ["CANCELLED"],
            ["EXPIRED"],
            ["UNKNOWN"],
            ["EXPIRED", "LIVE", "UNKNOWN"],
        ):
            meant = [row for row in rows if row["state"] in states]
            assert await asked(run, during=span, states=states) == ids(meant), states
        ended = [row for row in expected(run) if row["state"] == "ENDED"]
        assert await asked(run, states=["ENDED"]) == ids(ended)


async def test_no_state_is_no_row_and_null_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        assert await asked(run, states=[]) == []
        nothing: dict[str, Any] = dict.fromkeys(("states", "sources", "vendors", "room", "search", "vendorIds"))
        assert await asked(run, **nothing) == ids(expected(run))


async def test_sources_and_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both narrow; a source that is not meant is not told of."""
    async with running(monkeypatch) as run:
        rows = expected(run)
        assert await asked(run, vendors=["NETEASE", "HUAWEI"]) == ids(
            [row for row in rows if row["sourceName"] in ("netease", "huawei")]
        )
        assert await asked(run, sources=["systec"]) == ids([row for row in rows if row["sourceName"] == "systec"])
        assert await asked(run, sources=["systec", "netease"], vendors=["NETEASE"]) == ids(
            [row for row in rows if row["sourceName"] == "netease"]
        )
        nobody: list[Row] = [{"sources": []}, {"vendors": []}, {"sources": ["systec"], "vendors": ["NETEASE"]}]
        for filter_ in nobody:
            answer = await run.client.data(CONFERENCES, filter=filter_)
            assert answer["conferences"] == {"totalCount": 0, "complete": True, "nodes": [], "sources": []}


async def test_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room of one source: its own conferences and no others; HexMeet's rooms are one where their names are."""
    query = "query($f: ConferenceFilter) { conferences(filter: $f, first: 1000) { nodes { vendorId room { id } } } }"
    async with running(monkeypatch, 1000) as run:
        for vendor in ("hexmeet", "systec"):
            held = list(run.oracle.held(vendor, NOW - SPAN * DAY, NOW))
            room = held[len(held) // 2].room
            page = (await run.client.data(query, f={"during": during(SPAN), "sources": [vendor]}))["conferences"]
            by_id = {row["vendorId"]: row["room"]["id"] for row in page["nodes"]}
            of_room = [it for it in held if it.room is room or (vendor == "hexmeet" and it.room.name == room.name)]
            (room_id,) = {by_id[run.oracle.vendor_id(it)] for it in of_room}
            found = await asked(run, room=room_id)
            assert sorted(found) == sorted(run.oracle.vendor_id(it) for it in of_room)
            assert await asked(run, room=room_id, vendors=["NETEASE"]) == []


async def test_search_looks_at_title_number_room_and_host_ignoring_case(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 1000) as run:
        rows = expected(run)

        def texts(row: Row) -> list[str]:
            host, room = row["host"] or {}, row["room"] or {}
            return [text for text in (row["title"], row["number"], room.get("name"), host.get("name")) if text]

        hosted = next(row for row in rows if row["host"] and row["host"]["name"])
        roomed = next(row for row in rows if row["room"] and row["room"]["name"])
        for word in (
            "sYNC",
            "会议",
            hosted["host"]["name"].upper(),
            roomed["room"]["name"],
            roomed["number"][2:7],
            "nowhere",
        ):
            matching = [row for row in rows if any(word.casefold() in it.casefold() for it in texts(row))]
            assert bool(matching) == (word != "nowhere")
            assert await asked(run, search=word) == ids(matching), word


async def test_vendor_ids_come_in_the_order_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Duplicates are dropped, unknown ones left out, the order argument ignored."""
    async with running(monkeypatch) as run:
        for vendor in ("hexmeet", "netease", "systec", "huawei"):
            wanted = [row["vendorId"] for row in run.oracle.conferences(NOW - 3 * DAY, NOW, [vendor])][:5]
            mixed = [wanted[2], wanted[0], wanted[2], *wanted[1:], "no such id"]
            for order in ("START_ASC", "START_DESC"):
                filter_ = {"sources": [vendor], "vendorIds": mixed}
                page = (await run.client.data(CONFERENCES, filter=filter_, order=order))["conferences"]
                assert ids(page["nodes"]) == list(dict.fromkeys(mixed))[:-1]
                assert page["totalCount"] == len(wanted)


async def test_vendor_ids_go_with_other_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        rows = run.oracle.conferences(NOW - 10 * DAY, NOW, ["netease"])
        given = {"sources": ["netease"], "vendorIds": ids(rows)}
        recent = run.oracle.conferences(NOW - 2 * DAY, NOW, ["netease"])
        assert 0 < len(recent) < len(rows)
        page = (await run.client.data(CONFERENCES, filter={**given, "during": during(2)}))["conferences"]
        assert ids(page["nodes"]) == ids(recent)
        page = (await run.client.data(CONFERENCES, filter={**given, "states": ["ENDED"]}))["conferences"]
        assert ids(page["nodes"]) == ids([row for row in rows if row["state"] == "ENDED"])


async def test_vendor_ids_at_a_vendor_without_a_look_up_are_those_of_live_conferences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(monkeypatch) as run:
        page = (await run.client.data(CONFERENCES, filter={"sources": ["quanshi"], "vendorIds": ["1"]}))["conferences"]
        assert page["nodes"] == []
        assert page["complete"]
        assert [(it["source"]["name"], it["status"]) for it in page["sources"]] == [("quanshi", "LIVE_ONLY")]


async def test_calls_equal_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each leg once and whole, in both orders, whatever its conference; vendors without calls are told of."""
    can = ("hexmeet", "systec")
    async with running(monkeypatch, 1000) as run:
        true = run.oracle.calls(NOW - 6 * DAY, NOW)
        assert {row["sourceName"] for row in true} == set(can)
        for order in ("START_DESC", "START_ASC"):
            rows: list[Row] = []
            after = None
            page: Row = {"pageInfo": {"hasNextPage": True}}
            while page["pageInfo"]["hasNextPage"]:
                given = {"filter": {"during": during(6)}, "order": order, "first": 300, "after": after}
                page = (await run.client.data(CALLS, **given))["calls"]
                assert page["complete"]
                rows += page["nodes"]
                after = page["pageInfo"]["endCursor"]
            places = [(row["startedAt"], row["sourceName"], row["vendorId"]) for row in rows]
            assert places == sorted(set(places), reverse=order == "START_DESC")
            if order == "START_DESC":
                rows.reverse()
            legs = [{name: value for name, value in row.items() if name != "vendorId"} for row in rows]
            assert settled(legs, "startedAt") == true
            statuses = {it["source"]["name"]: it["status"] for it in page["sources"]}
            assert statuses == {name: "OK" if name in can else "UNSUPPORTED" for name in run.oracle.makers}


async def test_calls_are_counted_and_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 1000) as run:
        true = run.oracle.calls(NOW - DAY, NOW)
        page = (await run.client.data(CALLS, first=1000))["calls"]
        assert page["totalCount"] == len(page["nodes"]) == len(true)

        def texts(row: Row) -> list[str]:
            return [text for text in (row["displayName"], row["room"]["name"], row["clientVersion"]) if text]

        for word in ("ios svc", "会议室", true[0]["displayName"] or "王"):
            matching = [row for row in true if any(word.casefold() in it.casefold() for it in texts(row))]
            page = (await run.client.data(CALLS, filter={"search": word}, first=1000))["calls"]
            assert matching
            assert len(page["nodes"]) == len(matching)
