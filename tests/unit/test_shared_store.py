"""Two stores on one real Valkey: what one reads serves the other, and without the Valkey each goes on alone."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from mirrors import ALL_TIME, ANCHOR, Mirror, mirror
from paging_world import DAWN, DAY, Row, Vendor, World, rows_of, seeded
from store_replicas import raw, replicas
from valkeys import RunningValkey, running_valkey

from graph import clock
from graph.cache import leases
from graph.cache.codec import FactCodec
from graph.cache.store import WindowStore
from graph.errors import VendorCircuitOpenError, VendorThrottledError, VendorUnavailableError
from graph.paging.rows import Slice
from graph.paging.windows import Window
from graph.records import Conference
from graph.sandbox.world import World as SandboxWorld

pytestmark = pytest.mark.anyio

ROWS: FactCodec[list[Row]] = FactCodec(list[Row])
MONTH = Window(DAWN, DAWN + 30 * DAY)
KINDS: dict[str, dict[str, Any]] = {
    "scroll": {"is_stateless": False},
    "scroll with counts": {"is_stateless": False, "has_days": True},
    "numbered": {"is_stateless": True},
}
NUMBERS: FactCodec[int] = FactCodec(int)


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with running_valkey() as running:
        yield running


def some_rows(seed: int = 1, count: int = 700) -> list[Row]:
    rng = seeded(seed)
    return [Row(DAWN + timedelta(minutes=rng.randrange(30 * 1440)), "s", f"{i:032x}") for i in range(count)]


def world(vendor: Vendor, store: WindowStore, key: str = "list") -> World:
    return World([vendor], MONTH, store=store, options={"codec": ROWS, "store_key": key})


async def walk_in_turns(vendor: Vendor, stores: list[WindowStore], size: int = 50) -> list[Row]:
    """A walk whose pages are read at one replica after the other."""
    rows: list[Row] = []
    cursor = None
    for turn in range(1000):
        page = await world(vendor, stores[turn % len(stores)]).first(size, cursor)
        assert page.complete
        rows += page.nodes
        cursor = page.end_cursor
        if not await page.has_next_page():
            break
    return rows


@pytest.mark.parametrize("kind", KINDS)
async def test_what_one_replica_read_costs_the_other_nothing(valkey: RunningValkey, kind: str) -> None:
    vendor = Vendor("s", some_rows(), **KINDS[kind])
    async with replicas(valkey) as (one, other):
        assert rows_of(await world(vendor, one).walk(50)) == world(vendor, one).truth()
        asked = vendor.requests, vendor.counts
        assert rows_of(await world(vendor, other).walk(50)) == world(vendor, other).truth()
        back = await world(vendor, other).walk(70, is_forward=False)
        assert rows_of(back, is_forward=False) == world(vendor, other).truth()
        assert (vendor.requests, vendor.counts) == asked


@pytest.mark.parametrize("kind", KINDS)
async def test_equal_cold_queries_at_all_replicas_cost_what_one_costs(valkey: RunningValkey, kind: str) -> None:
    alone, many = (Vendor("s", some_rows(), **KINDS[kind]) for _ in range(2))
    await World([alone], MONTH, store=WindowStore()).first(50)
    async with replicas(valkey, 3) as stores:
        pages = await asyncio.gather(*(world(many, store).first(50) for store in stores for _ in range(5)))
        assert all(list(page.nodes) == world(many, stores[0]).truth()[:50] for page in pages)
        assert (many.requests, many.counts) == (alone.requests, alone.counts)


async def test_young_windows_serve_only_walks_that_began_before_they_were_read(
    valkey: RunningValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1 over two replicas: a row that was there when the second walk began is not missed."""
    now = MONTH.end
    monkeypatch.setattr(clock, "now", lambda: now)
    old = [row for row in some_rows() if row.at < MONTH.end - 2 * DAY]
    vendor = Vendor("s", [*old, Row(MONTH.end - DAY, "s", "young")])
    async with replicas(valkey) as (one, other):
        page = await world(vendor, one).first(3)
        now += timedelta(seconds=5)
        vendor.rows.append(Row(MONTH.end - DAY / 2, "s", "new"))
        fresh = await world(vendor, other).first(3)
        assert fresh.nodes[0].id == "new"
        asked = vendor.requests
        rest = await world(vendor, other).first(3, page.end_cursor)
        assert list(rest.nodes) == world(vendor, other).truth()[4:7], "a page of the walk that began earlier"
        assert vendor.requests == asked


