"""P4 and P6 over real HTTP: what pages and walks cost each source in list requests, and how many rows are held."""

import asyncio
import gc
import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from answers import text
from connections import CALLS
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from walking import CONFERENCES, Slow, Stage, key, rows_of, staged, truth
from worlds import DAY, NOW

from graph import clock
from graph.cache.store import WindowStore
from graph.records import Conference

pytestmark = pytest.mark.anyio

SPAN = {"from": text(NOW - 60 * DAY), "to": text(NOW)}
PAGE_SIZES = {"hexmeet": 500, "netease": 100, "systec": 300}
LATEST: dict[str, Any] = {"d": SPAN, "order": "START_DESC"}
MANY_ROWS = 5000
MANY_BYTES = 8 * 2**20  # about so many rows


async def whole_walk(stage: Stage, order: str, size: int, *, is_forward: bool) -> tuple[Counter[str], dict[str, int]]:
    """The rows of each source, and the list requests they took, starting cold."""
    stage.start_anew()
    pages = await stage.walk(CONFERENCES, ["conferences"], size, is_forward=is_forward, d=SPAN, order=order)
    requests = stage.lists()
    rows = rows_of(pages, is_forward=is_forward)
    keys = [key(row) for row in rows]
    assert keys == sorted(set(keys), reverse=order == "START_DESC")
    return Counter(source for _, source, _ in keys), requests


