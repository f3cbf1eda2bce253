"""Rates and places, counted by one process, and by several that share a Valkey."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from valkeys import RunningValkey, running_valkey

from graph import clock
from graph.cache import valkey as valkeys
from graph.cache.quotas import SharedQuotas
from graph.cache.valkey import Valkey
from graph.settings import CacheSettings
from graph.transport import local_quotas
from graph.transport.local_quotas import LocalQuotas
from graph.transport.quotas import Quotas

pytestmark = pytest.mark.anyio

KINDS = ("local", "shared")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningValkey]:
    with running_valkey() as running:
        yield running


@contextlib.asynccontextmanager
async def shared(server: RunningValkey, processes: int) -> AsyncIterator[list[SharedQuotas]]:
    """The quotas of several processes."""
    settings = CacheSettings(url=server.url)
    async with contextlib.AsyncExitStack() as stack:
        links = [await stack.enter_async_context(contextlib.aclosing(Valkey(settings))) for _ in range(processes)]
        for link in links:
            await link.ask(lambda redis: redis.ping())
        await links[0].ask(lambda redis: redis.flushdb())
        yield [SharedQuotas(link) for link in links]


@pytest.fixture
async def pair(request: pytest.FixtureRequest, server: RunningValkey) -> AsyncIterator[list[Quotas]]:
    """Two that count together: one process and itself, or two processes."""
    if request.param == "local":
        alone = LocalQuotas()
        yield [alone, alone]
        return
    async with shared(server, 2) as both:
        yield [*both]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock of the process's own that stands until it is moved. Its only entry is the time."""
    time = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Valkey that was away is asked again at once."""
    monkeypatch.setattr(valkeys, "PAUSE_S", 0.0)


# ---- a rate -------------------------------------------------------------------------------------


async def test_the_turns_of_a_second_come_at_once_and_then_one_by_one(time: list[float]) -> None:
    quotas = LocalQuotas()
    waits = [await quotas.take("n", 4.0, 10.0) for _ in range(7)]
    assert waits == [0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 0.75]
    time[0] += 2.0
    assert [await quotas.take("n", 4.0, 10.0) for _ in range(3)] == [0.0, 0.0, 0.0]


async def test_less_than_one_per_second_has_no_burst(time: list[float]) -> None:
    quotas = LocalQuotas()
    assert [await quotas.take("n", 0.5, 10.0) for _ in range(3)] == [0.0, 2.0, 4.0]
    time[0] += 100.0
    assert [await quotas.take("n", 0.5, 10.0) for _ in range(2)] == [0.0, 2.0]


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_a_turn_that_comes_too_late_is_not_taken(pair: list[Quotas]) -> None:
    first, second = pair
    assert await first.take("n", 0.01, 0.0) == 0.0
    for quotas in (first, second, first):
        assert 90 < await quotas.take("n", 0.01, 5.0) <= 100
    assert 90 < await second.take("n", 0.01, 1000.0) <= 100, "the others left it"
    assert 190 < await first.take("n", 0.01, 1000.0) <= 200


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_without_patience_a_turn_is_looked_at_and_left(pair: list[Quotas]) -> None:
    first, second = pair
    assert [await quotas.take("n", 0.01, -1.0) for quotas in (first, second)] == [0.0, 0.0]
    assert await first.take("n", 0.01, 0.0) == 0.0
    for quotas in (first, second):
        assert 90 < await quotas.take("n", 0.01, -1.0) <= 100


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_a_turn_that_is_given_back_is_free_and_no_more_than_that(pair: list[Quotas]) -> None:
    first, second = pair
    await first.give_back("n", 0.01)
    assert await first.take("n", 0.01, 0.0) == 0.0
    assert await first.take("n", 0.02, 1000.0) > 90
    await second.give_back("n", 0.02)
    assert 90 < await second.take("n", 0.01, -1.0) <= 100
    await second.give_back("n", 0.001)
    assert await first.take("n", 0.01, 0.0) == 0.0, "nothing is owed"
    assert 90 < await second.take("n", 0.01, -1.0) <= 100, "and nobody is owed anything"


async def test_names_that_owe_nothing_are_forgotten(time: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each caller has one: there may be any number of them."""
    monkeypatch.setattr(local_quotas, "MANY", 3)
    quotas = LocalQuotas()
    assert await quotas.take("debtor", 0.01, 0.0) == 0.0
    for number in range(10):
        await quotas.take(f"caller {number}", 2.0, 0.0)
        time[0] += 1.0
    assert len(quotas._next_turns) <= 3
    assert await quotas.take("debtor", 0.01, -1.0) == 90.0


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_names_are_counted_apart(pair: list[Quotas]) -> None:
    for name in ("a", "b"):
        assert await pair[0].take(name, 0.01, 0.0) == 0.0
        assert await pair[1].occupy(f"{name}s", 1, "token", 9.0) == 0.0


async def test_processes_share_a_rate(server: RunningValkey) -> None:
    async with shared(server, 3) as fleet:
        asked = [fleet[n % 3].take("n", 20.0, 100.0) for n in range(80)]
        waits = sorted(await asyncio.gather(*asked))
        slow = sorted(await asyncio.gather(*(fleet[n % 3].take("slow", 0.1, 1000.0) for n in range(80))))
    # Twenty at once, and sixty more twenty to the second, less what passed meanwhile.
    assert sum(wait == 0.0 for wait in waits) >= 20
    assert 1.0 < waits[-1] <= 3.0
    assert all(two - one > 5 for one, two in itertools.pairwise(slow)), "no turn is given twice"


async def test_a_thousand_at_once_do_not_look_like_a_valkey_that_is_away(server: RunningValkey) -> None:
    async with shared(server, 1) as (quotas,):
        waits = await asyncio.gather(*(quotas.take("n", 0.01, 0.0) for _ in range(1000)))
    assert waits.count(0.0) == 1


