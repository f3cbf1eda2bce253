"""Documents are parsed and validated once, remembered within bounds, and never make anybody wait."""

import gc
import re
from pathlib import Path
from typing import Any

import graphql
import httpx
import pytest
from graphql.language.parser import Parser
from schema.fakes import SCHEMA, FakeAdapter, conference, run
from servers import serve

from graph.schema import build_schema, documents
from graph.schema.documents import KEPT_BYTES, LONGEST_KEPT, MOST_FAULTS, TOO_MANY, TOO_TANGLED, KnownDocuments
from graph.schema.operations import MOST_WAYS, ReadDocument
from graph.server import create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of words of each document that was parsed."""
    counts: list[int] = []
    parse = Parser.parse_document

    def counted(parser: Parser) -> Any:
        try:
            return parse(parser)
        finally:
            counts.append(parser.token_count)

    monkeypatch.setattr(Parser, "parse_document", counted)
    return counts


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[KnownDocuments]:
    """The documents that the schemas made from here on remember, one schema after the other."""
    made: list[KnownDocuments] = []

    class Seen(KnownDocuments):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr("graph.schema.KnownDocuments", Seen)
    return made


async def told(query: str, schema: Any, **options: Any) -> list[tuple[str, str]]:
    """The codes and words of all errors."""
    result = await run([FakeAdapter("alpha", [conference("alpha", "1")])], query, schema=schema, **options)
    return [(error.extensions["code"], error.message) for error in result.errors or ()]


async def test_a_document_is_parsed_and_validated_once(parsed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks; another text is another document."""
    validated = 0
    validate = graphql.validate

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal validated
        validated += 1
        return validate(*args, **options)

    monkeypatch.setattr(documents, "validate", counted)
    schema = build_schema(AppSettings())
    for _ in range(3):
        assert await told("{conferences(first: 3){nodes{id}}}", schema) == []
    assert len(parsed) == validated == 1
    assert await told("{conferences(first: 3){nodes{id}}} ", schema) == []
    assert len(parsed) == validated == 2


async def test_no_refused_document_is_remembered(kept: list[KnownDocuments]) -> None:
    """Nor a long one, by its words or its blanks: each would keep two hundred times its length."""
    schema = build_schema(AppSettings())
    lists = " ".join(f"a{n}: conferences(filter: {{states: [{'LIVE ' * 1400}]}}) {{complete}}" for n in range(3))
    long = f"{{{lists}}}"
    blank = "{__typename" + "," * LONGEST_KEPT + "}"
    for query in ("{a}", "{", "{conferences{...A}}", "{" + "__typename " * 200 + "}", long, blank):
        await told(query, schema)
    assert kept[0].size == 0
    await told("{__typename}", schema)
    assert 0 < kept[0].size < 10_000


def test_what_is_remembered_is_bounded_and_the_unused_goes_first() -> None:
    known = KnownDocuments()
    document = ReadDocument(Parser("{a}").parse_document(), SCHEMA._schema)
    size = KEPT_BYTES // 20
    for number in range(30):
        known.keep(bytes([number]), document, size)
        assert known.get(b"\0") is document  # it is in use
        assert known.size <= KEPT_BYTES
    assert known.get(bytes([1])) is None
    assert known.get(bytes([29])) is document
    known.keep(b"\0", document, size)
    assert known.size == KEPT_BYTES


async def test_a_document_takes_up_no_more_than_it_is_counted_for(kept: list[KnownDocuments]) -> None:
    """With all that is remembered of it once it was executed."""
    schema = build_schema(AppSettings())

    def memory() -> int:
        gc.collect()
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * 4096

    queries = [f"{{__typename conferences(first: {n}){{nodes{{{'id title ' * 50}}}}}}}" for n in range(1, 150)]
    assert await told("{__typename}", schema) == []
    before = memory()
    for query in queries:
        assert await told(query, schema) == []
    assert memory() - before < kept[0].size + 4_000_000
    assert kept[0].size > 7_000_000


async def test_a_document_is_remembered_as_read_in_a_few_ways(kept: list[KnownDocuments]) -> None:
    """However many operations spread the same fragment, and however their variables switch it."""
    schema = build_schema(AppSettings())
    switched = " ".join(f"a{n}: id @include(if: $s{n})" for n in range(3))
    names = [f"s{n}" for n in range(3)]
    head = f"({', '.join(f'${name}: Boolean!' for name in names)})"
    query = f"fragment F on Conference {{ {switched} }}"
    for n in range(5):
        query += f" query Q{n}{head} {{ conferences {{ nodes {{ ...F }} }} }}"
    key = documents.digest_of(query)
    for number in range(40):
        variables = {name: bool(number >> at & 1) for at, name in enumerate(names)}
        result = await schema.execute(query, variables, operation_name=f"Q{number % 5}")
        assert "cost" in (result.extensions or {})
        document = kept[0].get(key)
        assert document
        assert document.ways == MOST_WAYS
        assert len(document.operation("Q0")._read) <= MOST_WAYS
    assert kept[0].size > 1000 * MOST_WAYS


