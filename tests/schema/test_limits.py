"""A document that asks for too much is refused as fast as it is read, and nothing is asked for it."""

from typing import Any

import pytest
from graphql import SelectionSetNode, get_introspection_query, parse
from schema.fakes import FakeAdapter, conference, run

from graph.errors import LimitExceededError
from graph.schema import build_schema
from graph.schema.limits import LONGEST_ALIAS, MOST_VALUES, Size, _Measure, check
from graph.settings import AppSettings, LimitsSettings

pytestmark = pytest.mark.anyio

NARROW = LimitsSettings(
    max_tokens=80,
    max_depth=4,
    max_fields=12,
    max_root_fields=3,
    max_width=10,
    max_aliases=2,
    max_directives=2,
    max_errors=2,
)
SCHEMA = build_schema(AppSettings(limits=NARROW))
LEAVES = " ".join(["id"] * 9)
STATES = "{{conferences(filter: {{states: [{}]}}){{complete}}}}"
# What is just allowed, and what is one more.
CASES = {
    "max_tokens": (STATES.format("LIVE " * 64), STATES.format("LIVE " * 65)),
    "max_depth": ("{conferences{nodes{room{name}}}}", "{conferences{nodes{room{source{name}}}}}"),
    "max_fields": (
        f"{{conferences{{nodes{{{LEAVES}}} complete}}}}",
        f"{{conferences{{nodes{{{LEAVES}}} complete ...{{complete}}}}}}",
    ),
    "max_root_fields": (
        "{__typename ...{__typename __typename}}",
        "{__typename ...{__typename __typename __typename}}",
    ),
    "max_width": (
        f"{{conferences{{nodes{{{LEAVES} id}}}}}}",
        f"{{conferences{{nodes{{{LEAVES} ...{{id id}}}}}}}}",
    ),
    "max_aliases": ("{a: __typename b: __typename}", "{a: __typename b: __typename c: __typename}"),
    "max_directives": (
        "{__typename @skip(if: false) ...@include(if: true){__typename}}",
        "{__typename @skip(if: false) ...@include(if: true){__typename @skip(if: true)}}",
    ),
}
FRAGMENTS = {
    "max_depth": "{conferences{...A}} fragment A on ConferenceConnection{...B} fragment B on ConferenceConnection{"
    "nodes{id}}",
    "max_fields": "{conferences{nodes{...A}} b: conferences{nodes{...A}}} fragment A on Conference{id id id id id}",
    "max_width": "{conferences{nodes{...A ...A}}} fragment A on Conference{id title number state id title}",
    "max_root_fields": "{...A ...A} fragment A on Query{__typename __typename}",
    "max_aliases": "{...A ...A} fragment A on Query{live{a: complete ...{b: complete}}}",
    "max_directives": "{...A ...A} fragment A on Query{__typename @skip(if: true) @include(if: true)}",
}


async def codes(query: str, schema: Any = SCHEMA, adapter: FakeAdapter | None = None) -> list[tuple[str, str]]:
    """The codes and words of all errors."""
    result = await run([adapter or FakeAdapter("alpha", [conference("alpha", "1")])], query, schema=schema)
    return [(error.extensions["code"], error.message) for error in result.errors or ()]


@pytest.mark.parametrize("limit", CASES)
async def test_what_keeps_a_limit_is_answered_and_one_more_is_refused(limit: str) -> None:
    """The error has a code and names the setting; no source is asked."""
    allowed, refused = CASES[limit]
    assert await codes(allowed) == []
    adapter = FakeAdapter("alpha", [conference("alpha", "1")])
    ((code, said),) = await codes(refused, adapter=adapter)
    assert code == "LIMIT_EXCEEDED"
    assert f"allowed are {getattr(NARROW, limit)} (limits.{limit})" in said
    assert adapter.asked == []


@pytest.mark.parametrize("limit", FRAGMENTS)
async def test_what_fragments_hold_counts_wherever_they_are_spread(limit: str) -> None:
    ((code, said),) = await codes(FRAGMENTS[limit])
    assert code == "LIMIT_EXCEEDED"
    assert f"limits.{limit}" in said


async def test_fragments_that_no_operation_uses_must_keep_the_limits_too() -> None:
    """Validation looks at them all the same."""
    ((code, _),) = await codes(f"{{__typename}} fragment A on Conference{{{LEAVES} {LEAVES}}}")
    assert code == "LIMIT_EXCEEDED"


async def test_comments_are_words_too() -> None:
    """A run of them ends the parsing before it was read."""
    ((_, said),) = await codes("{__typename}" + "#\n" * 100)
    assert f"more than {NARROW.max_tokens} tokens" in said


@pytest.mark.parametrize(
    "query",
    [
        "{...A} fragment A on Query{...B} fragment B on Query{...A}",
        "{...A} fragment A on Query{...A}",
        "{...A}",
        "{conferences{nodes{nonsense}}}",
    ],
)
async def test_what_is_wrong_but_small_is_told_by_validation(query: str) -> None:
    assert {code for code, _ in await codes(query)} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_numbers_of_thousands_of_digits_are_bad_input() -> None:
    """Python refuses to read them; which is no fault of ours."""
    ((code, said),) = await codes("{conferences(first: " + "9" * 5000 + "){complete}}")
    assert code == "BAD_USER_INPUT"
    assert "999" not in said


