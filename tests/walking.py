"""Walks over a confgraph whose vendors insert, finish and drop rows between the pages."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from answers import Row, text
from oracle_reports import ReportOracle
from queries import Client
from starlette.types import ASGIApp, Receive, Scope, Send
from watching import DriftingWorld
from worlds import DAY, NOW, TYPES, Tables, Wrap, source_tables, wrapped

from graph import clock
from graph.sandbox.server import Sandbox
from graph.settings import AppSettings, build
from graph.vendors import VENDORS

Page = dict[str, Any]
Key = tuple[str, str, str]
Between = Callable[[Page], None]

ARGUMENTS = "$first: Int, $after: String, $last: Int, $before: String"
PASSED = "first: $first, after: $after, last: $last, before: $before"
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } complete sources { source { name } status }"
CONFERENCES = f"""
query($d: TimeRange!, $order: TimeOrder, {ARGUMENTS}) {{
  conferences(filter: {{during: $d}}, orderBy: $order, {PASSED}) {{
    nodes {{
      sourceName vendorId startedAt scheduledStartAt vendorFields {{ ... on NeteaseConferenceFields {{ createdAt }} }}
    }}
    {PAGE_INFO}
  }}
}}
"""
SPAN = {"from": text(NOW - 25 * DAY), "to": text(NOW + DAY)}
LISTS = {
    "hexmeet": ("term_conf_stats", "term_call_stats"),
    "netease": ("list",),
    "systec": ("detail",),
    "quanshi": ("listbystatus",),
    "huawei": ("queryconfinfos",),
}


@dataclass
class Stage:
    """Emulators over a drifting world, and a confgraph over them.

    Attributes:
        now: What every clock shows; seconds go by as they do.
    """

    world: DriftingWorld
    sandbox: Sandbox
    settings: AppSettings
    client: Client
    now: datetime = NOW
    monotonic_s: float = field(default_factory=time.monotonic)

    @property
    def oracle(self) -> ReportOracle:
        """What is true now."""
        return ReportOracle(self.world, self.now)

    def move(self, by: timedelta) -> None:
        """Let time go by."""
        self.now += by
        self.monotonic_s += by.total_seconds()

    def start_anew(self) -> None:
        """Back to the beginning: all rows there, nothing kept."""
        self.monotonic_s += 2 * DAY.total_seconds()
        self.now = NOW
        self.world.gone.clear()
        self.sandbox.requests.clear()

    def lists(self) -> dict[str, int]:
        """The list requests of each source since this was asked last."""
        counts = {
            source: sum(
                count
                for (vendor, path), count in self.sandbox.requests.items()
                if vendor == source and path.rsplit("/", 1)[-1] in reports
            )
            for source, reports in LISTS.items()
        }
        self.sandbox.requests.clear()
        return counts

    async def pages(
        self, query: str, path: Sequence[str], size: int, *, is_forward: bool = True, **variables: object
    ) -> AsyncIterator[Page]:
        """The pages of a connection, one after the other."""
        cursor, number = None, 0
        while True:
            given = {"first": size, "after": cursor} if is_forward else {"last": size, "before": cursor}
            page: Any = await self.client.data(query, **given, **variables)
            for step in path:
                page = page[step]
            yield page
            info, number = page["pageInfo"], number + 1
            if not info["hasNextPage" if is_forward else "hasPreviousPage"]:
                return
            assert number < 3000, "the walk does not end"
            cursor = info["endCursor" if is_forward else "startCursor"]
            assert cursor
            assert len(cursor) < 512

    async def walk(
        self,
        query: str,
        path: Sequence[str],
        size: int,
        *,
        is_forward: bool = True,
        between: Between = lambda _: None,
        **variables: object,
    ) -> list[Page]:
        """All pages of a connection, in the order they were asked for."""
        pages: list[Page] = []
        async for page in self.pages(query, path, size, is_forward=is_forward, **variables):
            pages.append(page)
            if page["pageInfo"]["hasNextPage" if is_forward else "hasPreviousPage"]:
                between(page)
        return pages


def rows_of(pages: Sequence[Page], *, is_forward: bool = True) -> list[dict[str, Any]]:
    """The rows of a walk in the order of the list."""
    return [row for page in (pages if is_forward else reversed(pages)) for row in page["nodes"]]


def key(row: Row) -> Key:
    at = row["startedAt"] or row["scheduledStartAt"] or row["vendorFields"]["createdAt"]
    return at, row["sourceName"], row["vendorId"]


def truth(stage: Stage, start: datetime = NOW - 25 * DAY, end: datetime = NOW + DAY) -> list[Key]:
    """The keys of all rows of a range, which is SPAN if none is given, as of now, latest first."""
    oracle = stage.oracle
    found = [
        (text(it.sort_time_at(stage.now)) or "", vendor, oracle.vendor_id(it))
        for vendor in oracle.makers
        for it in oracle.listed(vendor, start, end)
    ]
    return sorted(found, reverse=True)


class Slow:
    """Lets every answer take its time, so that equal queries meet."""

    def around(self, _: str, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(0.05)
            await app(scope, receive, send)

        return served


@contextlib.asynccontextmanager
async def staged(
    monkeypatch: pytest.MonkeyPatch,
    conferences: int,
    *,
    days: int = 60,
    grain: timedelta = timedelta(seconds=1),
    sources: Tables | None = None,
    options: Tables | None = None,
    server: Mapping[str, object] | None = None,
    wrap: Wrap = lambda _, app: app,
    timeless: bool = False,
) -> AsyncIterator[Stage]:
    """Run a world of its own, whose clock stands until it is moved; conferences begin at multiples of `grain`.

    Where the world is timeless no second passes, either, counts per day are waited for, and nobody waits for a turn: a
    slow machine asks vendors for the same as a fast one. The other arguments are as `worlds.running` has them.
    """
    world = DriftingWorld(conferences, days, grain)
    unlimited = {"max_open_scrolls": 10**6}  # where the clock stands no scroll closes
    given: dict[str, Mapping[str, object]] = {**(options or {})}
    given["hexmeet"] = {**unlimited, **given.get("hexmeet", {})}
    async with contextlib.AsyncExitStack() as stack:
        vendors = {name: wrapped(spec, wrap) for name, spec in VENDORS.items()}
        monkeypatch.setattr(clock, "now", lambda: NOW)
        sandbox = await stack.enter_async_context(Sandbox(world, options=given, vendors=vendors))
        tables = source_tables(sandbox, sources or {})
        if timeless:
            tables = {name: {**table, "timeout_s": 100, "max_requests_per_second": 0} for name, table in tables.items()}
        settings = build({"server": dict(server or {}), "sources": tables}, TYPES, {})
        client = await stack.enter_async_context(Client(settings))
        stage = Stage(world, sandbox, settings, client)
        began = time.monotonic()
        monkeypatch.setattr(clock, "now", lambda: stage.now)
        pace = 0 if timeless else 1
        monkeypatch.setattr(clock, "monotonic", lambda: stage.monotonic_s + pace * (time.monotonic() - began))
        yield stage
