"""What is worked out of operations is counted and bounded, whatever their kind and however seldom they are asked."""

import asyncio
from typing import Any

import pytest
import strawberry
from graphql import DocumentNode, execute, parse
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.execution import compiled_executor, plans

done: list[str] = []


@strawberry.type
class Thing:
    name: str
    other: str = "x"


@strawberry.type
class Query:
    things: list[Thing]
    name: str = "x"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def make(self, name: str, *, is_slow: bool = False) -> list[Thing]:
        await asyncio.sleep(0.01 if is_slow else 0)
        if name == "fault":
            raise ValueError(name)
        done.append(name)
        return [Thing(name=f"{name}{number}") for number in range(20)]


SCHEMA = strawberry.Schema(Query, mutation=Mutation)._schema


async def told(document: DocumentNode, kind: Any) -> tuple[Any, list[Any], list[str]]:
    done.clear()
    root = Query(things=[Thing(name=str(number)) for number in range(20)])
    options: Any = {"is_awaitable": optimized_is_awaitable, "operation_extensions": None}
    result: Any = execute(SCHEMA, document, root, executor_class=kind, **options)
    if optimized_is_awaitable(result):
        result = await result
    return result.data, [error.formatted for error in result.errors or ()], list(done)


@pytest.mark.parametrize("last", ["d", "fault"])
@pytest.mark.anyio
async def test_mutations_are_executed_one_after_the_other_and_kept_once(last: str) -> None:
    fields = 'slow: make(name: "a", isSlow: true) { name } b: make(name: "b") { other name }'
    document, kind = parse(f'mutation {{ {fields} c: make(name: "{last}") {{ name }} }}'), compiled_executor()
    stock = await told(document, StrawberryGraphQLCoreExecutionContext)
    assert stock[2][:2] == ["a", "b"]
    assert bool(stock[1]) == (last == "fault")
    sizes = set()
    for _ in range(5):
        assert await told(document, kind) == stock
        sizes.add(kind.known_plans.size)
    assert len(sizes) == 1


@pytest.mark.anyio
async def test_documents_that_are_asked_once_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_FIELDS", 100)
    kind = compiled_executor()
    fields = " ".join(f"a{number}: name" for number in range(30))
    documents = [parse(f"{{ things {{ {fields} }} }}") for _ in range(10)]
    for document in documents:
        await told(document, kind)
        assert 30 <= kind.known_plans.size <= 200


@pytest.mark.anyio
async def test_fields_at_the_root_count() -> None:
    kind = compiled_executor()
    document = parse(f"{{ {' '.join(f'a{number}: name' for number in range(30))} }}")
    await told(document, kind)
    assert kind.known_plans.size >= 30


def test_each_way_to_set_the_switches_counts() -> None:
    known = plans.KnownPlans()
    operation: Any = parse("query ($a: Int) { things { name @include(if: $a) } }").definitions[0]
    found = known.of(operation, {})
    for number in range(1, 5):
        found.way({"a": number})
        assert known.size == number


@pytest.mark.anyio
async def test_what_is_forgotten_while_somebody_goes_by_it_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_FIELDS", 0)
    known = plans.KnownPlans()
    first, second = (parse("{ things { name } }").definitions[0] for _ in range(2))
    one: Any = known.of(first, {})  # type: ignore[arg-type]
    one.count(5)
    assert known.size == 5
    other = known.of(second, {})  # type: ignore[arg-type]
    one.count(7)
    assert known.size == 0
    other.count(3)
    assert known.size == 3
