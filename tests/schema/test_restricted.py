"""A caller that may see some sources is answered as if no others were configured, whatever way it asks."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from schema.fakes import NOW, SCHEMA, FakeAdapter, call, conference, member, person

from graph import clock
from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Fleet, Source
from graph.identity import ALL_SCOPES, ANYBODY, Identity
from graph.records import McuResource, Room
from graph.settings import AppSettings
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

ONLY_ALPHA = Identity(name="company a", scopes=ALL_SCOPES, sources=frozenset({"alpha", "not_configured"}))
NOTHING = Identity(name="nobody's", scopes=ALL_SCOPES, sources=frozenset())
RANGE = '{from: "2026-03-10T00:00:00Z", to: "2026-03-11T00:00:00Z"}'
SOURCES = "sources { source { name capabilities health { state } } status totalCount error { message } } complete"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def adapter(name: str, kind: type[FakeAdapter] = FakeAdapter) -> FakeAdapter:
    """Both sources have conferences, rooms and media resources of the same keys, at the same times."""
    room = Room(source_name=name, key="blue", name="blue", vendor_id=f"{name}-9", capacity=4)
    mcu = McuResource(source_name=name, name="mru-1")
    rows = [
        conference(name, str(n), 10 * n, title=f"{name} talks", host=person(f"{name} boss"), room=room, number="7")
        for n in range(1, 6)
    ]
    return kind(
        name,
        rows,
        members=[member(row, "m", display_name=f"{name} boss") for row in rows],
        calls=[call(row, f"{row.vendor_id}c", mcu=mcu, room=room) for row in rows],
        rooms=[room],
        mcus=[mcu],
    )


class Stage:
    """Sources, asked by callers one after another; what was read is kept."""

    def __init__(self, *adapters: FakeAdapter) -> None:
        self.adapters = adapters
        spec = VENDORS["systec"]
        self._fleet = Fleet(Source(one.source, spec, one.settings, one, one.client) for one in adapters)
        self._store = WindowStore()

    async def ask(self, query: str, identity: Identity = ANYBODY, **variables: Any) -> dict[str, Any]:
        """The whole answer, what it cost included."""
        context = Context.create(self._fleet, self._store, AppSettings(), "request-1", identity)
        result: Any = await SCHEMA.execute(query, variable_values=variables, context_value=context)
        errors = sorted((str(error.path), error.message, error.extensions["code"]) for error in result.errors or ())
        return {"data": result.data, "errors": errors, "extensions": result.extensions}


def ids_of(one: FakeAdapter) -> list[str]:
    """Of one object of each kind."""
    objects = (one.conferences[0], one.members[0], one.calls[0], one.rooms["blue"], one.mcus["mru-1"])
    return [it.id for it in objects]


def keys_of(name: str) -> list[dict[str, str]]:
    """Representations by what is not an id."""
    return [
        {"__typename": "Conference", "sourceName": name, "vendorId": "1"},
        {"__typename": "Room", "sourceName": name, "name": "blue"},
        {"__typename": "McuResource", "sourceName": name, "name": "mru-1"},
    ]


def whole(query: str) -> str:
    """A query written with IN_RANGE for a filter's range, and SOURCES for what each source contributed."""
    return query.replace("IN_RANGE", f"during: {RANGE}").replace("SOURCES", SOURCES)


QUERIES = {
    name: whole(query)
    for name, query in {
        "list": """{ conferences(filter: {IN_RANGE}, first: 4) {
          totalCount pageInfo { hasNextPage endCursor } SOURCES
          nodes {
            id title room { id conferences(first: 9) { totalCount nodes { id } } }
            members { totalCount SOURCES nodes { id displayName } } calls { nodes { id mcu { name } } }
          }
        } }""",
        "calls": """{ calls(filter: {IN_RANGE}) {
          totalCount SOURCES nodes { id conference { title } source { name } }
        } }""",
        "search": '{ conferences(filter: {IN_RANGE, search: "beta"}) { totalCount nodes { id } } }',
        "named": '{ conferences(filter: {IN_RANGE, sources: ["beta"]}) { totalCount SOURCES } }',
        "vendor": "{ conferences(filter: {IN_RANGE, vendors: [SYSTEC]}) { totalCount SOURCES } }",
        "chosen": '{ conferences(filter: {sources: ["beta"], vendorIds: ["1"]}) { nodes { title } } }',
        "one": '{ conference(source: "beta", vendorId: "1") { title } }',
        "mine": '{ conference(source: "alpha", vendorId: "1") { id title members { totalCount } } }',
        "rooms": "{ rooms(filter: {IN_RANGE}) { totalCount SOURCES nodes { id } } }",
        "mcus": "{ mcuResources(filter: {IN_RANGE}) { totalCount SOURCES nodes { id } } }",
        "regions": "{ regionCounts(measure: ISSUED_CALLS) { SOURCES } }",
        "usage": """{ usage(of: CALLS, days: {from: "2026-03-01", to: "2026-03-02"}) {
          count SOURCES buckets { bySource { source { name } } }
        } }""",
        "usage by": "{ usageBy(dimension: ROOM, IN_RANGE) { totals { count } SOURCES } }",
        "live": "{ live { conferenceCount SOURCES bySource { source { name } } } }",
        "sources": "{ sources { name vendor capabilities health { state lastError { message } } } }",
        "of a room": "query($room: ID!) { conferences(filter: {room: $room}) { totalCount nodes { id } } }",
        "nodes": "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Conference { title members { totalCount } } } }",
        "entities": "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Conference { title } } }",
    }.items()
}


