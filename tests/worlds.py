"""A world whose clock stands, its emulators and a confgraph over them."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from answers import text
from oracle_reports import ReportOracle
from queries import Client
from starlette.types import ASGIApp

from graph import clock
from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.settings import build
from graph.vendors import VENDORS
from graph.vendors.base import VendorSpec

NOW = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)  # a Thursday, 17:30 in Shanghai
DAY = timedelta(days=1)
TYPES = {spec.name: spec.settings for spec in VENDORS.values()}

Tables = Mapping[str, Mapping[str, object]]
Wrap = Callable[[str, ASGIApp], ASGIApp]


@cache
def world_of(conferences: int) -> World:
    """A world around NOW. A world never changes, so that tests may share it."""
    return World(conferences=conferences, anchor=NOW)


@dataclass(frozen=True)
class Running:
    """Emulators over a world, confgraph over them, and what it should answer."""

    sandbox: Sandbox
    client: Client
    oracle: ReportOracle

    def requests(self) -> dict[str, int]:
        """Requests since this was asked last, by vendor and the last word of the path."""
        counts: dict[str, int] = {}
        for (vendor, path), count in self.sandbox.requests.items():
            counts[f"{vendor} {path.rsplit('/', 1)[-1]}"] = count
        self.sandbox.requests.clear()
        return counts


def during(days: float, until: datetime = NOW) -> dict[str, str | None]:
    """A TimeRange that ends at an instant."""
    return {"from": text(until - days * DAY), "to": text(until)}


def wrapped(spec: VendorSpec, wrap: Wrap) -> VendorSpec:
    """A vendor with something put around its emulator."""

    def create(*args: Any, **options: Any) -> Any:
        return wrap(spec.name, spec.create_emulator(*args, **options))

    return replace(spec, create_emulator=create)


def source_tables(sandbox: Sandbox, changes: Tables) -> dict[str, dict[str, Any]]:
    """The tables `sources.*` of a sandbox whose scrolls never close, with changes by name.

    A new name is a copy of its vendor's source with its changes; a base_url that is a path goes behind the vendor's.
    """
    tables: dict[str, dict[str, Any]] = sandbox.settings()
    tables["hexmeet"]["max_open_scrolls"] = 0
    for name, changed in changes.items():
        table = tables[str(changed.get("vendor", name))]
        tables[name] = {**table, **changed}
        if str(changed.get("base_url")).startswith("/"):
            tables[name]["base_url"] = f"{table['base_url']}{changed['base_url']}"
    return tables


@contextlib.asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch,
    conferences: int = 400,
    *,
    sources: Tables | None = None,
    options: Tables | None = None,
    server: Mapping[str, object] | None = None,
    wrap: Wrap = lambda _, app: app,
) -> AsyncIterator[Running]:
    """Run a world whose clock stands at NOW.

    Scrolls never close there, so that their number has to be without limit.

    Args:
        monkeypatch: Stops the clock.
        conferences: The size of the world.
        sources: Changes to the settings of sources, as `source_tables` has them.
        options: Of emulators, by vendor.
        server: The table `server`.
        wrap: Put around every emulator.
    """
    monkeypatch.setattr(clock, "now", lambda: NOW)
    world = world_of(conferences)
    unlimited = {"hexmeet": {"max_open_scrolls": 10**6}}
    given: dict[str, Mapping[str, object]] = {**unlimited, **(options or {})}
    vendors = {name: wrapped(spec, wrap) for name, spec in VENDORS.items()}
    async with Sandbox(world, options=given, vendors=vendors) as sandbox:
        tables = source_tables(sandbox, sources or {})
        settings = build({"server": dict(server or {}), "sources": tables}, TYPES, {})
        async with Client(settings) as client:
            yield Running(sandbox, client, ReportOracle(world, NOW))
