"""Who is measured: each a process of its own on one core, started as its users would start it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self

from work import LIVE_IDS

PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = PEERS / ".venv" / "bin" / "python"
NODE = shutil.which("node") or "node"
SCHEDULED = 2  # with a process' number, Linux' name of the clock that counts its computing
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OTHER_CORE = CORES[0], CORES[-1]

SOURCE = """
[sources.{name}]
vendor = "{name}"
base_url = "{url}"
max_connections = 64
max_requests_per_second = 0
{keys}
"""
SETTINGS = """
[server]
port = 0
log_level = "error"
[cache]
enabled = {cached}
[limits]
cost_per_second = 0
max_concurrent_requests = 1024
max_concurrent_per_caller = 1024
"""
KEYS = {
    "hexmeet": 'token = "t"\nagent_id = 1\ncompany_id = 1\ndept_id = 1\npage_size = 1000\nmax_open_scrolls = 0',
    "netease": 'app_key = "key"\napp_secret = "secret"',
    "systec": 'api_key = "key"\napi_secret = "secret"',
    "quanshi": 'token = "t"',
    "huawei": f'agent_id = "101"\nguid = "guid"\nconf_ids = {LIVE_IDS}',
}


class Contender(NamedTuple):
    """One server.

    Attributes:
        name: What tables call it.
        command: Starts it.
        parts: The parts of the work that it does.
        is_node: Whether it runs in Node.
        probe: A command that succeeds where it is installed.
        install: What installs it.
        passes_on: It knows the vendor's own shape only, and is asked for that.
        only_one_source: It does HexMeet's part of the work alone.
    """

    name: str
    command: Sequence[str]
    parts: str
    is_node: bool = False
    probe: Sequence[str] = ()
    install: str = ""
    passes_on: bool = False
    only_one_source: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether it can be measured here."""
        if not self.probe:
            return True
        try:
            return subprocess.run(self.probe, capture_output=True, check=False, cwd=PEERS).returncode == 0  # noqa: S603
        except OSError:
            return False


def _of_node(name: str, file: str, package: str, parts: str, *, passes_on: bool = False) -> Contender:
    # A package that does not give its own package.json away is looked for by its folder.
    look = f"require('node:fs').accessSync('node_modules/{package}/package.json')"
    return Contender(
        name,
        [NODE, str(PEERS / file)],
        parts,
        is_node=True,
        probe=[NODE, "-e", look],
        install="npm ci --prefix bench/peers",
        passes_on=passes_on,
        only_one_source=passes_on,
    )


def _of_python(name: str, file: str, modules: str, parts: str, *, only_one_source: bool = False) -> Contender:
    python = str(PEERS_PYTHON if PEERS_PYTHON.exists() else sys.executable)
    return Contender(
        name,
        [python, str(PEERS / file)],
        parts,
        probe=[python, "-c", f"import {modules}"],
        install="bench/peers/requirements.txt in bench/peers/.venv",
        only_one_source=only_one_source,
    )


CONFGRAPH, STOCK, APOLLO, MERCURIUS = "confgraph", "stock Strawberry", "Apollo Server", "mercurius"
CONTENDERS = [
    Contender(CONFGRAPH, [sys.executable, "-m", "graph", "serve", "--config"], "abcdef"),
    _of_python(STOCK, "stock.py", "strawberry, httpx, uvicorn", "abcdef"),
    _of_node(APOLLO, "apollo.mjs", "@apollo/server", "abcdef"),
    _of_node(MERCURIUS, "mercurius.mjs", "mercurius", "abcdf"),
    _of_node("graphql-jit", "jit.mjs", "graphql-jit", "abcf"),
    _of_node("Hive Gateway", "hive.mjs", "@graphql-hive/gateway", "adf", passes_on=True),
    _of_python("no GraphQL", "floor.py", "aiohttp, orjson, uvicorn", "af", only_one_source=True),
]


class Server:
    """A contender that runs.

    Args:
        contender: Which one.
        vendor_url: Where all vendors are.
        cached: With its response cache on.
    """

    def __init__(self, contender: Contender, vendor_url: str, *, cached: bool) -> None:
        self.contender = contender
        self._cached = cached
        self._vendor_url = vendor_url
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONFGRAPH_")}
        environment |= {"VENDOR_URL": self._vendor_url, "LIVE_IDS": json.dumps(LIVE_IDS), "NODE_ENV": "production"}
        if self._cached:
            environment["CACHE"] = "1"
        command = [*self.contender.command]
        if self.contender.name == CONFGRAPH:
            command.append(self._write_settings())
        self._log = self._stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        self._process = start(command, SERVER_CORE, environment, self._log)
        self._stack.callback(stop, self._process)
        try:
            self.url = f"{listening_url(self._process, self._log)}/graphql"
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _write_settings(self) -> str:
        file = Path(self._stack.enter_context(tempfile.TemporaryDirectory())) / "confgraph.toml"
        tables = [SOURCE.format(name=name, url=self._vendor_url, keys=keys) for name, keys in KEYS.items()]
        file.write_text("".join([SETTINGS.format(cached=str(self._cached).lower()), *tables]), encoding="utf-8")
        return str(file)

    @property
    def cpu_s(self) -> float:
        """Seconds of computing so far, in user and kernel, those of its children too."""
        return sum(time.clock_gettime(~pid << 3 | SCHEDULED) for pid in _family(self._process.pid))

    @property
    def peak_mib(self) -> float:
        """The most memory that it held so far, its children's added."""
        statuses = (Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in _family(self._process.pid))
        return sum(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) / 1024


def start(command: Sequence[str], core: int, environment: dict[str, str], log: IO[str]) -> subprocess.Popen[str]:
    """Start a process on one core."""
    return subprocess.Popen(  # noqa: S603 - our own programs
        ["taskset", "-c", str(core), *command],  # noqa: S607 - of util-linux
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=environment,
    )


def stop(process: subprocess.Popen[str]) -> None:
    """End a process, by force where it takes too long."""
    process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def listening_url(process: subprocess.Popen[str], log: IO[str]) -> str:
    """The URL of the line `listening on URL`."""
    assert process.stdout  # noqa: S101 - a pipe
    for line in process.stdout:
        if line.startswith("listening on "):
            return line.split()[-1]
    log.seek(0)
    raise SystemExit(f"{process.args!r} did not start:\n{log.read()}")


def _family(pid: int) -> list[int]:
    """A process and all that come of it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, children.read_text(encoding="utf-8").split())
    return found
