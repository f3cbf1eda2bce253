"""How many requests are answered at once, and what callers may cost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from callers import bearer, key_settings
from clocks import own_clock
from faulty import Faulty
from holding import Holds, until
from loglines import lines
from servers import serve
from starlette.types import ASGIApp
from valkeys import running_valkey
from wires import HEAD, JSON, QUERY, wire
from worlds import TYPES, Running, running

from graph.cache.quotas import SharedQuotas
from graph.cache.shared import connected
from graph.errors import RateLimitedError
from graph.server import create_app
from graph.server.door import Door
from graph.server.spending import BURST_S, MOST_DEBT_S
from graph.settings import AuthSettings, CacheSettings, LimitsSettings, ServerSettings, build
from graph.transport.local_quotas import LocalQuotas
from graph.transport.meter import count_request, count_work, reserve
from graph.transport.quotas import Quotas

pytestmark = pytest.mark.anyio

LIVE = "{ live { memberCount bySource { source { name } } } }"
USAGE = '{ usage(of: CONFERENCES, days: {from: "2026-01-%02d", to: "2026-01-%02d"}) { count } }'
KEYS = AuthSettings(mode="keys", keys=[key_settings("one"), key_settings("two")])


@pytest.fixture
async def held(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Running, Holds]]:
    """A world whose NetEase holds its requests."""
    holds = Holds()

    def wrap(name: str, vendor: ASGIApp) -> ASGIApp:
        faulty = Faulty(vendor)
        if name == "netease":
            faulty.fault = holds
        return faulty

    async with running(monkeypatch, 50, wrap=wrap) as world:
        yield world, holds


@contextlib.asynccontextmanager
async def serving(world: Running, **tables: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A confgraph of its own over the NetEase of a world."""
    sources = {"netease": world.sandbox.settings()["netease"]}
    built = build({"sources": sources}, TYPES, {})
    settings = msgspec.structs.replace(built, **tables)
    async with serve(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        yield http


async def test_a_caller_has_so_many_requests_at_once_and_leaves_room_for_others(held: tuple[Running, Holds]) -> None:
    world, holds = held
    limits = LimitsSettings(max_concurrent_per_caller=2, max_concurrent_requests=3)
    # Each asks for other days: equal questions at a time would be one for the vendor.
    questions = (USAGE % (day, day) for day in range(1, 29))
    async with serving(world, auth=KEYS, limits=limits) as http:

        def ask(caller: str) -> asyncio.Task[httpx.Response]:
            headers = dict([bearer(f"key of {caller}")])
            return asyncio.create_task(http.post("/graphql", json={"query": next(questions)}, headers=headers))

        asked = [ask("one"), ask("one")]
        await until(lambda: holds.held == 2)
        assert "max_concurrent_per_caller" in refused(await ask("one"))
        asked.append(ask("two"))
        await until(lambda: holds.held == 3)
        assert "max_concurrent_requests" in refused(await ask("two"))
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.post("/graphql", json={"query": LIVE})).status_code == 401, "it takes no place"
        holds.let_go()
        assert [(await one).status_code for one in asked] == [200] * 3
        assert (await ask("one")).status_code == 200


def refused(reply: httpx.Response) -> str:
    """What is said to one that comes too early."""
    (error,) = reply.json()["errors"]
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    request_id = reply.headers["x-request-id"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 1, "requestId": request_id}
    said: str = error["message"]
    return said


async def test_places_are_free_again_whatever_became_of_who_had_them(held: tuple[Running, Holds]) -> None:
    """Also of clients that go away, and of bodies that are too slow."""
    world, holds = held
    limits, server = LimitsSettings(max_concurrent_per_caller=1), ServerSettings(request_timeout_s=0.5)
    async with serving(world, limits=limits, server=server) as http:
        asking = asyncio.create_task(http.post("/graphql", json={"query": LIVE}))
        await until(lambda: holds.held == 1)
        asking.cancel()
        async with asyncio.timeout(20):
            while (await http.post("/graphql", content=QUERY, headers=JSON)).is_error:
                pass
        async with wire(str(http.base_url)) as client:
            await client.write(f"{HEAD}content-length: 9\r\n\r\n")
            status, _, _ = await client.reply()
            assert status == 408
            assert await client.is_over()
        for body in (b"{", b'{"query": "{ nonsense }"}', QUERY):
            reply = await http.post("/graphql", content=body, headers=JSON)
            assert reply.status_code != 429


