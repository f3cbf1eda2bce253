"""What a query costs at the vendors, counted in requests (contracts.md 6.8)."""

from datetime import timedelta
from typing import Any

import pytest
from answers import Row
from crowds import Crowd
from worlds import DAY, NOW, Running, during, running

from graph import clock

pytestmark = pytest.mark.anyio

LISTS = ("hexmeet term_conf_stats", "netease list", "systec detail", "quanshi listbystatus", "huawei queryconfinfos")
PAGE_SIZES = {"hexmeet": 500, "netease": 100, "systec": 300}
ROWS = """
query($filter: ConferenceFilter, $first: Int, $after: String) {
  conferences(filter: $filter, first: $first, after: $after) {
    nodes { sourceName vendorId startedAt FIELDS } pageInfo { hasNextPage endCursor }
  }
}
"""


async def cost(run: Running, fields: str, **given: Any) -> tuple[list[Row], dict[str, int]]:
    """The rows of a page with some fields below them, and the requests they took."""
    run.requests()
    page = (await run.client.data(ROWS.replace("FIELDS", fields), **given))["conferences"]
    return page["nodes"], run.requests()


def of(rows: list[Row], source: str) -> list[Row]:
    return [row for row in rows if row["sourceName"] == source]


async def test_the_first_page_of_a_long_range_asks_each_source_for_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 rows of 60 days: at most three list requests each, and nothing is counted that nobody selected."""
    async with running(monkeypatch, 3000) as run:
        rows, requests = await cost(run, "title state", filter={"during": during(60)}, first=50)
        assert len(rows) == 50
        assert {name: requests.get(name, 0) for name in LISTS if requests.get(name, 0) > 3} == {}
        assert all(requests.get(name) for name in LISTS)
        assert requests.keys() - LISTS <= {"hexmeet datehistgram_stats", "netease getByTimeRange"}


async def test_the_last_page_of_a_long_range_asks_each_source_for_little(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query($f: ConferenceFilter) { conferences(filter: $f, last: 50) { nodes { vendorId } } }"
    async with running(monkeypatch, 3000) as run:
        page = (await run.client.data(query, f={"during": during(60)}))["conferences"]
        requests = run.requests()
        assert len(page["nodes"]) == 50
        assert {name: requests.get(name, 0) for name in LISTS if requests.get(name, 0) > 3} == {}


async def test_a_whole_walk_costs_little_more_than_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 2 x ceil(rows / vendor page size) + 12 list requests, at SYSTEC one more per started 16 days."""
    async with running(monkeypatch, 3000) as run:
        run.requests()
        rows: list[Row] = []
        after = None
        for _ in range(200):
            given = {"filter": {"during": during(60)}, "first": 100, "after": after}
            page = (await run.client.data(ROWS.replace("FIELDS", ""), **given))["conferences"]
            rows += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        requests = run.requests()
        assert len(rows) == len(run.oracle.conferences(NOW - 60 * DAY, NOW))
        for name in LISTS[:3]:
            source = name.partition(" ")[0]
            allowed = 2 * -(-len(of(rows, source)) // PAGE_SIZES[source]) + 12 + (4 if source == "systec" else 0)
            assert requests[name] <= allowed, (name, requests[name], allowed)


async def test_netease_details_are_read_only_for_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each conference that may have any, never more than eight at a time."""
    crowd = Crowd()
    async with running(monkeypatch, 3000, wrap=crowd.around) as run:
        given = {"filter": {"during": during(5), "sources": ["netease"]}, "first": 60}
        rows, requests = await cost(run, "memberCount host { accountId } state", **given)
        assert len(rows) == 60
        assert "netease detail" not in requests
        rows, requests = await cost(run, "memberCount members(first: 5) { totalCount }", **given)
        held = [row for row in rows if row["memberCount"]]
        assert 30 < len(held) <= requests["netease detail"] <= len(rows)
        assert crowd.most["detail"] == 8


@pytest.mark.parametrize(("days_ago", "is_kept"), [(10, True), (0.1, False)])
async def test_members_are_read_once_where_all_of_their_conferences_have_settled(
    days_ago: float, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is asked of those conferences; else they serve others for a second."""
    filter_ = {"during": during(1, NOW - days_ago * DAY), "sources": ["netease"]}
    async with running(monkeypatch, 3000) as run:
        rows, requests = await cost(run, "members(first: 5) { totalCount }", filter=filter_, first=10)
        assert requests["netease detail"] > 5
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=3))
        again, requests = await cost(run, "title members(first: 1) { totalCount }", filter=filter_, first=10)
        assert [row["members"] for row in again] == [row["members"] for row in rows]
        assert ("netease detail" not in requests) is is_kept


