"""Requests that mean harm, each with the codes that it may be refused with."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graph.ids import IdKind, encode_id

LIMIT = frozenset({"LIMIT_EXCEEDED"})
INVALID = frozenset({"GRAPHQL_VALIDATION_FAILED"})
PARSE = frozenset({"GRAPHQL_PARSE_FAILED"})
INPUT = frozenset({"BAD_USER_INPUT"})
RANGE = '{from: "2020-01-01T00:00:00Z", to: "2020-01-02T00:00:00Z"}'
LISTED = "query($f: ConferenceFilter) { conferences(filter: $f) { complete } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
NODE = "query($id: ID!) { node(id: $id) { id } }"
PAGE = "query($n: Int, $a: String) { conferences(first: $n, after: $a) { complete } }"
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
SEARCH = "query($s: String) { conferences(filter: {search: $s}) { complete pageInfo { endCursor } } }"


@dataclass(frozen=True)
class Bomb:
    """One request.

    Attributes:
        name: What it tries.
        body: A JSON value, or the bytes as they are.
        codes: Any of these it is refused with, and no other.
        headers: Of the request.
    """

    name: str
    body: Any
    codes: frozenset[str] = LIMIT
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def varied(self, number: int) -> "Bomb":
        """The same with a remark of its own, where it is a document: so it is none that was remembered."""
        if not (isinstance(self.body, dict) and isinstance(self.body.get("query"), str) and self.body["query"]):
            return self
        return replace(self, body={**self.body, "query": f"{self.body['query']}#{number}"})


def _query(name: str, query: str, codes: frozenset[str] = LIMIT, **variables: Any) -> Bomb:
    return Bomb(name, {"query": query, "variables": variables}, codes)


def doubling(fragments: int = 20) -> str:
    """A document of a few hundred bytes that unfolds into a million fields."""
    spread = "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(fragments))
    return f"{{...F0}}{spread}fragment F{fragments} on Query{{__typename}}"


def nested(before: str, inside: str, after: str, times: int, core: str) -> str:
    """A core within as many layers."""
    return before + inside * times + core + after * times + "}" * before.count("{")


def _lists(rows: str, times: int) -> str:
    return " ".join(f"a{n}: conferences{{nodes{{{rows}}}}}" for n in range(times))


def _many_errors(alias: str) -> str:
    return f"{{{alias}: nodes(ids: [{'1 ' * 900}]){{id}}}}"


DOCUMENTS = [
    _query("fragments that double", doubling()),
    _query("fragments that double, aliased", doubling().replace("__typename", "a: __typename")),
    _query(
        "fragments within fields",
        "{conferences{nodes{...F0}}}"
        + "".join(f"fragment F{n} on Conference{{a: room{{...R{n}}} b: room{{...R{n}}}}}" for n in range(8))
        + "".join(f"fragment R{n} on Room{{conferences{{nodes{{...F{n + 1} ...F{n + 1}}}}}}}" for n in range(8))
        + "fragment F8 on Conference{id}",
    ),
    _query("fragments that nobody uses", "{__typename}" + doubling().replace("{...F0}", "", 1)),
    _query("aliases", "{" + " ".join(f"a{n}: __typename" for n in range(1000)) + "}"),
    _query("aliases of lists", "{" + " ".join(f"a{n}: conferences{{complete}}" for n in range(500)) + "}"),
    _query("directives", "{__typename" + " @skip(if: false)" * 500 + "}"),
    _query("directives that there are not", "{__typename" + " @a" * 1000 + "}"),
    _query("directives of a query", "query" + " @a" * 1000 + "{__typename}"),
    _query("directives of variables", "query($a: Int" + " @a" * 1000 + "){__typename}"),
    _query("depth", nested("{conferences{nodes{", "room{conferences{nodes{", "}}}", 60, "id")),
    _query("depth of nothing", "{a" * 1500 + "}" * 1500),
    _query("depth that does not end", "{a" * 2000, LIMIT | PARSE),
    _query("depth of inline fragments", nested("{", "...{", "}", 1000, "__typename")),
    _query("depth of lists", "{conferences(filter: {vendorIds: " + "[" * 2000 + "]" * 2000 + "}){complete}}", LIMIT),
    _query("depth of objects", "{conferences(filter: " + "{during: " * 1500 + "1" + "}" * 1500 + "){complete}}", LIMIT),
    _query("depth of types", "query($a: " + "[" * 2000 + "Int" + "]" * 2000 + "){__typename}", LIMIT),
    _query(
        "pages within pages",
        "{conferences(first: 1000){nodes{members(first: 1000){nodes{conference{members(first: 1000){nodes{id}}}}}}}}",
    ),
    _query(
        "pages within pages, by variables",
        "query($n: Int){conferences(first: $n){nodes{calls(first: $n){nodes{conference{members(first: $n)"
        "{nodes{id}}}}}}}}",
        n=1000,
    ),
    _query(
        "years of days",
        "{"
        + " ".join(f'a{n}: usage(of: CALLS, days: {{from: "0001-01-01", to: "9999-12-31"}}){{count}}' for n in "ab")
        + "}",
        frozenset({"INVALID_ARGUMENT", "LIMIT_EXCEEDED"}),
    ),
    _query("duplicate fields", "{" + "__typename " * 3000 + "}"),
    _query("duplicate lists", "{" + "conferences{complete} " * 600 + "}"),
    _query("duplicate fields further down", "{conferences{nodes{" + "id " * 2500 + "}}}"),
    _query("duplicate fragments", "{" + "...F " * 2000 + "} fragment F on Query{__typename}"),
    _query("duplicate inline fragments", "{" + "...{__typename} " * 1200 + "}"),
    _query(
        "circular introspection", "{__schema{types" + "{fields{type" * 13 + "{name}" + "}}" * 13 + "}}", LIMIT | INVALID
    ),
    _query(
        "circular introspection through fragments",
        "{__schema{types{...T}}} fragment T on __Type{fields{type{...U}}} fragment U on __Type{fields{type{...T}}}",
        LIMIT | INVALID,
    ),
    _query("a circular fragment", "{...A} fragment A on Query{...A}", LIMIT | INVALID),
    _query(
        "circular fragments", "{...A} fragment A on Query{...B ...B} fragment B on Query{...A ...A}", LIMIT | INVALID
    ),
    _query(
        "a long ring of fragments",
        "{...F0}" + "".join(f"fragment F{n} on Query{{...F{(n + 1) % 400}}}" for n in range(400)),
        LIMIT | INVALID,
    ),
    _query(
        "a long chain of fragments", "{...F0}" + "".join(f"fragment F{n} on Query{{...F{n + 1}}}" for n in range(400))
    ),
    _query("words", "{" + "a " * 40_000 + "}"),
    _query("comments", "{__typename}" + "#\n" * 20_000, LIMIT | PARSE),
    _query(
        "many variables", "query(" + "".join(f"$v{n}: Int " for n in range(1000)) + "){__typename}", LIMIT | INVALID
    ),
    _query("many arguments", "{conferences(" + "first: 1 " * 1200 + "){complete}}", LIMIT | INVALID),
    _query("a long number", "{conferences(first: " + "9" * 50_000 + "){complete}}", INPUT | LIMIT),
    _query("a long fraction", "{conferences(first: 1." + "9" * 50_000 + "){complete}}", INPUT | INVALID | LIMIT),
    _query("a long name", "{" + "a" * 50_000 + "}", INVALID | LIMIT),
    _query("a long alias of nothing", "{" + "a" * 50_000 + ": b}", INVALID | LIMIT),
    _query("a definition of types", "type A{" + "a: Int " * 100 + "}", INVALID | PARSE | INPUT | LIMIT),
    _query("a mutation", "mutation{__typename}", INVALID | INPUT | PARSE),
    _query("a subscription", "subscription{__typename}", INVALID | INPUT | PARSE),
    _query("half a character", "{a\ud800}", PARSE | INPUT),
    _query("half a character in a text", '{conference(source: "\ud800", vendorId: 5){id}}', PARSE | INVALID | INPUT),
    _query("a text that does not end", '{conference(source: "' + "a" * 50_000, PARSE),
]


def _deep(depth: int, value: Any = 1) -> Any:
    for _ in range(depth):
        value = [value]
    return value


VARIABLES = [
    _query("a deep list", LISTED, INPUT, f={"vendorIds": _deep(300)}),
    _query("a deep list where no list belongs", PAGE, INPUT, n=_deep(300)),
    _query(
        "a list of too many",
        LISTED,
        frozenset({"INVALID_ARGUMENT"}) | LIMIT,
        f={"sources": ["huawei"], "vendorIds": [str(n) for n in range(9000)]},
    ),
    _query("a list of wrong ones", LISTED, INPUT, f={"vendorIds": [{}] * 5000}),
    _query("an object of wrong keys", LISTED, INPUT, f={f"k{n}": n for n in range(5000)}),
    _query("a number where a text belongs", SEARCH, INPUT, s=1),
    _query("a huge number", PAGE, INPUT, n=10**30),
    _query("a number without end", PAGE, INPUT, n=float("inf")),
    _query("a number that is none", PAGE, INPUT, n=float("nan")),
    _query("a number as a text", PAGE, INPUT, n="1"),
    _query("null where something belongs", NODES, INPUT, ids=None),
    _query("null among ids", NODES, INPUT, ids=[None] * 100),
    _query("an instant of many words", LISTED, INPUT, f={"during": {"from": "2" * 50_000, "to": "x"}}),
    _query("an object within a list", NODES, INPUT, ids=[{"a": 1}]),
    _query("a missing variable", NODES, INPUT),
]

IDS = [
    _query("many broken ids", NODES, frozenset({"INVALID_ID", "LIMIT_EXCEEDED"}), ids=[f"x{n}" for n in range(900)]),
    _query("too many ids", NODES, LIMIT | {"INVALID_ARGUMENT"}, ids=[encode_id(IdKind.CALL, "x", "y")] * 5000),
    _query("a broken id", NODE, frozenset({"INVALID_ID"}), id="A" * 5000),
    _query("half a character as an id", NODE, frozenset({"INVALID_ID", "BAD_USER_INPUT"}), id="\ud800"),
    _query("a forged cursor", PAGE, frozenset({"INVALID_CURSOR"}), n=5, a="AAAA"),
    _query("a long cursor", PAGE, frozenset({"INVALID_CURSOR"}), n=5, a="A" * 100_000),
    _query("half a character as a cursor", PAGE, frozenset({"INVALID_CURSOR", "BAD_USER_INPUT"}), n=5, a="\ud800"),
    _query("10,000 entities", ENTITIES, LIMIT, r=[{"__typename": "Call", "id": "x"}] * 10_000),
    _query("entities of no type", ENTITIES, INPUT | LIMIT, r=[{"__typename": f"T{n}"} for n in range(900)]),
    _query("entities that are nothing", ENTITIES, INPUT | LIMIT, r=[[], "", 0, False, {}] * 150),
    _query("a deep entity", ENTITIES, INPUT, r=[{"__typename": _deep(300)}]),
    _query(
        "many conferences that a source must search for",
        ENTITIES,
        frozenset({"LOOKUP_LIMIT", "LIMIT_EXCEEDED"}),
        r=[{"__typename": "Conference", "sourceName": "hexmeet", "vendorId": f"{n:032x}"} for n in range(900)],
    ),
]

BODIES = [
    Bomb("no JSON", b"{", INPUT),
    Bomb("nothing", b"", INPUT),
    Bomb("a text", b'"x"', INPUT),
    Bomb("a number", b"1", INPUT),
    Bomb("a number of many digits", b"9" * 50_000, INPUT),
    Bomb("a variable of many digits", b'{"query": "{__typename}", "variables": {"n": ' + b"9" * 50_000 + b"}}", INPUT),
    Bomb("no Unicode", b"\xff\xfe", INPUT),
    Bomb("another Unicode", '{"query": "{__typename}"}'.encode("utf-16"), INPUT),
    Bomb("deep JSON", b"[" * 100_000, INPUT),
    Bomb("deep variables", b'{"query": "{__typename}", "variables": ' + b'{"a":' * 30_000, INPUT),
    Bomb("a batch", [{"query": "{__typename}"}] * 1000, INPUT | LIMIT),
    Bomb("an empty batch", [], INPUT),
    Bomb("no query", {}, INPUT),
    Bomb("an empty query", {"query": ""}, INPUT | PARSE),
    Bomb("a query that is a number", {"query": 1}, INPUT),
    Bomb("a query that is a list", {"query": ["{__typename}"]}, INPUT),
    Bomb("variables that are a list", {"query": "{__typename}", "variables": [1]}, INPUT),
    Bomb("variables that are a text", {"query": "{__typename}", "variables": "{}"}, INPUT),
    Bomb("extensions that are a text", {"query": "{__typename}", "extensions": "x"}, INPUT),
    Bomb("operations of which none is chosen", {"query": "query A{__typename} query B{__typename}"}, INPUT),
    Bomb("an operation that is not there", {"query": "{__typename}", "operationName": "x" * 200_000}, INPUT),
    Bomb("an operation that is half a character", {"query": "{__typename}", "operationName": "\ud800"}, INPUT),
    Bomb("an operation that is an object", {"query": "{__typename}", "operationName": {"a": 1}}, INPUT),
    Bomb("an operation that is a list", {"query": "{__typename}", "operationName": [1]}, INPUT),
    Bomb("a huge body", b'{"query": "{__typename}", "x": "' + b"a" * 20_000_000 + b'"}', LIMIT),
    Bomb("a huge body of nothing", b" " * 20_000_000, LIMIT),
    Bomb("a text instead of JSON", b'{"query": "{__typename}"}', INPUT, {"content-type": "text/plain"}),
    Bomb("a form", b"query={__typename}", INPUT, {"content-type": "application/x-www-form-urlencoded"}),
    Bomb("a hidden type", b'{"query": "{__typename}"}', INPUT, {"content-type": "text/plain; a=application/json"}),
    Bomb("no type", b'{"query": "{__typename}"}', INPUT, {"content-type": ""}),
    Bomb(
        "parts of a form",
        b'--a\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query": "{__typename}"}\r\n--a--\r\n',
        INPUT,
        {"content-type": "multipart/form-data; boundary=a"},
    ),
    Bomb(
        "a packed body",
        b"\x1f\x8b\x08\x00" + b"\0" * 100,
        INPUT,
        {"content-type": "application/json", "content-encoding": "gzip"},
    ),
]

BOMBS = [*DOCUMENTS, *VARIABLES, *IDS, *BODIES]

# Within the limits, and more work for the rules of validation than words: most of them compare each with each.
LABOURS = [
    _query(
        "fields of an input that there are not",
        "{conferences(filter: {" + " ".join(f"sourcs{n}: 1" for n in range(1200)) + "}){complete}}",
        LIMIT | INVALID,
    ),
    _query(
        "values of an enum that there are not",
        "{conferences(filter: {states: [" + " ".join(f"LIVX{n}" for n in range(4500)) + "]}){complete}}",
        LIMIT | INVALID,
    ),
    _query(
        "types that there are not",
        "{__typename}" + "".join(f"fragment F{n} on Conferenc{n}{{id}}" for n in range(700)),
        LIMIT | INVALID,
    ),
    _query(
        "equal fields with fields of their own",
        "{conferences{nodes{" + ("room{" + "conferences{nodes{id id id}}" * 3 + "}") * 100 + "}}}",
        LIMIT | INVALID,
    ),
    _query(
        "equal fields of many fragments",
        "{conferences{nodes{"
        + "".join(f"...F{n} " for n in range(140))
        + "}}}"
        + "".join(f"fragment F{n} on Conference{{room{{...R{n} id}}}} fragment R{n} on Room{{id}}" for n in range(140)),
        LIMIT | INVALID | {""},  # "" is no error: it asks for little
    ),
    _query(
        "operations that use one fragment",
        "".join(f"query Q{n}($a: Int){{...G}}" for n in range(230))
        + "fragment G on Query{conferences(filter: {vendorIds: ["
        + "$a " * 900
        + "]}){complete}}",
        LIMIT | INVALID | INPUT,
    ),
    _query(
        "variables of a wrong type",
        "query("
        + " ".join(f"$v{n}: Int" for n in range(600))
        + "){conferences(filter: {vendorIds: ["
        + " ".join(f"$v{n}" for n in range(600))
        + "]}){complete}}",
        LIMIT | INVALID,
    ),
    _query(
        "variables that many operations use through one fragment",
        "".join(f"query Q{n}($a: String!){{...G}}" for n in range(230))
        + "fragment G on Query{conferences(filter: {vendorIds: ["
        + "$a " * 900
        + "]}){complete}}",
        LIMIT | INPUT,
    ),
    _query(
        "a long list that each of its faults would quote",
        "{conferences(filter: {vendorIds: ["
        + '"a" ' * 4600
        + "]"
        + "".join(f" k{n}: 1" for n in range(30))
        + "}){id}}",
        LIMIT | INVALID,
    ),
    _query("equal leaves of many lists", "{" + _lists("id " * 148, 12) + "}", LIMIT),
    _query("spaces that would be quoted", '{conferences(filter: "' + " " * 200_000 + '"){complete}}', INVALID),
    _query("an alias that would be told with each row", f"{{conferences(first: 1000){{nodes{{{'a' * 9000}: id}}}}}}"),
    _query("an alias that would be told with each error", _many_errors("a" * 9000)),
    _query("names that would be quoted", "{" + " ".join("a" * 4000 + str(n) for n in range(50)) + "}", LIMIT | INVALID),
    _query("a source that there is not", LISTED, frozenset({"UNKNOWN_SOURCE"}), f={"sources": ["k" * 200_000]}),
    _query("keys that there are not", LISTED, INPUT, f={f"sourcs{n}": n for n in range(9000)}),
    _query("enums that there are not", LISTED, INPUT, f={"states": [f"LIVX{n}" for n in range(15_000)]}),
    _query("objects of wrong keys", LISTED, INPUT, f={"during": {f"fro{n}": "x" for n in range(9000)}}),
]

# Small or refused, each another one: who remembers them all has much to keep. How many, and how they are made.
HOARDS: dict[str, tuple[int, Callable[[int], Bomb]]] = {
    "documents": (
        60,
        lambda number: _query(
            "a document like no other",
            f"{{__typename conferences(filter: {{vendorIds: [{'1 ' * 4500}{number}]}}){{nothing}}}}",
            LIMIT | INVALID,
        ),
    ),
    "blanks": (250, lambda number: _query("a document of blanks", f"{{a{number}{',' * 200_000}}}", LIMIT | INVALID)),
    "ids": (
        250,
        lambda number: _query(
            "a long id", NODE, id=encode_id(IdKind.CONFERENCE, "netease", f"{number}{'k' * 150_000}")
        ),
    ),
    "searches": (250, lambda number: _query("a long search", SEARCH, s=f"{number}{'k' * 200_000}")),
    "sources": (
        250,
        lambda number: _query("a long name of a source", LISTED, f={"sources": [f"{number}{'k' * 200_000}"]}),
    ),
}
