"""A schema with every kind of field, and the classes of objects for it."""

import asyncio
import decimal
import enum
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from graphql import GraphQLSchema
from strawberry.utils.str_converters import to_camel_case

from graph.execution import BATCH, SHORTCUT, looked_at, seen_through


@strawberry.enum
class Kind(enum.Enum):
    A = "a"
    B = "b"
    C = strawberry.enum_value("c", name="SEE")


def _doubled(root: Any) -> int | None:
    doubled: int = 2 * root.number
    return doubled


@strawberry.type
class Leaf:
    text: str | None
    number: int | None
    share: float | None
    flag: bool | None
    kind: Kind | None
    at: datetime | None
    day: date | None
    price: decimal.Decimal | None
    key: strawberry.ID | None
    sure_text: str
    sure_kind: Kind
    sure_at: datetime
    tags: list[str]
    words: list[str | None] | None
    grid: list[list[int | None]] | None
    anything: strawberry.scalars.JSON | None
    children: list["Leaf"]
    child: Annotated["Leaf", strawberry.lazy("specimens")] | None
    shape: Annotated["Shape", strawberry.lazy("specimens")] | None
    thing: (
        Annotated[
            Annotated["Square", strawberry.lazy("specimens")] | Annotated["Other", strawberry.lazy("specimens")],
            strawberry.union("Thing"),
        ]
        | None
    )
    secret: str | None
    renamed: int | None = strawberry.field(name="called")
    doubled: int | None = strawberry.field(
        resolver=_doubled, metadata={SHORTCUT: lambda row, _: NotImplemented if row.number == 5 else 2 * row.number}
    )


def of_all(find: Callable[..., Any]) -> Callable[..., Any]:
    """Finds for many rows what is found for one, or why it is not."""

    async def batch(rows: Sequence[Any], info: strawberry.Info, **arguments: Any) -> list[Any]:
        assert info.field_name == to_camel_case(find.__name__.strip("_"))
        assert arguments.get("times") != WORST, "worst"
        return [found_or_error(find, row, arguments) for row in rows]

    return batch


def found_or_error(find: Callable[..., Any], row: Any, arguments: dict[str, Any]) -> Any:
    try:
        return find(row, **arguments)
    except ValueError as error:
        return error


WORST = 13


def _many(root: Any, times: int = 2) -> Any:
    assert times != WORST, "worst"
    if isinstance(root, Awaited) or getattr(root, "number", None) in (0, 5):
        raise ValueError("many fail")
    return 2**40 if times == LARGE else times


def _kin(root: Any) -> Any:
    return vars(root).get("child")


def _sure_kin(root: Any) -> Any:
    if vars(root).get("kind") is Kind.C:
        raise ValueError("kin fail")
    return vars(root).get("child")


def _many_sides(root: Any) -> Any:
    if root.side == 3:
        raise ValueError("three sides")
    return root.side


async def _many_later(root: Any, times: int = 2) -> Any:
    return _many(root, times)


async def _kin_later(root: Any) -> Any:
    return _kin(root)


async def _sure_kin_later(root: Any) -> Any:
    return _sure_kin(root)


async def _many_sides_later(root: Any) -> Any:
    return _many_sides(root)


LEAST = 1
LARGE = 7


@strawberry.type
class Grown(Leaf):
    """Has fields that are asked for."""

    twin: Annotated["Grown", strawberry.lazy("specimens")] | None
    sure_twin: Annotated["Grown", strawberry.lazy("specimens")]

    many: int | None = strawberry.field(resolver=_many_later, metadata={BATCH: of_all(_many)})
    kin: Annotated["Grown", strawberry.lazy("specimens")] | None = strawberry.field(
        resolver=_kin_later, metadata={BATCH: of_all(_kin)}
    )
    sure_kin: Annotated["Grown", strawberry.lazy("specimens")] = strawberry.field(
        resolver=_sure_kin_later, metadata={BATCH: of_all(_sure_kin)}
    )

    @strawberry.field
    async def later(self, times: int = 2) -> int:
        return 21 * times

    @strawberry.field
    def at_once(self) -> str | None:
        return "sync"

    @strawberry.field
    async def fails(self) -> int | None:
        raise ValueError("fails")

    @strawberry.field
    def fails_surely(self) -> int:
        raise ValueError("fails surely")

    @strawberry.field
    async def lone(self) -> Leaf | None:
        child: Leaf | None = self.child
        return child


@strawberry.interface
class Shape:
    area: float | None


@strawberry.type
class Square(Shape):
    side: int

    many_sides: int = strawberry.field(resolver=_many_sides_later, metadata={BATCH: of_all(_many_sides)})

    @strawberry.field
    async def later_side(self) -> int | None:
        return self.side


@strawberry.type
class Circle(Shape):
    radius: int | None


@strawberry.type
class Nicked(Square):
    nick: str | None = None


@strawberry.type
class Other:
    name: str


@strawberry.type
class Query:
    rows: list[Leaf]
    rows_or_not: list[Leaf | None] | None = strawberry.field(name="rowsOrNot")
    row: Leaf | None
    grown: list[Grown | None]
    shapes: list[Shape]
    shapes_or_not: list[Shape | None] | None = strawberry.field(name="shapesOrNot")
    things: list[Annotated[Square | Circle | Other, strawberry.union("Figure")]]
    squares: list[Square]

    @strawberry.field
    async def row_later(self) -> Leaf | None:
        await asyncio.sleep(0)
        return self.row

    @strawberry.field
    async def rows_later(self, most: int = 2) -> list[Leaf]:
        return self.rows[:most]

    # The root has no sides.
    fails_later: int | None = strawberry.field(resolver=_many_sides_later)
    fails_surely: int = strawberry.field(resolver=_many_sides_later)
    fails_at_once: int | None = strawberry.field(resolver=lambda: 1 // 0)
    fails_surely_at_once: int = strawberry.field(resolver=lambda: 1 // 0)


class Row:
    """Any object with attributes."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        vars(self).update(attributes)


class Raising(Row):
    @property
    def text(self) -> str:
        raise ValueError("raised")


class Awaited(Row):
    @property
    def number(self) -> Any:
        async def later() -> int:
            return 7

        return later()


def schema() -> GraphQLSchema:
    """The schema; `Leaf.secret` is refused where the context is not "open"."""
    made: GraphQLSchema = strawberry.Schema(Query, types=[Square, Circle, Other, Nicked])._schema
    for name in ("Leaf", "Grown"):
        field = made.type_map[name].fields["secret"]  # type: ignore[attr-defined]
        field.resolve = guarded(field.resolve)
    many = made.type_map["Grown"].fields["many"]  # type: ignore[attr-defined]
    many.resolve = guarded(looking(many.resolve))
    return made


def looking(resolve: Any) -> Any:
    async def find(source: Any, info: Any, **arguments: Any) -> Any:
        return look(await resolve(source, info, **arguments), info)

    return looked_at(find, resolve, look)


def look(found: Any, info: Any) -> Any:
    if found == LEAST and info.field_name == "many":
        raise ValueError("too few")
    return found


def guarded(resolve: Any) -> Any:
    def ask(source: Any, info: Any, **arguments: Any) -> Any:
        if info.context == "open":
            return resolve(source, info, **arguments)
        raise PermissionError("refused")

    return seen_through(ask, resolve, lambda context: context == "open")
