"""The command `confgraph`: serve, sandbox, schema, check, key.

stdout is for programs (the line `listening on URL`, the sandbox's configuration, the schema, the table of `check`, a
key); all else goes to stderr. Exit status 1: a check failed, the schema is stale, a port is taken; 2: bad settings.
"""

import asyncio
import contextlib
import hashlib
import secrets
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Column, Table

from graph import __version__
from graph.errors import ConfgraphError, ConfigError, VendorError
from graph.fleet import Source, build_fleet
from graph.schema import build_schema, print_sdl
from graph.server.playground import is_built, is_offered
from graph.server.serving import listening, run
from graph.server.trusted import TrustedDocuments
from graph.settings import AppSettings, KeySettings, build, config_path, has_sources, is_loopback, load
from graph.telemetry.logs import configure_logs, log
from graph.vendors import VENDORS

SANDBOX_PORT = 9101

app = App(name="confgraph", version=__version__, help="One GraphQL API over five video-conferencing vendors.")


def main() -> None:
    """Run the command line; configuration faults end it with status 2, one line each."""
    configure_logs("info")
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
        configure_logs(settings.server.log_level)
        if settings.auth.mode == "none" and not is_loopback(settings.server.host):
            log.warning("auth.mode is none: whoever reaches this address may ask everything")
        if is_offered(settings.server) and not is_built():
            log.info("the playground is missing: it could not be made when confgraph was installed, see README")
        try:
            listener = stack.enter_context(listening(settings.server.host, settings.server.port))
        except (OSError, UnicodeError) as error:  # the latter of a name that none can be
            _fail(f"{settings.server.host}:{settings.server.port}: {getattr(error, 'strerror', None) or error}")
        run(settings, listener, workers)


@app.command
def sandbox(*, port: int = SANDBOX_PORT, seed: int = 1, conferences: int = 3000) -> None:
    """Run the five vendor emulators on loopback and print the configuration for them.

    Args:
        port: The first of five ports in a row; 0 takes free ones.
        seed: Another seed is another world.
        conferences: How many conferences the last 60 days had.
    """
    from graph.sandbox.server import Sandbox  # noqa: PLC0415 - who serves vendors does without the twins
    from graph.sandbox.world import MOST_CONFERENCES, World  # noqa: PLC0415 - likewise

    if not 0 <= conferences <= MOST_CONFERENCES:
        raise ConfigError([f"--conferences: expected 0 to {MOST_CONFERENCES}"])
    ports = None if port == 0 else range(port, port + len(VENDORS))

    async def emulate() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with Sandbox(World(seed=seed, conferences=conferences), ports) as running:
            print(running.to_toml(), end="", flush=True)
            log.info("five emulators are running; Ctrl+C ends them")
            await stop.wait()

    try:
        asyncio.run(emulate())
    except OSError as error:
        _fail(f"port {port} to {port + len(VENDORS) - 1}: {error.strerror or error}")


