"""The one query over all vendors equals the world, as far as each vendor can list it."""

from datetime import timedelta
from typing import Any

import pytest
from answers import FRAGMENTS, Row, core, joined, text
from oracle_reports import ReportOracle
from worlds import DAY, NOW, Running, during, running

from graph import clock

pytestmark = pytest.mark.anyio

LAST_DAY = f"""
{FRAGMENTS}
query {{
  conferences(first: 1000) {{
    totalCount complete nodes {{ ...Joined }}
    pageInfo {{ hasNextPage hasPreviousPage }}
    sources {{ source {{ name }} status totalCount error {{ code }} }}
  }}
}}
"""
PAGE = """
query($filter: ConferenceFilter, $order: TimeOrder, $first: Int, $after: String, $last: Int, $before: String) {
  conferences(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes { ...Rows }
    complete
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
JOINED = PAGE.replace("Rows", "Joined") + FRAGMENTS
KEYS = PAGE.replace("...Rows", "sourceName vendorId state startedAt scheduledStartAt")


def key(row: Row) -> Row:
    return {name: row[name] for name in ("sourceName", "vendorId", "state", "startedAt", "scheduledStartAt")}


async def walk(run: Running, query: str, size: int, *, backward: bool = False, **variables: Any) -> list[Row]:
    """All rows in the list's order, page by page; every page but the last says that there is more."""
    rows: list[Row] = []
    cursor = None
    for _ in range(400):
        here = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = (await run.client.data(query, **here, **variables))["conferences"]
        assert page["complete"]
        assert len(page["nodes"]) <= size
        info = page["pageInfo"]
        rows = page["nodes"] + rows if backward else rows + page["nodes"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return rows
        cursor = info["startCursor" if backward else "endCursor"]
        assert cursor
    raise AssertionError("the walk does not end")


async def test_the_last_day_of_all_vendors_equals_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, order, states, units, all that is joined, counts, and what each source contributed."""
    async with running(monkeypatch, 3000) as run:
        page = (await run.client.data(LAST_DAY))["conferences"]
        expected = run.oracle.conferences(NOW - DAY, NOW)
        assert len(expected) > 40
        assert {row["sourceName"] for row in expected} == {"hexmeet", "netease", "systec", "quanshi", "huawei"}
        assert [row["vendorId"] for row in page["nodes"]] == [row["vendorId"] for row in expected]
        assert [joined(row) for row in page["nodes"]] == expected
        assert page["totalCount"] == len(expected)
        assert page["complete"]
        assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False}
        counts = {name: sum(row["sourceName"] == name for row in expected) for name in sorted(run.oracle.makers)}
        assert page["sources"] == [
            {
                "source": {"name": name},
                "status": "LIVE_ONLY" if name in ("quanshi", "huawei") else "OK",
                "totalCount": count,
                "error": None,
            }
            for name, count in counts.items()
        ]


async def test_sixty_days_with_all_that_is_joined_equal_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        rows = await walk(run, JOINED, 150, filter={"during": during(62)})
        assert [joined(row) for row in rows] == run.oracle.conferences(NOW - 62 * DAY, NOW)


@pytest.mark.parametrize("backward", [False, True])
async def test_sixty_days_are_paged_to_the_end_in_both_directions_and_orders(
    monkeypatch: pytest.MonkeyPatch, backward: bool
) -> None:
    async with running(monkeypatch, 3000) as run:
        expected = [key(row) for row in run.oracle.conferences(NOW - 62 * DAY, NOW)]
        assert len(expected) > 2700
        for order, rows in (("START_DESC", expected), ("START_ASC", expected[::-1])):
            given = {"filter": {"during": during(62)}, "order": order}
            assert await walk(run, KEYS, 400, backward=backward, **given) == rows


@pytest.mark.parametrize("size", [1, 7])
async def test_small_pages_have_every_row_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    async with running(monkeypatch) as run:
        span = during(2 if size == 1 else 15)
        rows = await walk(run, KEYS, size, filter={"during": span})
        days = 2 if size == 1 else 15
        assert rows == [key(row) for row in run.oracle.conferences(NOW - days * DAY, NOW)]


async def test_a_page_that_was_left_is_found_again_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """`before` the start cursor of the second page is the first page, and both say what lies around them."""
    async with running(monkeypatch) as run:
        span = {"during": during(20)}
        first = (await run.client.data(KEYS, filter=span, first=10))["conferences"]
        second = (await run.client.data(KEYS, filter=span, first=10, after=first["pageInfo"]["endCursor"]))[
            "conferences"
        ]
        again = (await run.client.data(KEYS, filter=span, last=10, before=second["pageInfo"]["startCursor"]))[
            "conferences"
        ]
        assert again["nodes"] == first["nodes"]
        assert not first["pageInfo"]["hasPreviousPage"]
        assert second["pageInfo"]["hasPreviousPage"]
        assert second["pageInfo"]["hasNextPage"]
        assert again["pageInfo"]["hasNextPage"]
        assert not again["pageInfo"]["hasPreviousPage"]


async def test_what_is_booked_for_tomorrow_is_listed_where_the_vendor_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, 3000) as run:
        window = {"from": text(NOW), "to": text(NOW + 2 * DAY)}
        rows = await walk(run, JOINED, 100, filter={"during": window}, order="START_ASC")
        expected = run.oracle.conferences(NOW, NOW + 2 * DAY)[::-1]
        assert "SCHEDULED" in {row["state"] for row in expected}
        assert [joined(row) for row in rows] == expected


async def test_rows_without_joins_are_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is selected below a row changes nothing of the row."""
    query = (
        "{ conferences(first: 1000) { edges { cursor node { ...Core } } } }"
        + FRAGMENTS.partition("fragment Attendance")[0]
    )
    async with running(monkeypatch) as run:
        edges = (await run.client.data(query))["conferences"]["edges"]
        assert [edge["node"] for edge in edges] == [core(row) for row in run.oracle.conferences(NOW - DAY, NOW)]
        assert len({edge["cursor"] for edge in edges}) == len(edges)


async def test_the_default_range_is_that_of_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the clock goes on, a walk stays in its 24 hours: whatever is listed all the time comes once."""
    async with running(monkeypatch, 1000) as run:
        now = NOW
        monkeypatch.setattr(clock, "now", lambda: now)
        rows: list[Row] = []
        cursor = None
        while True:
            page = (await run.client.data(KEYS, first=5, after=cursor))["conferences"]
            rows += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                break
            cursor = page["pageInfo"]["endCursor"]
            now += timedelta(seconds=40)
        assert now > NOW + timedelta(minutes=4)
        times = [row["startedAt"] or row["scheduledStartAt"] for row in rows]
        assert text(NOW - DAY) <= min(times)
        assert max(times) < text(NOW)
        came = [(row["sourceName"], row["vendorId"]) for row in rows]
        assert len(set(came)) == len(came)
        later = ReportOracle(run.oracle.world, now)
        stayed = {
            (row["sourceName"], row["vendorId"])
            for row in run.oracle.conferences(NOW - DAY, NOW)
            if row["vendorId"] in {it["vendorId"] for it in later.conferences(NOW - DAY, NOW)}
        }
        assert len(stayed) > 20
        assert stayed <= set(came)


async def test_the_members_of_a_conference_are_paged_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "members(first: $first, after: $after, last: $last, before: $before)"
    query = f"""
    query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
      node(id: $id) {{
        ... on Conference {{
          {page} {{
            totalCount nodes {{ vendorId joinedAt }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
          }}
        }}
      }}
    }}"""
    whole_lists = "members(first: 1000) { nodes { vendorId joinedAt } }"
    async with running(monkeypatch, 1000) as run:
        rows = (await run.client.data(f"{{ conferences(first: 100) {{ nodes {{ id sourceName {whole_lists} }} }} }}"))[
            "conferences"
        ]["nodes"]
        largest = {row["sourceName"]: row for row in sorted(rows, key=lambda row: len(row["members"]["nodes"]))}
        assert sum(len(row["members"]["nodes"]) > 3 for row in largest.values()) == 4
        for row in largest.values():
            whole = row["members"]["nodes"]
            assert [it["joinedAt"] for it in whole] == sorted(it["joinedAt"] for it in whole)
            for backward in (False, True):
                found: list[Row] = []
                cursor = None
                for _ in range(len(whole) // 3 + 1):
                    here = {"last": 3, "before": cursor} if backward else {"first": 3, "after": cursor}
                    part = (await run.client.data(query, id=row["id"], **here))["node"]["members"]
                    found = part["nodes"] + found if backward else found + part["nodes"]
                    assert part["totalCount"] == len(whole)
                    cursor = part["pageInfo"]["startCursor" if backward else "endCursor"]
                    if not part["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
                        break
                assert found == whole


@pytest.mark.parametrize("filtered", ["end", "overlap", "creation"])
async def test_vendors_whose_range_filters_another_time(monkeypatch: pytest.MonkeyPatch, filtered: str) -> None:
    """With the setting that says so, and lists that include their end and repeat rows, all rows come once."""
    vendors = ("hexmeet", "netease", "systec")
    options = {"time_filter": filtered, "end_is_inclusive": True, "repeats_rows": True}
    settings = {"time_filter": filtered}
    async with running(
        monkeypatch, options=dict.fromkeys(vendors, options), sources=dict.fromkeys(vendors, settings)
    ) as run:
        rows = await walk(run, KEYS, 40, filter={"during": during(20)})
        assert rows == [key(row) for row in run.oracle.conferences(NOW - 20 * DAY, NOW)]