@pytest.mark.parametrize("conferences", [30, 3000])
async def test_the_first_page_and_the_whole_walk_are_cheap(monkeypatch: pytest.MonkeyPatch, conferences: int) -> None:
    """50 rows: three list requests, eight where rows are few; all: 2 x ceil(rows / page) + 12, SYSTEC four more."""
    async with staged(monkeypatch, conferences, timeless=True) as stage:
        known = stage.oracle.conferences(NOW - 60 * DAY, NOW)
        for order in ("START_DESC", "START_ASC"):
            for is_forward in (True, False):
                stage.start_anew()
                given = {"first": 50} if is_forward else {"last": 50}
                page = (await stage.client.data(CONFERENCES, d=SPAN, order=order, **given))["conferences"]
                assert len(page["nodes"]) == min(50, len(known))
                assert max(stage.lists().values()) <= (3 if conferences == 3000 else 8)
                rows, requests = await whole_walk(stage, order, 50, is_forward=is_forward)
                assert rows.total() == len(known)
                for source, size in PAGE_SIZES.items():
                    allowed = 2 * -(-rows[source] // size) + 12 + 4 * (source == "systec")
                    assert requests[source] <= allowed, (source, order, is_forward, requests)


@pytest.mark.parametrize("is_forward", [True, False])
async def test_calls_are_as_cheap(monkeypatch: pytest.MonkeyPatch, is_forward: bool) -> None:
    """Where legs come with their conferences, a request brings those of a page of conferences."""
    span = {"from": text(NOW - 30 * DAY), "to": text(NOW)}
    async with staged(monkeypatch, 1500, timeless=True) as stage:
        given = {"first": 50} if is_forward else {"last": 50}
        page = (await stage.client.data(CALLS, d=span, **given))["calls"]
        assert len(page["nodes"]) == 50
        assert max(stage.lists().values()) <= 3
        stage.start_anew()
        pages = await stage.walk(CALLS, ["calls"], 50, is_forward=is_forward, d=span)
        requests = stage.lists()
        rows = Counter(row["sourceName"] for row in rows_of(pages))
        rows["systec"] = sum(1 for _ in stage.oracle.held("systec", NOW - 31 * DAY, NOW))
        assert rows["hexmeet"] > 1500
        for source in ("hexmeet", "systec"):
            allowed = 2 * -(-rows[source] // PAGE_SIZES[source]) + 12 + 2 * (source == "systec")
            assert requests[source] <= allowed, (source, requests)


@pytest.mark.parametrize("order", ["START_DESC", "START_ASC"])
async def test_centuries_without_rows_cost_little(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """Where windows may be wide; SYSTEC, whose may not, is asked nothing of the future."""
    span = {"from": "2020-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"}
    async with staged(monkeypatch, 1000, timeless=True) as stage:
        expected = truth(stage, NOW - 70 * DAY, NOW + 9 * DAY)
        pages = await stage.walk(CONFERENCES, ["conferences"], 1000, d=span, order=order)
        assert sorted(key(row) for row in rows_of(pages)) == sorted(expected)
        requests = stage.lists()
        rows = Counter(source for _, source, _ in expected)
        for source, size in PAGE_SIZES.items():
            started = (NOW - datetime(2020, 1, 1, tzinfo=UTC)) // (16 * DAY) + 2 if source == "systec" else 0
            assert requests[source] <= 2 * -(-rows[source] // size) + 12 + started, requests


@pytest.mark.usefixtures("young_heap")
async def test_a_dense_world_makes_the_first_page_short_never_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 conferences: at most eight list requests; the store holds what it may, not the range."""
    stores: list[WindowStore] = []

    def store(*_: object) -> WindowStore:
        stores.append(WindowStore(MANY_BYTES))
        return stores[-1]

    monkeypatch.setattr(WindowStore, "of", store)
    async with staged(monkeypatch, 20_000, timeless=True) as stage:
        page = (await stage.client.data(CONFERENCES, **LATEST, first=50))["conferences"]
        assert page["pageInfo"]["hasNextPage"]
        assert max(stage.lists().values()) <= 8

        alive: list[int] = []

        def weigh(_: object) -> None:
            if len(alive) % 4 == 0:
                gc.collect()
            held = gc.get_referents(*gc.get_objects())  # records are not tracked themselves
            alive.append(len({id(thing) for thing in held if type(thing) is Conference}))

        stage.start_anew()
        pages = await stage.walk(CONFERENCES, ["conferences"], 1000, between=weigh, **LATEST)
        requests = stage.lists()
        rows = Counter(row["sourceName"] for row in rows_of(pages))
        assert rows.total() == len(truth(stage, NOW - 60 * DAY, NOW))
        assert rows.total() > 17_000
        assert len({row["vendorId"] for row in rows_of(pages)}) == rows.total()
        for source, size in PAGE_SIZES.items():
            assert requests[source] <= 2 * -(-rows[source] // size) + 12 + 4 * (source == "systec"), requests
        assert 0 < max(alive) < 2 * MANY_ROWS, max(alive)
        assert 0 < max(store.memory.bytes for store in stores) <= MANY_BYTES


async def test_fifty_identical_queries_at_once_cost_what_one_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 3000, wrap=Slow().around, timeless=True) as stage:
        await stage.client.data(CONFERENCES, **LATEST, first=50)  # the twins count their days, which takes them a while
        stage.start_anew()
        await stage.client.data(CONFERENCES, **LATEST, first=50)
        alone = dict(stage.sandbox.requests)
        stage.start_anew()
        pages = await asyncio.gather(*(stage.client.data(CONFERENCES, **LATEST, first=50) for _ in range(50)))
        assert stage.sandbox.requests == alone
        assert all(page == pages[0] for page in pages)
        assert len(pages[0]["conferences"]["nodes"]) == 50


class ScrollWatch:
    """Reads along with HexMeet: which scrolls were opened and read on, and what was refused; may hold a page back."""

    def __init__(self, hold_s: float = 0) -> None:
        self.hold_s = hold_s
        self.opened = 0
        self.asked: Counter[str] = Counter()
        self.refused = 0

    def around(self, name: str, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            if name != "hexmeet" or not str(scope.get("path")).endswith("conf_stats"):
                await app(scope, receive, send)
                return
            message = await receive()
            body = json.loads(message["body"])
            answers: list[bytes] = []

            async def again() -> Message:
                return message

            async def note(answer: Message) -> None:
                answers.append(answer.get("body", b""))
                await send(answer)

            if "scrollid" in body:
                self.asked[body["scrollid"]] += 1
                hold_s, self.hold_s = self.hold_s, 0
                await asyncio.sleep(hold_s)
            await app(scope, again, note)
            if json.loads(b"".join(answers))["err_code"]:
                self.refused += 1
            elif "scrollid" not in body:
                self.opened += 1

        return served


def run_the_clock(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    """Let the twins' scrolls close in their time."""
    began = time.monotonic()
    monkeypatch.setattr(clock, "now", lambda: stage.now + timedelta(seconds=time.monotonic() - began))


async def test_no_more_scrolls_are_open_than_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin refuses a third scroll while two are open, counted until their timeout; it never has to."""
    watch = ScrollWatch()
    options = {"hexmeet": {"max_open_scrolls": 2}}
    sources = {"hexmeet": {"max_open_scrolls": 2, "page_size": 20}}
    async with staged(monkeypatch, 1000, wrap=watch.around, options=options, sources=sources) as stage:
        run_the_clock(monkeypatch, stage)
        spans = [(NOW - (day + 1) * DAY, NOW - day * DAY) for day in range(3, 51, 8)]
        ask = 'query($d: TimeRange!) { conferences(filter: {during: $d, sources: ["hexmeet"]}, first: 1000) NODES }'
        ask = ask.replace("NODES", "{ complete nodes { vendorId } }")
        answers = await asyncio.gather(
            *(stage.client.data(ask, d={"from": text(start), "to": text(end)}) for start, end in spans)
        )
        for (start, end), answer in zip(spans, answers, strict=True):
            known = [row["vendorId"] for row in stage.oracle.conferences(start, end, ["hexmeet"])]
            assert [row["vendorId"] for row in answer["conferences"]["nodes"]] == known
            assert answer["conferences"]["complete"]
        assert (watch.opened, watch.refused) == (len(spans), 0)


async def test_a_scroll_page_that_timed_out_is_never_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its window is read again from the start, in a new scroll."""
    watch = ScrollWatch(hold_s=0.8)
    sources = {"hexmeet": {"page_size": 5, "timeout_s": 0.4}}
    async with staged(monkeypatch, 300, days=5, wrap=watch.around, sources=sources) as stage:
        span = {"from": text(NOW - 5 * DAY), "to": text(NOW - 2 * DAY)}
        pages = await stage.walk(CONFERENCES, ["conferences"], 50, d=span, order="START_DESC")
        assert [row["vendorId"] for row in rows_of(pages)] == [
            row["vendorId"] for row in stage.oracle.conferences(NOW - 5 * DAY, NOW - 2 * DAY)
        ]
        assert all(page["complete"] for page in pages)
        assert watch.hold_s == 0, "a page was held back"
        assert set(watch.asked.values()) == {1}
