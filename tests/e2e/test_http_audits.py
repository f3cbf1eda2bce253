"""GraphQL over HTTP as npm's graphql-http audits it."""

import asyncio
import json

import pytest
from e2e.tools import NODE, run_node
from servers import serve

from graph.server import create_app
from graph.settings import AppSettings

pytestmark = [pytest.mark.anyio, NODE]


async def test_every_audit_is_passed() -> None:
    """What it says a server must, should and may do."""
    async with serve(create_app(AppSettings())) as url:
        told = await asyncio.to_thread(run_node, "audits.mjs", f"{url}/graphql")
    results = [json.loads(line) for line in told.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len({result["id"] for result in results}) == 61