@pytest.fixture(params=["local", "shared"])
def cache(request: pytest.FixtureRequest) -> Iterator[CacheSettings]:
    if request.param == "local":
        yield CacheSettings()
        return
    with running_valkey() as valkey:
        yield CacheSettings(url=valkey.url)


async def spend(door: Door, caller: str, cost: int) -> None:
    async with door.spending(caller):
        for _ in range(cost):
            count_request("acme")


async def wait_of(door: Door, caller: str) -> float:
    """For how long a caller is refused."""
    try:
        await spend(door, caller, 0)
    except RateLimitedError as error:
        return error.retry_after_s
    return 0.0


async def test_a_caller_pays_for_what_was_sent_and_no_other_does(cache: CacheSettings) -> None:
    """Together with its requests at other replicas, where these share a cache."""
    limits = LimitsSettings(cost_per_second=0.01)  # so that a slow test gains next to nothing
    async with connected(cache) as valkey, connected(cache) as other_valkey:
        own: Quotas = SharedQuotas(valkey) if valkey else LocalQuotas()
        other: Quotas = SharedQuotas(other_valkey) if other_valkey else own
        here, there = Door(limits, own), Door(limits, other)
        await spend(here, "one", 0)
        await spend(there, "one", 1)
        assert 60 < await wait_of(here, "one") <= 100 - BURST_S
        assert 60 < await wait_of(there, "one") <= 100 - BURST_S
        assert await wait_of(here, "two") == 0


async def test_debts_are_made_up_for_in_time_and_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_clock(monkeypatch)
    door = Door(LimitsSettings(cost_per_second=10), LocalQuotas())
    await spend(door, "one", 300)
    assert await wait_of(door, "one") == 0, "what is allowed at once"
    await spend(door, "one", 100)
    assert 9 <= await wait_of(door, "one") <= 10
    time[0] += 10
    assert await wait_of(door, "one") == 0
    async with contextlib.AsyncExitStack() as at_once:
        for _ in range(20):
            await at_once.enter_async_context(door.spending("one"))
        for _ in range(1000):
            count_request("acme")
    assert 100 - BURST_S - 1 < await wait_of(door, "one") <= MOST_DEBT_S + 100


async def test_a_caller_in_debt_is_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent for it; what was read already costs nothing."""
    async with running(monkeypatch, 50) as world:
        limits = LimitsSettings(cost_per_second=0.02)
        async with serving(world, auth=KEYS, limits=limits) as http:

            async def ask(caller: str) -> httpx.Response:
                return await http.post("/graphql", json={"query": LIVE}, headers=dict([bearer(f"key of {caller}")]))

            assert (await ask("one")).json()["extensions"]["cost"]["actual"] == 1
            world.requests()
            capsys.readouterr()
            reply = await ask("one")
            seconds = int(reply.headers["retry-after"])
            assert 0 < seconds <= 20
            (error,) = reply.json()["errors"]
            assert reply.status_code == 429
            del error["extensions"]["requestId"]
            assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
            assert "cost_per_second" in error["message"]
            (line,) = lines(capsys.readouterr().err, "request")
            assert (line["outcome"], line["codes"], line["caller"]) == ("refused", ["RATE_LIMITED"], "one")
            assert not world.requests()
            assert (await ask("two")).status_code == 200


async def test_without_a_limit_nobody_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    own_clock(monkeypatch)
    door = Door(LimitsSettings(cost_per_second=0), LocalQuotas())
    await spend(door, "one", 1_000_000)
    assert await wait_of(door, "one") == 0


async def begin(door: Door, caller: str, cost: int) -> contextlib.AsyncExitStack:
    """A request that is under way, which may cost so much."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(door.spending(caller))
        await reserve(cost)
        return stack.pop_all()
    raise AssertionError


async def test_requests_at_once_cannot_spend_together_what_each_might_alone(cache: CacheSettings) -> None:
    """What they may cost is set aside, at all replicas that share a cache; what they did not need is free again."""
    limits = LimitsSettings(cost_per_second=0.01)
    async with connected(cache) as valkey, connected(cache) as other_valkey:
        own: Quotas = SharedQuotas(valkey) if valkey else LocalQuotas()
        other: Quotas = SharedQuotas(other_valkey) if other_valkey else own
        here, there = Door(limits, own), Door(limits, other)
        first = await begin(here, "one", 3)
        assert 200 < await wait_of(there, "one") <= 300 - BURST_S
        assert await wait_of(there, "two") == 0
        await first.aclose()
        assert await wait_of(there, "one") == 0
        second = await begin(there, "one", 3)
        count_request("acme")
        await second.aclose()
        assert 60 < await wait_of(here, "one") <= 100 - BURST_S


