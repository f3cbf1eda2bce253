"""The compiled executor answers what graphql-core answers: data, errors, paths and their order."""

import gc
import json
import weakref
from random import Random
from typing import Any

import msgspec
import pytest
import specimen_objects
import specimens
import strawberry
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, execute, get_operation_ast, parse, validate
from graphql.execution.collect_fields import collect_fields
from specimen_documents import document
from strawberry.directive import DirectiveLocation
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.execution import compiled_executor, executor, joins, plans
from graph.execution.compiler import Compiled
from graph.execution.objects import Written

# What is asked at once, or beside other fields of the root: errors come when they come.
AT_ONCE = ("many", "kin", "sureKin", "manySides", "rowLater", "failsLater", "failsSurely")
VARIABLES = ({"yes": True, "no": False}, {"yes": False, "no": True})


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return specimens.schema()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
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


def for_bytes(kind: Any) -> Any:
    """An executor whose answers are encoded."""
    return type("ForBytes", (kind,), {"is_for_bytes": True})


async def told(schema: GraphQLSchema, document: DocumentNode, root: Any, kind: Any, **options: Any) -> str:
    """An answer as text, in its order, once it was encoded and read again."""
    options |= {"executor_class": kind, "is_awaitable": optimized_is_awaitable, "operation_extensions": None}
    result: Any = execute(schema, document, root, **options)
    if optimized_is_awaitable(result):
        result = await result
    data = msgspec.json.decode(msgspec.json.encode(result.data, enc_hook=str))
    errors = [error.formatted for error in result.errors or ()]
    if any(name in document.loc.source.body for name in AT_ONCE):  # type: ignore[union-attr]  # it was parsed
        errors = unordered(data, errors)
    return json.dumps({"data": data, "errors": errors})


def unordered(data: Any, errors: list[Any]) -> list[Any]:
    """What errors tell where they come about in another order: below what one nulled, others may be told, too."""
    told: dict[str, Any] = {}
    for error in errors:
        value, length = data, 0
        for key in error["path"]:
            if value is None:
                break
            value, length = value[key], length + 1
        is_nulled_by_it = length == len(error["path"])
        told[str(error if is_nulled_by_it else error["path"][:length])] = error if is_nulled_by_it else length
    return sorted(told.items())


async def compare(schema: GraphQLSchema, text: str, random: Random, kind: Any, rounds: int = 4) -> int:
    """Execute a document over some roots, open and closed, each way; how many answers had errors."""
    parsed = parse(text)
    assert not validate(schema, parsed), text
    faults = 0
    for number in range(rounds):
        root = specimen_objects.root(random, random.choice((0.0, 0.0, 0.02, 0.1, 0.3)), casts=not kind.types_by_class)
        options: dict[str, Any] = {
            "variable_values": VARIABLES[number % 2],
            "context_value": random.choice(("open", "open", "closed")),
        }
        stock = await told(schema, parsed, root, StrawberryGraphQLCoreExecutionContext, **options)
        for one in (kind, for_bytes(kind)):  # each compiles it the second time
            assert await told(schema, parsed, root, one, **options) == stock, (text, options)
        faults += '"errors": []' not in stock
    return faults


@pytest.mark.anyio
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")  # a fault leaves them, in both
# The same, where they are collected in code that cannot import what would warn: a named tuple's.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("types_by_class", [False, True])
async def test_random_documents_over_random_rows(
    schema: GraphQLSchema, answers: dict[str, int], *, types_by_class: bool
) -> None:
    kind = compiled_executor(types_by_class=types_by_class)
    random = Random(20261121 + types_by_class)  # noqa: S311 - the same each time
    documents = faults = 0
    while documents < 1500:
        text = document(random)
        if validate(schema, parse(text)):
            continue  # such as two fields of one name with other subselections
        documents += 1
        faults += await compare(schema, text, random, kind)
    gc.collect()  # what faults left, while that may warn
    assert faults > 500
    assert answers["answered"] > 5000
    assert answers["gave up"] > 500


def good_root() -> Any:
    """One whose rows are plain, and many enough to be compiled for at once."""
    rows = [specimen_objects.row(Random(number), 2, 0.0, casts=False) for number in range(20)]  # noqa: S311 - the same each time
    for row in rows:
        row.number = 1
    return specimens.Row({"rows": rows})


@pytest.mark.anyio
async def test_what_was_compiled_is_forgotten_with_its_document(schema: GraphQLSchema) -> None:
    """And so are the classes that were made for it."""
    kind, others = for_bytes(compiled_executor()), set(Written.__subclasses__())
    for _ in range(3):
        document_ = parse("{ rows { first: text second: number } }")
        await told(schema, document_, good_root(), kind, context_value="open")
        await told(schema, document_, good_root(), kind, context_value="open")
    assert kind.known_plans.size
    assert (classes := weakref.WeakSet(set(Written.__subclasses__()) - others))
    del document_
    gc.collect()
    assert not kind.known_plans.size
    assert not classes


