"""Whatever a caller asks, it sees what its scopes and sources allow and no more: random callers, random documents.

The right answer is that of a confgraph which has its sources alone, to somebody who may see everything of them, with
null in the places of what it may not see.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from callers import bearer, key_settings
from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, get_named_type, parse
from hypothesis import given, note, settings
from hypothesis import strategies as st
from marked import leaks
from random_queries import ids_of
from random_selections import Writer
from servers import serve
from worlds import DAY, NOW, TYPES, Running, during, running, source_tables

from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Fleet, build_fleet
from graph.identity import ALL_SCOPES, ANYBODY, Identity, Scope
from graph.paging import listing
from graph.schema import build_schema
from graph.server import create_app
from graph.settings import AppSettings, AuthSettings, LimitsSettings, ServerSettings, build

SOURCES = ["hexmeet", "huawei", "netease", "quanshi", "systec"]
# Written down once more, so that the table of the code is held against something.
NEEDS = {
    "conferences:read": "Query.conferences Query.conference Query.calls Query.rooms Query.mcuResources Query.node "
    "Query.nodes Query._entities UsageGroup.room",
    "statistics:read": "Query.usage Query.usageBy Query.live Query.regionCounts Room.usage McuResource.utilization",
    "pii:read": "Person.email Person.phoneNumber Member.phoneNumber Call.phoneNumber QuanshiConferenceFields.hostIp "
    "QuanshiConferenceFields.hostLocation",
    "sources:read": "Query.sources Source.health",
}
NAMES = "Person.name Person.accountId Member.displayName Member.accountId Call.displayName"
CURSORS = {"cursor", "startCursor", "endCursor"}
Place = tuple[str, ...]


class Answer(NamedTuple):
    """What somebody was answered; errors as (path, code, message)."""

    data: Any
    errors: list[tuple[list[str | int] | None, str, str]]
    cost: Any


class Stage:
    """One confgraph over all sources of a world, and others over some of them; each keeps what it read."""

    def __init__(self, run: Running, ids: list[str]) -> None:
        self.run = run
        self.ids = ids
        limits = LimitsSettings(max_cost=10**6, max_aliases=1000, max_errors=10**6)
        configured = build({"sources": source_tables(run.sandbox, {})}, TYPES, {})
        self.settings: dict[bool, AppSettings] = {}
        for has_names in (False, True):
            auth = AuthSettings(names_are_pii=has_names)
            server = ServerSettings(page_budget=10**4)
            self.settings[has_names] = AppSettings(server=server, sources=configured.sources, limits=limits, auth=auth)
        self.schemas = {has_names: build_schema(known) for has_names, known in self.settings.items()}
        self._fleets: dict[frozenset[str], tuple[Fleet, WindowStore]] = {}

    def _fleet(self, names: frozenset[str]) -> tuple[Fleet, WindowStore]:
        if names not in self._fleets:
            sources = {name: it for name, it in self.settings[False].sources.items() if name in names}
            store = WindowStore()
            self._fleets[names] = build_fleet(AppSettings(sources=sources), store=store), store
        return self._fleets[names]

    async def ask(
        self, document: str, identity: Identity, names: frozenset[str] = frozenset(SOURCES), *, has_names: bool = False
    ) -> Answer:
        """Ask a confgraph that has these sources."""
        fleet, store = self._fleet(names)
        context = Context.create(fleet, store, self.settings[has_names], "request-1", identity)
        result: Any = await self.schemas[has_names].execute(document, context_value=context)
        errors = [(error.path, error.extensions["code"], error.message) for error in result.errors or ()]
        return Answer(result.data, errors, (result.extensions or {}).get("cost"))

    async def aclose(self) -> None:
        """Close all connections."""
        for fleet, _ in self._fleets.values():
            await fleet.aclose()


@contextlib.asynccontextmanager
async def staged(patch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    patch.setattr(listing, "FIRST_PAGE_BUDGET", 10**4)  # so that nothing depends on what was read before
    async with running(patch, 60) as run, contextlib.aclosing(Stage(run, await ids_of(run))) as stage:
        yield stage


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[BlockingPortal, Stage]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(staged(patch)) as found,
    ):
        yield portal, found


def some_caller(random: Random) -> Identity:
    scopes = frozenset(it for it in Scope if random.random() < (0.4 if it is Scope.PII_READ else 0.85))
    known = frozenset(name for name in [*SOURCES, "not_configured"] if random.random() < 0.5)
    return Identity(name="somebody", scopes=scopes, sources=random.choice([known, known, None]))


# ---- the right answer -------------------------------------------------------------------------------


def refused_places(document: str, schema: Any, refused: set[str]) -> dict[Place, bool]:
    """Where a document asks for what is refused, and whether that is a list of nulls, since it cannot be null."""
    found: dict[Place, bool] = {}

    def visit(selections: SelectionSetNode, kind: Any, place: Place) -> None:
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode) and node.type_condition:
                visit(node.selection_set, schema.type_map[node.type_condition.name.value], place)
            elif isinstance(node, FieldNode) and node.name.value != "__typename":
                here = (*place, (node.alias or node.name).value)
                coordinate = f"{kind.name}.{node.name.value}"
                if coordinate in refused:
                    found[here] = coordinate in ("Query.nodes", "Query._entities")
                elif node.selection_set:
                    visit(node.selection_set, get_named_type(kind.fields[node.name.value].type), here)

    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    visit(operation.selection_set, schema.type_map["Query"], ())
    return found


def blanked(value: Any, places: Mapping[Place, bool], reached: set[Place], here: Place = ()) -> Any:
    """A value with null in these places; notes those that there are."""
    if here in places:
        if value != []:
            reached.add(here)
        return [None] * len(value) if places[here] else None
    if isinstance(value, list):
        return [blanked(item, places, reached, here) for item in value]
    if isinstance(value, dict):
        return {name: blanked(item, places, reached, (*here, name)) for name, item in value.items()}
    return value


def place_of(path: list[str | int] | None) -> Place:
    return tuple(step for step in path or () if isinstance(step, str))


def without_cursors(value: Any) -> Any:
    """A value with whether there are cursors: how far they are depends on what was read before."""
    if isinstance(value, list):
        return [without_cursors(item) for item in value]
    if isinstance(value, dict):
        return {name: it is None if name in CURSORS else without_cursors(it) for name, it in value.items()}
    return value


def check(answer: Answer, whole: Answer, places: Mapping[Place, bool]) -> None:
    """An answer is the whole one of its caller's sources, but for what is refused; that is told once for each place."""
    reached: set[Place] = set()
    assert without_cursors(answer.data) == without_cursors(blanked(whole.data, places, reached))
    told = [place_of(path) for path, code, _ in answer.errors if code == "FORBIDDEN"]
    assert sorted(told) == sorted(reached)
    others = [error for error in answer.errors if error[1] != "FORBIDDEN"]
    expected = [error for error in whole.errors if not any(place_of(error[0])[: len(it)] == it for it in places)]
    assert sorted(map(str, others)) == sorted(map(str, expected))
    assert answer.cost["requested"] == whole.cost["requested"]
    assert {it["source"] for it in answer.cost["bySource"]} <= {it["source"] for it in whole.cost["bySource"]}


