"""The one query over all vendors equals the world, as far as each vendor can list it."""

from typing import Any

import pytest
from answers import FRAGMENTS, Row, core, joined, text
from worlds import DAY, NOW, Running, during, running

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


@pytest.mark.parametrize("order", ["START_DESC", "START_ASC"])
@pytest.mark.parametrize("backward", [False, True])
async def test_sixty_days_are_paged_to_the_end_in_both_directions_and_orders(
    monkeypatch: pytest.MonkeyPatch, order: str, backward: bool
) -> None:
    async with running(monkeypatch, 3000) as run:
        rows = await walk(run, KEYS, 400, backward=backward, filter={"during": during(62)}, order=order)
        expected = [key(row) for row in run.oracle.conferences(NOW - 62 * DAY, NOW)]
        assert len(expected) > 2700
        assert rows == (expected if order == "START_DESC" else expected[::-1])


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
        assert {row["state"] for row in expected} >= {"SCHEDULED", "CANCELLED"}
        assert [joined(row) for row in rows] == expected


async def test_a_conference_is_found_again_by_its_id_and_by_its_vendors_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same object, whichever way it is asked for; ids differ between all conferences."""
    listed = "{ conferences(first: 1000) { nodes { id ...Core } } }" + FRAGMENTS.partition("fragment Attendance")[0]
    by_id = "query($ids: [ID!]!) { nodes(ids: $ids) { id ...Core } }" + FRAGMENTS.partition("fragment Attendance")[0]
    by_key = "query($source: String!, $key: String!) { conference(source: $source, vendorId: $key) { id } }"
    async with running(monkeypatch) as run:
        rows = (await run.client.data(listed))["conferences"]["nodes"]
        assert len({row["id"] for row in rows}) == len(rows)
        chosen = list({row["sourceName"]: row for row in rows}.values())
        assert len(chosen) == 5
        found = (await run.client.data(by_id, ids=[row["id"] for row in chosen]))["nodes"]
        for row, again in zip(chosen, found, strict=True):
            is_partial = row["sourceName"] == "netease"  # its detail names neither host nor creator
            assert again == (row | {"host": None, "creator": None} if is_partial else row)
        for row in chosen:
            answer = await run.client.data(by_key, source=row["sourceName"], key=row["vendorId"])
            assert answer["conference"]["id"] == row["id"]


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
