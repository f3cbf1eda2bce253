"""`confgraph check --verbose` says what a vendor answered unlike its contract, and what limits are kept."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faulty import Faulty, rewrites
from processes import confgraph
from starlette.types import ASGIApp
from worlds import wrapped

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio


def drifted(body: Any) -> Any:
    """A list of another day: a field more, and one of another type, which can be done without."""
    for row in body["result"]["confList"]:
        row |= {"aNewField": "Ann Example", "hostName": 5150}
    return body


async def test_check_tells_of_drift_where_it_is_asked_to(tmp_path: Path) -> None:
    def wrap(name: str, app: ASGIApp) -> ASGIApp:
        faulty = Faulty(app)
        faulty.fault = rewrites(drifted) if name == "quanshi" else faulty.fault
        return faulty

    vendors = {name: wrapped(spec, wrap) for name, spec in VENDORS.items()}
    config = tmp_path / "confgraph.toml"
    async with Sandbox(World(conferences=300), vendors=vendors) as sandbox:
        config.write_text(sandbox.to_toml(), encoding="utf-8")
        asked = ("check", "--config", str(config))
        brief = await asyncio.to_thread(confgraph, *asked)
        whole = await asyncio.to_thread(confgraph, *asked, "--verbose", COLUMNS="200")
    for done in (brief, whole):
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(" ok ") == len(VENDORS)
        assert "Ann Example" not in done.stdout + done.stderr
        assert "5150" not in done.stdout + done.stderr
    assert "aNewField" not in brief.stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in whole.stdout.splitlines()]
    told = {tuple(row[:4]): int(row[4]) for row in rows if len(row) == 5}
    assert told.keys() == {
        ("quanshi", "listbystatus", "$.result.confList[].aNewField", "unknown field"),
        ("quanshi", "listbystatus", "$.result.confList[].hostName", "wrong type"),
    }
    assert min(told.values()) > 0
    limits = {row[0]: row[1:] for row in rows if len(row) == 8}
    assert limits["netease"] == ["UP", "10 s", "20", "100", "2", "10 s after 5", "32 MB"]
