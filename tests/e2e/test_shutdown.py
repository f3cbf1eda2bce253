"""A process that is told to end says so, finishes what it can, and ends with status 0."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from faulty import Faulty
from holding import Holds, until
from loglines import lines
from processes import listening_url, running
from starlette.types import ASGIApp
from worlds import wrapped

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

LIVE = {"query": '{ live(sources: ["quanshi"]) { complete } }'}


@dataclass
class Busy:
    """A process, and the vendor that keeps it busy."""

    process: subprocess.Popen[str]
    url: str
    holds: Holds
    http: httpx.AsyncClient

    async def ask(self) -> httpx.Response:
        return await self.http.post(f"{self.url}/graphql", json=LIVE)

    async def look(self, path: str) -> httpx.Response:
        """Ask on a connection of its own, as a new client or a balancer does."""
        async with httpx.AsyncClient(timeout=30) as http:
            return await http.get(f"{self.url}{path}")

    async def is_refused(self) -> bool:
        """Whether nobody listens any more."""
        try:
            await self.look("/healthz")
        except httpx.TransportError:
            return True
        return False

    async def ended(self) -> str:
        """Wait for its end: what it wrote to stderr."""
        out, err = await asyncio.to_thread(self.process.communicate, timeout=30)
        assert out == ""
        assert self.process.returncode == 0, err
        return err


@contextlib.asynccontextmanager
async def busy(tmp_path: Path, *options: str, **environment: str) -> AsyncIterator[Busy]:
    """A process one of whose vendors holds all requests."""
    holds = Holds()

    def wrap(name: str, app: ASGIApp) -> ASGIApp:
        faulty = Faulty(app)
        faulty.fault = holds if name == "quanshi" else faulty.fault
        return faulty

    vendors = {name: wrapped(spec, wrap) for name, spec in VENDORS.items()}
    config = tmp_path / "confgraph.toml"
    async with Sandbox(World(conferences=50), vendors=vendors) as sandbox, httpx.AsyncClient(timeout=60) as http:
        config.write_text(sandbox.to_toml(), encoding="utf-8")
        with running("serve", "--port", "0", "--config", str(config), *options, **environment) as process:
            yield Busy(process, await asyncio.to_thread(listening_url, process), holds, http)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_request_under_way_is_finished(workers: int, tmp_path: Path) -> None:
    """Meanwhile /readyz says 503, and then nobody new is let in."""
    async with busy(tmp_path, "--workers", str(workers)) as it:
        asking = asyncio.create_task(it.ask())
        await until(lambda: it.holds.held == 1)
        it.process.send_signal(signal.SIGTERM)
        while (readyz := await it.look("/readyz")).status_code == 200:  # noqa: ASYNC110 - no event of another process
            await asyncio.sleep(0.01)
        assert (readyz.status_code, readyz.text) == (503, "draining\n")
        while not await it.is_refused():  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)
        assert it.holds.held == 1
        it.holds.let_go()
        reply = await asking
        assert reply.json()["data"] == {"live": {"complete": True}}
        told = lines(await it.ended())
    assert [line["outcome"] for line in told if line["event"] == "request"] == ["ok"]
    assert [line for line in told if line["level"] == "error"] == []


async def test_what_does_not_end_is_answered_when_its_time_is_over(tmp_path: Path) -> None:
    """`request_timeout_s` bounds how long the end may take."""
    async with busy(tmp_path, CONFGRAPH_SERVER__REQUEST_TIMEOUT_S="2") as it:
        asking = asyncio.create_task(it.ask())
        await until(lambda: it.holds.held == 1)
        it.process.send_signal(signal.SIGTERM)
        assert (await asking).json()["data"] == {"live": {"complete": False}}
        await it.ended()
        await until(lambda: it.holds.gone == 1)


async def test_an_interrupt_ends_an_idle_process_at_once(tmp_path: Path) -> None:
    async with busy(tmp_path) as it:
        it.process.send_signal(signal.SIGINT)
        assert await it.ended() == ""
