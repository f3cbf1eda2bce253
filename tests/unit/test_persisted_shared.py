"""Documents that replicas share by their hashes, in a real Valkey."""

from collections.abc import Iterator
from contextlib import aclosing
from hashlib import sha256

import pytest
from store_replicas import raw
from valkeys import RunningValkey, running_valkey

from graph.cache.codec import FactCodec
from graph.cache.shared import SharedTier
from graph.cache.valkey import Valkey
from graph.errors import PersistedQueryNotFoundError
from graph.identity import ANYBODY
from graph.schema import build_schema
from graph.schema.documents import KnownDocuments
from graph.server import persisted
from graph.server.persisted import LONGEST_SHARED, PersistedQueries
from graph.server.requests import GraphQLRequest
from graph.settings import AppSettings, CacheSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with running_valkey() as running:
        yield running


class Replica:
    """A process that executes what it is sent, and knows documents by their hashes."""

    def __init__(self, valkey: Valkey) -> None:
        known = KnownDocuments()
        self._schema = build_schema(AppSettings(), known)
        self._queries = PersistedQueries(known, is_on=True, trusted=None)
        self._queries.connect(SharedTier(valkey))

    async def send(self, text: str) -> None:
        request = named(text, query=text)
        await self._schema.execute(await self._queries.text_of(request, ANYBODY))
        await self._queries.keep(request)

    async def knows(self, text: str) -> bool:
        try:
            found = await self._queries.text_of(named(text), ANYBODY)
        except PersistedQueryNotFoundError:
            return False
        assert found == text
        return True


def named(text: str, query: str | None = None) -> GraphQLRequest:
    name = sha256(text.encode()).hexdigest()
    return GraphQLRequest(query=query, extensions={"persistedQuery": {"version": 1, "sha256Hash": name}})


async def test_whatever_is_sent_takes_no_more_than_the_places_there_are(
    valkey: RunningValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two documents that take the same place are never taken for each other."""
    monkeypatch.setattr(persisted, "PLACES", 8)
    texts = [f"query Q{number} {{ __typename }}" for number in range(60)]
    async with aclosing(Valkey(CacheSettings(url=valkey.url))) as connection, raw(valkey) as client:
        one, other = Replica(connection), Replica(connection)
        for text in texts:
            await one.send(text)
        assert 1 <= await client.dbsize() <= 8
        assert all([await one.knows(text) for text in texts])
        known = [text for text in texts if await other.knows(text)]
        assert 1 <= len(known) <= 8
        assert texts[-1] in known


async def test_a_long_document_stays_where_it_was_sent(valkey: RunningValkey) -> None:
    short, long = ("{ __typename }" + "," * length for length in (LONGEST_SHARED - 100, LONGEST_SHARED))
    async with aclosing(Valkey(CacheSettings(url=valkey.url))) as connection:
        one, other = Replica(connection), Replica(connection)
        for text in (short, long):
            await one.send(text)
        assert [await one.knows(text) for text in (short, long)] == [True, True]
        assert [await other.knows(text) for text in (short, long)] == [True, False]


async def test_what_was_put_in_the_place_of_a_document_is_not_executed(valkey: RunningValkey) -> None:
    async with aclosing(Valkey(CacheSettings(url=valkey.url))) as connection:
        place = persisted._place_of(sha256(b"{ a }").hexdigest())
        await SharedTier(connection).put(place, "{ b }", 60, 0, FactCodec(str))
        assert not await Replica(connection).knows("{ a }")
