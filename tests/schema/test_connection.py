"""Connections: the page's own data is served as it is, and what costs requests only when it is selected."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from schema.fakes import NOW, FakeAdapter, LiveAdapter, MuteAdapter, call, conference, data, failure, member, run

from graph import clock
from graph.records import Call, ConferenceState
from graph.settings import ServerSettings

pytestmark = pytest.mark.anyio

# Rows that are filtered, and of which some have settled and some have not.
COUNTED_BY_VENDOR = (
    'filter: {during: {from: "2026-01-02T00:00:00Z", to: "2026-03-10T12:00:00Z"}, states: [ENDED, LIVE, SCHEDULED]}'
)
PAGE = "query($n: Int, $c: String) {conferences(first: $n, after: $c){nodes{vendorId} pageInfo{hasNextPage endCursor}}}"


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default range ends at NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def fleet() -> list[FakeAdapter]:
    return [
        FakeAdapter("alpha", [conference("alpha", f"a{n}", 10 * n) for n in range(1, 6)]),
        FakeAdapter("beta", [conference("beta", f"b{n}", 10 * n + 5) for n in range(1, 6)]),
        LiveAdapter("gamma", [conference("gamma", "g", 12, state=ConferenceState.LIVE)]),
        MuteAdapter("omega"),
    ]


LATEST_FIRST = ["a1", "g", "b1", "a2", "b2", "a3", "b3", "a4", "b4", "a5", "b5"]


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_walking_by_end_cursors_gives_every_row_once(size: int) -> None:
    sources, seen, cursor = fleet(), [], None
    for _ in range(20):
        page = (await data(sources, PAGE, n=size, c=cursor))["conferences"]
        seen += [node["vendorId"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == LATEST_FIRST


async def test_walking_backward_and_the_other_order_give_the_same_rows() -> None:
    query = (
        "query($c: String) {conferences(last: 4, before: $c, orderBy: START_ASC)"
        "{edges{cursor node{vendorId}} pageInfo{hasPreviousPage startCursor}}}"
    )
    seen: list[str] = []
    cursor = None
    for _ in itertools.repeat(None, 5):
        page = (await data(fleet(), query, c=cursor))["conferences"]
        seen = [edge["node"]["vendorId"] for edge in page["edges"]] + seen
        assert page["edges"][0]["cursor"] == page["pageInfo"]["startCursor"]
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert seen == LATEST_FIRST[::-1]


async def test_counts_cost_requests_only_when_selected() -> None:
    sources = fleet()
    await data(sources, "{conferences{nodes{id} sources{status source{name}} complete}}")
    assert "count_conferences" not in sources[0].verbs
    answer = await data(sources, "{conferences(first: 2){totalCount sources{source{name} totalCount}}}")
    assert answer["conferences"]["totalCount"] == 11
    assert answer["conferences"]["sources"] == [
        {"source": {"name": name}, "totalCount": count}
        for name, count in (("alpha", 5), ("beta", 5), ("gamma", 1), ("omega", None))
    ]


async def test_the_total_is_not_known_while_a_source_is_down() -> None:
    sources = fleet()
    sources[1].is_down = True
    answer = await data(sources, "{conferences{totalCount complete}}")
    assert answer["conferences"] == {"totalCount": None, "complete": False}


async def test_what_fails_beside_the_rows_is_told_there_and_leaves_them() -> None:
    class Torn(FakeAdapter):
        async def count_conferences(self, query: Any) -> int | None:
            raise ZeroDivisionError(query)

    torn = Torn("alpha", [conference("alpha", "1")], calls=[])
    result = await run([torn], f"{{conferences({COUNTED_BY_VENDOR}){{totalCount nodes{{vendorId}}}}}}")
    assert result.data == {"conferences": {"totalCount": None, "nodes": [{"vendorId": "1"}]}}
    (error,) = result.errors
    assert (error.path, error.extensions["code"]) == (["conferences", "totalCount"], "INTERNAL")


async def test_the_count_of_a_list_is_asked_while_its_rows_ask() -> None:
    class Meeting(FakeAdapter):
        """Answers neither before it was asked for both."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.both = asyncio.Barrier(2)

        async def count_conferences(self, query: Any) -> int | None:
            await self.both.wait()
            return await super().count_conferences(query)

        async def read_members(self, conferences: Any) -> Any:
            await self.both.wait()
            return await super().read_members(conferences)

    one = conference("alpha", "1")
    query = f"{{conferences({COUNTED_BY_VENDOR}){{totalCount nodes{{members{{nodes{{vendorId}}}}}}}}}}"
    async with asyncio.timeout(20):
        answer = await data([Meeting("alpha", [one], members=[member(one, "m")])], query)
    (row,) = answer["conferences"]["nodes"]
    assert answer["conferences"]["totalCount"] == len(row["members"]["nodes"]) == 1


