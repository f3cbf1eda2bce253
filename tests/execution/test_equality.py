"""The compiled executor answers what graphql-core answers: data, errors, paths and their order."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import specimens
from graphql import DocumentNode, GraphQLSchema, Middleware, execute, parse, validate
from selections import document
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.execution import compiled_executor, executor
from graph.execution.compiler import Compiled

VARIABLES = ({"yes": True, "no": False}, {"yes": False, "no": True})


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return specimens.schema()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How often compiled functions answered, and gave up."""
    counts = {"answered": 0, "gave up": 0}

    def counting(compile_one: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Compiled | None:
            compiled: Compiled | None = compile_one(*arguments, **options)
            if compiled is None:
                return None

            def answer(rows: Any, context: Any) -> Any:
                counts["gave up"] += 1
                answered = compiled.answer(rows, context)
                counts["gave up"] -= 1
                counts["answered"] += 1
                return answered

            return compiled._replace(answer=answer)

        return counted

    for name in ("compile_items", "compile_object"):
        monkeypatch.setattr(executor, name, counting(getattr(executor, name)))
    return counts


async def told(schema: GraphQLSchema, document: DocumentNode, root: Any, kind: Any, **options: Any) -> str:
    """An answer as text, in its order."""
    result: Any = execute(
        schema,
        document,
        root,
        executor_class=kind,
        is_awaitable=optimized_is_awaitable,
        operation_extensions=None,
        **options,
    )
    if optimized_is_awaitable(result):
        result = await result
    return json.dumps({"data": result.data, "errors": [error.formatted for error in result.errors or ()]}, default=str)


async def compare(schema: GraphQLSchema, text: str, random: Random, kind: Any, rounds: int = 4) -> int:
    """Execute a document over some roots, open and closed, both ways; how many answers had errors."""
    parsed = parse(text)
    assert not validate(schema, parsed), text
    faults = 0
    for number in range(rounds):
        root = specimens.root(random, random.choice((0.0, 0.0, 0.02, 0.1, 0.3)), casts=not kind.types_by_class)
        options: dict[str, Any] = {
            "variable_values": VARIABLES[number % 2],
            "context_value": random.choice(("open", "open", "closed")),
        }
        stock = await told(schema, parsed, root, StrawberryGraphQLCoreExecutionContext, **options)
        for _ in range(2):  # it is compiled the second time
            assert await told(schema, parsed, root, kind, **options) == stock, (text, options)
        faults += '"errors": []' not in stock
    return faults


@pytest.mark.anyio
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")  # a fault leaves them, in both
@pytest.mark.parametrize("types_by_class", [False, True])
async def test_random_documents_over_random_rows(
    schema: GraphQLSchema, answers: dict[str, int], *, types_by_class: bool
) -> None:
    kind = compiled_executor(types_by_class=types_by_class)
    random = Random(20261121 + types_by_class)
    faults = 0
    for _ in range(2500):
        text = document(random)
        if validate(schema, parse(text)):
            continue  # such as two fields of one name with other subselections
        faults += await compare(schema, text, random, kind)
    assert faults > 2000
    assert answers["answered"] > 10_000
    assert answers["gave up"] > 2000