# ---- what must not be there -------------------------------------------------------------------------


def personal_words(run: Running) -> set[str]:
    """Telephone numbers and addresses of the world's people."""
    return {word for it in run.sandbox.world.people for word in (it.phone, it.email)}


# ---- the tests ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_nothing_appears_but_what_a_caller_may_see(stage: tuple[BlockingPortal, Stage], seed: int) -> None:
    """Also after, and while, others ask the same who may see more."""
    portal, known = stage
    random = Random(seed)  # noqa: S311 - to be repeatable
    caller = some_caller(random)
    visible = frozenset(SOURCES) & (frozenset(SOURCES) if caller.sources is None else caller.sources)
    has_names = random.random() < 0.3
    schema = known.schemas[has_names]._schema
    words = [] if has_names else ["a", "e", "1"]  # what a search finds would then depend on who searches
    document = Writer(random, schema, known.ids, [*SOURCES, "not_configured"], words).document()
    note(f"{caller}\n{document}")

    async def ask() -> tuple[Answer, Answer]:
        before = random.choice(["nobody", "another", "several at once"])
        if before == "another":
            await known.ask(document, ANYBODY)
        others = [ANYBODY, some_caller(random)] if before == "several at once" else []
        asked = (known.ask(document, caller, has_names=has_names), *(known.ask(document, other) for other in others))
        answer, *_ = await asyncio.gather(*asked)
        return answer, await known.ask(document, ANYBODY, visible, has_names=has_names)

    answer, whole = portal.call(ask)
    refused = {name for scope, names in NEEDS.items() if Scope(scope) not in caller.scopes for name in names.split()}
    if has_names and Scope.PII_READ not in caller.scopes:
        refused |= set(NAMES.split())
    check(answer, whole, refused_places(document, schema, refused))

    hidden = set(SOURCES) - visible
    if Scope.PII_READ not in caller.scopes:
        hidden |= personal_words(known.run)
    errors = [error for error in answer.errors if error[1] != "UNKNOWN_SOURCE"]  # those repeat what was asked for
    assert leaks(hidden, answer.data, [list(error) for error in errors], answer.cost) == []


