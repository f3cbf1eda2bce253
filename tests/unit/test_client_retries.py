"""What the client sends again, over real sockets: counted at the vendor."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from answering import Asked
from asking import REQUEST, Body, asking, client_of, failure, raw, read_body, write
from clocks import own_clock
from prometheus_client import REGISTRY
from starlette.responses import Response

from graph.errors import (
    VendorAuthError,
    VendorPayloadError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.records import SourceState
from graph.transport.messages import Retry

pytestmark = pytest.mark.anyio

NEVER = msgspec.structs.replace(REQUEST, retry=Retry.NEVER)
IF_UNDONE = msgspec.structs.replace(REQUEST, retry=Retry.IF_UNDONE)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


def in_turn(*answers: Any) -> Callable[[object], Any]:
    """These answers, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def status(code: int, **headers: str) -> Response:
    return Response(status_code=code, headers=headers)


def retried() -> float:
    return REGISTRY.get_sample_value("confgraph_vendor_retries_total", {"source": "acme"}) or 0.0


async def test_what_may_be_sent_again_is_until_it_is_answered() -> None:
    before = retried()
    async with asking(in_turn(status(500), status(503), {"rows": []}), retries=2) as (client, vendor):
        assert await client.call(REQUEST, read_body) == Body([])
        assert len(vendor.asked) == 3
        assert client.health().state is SourceState.UP
    assert retried() - before == 2


async def test_the_error_of_the_last_time_is_told() -> None:
    async with asking(in_turn(status(500), status(502), status(503)), retries=2) as (client, vendor):
        error = await failure(client)
        assert (type(error), error.status) == (VendorUnavailableError, 503)
        assert len(vendor.asked) == 3
        assert client.health().state is SourceState.DEGRADED  # one failure, however often it was sent


async def test_each_time_is_signed_anew() -> None:
    nonces = iter("ab")
    async with asking(in_turn(status(500), {"rows": []}), retries=1, sign=lambda: {"nonce": next(nonces)}) as (
        client,
        vendor,
    ):
        await client.call(REQUEST, read_body)
        assert [asked.headers["nonce"] for asked in vendor.asked] == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "kind", "sent"),
    [
        (status(401), VendorAuthError, {Retry.ALWAYS: 1, Retry.IF_UNDONE: 1, Retry.NEVER: 1}),
        ({"rows": 1}, VendorPayloadError, {Retry.ALWAYS: 1, Retry.IF_UNDONE: 1, Retry.NEVER: 1}),
        (status(504), VendorTimeoutError, {Retry.ALWAYS: 1, Retry.IF_UNDONE: 1, Retry.NEVER: 1}),
        (status(503), VendorUnavailableError, {Retry.ALWAYS: 3, Retry.IF_UNDONE: 1, Retry.NEVER: 1}),
        (status(429), VendorThrottledError, {Retry.ALWAYS: 3, Retry.IF_UNDONE: 3, Retry.NEVER: 1}),
    ],
    ids=["401", "misfit", "504", "503", "429"],
)
async def test_how_often_a_request_is_sent(answer: Any, kind: type[Exception], sent: dict[Retry, int]) -> None:
    for retry, times in sent.items():
        async with asking(lambda _: answer, retries=2) as (client, vendor):
            assert type(await failure(client, msgspec.structs.replace(REQUEST, retry=retry))) is kind
            assert len(vendor.asked) == times


async def test_what_timed_out_is_not_sent_again() -> None:
    async with asking(lambda _: {"rows": []}, retries=2, timeout_s=0.1) as (client, vendor):
        vendor.delay_s = 0.3
        assert type(await failure(client)) is VendorTimeoutError
        assert len(vendor.asked) == 1


