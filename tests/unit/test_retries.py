"""What may be sent again, when, and how often all in all."""

from typing import Any

import pytest

from graph.errors import (
    RetriableVendorError,
    VendorCircuitOpenError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.transport.messages import Retry
from graph.transport.retries import Retries

FOR_EVER = 1e9


def error(kind: type[RetriableVendorError], **facts: Any) -> RetriableVendorError:
    return kind("It failed.", source="acme", endpoint="report", **facts)


DOWN = error(VendorUnavailableError, status=503)


@pytest.mark.parametrize(
    ("failed", "allowed"),
    [
        (DOWN, {Retry.ALWAYS}),
        (error(VendorUnavailableError), {Retry.ALWAYS}),
        (error(VendorUnreachableError), {Retry.ALWAYS, Retry.IF_UNDONE}),
        (error(VendorThrottledError, status=429), {Retry.ALWAYS, Retry.IF_UNDONE}),
        (error(VendorTimeoutError), set()),
        (error(VendorTimeoutError, status=504), set()),
        (error(VendorCircuitOpenError), set()),
    ],
    ids=["503", "broken", "unreachable", "throttled", "timeout", "504", "open circuit"],
)
def test_only_what_is_safe_and_may_help_is_sent_again(failed: RetriableVendorError, allowed: set[Retry]) -> None:
    for retry in Retry:
        pause_s = Retries(1).pause_s(failed, retry, 0, FOR_EVER)
        assert (pause_s is not None) == (retry in allowed)


def test_pauses_are_spread_over_twice_the_time_each_time_to_two_seconds_at_most() -> None:
    for times, most_s in enumerate((0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0)):
        pauses = [Retries(10).pause_s(DOWN, Retry.ALWAYS, times, FOR_EVER) or 0.0 for _ in range(300)]
        assert min(pauses) < most_s * 0.1
        assert most_s * 0.9 < max(pauses) <= most_s


def test_a_connection_that_broke_is_replaced_at_once_the_first_time() -> None:
    broken = error(VendorUnavailableError)
    assert Retries(2).pause_s(broken, Retry.ALWAYS, 0, FOR_EVER) == 0
    assert Retries(2).pause_s(broken, Retry.ALWAYS, 1, FOR_EVER) != 0


def test_a_pause_is_no_shorter_than_the_vendor_says_and_none_where_time_runs_out_before() -> None:
    asked = error(VendorThrottledError, status=429, retry_after_s=7)
    assert Retries(1).pause_s(asked, Retry.ALWAYS, 0, 7.1) == 7
    assert Retries(1).pause_s(asked, Retry.ALWAYS, 0, 7.0) is None


def test_one_request_is_sent_again_so_often_and_no_more() -> None:
    assert Retries(0).pause_s(DOWN, Retry.ALWAYS, 0, FOR_EVER) is None
    retries = Retries(2)
    assert [retries.pause_s(DOWN, Retry.ALWAYS, times, FOR_EVER) is None for times in range(3)] == [False, False, True]


def test_while_a_vendor_is_down_a_tenth_more_is_sent_after_a_reserve_of_ten() -> None:
    retries = Retries(3)
    repeated = 0
    for _ in range(1000):
        retries.earn()
        times = 0
        while retries.pause_s(DOWN, Retry.ALWAYS, times, FOR_EVER) is not None:
            times += 1
        repeated += times
    assert repeated == 10 + 99  # the first one finds the reserve full


def test_a_repetition_that_would_come_too_late_costs_nothing() -> None:
    retries = Retries(1)
    for _ in range(100):
        assert retries.pause_s(error(VendorThrottledError, retry_after_s=5), Retry.ALWAYS, 0, 1.0) is None
    assert retries.pause_s(DOWN, Retry.ALWAYS, 0, FOR_EVER) is not None


def test_what_is_not_used_up_makes_no_greater_reserve() -> None:
    retries = Retries(1)
    for _ in range(1000):
        retries.earn()
    pauses = [retries.pause_s(DOWN, Retry.ALWAYS, 0, FOR_EVER) for _ in range(11)]
    assert pauses[-1] is None
    assert None not in pauses[:-1]