async def test_what_nests_too_deep_to_be_parsed_is_refused() -> None:
    for query in ("{a" * 3000, "{conferences(first: " + "[" * 3000):
        ((code, _),) = await codes(query, build_schema(AppSettings(limits=LimitsSettings(max_tokens=10**6))))
        assert code in ("LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED")


async def test_the_introspection_of_an_ide_is_allowed_and_a_circular_one_is_not() -> None:
    schema = build_schema(AppSettings())
    assert await codes(get_introspection_query(descriptions=True, input_value_deprecation=True), schema) == []
    ((code, _),) = await codes("{__schema{types" + "{fields{type" * 13 + "{name}" + "}}" * 13 + "}}", schema)
    assert code in ("LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    "query",
    [
        "{__schema{types{a: fields{name} b: fields{name}}}}",
        "{__schema{types{...T}}} fragment T on __Type{fields{a: name}}",
        "{a: __schema{queryType{name}}}",
        "{...Q} fragment Q on Query{a: __schema{queryType{name}}}",
        '{__type(name: "Query"){fields{a: type{name}}}}',
    ],
)
async def test_introspection_does_not_repeat_the_schema(query: str) -> None:
    """It costs no request, and a small document could keep the process busy for seconds."""
    schema = build_schema(AppSettings())
    ((code, said),) = await codes(query, schema)
    assert (code, said) == ("LIMIT_EXCEEDED", "Introspection takes no aliases.")
    assert await codes('{__schema{queryType{name}} a: __type(name: "Query"){fields{name}}}', schema) == []


def bomb(fragments: int, body: str) -> str:
    """Each fragment spreads the next twice."""
    doubling = "".join(f"fragment F{n} on Query{{{body.replace('NEXT', f'F{n + 1}')}}}" for n in range(fragments))
    return f"{{...F0}} {doubling} fragment F{fragments} on Query{{__typename}}"


@pytest.mark.parametrize("body", ["...NEXT ...NEXT", "...{...NEXT} ...@skip(if: true){...NEXT}"])
def test_each_selection_is_looked_at_once_however_often_it_is_spread(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """Twenty fragments that double are a million fields, and one look each."""
    looks = 0
    look = _Measure._selections

    def counted(measure: _Measure, selections: SelectionSetNode, level: int) -> Size:
        nonlocal looks
        looks += 1
        return look(measure, selections, level)

    monkeypatch.setattr(_Measure, "_selections", counted)
    query = bomb(20, body)
    with pytest.raises(LimitExceededError, match=r"millions of fields .*limits\.max_"):
        check(parse(query), LimitsSettings(max_depth=100))
    assert looks == query.count("{")


async def test_errors_are_told_up_to_a_number_and_the_rest_summed_up() -> None:
    found = await codes("{nodes(ids: [" + '"a" ' * 9 + "]){id}}", adapter=FakeAdapter("alpha", []))
    assert [code for code, _ in found] == ["INVALID_ID", "INVALID_ID", "LIMIT_EXCEEDED"]
    assert "7 more errors" in found[-1][1]
    assert "limits.max_errors" in found[-1][1]


async def test_an_alias_is_told_with_each_row_and_must_be_short() -> None:
    assert await codes(f"{{{'a' * LONGEST_ALIAS}: __typename}}") == []
    ((code, said),) = await codes(f"{{...A}} fragment A on Query{{{'a' * (LONGEST_ALIAS + 1)}: __typename}}")
    assert code == "LIMIT_EXCEEDED"
    assert str(LONGEST_ALIAS) in said


@pytest.mark.parametrize(
    "query",
    [
        "{conferences(filter: {vendorIds: [VALUES], during: {}}){complete}}",
        "query($f: ConferenceFilter = {vendorIds: [VALUES], during: {}}){conferences(filter: $f){complete}}",
        "{...A} fragment A on Query{conferences(filter: {vendorIds: [VALUES], during: {}}){complete}}",
    ],
)
async def test_long_lists_go_into_variables(query: str) -> None:
    """Each fault found in an argument prints all of it."""
    schema = build_schema(AppSettings())
    for values, code in ((MOST_VALUES - 3, "GRAPHQL_VALIDATION_FAILED"), (MOST_VALUES - 2, "LIMIT_EXCEEDED")):
        found = await codes(query.replace("VALUES", '"a" ' * values), schema)
        assert {code for code, _ in found} == {code}


def test_limits_are_at_least_one_and_depth_leaves_room_on_the_stack() -> None:
    assert LimitsSettings().faults() == []
    assert LimitsSettings(max_depth=101, max_cost=0).faults() == [
        "max_depth: expected 1 to 100",
        "max_cost: expected 1 to 1000000000",
    ]
