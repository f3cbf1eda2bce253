"""How long an answer is good is noted by whatever is read for it, and for no other answer."""

import asyncio
from datetime import timedelta

import pytest
from worlds import NOW

from graph import clock
from graph.freshness import (
    OWN_S,
    SETTLED_S,
    note_fault,
    note_life,
    note_settled,
    start_freshness,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


async def test_the_earliest_end_counts_whatever_is_noted_first() -> None:
    freshness = start_freshness()
    assert freshness.max_age_s == OWN_S  # nothing was read
    note_settled()
    assert freshness.max_age_s == SETTLED_S
    note_life(10, NOW - timedelta(seconds=3))
    note_settled()
    assert freshness.max_age_s == 7
    note_fault()
    note_life(10)
    assert freshness.max_age_s == 0


async def test_a_part_of_a_second_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    freshness = start_freshness()
    note_life(2)
    for milliseconds, left in ((1, 1), (1000, 1), (1001, 0), (5000, 0)):
        monkeypatch.setattr(clock, "now", lambda ms=milliseconds: NOW + timedelta(milliseconds=ms))
        assert freshness.max_age_s == left


async def test_what_a_replica_with_a_fast_clock_read_is_good_no_longer() -> None:
    freshness = start_freshness()
    note_life(2, NOW + timedelta(hours=1))
    assert freshness.max_age_s == 2


async def test_each_answer_is_noted_of_by_itself() -> None:
    """Also by what is read in tasks of its own; what nobody waits for notes nothing."""
    note_life(2)

    async def answer(*lives: float) -> int:
        freshness = start_freshness()

        async def read(life_s: float) -> None:
            await asyncio.sleep(0)
            note_life(life_s)

        await asyncio.gather(*map(read, lives))
        return freshness.max_age_s

    assert list(await asyncio.gather(answer(5, 9), answer(), answer(7))) == [5, int(OWN_S), 7]
