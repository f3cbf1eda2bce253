"""Workers count together: whichever is asked tells what all of them did."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from processes import listening_url, running

REQUESTS = 40


def post(url: str) -> None:
    """One request on a connection of its own, so that the kernel gives it to any worker."""
    assert httpx.post(f"{url}/graphql", json={"query": "{ sources { name } }"}, timeout=30).status_code == 200


def counted(url: str) -> float:
    """How many requests all workers together say were answered."""
    text = httpx.get(f"{url}/metrics", timeout=30).text
    (count,) = re.findall(r'^confgraph_requests_total\{outcome="ok"\} (\S+)$', text, re.MULTILINE)
    return float(count)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def workers(temporary: Path) -> set[str]:
    """The processes that have kept counts there."""
    return {file.stem.split("_")[-1] for file in temporary.glob("confgraph-*/*.db")}


def gauges(temporary: Path, pid: str) -> list[str]:
    """The files of what a process says of its present state."""
    return [file.name for file in temporary.glob(f"confgraph-*/gauge_live*_{pid}.db")]


def test_two_workers_tell_one_sum(tmp_path: Path) -> None:
    """A worker that dies leaves what it counted, and nothing of the state it was in."""
    with running("serve", "--port", "0", "--workers", "2", TMPDIR=str(tmp_path)) as process:
        url = listening_url(process)
        for _ in range(REQUESTS):
            post(url)
        eventually(lambda: len(workers(tmp_path)) == 2)
        assert counted(url) == REQUESTS
        victim = min(workers(tmp_path))
        eventually(lambda: bool(gauges(tmp_path, victim)))
        os.kill(int(victim), signal.SIGKILL)
        eventually(lambda: not gauges(tmp_path, victim))
        eventually(lambda: len(workers(tmp_path)) == 3)
        post(url)
        assert counted(url) == REQUESTS + 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert list(tmp_path.glob("confgraph-*")) == []
