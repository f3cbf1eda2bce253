"""The memory tier: bounded by bytes, entries end, a wide window serves a narrow need."""

import gc
import tracemalloc
from datetime import timedelta

import msgspec
import pytest
from mirrors import mirror
from paging_world import DAWN

from graph import clock
from graph.cache.codec import FactCodec
from graph.cache.memory import ENTRY_BYTES, Memory, StoredWindow, weigh
from graph.cache.store import WindowStore
from graph.paging.windows import to_micros
from graph.records import Conference
from graph.vendors.base import Extras

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
ANY = DAWN - HOUR  # windows are of DAWN
LARGE = 10**9


def window(start: int, end: int, rows: int = 1, read: int = 0) -> StoredWindow[int]:
    read_at = DAWN + read * HOUR
    return StoredWindow(DAWN + start * HOUR, DAWN + end * HOUR, [(i,) for i in range(rows)], list(range(rows)), read_at)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    return now


def test_a_wide_window_serves_a_narrow_need_both_ways() -> None:
    memory = Memory(LARGE)
    wide = window(0, 10)
    memory.put_window("key", wide, 60, 0)
    assert memory.find_window("key", DAWN + 3 * HOUR, up=True, since=ANY) is wide
    assert memory.find_window("key", DAWN + 3 * HOUR, up=False, since=ANY) is wide
    assert memory.find_window("key", DAWN, up=True, since=ANY) is wide
    assert memory.find_window("key", DAWN, up=False, since=ANY) is None, "downward from its start it has nothing"
    assert memory.find_window("key", DAWN + 10 * HOUR, up=True, since=ANY) is None
    assert memory.find_window("key", DAWN + 10 * HOUR, up=False, since=ANY) is wide
    assert memory.find_window("other", DAWN + HOUR, up=True, since=ANY) is None


def test_the_window_that_reaches_farthest_is_taken_and_of_equals_the_latest() -> None:
    memory = Memory(LARGE)
    early, late = window(0, 5), window(2, 9)
    memory.put_window("key", early, 60, 0)
    memory.put_window("key", late, 60, 0)
    assert memory.find_window("key", DAWN + 3 * HOUR, up=True, since=ANY) is late
    assert memory.find_window("key", DAWN + 3 * HOUR, up=False, since=ANY) is early
    newer = window(1, 9, read=1)
    memory.put_window("key", newer, 60, 0)
    memory.put_window("key", window(2, 9), 60, 0)
    assert memory.find_window("key", DAWN + 3 * HOUR, up=True, since=ANY) is newer


def test_entries_end(seconds: list[float]) -> None:
    memory = Memory(LARGE)
    memory.put_window("key", window(0, 1), 10, 0)
    memory.put("fact", 5, 20)
    seconds[0] = 10
    assert memory.find_window("key", DAWN, up=True, since=ANY) is None
    assert memory.get("fact") == 5
    seconds[0] = 20
    assert memory.get("fact") is None
    assert (memory.bytes, memory.rows) == (0, 0)


def test_what_is_not_fresh_can_be_had_as_stale_for_a_while(seconds: list[float]) -> None:
    memory = Memory(LARGE)
    old = window(0, 1)
    memory.put_window("key", old, 10, 30)
    memory.put("fact", 5, 10, 30)
    seconds[0] = 39
    assert memory.find_window("key", DAWN, up=True, since=ANY) is None
    assert memory.find_window("key", DAWN, up=True, since=ANY, may_be_stale=True) is old
    assert (memory.get("fact"), memory.get("fact", may_be_stale=True)) == (None, 5)
    seconds[0] = 40
    assert memory.find_window("key", DAWN, up=True, since=ANY, may_be_stale=True) is None
    assert memory.get("fact", may_be_stale=True) is None


def test_bytes_are_bounded_and_the_least_recently_used_go_first() -> None:
    memory = Memory(3 * weigh(window(0, 1, 10).rows))
    for hour in range(3):
        memory.put_window("key", window(hour, hour + 1, 10), 60, 0)
    memory.find_window("key", DAWN, up=True, since=ANY)
    memory.put_window("key", window(3, 4, 10), 60, 0)
    assert memory.find_window("key", DAWN, up=True, since=ANY)
    assert memory.find_window("key", DAWN + HOUR, up=True, since=ANY) is None
    for hour in range(10_000):
        memory.put_window("key", window(hour, hour + 1, 0), 60, 0)
        assert memory.bytes <= memory.max_bytes


def test_a_newer_window_replaces_those_inside_and_an_older_does_not() -> None:
    memory = Memory(LARGE)
    for hour in range(5):
        memory.put_window("key", window(hour, hour + 1, 10), 60, 0)
    memory.put_window("key", window(0, 5, 20, read=2), 60, 0)
    assert memory.rows == 20
    memory.put_window("key", window(0, 9, 30, read=1), 60, 0)
    assert memory.rows == 50


def test_a_fact_is_replaced() -> None:
    memory = Memory(LARGE)
    memory.put("fact", [1] * 50, 60)
    memory.put("fact", [2] * 5, 60)
    assert (memory.get("fact"), memory.rows) == ([2] * 5, 5)


def test_what_has_no_written_form_weighs_too() -> None:
    assert weigh([object()] * 10) > weigh([1] * 10) > weigh([]) == ENTRY_BYTES


@pytest.mark.usefixtures("young_heap")
@pytest.mark.parametrize("vendor", ["hexmeet", "netease", "systec"])
@pytest.mark.parametrize("extras", [Extras(), Extras(members=True, calls=True)], ids=["bare", "with extras"])
async def test_an_entry_weighs_about_what_it_takes(vendor: str, extras: Extras) -> None:
    """Never much less than the memory that real rows and their keys take, and not three times as much."""
    async with mirror(vendor) as running:
        written = msgspec.msgpack.encode(list(await running.drain(extras=extras)))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    alive = msgspec.msgpack.decode(written, type=list[Conference])
    keys = [(to_micros(row.sort_time), row.source_name, row.vendor_id) for row in alive]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(keys) > 50
    assert 0.8 * taken < weigh(alive) < 3 * taken


async def test_a_store_that_is_off_keeps_nothing() -> None:
    store = WindowStore(enabled=False)
    await store.put_window("key", window(0, 1), 60)
    await store.remember("fact", 1, 60)
    assert await store.find_window(["key"], DAWN, up=True, since=ANY) is None
    assert await store.recall("fact", FactCodec[int](int)) is None
    assert store.memory.bytes == 0
