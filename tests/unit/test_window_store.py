"""The store: bounded by rows, entries end, a wide window serves a narrow need, equal reads are one."""

import asyncio
from datetime import timedelta

import pytest
from paging_world import DAWN

from graph import clock
from graph.cache.memory import ENTRY_WEIGHT, StoredWindow, WindowStore

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
ANY = DAWN - HOUR  # windows are of DAWN


def window(start: int, end: int, rows: int = 1) -> StoredWindow[int]:
    return StoredWindow(DAWN + start * HOUR, DAWN + end * HOUR, [(i,) for i in range(rows)], list(range(rows)), DAWN)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    return now


def test_a_wide_window_serves_a_narrow_need_both_ways() -> None:
    store = WindowStore()
    wide = window(0, 10)
    store.put_window("key", wide, 60)
    assert store.find_window("key", DAWN + 3 * HOUR, up=True, since=ANY) is wide
    assert store.find_window("key", DAWN + 3 * HOUR, up=False, since=ANY) is wide
    assert store.find_window("key", DAWN, up=True, since=ANY) is wide
    assert store.find_window("key", DAWN, up=False, since=ANY) is None, "downward from its start it has nothing"
    assert store.find_window("key", DAWN + 10 * HOUR, up=True, since=ANY) is None
    assert store.find_window("key", DAWN + 10 * HOUR, up=False, since=ANY) is wide
    assert store.find_window("other", DAWN + HOUR, up=True, since=ANY) is None


def test_the_window_that_reaches_farthest_is_taken() -> None:
    store = WindowStore()
    early, late = window(0, 5), window(2, 9)
    store.put_window("key", early, 60)
    store.put_window("key", late, 60)
    assert store.find_window("key", DAWN + 3 * HOUR, up=True, since=ANY) is late
    assert store.find_window("key", DAWN + 3 * HOUR, up=False, since=ANY) is early


def test_entries_end(seconds: list[float]) -> None:
    store = WindowStore()
    store.put_window("key", window(0, 1), 10)
    store.remember("fact", 5, 20)
    seconds[0] = 10
    assert store.find_window("key", DAWN, up=True, since=ANY) is None
    assert store.recall("fact") == 5
    seconds[0] = 20
    assert store.recall("fact") is None
    assert store.rows == 0


def test_rows_are_bounded_and_the_least_recently_used_go_first() -> None:
    store = WindowStore(max_rows=3 * (10 + ENTRY_WEIGHT))
    for hour in range(3):
        store.put_window("key", window(hour, hour + 1, 10), 60)
    store.find_window("key", DAWN, up=True, since=ANY)
    store.put_window("key", window(3, 4, 10), 60)
    assert store.rows <= store.max_rows
    assert store.find_window("key", DAWN, up=True, since=ANY)
    assert store.find_window("key", DAWN + HOUR, up=True, since=ANY) is None
    for hour in range(10_000):
        store.put_window("key", window(hour, hour + 1, 0), 60)
        assert store.rows <= store.max_rows


def test_a_newer_window_replaces_those_inside() -> None:
    store = WindowStore()
    for hour in range(5):
        store.put_window("key", window(hour, hour + 1, 10), 60)
    store.put_window("key", window(0, 5, 20), 60)
    assert store.rows == 20 + ENTRY_WEIGHT


def test_a_fact_is_replaced() -> None:
    store = WindowStore()
    store.remember("fact", 1, 60, rows=50)
    store.remember("fact", 2, 60, rows=5)
    assert (store.recall("fact"), store.rows) == (2, 5 + ENTRY_WEIGHT)


def test_a_store_that_is_off_keeps_nothing() -> None:
    store = WindowStore(enabled=False)
    store.put_window("key", window(0, 1), 60)
    store.remember("fact", 1, 60)
    assert (store.find_window("key", DAWN, up=True, since=ANY), store.recall("fact"), store.rows) == (None, None, 0)


async def test_equal_work_at_the_same_time_is_done_once() -> None:
    store = WindowStore(enabled=False)
    done = 0

    async def work() -> int:
        nonlocal done
        await asyncio.sleep(0.01)
        done += 1
        return done

    assert await asyncio.gather(*(store.once("key", work) for _ in range(50))) == [1] * 50
    assert await store.once("key", work) == 2, "later work is done again"


async def test_a_leader_who_leaves_does_not_take_the_others_along() -> None:
    store = WindowStore()

    async def work() -> str:
        await asyncio.sleep(0.02)
        return "done"

    leader = asyncio.create_task(store.once("key", work))
    await asyncio.sleep(0)
    follower = asyncio.create_task(store.once("key", work))
    await asyncio.sleep(0)
    leader.cancel()
    assert await follower == "done"
    assert leader.cancelled()


async def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    store = WindowStore()

    async def fail() -> str:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def succeed() -> str:
        return "yes"

    answers = await asyncio.gather(*(store.once("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3
    assert await store.once("key", succeed) == "yes"