@pytest.mark.parametrize("times", [150, 1500])
async def test_a_deep_document_that_comes_again_is_refused_again(times: int) -> None:
    """And one that is equal but for a remark: nothing compares the one with the other, level by level."""
    schema = build_schema(AppSettings())
    for remark in ("", "#1", "#2", "#1"):
        ((code, _),) = await told("{a" * times + "}" * times + remark, schema)
        assert code == "LIMIT_EXCEEDED"


async def test_the_first_faults_are_told_and_that_there_are_more() -> None:
    """Each time the same."""
    schema = build_schema(AppSettings())
    names = [f"a{n}" for n in range(MOST_FAULTS)]
    found = await told(f"{{{' '.join(names)}}}", schema)
    assert [code for code, _ in found] == ["GRAPHQL_VALIDATION_FAILED"] * MOST_FAULTS
    more = await told(f"{{{' '.join(names)} b}}", schema)
    assert more == [*found, ("LIMIT_EXCEEDED", TOO_MANY)]
    assert await told(f"{{{' '.join(names)} b}}", schema) == more


async def test_what_would_take_long_to_compare_is_refused() -> None:
    """Thirty times the same field is fine; each of a hundred that must be compared with each other one is too much."""
    room = "room{" + "conferences{nodes{id id id}}" * 3 + "}"
    schema = build_schema(AppSettings())
    assert await told("{conferences{nodes{" + "room{id name}" * 30 + "}}}", schema) == []
    assert await told("{conferences{nodes{" + room * 100 + "}}}", schema) == [("LIMIT_EXCEEDED", TOO_TANGLED)]


async def test_what_is_quoted_of_a_request_is_cut() -> None:
    """So that no answer is much longer than what it answers."""
    schema = build_schema(AppSettings())
    fields = " ".join(f"x{n}: 1" for n in range(1200))
    for query in (
        f"{{conferences(filter: {{{fields}}}){{complete}}}}",
        f"{{{'a' * 50_000}}}",
        '{live(sources: ["%s"]){complete}}' % ("k" * 50_000),
    ):
        found = await told(query, schema)
        assert found
        assert max(len(said) for _, said in found) < 600


async def test_no_name_is_told_that_was_not_asked_for_wherever_a_message_is_cut() -> None:
    """Where introspection is off."""
    server = ServerSettings(introspection=False)
    schema = build_schema(AppSettings(server=server))
    for length in range(300, 500, 7):
        name = "a" * length
        query = f"query(${name}: ConferenceFilter) {{ conferences(filter: ${name}) {{ complete }} }}"
        ((code, said),) = await told(query, schema, server=server, **{name: {"sourcs": 1}})
        assert code == "BAD_USER_INPUT"
        assert "sources" not in said


async def test_several_operations_need_a_name() -> None:
    """Nobody guesses which one was meant; what is wrong with them is told first."""
    query = "query A { __typename } query B { b: __typename }"
    accept = {"accept": "application/graphql-response+json"}
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url, headers=accept) as http:
        for _ in range(2):  # the second time it is known
            reply = await http.post("/graphql", json={"query": query})
            assert reply.status_code == 400
            (error,) = reply.json()["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert "operationName" in error["message"]
            reply = await http.post("/graphql", json={"query": query, "operationName": "B"})
            assert reply.json()["data"] == {"b": "Query"}
        reply = await http.post("/graphql", json={"query": query.replace("__typename", "nothing")})
        assert {it["extensions"]["code"] for it in reply.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
        reply = await http.post("/graphql", json={"query": query, "operationName": "C" * 200_000})
        assert reply.status_code == 400
        assert len(reply.content) < 1000


@pytest.mark.parametrize("query", ["query($v: [ID!]!){nodes(ids: $v){id}}", "{nodes(ids: null){id}}"])
@pytest.mark.parametrize("value", [None, [None], {"a": [None, True]}])
async def test_what_is_wrong_is_said_in_the_words_of_graphql(query: str, value: object) -> None:
    """Not in those of Python; but what was quoted stays as it was asked."""
    schema = build_schema(AppSettings())
    for _, said in await told(query, schema, v=value):
        assert not re.search("None|True", said)
    ((_, said),) = await told("{conferences(filter: {states: [None]}){complete}}", schema)
    assert "None" in said
