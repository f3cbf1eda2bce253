"""Two processes of confgraph on one Valkey, before the same vendors: what they share, and what outlives one of them."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from faulty import hangs, passes
from replicating import RANGED, replicas
from starlette.types import ASGIApp, Receive, Scope, Send
from valkeys import RunningValkey, running_valkey
from walking import Page, key

pytestmark = pytest.mark.anyio

BOTH = (0, 1)
PATIENCE_S = 100  # of a test: far more than any deadline
LIVE = "{ live { conferenceCount complete } conferences(first: 50) { nodes { sourceName } } }"
MEMBERS = """
query($d: TimeRange!, $after: String) {
  conferences(filter: {sources: ["netease"], during: $d}, first: 20, after: $after) {
    nodes { sourceName members(first: 1) { totalCount } }
    pageInfo { endCursor }
    complete
  }
}
"""


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with running_valkey() as valkey:
        yield valkey


def is_whole(page: Page) -> bool:
    return bool(page["complete"]) and {it["status"] for it in page["sources"]} <= {"OK", "LIVE_ONLY"}


async def test_a_walk_may_change_replicas_at_each_page(valkey: RunningValkey, tmp_path: Path) -> None:
    """The pages of both make the list, and what one replica read the other never asks for."""
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url) as both:
        rows = both.truth()
        assert {row[1] for row in rows} == set(RANGED)
        for _ in range(2):
            pages = [page async for page in both.walk(BOTH, 7)]
            assert all(map(is_whole, pages))
            assert [key(row) for page in pages for row in page["nodes"]] == rows
        for vendor in RANGED:
            asked = both.lists(vendor)
            assert asked
            assert len(set(asked)) == len(asked)


async def test_what_many_want_of_both_at_once_is_fetched_once(valkey: RunningValkey, tmp_path: Path) -> None:
    """Cold windows, and the live lists: one of the replicas asks, the other waits for its answer."""
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url) as both:
        answers = await asyncio.gather(*(both.ask(replica, LIVE) for replica in BOTH * 5))
        assert all(answer["live"]["complete"] for answer in answers)
        for vendor in ("quanshi", "huawei"):
            asked = both.lists(vendor)
            assert asked
            assert len(set(asked)) == len(asked)
        for vendor, counters in (("netease", "list"), ("hexmeet", "term_region_stats")):
            # NetEase's counters have the path of its list, without a range.
            counted = [it.asked for it in both.noted if (it.vendor, it.report) == (vendor, counters)]
            assert sum("endTime" not in it for it in counted) == 1
        both.noted.clear()
        pages = await asyncio.gather(*(both.page(replica, 50) for replica in BOTH * 5))
        assert all(map(is_whole, pages))
        assert len({tuple(map(key, page["nodes"])) for page in pages}) == 1
        for vendor in RANGED:
            asked = both.lists(vendor)
            assert asked
            assert len(set(asked)) == len(asked)


async def test_a_replica_that_is_killed_in_the_middle_of_a_walk_takes_nothing_with_it(
    valkey: RunningValkey, tmp_path: Path
) -> None:
    """Not even where it was just reading what the other one needs next."""
    impatient = {name: {"timeout_s": 2} for name in RANGED}
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url, sources=impatient) as both:
        rows = both.truth()
        walk = both.walk(BOTH, 7)
        pages = [await anext(walk) for _ in range(4)]
        after = pages[-1]["pageInfo"]["endCursor"]
        is_reading = asyncio.Event()

        async def hangs_then(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            is_reading.set()
            await hangs(app, scope, receive, send)

        for vendor in RANGED:
            both.vendors[vendor].fault = hangs_then
        dying = asyncio.create_task(both.page(0, 1000, after))
        await is_reading.wait()
        both.processes[0].kill()
        with pytest.raises(httpx.TransportError):
            await dying
        for vendor in RANGED:
            both.vendors[vendor].fault = passes
        pages += [page async for page in both.walk((1,), 7, after)]
        assert Counter(key(row) for page in pages for row in page["nodes"]) == Counter(rows)
        assert both.processes[1].poll() is None


async def test_a_valkey_that_is_killed_in_the_middle_of_a_walk_takes_nothing_with_it(
    valkey: RunningValkey, tmp_path: Path
) -> None:
    """Both go on without it, and with it once it is there again."""
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url) as both:
        rows = both.truth()
        walk = both.walk(BOTH, 7)
        pages = [await anext(walk) for _ in range(4)]
        valkey.kill()
        pages += [page async for page in walk]
        assert all(map(is_whole, pages))
        assert [key(row) for page in pages for row in page["nodes"]] == rows
        valkey.start()
        pages = [page async for page in both.walk(BOTH, 50)]
        assert all(map(is_whole, pages))
        assert [key(row) for page in pages for row in page["nodes"]] == rows
        assert [process.poll() for process in both.processes] == [None, None]


async def test_a_valkey_that_hangs_delays_and_spoils_nothing(valkey: RunningValkey, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url) as both:
        valkey.hang()
        pages = [page async for page in both.walk(BOTH, 50)]
        valkey.go_on()
        assert all(map(is_whole, pages))
        assert [key(row) for page in pages for row in page["nodes"]] == both.truth()


async def test_requests_per_second_are_counted_together(valkey: RunningValkey, tmp_path: Path) -> None:
    """Two replicas with ten a second send ten a second: counted apart they would take half the time."""
    rate = 10
    async with (
        asyncio.timeout(PATIENCE_S),
        replicas(tmp_path, valkey.url, sources={"netease": {"max_requests_per_second": rate}}) as both,
    ):
        first = (await both.ask(0, MEMBERS, d=both.span))["conferences"]
        both.noted.clear()
        after = first["pageInfo"]["endCursor"]
        pages = await asyncio.gather(both.ask(0, MEMBERS, d=both.span, after=after), both.ask(1, MEMBERS, d=both.span))
        assert all(page["conferences"]["complete"] for page in pages)
        times = sorted(it.at_s for it in both.noted if it.vendor == "netease")
        assert len(times) >= 35
        assert times[-1] - times[0] >= 0.8 * (len(times) - rate) / rate


async def test_open_scrolls_are_counted_together(valkey: RunningValkey, tmp_path: Path) -> None:
    """The vendor refuses a third scroll; it never has to, however many want one of both replicas."""
    limit = {"max_open_scrolls": 2}
    async with (
        asyncio.timeout(PATIENCE_S),
        replicas(tmp_path, valkey.url, sources={"hexmeet": limit}, options={"hexmeet": limit}) as both,
    ):
        rows = [row for row in both.truth() if row[1] == "hexmeet"]
        spans = [{"from": rows[at][0], "to": rows[at - 3][0]} for at in range(3, 25, 3)]
        pages = await asyncio.gather(
            *(both.page(replica, 50, d=span) for replica, span in zip(itertools.cycle(BOTH), spans, strict=False))
        )
        met = Counter(key(row) for page in pages for row in page["nodes"] if row["sourceName"] == "hexmeet")
        opened = [it for it in both.noted if it.report == "term_conf_stats" and '"scrollid"' not in it.asked]
        assert [it.answer["err_code"] for it in opened] == [0] * len(opened)
        assert len(opened) > 2
        assert met == Counter(rows[:25][1:])
