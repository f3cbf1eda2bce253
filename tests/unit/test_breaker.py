"""The circuit breaker: when it opens, what passes while it is open, and what closes it."""

import contextlib

import pytest
from clocks import own_clock
from prometheus_client import REGISTRY

from graph import clock
from graph.errors import (
    FatalVendorError,
    VendorAuthError,
    VendorCircuitOpenError,
    VendorError,
    VendorExpiredError,
    VendorGarbageError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.transport.breaker import Breaker, is_failure

FAILURE = VendorUnavailableError("list answered with HTTP status 503.", source="acme", endpoint="list", status=503)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


def opened(failures: int = 3, open_s: float = 10.0) -> Breaker:
    breaker = Breaker("acme", failures, open_s)
    for _ in range(failures):
        breaker.fail(FAILURE, clock.monotonic())
    return breaker


def lets_through(breaker: Breaker) -> bool:
    with contextlib.suppress(VendorCircuitOpenError), breaker.passage("list"):
        return True
    return False


def metric() -> float | None:
    return REGISTRY.get_sample_value("confgraph_breaker_open", {"source": "acme"})


def test_it_opens_after_so_many_failures_in_a_row_and_says_why(time: list[float]) -> None:
    breaker = Breaker("acme", 3, 10)
    for _ in range(2):
        breaker.fail(FAILURE, clock.monotonic())
    breaker.succeed()
    for _ in range(2):
        breaker.fail(FAILURE, clock.monotonic())
    assert (lets_through(breaker), metric()) == (True, 0)
    breaker.fail(FAILURE, clock.monotonic())
    assert (breaker.is_open, metric()) == (True, 1)
    time[0] += 4
    with pytest.raises(VendorCircuitOpenError) as caught, breaker.passage("detail"):
        pass
    error = caught.value
    assert error.message == (
        "acme: detail was not asked after 3 failures in a row. Last: list answered with HTTP status 503."
    )
    assert (error.source, error.endpoint, error.retry_after_s) == ("acme", "detail", 6)


def test_zero_failures_never_open_it() -> None:
    breaker = Breaker("acme", 0, 10)
    for _ in range(100):
        breaker.fail(FAILURE, clock.monotonic())
    assert lets_through(breaker)


def test_when_its_time_is_over_one_request_tries_and_no_other(time: list[float]) -> None:
    breaker = opened()
    time[0] += 9.9
    assert not lets_through(breaker)
    time[0] += 0.1
    with breaker.passage("list") as is_probe:
        assert is_probe
        assert [lets_through(breaker) for _ in range(20)] == [False] * 20
        breaker.succeed()
    with breaker.passage("list") as is_probe:
        assert not is_probe
    assert (breaker.is_open, metric()) == (False, 0)


def test_a_probe_that_fails_opens_it_anew(time: list[float]) -> None:
    breaker = opened()
    time[0] += 10
    with breaker.passage("list"):
        breaker.fail(FAILURE, clock.monotonic())
    time[0] += 9.9
    assert not lets_through(breaker)
    time[0] += 0.1
    assert lets_through(breaker)


def test_a_probe_that_ends_undecided_makes_room_for_the_next(time: list[float]) -> None:
    breaker = opened()
    time[0] += 10
    for _ in range(3):
        with contextlib.suppress(ZeroDivisionError), breaker.passage("list") as is_probe:
            assert is_probe
            raise ZeroDivisionError
    assert breaker.is_open


def test_failures_of_requests_sent_before_neither_keep_it_open_nor_open_it_again(time: list[float]) -> None:
    """They come late where the source's timeout is long."""
    before = time[0] - 1
    breaker = opened()
    for _ in range(2):
        time[0] += 10
        breaker.fail(FAILURE, before)
    assert lets_through(breaker)
    breaker.succeed()
    for _ in range(10):
        breaker.fail(FAILURE, before)
    assert not breaker.is_open


def test_an_answer_that_comes_late_closes_it() -> None:
    breaker = opened()
    breaker.succeed()
    assert lets_through(breaker)


@pytest.mark.parametrize(
    ("kind", "status", "failed"),
    [
        (VendorUnreachableError, None, True),
        (VendorUnavailableError, None, True),
        (VendorUnavailableError, 503, True),
        (VendorExpiredError, 404, False),
        (VendorTimeoutError, 504, True),
        (VendorGarbageError, 200, True),
        (VendorGarbageError, None, True),
        (VendorPayloadError, 200, False),
        (VendorRefusedError, 404, False),
        (VendorAuthError, 401, False),
        (VendorThrottledError, 429, False),
        (VendorThrottledError, None, None),
        (VendorCircuitOpenError, None, None),
        (FatalVendorError, None, None),
    ],
)
def test_what_counts_as_failure_of_the_source(kind: type[VendorError], status: int | None, failed: object) -> None:
    error = kind("It failed.", source="acme", endpoint="list", status=status)
    assert is_failure(error, had_full_time=True) is failed
    assert is_failure(error, had_full_time=False) is failed


def test_a_timeout_counts_only_where_the_source_had_its_time() -> None:
    error = VendorTimeoutError("It took too long.", source="acme", endpoint="list")
    assert is_failure(error, had_full_time=True) is True
    assert is_failure(error, had_full_time=False) is None