async def test_an_empty_netease_conference_costs_no_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 3000) as run:
        unheld = {"during": during(60), "sources": ["netease"], "states": ["CANCELLED", "EXPIRED"]}
        rows, requests = await cost(run, "members { totalCount nodes { vendorId } }", filter=unheld, first=20)
        assert rows
        assert {row["members"]["totalCount"] for row in rows} == {0}
        assert "netease detail" not in requests


async def test_hexmeet_members_and_calls_of_a_page_are_one_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 3000) as run:
        given = {"filter": {"during": during(1), "sources": ["hexmeet"]}, "first": 100}
        rows, plain = await cost(run, "peakMemberCount", **given)
        assert len(rows) > 10
        assert "hexmeet term_call_stats" not in plain
        fields = "members(first: 3) { nodes { vendorId } } calls(first: 1000) { totalCount }"
        rows, requests = await cost(run, fields, **given)
        assert sum(row["calls"]["totalCount"] for row in rows) > 50
        assert requests["hexmeet term_call_stats"] == 1


async def test_hexmeet_conferences_far_apart_are_scanned_apart_but_not_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page over 60 days: about as many call pages as the calls in between fill."""
    async with running(monkeypatch, 3000) as run:
        given = {"filter": {"during": during(60), "sources": ["hexmeet"]}, "first": 300}
        rows, requests = await cost(run, "calls(first: 1) { totalCount }", **given)
        pages = -(-sum(row["calls"]["totalCount"] for row in rows) // 500)
        assert len(rows) == 300
        assert requests["hexmeet term_call_stats"] <= 2 * pages + 2


async def test_systec_members_and_calls_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come with the very requests that list the conferences; so do the people counted."""
    async with running(monkeypatch, 3000, server={"page_budget": 10}) as run:
        given = {"filter": {"during": during(2), "sources": ["systec"]}, "first": 200}
        _, plain = await cost(run, "title", **given)
        fields = "memberCount members(first: 100) { totalCount } calls { totalCount }"
        rows, requests = await cost(run, fields, **given)
        assert sum(row["members"]["totalCount"] for row in rows) > 50
        assert sum(row["calls"]["totalCount"] for row in rows) > 1
        assert requests == plain


async def test_a_hundred_huawei_conferences_are_five_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """By vendorIds and as entities, members and all, though most of them are not going on."""
    entities = """
    query($refs: [_Any!]!) {
      _entities(representations: $refs) { ... on Conference { vendorId members { totalCount } } }
    }
    """
    async with running(monkeypatch) as run:
        live = [row["vendorId"] for row in run.oracle.conferences(NOW - DAY, NOW, ["huawei"])]
        wanted = [*live, *(str(5_000_000 + n) for n in range(100 - len(live)))]
        given = {"sources": ["huawei"], "vendorIds": wanted}
        rows, requests = await cost(run, "members(first: 50) { totalCount } memberCount", filter=given, first=1000)
        assert [row["vendorId"] for row in rows] == live
        assert requests == {"huawei queryconfinfos": 5}
        refs = [{"__typename": "Conference", "sourceName": "huawei", "vendorId": key} for key in wanted]
        found = (await run.client.data(entities, refs=refs))["_entities"]
        assert [row["vendorId"] for row in found if row] == live
        assert run.requests() == {"huawei queryconfinfos": 5}


async def test_what_a_call_tells_of_its_conference_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query($f: CallFilter) { calls(filter: $f, first: 100) { nodes { vendorId FIELDS } } }"
    async with running(monkeypatch, 1000) as run:
        filter_ = {"during": during(1)}
        run.requests()
        await run.client.data(query.replace("FIELDS", "displayName"), f=filter_)
        plain = run.requests()
    async with running(monkeypatch, 1000) as run:
        fields = (
            "conference { __typename id sourceName source { name } vendorId number } room { id name } mcu { id name }"
        )
        rows = (await run.client.data(query.replace("FIELDS", fields), f=filter_))["calls"]["nodes"]
        assert len(rows) > 50
        assert all(row["conference"]["number"] for row in rows)
        assert run.requests() == plain