async def test_no_rows_cost_no_request() -> None:
    sources = fleet()
    page = (await data(sources, PAGE, n=0))["conferences"]
    assert page == {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}
    assert [one.asked for one in sources] == [[], [], [], []]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: -1", "INVALID_ARGUMENT"),
        ("first: 1001", "INVALID_ARGUMENT"),
        ("first: 1, last: 1", "INVALID_ARGUMENT"),
        ('first: 1, before: "x"', "INVALID_ARGUMENT"),
        ('last: 1, after: "x"', "INVALID_ARGUMENT"),
        ('after: ""', "INVALID_CURSOR"),
        ('after: "x"', "INVALID_CURSOR"),
        (
            'filter: {during: {from: "2026-01-02T00:00:00Z", to: "2026-01-02T00:00:00Z"}}',
            "INVALID_ARGUMENT",
        ),
        ('filter: {sources: ["nobody"]}', "UNKNOWN_SOURCE"),
    ],
)
async def test_a_refused_argument_leaves_its_siblings(arguments: str, code: str) -> None:
    result = await run(fleet(), f"{{bad: conferences({arguments}){{totalCount}} good: conferences{{complete}}}}")
    assert result.data == {"bad": None, "good": {"complete": True}}
    (error,) = result.errors
    assert error.extensions["code"] == code
    assert error.path == ["bad"]


async def test_a_cursor_belongs_to_its_field_order_and_filter() -> None:
    cursor = (await data(fleet(), PAGE, n=2))["conferences"]["pageInfo"]["endCursor"]
    query = "query($c: String) {conferences(after: $c%s){complete}}"
    for more in ("", ", first: 7, filter: {search: null, states: null}, orderBy: null"):
        assert await data(fleet(), query % more, c=cursor)
    for more in (", orderBy: START_ASC", ', filter: {search: "b"}', ", filter: {states: [LIVE]}"):
        assert (await failure(fleet(), query % more, c=cursor))[0] == "INVALID_CURSOR"
    assert (await failure(fleet(), "query($c: String) {calls(after: $c){complete}}", c=cursor))[0] == "INVALID_CURSOR"


async def test_a_cursor_carries_the_default_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours later the walk goes on through the same day."""
    sources = fleet()
    cursor = (await data(sources, PAGE, n=2))["conferences"]["pageInfo"]["endCursor"]
    monkeypatch.setattr(clock, "now", lambda: NOW.replace(day=11, hour=23))
    page = (await data(sources, PAGE, n=50, c=cursor))["conferences"]
    assert [node["vendorId"] for node in page["nodes"]] == LATEST_FIRST[2:]


async def test_the_page_budget_is_the_configured_one() -> None:
    """Pages of one row each: the page stops when the budget is spent, and says that more is to come."""

    class Slow(FakeAdapter):
        async def list_calls(self, window: Any, token: Any = None) -> Any:
            answer = await super().list_calls(window, token)
            rows: Sequence[Call] = answer.rows
            at = int(token or 0)
            return answer._replace(rows=rows[at : at + 1], token=at + 1 if at + 1 < len(rows) else None)

    one = conference("alpha", "1")
    slow = Slow("alpha", [one], calls=[call(one, str(n), n) for n in range(40)])
    slow.page_size = 1
    query = "{calls(first: 30){nodes{id} pageInfo{hasNextPage endCursor}}}"
    result = await run([slow], query, server=ServerSettings(page_budget=3))
    assert result.data["calls"]["pageInfo"]["hasNextPage"] is True
    assert result.data["calls"]["pageInfo"]["endCursor"] is not None
    assert slow.verbs.count("list_calls") <= 3


async def test_members_are_paged_like_everything_else() -> None:
    one = conference("alpha", "1")
    alpha = FakeAdapter("alpha", [one], members=[member(one, str(n), n) for n in range(5)])
    query = (
        "query($c: String) {conferences{nodes{members(first: 2, after: $c)"
        "{totalCount nodes{vendorId} pageInfo{hasNextPage hasPreviousPage endCursor}}}}}"
    )
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        members = (await data([alpha], query, c=cursor))["conferences"]["nodes"][0]["members"]
        assert members["totalCount"] == 5
        assert members["pageInfo"]["hasPreviousPage"] is bool(seen)
        seen += [node["vendorId"] for node in members["nodes"]]
        cursor = members["pageInfo"]["endCursor"]
    assert seen == ["0", "1", "2", "3", "4"]
    assert members["pageInfo"]["hasNextPage"] is False
