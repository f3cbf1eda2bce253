"""The subscription: its arguments, what callers may see of it, and that each event is a request of its own."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from clocks import Pauses
from graphql.execution.collect_fields import FieldDetails
from schema.fakes import NOW, SCHEMA, FakeAdapter, member
from watchers import Watched, hub_of, live, polled

from graph import clock
from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Fleet, Source
from graph.identity import ALL_SCOPES, ANYBODY, DEFAULT_SCOPES, Identity, Scope
from graph.live import LiveHub
from graph.records import Capability, Person, SourceHealth
from graph.schema import build_schema
from graph.settings import AppSettings, ExecutionSettings, LimitsSettings
from graph.transport.deadline import within_deadline
from graph.transport.meter import count_request
from graph.vendors import VENDORS
from graph.vendors.costs import Costs, Weight

pytestmark = pytest.mark.anyio

EVENTS = "subscription ($sources: [String!]) { liveConferences(sources: $sources) { kind at conference { %s } } }"
NAMES = EVENTS % "sourceName vendorId"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Pauses(monkeypatch)


class WithMembers(Watched):
    """Its members take a request of their own."""

    capabilities = Watched.capabilities | {Capability.LIST_MEMBERS}
    costs = Costs(members_of=Weight(each=2))

    def ask(self, verb: str, what: Any = None) -> None:
        super().ask(verb, what)
        count_request(self.source)


class Stage:
    """Sources, and callers who subscribe to them."""

    def __init__(self, hub: LiveHub, *adapters: FakeAdapter, schema: Any = SCHEMA) -> None:
        self._hub, self._schema = hub, schema
        spec = VENDORS["systec"]
        self._fleet = Fleet(Source(one.source, spec, one.settings, one, one.client) for one in adapters)

    @contextlib.asynccontextmanager
    async def subscribed(
        self, query: str = NAMES, identity: Identity = ANYBODY, **variables: Any
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """The results, as a transport has them."""
        context = Context.create(self._fleet, WindowStore(), AppSettings(), "request-1", identity, self._hub)
        results = await self._schema.subscribe(query, variable_values=variables, context_value=context)
        async with asyncio.timeout(10), contextlib.aclosing(results):
            yield results

    async def refused(self, query: str = NAMES, identity: Identity = ANYBODY, **variables: Any) -> list[str]:
        """The codes of a subscription that ends before it began."""
        async with self.subscribed(query, identity, **variables) as results:
            (only,) = [result async for result in results]
        assert only.data is None
        return [error.extensions["code"] for error in only.errors]


@contextlib.asynccontextmanager
async def staged(*adapters: FakeAdapter, schema: Any = SCHEMA) -> AsyncIterator[Stage]:
    async with hub_of() as hub:
        yield Stage(hub, *adapters, schema=schema)
    for adapter in adapters:
        await adapter.client.aclose()


async def data(results: AsyncIterator[Any]) -> Any:
    """The next event, which has no errors."""
    result = await anext(results)
    assert result.errors is None
    return result.data["liveConferences"]


async def named(results: AsyncIterator[Any], count: int) -> set[tuple[str, str]]:
    """Which conferences the next events are of."""
    found = [(await data(results))["conference"] for _ in range(count)]
    return {(it["sourceName"], it["vendorId"]) for it in found}


# ---- arguments --------------------------------------------------------------------------------------


async def test_events_have_a_kind_an_instant_and_a_conference(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with staged(alpha) as stage, stage.subscribed() as results:
        conference = {"sourceName": "alpha", "vendorId": "1"}
        at = "2026-03-10T12:00:00Z"
        assert await data(results) == {"kind": "STARTED", "at": at, "conference": conference}
        alpha.conferences.clear()
        await polled(pauses)
        assert await data(results) == {"kind": "ENDED", "at": at, "conference": conference}


async def test_sources_narrow_and_null_is_all_that_list_what_goes_on() -> None:
    alpha, beta = Watched("alpha", [live("1")]), Watched("beta", [live("2", "beta")])
    async with staged(alpha, beta, FakeAdapter("gamma")) as stage:
        for sources, expected in (
            (None, {("alpha", "1"), ("beta", "2")}),
            (["beta"], {("beta", "2")}),
            (["beta", "alpha", "beta"], {("alpha", "1"), ("beta", "2")}),
        ):
            async with stage.subscribed(sources=sources) as results:
                assert await named(results, len(expected)) == expected
        async with stage.subscribed(sources=[]) as results:
            assert [result async for result in results] == []


async def test_what_cannot_be_watched_is_refused() -> None:
    alpha, gamma = Watched("alpha"), FakeAdapter("gamma")
    async with staged(alpha, gamma) as stage:
        assert await stage.refused(sources=["nobody"]) == ["UNKNOWN_SOURCE"]
        assert await stage.refused(sources=["alpha", "gamma"]) == ["UNSUPPORTED"]
        assert await stage.refused(sources=[1]) == ["BAD_USER_INPUT"]
        assert alpha.polls == 0
    async with staged(FakeAdapter("gamma")) as stage:
        assert await stage.refused() == ["UNSUPPORTED"]


# ---- what callers may see ---------------------------------------------------------------------------


async def test_whoever_may_not_read_conferences_is_refused_and_nothing_is_asked() -> None:
    alpha = Watched("alpha", [live("1")])
    without = Identity(name="counter", scopes=frozenset({Scope.STATISTICS_READ}))
    async with staged(alpha) as stage:
        assert await stage.refused(identity=without) == ["FORBIDDEN"]
        assert alpha.asked == []


async def test_a_caller_of_some_sources_gets_events_of_those_alone() -> None:
    alpha, beta = Watched("alpha", [live("1")]), Watched("beta", [live("2", "beta")])
    only = Identity(name="company a", scopes=ALL_SCOPES, sources=frozenset({"alpha"}))
    async with staged(alpha, beta) as stage:
        async with stage.subscribed(identity=only) as results:
            assert await named(results, 1) == {("alpha", "1")}
        assert await stage.refused(identity=only, sources=["beta"]) == ["UNKNOWN_SOURCE"]
        assert (alpha.polls, beta.polls) == (1, 0)


async def test_what_is_personal_is_refused_in_each_event(pauses: Pauses) -> None:
    alpha = Watched("alpha", [live("1", host=Person(name="boss", email="boss@example.org"))])
    caller = Identity(name="dashboard", scopes=DEFAULT_SCOPES)
    async with staged(alpha) as stage, stage.subscribed(EVENTS % "host { name email }", caller) as results:
        for _ in range(2):
            result = await anext(results)
            assert result.data["liveConferences"]["conference"] == {"host": {"name": "boss", "email": None}}
            assert [error.extensions["code"] for error in result.errors] == ["FORBIDDEN"]
            alpha.conferences.clear()
            await polled(pauses)


# ---- each event is a request of its own -------------------------------------------------------------


async def test_joins_are_read_anew_for_each_event_within_its_own_time_and_told_as_its_cost(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = live("1")
    alpha = WithMembers("alpha", [first])
    alpha.members = [member(first, "m1")]
    left: list[float] = []
    health = alpha.client.health

    def timed() -> SourceHealth:
        left.append(within_deadline(10**6))
        return health()

    monkeypatch.setattr(alpha.client, "health", timed)
    time = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    query = EVENTS % "members { nodes { vendorId } } source { health { state } }"
    async with staged(alpha) as stage, stage.subscribed(query) as results:
        for count in (1, 2, 3):
            result = await anext(results)
            nodes = result.data["liveConferences"]["conference"]["members"]["nodes"]
            assert [node["vendorId"] for node in nodes] == [row.vendor_id for row in alpha.members]
            assert result.extensions["cost"]["actual"] == 1
            assert result.extensions["cost"]["requested"] == 2
            alpha.members.append(member(first, f"m{count + 1}"))
            alpha.conferences = [live("1", member_count=count)]
            time[0] += 1000
            await polled(pauses)
    assert alpha.verbs.count("read_members") == 3
    assert left == [AppSettings().server.request_timeout_s] * 3


async def test_a_slow_reader_is_told_how_much_it_was_spared(pauses: Pauses) -> None:
    alpha = Watched("alpha", [live("1")])
    async with staged(alpha) as stage, stage.subscribed() as results:
        first = await anext(results)
        for title in "abc":
            alpha.conferences = [live("1", title=title)]
            await polled(pauses)
        second = await anext(results)
        alpha.conferences.clear()
        await polled(pauses)
        third = await anext(results)
        assert [result.extensions.get("spared") for result in (first, second, third)] == [None, 2, None]


@pytest.mark.usefixtures("as_set")
@pytest.mark.parametrize("compiled", [False, True])
async def test_events_leave_nothing_behind(pauses: Pauses, *, compiled: bool) -> None:
    def kept() -> int:
        gc.collect()
        return sum(type(it) is FieldDetails for it in gc.get_objects())  # isinstance would ask what a proxy is for

    schema = build_schema(AppSettings(execution=ExecutionSettings(compiled=compiled)))
    alpha = Watched("alpha", [live("1")])
    async with staged(alpha, schema=schema) as stage, stage.subscribed() as results:
        await data(results)
        before = kept()
        for number in range(30):
            alpha.conferences = [live("1", title=str(number))]
            await polled(pauses)
            await data(results)
        assert kept() < before + 30


async def test_an_outage_is_an_error_of_its_source_and_the_subscription_goes_on(pauses: Pauses) -> None:
    alpha = Watched("alpha")
    alpha.is_down = True
    async with staged(alpha) as stage, stage.subscribed() as results:
        result = await anext(results)
        (error,) = result.errors
        assert (result.data, error.path) == (None, ["liveConferences"])
        assert (error.extensions["code"], error.extensions["source"]) == ("VENDOR_ERROR", "alpha")
        assert "It is down." in error.message
        alpha.is_down = False
        alpha.conferences.append(live("1"))
        await polled(pauses)
        assert await named(results, 1) == {("alpha", "1")}


async def test_a_fault_of_ours_ends_the_subscription_and_is_masked() -> None:
    alpha = Watched("alpha")
    alpha.conferences = ["hush-hush"]  # type: ignore[list-item]  # that is the fault
    async with staged(alpha) as stage, stage.subscribed() as results:
        (only,) = [result async for result in results]
        (error,) = only.errors
        assert (only.data, error.extensions["code"]) == (None, "INTERNAL")
        assert "hush-hush" not in error.message


async def test_a_value_that_must_not_be_null_is_our_fault_in_the_first_event_too() -> None:
    alpha = Watched("alpha", [live("1", state=None)])
    async with staged(alpha) as stage, stage.subscribed(EVENTS % "state") as results:
        (error,) = (await anext(results)).errors
        assert error.extensions["code"] == "INTERNAL"


async def test_whoever_goes_away_is_told_no_more_and_the_source_is_left_alone() -> None:
    alpha = Watched("alpha", [live("1")])
    async with staged(alpha) as stage:
        async with stage.subscribed() as results:
            await anext(results)
        async with stage.subscribed() as results:
            assert await named(results, 1) == {("alpha", "1")}
    assert alpha.polls == 2  # the first loop had ended


# ---- limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "query"),
    [
        (LimitsSettings(max_depth=3), EVENTS % "host { organization { name } }"),
        (LimitsSettings(max_cost=1), EVENTS % "members { nodes { vendorId } }"),
        (LimitsSettings(max_page_rows=99), EVENTS % "members(first: 100) { nodes { vendorId } }"),
    ],
)
async def test_limits_hold_for_subscriptions(limits: LimitsSettings, query: str) -> None:
    alpha = WithMembers("alpha", [live("1")])
    async with staged(alpha, schema=build_schema(AppSettings(limits=limits))) as stage:
        assert await stage.refused(query) == ["LIMIT_EXCEEDED"]
        assert alpha.asked == []