async def test_what_goes_on_for_others_is_charged_though_its_request_is_over() -> None:
    """Else who leaves early would have it for nothing, and ask again."""
    door = Door(LimitsSettings(cost_per_second=0.01), LocalQuotas())
    is_over = asyncio.Event()

    async def go_on() -> None:
        await is_over.wait()
        count_request("acme")

    async with door.spending("one"):
        await reserve(3)
        work = asyncio.create_task(go_on())
    assert await wait_of(door, "one") == 0
    is_over.set()
    await work
    assert 60 < await wait_of(door, "one") <= 100 - BURST_S


async def test_who_keeps_the_process_busy_waits_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is answered or refused; before anything of its next request is read."""
    time = own_clock(monkeypatch)
    door = Door(LimitsSettings(), LocalQuotas())
    await spend(door, "friend", 1000)  # requests to vendors are none of that work
    async with door.spending("foe"):
        count_work(100)
    await spend(door, "friend", 0)
    assert time == [100]
    await spend(door, "foe", 0)
    assert 103 < time[0] < 106


async def test_who_is_let_in_at_once_does_not_spend_at_once() -> None:
    """All have been looked at before it is known what any of them may cost."""
    door = Door(LimitsSettings(cost_per_second=0.01), LocalQuotas())
    async with door.spending("one"), door.spending("one"), door.spending("two"):
        await reserve(3)
    refusals = 0
    gate = asyncio.Barrier(5)

    async def ask() -> None:
        nonlocal refusals
        try:
            async with door.spending("three"):
                await gate.wait()
                await reserve(3)
                await gate.wait()
        except RateLimitedError:
            refusals += 1
            await gate.wait()

    await asyncio.gather(*(ask() for _ in range(5)))
    assert refusals == 4


async def test_one_of_many_at_once_is_sent_and_the_others_told_when_to_come_back(held: tuple[Running, Holds]) -> None:
    world, holds = held
    questions = (USAGE % (day, day) for day in range(1, 29))
    async with serving(world, limits=LimitsSettings(cost_per_second=0.02)) as http:
        world.requests()
        asking = [asyncio.create_task(http.post("/graphql", json={"query": next(questions)})) for _ in range(8)]
        await until(lambda: sum(one.done() for one in asking) == 7)
        replies = [one.result() for one in asking if one.done()]
        assert {reply.status_code for reply in replies} == {429}
        assert all(int(reply.headers["retry-after"]) > 0 for reply in replies)
        assert {error["extensions"]["code"] for it in replies for error in it.json()["errors"]} == {"RATE_LIMITED"}
        await until(lambda: holds.held == 1)
        holds.let_go()
        assert sorted([(await one).status_code for one in asking]) == [200, *[429] * 7]


@pytest.mark.parametrize("body", [b"{", b'{"query": "{"}', b'{"query": "{ nothing }"}', b'{"query": 5}'])
async def test_what_is_refused_costs_its_caller_something(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever has nothing to lose could keep the process busy with it."""
    limits = LimitsSettings(cost_per_second=0.1)
    async with running(monkeypatch, 50) as world, serving(world, auth=KEYS, limits=limits) as http:

        async def ask(caller: str, content: bytes) -> int:
            headers = {**JSON, **dict([bearer(f"key of {caller}")])}
            return (await http.post("/graphql", content=content, headers=headers)).status_code

        assert {await ask("one", QUERY) for _ in range(50)} == {200}
        statuses = [await ask("one", body) for _ in range(6)]
        assert 429 not in statuses[:3]
        assert statuses[-1] == 429
        assert await ask("two", QUERY) == 200


async def test_events_wait_until_their_caller_may_spend_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription that costs too much is not ended, but told more rarely."""
    time = own_clock(monkeypatch)
    door = Door(LimitsSettings(cost_per_second=10), LocalQuotas())
    async with door.spending("one") as charge:
        await charge()
        assert time == [100]
        for _ in range(1000):
            count_request("acme")
        await charge()
        waited = time[0] - 100
        assert 100 - BURST_S - 2 < waited < 100 - BURST_S + 1
        await charge()
        assert time[0] - 100 == waited, "what was paid for is not charged again"
