"""Forged ids, cursors and entities against a real process: refused or not there, and never a fault of ours."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from attacks.besieging import Besieged, codes, long_ago, told
from graph.ids import IdKind, encode_id

pytestmark = pytest.mark.timeout(240)

AT_ONCE = 40  # so few that all errors fit into an answer
QUESTIONS = {
    "conferences": "conferences(filter: {during: $d, sources: [netease]}, PAGE) { nodes { id } }",
    "calls": "calls(filter: {during: $d, sources: [systec]}, PAGE) { nodes { id } }",
    "rooms": "rooms(filter: {during: $d, sources: [systec]}, PAGE) { nodes { id } }",
    "members": "conference(source: $s, vendorId: $v) { members(PAGE) { nodes { id } } }",
}
IDS = """query($d: TimeRange!) {
  conferences(filter: {during: $d}, first: 40) {
    nodes { id sourceName vendorId room { id } members(first: 3) { nodes { id } edges { cursor } } }
    edges { cursor }
  }
  calls(filter: {during: $d}, first: 40) { nodes { id mcu { id } } }
}"""
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Conference { id } } }"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
GARBAGE = [
    *(
        "",
        " ",
        "=",
        "====",
        "A",
        "AA",
        "AAA",
        "AAAA",
        "A" * 5000,
        "null",
        "0",
        "-1",
        "../..",
        "\0",
        "\n",
        "é",
        "😀",
        "%00",
    ),
    *(
        base64.urlsafe_b64encode(it).rstrip(b"=").decode()
        for it in (b"\0", b"\xc1", b"{}", b"\x93\1\2\3", b"\xff" * 99)
    ),
    *("eyJhbGciOiJub25lIn0", "YXJyYXljb25uZWN0aW9uOjA", "UGFnZTox", "\ufeffAAAA", "AAAA\u200b", "１２３４"),
]


@pytest.fixture(scope="module")
def found(foe: httpx.Client) -> Any:
    """Objects that there are."""
    reply = foe.post("/graphql", json={"query": IDS, "variables": {"d": long_ago(10)}})
    assert told(reply) == []
    return reply.json()["data"]


def batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def forged(good: str) -> list[str]:
    """What is nearly a text of base64: each letter another one, each bit of it flipped, its end cut off, and more."""
    texts = [good[:at] for at in range(len(good))]
    for at, letter in enumerate(good):
        place = LETTERS.index(letter)
        texts += [good[:at] + LETTERS[place ^ 1 << bit] + good[at + 1 :] for bit in range(6)]
    texts += [good + letter for letter in "A=_~ \n"] + [f" {good}", good.swapcase(), good[::-1], good * 2]
    return [text for text in dict.fromkeys(texts) if text != good]


def code_of_each(foe: httpx.Client, query: str, values: Sequence[str], **variables: Any) -> dict[str, str | None]:
    """The code that each value is refused with, None where it is not; `VALUE` in the query is one, root for root."""
    outcome: dict[str, str | None] = {}
    for batch in batches(values):
        declared = " ".join(f"$x{n}: TYPE" for n in range(len(batch)))
        roots = " ".join(f"r{n}: {query.replace('VALUE', f'$x{n}')}" for n in range(len(batch)))
        kind = "ID!" if query.startswith("node") else "String"
        document = f"query($d: TimeRange, $s: String!, $v: String!, {declared.replace('TYPE', kind)}) {{ {roots} }}"
        document = document.replace("$d: TimeRange, $s: String!, $v: String!, ", _declared(query))
        given = {**variables, **{f"x{n}": value for n, value in enumerate(batch)}}
        reply = foe.post("/graphql", json={"query": document, "variables": given})
        refused = {error["path"][0]: error["extensions"]["code"] for error in told(reply, document)}
        outcome |= {value: refused.get(f"r{n}") for n, value in enumerate(batch)}
    return outcome


def _declared(query: str) -> str:
    kinds = {"$d": "TimeRange", "$s": "String!", "$v": "String!"}
    return "".join(f"{name}: {kind} " for name, kind in kinds.items() if name in query)


def variables_of(found: Any) -> dict[str, Any]:
    crowded = next(row for row in found["conferences"]["nodes"] if len(row["members"]["edges"]) > 1)
    return {"d": long_ago(10), "s": crowded["sourceName"], "v": crowded["vendorId"]}


def only(variables: dict[str, Any], query: str) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if f"${name}" in query}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("page", ["first: 2, after: VALUE", "last: 2, before: VALUE"], ids=["after", "before"])
def test_cursors_that_were_tampered_with_are_refused(
    server: Besieged, foe: httpx.Client, found: Any, name: str, page: str
) -> None:
    """Whichever bit was flipped, wherever it was cut; the whole one is taken, and no other list takes it."""
    query = QUESTIONS[name].replace("sources: [", 'sources: ["').replace("]}", '"]}')
    variables = only(variables_of(found), query)
    asked = query.replace("PAGE", "first: 2").replace("nodes { id }", "edges { cursor }")
    reply = foe.post("/graphql", json={"query": f"query({_declared(query)}) {{ {asked} }}", "variables": variables})
    assert told(reply) == []
    cursor = json.dumps(reply.json()["data"]).split('"cursor": "')[-1].partition('"')[0]
    asked = query.replace("PAGE", page)
    assert code_of_each(foe, asked, [cursor], **variables) == {cursor: None}
    wrong = forged(cursor)
    # Every bit of one list, of which all have the same cursors; some of the others.
    outcome = code_of_each(foe, asked, wrong if name == "conferences" else wrong[::13], **variables)
    assert set(outcome.values()) == {"INVALID_CURSOR"}
    assert set(code_of_each(foe, asked, GARBAGE, **variables).values()) == {"INVALID_CURSOR"}
    others = [edge["cursor"] for edge in found["conferences"]["edges"]]
    assert set(code_of_each(foe, asked, others, **variables).values()) == {"INVALID_CURSOR"}
    server.assert_well()


def test_ids_that_were_tampered_with_are_refused(server: Besieged, foe: httpx.Client, found: Any) -> None:
    """Whichever bit was flipped, wherever it was cut."""
    rows, calls = found["conferences"]["nodes"], found["calls"]["nodes"]
    kinds = [
        rows[0]["id"],
        next(row["room"]["id"] for row in rows if row["room"]),
        next(row["members"]["nodes"][0]["id"] for row in rows if row["members"]["nodes"]),
        calls[0]["id"],
        next(call["mcu"]["id"] for call in calls if call["mcu"]),
    ]
    node = "node(id: VALUE) { id }"
    assert set(code_of_each(foe, node, kinds).values()) == {None}
    for number, good in enumerate(kinds):
        wrong = forged(good)
        outcome = code_of_each(foe, node, wrong if number == 0 else wrong[::7])
        assert set(outcome.values()) == {"INVALID_ID"}, {it: code for it, code in outcome.items() if code is None}
    assert set(code_of_each(foe, node, GARBAGE).values()) == {"INVALID_ID"}
    assert set(code_of_each(foe, node, [edge["cursor"] for edge in found["conferences"]["edges"]]).values()) == {
        "INVALID_ID"
    }
    server.assert_well()


@pytest.mark.parametrize("kind", IdKind)
def test_ids_that_are_whole_and_name_nothing_are_null(server: Besieged, foe: httpx.Client, kind: IdKind) -> None:
    """Of sources that there are and are not, with keys of all sorts; where absence is not proven the error says so."""
    keys = [*GARBAGE, "1", "a:b", "a:b:0", ":", "::", "a" * 3000, "'; --", "{}", "0" * 32, "%s", "\x7f", "\r\nx: y"]
    sources = [
        "hexmeet",
        "netease",
        "systec",
        "quanshi",
        "huawei",
        "nowhere",
        "",
        "HEXMEET",
        "hexmeet\n",
        "../x",
        "a" * 99,
    ]
    for source in sources:
        wanted = [encode_id(kind, source, key) for key in keys if "\0" not in source]
        outcome = code_of_each(foe, "node(id: VALUE) { id }", wanted)
        assert set(outcome.values()) <= {None, "LOOKUP_LIMIT", "INVALID_ID", "UNSUPPORTED"}, source
        if source not in {"hexmeet", "netease", "systec", "quanshi", "huawei"}:
            assert set(outcome.values()) <= {None, "INVALID_ID"}, source
    server.assert_well()


def entities(foe: httpx.Client, *representations: Any) -> list[str | None]:
    """What becomes of each: a code, or None."""
    outcome: list[str | None] = []
    for batch in batches(representations):
        body = {"query": ENTITIES, "variables": {"r": batch}}
        reply = foe.post("/graphql", json=body)
        errors = told(reply, json.dumps(body, ensure_ascii=False))
        refused = {error["path"][1]: error["extensions"]["code"] for error in errors}
        answered = reply.json()["data"]["_entities"]
        assert [it is None for it in answered] == [True] * len(batch)
        outcome += [refused.get(number) for number in range(len(batch))]
    return outcome


def test_entities_of_no_type_are_refused_one_by_one(server: Besieged, foe: httpx.Client, found: Any) -> None:
    names = ["", "Query", "Member", "Node", "Source", "conference", "Conference ", "_Entity", "__Type", "object", "\0"]
    wrong = [*names, None, 0, 1.5, True, [], {}, ["Conference"], {"name": "Conference"}, "C" * 5000]
    identity = found["conferences"]["nodes"][0]["id"]
    outcome = entities(foe, *({"__typename": name, "id": identity} for name in wrong), {"id": identity}, {})
    assert set(outcome) == {"BAD_USER_INPUT"}
    outcome = entities(foe, *([], "", "Conference", 0, 1, 1.5, True, False, [[]], [{"__typename": "Call"}]))
    assert set(outcome) == {"BAD_USER_INPUT"}
    server.assert_well()


def test_entities_with_wrong_keys_are_refused_one_by_one(server: Besieged, foe: httpx.Client) -> None:
    keys = {"Conference": "vendorId", "Call": "vendorId", "Room": "name", "McuResource": "name"}
    for typename, key in keys.items():
        for wrong in (None, 0, 1.5, True, [], {}, ["x"], {"id": "x"}):
            assert entities(foe, {"__typename": typename, "id": wrong}) == ["BAD_USER_INPUT"]
            given = {"__typename": typename, "sourceName": "netease", key: wrong}
            assert entities(foe, given) == ["BAD_USER_INPUT"]
            given = {"__typename": typename, "sourceName": wrong, key: "1"}
            assert entities(foe, given) == ["BAD_USER_INPUT"]
        assert set(entities(foe, *({"__typename": typename, "id": it} for it in GARBAGE))) == {"INVALID_ID"}
        others = [encode_id(kind, "netease", "1") for kind in IdKind]
        outcome = entities(foe, *({"__typename": typename, "id": it} for it in others))
        assert outcome.count("INVALID_ID") == len(others) - 1
    server.assert_well()


def test_entities_that_nobody_has_are_null(server: Besieged, foe: httpx.Client) -> None:
    for source in ("netease", "quanshi", "huawei", "nowhere", "", "\0", "netease\0", "../x"):
        texts = [it for it in GARBAGE if it]
        outcome = entities(foe, *({"__typename": "Conference", "sourceName": source, "vendorId": it} for it in texts))
        assert set(outcome) <= {None}, source
    server.assert_well()


def test_nothing_but_its_keys_is_taken_from_an_entity(server: Besieged, foe: httpx.Client, found: Any) -> None:
    """However many other keys it has, and whatever they are called."""
    row = found["conferences"]["nodes"][0]
    names = [
        "title",
        "info",
        "self",
        "args",
        "kwargs",
        "context",
        "__class__",
        "__init__",
        "__dict__",
        "state",
        "source",
    ]
    more = dict.fromkeys(names, "forged") | {f"k{n}": n for n in range(500)}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Conference { id vendorId title state } } }"
    key = {"__typename": "Conference", "id": row["id"]}
    plain, laden = (
        foe.post("/graphql", json={"query": query, "variables": {"r": [given]}}) for given in (key, {**key, **more})
    )
    assert told(plain) == told(laden) == []
    assert plain.json()["data"] == laden.json()["data"]
    assert plain.json()["data"]["_entities"][0]["vendorId"] == row["vendorId"]
    server.assert_well()


@pytest.mark.parametrize("count", [1001, 10_000])
def test_a_crowd_of_entities_is_refused_as_a_whole(server: Besieged, foe: httpx.Client, count: int) -> None:
    body = {"query": ENTITIES, "variables": {"r": [{"__typename": "Room"}] * count}}
    reply = foe.post("/graphql", json=body)
    assert codes(reply) == {"LIMIT_EXCEEDED"}
    assert len(reply.content) < 2000
    server.assert_well()
