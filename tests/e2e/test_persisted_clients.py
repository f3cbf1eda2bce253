"""Apollo Client and confgraph understand each other about documents that are named and not sent."""

import asyncio
import json
from typing import Any

import pytest
from e2e.tools import NODE, run_node
from servers import serve

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.server import create_app
from graph.settings import build
from graph.vendors import VENDORS

pytestmark = [pytest.mark.anyio, NODE]

NAME, BOTH, TEXT = ["name"], ["name", "text"], ["text"]


async def asked(method: str, *, persisted_queries: bool) -> list[dict[str, Any]]:
    """What the client sent for two equal documents and another one, all of which were answered."""
    types = {spec.name: spec.settings for spec in VENDORS.values()}
    async with Sandbox(World(conferences=10)) as sandbox:
        server = {"persisted_queries": persisted_queries}
        settings = build({"server": server, "sources": sandbox.settings()}, types, {})
        async with serve(create_app(settings)) as url:
            told = json.loads(await asyncio.to_thread(run_node, "apollo-persisted.mjs", url, method))
    assert told["answers"] == [5, 5, 5]
    assert {it["status"] for it in told["sent"]} == {200}
    sent: list[dict[str, Any]] = told["sent"]
    return sent


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_document_is_sent_once_and_only_named_from_then_on(method: str) -> None:
    sent = await asked(method, persisted_queries=True)
    assert [it["has"] for it in sent] == [NAME, BOTH, NAME, NAME, BOTH]
    assert [it["method"] for it in sent if it["has"] == NAME] == [method] * 3
    ages = ["no-store", "private, max-age=300", "private, max-age=300", "no-store", "private, max-age=300"]
    assert [it["cached"].replace("=299", "=300") for it in sent] == ages


async def test_where_names_are_not_known_it_ceases_to_send_them() -> None:
    sent = await asked("POST", persisted_queries=False)
    assert [it["has"] for it in sent] == [NAME, TEXT, TEXT, TEXT]
