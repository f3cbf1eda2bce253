"""Processes of confgraph on one Valkey, before vendors that run in the test and note what they are asked."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
from answers import text
from faulty import Faulty, read_request
from oracle_reports import ReportOracle
from processes import listening_url, running
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from walking import CONFERENCES, LISTS, Key, Page
from worlds import DAY, Tables, wrapped

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.vendors import VENDORS

RANGED = ("hexmeet", "netease", "systec")
PAGE_SIZE = 20  # of the vendors, so that a range takes several windows
PER_TRY = ("guid", "token")  # what of a request differs from one try to the next


@dataclass(frozen=True)
class Noted:
    """A request that a vendor got, the list it is for, and the answer."""

    vendor: str
    report: str
    asked: str
    at_s: float
    answer: Any


@dataclass
class Replicas:
    """Replicas and their vendors.

    Attributes:
        span: A range whose rows stand still: it ended days ago.
        noted: The requests that the vendors answered, in their order.
        vendors: What stands before each emulator.
    """

    world: World
    now: datetime
    span: Mapping[str, str | None]
    noted: list[Noted]
    vendors: Mapping[str, Faulty]
    processes: Sequence[Popen[str]]
    urls: Sequence[str]
    http: httpx.AsyncClient

    async def ask(self, replica: int, query: str, **variables: object) -> dict[str, Any]:
        """The data of a replica's answer without errors."""
        body = {"query": query, "variables": variables}
        answer = (await self.http.post(f"{self.urls[replica]}/graphql", json=body)).json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def page(self, replica: int, size: int, after: str | None = None, **given: object) -> Page:
        """A page of the conferences of `span`."""
        asked = {"d": self.span, "order": "START_DESC", "first": size, "after": after, **given}
        page: Page = (await self.ask(replica, CONFERENCES, **asked))["conferences"]
        return page

    async def walk(self, turns: Sequence[int], size: int, after: str | None = None) -> AsyncIterator[Page]:
        """The pages behind a cursor, each from the replica whose turn it is; waits for a source that is down."""
        for replica in cycle(turns):
            page = await self.page(replica, size, after)
            yield page
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]
            if not page["complete"] and not page["nodes"]:
                await asyncio.sleep(0.2)

    def truth(self) -> list[Key]:
        """The keys of all rows of `span`, latest first."""
        oracle = ReportOracle(self.world, self.now)
        start, end = (datetime.fromisoformat(str(self.span[edge])) for edge in ("from", "to"))
        rows = [(vendor, row) for vendor in RANGED for row in oracle.listed(vendor, start, end)]
        keys = [(text(row.sort_time_at(self.now)) or "", vendor, oracle.vendor_id(row)) for vendor, row in rows]
        return sorted(keys, reverse=True)

    def lists(self, vendor: str) -> list[str]:
        """What a vendor's lists were asked for."""
        return [it.asked for it in self.noted if it.vendor == vendor and it.report in LISTS[vendor]]


@contextlib.asynccontextmanager
async def replicas(
    tmp_path: Path,
    cache_url: str,
    *,
    number: int = 2,
    workers: int = 1,
    conferences: int = 300,
    sources: Tables | None = None,
    options: Tables | None = None,
) -> AsyncIterator[Replicas]:
    """Run replicas before the emulators of a world of now.

    Args:
        tmp_path: Where their configuration is written.
        cache_url: Of the Valkey they share.
        number: How many.
        workers: Processes of each.
        conferences: The size of the world.
        sources: Changes to the settings of the sources that list by time, by name.
        options: Of emulators, by vendor.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    world = World(conferences=conferences, days=30, anchor=now)
    span = {"from": text(now - 20 * DAY), "to": text(now - 3 * DAY)}
    noted: list[Noted] = []
    fronts: dict[str, Faulty] = {}

    def front(vendor: str, app: ASGIApp) -> ASGIApp:
        fronts[vendor] = Faulty(noting(vendor, app, noted))
        return fronts[vendor]

    vendors = {name: wrapped(spec, front) for name, spec in VENDORS.items()}
    async with contextlib.AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(world, options=options or {}, vendors=vendors))
        config = tmp_path / "replicas.toml"
        server = '[server]\nlog_level = "error"\n'
        config.write_text(f'{server}[cache]\nurl = "{cache_url}"\n\n{sandbox.to_toml()}', encoding="utf-8")
        environment = {
            f"CONFGRAPH_SOURCES__{name}__{key}".upper(): str(value)
            for name in RANGED
            for key, value in {"page_size": PAGE_SIZE, **(sources or {}).get(name, {})}.items()
        }
        command = ("serve", "--config", str(config), "--port", "0", "--workers", str(workers))
        processes = [stack.enter_context(running(*command, **environment)) for _ in range(number)]
        urls = [await asyncio.to_thread(listening_url, process) for process in processes]
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        yield Replicas(world, now, span, noted, fronts, processes, urls, http)


def noting(vendor: str, app: ASGIApp, noted: list[Noted]) -> ASGIApp:
    """An application whose requests are noted once they were answered."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        at_s = time.monotonic()
        asked, again = await read_request(receive)
        answer: list[bytes] = []

        async def keep(message: Message) -> None:
            answer.append(message.get("body", b""))
            await send(message)

        await app(scope, again, keep)
        question = json.dumps({name: value for name, value in asked.items() if name not in PER_TRY}, sort_keys=True)
        report = scope["path"].rsplit("/", 1)[-1]
        noted.append(Noted(vendor, report, question, at_s, json.loads(b"".join(answer))))

    return front
