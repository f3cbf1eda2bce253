"""The processes that are measured, each of its own: the emulators, and confgraph over them."""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import uvicorn

from graph.cache.store import WindowStore
from graph.fleet import build_fleet
from graph.paging.windows import Window
from graph.records import UsageSubject
from graph.sandbox.schedule import SHARES
from graph.sandbox.server import Sandbox
from graph.sandbox.world import LOCAL, World
from graph.server import create_app
from graph.settings import AppSettings, build
from graph.telemetry.logs import configure_logs
from graph.vendors import VENDORS

Tables = dict[str, dict[str, Any]]

LISTS = {"hexmeet": "term_conf_stats", "netease": "list", "systec": "detail"}  # the last word of a list request's path
DAYS = 60
CONTEXT = multiprocessing.get_context("spawn")  # a forked process would start with the memory of this one
TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """A process that says something once it is ready, and answers questions until it is left.

    Attributes:
        said: What it said when it was ready.
    """

    def __init__(self, work: Callable[..., None], *args: object) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=work, args=(theirs, *args), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        self.said = self._pipe.recv()
        return self

    def __exit__(self, *error: object) -> None:
        self._pipe.close()  # which ends it
        self._process.join(10)
        self._process.kill()

    def ask(self) -> Any:
        """What it has to tell."""
        self._pipe.send("tell")
        return self._pipe.recv()

    @property
    def cpu_s(self) -> float:
        """Seconds of computing so far, in user and kernel."""
        numbers = self._proc("stat").rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS

    @property
    def peak_mib(self) -> float:
        """The most memory it held so far."""
        return int(self._proc("status").partition("VmHWM:")[2].split()[0]) / 1024

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")


def read_settings(tables: Tables, cache: Mapping[str, object] | None = None) -> AppSettings:
    """The configuration of these sources, and of the cache where it is not the default. No caller costs too much."""
    types = {spec.name: spec.settings for spec in VENDORS.values()}
    return build({"sources": tables, "cache": dict(cache or {}), "limits": {"cost_per_second": 0}}, types, {})


def run_emulators(pipe: Connection, conferences: int) -> None:
    """Run the emulators of the vendors that list by time. Says the sources and a range; tells the requests so far.

    The range ended days ago and holds so many conferences: nothing in it changes while it is walked.
    """
    asyncio.run(_emulate(pipe, conferences))


async def _emulate(pipe: Connection, conferences: int) -> None:
    anchor = datetime.now(LOCAL).replace(hour=12) - timedelta(days=4)
    midnight = anchor.replace(hour=0, minute=0, second=0, microsecond=0)
    window = Window(midnight - timedelta(days=DAYS), midnight)
    share = sum(SHARES[name] for name in LISTS)
    world = World(conferences=round(conferences / share), days=DAYS, anchor=anchor)
    vendors = {name: VENDORS[name] for name in LISTS}
    async with Sandbox(world, options={"hexmeet": {"max_open_scrolls": 10**6}}, vendors=vendors) as sandbox:
        tables = sandbox.settings()
        tables["hexmeet"]["max_open_scrolls"] = 0
        await _warm(tables, window)
        sandbox.requests.clear()
        pipe.send((tables, window))
        counter = sandbox.requests
        await _attend(pipe, lambda: {(name, path.rsplit("/", 1)[-1]): n for (name, path), n in counter.items()})


async def _warm(tables: Tables, window: Window) -> None:
    """Ask for the counts per day once: a vendor has them at hand, an emulator makes all of its world for them."""
    fleet = build_fleet(read_settings({name: {**table, "timeout_s": 300} for name, table in tables.items()}))
    for source in fleet.sources.values():
        await source.adapter.count_per_day(UsageSubject.CONFERENCES, window)
    await fleet.aclose()


def run_confgraph(pipe: Connection, tables: Tables, cache: Mapping[str, object]) -> None:
    """Serve confgraph as `confgraph serve` does. Says its URL; tells how many rows its stores hold."""
    configure_logs("error")
    asyncio.run(_serve(pipe, create_app(read_settings(tables, cache))))


async def _serve(pipe: Connection, app: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.01)
        stores = [each for each in gc.get_objects() if isinstance(each, WindowStore)]
        pipe.send(f"http://127.0.0.1:{listener.getsockname()[1]}")
        await _attend(pipe, lambda: sum(store.memory.rows for store in stores))
        server.should_exit = True
        await serving


async def _attend(pipe: Connection, tell: Callable[[], object]) -> None:
    """Answer until the other end is closed."""
    with contextlib.suppress(EOFError):
        while await asyncio.to_thread(pipe.recv):
            pipe.send(tell())
