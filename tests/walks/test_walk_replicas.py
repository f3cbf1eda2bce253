"""P3 over several processes that share nothing: a walk goes from one to the other, whatever becomes of them."""

import contextlib
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers import text
from oracle_reports import ReportOracle
from processes import listening_url, running
from walking import CONFERENCES, Key, key
from worlds import DAY

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World

pytestmark = pytest.mark.anyio

SIZES = (1, 7, 50, 13)
OTHER_SETTINGS = {
    "CONFGRAPH_SOURCES__HEXMEET__PAGE_SIZE": "20",
    "CONFGRAPH_SOURCES__NETEASE__PAGE_SIZE": "7",
    "CONFGRAPH_SOURCES__SYSTEC__PAGE_SIZE": "30",
    "CONFGRAPH_CACHE__ENABLED": "false",
}


async def test_a_walk_goes_on_at_other_processes(tmp_path: Path) -> None:
    """Page by page by turns, with other page sizes and other settings; half-way one ends, and a new one takes over."""
    world = World(conferences=300)
    start, end = world.anchor - 30 * DAY, world.anchor - 3 * DAY
    expected = sorted(
        (text(it.sort_time) or "", vendor, oracle.vendor_id(it))
        for oracle in [ReportOracle(world, world.anchor)]
        for vendor in oracle.makers
        for it in oracle.listed(vendor, start, end)
    )
    assert {source for _, source, _ in expected} == {"hexmeet", "netease", "systec"}
    async with Sandbox(world, options={"hexmeet": {"max_open_scrolls": 10**6}}) as sandbox, httpx.AsyncClient() as http:
        configuration = tmp_path / "confgraph.toml"
        configuration.write_text(sandbox.to_toml(), encoding="utf-8")
        serve = ("serve", "--port", "0", "--config", str(configuration))

        async def ask(url: str, **variables: Any) -> dict[str, Any]:
            variables["d"] = {"from": text(start), "to": text(end)}
            reply = await http.post(f"{url}/graphql", json={"query": CONFERENCES, "variables": variables}, timeout=60)
            page: dict[str, Any] = reply.json()["data"]["conferences"]
            return page

        with contextlib.ExitStack() as others, running(*serve) as first:
            urls = [listening_url(first), listening_url(others.enter_context(running(*serve, **OTHER_SETTINGS)))]
            for order, is_forward in (("START_ASC", True), ("START_DESC", False), ("START_DESC", True)):
                met: list[Key] = []
                cursor = None
                for number in count():
                    size = SIZES[number % 4]
                    given = {"first": size, "after": cursor} if is_forward else {"last": size, "before": cursor}
                    page = await ask(urls[number % 2], order=order, **given)
                    assert page["complete"]
                    met += [key(row) for row in (page["nodes"] if is_forward else reversed(page["nodes"]))]
                    if not page["pageInfo"]["hasNextPage" if is_forward else "hasPreviousPage"]:
                        break
                    cursor = page["pageInfo"]["endCursor" if is_forward else "startCursor"]
                    if order == "START_DESC" and is_forward and len(met) > len(expected) / 2 and first.poll() is None:
                        first.kill()
                        first.wait()
                        urls[0] = listening_url(others.enter_context(running(*serve)))
                assert met == (expected if (order == "START_ASC") is is_forward else expected[::-1])
            assert first.poll() is not None
