"""What a query may cost is told, kept to, and refused when it is too much; in requests to vendors."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from queries import Client
from random_queries import Asker, ids_of
from schema.fakes import FakeAdapter, conference, run
from worlds import TYPES, Running, running, source_tables

from graph.ids import IdKind, encode_id
from graph.schema import build_schema
from graph.settings import AppSettings, LimitsSettings, build

pytestmark = pytest.mark.anyio

Answer = dict[str, Any]
IDS = [encode_id(IdKind.CONFERENCE, "netease", str(number)) for number in range(21)]
ENTITIES = [{"__typename": "Conference", "sourceName": "netease", "vendorId": str(number)} for number in range(21)]


def sent(run: Running) -> Counter[str]:
    """Requests since this was asked last, by vendor, whose source is named like it."""
    counts: Counter[str] = Counter()
    for name, count in run.requests().items():
        counts[name.partition(" ")[0]] += count
    return counts


def actual(answer: Answer) -> Counter[str]:
    return Counter({it["source"]: it["actual"] for it in answer["extensions"]["cost"]["bySource"] if it["actual"]})


def requested(answer: Answer) -> Counter[str]:
    return Counter({it["source"]: it["requested"] for it in answer["extensions"]["cost"]["bySource"]})


@contextlib.asynccontextmanager
async def fresh(run: Running, **tables: Mapping[str, object]) -> AsyncIterator[Client]:
    """Another confgraph over the same emulators, which has read nothing yet."""
    async with Client(build({"sources": source_tables(run.sandbox, {}), **tables}, TYPES, {})) as client:
        run.requests()
        yield client


async def test_what_was_really_sent_is_told_by_source(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ conferences(first: 50) { nodes { id members { totalCount } } totalCount } live { memberCount } }"
    async with running(monkeypatch, 1000) as run:
        run.requests()
        answer = await run.client.ask(query)
        assert actual(answer) == sent(run)
        assert len(actual(answer)) == 5
        cost = answer["extensions"]["cost"]
        assert cost["actual"] == sum(actual(answer).values())
        assert cost["actual"] <= cost["requested"] <= sum(requested(answer).values())
        again = await run.client.ask("{ sources { name } }")
        assert again["extensions"]["cost"] == {"requested": 0, "actual": 0, "bySource": []}


async def test_what_two_requests_share_is_charged_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ conferences(first: 5) { nodes { id } } }"
    async with running(monkeypatch, 400) as run:
        run.requests()
        answers = await asyncio.gather(*(run.client.ask(query) for _ in range(4)))
        totals = sent(run)
        for source, count in totals.items():
            assert sum(actual(answer).get(source, 0) for answer in answers) == count
        assert sum(totals.values()) < 2 * max(sum(actual(answer).values()) for answer in answers)


MEMBERS = "nodes { members { totalCount } }"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (f"query($n: Int) {{ conferences(first: $n) {{ {MEMBERS} }} }}", {"n": 1000}),
        (f"query($n: Int = 1000) {{ conferences(last: $n) {{ {MEMBERS} }} }}", {}),
        (f"query($f: ConferenceFilter) {{ conferences(filter: $f) {{ {MEMBERS} }} }}", {"f": {"sources": "netease"}}),
        ("{ rooms(first: 100) { nodes { conferences { totalCount } } } }", {}),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { ... on Conference { title } } }", {"ids": IDS}),
        ("query($all: [_Any!]!) { _entities(representations: $all) { __typename } }", {"all": ENTITIES}),
    ],
)
async def test_what_may_cost_too_much_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, query: str, variables: dict[str, Any]
) -> None:
    """Whether the number stands in the document, in a variable or in its default."""
    async with running(monkeypatch, 100) as run, fresh(run, limits={"max_cost": 20}) as client:
        answer = await client.ask(query, **variables)
        assert sent(run) == {}
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        cost = answer["extensions"]["cost"]
        assert f"may take {cost['requested']} requests to vendors; allowed are 20 (limits.max_cost)" in error["message"]
        assert cost["requested"] > 20
        assert cost["actual"] == 0
        assert "data" not in answer


async def test_pages_within_pages_multiply() -> None:
    schema = build_schema(AppSettings(limits=LimitsSettings(max_page_rows=2_100)))
    for inner, is_refused in ((20, False), (21, True), (21.0, True)):  # execution takes 21.0 for 21
        adapter = FakeAdapter("alpha", [conference("alpha", "1")])
        query = "query($n: Int) {conferences(first: 100){nodes{members(first: $n){totalCount}}}}"
        result = await run([adapter], query, schema=schema, n=inner)
        assert bool(result.errors) is is_refused
        if is_refused:
            assert result.errors[0].extensions["code"] == "LIMIT_EXCEEDED"
            assert "2200 rows" in result.errors[0].message
            assert adapter.asked == []


async def test_a_cursor_without_a_value_is_priced_as_none() -> None:
    """Clients have one query for all pages."""
    query = "query($after: String) {conferences(first: 1, after: $after){complete}}"
    costs = []
    for variables in ({}, {"after": None}, {"after": "torn"}):
        result = await run([FakeAdapter("alpha", [conference("alpha", "1")])], query, **variables)
        costs.append(result.extensions["cost"]["requested"])
    first, explicit, later = costs
    assert first == explicit < later


async def test_fields_that_are_left_out_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    query = """
    query($no: Boolean!) {
      conferences(first: 1000) @skip(if: true) { nodes { members { totalCount } } }
      ...Calls @include(if: $no)
      live(sources: []) { memberCount }
      ended: conferences(filter: {states: [CANCELLED], sources: ["hexmeet", "quanshi"]}) { nodes { id } }
      none: conferences(first: 0) { nodes { members { totalCount } } }
    }
    fragment Calls on Query { calls { nodes { id } } }
    """
    async with running(monkeypatch, 100) as run:
        run.requests()
        answer = await run.client.ask(query, no=False)
        assert "errors" not in answer
        assert answer["extensions"]["cost"] == {"requested": 0, "actual": 0, "bySource": []}
        assert sent(run) == {}


async def test_the_same_field_in_two_fragments_is_paid_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fragments of components ask for the same page; an alias is another page."""
    calls = "calls(first: 5) { nodes { id } }"
    queries = [
        f"{{ {calls} }}",
        f"{{ ...A ...B }} fragment A on Query {{ {calls} }} fragment B on Query {{ {calls} }}",
        f"{{ ...A ...B }} fragment A on Query {{ {calls} }} fragment B on Query {{ b: {calls} }}",
    ]
    async with running(monkeypatch, 100) as run:
        answers = [await run.client.ask(query) for query in queries]
        one, same, two = (answer["extensions"]["cost"]["requested"] for answer in answers)
        assert one == same
        assert two == 2 * one


