"""The command `confgraph`: serve, sandbox, schema, check.

stdout is for programs (the line `listening on URL`, the sandbox's configuration, the schema, the table of
`check`); everything else goes to stderr. Exit status 1: a check failed, the schema is stale, a port is taken;
2: the configuration cannot be used.
"""

import asyncio
import contextlib
import functools
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import msgspec
import uvicorn
from anyio.from_thread import start_blocking_portal
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from graph import __version__
from graph.errors import ConfgraphError, ConfigError
from graph.fleet import Source, build_fleet
from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.schema import build_schema, print_sdl
from graph.server import create_app
from graph.settings import AppSettings, build, config_path, has_sources, load
from graph.vendors import VENDORS

SANDBOX_PORT = 9101
LOOPBACK_NAMES = ("localhost", "localhost.localdomain")

app = App(name="confgraph", version=__version__, help="One GraphQL API over five video-conferencing vendors.")
log = logging.getLogger("confgraph")


def main() -> None:
    """Run the command line; configuration faults end it with status 2, one line each."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # one line per emulator at each start
    try:
        app()
    except ConfigError as error:
        for fault in error.faults:
            print(f"confgraph: {fault}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


@app.command
def serve(
    *,
    config: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int = 1,
) -> None:
    """Serve GraphQL at /graphql.

    Args:
        config: The configuration; else CONFGRAPH_CONFIG; without either, and without CONFGRAPH_SOURCES__* variables,
            the sandbox of five vendor emulators is started inside.
        host: Instead of `server.host`.
        port: Instead of `server.port`; 0 takes a free one.
        workers: Processes that share the port.
    """
    if workers < 1:
        raise ConfigError(["--workers: expected at least 1"])
    with contextlib.ExitStack() as stack:
        settings = _settings(config, host, port, stack)
        server = settings.server
        listener = stack.enter_context(_listen(server.host, server.port))
        url = _url(server.host, listener)
        if workers == 1:
            _Server(create_app(settings), url).run(sockets=[listener])
        else:
            factory = functools.partial(create_app, settings)
            print(f"listening on {url}", flush=True)
            Multiprocess(_uvicorn(factory, factory=True, workers=workers), sockets=[listener]).run()


@app.command
def sandbox(*, port: int = SANDBOX_PORT, seed: int = 1, conferences: int = 3000) -> None:
    """Run the five vendor emulators on loopback and print the configuration for them.

    Args:
        port: The first of five ports in a row; 0 takes free ones.
        seed: Another seed is another world.
        conferences: How many conferences the last 60 days had.
    """
    if conferences < 0:
        raise ConfigError(["--conferences: expected at least 0"])
    ports = None if port == 0 else range(port, port + len(VENDORS))

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with Sandbox(World(seed=seed, conferences=conferences), ports) as running:
            print(running.to_toml(), end="", flush=True)
            log.info("five emulators are running; Ctrl+C ends them")
            await stop.wait()

    try:
        asyncio.run(run())
    except OSError as error:
        _fail(f"port {port} to {port + len(VENDORS) - 1}: {error.strerror or error}")


@app.command
def schema(
    file: Path = Path("schema.graphql"),
    *,
    check: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Print the subgraph SDL, for publishing to a schema registry.

    Args:
        file: What --check compares with.
        check: Print nothing; fail when the file is stale.
    """
    sdl = print_sdl(build_schema(AppSettings()))
    if not check:
        print(sdl, end="")
    elif not file.is_file() or file.read_text(encoding="utf-8") != sdl:
        _fail(f"{file} is stale: confgraph schema > {file}")


@app.command
def check(*, config: Path | None = None) -> None:
    """Ask every source one cheap question and say what works. Opens no scroll.

    Args:
        config: The configuration; else CONFGRAPH_CONFIG and the environment.
    """
    path = config_path(config)
    settings = load(path, _settings_types())
    outcomes = asyncio.run(_check_all(settings))
    table = Table("source", "vendor", "result", "detail")
    for name, (is_good, detail) in outcomes.items():
        table.add_row(name, settings.sources[name].vendor, "ok" if is_good else "FAILED", detail)
    Console().print(table)
    if not all(is_good for is_good, _ in outcomes.values()):
        sys.exit(1)


async def _check_all(settings: AppSettings) -> dict[str, tuple[bool, str]]:
    async def one(source: Source) -> tuple[bool, str]:
        try:
            return True, await source.adapter.check()
        except ConfgraphError as error:
            return False, error.message

    fleet = build_fleet(settings)
    try:
        results = await asyncio.gather(*(one(source) for source in fleet.sources.values()))
    finally:
        await fleet.aclose()
    return dict(zip(fleet.sources, results, strict=True))


def _settings_types() -> dict[str, type]:
    return {spec.name: spec.settings for spec in VENDORS.values()}


def _settings(config: Path | None, host: str | None, port: int | None, stack: contextlib.ExitStack) -> AppSettings:
    """The configuration with the options laid over it; that of a sandbox started inside when there is none."""

    def finished(settings: AppSettings) -> AppSettings:
        options = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
        settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **options))
        if faults := settings.server.faults():
            raise ConfigError([f"server.{fault}" for fault in faults])
        _check_exposure(settings)
        return settings

    path = config_path(config)
    if path is not None or has_sources():
        return finished(load(path, _settings_types()))
    finished(build({}, _settings_types()))  # faults come before the emulators do
    log.info("no configuration: serving the sandbox, five emulators with made-up conferences")
    portal = stack.enter_context(start_blocking_portal())
    running = stack.enter_context(portal.wrap_async_context_manager(Sandbox(World())))
    return finished(build({"sources": running.settings()}, _settings_types()))


def _check_exposure(settings: AppSettings) -> None:
    host = settings.server.host
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host in LOOPBACK_NAMES
    if not is_loopback:
        raise ConfigError([f'auth.mode: "none" goes with a loopback address only, and server.host is {host}'])


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        _fail(f"{host}:{port}: {getattr(error, 'strerror', None) or error}")
    with listener:
        # Connections inherit it. asyncio sets it only on sockets that it made: without, each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _uvicorn(target: object, *, factory: bool = False, workers: int = 1) -> uvicorn.Config:
    # No access log: addresses of GET queries hold what people search for.
    return uvicorn.Config(
        target,  # type: ignore[arg-type]  # uvicorn's type leaves out factories
        factory=factory,
        workers=workers,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=10,
    )


class _Server(uvicorn.Server):
    """Says where it listens once it does, and ends with status 0 after a signal."""

    def __init__(self, served: Starlette, url: str) -> None:
        super().__init__(_uvicorn(served))
        self._served = served
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"listening on {self._url}", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._served.state.is_ready = False
        self._captured_signals.clear()  # uvicorn would raise them again after the shutdown, and the status be 143


def _fail(message: str) -> NoReturn:
    print(f"confgraph: {message}", file=sys.stderr)
    sys.exit(1)
