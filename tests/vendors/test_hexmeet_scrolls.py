"""HexMeet's scarce scrolls: how many are open, and for how long."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest
from vendors.hexmeet_app import NOW, OK, call_row, hexmeet, own_clock, page

from graph.errors import (
    VendorAuthError,
    VendorCircuitOpenError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.paging.windows import Window
from graph.transport.local_quotas import LocalQuotas
from graph.transport.quotas import Quotas
from graph.vendors.hexmeet.scrolls import NoSlotError, Scroll, ScrollSlots

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


async def test_a_drained_scroll_keeps_its_slot_until_its_timeout(time: list[float]) -> None:
    async with hexmeet({"term_call_stats": lambda _: page([])}, max_open_scrolls=2, scroll_timeout_s=3) as (
        adapter,
        vendor,
    ):
        for _ in range(3):
            await adapter.list_calls(Window(NOW - HOUR, NOW))
        assert len(vendor.asked) == 3
    assert time == [103.0], "the third waited for the first one's timeout"


async def test_each_page_keeps_a_scroll_open_for_longer(time: list[float]) -> None:
    rows = [call_row(n, 1, NOW - HOUR) for n in range(3)]
    answers = [page([row], 3) for row in rows] + [page([])]
    async with hexmeet({"term_call_stats": answers}, max_open_scrolls=1, scroll_timeout_s=5) as (adapter, _):
        window = Window(NOW - HOUR, NOW)
        token = (await adapter.list_calls(window)).token
        time[0] += 4
        token = (await adapter.list_calls(window, token)).token
        time[0] += 4
        await adapter.list_calls(window, token)
        await adapter.list_calls(window)
    assert time == [113.0]


async def test_a_scroll_left_too_long_is_not_asked_for_again(time: list[float]) -> None:
    answers = [page([call_row(1, 1, NOW - HOUR)], 2)]
    async with hexmeet({"term_call_stats": answers}, scroll_timeout_s=5) as (adapter, vendor):
        token = (await adapter.list_calls(Window(NOW - HOUR, NOW))).token
        time[0] += 5
        with pytest.raises(VendorUnavailableError, match="expired"):
            await adapter.list_calls(Window(NOW - HOUR, NOW), token)
        assert len(vendor.asked) == 1


async def test_who_cannot_get_a_slot_in_time_is_told_at_once(time: list[float]) -> None:
    async with hexmeet(
        {"term_call_stats": lambda _: page([])}, max_open_scrolls=1, scroll_timeout_s=9, timeout_s=4
    ) as (adapter, vendor):
        await adapter.list_calls(Window(NOW - HOUR, NOW))
        time[0] += 1
        with pytest.raises(VendorThrottledError, match="max_open_scrolls") as caught:
            await adapter.list_calls(Window(NOW - HOUR, NOW))
        assert caught.value.retry_after_s == 8.0
        assert (time[0], len(vendor.asked)) == (101.0, 1)


@pytest.mark.parametrize(
    ("answer", "error", "is_open"),
    [
        ({**OK, "err_code": 401}, VendorAuthError, False),
        ({**OK, "err_code": 7}, VendorRefusedError, False),
        ((502, b""), VendorUnavailableError, True),
    ],
)
async def test_what_the_vendor_refused_holds_no_slot_but_what_may_have_worked_does(
    time: list[float], answer: Any, error: type[Exception], *, is_open: bool
) -> None:
    async with hexmeet({"term_call_stats": [answer, page([])]}, max_open_scrolls=1) as (adapter, _):
        with pytest.raises(error):
            await adapter.list_calls(Window(NOW - HOUR, NOW))
        await adapter.list_calls(Window(NOW - HOUR, NOW))
    assert time == [105.0 if is_open else 100.0]


async def test_what_was_never_sent_holds_no_slot(time: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave_alone(*_: object) -> None:
        raise VendorCircuitOpenError("left alone", source="hex", endpoint="term_call_stats")

    async with hexmeet({"term_call_stats": [page([])]}, max_open_scrolls=1) as (adapter, _):
        with monkeypatch.context() as patched:
            patched.setattr(adapter.client, "call", leave_alone)
            with pytest.raises(VendorCircuitOpenError):
                await adapter.list_calls(Window(NOW - HOUR, NOW))
        await adapter.list_calls(Window(NOW - HOUR, NOW))
    assert time == [100.0]


async def test_a_page_that_takes_longer_than_a_scroll_is_kept_holds_its_slot(time: list[float]) -> None:
    """The vendor counts from its answer, and so do all who share the account."""
    held: list[int] = []

    async with hexmeet({"term_call_stats": []}, max_open_scrolls=1, scroll_timeout_s=5) as (adapter, vendor):
        quotas = cast("LocalQuotas", adapter.client.quotas)

        async def late(body: dict[str, Any]) -> dict[str, Any]:
            time[0] += 6
            held.append(len(quotas.held(f"hex:{adapter.client.account}:scrolls")))
            return body

        pages = [page([call_row(n, 1, NOW - HOUR)], 3) for n in range(3)]
        vendor.answers["term_call_stats"] = [late(body) for body in pages]
        token: object | None = None
        for _ in pages:
            token = (await adapter.list_calls(Window(NOW - HOUR, NOW), token)).token
    assert held == [1, 1, 1]


async def test_a_first_page_that_timed_out_holds_its_slot(time: list[float]) -> None:
    async def never() -> None:
        await asyncio.sleep(30)

    async with hexmeet(
        {"term_call_stats": [never(), page([])]}, max_open_scrolls=1, timeout_s=0.2, scroll_timeout_s=1
    ) as (adapter, _):
        with pytest.raises(VendorTimeoutError):
            await adapter.list_calls(Window(NOW - HOUR, NOW))
        with pytest.raises(VendorThrottledError):
            await adapter.list_calls(Window(NOW - HOUR, NOW))
    assert time == [100.0]


class Uncountable:
    """Quotas that nobody may ask."""

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(verb)


async def test_no_limit_never_waits_and_counts_nothing(time: list[float]) -> None:
    slots = ScrollSlots(cast("Quotas", Uncountable()), "hex", 0, 5.0, page_s=20.0)
    for _ in range(50):
        scroll = await slots.open(0.0)
        await slots.touch(scroll)
        await slots.read_on(scroll)
        await slots.forget(scroll)
    assert time == [100.0]


async def test_a_scroll_being_read_holds_its_slot_for_as_long_as_a_page_may_take(time: list[float]) -> None:
    slots = ScrollSlots(LocalQuotas(), "hex", 1, 5.0, page_s=20.0)
    scroll = await slots.open(1.0)
    time[0] += 19
    with pytest.raises(NoSlotError) as caught:
        await slots.open(4.0)
    assert caught.value.wait_s == 5.0, "it may be touched for the last time right now"
    await slots.touch(scroll)
    time[0] += 4
    await slots.read_on(scroll)
    time[0] += 19
    with pytest.raises(NoSlotError):
        await slots.open(4.0)
    await slots.touch(scroll)
    await slots.open(5.0)
    assert time == [147.0]


async def test_a_slot_of_a_process_that_ended_in_the_middle_of_a_page_becomes_free(time: list[float]) -> None:
    quotas = LocalQuotas()
    await ScrollSlots(quotas, "hex", 1, 5.0, page_s=20.0).open(1.0)
    await ScrollSlots(quotas, "hex", 1, 5.0, page_s=20.0).open(60.0)
    assert time == [125.0]


async def test_who_goes_away_while_a_slot_is_being_given_holds_none() -> None:
    class Slow(LocalQuotas):
        async def occupy(self, name: str, limit: int, token: str, hold_s: float) -> float:
            wait_s = await super().occupy(name, limit, token, hold_s)
            await asyncio.sleep(0)
            return wait_s

    slots = ScrollSlots(Slow(), "hex", 1, 5.0, page_s=20.0)
    leaver = asyncio.create_task(slots.open(1.0))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.wait([leaver])
    assert leaver.cancelled()
    await slots.open(0.0)


async def test_where_a_slot_is_free_nobody_else_gets_a_turn_before_it_is_taken() -> None:
    """One process that counts for itself is no slower for it."""
    slots = ScrollSlots(LocalQuotas(), "hex", 4, 5.0, page_s=20.0)
    opening = slots.open(1.0)
    with pytest.raises(StopIteration) as done:
        opening.send(None)
    assert isinstance(done.value.value, Scroll)
