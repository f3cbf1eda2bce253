"""Variables are coerced as graphql-core does it: values, errors and what is said of them."""

from random import Random
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, get_operation_ast, parse
from graphql.execution.values import VariableValues, get_variable_values
from schema.fakes import SCHEMA

from graph.execution import Variables, variables

SDL = """
type Query { a: Int }
enum Colour { RED GREEN }
input Inner { number: Int! text: String = "some" colours: [Colour!] }
input Outer { inner: Inner inners: [[Inner!]] flag: Boolean amount: Float! id: ID }
input Nest { nest: Nest name: String }
input One @oneOf { text: String number: Int }
"""
TYPES = ("Int", "Int!", "[Int!]!", "Colour", "Inner", "Inner!", "Outer", "[Outer]!", "Nest", "One", "[[ID]]", "Query")
SERVED = ("ConferenceFilter!", "TimeRange", "DateRange!", "[_Any!]!", "BigInt", "[ConferenceState!]")
NAMES = ("inner", "inners", "number", "text", "colours", "flag", "amount", "id", "nest", "name", "from", "to", "during")
LEAVES: tuple[Any, ...] = (None, True, 0, 1, 2**40, 1.5, "RED", "some", "LIVE", "2026-01-01T00:00:00Z", "2026-01-01")


def value(random: Random, depth: int = 0) -> Any:
    """Anything that may come with a request."""
    kind = random.random()
    if depth > 4 or kind < 0.4:
        return random.choice(LEAVES)
    if kind < 0.6:
        return [value(random, depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(NAMES): value(random, depth + 1) for _ in range(random.randrange(4))}


def likely(random: Random) -> dict[str, Any]:
    """What has a good chance to be right."""
    inner = {"number": random.choice((1, 2, "3")), "colours": ["RED", "GREEN"]}
    outer = {"inner": inner, "inners": [[inner], None, []], "flag": True, "amount": 2, "id": random.choice((7, "x"))}
    during = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00+08:00"}
    found: list[dict[str, Any]] = [inner, {**inner, "text": None}, outer, during, {"during": during}]
    return random.choice(found)


def told(result: VariableValues | list[Any]) -> Any:
    if isinstance(result, list):
        return [error.formatted for error in result]
    return result.coerced, {name: (str(it.signature.type), it.value) for name, it in result.sources.items()}


def operation_of(kinds: list[str]) -> OperationDefinitionNode:
    defaults = {"Int": " = 3", "Inner": " = {number: 4}"}
    given = " ".join(f"$v{at}: {kind}{defaults.get(kind, '') if at else ''}" for at, kind in enumerate(kinds))
    found = get_operation_ast(parse(f"query({given}) {{ a }}"))
    assert found
    return found


@pytest.mark.parametrize("is_served", [False, True])
def test_random_variables(*, is_served: bool) -> None:
    schema: GraphQLSchema = SCHEMA._schema if is_served else build_schema(SDL)
    random = Random(20261121 + is_served)  # noqa: S311 - the same each time
    right = 0
    for _ in range(2000):
        node = operation_of(random.choices(SERVED if is_served else TYPES, k=random.randrange(1, 4)))
        given = {
            f"v{at}": likely(random) if random.random() < 0.5 else value(random)
            for at in range(4)
            if random.random() < 0.8
        }
        expected = get_variable_values(schema, node.variable_definitions or (), given, max_errors=50)
        coercing = Variables(schema, node)
        for _ in range(2):
            assert told(coercing.coerce(given)) == told(expected), (node, given)
        right += not isinstance(expected, list)
    assert right > 100


def test_what_is_right_is_not_asked_of_graphql_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "get_variable_values", None)
    coercing = Variables(SCHEMA._schema, operation_of(["ConferenceFilter!", "Boolean"]))
    during = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    found = coercing.coerce({"v0": {"sources": ["alpha"], "during": during, "states": ["LIVE"], "search": None}})
    assert isinstance(found, VariableValues)
    assert list(found.coerced) == ["v0"]
    assert found.coerced["v0"]["during"]["to"].year == 2026
