"""Turns at the processor: who kept the process busy waits while others ask."""

import pytest
from clocks import own_clock

from graph.errors import RateLimitedError
from graph.server.turns import LATELY_S, WORK_PER_S, Turns
from graph.transport.deadline import start_deadline

pytestmark = pytest.mark.anyio

SECOND = int(WORK_PER_S)  # of work


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


async def waited(time: list[float], turns: Turns, caller: str) -> float:
    """How long one waited for its turn."""
    before = time[0]
    await turns.wait(caller)
    return time[0] - before


async def test_who_had_much_done_waits_and_nobody_else(time: list[float]) -> None:
    turns = Turns()
    await turns.wait("friend")
    await turns.wait("foe")
    await turns.note("foe", 3 * SECOND)
    assert await waited(time, turns, "friend") == 0
    assert 1.9 < await waited(time, turns, "foe") < 2.2


async def test_who_asks_alone_never_waits_nor_later_for_what_was_done_then(time: list[float]) -> None:
    turns = Turns()
    for _ in range(10):
        assert await waited(time, turns, "foe") == 0
        await turns.note("foe", 3 * SECOND)
    await turns.wait("friend")
    assert await waited(time, turns, "foe") == 0


async def test_who_asked_a_while_ago_is_no_reason_to_wait(time: list[float]) -> None:
    turns = Turns()
    await turns.wait("friend")
    await turns.wait("foe")
    await turns.note("foe", 1000 * SECOND)
    assert 0 < await waited(time, turns, "foe") <= 2 * LATELY_S
    assert await waited(time, turns, "foe") == 0


async def test_little_work_makes_nobody_wait(time: list[float]) -> None:
    turns = Turns()
    await turns.wait("friend")
    for _ in range(SECOND - 1):
        assert await waited(time, turns, "dashboard") == 0
        await turns.note("dashboard", 1)


async def test_those_that_wait_come_one_by_one(time: list[float]) -> None:
    """Else all of them would be let in at once, and keep the process busy together."""
    turns = Turns()
    await turns.wait("friend")
    await turns.wait("foe")
    await turns.note("foe", 3 * SECOND)
    pauses = [await waited(time, turns, "foe") for _ in range(4)]
    assert pauses[0] > 1.9
    assert all(0 < pause <= 2 / WORK_PER_S for pause in pauses[1:]), pauses
    await turns.note("foe", SECOND)
    assert await waited(time, turns, "foe") > 0.9


async def test_whose_turn_comes_too_late_is_told_so(time: list[float]) -> None:
    turns = Turns()
    await turns.wait("friend")
    await turns.wait("foe")
    await turns.note("foe", 30 * SECOND)
    start_deadline(10)
    with pytest.raises(RateLimitedError) as refused:
        await turns.wait("foe")
    assert 28 < refused.value.retry_after_s < 30
    assert time == [100]


async def test_callers_that_ask_no_more_are_forgotten(time: list[float]) -> None:
    turns = Turns()
    for number in range(1000):
        await turns.wait(f"caller {number}")
        await turns.note(f"caller {number}", 1)
        time[0] += 1
    assert len(turns._asked) < 2 * LATELY_S