@pytest.mark.parametrize("names", [["hexmeet"], ["netease", "quanshi"], ["huawei", "systec"], []])
def test_lists_and_counts_are_those_of_the_visible_sources(
    stage: tuple[BlockingPortal, Stage], names: list[str]
) -> None:
    """As the world knows them, whoever asked before."""
    portal, known = stage
    span = during(20)
    filtered = f'filter: {{during: {{from: "{span["from"]}", to: "{span["to"]}"}}}}'
    document = f"{{ conferences({filtered}, first: 1000) {{ totalCount nodes {{ sourceName vendorId }} }} }}"
    everybody = portal.call(known.ask, document, ANYBODY).data["conferences"]["totalCount"]
    caller = Identity(name="somebody", scopes=ALL_SCOPES, sources=frozenset(names))
    told = portal.call(known.ask, document, caller).data["conferences"]
    expected = [
        {"sourceName": row["sourceName"], "vendorId": row["vendorId"]}
        for row in known.run.oracle.conferences(NOW - 20 * DAY, NOW, names)
    ]
    assert told == {"totalCount": len(expected), "nodes": expected}
    assert everybody > len(expected)


@pytest.mark.anyio
async def test_a_key_decides_what_is_seen_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without scopes has all but what is personal; one of some sources sees no others."""
    query = f"""{{ sources {{ name }}
      conferences(filter: {{during: {{from: "{during(5)["from"]}", to: "{during(5)["to"]}"}}}}, first: 1000) {{
        nodes {{ sourceName calls {{ nodes {{ phoneNumber }} }} }}
      }}
    }}"""
    everything = [scope.value for scope in Scope]
    auth = AuthSettings(
        mode="keys",
        keys=[
            key_settings("lesser", sources=["systec"]),
            key_settings("whole", scopes=everything, sources=["systec", "huawei"]),
        ],
    )
    async with running(monkeypatch, 200) as run:
        configured = build({"sources": source_tables(run.sandbox, {})}, TYPES, {})
        app = create_app(AppSettings(sources=configured.sources, auth=auth))
        async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:

            async def ask(name: str) -> tuple[Any, list[str], set[bool]]:
                header = [bearer(f"key of {name}")]
                answer = (await http.post("/graphql", json={"query": query}, headers=header)).json()
                rows = answer["data"]["conferences"]["nodes"]
                assert {row["sourceName"] for row in rows} >= {"systec"}
                assert {row["sourceName"] for row in rows} <= {it["name"] for it in answer["data"]["sources"]}
                numbers = {call["phoneNumber"] is None for row in rows for call in row["calls"]["nodes"]}
                codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
                return [it["name"] for it in answer["data"]["sources"]], codes, numbers

            assert await ask("lesser") == (["systec"], ["FORBIDDEN"], {True})
            assert await ask("whole") == (["huawei", "systec"], [], {False})