@app.command
def schema(
    file: Path = Path("schema.graphql"),
    *,
    check: Annotated[bool, Parameter(negative=())] = False,
    without_scopes: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Print the subgraph SDL, for publishing to a schema registry.

    Args:
        file: What --check compares with.
        check: Print nothing; fail when the file is stale.
        without_scopes: Leave out @authenticated and @requiresScopes, for a gateway that does not know them or does
            not know its callers. confgraph keeps these rules in any case.
    """
    sdl = print_sdl(build_schema(AppSettings(), tells_scopes=not without_scopes))
    if not check:
        print(sdl, end="")
    elif not file.is_file():
        _fail(f"{file} not found: confgraph schema > {file}")
    elif file.read_text(encoding="utf-8") != sdl:
        _fail(f"{file} is stale: confgraph schema > {file}")


@app.command
def check(*, config: Path | None = None, verbose: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Ask every source one cheap question and say what works. Opens no scroll.

    Args:
        config: The configuration; else CONFGRAPH_CONFIG and the environment.
        verbose: Say as well what limits are kept, and what was answered unlike the vendor's contract.
    """
    configure_logs("error")  # the table tells the rest
    settings = load(config_path(config), _settings_types())
    checked = asyncio.run(_check_all(settings))
    console = Console()
    table = Table("source", "vendor", "result", "detail")
    for one in checked:
        table.add_row(one.source.name, one.source.settings.vendor, "ok" if one.is_good else "FAILED", one.detail)
    console.print(table)
    if verbose:
        _print_limits(console, checked)
        _print_drift(console, checked)
    if not all(one.is_good for one in checked):
        sys.exit(1)


@app.command
def key(name: str, /) -> None:
    """Make a key for a caller: prints it, and the table of the configuration that lets it in.

    Args:
        name: What logs and limits call the caller.
    """
    made = secrets.token_urlsafe(32)
    settings = KeySettings(name=name, sha256=hashlib.sha256(made.encode()).hexdigest())
    if faults := settings.faults():
        raise ConfigError(faults)
    print(f'{made}\n\n[[auth.keys]]\nname = "{name}"\nsha256 = "{settings.sha256}"')


@dataclass(frozen=True)
class _Checked:
    source: Source
    is_good: bool
    detail: str


async def _check_all(settings: AppSettings) -> list[_Checked]:
    async def one(source: Source) -> _Checked:
        source.client.drift.looks_at_all = True
        try:
            return _Checked(source, is_good=True, detail=await source.adapter.check())
        except VendorError as error:
            return _Checked(source, is_good=False, detail=f"{error.source_code.value}: {error.said}")
        except ConfgraphError as error:
            return _Checked(source, is_good=False, detail=error.message)

    fleet = build_fleet(settings)
    try:
        return await asyncio.gather(*(one(source) for source in fleet.sources.values()))
    finally:
        await fleet.aclose()


def _print_limits(console: Console, checked: Iterable[_Checked]) -> None:
    table = Table("source", "health", "timeout", "at once", "per second", "retries", "left alone", "body")
    for one in checked:
        kept = one.source.settings
        table.add_row(
            one.source.name,
            one.source.health().state.value,
            f"{kept.timeout_s:g} s",
            str(kept.max_connections),
            f"{kept.max_requests_per_second:g}" if kept.max_requests_per_second else "no limit",
            str(kept.retries),
            f"{kept.breaker_open_s:g} s after {kept.breaker_failures}" if kept.breaker_failures else "never",
            f"{kept.max_body_mb} MB",
        )
    console.print(table)


def _print_drift(console: Console, checked: Sequence[_Checked]) -> None:
    table = Table("source", "report", Column("field", overflow="fold"), "unlike its contract", "times")
    for one in checked:
        for seen in one.source.client.drift.observed():
            kind = seen.kind if seen.value is None else f"{seen.kind} {seen.value}"
            table.add_row(one.source.name, seen.endpoint, seen.field, kind, str(seen.count))
    if table.row_count:
        console.print(table)
    elif answered := [one.source.name for one in checked if one.is_good]:
        console.print(f"As their contracts say: what {', '.join(answered)} answered.")


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
        if settings.server.trusted_documents:
            TrustedDocuments.of(settings, build_schema(settings))  # a worker that cannot start is started anew for ever
        return settings

    path = config_path(config)
    if path is not None or has_sources():
        return finished(load(path, _settings_types()))
    asked = finished(build({}, _settings_types()))  # faults come before the emulators do
    if not is_loopback(asked.server.host):
        raise ConfigError(
            [f"sources: missing; the sandbox is for loopback alone, and server.host is {asked.server.host}"]
        )
    log.warning("no configuration: serving made-up conferences from the sandbox; give --config or CONFGRAPH_CONFIG")
    return finished(build({"sources": stack.enter_context(_sandbox_inside())}, _settings_types()))


@contextlib.contextmanager
def _sandbox_inside() -> Iterator[dict[str, Any]]:
    """Run the emulators in a thread of their own; gives their tables of the configuration."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - who serves vendors does without

    from graph.sandbox.server import Sandbox  # noqa: PLC0415 - likewise
    from graph.sandbox.world import World  # noqa: PLC0415 - likewise

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Sandbox(World())) as running:
        yield running.settings()


def _check_exposure(settings: AppSettings) -> None:
    host = settings.server.host
    if settings.auth.is_for_loopback and not is_loopback(host):
        raise ConfigError([f'auth.mode: "none" goes with a loopback address only, and server.host is {host}'])


def _fail(message: str) -> NoReturn:
    print(f"confgraph: {message}", file=sys.stderr)
    sys.exit(1)
