"""A source that keeps failing is left alone, over real sockets: counted at the vendor."""

import asyncio

import pytest
from answering import Vendor
from asking import REQUEST, Body, asking, failure, hang, raw, read_body, until
from clocks import own_clock
from starlette.responses import Response

from graph.errors import (
    SourceErrorCode,
    VendorCircuitOpenError,
    VendorError,
    VendorGarbageError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.records import SourceState
from graph.transport.client import VendorClient
from graph.transport.deadline import start_deadline
from graph.transport.messages import VendorReply

pytestmark = pytest.mark.anyio


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


async def open_circuit(client: VendorClient, vendor: Vendor) -> None:
    """Let a source fail as often as it takes, and forget what it was asked."""
    vendor.answer = lambda _: Response(status_code=500)
    while not isinstance(await failure(client), VendorCircuitOpenError):
        pass
    vendor.asked.clear()


async def test_a_source_that_failed_too_often_is_not_asked_and_the_answer_says_why(time: list[float]) -> None:
    async with asking(lambda _: Response(status_code=500), breaker_failures=3, breaker_open_s=10) as (client, vendor):
        kinds = [type(await failure(client)) for _ in range(5)]
        assert kinds == [VendorUnavailableError] * 3 + [VendorCircuitOpenError] * 2
        assert len(vendor.asked) == 3
        time[0] += 4
        error = await failure(client)
        assert (error.source_code, error.retry_after_s) == (SourceErrorCode.UNAVAILABLE, 6)
        assert "Last: report answered with HTTP status 500." in error.message
        health = client.health()
        assert health.state is SourceState.DOWN
        assert health.last_error is not None
        assert health.last_error.message == "acme: report answered with HTTP status 500."


async def test_one_request_finds_out_whether_it_is_back_and_the_others_wait_for_nothing(time: list[float]) -> None:
    async with asking(lambda _: None, breaker_failures=1, breaker_open_s=10, retries=2) as (client, vendor):
        await open_circuit(client, vendor)
        time[0] += 10
        vendor.delay_s = 0.05
        answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(20)), return_exceptions=True)
        kinds = [type(answer) for answer in answers]
        assert (kinds.count(VendorUnavailableError), kinds.count(VendorCircuitOpenError)) == (1, 19)
        assert len(vendor.asked) == 1  # nor is the probe sent again

        time[0] += 10
        vendor.answer = lambda _: {"rows": []}
        assert await client.call(REQUEST, read_body) == Body([])
        answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(20)))
        assert answers == [Body([])] * 20
        assert client.health().state is SourceState.UP


async def test_a_client_that_goes_away_during_the_probe_leaves_it_to_the_next(time: list[float]) -> None:
    async with asking(lambda _: None, breaker_failures=1, breaker_open_s=10) as (client, vendor):
        await open_circuit(client, vendor)
        time[0] += 10
        vendor.delay_s = 5
        probe = asyncio.create_task(client.call(REQUEST, read_body))
        await until(lambda: vendor.running == 1)
        assert type(await failure(client)) is VendorCircuitOpenError
        probe.cancel()
        assert isinstance((await asyncio.gather(probe, return_exceptions=True))[0], asyncio.CancelledError)
        vendor.answer, vendor.delay_s = (lambda _: {"rows": []}), 0
        assert await client.call(REQUEST, read_body) == Body([])


async def test_a_source_that_hangs_is_left_alone() -> None:
    async with raw(hang, breaker_failures=2, timeout_s=0.1) as client:
        kinds = [type(await failure(client)) for _ in range(3)]
    assert kinds == [VendorTimeoutError, VendorTimeoutError, VendorCircuitOpenError]


async def hurried(client: VendorClient) -> VendorError:
    start_deadline(0.05)
    return await failure(client)


async def test_callers_with_less_time_and_callers_who_go_away_do_not_open_it() -> None:
    async with raw(hang, breaker_failures=1) as client:
        for _ in range(3):
            assert type(await asyncio.create_task(hurried(client))) is VendorTimeoutError
            gone = asyncio.create_task(client.call(REQUEST, read_body))
            await asyncio.sleep(0.02)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        assert client.health().state is SourceState.UNKNOWN


@pytest.mark.parametrize(
    "answer", [Response(b"<html>"), Response(b" " * 1_000_001)], ids=["no JSON", "longer than max_body_mb"]
)
async def test_garbage_opens_it(answer: Response) -> None:
    async with asking(lambda _: answer, breaker_failures=2, max_body_mb=1) as (client, vendor):
        kinds = [type(await failure(client)) for _ in range(3)]
        assert kinds == [VendorGarbageError, VendorGarbageError, VendorCircuitOpenError]
        assert len(vendor.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_a_source_that_says_no_is_alive(status: int) -> None:
    async with asking(lambda _: Response(status_code=status), breaker_failures=2) as (client, vendor):
        for _ in range(5):
            assert (await failure(client)).status == status
        assert len(vendor.asked) == 5


async def test_an_answer_unlike_the_contract_is_an_answer() -> None:
    async with asking(lambda _: {"rows": 1}, breaker_failures=2) as (client, vendor):
        for _ in range(5):
            assert (await failure(client)).source_code is SourceErrorCode.BAD_PAYLOAD
        assert len(vendor.asked) == 5


async def test_a_fault_of_ours_neither_opens_nor_closes_it(time: list[float]) -> None:
    def stumble(_: VendorReply) -> None:
        raise ZeroDivisionError

    async with asking(lambda _: {"rows": []}, breaker_failures=1, breaker_open_s=10) as (client, vendor):
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await client.call(REQUEST, stumble)
        await open_circuit(client, vendor)
        time[0] += 10
        vendor.answer = lambda _: {"rows": []}
        with pytest.raises(ZeroDivisionError):
            await client.call(REQUEST, stumble)
        assert client.health().state is SourceState.DOWN
        assert await client.call(REQUEST, read_body) == Body([])


async def test_those_who_wait_their_turn_are_told_once_it_opens() -> None:
    """They do not find out one after the other, each for all of its time."""
    heads = 0
    breaks = asyncio.Event()

    async def counted(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal heads
        heads += 1
        await breaks.wait()

    async with raw(counted, breaker_failures=1, max_connections=2) as client:
        early = [asyncio.create_task(client.call(REQUEST, read_body)) for _ in range(2)]
        await until(lambda: heads == 2)
        late = [asyncio.create_task(client.call(REQUEST, read_body)) for _ in range(8)]
        await asyncio.sleep(0)
        breaks.set()
        kinds = {type(error) for error in await asyncio.gather(*early, return_exceptions=True)}
        assert kinds == {VendorUnavailableError}
        kinds = {type(error) for error in await asyncio.gather(*late, return_exceptions=True)}
        assert kinds == {VendorCircuitOpenError}
    assert heads == 2
