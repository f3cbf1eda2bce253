"""Who waits for whom before a source is asked, over real sockets: counted at the vendor."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from answering import Asked
from asking import REQUEST, Body, asking, failure, raw, read_body, until
from clocks import own_clock
from prometheus_client import REGISTRY

from graph.errors import VendorError, VendorThrottledError, VendorTimeoutError
from graph.records import SourceState
from graph.transport.client import VendorClient
from graph.transport.deadline import start_deadline
from graph.transport.messages import VendorRequest
from graph.transport.meter import start_meter

pytestmark = pytest.mark.anyio


def queued() -> float | None:
    return REGISTRY.get_sample_value("confgraph_vendor_queue_depth", {"source": "acme"})


async def hurried(client: VendorClient, seconds: float = 0.05) -> VendorError:
    """The error of a caller who has little time."""
    start_deadline(seconds)
    return await failure(client)


# ---- turns ----------------------------------------------------------------------------------------


async def test_no_more_are_at_the_vendor_than_max_connections() -> None:
    async with asking(lambda _: {"rows": []}, max_connections=3) as (client, vendor):
        vendor.delay_s = 0.01
        answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(20)))
        assert answers == [Body([])] * 20
        assert vendor.most_running == 3
        assert queued() == 0


async def test_waiting_for_a_free_connection_takes_time_and_cancelling_frees_one() -> None:
    async with asking(lambda _: {"rows": []}, max_connections=4) as (client, vendor):
        vendor.delay_s = 5
        tasks = [asyncio.create_task(client.call(REQUEST, read_body)) for _ in range(4)]
        await until(lambda: vendor.running == 4)
        error = await asyncio.create_task(hurried(client))
        assert type(error) is VendorTimeoutError
        assert error.message == "acme: report was not asked: no connection became free (4 are in use)."
        assert (len(vendor.asked), client.health().state) == (4, SourceState.UNKNOWN)
        for task in tasks:
            task.cancel()
        assert {type(e) for e in await asyncio.gather(*tasks, return_exceptions=True)} == {asyncio.CancelledError}
        vendor.delay_s = 0
        assert await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(8))) == [Body([])] * 8


async def test_whoever_goes_away_while_waiting_leaves_the_line() -> None:
    async with asking(lambda _: {"rows": []}, max_connections=1) as (client, vendor):
        vendor.delay_s = 0.1
        first = asyncio.create_task(client.call(REQUEST, read_body))
        await until(lambda: vendor.running == 1)
        gone = [asyncio.create_task(client.call(REQUEST, read_body)) for _ in range(5)]
        last = asyncio.create_task(client.call(REQUEST, read_body))
        await until(lambda: queued() == 6)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        assert queued() == 1
        assert [await first, await last] == [Body([])] * 2
        assert len(vendor.asked) == 2


async def hold(client: VendorClient, release: asyncio.Event) -> None:
    await client._turns.take("report", 5)
    await release.wait()
    client._turns.pass_on()


async def test_whoever_goes_away_just_as_its_turn_comes_passes_it_on() -> None:
    """In every order in which the two can happen."""
    for patience in range(12):
        async with asking(lambda _: {"rows": []}, max_connections=1) as (client, _):
            release = asyncio.Event()

            holder = asyncio.create_task(hold(client, release))
            waiter = asyncio.create_task(client.call(REQUEST, read_body))
            for _ in range(4):
                await asyncio.sleep(0)
            release.set()
            for _ in range(patience):
                await asyncio.sleep(0)
            waiter.cancel()
            await asyncio.gather(holder, waiter, return_exceptions=True)
            async with asyncio.timeout(5):
                assert await client.call(REQUEST, read_body) == Body([])


async def test_a_request_that_wants_much_does_not_keep_another_waiting() -> None:
    """They take turns: a page that is wanted after a thousand details of somebody else is the next but one."""

    async def ask(client: VendorClient, names: Sequence[str]) -> None:
        start_meter()
        requests = [VendorRequest("report", f"/{name}") for name in names]
        await asyncio.gather(*(client.call(request, read_body) for request in requests))

    async with asking(lambda _: {"rows": []}, max_connections=1) as (client, vendor):
        vendor.delay_s = 0.005
        greedy = asyncio.create_task(ask(client, [f"greedy{n}" for n in range(30)]))
        await until(lambda: len(vendor.asked) == 1)
        modest = [asyncio.create_task(ask(client, [f"modest{n}", f"modest{n}"])) for n in range(3)]
        await asyncio.gather(greedy, *modest)
        order = [asked.path.strip("/0123456789") for asked in vendor.asked]
        assert len(order) == 33 + 3
        assert max(place for place, name in enumerate(order) if name == "modest") <= 10
        greedy_order = [int(asked.path[7:]) for asked in vendor.asked if "greedy" in asked.path]
        assert greedy_order == list(range(30))  # first come, first served within one


async def test_cancelling_ends_the_request_at_the_vendor() -> None:
    """Its connection closes, so that a vendor that looks can stop working."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def watch(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        began.set()
        await reader.read()
        ended.set()

    async with raw(watch) as client:
        task = asyncio.create_task(client.call(REQUEST, read_body))
        async with asyncio.timeout(10):
            await began.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await ended.wait()
        assert client.health().state is SourceState.UNKNOWN


# ---- so many per second ---------------------------------------------------------------------------


async def test_no_more_are_sent_per_second_than_set(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_clock(monkeypatch)
    async with asking(lambda _: {"rows": []}, max_requests_per_second=10.0) as (client, vendor):
        seconds: list[int] = []

        def timed(_: Asked) -> Any:
            seconds.append(int(time[0]))
            return {"rows": []}

        vendor.answer = timed
        for _ in range(40):
            await client.call(REQUEST, read_body)
        assert max(seconds.count(second) for second in set(seconds)) <= 20  # those of the first second at once
        assert time[0] == pytest.approx(103, abs=0.2)


async def test_those_who_share_an_account_share_its_rate_and_who_cannot_wait_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = own_clock(monkeypatch)
    async with asking(lambda _: {"rows": []}, max_requests_per_second=0.5) as (client, vendor):
        assert await client.call(REQUEST, read_body) == Body([])
        assert await client.quotas.take(f"{client.source}:{client.account}:rate", 0.5, 10) == 2  # another replica
        error = await asyncio.create_task(hurried(client, 3.9))
        assert type(error) is VendorThrottledError
        assert error.message == "acme: report was not asked: max_requests_per_second (0.5) is used up."
        assert (error.retry_after_s, len(vendor.asked), time) == (4, 1, [100.0])
        assert client.health().state is SourceState.UP
        assert await client.call(REQUEST, read_body) == Body([])
        assert time == [104.0]
