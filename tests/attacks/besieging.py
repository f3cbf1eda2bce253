"""A confgraph process over a sandbox process, for tests that mean it harm, and what every answer of it must keep to."""

import builtins
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import processes
from answers import text
from callers import bearer, hashed

from graph import clock, errors

FRIEND, FOE = "friend", "foe"
UNLIMITED = "[limits]\ncost_per_second = 0\n"  # for tests that ask more in a second than a client would
CODES = {
    *("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "INVALID_ARGUMENT", "INVALID_CURSOR"),
    *("INVALID_ID", "UNKNOWN_SOURCE", "UNSUPPORTED", "LOOKUP_LIMIT", "LIMIT_EXCEEDED", "RATE_LIMITED"),
    *("UNAUTHENTICATED", "FORBIDDEN", "PERSISTED_QUERY_NOT_FOUND", "VENDOR_ERROR", "DEADLINE_EXCEEDED"),
}
RAISED = {
    name
    for names in (vars(builtins), vars(errors))
    for name, value in names.items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
INSIDE = re.compile(
    r"Traceback|object at 0x|NoneType|<class|<function|\bNone\b|site-packages|\.py\b|\bgraph\.[a-z]+|File \""
    r"|strawberry|starlette|uvicorn|msgspec|httpx"
)
NAME = re.compile(r"\b[A-Z]\w+")


@dataclass
class Besieged:
    """A confgraph that runs as a process of its own."""

    process: processes.Running
    url: str
    _looked_at: int = 0  # lines of its log: each fault is told once

    @property
    def memory_mb(self) -> float:
        """What it holds of the machine's memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    @property
    def cpu_s(self) -> float:
        """How long it has worked."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def log(self) -> str:
        """What it has logged; the process goes on writing where it was."""
        file = self.process.log.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode()

    def assert_well(self) -> None:
        """It lives, and nothing happened that it did not foresee."""
        assert self.process.poll() is None
        assert httpx.get(f"{self.url}/healthz", timeout=30).status_code == 200
        lines = self.log.splitlines()
        latest, self._looked_at = lines[self._looked_at :], len(lines)
        assert [line for line in latest if "internal error" in line or "Traceback" in line] == []

    def client(self, name: str) -> httpx.Client:
        """One that asks as a caller."""
        return httpx.Client(base_url=self.url, headers=dict([bearer(f"key of {name}")]), timeout=60)


@contextlib.contextmanager
def sandboxed(conferences: int) -> Iterator[str]:
    """The tables `sources.*` of a sandbox that runs as a process of its own."""
    with processes.running("sandbox", "--port", "0", "--conferences", str(conferences)) as process:
        assert process.stdout
        lines: list[str] = []
        while not (lines and lines[-1].startswith("conf_ids")):
            lines.append(process.stdout.readline())
            assert lines[-1], "the sandbox has ended"
        yield "".join(lines)


@contextlib.contextmanager
def besieged(more: str = "", conferences: int = 300, **environment: str) -> Iterator[Besieged]:
    """A confgraph whose callers, a friend and a foe, have keys and may see everything.

    Args:
        more: Further tables of its configuration.
        conferences: The size of the world.
        environment: Of its process.
    """
    scopes = json.dumps(["conferences:read", "statistics:read", "pii:read", "sources:read"])
    keys = "".join(
        f'[[auth.keys]]\nname = "{name}"\nsha256 = "{hashed(f"key of {name}")}"\nscopes = {scopes}\n'
        for name in (FRIEND, FOE)
    )
    with sandboxed(conferences) as sources, tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "confgraph.toml")
        config.write_text(f'[auth]\nmode = "keys"\n{keys}\n{more}\n{sources}', encoding="utf-8")
        with processes.running("serve", "--port", "0", "--config", str(config), **environment) as process:
            yield Besieged(process, processes.listening_url(process))


def told(reply: httpx.Response, sent: str = "") -> list[dict[str, Any]]:
    """The errors of an answer, which is one of ours: JSON with an id, a code on each error, nothing of the inside.

    Args:
        reply: The answer.
        sent: What was asked: words of it may come back.
    """
    assert reply.status_code < 500, (reply.status_code, reply.text[:500])
    assert reply.headers.get("x-request-id"), (reply.status_code, reply.text[:500])
    assert "json" in reply.headers["content-type"], (reply.status_code, reply.text[:500])
    answer = reply.json()
    assert answer.keys() <= {"data", "errors", "extensions"}
    found: list[dict[str, Any]] = answer.get("errors", [])
    for error in found:
        assert error["message"].strip()
        assert error["extensions"]["code"] in CODES, error
    words = json.dumps(found, ensure_ascii=False)
    shown = {word for word in (*INSIDE.findall(words), *RAISED.intersection(NAME.findall(words))) if word not in sent}
    assert not shown, (shown, words[:500])
    return found


def codes(reply: httpx.Response, sent: str = "") -> set[str]:
    """The codes of an answer's errors."""
    return {error["extensions"]["code"] for error in told(reply, sent)}


def long_ago(days: int = 1) -> dict[str, str | None]:
    """Days of the past: whoever asks for them gets the same rows each time."""
    end = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
    return {"from": text(end - timedelta(days=days)), "to": text(end)}


class Friend:
    """A client that means well, and knows what it must be answered."""

    QUERY = """query($d: TimeRange!) {
      conferences(filter: {during: $d}, first: 5) { nodes { id sourceName title members(first: 2) { totalCount } } }
    }"""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._body = {"query": self.QUERY, "variables": {"d": long_ago()}}
        self.expected = self._data()
        assert self.expected["conferences"]["nodes"]

    def _data(self) -> dict[str, Any]:
        reply = self._http.post("/graphql", json=self._body)
        assert told(reply) == []
        data: dict[str, Any] = reply.json()["data"]
        return data

    def ask(self) -> float:
        """Ask; how many seconds it took to be answered, as ever."""
        began = clock.monotonic()
        data = self._data()
        took = clock.monotonic() - began
        assert data == self.expected
        return took