def variables_of(name: str) -> dict[str, Any]:
    beta = adapter("beta")
    if name == "of a room":
        return {"room": beta.rooms["blue"].id}
    if name == "nodes":
        return {"ids": [*ids_of(beta), *ids_of(adapter("alpha")), "broken"]}
    if name == "entities":
        kinds = ("Conference", "Member", "Call", "Room", "McuResource")
        by_id = [{"__typename": kind, "id": text} for kind, text in zip(kinds, ids_of(beta), strict=True)]
        return {"r": [*keys_of("beta"), *by_id, *keys_of("alpha")]}
    return {}


@pytest.mark.parametrize("is_warm", [False, True])
@pytest.mark.parametrize("name", QUERIES)
async def test_the_answer_is_that_of_a_configuration_without_the_others(name: str, *, is_warm: bool) -> None:
    """Errors and costs too; also when somebody who may see all has asked before."""
    query, variables = QUERIES[name], variables_of(name)
    beta = adapter("beta")
    stage = Stage(adapter("alpha"), beta)
    alone = Stage(adapter("alpha"))
    if is_warm:
        everything = await stage.ask(query, **variables)
        assert everything["data"] is not None
        await alone.ask(query, **variables)
    beta.asked.clear()
    answer = await stage.ask(query, ONLY_ALPHA, **variables)
    assert answer == await alone.ask(query, **variables)
    assert beta.asked == []


@pytest.mark.parametrize("name", QUERIES)
async def test_who_may_see_no_source_sees_none(name: str) -> None:
    query, variables = QUERIES[name], variables_of(name)
    assert await Stage(adapter("alpha")).ask(query, NOTHING, **variables) == await Stage().ask(query, **variables)


@pytest.mark.parametrize("name", ["list", "calls", "rooms", "live", "usage", "sources", "nodes"])
async def test_a_failure_elsewhere_is_no_matter(name: str) -> None:
    """Who may see only sources that are well has a complete answer, and no word of the others."""
    query, variables = QUERIES[name], variables_of(name)
    beta = adapter("beta")
    beta.is_down = True
    stage, alone = Stage(adapter("alpha"), beta), Stage(adapter("alpha"))
    await stage.ask(query, **variables)
    answer = await stage.ask(query, ONLY_ALPHA, **variables)
    await alone.ask(query, **variables)
    assert answer == await alone.ask(query, **variables)


@pytest.mark.parametrize("name", ["conference", "list", "live"])
async def test_what_is_forbidden_is_told_as_what_is_not_there(name: str) -> None:
    """The same words and the same cost, for one name as for the other."""
    queries = {
        "conference": '{ conference(source: "%s", vendorId: "1") { title } }',
        "list": '{ conferences(filter: {sources: ["%s"]}) { nodes { id } } }',
        "live": '{ live(sources: ["alpha", "%s"]) { conferenceCount } }',
    }
    stage = Stage(adapter("alpha"), adapter("beta"))
    forbidden, absent = [await stage.ask(queries[name] % other, ONLY_ALPHA) for other in ("beta", "zeta")]
    assert forbidden["errors"][0][2] == "UNKNOWN_SOURCE"
    assert str(forbidden).replace("beta", "zeta") == str(absent)


async def test_a_cursor_of_more_sources_goes_on_with_those_one_may_see() -> None:
    """As after a source was removed: every row of the others comes, each once, and none of the rest."""
    query = whole("""query($after: String) { conferences(filter: {IN_RANGE}, first: 3, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor }
    } }""")
    stage = Stage(adapter("alpha"), adapter("beta"))
    first = (await stage.ask(query))["data"]["conferences"]
    seen = [node["id"] for node in first["nodes"]]
    after = first["pageInfo"]["endCursor"]
    found: list[str] = []
    while after:
        page = (await stage.ask(query, ONLY_ALPHA, after=after))["data"]["conferences"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    mine = [row.id for row in stage.adapters[0].conferences]
    assert found == [text for text in mine if text not in seen]


class SlowAdapter(FakeAdapter):
    async def list_conferences(self, *args: Any) -> Any:
        await asyncio.sleep(0.05)
        return await super().list_conferences(*args)


async def test_callers_at_the_same_time_share_work_and_not_answers() -> None:
    """What several wait for is read once; each has the rows of the sources that it may see."""
    alone = Stage(adapter("alpha", SlowAdapter), adapter("beta", SlowAdapter))
    await alone.ask(QUERIES["list"])
    stage = Stage(adapter("alpha", SlowAdapter), adapter("beta", SlowAdapter))
    only_beta = Identity(name="company b", scopes=ALL_SCOPES, sources=frozenset({"beta"}))
    callers: Sequence[Identity] = [ANYBODY, ONLY_ALPHA, only_beta, NOTHING, ONLY_ALPHA]
    answers = await asyncio.gather(*(stage.ask(QUERIES["list"], one) for one in callers))
    reads = [[one.verbs.count("list_conferences") for one in it.adapters] for it in (stage, alone)]
    assert reads[0] == reads[1]
    for identity, answer in zip(callers, answers, strict=True):
        names = {"alpha", "beta"} if identity.sources is None else identity.sources & {"alpha", "beta"}
        told = answer["data"]["conferences"]
        assert {result["source"]["name"] for result in told["sources"]} == names
        assert told["totalCount"] == 5 * len(names)
        assert [name for name in ("alpha", "beta") if name in str(answer)] == sorted(names)
