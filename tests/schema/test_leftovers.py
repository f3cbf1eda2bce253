"""What a request held in memory goes with it: nothing is left that the collector, which looks seldom, must find."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from schema.fakes import NOW, FakeAdapter, conference, member, run
from starlette.types import Message

from graph import clock
from graph.context import Context
from graph.schema import build_schema
from graph.server import disconnects
from graph.settings import AppSettings, ExecutionSettings

pytestmark = pytest.mark.anyio

READ = """query ($s: String) { conferences(first: 5, filter: {search: $s}) {
  nodes { id title members(first: 2) { nodes { displayName } } } complete
} }"""
REFUSED = 'query ($s: String) { node(id: "nonsense") { id } conferences(filter: {search: $s}) { complete } }'
PARTIAL = """query ($s: String) { conferences(filter: {search: $s}) {
  nodes { id members(first: 2, after: "nonsense") { nodes { id } } }
} }"""


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("as_set", "young_heap", "_no_collector")
@pytest.mark.parametrize("query", [READ, REFUSED, PARTIAL], ids=["read", "refused", "partial"])
@pytest.mark.parametrize("compiled", [False, True])
async def test_a_request_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, query: str, *, compiled: bool) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    schema = build_schema(AppSettings(execution=ExecutionSettings(compiled=compiled)))
    row = conference("alpha", "1", title="somebody")
    left = []
    for _ in range(5):
        alpha = FakeAdapter("alpha", conferences=[row], members=[member(row, "1")])
        result = await run([alpha], query, schema=schema, s="some")
        assert bool(result.errors) is (query is not READ)
        del result, alpha
        left.append(sum(isinstance(it, Context) for it in gc.get_objects()))
    assert left == [0] * 5


@pytest.mark.usefixtures("_no_collector")
async def test_nothing_is_left_of_watching_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that waited for so long that it had to be watched."""
    monkeypatch.setattr(disconnects, "WATCH_AFTER_S", 0.0)
    is_watched = asyncio.Event()

    async def receive() -> Message:
        is_watched.set()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never anything

    watched = disconnects.WhileConnected(receive)
    with watched:
        await is_watched.wait()
    gone = weakref.ref(watched)
    del watched
    for _ in range(3):  # what was cancelled ends
        await asyncio.sleep(0)
    assert gone() is None
