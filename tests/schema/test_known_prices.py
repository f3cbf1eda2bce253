"""A price that is known is told only of requests that cost the same: it may be that of another one's variables."""

import itertools
from random import Random
from typing import Any

import pytest
from schema.fakes import FakeAdapter, conference, run

from graph.ids import IdKind, encode_id
from graph.schema import cost
from graph.vendors.costs import Costs, Weight

pytestmark = pytest.mark.anyio

QUERY = """query($filter: ConferenceFilter, $first: Int, $after: String, $during: TimeRange, $search: String,
                 $name: String!, $one: Int = 7, $days: DateRange!, $ids: [ID!]!, $yes: Boolean = true) {
  conferences(filter: $filter, first: $first, after: $after) { totalCount nodes { ...Row @include(if: $yes) } }
  narrowed: conferences(filter: {during: $during, search: $search, sources: [$name]}, first: $one) { totalCount }
  calls(filter: {during: {from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z"}}, after: $after) { totalCount }
  usage(of: CONFERENCES, days: $days) { __typename }
  nodes(ids: $ids) { ...Row }
}
fragment Row on Conference { memberCount members(first: $first) { totalCount } room { capacity } }"""
MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-05T00:00:00Z"}
APRIL = {"from": "2026-04-01T00:00:00Z", "to": "2026-04-05T00:00:00Z"}
IDS = [encode_id(IdKind.CONFERENCE, name, str(number)) for name in ("alpha", "beta") for number in range(80)]
CHOICES: dict[str, list[Any]] = {
    "filter": [None, {}, {"sources": ["alpha"]}, {"sources": "beta", "during": MARCH}, {"during": MARCH},
               {"during": APRIL}, {"during": None, "search": "x"}, {"states": ["LIVE"]}, {"vendors": ["NETEASE"]},
               {"sources": ["alpha"], "vendorIds": ["1", "2"]},
               {"sources": ["alpha"], "vendorIds": ["1", "2"], "during": MARCH}],
    "first": [None, 0, 1, 1.0, 50, 1000],
    "after": [None, "somewhere", "elsewhere"],
    "during": [None, MARCH, APRIL],
    "search": [None, "a", "b"],
    "name": ["alpha", "beta", "gamma"],
    "one": [1, 8],
    "days": [{"from": "2026-03-01", "to": f"2026-03-{day}"} for day in ("02", "03", "30")],
    "ids": [[], IDS[:1], IDS[:3], IDS[-3:], IDS, ["nonsense"]],
    "yes": [True, False],
}  # fmt: skip


def adapters(weight: int = 1) -> list[FakeAdapter]:
    """Two sources, which cost so many times as much as others."""
    made = []
    for place, name in enumerate(("alpha", "beta"), 1):
        made.append(adapter := FakeAdapter(name, [conference(name, "1")]))
        each = Weight(each=weight * place, batch=20)
        adapter.costs = Costs(plan=weight, count=place, conferences=each, members_of=each, capacities=each, usage=each)
    return made


async def requested(sources: list[FakeAdapter], query: str, **variables: Any) -> dict[str, Any]:
    told = (await run(sources, query, **variables)).extensions["cost"]
    return {"all": told["requested"]} | {it["source"]: it["requested"] for it in told["bySource"]}


async def test_it_is_what_a_document_costs_that_nobody_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that differ in one variable, and those of other sources, are asked while each price is remembered."""
    monkeypatch.setattr(cost, "MOST_BILLS", 10_000)
    random, sources, others = Random(20261121), adapters(1), adapters(3)  # noqa: S311 - the same each time
    prices = set()
    for number in range(80):
        asked = {name: random.choice(values) for name, values in CHOICES.items() if random.random() < 0.9}
        asked |= {name: CHOICES[name][0] for name in ("days", "ids", "name") if name not in asked}
        changed = random.choice([*CHOICES])
        for variables in (asked, asked | {changed: random.choice(CHOICES[changed])}):
            for place, of in enumerate((sources, others, sources[:1])):
                known = await requested(of, QUERY, **variables)
                fresh = f"{QUERY} # {number} {place} {variables is asked}"
                assert known == await requested(of, fresh, **variables), variables
                prices.add(known["all"])
    assert len(prices) > 100


@pytest.mark.parametrize("range_", [None, MARCH], ids=["null first", "null last"])
async def test_null_is_not_taken_for_what_is_given(range_: dict[str, str] | None) -> None:
    """A page of conferences by id may have to read on to its end where they are narrowed by anything else."""
    query = f"query($f: ConferenceFilter) {{ conferences(filter: $f, first: 1) {{ nodes {{ id }} }} }} # {range_}"
    sources, wanted = adapters(), {"sources": ["alpha"], "vendorIds": [str(number) for number in range(900)]}
    sources[0].chosen_at_once = 20
    known = [
        await requested(sources, query, f={**wanted, "during": during})
        for during in (range_, None if range_ else MARCH)
    ]
    assert (known[0]["all"] < known[1]["all"]) is (range_ is None)


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each price that is worked out."""
    found: list[str] = []
    walk = cost._Walk.visit

    def noted(self: Any, type_name: str, *arguments: Any) -> None:
        if type_name == "Query":
            found.append(type_name)
        walk(self, type_name, *arguments)

    monkeypatch.setattr(cost._Walk, "visit", noted)
    return found


async def test_it_is_worked_out_once_whatever_the_range_or_the_cursor(walks: list[str]) -> None:
    query = "query($f: ConferenceFilter, $c: String) { conferences(filter: $f, after: $c) { nodes { id } } } # once"
    sources = adapters()
    for range_, cursor in itertools.product((MARCH, APRIL), ("a", "b")):
        await requested(sources, query, f={"during": range_, "sources": ["alpha"]}, c=cursor)
    assert len(walks) == 1
    await requested(sources, query, f={"during": MARCH, "sources": ["beta"]}, c="a")
    assert len(walks) == 2
    await requested(sources, query, f={"sources": ["alpha"]})
    assert len(walks) == 3


async def test_no_more_than_a_few_are_known(walks: list[str]) -> None:
    query = "query($n: Int, $s: [String!]) { conferences(first: $n, filter: {sources: $s}) { nodes { id } } } # few"
    sources = adapters()
    for number in (*range(cost.MOST_BILLS), *range(cost.MOST_BILLS)):
        await requested(sources, query, n=number)
    assert len(walks) == cost.MOST_BILLS
    for number in (cost.MOST_BILLS, 0):  # one too many: all are forgotten
        await requested(sources, query, n=number)
    assert len(walks) == cost.MOST_BILLS + 2
    for _ in range(2):
        await requested(sources, query, n=1, s=["alpha" * cost.LONGEST_KEY])
    assert len(walks) == cost.MOST_BILLS + 4
