"""What a compiled function leaves open in the answers of rows: the fields that have to be asked for."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLField, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.execution.objects import Written
from graph.execution.wrappers import IsOpen, Look, unwrapped

Ask = Callable[..., Awaitable[Sequence[Any]]]

BATCH = "batch"
"""The key of a Strawberry field's metadata under which it says how it is resolved for many rows at once.

Its value is an asynchronous function of the rows, Strawberry's info of the field at any of them, and the field's
arguments, which it may not change. It finds for each row what the resolver would, or an exception.
"""


class Batch(NamedTuple):
    """How a field is resolved for many rows.

    Attributes:
        ask: See `BATCH`.
        field: The field.
        conditions: It may be asked for contexts that all of these are true for.
        looks: What looks at what it finds, one after the other.
    """

    ask: Ask
    field: StrawberryField
    conditions: Sequence[IsOpen]
    looks: Sequence[Look]


class Step(NamedTuple):
    """A field on the way from a row to an object in it.

    Attributes:
        name: Its response name.
        owner: The name of the type it is a field of.
        is_required: Whether it cannot be null.
    """

    name: str
    owner: str
    is_required: bool


class Hole(NamedTuple):
    """A field of rows, or of objects in them, that is left open.

    Attributes:
        name: Its response name.
        owner: The type it is a field of.
        fields: What is selected.
        way: From the row to the object that has it.
        batch: How it is resolved for many rows, where it says so.
    """

    name: str
    owner: GraphQLObjectType
    fields: FieldDetailsList
    way: tuple[Step, ...]
    batch: Batch | None


class Place(NamedTuple):
    """One hole in the answer of one row.

    Attributes:
        row: The number of the row.
        hole: The number of the hole, in the order of the document.
        source: The object whose field is left open.
        target: The answer to fill it in.
    """

    row: int
    hole: int
    source: Any
    target: dict[str, Any] | Written


def batch_of(definition: GraphQLField | None) -> Batch | None:
    """How a field is resolved for many rows, where it says so and nothing that wraps its resolver is unknown."""
    if definition is None:
        return None
    resolve, conditions, looks = unwrapped(definition.resolve)
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField) or field.extensions or not hasattr(resolve, "_is_default"):
        return None
    ask = field.metadata.get(BATCH)
    return Batch(ask, field, conditions, looks) if ask else None
