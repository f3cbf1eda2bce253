"""Resolvers that are called at once get what Strawberry's own way gives them."""

import enum
from typing import Annotated, Any

import pytest
import strawberry
from strawberry.extensions import FieldExtension
from strawberry.parent import Parent

from graph.execution import call_at_once, resolvers

pytestmark = pytest.mark.anyio


@strawberry.enum
class Colour(enum.Enum):
    RED = 1
    GREEN = 2


@strawberry.input
class Inner:
    number: int
    colours: list[Colour] | None = None
    text: str = "some"


@strawberry.input
class Outer:
    inner_one: Inner
    inners: list[Inner | None]
    names: list[str] | None
    nest: "Outer | None" = None
    from_: int | None = strawberry.field(name="from", default=7)


@strawberry.input
class Perhaps:
    text: strawberry.Maybe[str]


@strawberry.input
class Round:
    number: int = 1
    about: "About | None" = None
    text: strawberry.Maybe[str]


@strawberry.input
class About:
    round: Round | None = None


class Twice(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **arguments: Any) -> Any:
        return next_(source, info, **arguments) * 2


async def _later(info: strawberry.Info, source: str, outer: Outer | None = None) -> str:
    return f"{info.field_name} {source} {outer}"


def _at_once(root: Any, colour: Colour = Colour.RED, numbers: list[int] | None = None) -> str:
    return f"{root} {colour!r} {numbers}"


def _of_parent(parent: Parent[Any], outers: list[Outer]) -> str:
    return f"{parent} {outers}"


def _raising(info: strawberry.Info) -> str:
    raise ValueError(info.field_name)


@strawberry.type
class Query:
    later: str = strawberry.field(resolver=_later)
    at_once: str = strawberry.field(resolver=_at_once)
    of_parent: str = strawberry.field(resolver=_of_parent)
    raising: str | None = strawberry.field(resolver=_raising)
    twice: str = strawberry.field(resolver=lambda: "x", extensions=[Twice()], graphql_type=str)

    @strawberry.field
    def of_self(self, given_id: Annotated[strawberry.ID, strawberry.argument(name="id")]) -> str:
        return f"{self} {given_id!r}"

    @strawberry.field
    def perhaps(self, perhaps: Perhaps) -> str:
        return f"{perhaps}"

    @strawberry.field
    def round(self, round: Round) -> str:  # noqa: A002 - as it is called
        return f"{round}"

    @strawberry.field
    def round_about(self, about: About) -> str:
        return f"{about}"


INNER = "{number: 1, colours: [RED, GREEN]}"
OUTER = f"{{innerOne: {INNER}, inners: [null, {{number: 2, colours: null}}], names: null, from: 3}}"
NESTED = f'{{innerOne: {INNER}, inners: [], names: ["a"], nest: {OUTER}}}'
QUERIES = [
    '{ later(source: "a") }',
    f'{{ later(source: "a", outer: {OUTER}) }}',
    f'{{ later(source: "a", outer: {NESTED}) other: later(source: "b", outer: null) }}',
    "{ atOnce }",
    "{ atOnce(colour: GREEN, numbers: [1, 2]) other: atOnce(numbers: 3) }",
    f"{{ ofParent(outers: [{OUTER}, {NESTED}]) }}",
    "{ raising twice ofSelf(id: 5) }",
    '{ perhaps(perhaps: {text: "x"}) }',
    '{ roundAbout(about: {round: {number: 2, text: "x", about: {}}}) round(round: {about: {round: {text: "y"}}}) }',
]


@pytest.mark.parametrize("query", QUERIES)
async def test_a_resolver_gets_the_same(query: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its arguments, of their classes, its object and its info; what it raises is told as before."""
    stock, quick = strawberry.Schema(Query), strawberry.Schema(Query)
    call_at_once(quick)
    told = []
    for schema in (stock, quick):
        result = await schema.execute(query, root_value="the root")
        told.append((result.data, [error.formatted for error in result.errors or ()]))
    assert told[0] == told[1]
    assert told[0][0]
    assert bool(caplog.records) is ("raising" in query)


async def test_only_what_extensions_and_unusual_arguments_touch_goes_strawberrys_way() -> None:
    schema = strawberry.Schema(Query)
    call_at_once(schema)
    here = {
        name
        for name, field in schema._schema.query_type.fields.items()  # type: ignore[union-attr]
        if getattr(field.resolve, "__module__", None) == resolvers.__name__
    }
    assert here == {"later", "atOnce", "ofParent", "raising", "ofSelf"}