@pytest.mark.anyio
async def test_a_client_may_call_fields_what_python_calls_its_own(
    schema: GraphQLSchema, answers: dict[str, int]
) -> None:
    """And a field that there is not is left out, where nobody looked before."""
    names = ("__class__", "class", "__init__", "__setitem__", "__struct_fields__", "f_text", "_", "self", "__dict__")
    selected = " ".join(f"{name}: text" for name in names)
    parsed, kind = parse(f"{{ rows {{ {selected} missing }} }}"), for_bytes(compiled_executor())
    stock = await told(schema, parsed, good_root(), StrawberryGraphQLCoreExecutionContext, context_value="open")
    assert await told(schema, parsed, good_root(), kind, context_value="open") == stock
    assert list(json.loads(stock)["data"]["rows"][0]) == [*names]
    assert answers == {"answered": 1, "gave up": 0}


@pytest.mark.anyio
async def test_answers_are_dicts_unless_they_are_for_bytes(schema: GraphQLSchema) -> None:
    parsed, kind = parse("{ rows { text child { number } } }"), compiled_executor()
    options: Any = {"context_value": "open", "is_awaitable": optimized_is_awaitable}
    for one, expected in ((kind, dict), (for_bytes(kind), Written), (kind, dict)):
        result: Any = execute(schema, parsed, good_root(), executor_class=one, **options)
        rows = result.data["rows"]
        assert isinstance(result.data, dict)
        assert all(isinstance(row, expected) and isinstance(row["child"], expected | None) for row in rows)


