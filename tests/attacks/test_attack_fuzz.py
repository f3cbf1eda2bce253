"""Random documents and variables against a real process: whatever they are, the answer is one of ours."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from graphql import NameNode, ObjectFieldNode, ObjectValueNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, nodes, queries

from attacks.besieging import Besieged, long_ago, told
from graph.schema import build_schema
from graph.settings import AppSettings
from graph.vendors import VENDORS

pytestmark = pytest.mark.timeout(240)

SCHEMA = build_schema(AppSettings())._schema
EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
FOUND = """query($d: TimeRange!) {
  conferences(filter: {during: $d}, first: 30) {
    nodes { id vendorId room { id name } members(first: 1) { nodes { id } pageInfo { endCursor } } }
    pageInfo { endCursor }
  }
  calls(filter: {during: $d}, first: 3) { nodes { id vendorId mcu { id name } } pageInfo { endCursor } }
}"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["__typename", "id", "sourceName", "vendorId", "name"])
FIELDS = {
    "conferences(filter: $v) { complete }": "ConferenceFilter",
    "conferences(after: $v) { complete }": "String",
    "conferences(first: $v) { complete }": "Int",
    "conferences(orderBy: $v) { complete }": "TimeOrder",
    "calls(filter: $v) { complete }": "CallFilter",
    "rooms(filter: $v) { complete }": "RoomFilter",
    "mcuResources(filter: $v) { complete }": "McuResourceFilter!",
    "usage(of: CALLS, days: $v) { count }": "DateRange!",
    "usageBy(dimension: ROOM, during: $v) { complete }": "TimeRange!",
    "live(sources: $v) { complete }": "[String!]",
    "node(id: $v) { id }": "ID!",
    "nodes(ids: $v) { id }": "[ID!]!",
    "_entities(representations: $v) { __typename }": "[_Any!]!",
}


@pytest.fixture(scope="module")
def known(foe: httpx.Client) -> list[str]:
    """Ids, keys, names and cursors that there are, of all kinds."""
    reply = foe.post("/graphql", json={"query": FOUND, "variables": {"d": long_ago(5)}})
    assert told(reply) == []
    found = list(_texts(reply.json()["data"]))
    assert len(found) > 60
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def scalars(known: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    """Values of every scalar: good ones, nearly good ones and wrong ones."""
    names = [*VENDORS, "nowhere", "Asia/Shanghai", "UTC", "../UTC", ""]
    text = st.sampled_from([*known, *names]) | st.text(max_size=30)
    instant = st.datetimes().map(lambda it: f"{it.isoformat()}Z") | st.sampled_from([*long_ago().values(), "now", ""])
    day = st.dates().map(str) | st.sampled_from(["2026-02-30", "0000-00-00", "today", ""])
    key = st.dictionaries(KEYS, text, max_size=3)
    typed = st.tuples(st.sampled_from(["Conference", "Call", "Room", "McuResource", "Member", "Query"]), key)
    entity = typed.map(lambda it: {"__typename": it[0], **it[1]}) | key
    return {
        "String": text.map(nodes.String),
        "ID": text.map(nodes.String),
        "Int": st.sampled_from([0, 1, 3, 20, 1000]).map(nodes.Int) | st.integers(-(2**31), 2**31 - 1).map(nodes.Int),
        "DateTime": instant.map(nodes.String),
        "Date": day.map(nodes.String),
        "_Any": entity.map(_object),
    }


def _object(value: dict[str, str]) -> ObjectValueNode:
    fields = ((name, nodes.String(text)) for name, text in value.items())
    return nodes.Object([ObjectFieldNode(name=NameNode(value=name), value=text) for name, text in fields])


def asked(foe: httpx.Client, query: str, variables: Any = None) -> None:
    """Ask, whatever it is; the answer must be one of ours."""
    content = json.dumps({"query": query, "variables": variables})
    reply = foe.post("/graphql", content=content, headers={"content-type": "application/json"})
    assert reply.status_code in (200, 400), reply.text[:300]
    told(reply, query + content)


@pytest.mark.parametrize("mode", [Mode.POSITIVE, Mode.NEGATIVE], ids=["valid", "with one fault"])
def test_any_document(server: Besieged, foe: httpx.Client, known: list[str], mode: Mode) -> None:
    """Over the whole schema: no 500, no Python text, a code on every error, an id on every answer."""

    @EXAMPLES
    @given(queries(SCHEMA, custom_scalars=scalars(known), mode=mode))
    def ask(query: str) -> None:
        asked(foe, query)

    ask()
    server.assert_well()


@pytest.mark.parametrize("root", sorted(SCHEMA.query_type.fields if SCHEMA.query_type else ()))
def test_any_document_of_one_root(server: Besieged, foe: httpx.Client, known: list[str], root: str) -> None:
    """So that no root is left out because another one fails first."""

    @settings(EXAMPLES, max_examples=15)
    @given(queries(SCHEMA, fields=[root], custom_scalars=scalars(known)))
    def ask(query: str) -> None:
        asked(foe, query)

    ask()
    server.assert_well()


def test_any_variables(server: Besieged, foe: httpx.Client, known: list[str]) -> None:
    """Wherever variables go, whatever they hold."""
    words = st.sampled_from(["during", "from", "to", "sources", "vendors", "vendorIds", "states", "room", "search"])
    value = JSON | st.sampled_from(known)
    keyed = st.dictionaries(words, value | st.dictionaries(words, value, max_size=2) | st.lists(value), max_size=3)

    @settings(EXAMPLES, max_examples=200)
    @given(st.sampled_from(sorted(FIELDS)), value | keyed | st.lists(value | keyed | st.dictionaries(KEYS, value)))
    def ask(field: str, value: Any) -> None:
        asked(foe, f"query($v: {FIELDS[field]}) {{ {field} }}", {"v": value})

    ask()
    server.assert_well()


def test_any_body(server: Besieged, foe: httpx.Client) -> None:
    """Whatever JSON it is, and what is nearly JSON."""

    @EXAMPLES
    @given(
        st.dictionaries(st.sampled_from(["query", "variables", "operationName", "extensions", "id"]), JSON)
        .map(json.dumps)
        .map(str.encode)
        | JSON.map(json.dumps).map(str.encode)
        | st.binary(max_size=50)
    )
    def ask(content: bytes) -> None:
        reply = foe.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert reply.status_code in (200, 400), reply.text[:300]
        assert told(reply, content.decode("latin1"))

    ask()
    server.assert_well()