async def test_the_conferences_of_calls_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a call tells costs a look-up for all calls of a source, not one for each."""
    query = "query($f: CallFilter) { calls(filter: $f, first: 100) { nodes { conference { vendorId title } } } }"
    async with running(monkeypatch, 1000) as run:
        run.requests()
        given = {"during": during(2, NOW - DAY), "sources": ["hexmeet"]}  # those of now are not listed yet
        rows = (await run.client.data(query, f=given))["calls"]["nodes"]
        assert len({row["conference"]["vendorId"] for row in rows}) > 4
        requests = run.requests()
        assert requests["hexmeet term_conf_stats"] <= 3


async def test_conferences_that_still_go_on_are_not_searched_for_in_all_of_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HexMeet lists them once they are over; until then their calls have an error that says so, and cost one look."""
    query = "{ calls(first: 1000) { nodes { sourceName conference { vendorId title } } } }"
    async with running(monkeypatch, 3000) as run:
        run.requests()
        answer = await run.client.ask(query)
        assert run.requests()["hexmeet term_conf_stats"] <= 2
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"LOOKUP_LIMIT"}
        rows = answer["data"]["calls"]["nodes"]
        ended = {row["vendorId"] for row in run.oracle.conferences(NOW - 3 * DAY, NOW, ["hexmeet"])}
        calls = run.oracle.calls(NOW - DAY, NOW)
        told = sum(row["sourceName"] == "systec" or row["conference"]["vendorId"] in ended for row in calls)
        assert 0 < sum(row["conference"] is None for row in rows) == len(calls) - told


async def test_the_vendor_ids_of_rooms_are_one_request_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 3000) as run:
        given = {"filter": {"during": during(2), "sources": ["hexmeet"]}, "first": 100}
        rows, plain = await cost(run, "room { id name capacity }", **given)
        assert len({row["room"]["name"] for row in rows}) > 5
        assert "hexmeet term_stats" not in plain
        rows, requests = await cost(run, "room { name vendorId }", **given)
        assert requests["hexmeet term_stats"] == 1
        ids = {
            room.name: {str(it.id) for it in run.oracle.world.rooms("hexmeet") if it.name == room.name}
            for room in run.oracle.world.rooms("hexmeet")
        }
        assert all(row["room"]["vendorId"] in ids[row["room"]["name"]] for row in rows)


async def test_the_conferences_of_all_hexmeet_rooms_are_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor cannot be asked for one room's: the range is read once for all of them."""
    query = """
    query($d: TimeRange!, $s: [String!]) {
      rooms(filter: {during: $d, sources: $s}, first: 50) { nodes { conferences(during: $d) { totalCount } } }
    }"""
    async with running(monkeypatch, 1000) as run:
        run.requests()
        rooms = (await run.client.data(query, d=during(5), s=["hexmeet"]))["rooms"]["nodes"]
        assert len(rooms) > 5
        assert run.requests()["hexmeet term_conf_stats"] <= 2


async def test_an_empty_page_costs_no_list_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """`first: 0` is for who wants the sources or the count alone."""
    query = """{ conferences(first: 0) { nodes { id } pageInfo { hasNextPage startCursor endCursor } COUNT } }"""
    async with running(monkeypatch) as run:
        run.requests()
        page = (await run.client.data(query.replace("COUNT", "")))["conferences"]
        assert page == {"nodes": [], "pageInfo": {"hasNextPage": True, "startCursor": None, "endCursor": None}}
        assert run.requests() == {}


async def test_lists_that_differ_in_what_is_selected_share_what_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lists of one range in one query: each source is read once, but for what comes along at SYSTEC."""
    query = """
    {
      a: conferences(first: 100) { nodes { vendorId } }
      b: conferences(first: 100) { nodes { members { totalCount } } }
      c: conferences(first: 100) { nodes { calls { totalCount } } }
    }"""
    async with running(monkeypatch) as run:
        run.requests()
        await run.client.data(query)
        requests = run.requests()
        assert {name: requests[name] for name in LISTS if requests[name] > 1}.keys() <= {"systec detail"}


async def test_filters_that_a_source_cannot_meet_cost_it_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        _, requests = await cost(run, "", filter={"during": during(5), "states": ["CANCELLED"]}, first=10)
        assert {name.partition(" ")[0] for name in requests} == {"netease"}
        _, requests = await cost(run, "", filter={"during": during(5), "states": ["LIVE"]}, first=10)
        assert {name.partition(" ")[0] for name in requests} == {"netease", "quanshi", "huawei"}