# ---- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_no_more_places_than_the_limit_are_taken(pair: list[Quotas]) -> None:
    first, second = pair
    assert await first.occupy("n", 2, "a", 30.0) == 0.0
    assert await second.occupy("n", 2, "b", 60.0) == 0.0
    for quotas in pair:
        assert 25 < await quotas.occupy("n", 2, "c", 60.0) <= 30
    await first.vacate("n", "a")
    assert await second.occupy("n", 2, "c", 60.0) == 0.0
    assert 50 < await first.occupy("n", 2, "d", 60.0) <= 60


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_a_place_is_held_as_long_as_was_said_last(pair: list[Quotas]) -> None:
    first, second = pair
    assert await first.occupy("n", 1, "a", 60.0) == 0.0
    await first.keep("n", "a", 5.0)
    assert 4 < await second.occupy("n", 1, "b", 9.0) <= 5
    await first.keep("n", "a", 90.0)
    assert 80 < await second.occupy("n", 1, "b", 9.0) <= 90


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_a_place_whose_process_ended_becomes_free(pair: list[Quotas]) -> None:
    assert await pair[0].occupy("n", 1, "a", 0.1) == 0.0
    wait_s = await pair[1].occupy("n", 1, "b", 9.0)
    assert 0 < wait_s <= 0.1
    await asyncio.sleep(wait_s)
    assert await pair[1].occupy("n", 1, "b", 9.0) == 0.0


@pytest.mark.parametrize("pair", KINDS, indirect=True)
async def test_a_place_that_is_given_back_twice_is_given_back_once(pair: list[Quotas]) -> None:
    for token in ("a", "b"):
        assert await pair[0].occupy("n", 2, token, 60.0) == 0.0
    for _ in range(2):
        await pair[1].vacate("n", "a")
    assert await pair[1].occupy("n", 2, "c", 60.0) == 0.0
    assert await pair[1].occupy("n", 2, "d", 60.0) > 0


async def test_what_is_counted_leaves_the_valkey_by_itself(server: RunningValkey) -> None:
    async with shared(server, 1) as (quotas,):
        await quotas.take("rate", 100.0, 0.0)
        await quotas.occupy("places", 4, "a", 0.05)
        assert await quotas.occupy("places", 4, "b", 0.1) == 0.0
        async with contextlib.aclosing(Valkey(CacheSettings(url=server.url))) as link:
            keys = await link.ask(lambda redis: redis.keys("*"))
            assert keys is not None
            assert sorted(keys) == [b"confgraph:1:quota:places", b"confgraph:1:quota:rate"]
            async with asyncio.timeout(20):
                while await link.ask(lambda redis: redis.dbsize()):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.02)


# ---- without the Valkey -------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
async def test_alone_a_process_takes_a_quarter_of_the_rate(server: RunningValkey, time: list[float]) -> None:
    async with shared(server, 1) as (quotas,):
        server.kill()
        try:
            waits = [await quotas.take("n", 8.0, 100.0) for _ in range(4)]
        finally:
            server.start()
    assert waits == [0.0, 0.0, 0.5, 1.0]
    assert time == [100.0]


@pytest.mark.usefixtures("hasty")
async def test_alone_a_process_takes_one_place_and_counts_those_it_has(server: RunningValkey) -> None:
    async with shared(server, 1) as (quotas,):
        for token in ("a", "b"):
            assert await quotas.occupy("n", 4, token, 60.0) == 0.0
        server.kill()
        try:
            assert await quotas.occupy("n", 4, "c", 60.0) > 0
            await quotas.vacate("n", "a")
            await quotas.vacate("n", "b")
            assert await quotas.occupy("n", 4, "c", 60.0) == 0.0
            assert await quotas.occupy("n", 4, "d", 60.0) > 0
        finally:
            server.start()


@pytest.mark.usefixtures("hasty")
async def test_places_taken_alone_are_counted_together_once_the_valkey_is_back(server: RunningValkey) -> None:
    async with shared(server, 2) as (first, second):
        assert await second.occupy("n", 4, "of the other", 60.0) == 0.0
        server.kill()
        try:
            assert await first.occupy("n", 4, "a", 60.0) == 0.0
        finally:
            server.start()  # it has forgotten everything
        await second.take("other", 1.0, 0.0)  # this one was not told that it was away
        assert await first.occupy("n", 3, "b", 60.0) == 0.0
        assert await second.occupy("n", 3, "c", 60.0) > 0, "a, b and its own are there"
        assert await second.occupy("n", 4, "c", 60.0) == 0.0
        assert await first.occupy("n", 4, "d", 60.0) > 0


@pytest.mark.usefixtures("hasty")
async def test_a_place_kept_for_longer_while_the_valkey_was_away_is_not_forgotten(server: RunningValkey) -> None:
    async with shared(server, 2) as (first, second):
        assert await first.occupy("n", 2, "a", 1.0) == 0.0
        server.hang()
        try:
            await first.keep("n", "a", 60.0)
        finally:
            server.go_on()
        assert await first.occupy("n", 2, "b", 60.0) == 0.0
        assert await second.occupy("n", 2, "c", 60.0) > 50


async def test_a_valkey_that_hangs_is_waited_for_once(server: RunningValkey, time: list[float]) -> None:
    async with shared(server, 1) as (quotas,):
        server.hang()
        try:
            async with asyncio.timeout(20):
                waits = [await quotas.take("n", 400.0, 100.0) for _ in range(300)]
        finally:
            server.go_on()
        assert sum(wait < 0.001 for wait in waits) == 100
        time[0] += valkeys.PAUSE_S
        assert await quotas.take("n", 400.0, 100.0) == 0.0, "it is asked again"
