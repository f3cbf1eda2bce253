"""Over the schema that is served, too, the compiled executor answers what graphql-core answers, whoever asks."""

import contextlib
import json
from random import Random
from typing import Any

import pytest
from random_queries import ids_of
from random_selections import Writer
from worlds import TYPES, running, source_tables

from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import build_fleet
from graph.identity import ANYBODY, Identity, Scope
from graph.paging import listing
from graph.schema import build_schema
from graph.settings import AppSettings, ExecutionSettings, LimitsSettings, ServerSettings, build

pytestmark = pytest.mark.anyio


def some_caller(random: Random) -> Identity:
    if random.random() < 0.5:
        return ANYBODY
    return Identity(name="somebody", scopes=frozenset(it for it in Scope if random.random() < 0.7))


@pytest.mark.usefixtures("as_set")
async def test_random_documents_are_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each more than once: it is compiled the second time."""
    monkeypatch.setattr(listing, "FIRST_PAGE_BUDGET", 10**4)  # so that nothing depends on what was read before
    async with running(monkeypatch, 60) as run:
        sources = build({"sources": source_tables(run.sandbox, {})}, TYPES, {}).sources
        limits, server = LimitsSettings(max_cost=10**6, max_aliases=1000), ServerSettings(page_budget=10**4)
        settings = AppSettings(server=server, sources=sources, limits=limits)
        stock, fast = (
            build_schema(AppSettings(server=server, limits=limits, execution=ExecutionSettings(compiled=is_on)))
            for is_on in (False, True)
        )
        store = WindowStore()
        random = Random(20261121)  # noqa: S311 - the same each time
        writer = Writer(random, stock._schema, await ids_of(run), [*sources, "missing"], ["a", "qzx"])
        async with contextlib.aclosing(build_fleet(settings, store=store)) as fleet:

            async def told(schema: Any, document: str, caller: Identity) -> str:
                context = Context.create(fleet, store, settings, "request-1", caller)
                result: Any = await schema.execute(document, context_value=context)
                return json.dumps([result.data, [it.formatted for it in result.errors or ()]], default=str)

            for _ in range(120):
                document, caller = writer.document(), some_caller(random)
                await told(stock, document, caller)  # from now on all that it needs is at hand
                right = await told(stock, document, caller)
                for _ in range(3):
                    assert await told(fast, document, caller) == right, (document, caller)
    kept: Any = fast.execution_context_class
    assert kept.known_plans.size > 1000
