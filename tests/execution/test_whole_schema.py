"""Over the schema that is served, too, the compiled executor answers what graphql-core answers, whoever asks."""

import contextlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec
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


def both(document_of: Callable[[], str], random: Random) -> Iterator[tuple[str, Identity]]:
    """Documents, each asked by one caller and then by another, who may see other fields."""
    for _ in range(70):
        document = document_of()
        for _ in range(2):
            yield document, some_caller(random)


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

            async def told(schema: Any, document: str, caller: Identity, *, is_for_bytes: bool = False) -> bytes:
                context = Context.create(fleet, store, settings, "request-1", caller)
                result: Any = await schema.execute(document, context_value=context, is_for_bytes=is_for_bytes)
                return msgspec.json.encode([result.data, [it.formatted for it in result.errors or ()]])

            for document, caller in both(writer.document, random):
                await told(stock, document, caller)  # from now on all that it needs is at hand
                right = await told(stock, document, caller)
                for is_for_bytes in (False, True) * 2:
                    said = await told(fast, document, caller, is_for_bytes=is_for_bytes)
                    assert said == right, (document, caller)
    kept: Any = fast.execution_context_class
    assert kept.known_plans.size > 1000