async def test_a_pooled_connection_that_closes_loses_no_safe_request_and_repeats_no_other(time: list[float]) -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await write(writer, b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"rows":[]}')
        await reader.readuntil(b"\r\n\r\n")  # the next request comes, and the connection goes

    async with raw(answer_once, retries=1) as client:
        for _ in range(3):
            assert (await client.call(REQUEST, read_body)).rows == []
        assert time == [100.0]  # without a pause
        for request in (NEVER, IF_UNDONE):
            assert type(await failure(client, request)) is VendorUnavailableError
            assert (await client.call(request, read_body)).rows == []


async def test_a_vendor_that_is_down_is_asked_a_tenth_more_and_ten_times_at_most_beyond() -> None:
    async with asking(lambda _: status(500), retries=2) as (client, vendor):
        answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(100)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {VendorUnavailableError}
        assert 110 <= len(vendor.asked) <= 120


# ---- the pause a vendor asks for --------------------------------------------------------------------


async def test_a_throttled_request_waits_as_long_as_the_vendor_says(time: list[float]) -> None:
    answer = in_turn(status(429, **{"retry-after": "3"}), {"rows": []})
    async with asking(answer, retries=1) as (client, vendor):
        assert await client.call(REQUEST, read_body) == Body([])
        assert len(vendor.asked) == 2
    assert time == [103.0]


async def test_nobody_asks_before_the_time_a_vendor_names_but_all_get_their_answers(time: list[float]) -> None:
    async with asking(in_turn(status(429, **{"retry-after": "3"}), {"rows": []})) as (client, vendor):
        times: list[float] = []
        answer = vendor.answer

        def timed(asked: Asked) -> Any:
            times.append(time[0])
            return answer(asked)

        vendor.answer = timed
        assert (await failure(client)).retry_after_s == 3
        answers = await asyncio.gather(*(client.call(REQUEST, read_body) for _ in range(5)))
        assert answers == [Body([])] * 5
    assert (times[0], min(times[1:])) == (100.0, 103.0)


async def test_those_who_wait_their_turn_meanwhile_wait_for_it_too(time: list[float]) -> None:
    answer = in_turn(status(429, **{"retry-after": "3"}), {"rows": []})
    async with asking(answer, max_connections=1) as (client, vendor):
        first, second = await asyncio.gather(
            *(client.call(REQUEST, read_body) for _ in range(2)), return_exceptions=True
        )
        assert (type(first), second) == (VendorThrottledError, Body([]))
        assert (len(vendor.asked), time) == (2, [103.0])


async def test_whoever_has_less_time_is_told_at_once_and_nothing_is_sent(time: list[float]) -> None:
    async with asking(lambda _: status(429, **{"retry-after": "30"}), retries=2) as (client, vendor):
        assert (await failure(client)).status == 429
        time[0] += 10
        error = await failure(client)
        assert type(error) is VendorThrottledError
        assert (error.message, error.retry_after_s) == ("acme: report was not asked: the source wants a pause.", 20)
        assert (len(vendor.asked), time) == (1, [110.0])


async def test_a_pause_beyond_a_minute_is_kept_for_a_minute(time: list[float]) -> None:
    answer = in_turn(status(429, **{"retry-after": "86400"}), {"rows": []})
    async with asking(answer) as (client, _):
        assert (await failure(client)).retry_after_s == 86400
        time[0] += 58
        assert await client.call(REQUEST, read_body) == Body([])
        assert time == [160.0]


async def test_a_source_without_retries_sends_nothing_again() -> None:
    async with asking(lambda _: status(503), retries=0) as (client, vendor):
        await failure(client)
        assert len(vendor.asked) == 1


async def test_what_never_reached_the_vendor_is_sent_again_though_it_changes_something() -> None:
    """Counted by the metric, as nobody is there to count."""
    async with asking(lambda _: None) as (client, _):
        url = client._base_url  # of a server that is gone by then
    before = retried()
    async with client_of(url, retries=2) as client:
        await failure(client, IF_UNDONE)
        await failure(client, NEVER)
    assert retried() - before == 2