async def test_each_row_is_of_one_source_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second account makes no more rows, so that the whole is less than the sum of what each may have."""
    query = "{ conferences(first: 500) { nodes { members { totalCount } } } }"
    async with running(monkeypatch, 100, sources={"other": {"vendor": "netease"}}) as run:
        answer = await run.client.ask(query)
        assert requested(answer)["netease"] == requested(answer)["other"] > 500
        assert answer["extensions"]["cost"]["requested"] < 700


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_kept", [True, False])
async def test_no_query_costs_a_source_more_than_was_predicted(
    monkeypatch: pytest.MonkeyPatch, seed: int, is_kept: bool
) -> None:
    """Each query comes first to a confgraph that has read nothing; with its cache, and without."""
    async with running(monkeypatch, 2000) as run:
        asker = Asker(seed, await ids_of(run))
        for _ in range(6):
            async with fresh(run, cache={"enabled": is_kept}, limits={"max_cost": 10**6}) as client:
                query = asker.query()
                answer = await client.ask(query)
                cost = answer["extensions"]["cost"]
                assert actual(answer) <= requested(answer), (query, cost)
                assert cost["actual"] <= cost["requested"], (query, cost)
                assert not {it["extensions"]["code"] for it in answer.get("errors", ())} - {"LOOKUP_LIMIT"}, query