@dataclass(repr=False)
class Held(Vendor):
    """Answers nothing before it is let."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, window: Window, token: object | None) -> Slice[Row]:
        await self.may_answer.wait()
        return await super().read(window, token)


async def test_walks_both_ways_miss_no_row_of_a_window_that_another_replica_read(valkey: RunningValkey) -> None:
    """What has settled of it is kept apart: who looks from its end finds one part, and from its start another."""
    now = clock.now()
    month = Window(now - 30 * DAY, now)
    vendor = Held("s", [Row(now - timedelta(hours=7 * i + 1), "s", f"{i:032x}") for i in range(90)])

    def both_ways(store: WindowStore) -> list[World]:
        options = {"codec": ROWS, "store_key": "list"}
        return [World([vendor], month, descending=down, store=store, options=options) for down in (True, False)]

    async with replicas(valkey) as stores:
        pages = []
        for store in stores:
            pages += [asyncio.create_task(way.first(100)) for way in both_ways(store)]
            await asyncio.sleep(0.1)  # the second replica comes to wait for the first
        vendor.may_answer.set()
        for page, way in zip(pages, both_ways(stores[0]) * 2, strict=True):
            assert list((await page).nodes) == way.truth()


async def test_pages_of_one_walk_may_be_read_anywhere(valkey: RunningValkey) -> None:
    vendor = Vendor("s", some_rows())
    async with replicas(valkey, 3) as stores:
        assert await walk_in_turns(vendor, stores) == world(vendor, stores[0]).truth()
        assert vendor.requests <= 2 * 7 + 12


# ---- leases ---------------------------------------------------------------------------------------


class Work:
    """Something slow that is to be done once."""

    def __init__(self, store: WindowStore, lasts_s: float = 0.1) -> None:
        self.store = store
        self.lasts_s = lasts_s
        self.times = 0
        self.has_begun = asyncio.Event()
        self.error: Exception | None = None

    async def run(self) -> int:
        self.times += 1
        self.has_begun.set()
        await asyncio.sleep(self.lasts_s)
        if self.error:
            raise self.error
        await self.store.remember("work", 7, 60, NUMBERS)
        return 7

    async def once(self, *, is_patient: bool = False) -> int:
        return await self.store.once(
            "work", self.run, look=lambda: self.store.recall("work", NUMBERS), is_patient=is_patient
        )


async def test_a_lease_is_kept_while_its_holder_lives(valkey: RunningValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 300)
    monkeypatch.setattr(leases, "RENEW_S", 0.05)
    async with replicas(valkey) as (one, other):
        works = Work(one, lasts_s=1), Work(other, lasts_s=1)
        assert await asyncio.gather(*(work.once() for work in works)) == [7, 7]
        assert sum(work.times for work in works) == 1


async def test_the_lease_of_a_holder_that_died_is_taken_over(
    valkey: RunningValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead is who does not renew it."""
    monkeypatch.setattr(leases, "LEASE_MS", 200)
    monkeypatch.setattr(leases, "RENEW_S", 3600)
    async with replicas(valkey) as (one, other):
        dead, alive = Work(one, lasts_s=3600), Work(other)
        holder = asyncio.create_task(dead.once())
        await dead.has_begun.wait()
        assert await alive.once() == 7
        assert (dead.times, alive.times) == (1, 1)
        holder.cancel()
        await asyncio.wait([holder])


async def test_who_is_given_up_lets_the_next_one_work(valkey: RunningValkey) -> None:
    """Its lease ends with it, not with its time."""
    async with replicas(valkey) as (one, other):
        given_up, next_one = Work(one, lasts_s=3600), Work(other)
        leaver = asyncio.create_task(given_up.once())
        await given_up.has_begun.wait()
        follower = asyncio.create_task(next_one.once())
        await asyncio.sleep(0.05)
        assert next_one.times == 0
        leaver.cancel()
        async with asyncio.timeout(leases.LEASE_MS / 1000 / 2):
            assert await follower == 7


async def test_an_error_reaches_all_who_wait_and_the_patient_for_a_moment(valkey: RunningValkey) -> None:
    async with replicas(valkey) as (one, other):
        works = Work(one), Work(other)
        for work in works:
            work.error = VendorThrottledError(
                "Too many.", source="s", endpoint="list", vendor_code="512", retry_after_s=3.5
            )
        answers = await asyncio.gather(*(work.once() for work in works), return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, VendorThrottledError)
            assert (answer.message, answer.vendor_code, answer.retry_after_s) == ("s: Too many.", "512", 3.5)
        assert sum(work.times for work in works) == 1
        for work in works:
            with pytest.raises(VendorThrottledError):
                await work.once(is_patient=True)
        assert sum(work.times for work in works) == 1
        works[1].error = None
        assert await works[1].once() == 7, "whoever insists tries again"


