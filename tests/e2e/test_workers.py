"""Several workers of one confgraph: what is limited per account is limited for all of them together."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from processes import confgraph, listening_url, running
from replicating import replicas
from valkeys import running_valkey
from walking import key

pytestmark = pytest.mark.anyio

PATIENCE_S = 100  # of a test: far more than any deadline
HEXMEET = """
[sources.hex]
vendor = "hexmeet"
base_url = "http://127.0.0.1:9"
token = "t"
agent_id = 1
company_id = 2
dept_id = 3
"""


@pytest.fixture
def cache_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "memory":
        yield "memory://"
        return
    with running_valkey() as valkey:
        yield valkey.url


def workers_of(pid: int) -> list[int]:
    """The processes that serve for a supervisor."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if int(parent) == pid and "spawn_main" in (folder / "cmdline").read_text(encoding="utf-8"):
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended may still wait for somebody to ask how."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


async def client_of(worker: int, workers: list[int], url: str, stack: contextlib.AsyncExitStack) -> httpx.AsyncClient:
    """A client whose connection that worker has accepted, as the others were stopped meanwhile."""
    limits = httpx.Limits(max_connections=1)
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
    others = [pid for pid in workers if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert (await client.get(f"{url}/healthz")).status_code == 200
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)
    return client


@pytest.mark.parametrize("cache_url", ["memory", "valkey"], indirect=True)
async def test_workers_never_open_more_scrolls_than_the_account_may(cache_url: str, tmp_path: Path) -> None:
    """The vendor refuses a third one; it never has to, and everybody gets the rows."""
    limit = {"max_open_scrolls": 2}
    sources = {"hexmeet": {**limit, "page_size": 10}}
    async with (
        asyncio.timeout(PATIENCE_S),
        replicas(
            tmp_path, cache_url, number=1, workers=2, sources=sources, options={"hexmeet": limit}, conferences=600
        ) as it,
        contextlib.AsyncExitStack() as stack,
    ):
        assert (await it.http.get(f"{it.urls[0]}/healthz")).status_code == 200  # they are started together
        both = workers_of(it.processes[0].pid)
        assert len(both) == 2
        clients = [await client_of(worker, both, it.urls[0], stack) for worker in (*both, *both)]
        rows = [row for row in it.truth() if row[1] == "hexmeet"]
        ranges = [(rows[at][0], rows[at - 12][0]) for at in range(12, 60, 12)]
        asked = [
            replace(it, http=client).page(0, 50, d={"from": start, "to": end})
            for client, (start, end) in zip(clients, ranges, strict=True)
        ]
        pages = await asyncio.gather(*asked)
        opened = [noted for noted in it.noted if noted.report == "term_conf_stats"]
        assert {noted.answer["err_code"] for noted in opened} == {0}
        assert len([noted for noted in opened if '"scrollid"' not in noted.asked]) > 2
        met = [[key(row) for row in page["nodes"] if row["sourceName"] == "hexmeet"] for page in pages]
        assert met == [[row for row in rows if start <= row[0] < end] for start, end in ranges]


async def test_more_workers_than_scrolls_are_refused(tmp_path: Path) -> None:
    """One of them would never get any. With a cache that they share they count together instead."""
    config = tmp_path / "confgraph.toml"
    config.write_text(HEXMEET, encoding="utf-8")
    done = await asyncio.to_thread(confgraph, "serve", "--config", str(config), "--port", "0", "--workers", "5")
    assert done.returncode == 2
    assert "confgraph: sources.hex.max_open_scrolls: 4 cannot be shared by 5 processes" in done.stderr
    assert "cache.url" in done.stderr
    assert done.stdout == ""


def test_workers_whose_supervisor_was_killed_end_and_free_the_port(tmp_path: Path) -> None:
    """Nobody would end them later, and whoever starts anew would find the port taken."""
    config = tmp_path / "one.toml"
    config.write_text(HEXMEET, encoding="utf-8")
    with running("serve", "--config", str(config), "--port", "0", "--workers", "2") as process:
        url = listening_url(process)
        with httpx.Client(timeout=60) as client:
            while client.get(f"{url}/readyz", headers={"connection": "close"}).status_code != 200:
                pass
        workers = workers_of(process.pid)
        assert len(workers) == 2
        process.kill()
        process.wait()
        deadline = time.monotonic() + PATIENCE_S
        while any(is_alive(pid) for pid in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")