@pytest.mark.anyio
async def test_what_is_kept_compiled_is_bounded(schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_FIELDS", 100)
    kind = compiled_executor()
    documents = [parse(f"{{ rows {{ {' '.join(f'a{n}_{m}: text' for m in range(30))} }} }}") for n in range(20)]
    for document_ in documents * 3:
        await told(schema, document_, good_root(), kind, context_value="open")
        assert kind.known_plans.size <= 130
    assert kind.known_plans.size


@pytest.mark.anyio
async def test_however_a_document_is_switched_what_is_kept_compiled_is_bounded(
    schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "MOST_FIELDS", 100)
    kind = compiled_executor()
    switches = [f"s{n}" for n in range(6)]
    fields = " ".join(f"{it}: text @include(if: ${it})" for it in switches)
    parsed = parse(f"query({' '.join(f'${it}: Boolean!' for it in switches)}) {{ rows {{ text {fields} }} }}")
    sizes = []
    for number in range(2 ** len(switches)):
        values = {it: bool(number >> at & 1) for at, it in enumerate(switches)}
        await told(schema, parsed, good_root(), kind, variable_values=values, context_value="open")
        sizes.append(kind.known_plans.of(operation_of(parsed), {}).size)
    assert 50 < max(sizes) < 100 + 2 * (1 + len(switches))


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    found = get_operation_ast(document)
    assert found
    return found


@pytest.mark.anyio
async def test_what_is_selected_is_collected_once_and_counts(
    schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether anything is compiled for it or not."""
    collected: list[int] = []

    def noted(*arguments: Any) -> Any:
        found = collect_fields(*arguments)
        collected.append(len(found.grouped_field_set))
        return found

    monkeypatch.setattr(executor, "collect_fields", noted)
    parsed, kind = parse(f"{{ one: grown {{ {' '.join(f'a{n}: later' for n in range(50))} }} }}"), compiled_executor()
    for _ in range(4):
        await told(schema, parsed, specimens.Row({"grown": good_root().rows[:1]}), kind, context_value="open")
        assert kind.known_plans.of(operation_of(parsed), {}).size >= 50
    assert collected == [1]


@strawberry.directive(locations=[DirectiveLocation.FIELD])
def shouted(value: str) -> str:
    return value.upper()


@pytest.mark.anyio
async def test_documents_with_directives_of_others_are_left_to_graphql_core(answers: dict[str, int]) -> None:
    made = strawberry.Schema(specimens.Query, types=[specimens.Nicked], directives=[shouted])._schema
    plain, marked = parse("{ rows { text number } }"), parse("{ rows { text number } row { text @shouted } }")
    for document_, times in ((marked, 0), (plain, 3)):
        stock = await told(made, document_, good_root(), StrawberryGraphQLCoreExecutionContext)
        for _ in range(3):
            assert await told(made, document_, good_root(), compiled_executor()) == stock
        assert answers == {"answered": times, "gave up": 0}


@strawberry.interface
class Nest:
    name: str
    nests: list["Twig"]


@strawberry.type
class Twig(Nest):
    below: Nest | None

    @strawberry.field
    def asked(self) -> int:
        return 3


@strawberry.type
class Tree:
    trunk: Twig


@pytest.mark.parametrize("depth", [5, 25])
@pytest.mark.anyio
async def test_what_nests_deeper_than_python_can_is_answered_all_the_same(depth: int) -> None:
    """Lists within each other, below an interface, of an object that is compiled in part."""
    trunk, selected = Twig(name="end", nests=[], below=None), "name"
    for _ in range(depth + 1):
        trunk, selected = Twig(name="x", nests=[trunk], below=trunk), f"name nests {{ {selected} }}"
    nested = strawberry.Schema(Tree, types=[Twig])._schema
    parsed, kind = parse(f"{{ trunk {{ name asked below {{ {selected} }} }} }}"), compiled_executor()
    stock = await told(nested, parsed, Tree(trunk=trunk), StrawberryGraphQLCoreExecutionContext)
    for _ in range(3):
        assert await told(nested, parsed, Tree(trunk=trunk), kind) == stock


@pytest.mark.anyio
async def test_a_shortcut_does_not_pass_by_what_wraps_its_resolver(answers: dict[str, int]) -> None:
    """Unless that says that it may: it might be there to refuse."""
    schema = specimens.schema()
    field = schema.type_map["Leaf"].fields["doubled"]  # type: ignore[attr-defined]
    resolve = field.resolve
    field.resolve = lambda *arguments: -resolve(*arguments)
    parsed, kind = parse("{ rows { number doubled } }"), compiled_executor()
    for _ in range(3):
        said = json.loads(await told(schema, parsed, good_root(), kind, context_value="open"))
        assert said == {"data": {"rows": [{"number": 1, "doubled": -2}] * 20}, "errors": []}
    assert answers["answered"]


class Shouting(SchemaExtension):
    """Has a word in every field."""

    def resolve(self, _next: Any, root: Any, info: Any, *arguments: Any, **options: Any) -> Any:
        value = _next(root, info, *arguments, **options)
        return value.upper() if isinstance(value, str) else value


def test_extensions_that_resolve_see_every_field(answers: dict[str, int]) -> None:
    shouting = strawberry.Schema(
        specimens.Query, extensions=[Shouting], execution_context_class=compiled_executor(), types=[specimens.Circle]
    )
    root = specimen_objects.root(Random(3), 0.0, casts=False)  # noqa: S311 - the same each time
    for _ in range(3):
        result = shouting.execute_sync("{ rows { sureText } }", root_value=root)
        assert result.data == {"rows": [{"sureText": "N"}] * len(root.rows)}
    assert len(root.rows)
    assert answers == {"answered": 0, "gave up": 0}


@pytest.mark.anyio
async def test_plain_rows_are_not_resolved_one_by_one(schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    execute_field = StrawberryGraphQLCoreExecutionContext.execute_field

    def noted(self: Any, *arguments: Any) -> Any:
        asked.append(arguments[2][0].node.name.value)
        return execute_field(self, *arguments)

    monkeypatch.setattr(StrawberryGraphQLCoreExecutionContext, "execute_field", noted)
    text = parse("{ rows { text kind at child { number } shape { area ... on Square { side } } doubled } }")
    await told(schema, text, good_root(), compiled_executor(), context_value="open")
    assert asked == ["rows"]


@pytest.mark.anyio
async def test_what_many_rows_need_is_asked_for_once(schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """However deep in the rows it is; and not where somebody has to be asked first."""
    asked: list[tuple[str, int]] = []
    find = joins.Joins._find

    async def noted(self: Any, hole: Any, batch: Any, places: Any) -> Any:
        asked.append((hole.name, len(places)))
        return await find(self, hole, batch, places)

    monkeypatch.setattr(joins.Joins, "_find", noted)
    rows = good_root().rows
    for row in rows:
        row.twin = row.sure_twin = row
    parsed = parse("{ grown { text many sureTwin { number five: many(times: 5) } } }")
    for context in ("open", "closed"):
        said = json.loads(
            await told(schema, parsed, specimens.Row({"grown": rows}), compiled_executor(), context_value=context)
        )
        is_open = context == "open"
        assert len(said["errors"]) == (0 if is_open else 40)
        grown = {"text": rows[0].text, "many": 2, "sureTwin": {"number": 1, "five": 5}}
        if is_open:
            assert said["data"]["grown"][0] == grown
    assert asked == [("many", 20), ("five", 20)]