async def test_that_a_circuit_is_open_here_means_nothing_there(valkey: RunningValkey) -> None:
    async with replicas(valkey) as (one, other):
        closed_off, free = Work(one, lasts_s=0.3), Work(other)
        closed_off.error = VendorCircuitOpenError("Left alone.", source="s", endpoint="list")
        first = asyncio.create_task(closed_off.once())
        await closed_off.has_begun.wait()
        assert await free.once() == 7
        with pytest.raises(VendorCircuitOpenError):
            await first


# ---- without it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["killed", "hanging", "killed and back"])
async def test_a_walk_goes_on_without_the_valkey(valkey: RunningValkey, fault: str) -> None:
    """Slower, never wrong, never an error."""
    vendor = Vendor("s", some_rows())
    async with replicas(valkey) as stores:
        rows: list[Row] = []
        cursor = None
        for turn in range(100):
            if turn == 3:
                valkey.hang() if fault == "hanging" else valkey.kill()
            if turn == 6 and fault == "killed and back":
                valkey.start()
            page = await world(vendor, stores[turn % 2]).first(50, cursor)
            assert page.complete
            rows += page.nodes
            cursor = page.end_cursor
            if not await page.has_next_page():
                break
        assert rows == world(vendor, stores[0]).truth()
        if fault == "hanging":
            valkey.go_on()


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\xc0" * 40, None], ids=["empty", "text", "bytes", "version"])
async def test_what_cannot_be_read_is_a_miss(valkey: RunningValkey, damage: bytes | None) -> None:
    vendor = Vendor("s", some_rows(), has_days=True)
    async with replicas(valkey) as (one, other), raw(valkey) as client:
        await world(vendor, one).walk(50)
        asked, damaged = vendor.requests, 0
        for key in await client.keys("*"):
            if await client.type(key) == b"string":
                blob = await client.get(key)
                assert isinstance(blob, bytes)
                changed = damage if damage is not None else _of_another_version(blob)
                await client.set(key, changed, keepttl=True)
                damaged += 1
            else:
                await client.zadd(key, {b"no span": DAWN.timestamp() + 1e9})
        assert damaged > 3
        assert rows_of(await world(vendor, other).walk(50)) == world(vendor, other).truth()
        assert vendor.requests > asked


def _of_another_version(blob: bytes) -> bytes:
    version, *rest = msgspec.msgpack.decode(blob)
    return msgspec.msgpack.encode([version and version + 1, *rest])


# ---- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["hexmeet", "netease", "systec", "quanshi", "huawei"])
async def test_rows_come_back_as_they_were_and_keys_and_values_hold_no_secret(
    valkey: RunningValkey, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every vendor's own records too; and everything there has a time to live."""
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    async with replicas(valkey) as (one, other), raw(valkey) as client, mirror(vendor) as running:
        rows = await everything(running, one)
        asked = running.faulty.requests
        again = await everything(running, other)
        assert rows == again
        assert len(rows) > 1
        assert [type(row.vendor_fields) for row in rows] == [type(row.vendor_fields) for row in again]
        assert running.faulty.requests == asked, "the other replica asked for nothing"
        keys = await client.keys("*")
        assert keys
        for key in keys:
            name = key.decode() if isinstance(key, bytes) else key
            assert re.fullmatch(r"confgraph:1:\{[0-9a-f]{32}\}(:[a-z]+|:[0-9. -]+)?", name), name
            assert await client.pttl(key) > 0
            blob = await client.get(key) if await client.type(key) == b"string" else b""
            assert not any(secret.encode() in (blob or b"") for secret in running.secrets)


async def everything(running: Mirror, store: WindowStore) -> list[Conference]:
    """All conferences, as one replica reads them."""
    running.adapter.store = store
    return await running.walk(ALL_TIME, 20, store)


@pytest.mark.parametrize("vendor", ["netease", "quanshi"])
async def test_no_account_sees_the_rows_of_another(
    valkey: RunningValkey, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts of one name and one range on one Valkey: each is shown its own rows."""
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    theirs = SandboxWorld(seed=6, conferences=150, days=6, anchor=ANCHOR)
    async with replicas(valkey) as stores, mirror(vendor) as mine, mirror(vendor, world=theirs) as other:
        alone = [await everything(running, WindowStore()) for running in (mine, other)]
        shared_rows = [await everything(*pair) for pair in zip((mine, other), stores, strict=True)]
        assert shared_rows == alone
        assert alone[0] != alone[1]


async def test_unavailable_is_told_as_such_when_nothing_is_kept(valkey: RunningValkey) -> None:
    vendor = Vendor("s", some_rows(), is_down=True)
    async with replicas(valkey) as (one, _):
        page = await world(vendor, one).first(5)
        error = page.results["s"].error
        assert error is not None
        assert error.code is VendorUnavailableError.source_code
        assert not page.complete
