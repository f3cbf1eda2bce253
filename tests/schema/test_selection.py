"""What is selected is read off the document once and right, and only that is asked of the vendors."""

import time

import pytest
from schema.fakes import EmbeddingAdapter, FakeAdapter, conference, data, run

from graph.schema import build_schema
from graph.settings import AppSettings, LimitsSettings
from graph.vendors.base import Extras

pytestmark = pytest.mark.anyio

NOTHING = Extras()
MEMBERS = Extras(members=True)
CALLS = Extras(calls=True)

ROW = "fragment R on Conference{calls{complete}}"
CASES = [
    ("query Q {conferences{nodes{id}}}", {}, NOTHING),
    ("query Q {conferences{nodes{members{totalCount}}}}", {}, MEMBERS),
    ("query Q {conferences{edges{node{c: calls(first: 1){nodes{id}}}}}}", {}, CALLS),
    ("query Q {conferences{nodes{id} edges{node{members{totalCount} calls{totalCount}}}}}", {}, Extras(True, True)),
    ("query Q {conferences{nodes{memberCount}}}", {}, MEMBERS),
    ("query Q {conferences{nodes{... on Conference{... on Node{id} members{totalCount}}}}}", {}, MEMBERS),
    (
        f"query Q {{conferences{{...C}}}} fragment C on ConferenceConnection{{nodes{{...R}}}} {ROW}",
        {},
        CALLS,
    ),
    ("query Q {conferences{nodes{id members @skip(if: true){totalCount}}}}", {}, NOTHING),
    ("query Q {conferences{nodes{id members @include(if: false){totalCount}}}}", {}, NOTHING),
    ("query Q($yes: Boolean!) {conferences{nodes{id members @include(if: $yes){totalCount}}}}", {"yes": True}, MEMBERS),
    (
        "query Q($yes: Boolean!) {conferences{nodes{id members @include(if: $yes){totalCount}}}}",
        {"yes": False},
        NOTHING,
    ),
    ("query Q($no: Boolean = true) {conferences{nodes{id ... @skip(if: $no){calls{totalCount}}}}}", {}, NOTHING),
    (
        "query Q($no: Boolean = true) {conferences{nodes{id ... @skip(if: $no){calls{totalCount}}}}}",
        {"no": False},
        CALLS,
    ),
    ("query Q {conferences{nodes{id}} other: conferences(first: 0){nodes{members{totalCount}}}}", {}, NOTHING),
]


@pytest.mark.parametrize(("query", "variables", "expected"), CASES)
async def test_lists_are_asked_to_bring_along_what_is_selected(
    query: str, variables: dict[str, object], expected: Extras
) -> None:
    adapter = EmbeddingAdapter("beta", [conference("beta", "1")])
    await data([adapter], query, **variables)
    asked = [what.extras for verb, what in adapter.asked if verb == "list_conferences"]
    assert asked == [expected]


async def test_a_source_whose_rows_bring_nothing_along_is_asked_one_way() -> None:
    """Else the same windows would be read and stored twice."""
    adapter = FakeAdapter("alpha", [conference("alpha", "1")])
    await data([adapter], "{conferences{nodes{members{totalCount} calls{totalCount}}}}")
    assert adapter.asked[0][1].extras == NOTHING


async def test_fragments_that_double_cost_no_time() -> None:
    """Fragments, each of which spreads the next twice, select millions of times the same; where the limits let them."""
    last = 25
    doubling = "".join(f"fragment F{n} on Conference{{...F{n + 1} ...F{n + 1}}}" for n in range(last))
    query = f"{{conferences{{nodes{{...F0}}}}}} {doubling} fragment F{last} on Conference{{members{{totalCount}}}}"
    adapter = EmbeddingAdapter("beta", [conference("beta", "1")])
    started = time.perf_counter()
    limits = LimitsSettings(max_depth=100, max_fields=10**9, max_width=10**9)
    result = await run([adapter], query, schema=build_schema(AppSettings(limits=limits)))
    assert result.errors is None
    assert time.perf_counter() - started < 2
    assert adapter.asked[0][1].extras == MEMBERS


async def test_fragments_of_other_types_do_not_count_at_a_node() -> None:
    adapter = EmbeddingAdapter("beta", [conference("beta", "1")])
    id_ = conference("beta", "1").id
    query = "query($id: ID!) {node(id: $id){id ... on Room{conferences{totalCount}} ... on Conference{title}}}"
    await data([adapter], query, id=id_)
    await data([adapter], query.replace("title", "members{totalCount}"), id=id_)
    assert [what[1] for verb, what in adapter.asked if verb == "get_conferences"] == [NOTHING, MEMBERS]
