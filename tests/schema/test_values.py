"""How much an answer may tell: the values of its rows, however they come together."""

from typing import Any

import pytest
from graphql import GraphQLList, GraphQLObjectType, get_nullable_type
from schema.fakes import SCHEMA, FakeAdapter, call, conference, member, run

from graph.ids import IdKind, encode_id
from graph.records import Capability
from graph.schema import values
from graph.schema.values import LISTS, ROWS
from graph.settings import LimitsSettings
from graph.transport.meter import Tab, start_tab

pytestmark = pytest.mark.anyio

DAY = '{from: "2026-03-10T00:00:00Z", to: "2026-03-11T00:00:00Z"}'
PAGE = f"conferences(filter: {{during: {DAY}}}, first: 10)"
IDS = [encode_id(IdKind.CONFERENCE, "alpha", str(number)) for number in range(4)]


def adapters() -> list[FakeAdapter]:
    """Two sources; one has four conferences, each with three members and two calls."""
    rows = [conference("alpha", str(number)) for number in range(4)]
    members = [member(row, f"{row.vendor_id}-{number}") for row in rows for number in range(3)]
    calls = [call(row, f"{row.vendor_id}-{number}") for row in rows for number in range(2)]
    return [FakeAdapter("alpha", rows, members=members, calls=calls), FakeAdapter("beta")]


async def told(query: str, max_values: int, **variables: Any) -> list[tuple[str, Any]]:
    """The codes of the errors of a query, and what they are about."""
    result = await run(adapters(), query, limits=LimitsSettings(max_values=max_values), **variables)
    return [(error.extensions["code"], error.path[0]) for error in result.errors or ()]


COUNTED: dict[str, tuple[str, int]] = {
    "rows": (f"{{ {PAGE} {{ nodes {{ id }} }} }}", 4 * 2),
    "rows with cursors": (f"{{ {PAGE} {{ edges {{ cursor node {{ id }} }} }} }}", 4 * 4),
    "rows told twice": (f"{{ {PAGE} {{ nodes {{ id }} edges {{ node {{ id }} }} }} }}", 4 * 5),
    "rows under another name": (f"{{ {PAGE} {{ nodes {{ id }} more: nodes {{ id title }} }} }}", 4 * 5),
    "pages under another name": (f"{{ {PAGE} {{ nodes {{ id }} }} more: {PAGE} {{ nodes {{ id }} }} }}", 2 * 4 * 2),
    "equal rows once": (f"{{ {PAGE} {{ nodes {{ id }} }} {PAGE} {{ nodes {{ id title }} }} }}", 4 * 3),
    "fragments": (f"{{ {PAGE} {{ nodes {{ ...F ...F }} }} }} fragment F on Conference {{ id a: id }}", 4 * 3),
    "what is within": (f"{{ {PAGE} {{ nodes {{ id host {{ name email }} }} }} }}", 4 * 5),
    "a long name": (f"{{ {PAGE} {{ nodes {{ {'a' * 100}: id }} }} }}", 4 * 5),
    "what is left out": (f"{{ {PAGE} {{ nodes {{ id title @skip(if: true) }} }} }}", 4 * 2),
    "what is beside rows": (f"{{ {PAGE} {{ complete pageInfo {{ endCursor }} }} }}", 3),
    "each source": (f"{{ {PAGE} {{ sources {{ source {{ name }} }} }} }}", 1 + 2 * 2),
    "what a source can": (
        f"{{ {PAGE} {{ nodes {{ source {{ capabilities }} }} }} }}",
        4 * (1 + 1 + 1 + len(Capability)),
    ),
    "rows of rows": (
        f"{{ {PAGE} {{ nodes {{ members {{ nodes {{ id }} }} calls {{ totalCount }} }} }} }}",
        4 * (1 + 1 + 2) + 4 * 3 * 2 + 4 * 1,
    ),
    "less rows than asked for": (f"{{ {PAGE} {{ nodes {{ members(first: 2) {{ nodes {{ id }} }} }} }} }}", 24),
    "objects by id": ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", 4),
    "entities": (
        "query($all: [_Any!]!) { _entities(representations: $all) { ... on Conference { id title } } }",
        4 * 2,
    ),
}


GIVEN: dict[str, Any] = {
    "ids": IDS,
    "all": [{"__typename": "Conference", "id": one} for one in IDS],
}


@pytest.mark.parametrize("name", COUNTED)
async def test_each_value_of_a_row_counts(name: str) -> None:
    """As many as there are may be told, and one less may not."""
    query, count = COUNTED[name]
    variables = {word: value for word, value in GIVEN.items() if f"${word}:" in query}
    assert await told(query, count, **variables) == []
    (refusal,) = await told(query, count - 1, **variables)
    assert refusal[0] == "LIMIT_EXCEEDED"


async def test_days_are_rows() -> None:
    """Of which a report has one for each, with something of each source."""
    days = '{from: "2026-03-01", to: "2026-03-10"}'
    query = f"{{ usage(of: CONFERENCES, days: {days}) {{ buckets {{ date bySource {{ source {{ name }} }} }} }} }}"
    count = 10 * (1 + 1 + 1 + 2 * 2)
    assert await told(query, count) == []
    assert await told(query, count - 1) == [("LIMIT_EXCEEDED", "usage")]


async def test_what_goes_beyond_is_refused_and_the_rest_told() -> None:
    query = f"{{ a: {PAGE} {{ nodes {{ id }} }} b: {PAGE} {{ nodes {{ id }} }} c: {PAGE} {{ complete }} }}"
    result = await run(adapters(), query, limits=LimitsSettings(max_values=10))
    (error,) = result.errors
    assert (error.path, error.extensions["code"]) == (["b"], "LIMIT_EXCEEDED")
    assert "max_values" in error.message
    assert len(result.data["a"]["nodes"]) == 4
    assert result.data["b"] is None


def test_every_list_of_the_schema_is_counted() -> None:
    """A list that nobody thought of would be told for nothing, however long it is."""
    lists = {
        (kind.name, name)
        for kind in SCHEMA._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if isinstance(get_nullable_type(field.type), GraphQLList)
    }
    assert len(lists) > 20
    assert {it for it in lists if it[1] not in ROWS.keys() | LISTS} == {("Query", "_entities")}
    assert {it for it in lists if it[0] == "Query"} == {("Query", name) for name in ("_entities", "nodes", "sources")}


async def test_many_values_are_work_that_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "VALUES_OF_WORK", 10)
    tab = Tab()
    start_tab(tab)
    await run(adapters(), f"{{ a: {PAGE} {{ nodes {{ id title }} }} b: {PAGE} {{ nodes {{ id }} }} }}")
    assert tab.spent == (4 * 3 + 4 * 2) // 10
