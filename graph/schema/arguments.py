"""The arguments of a field as they stand in a document, variables filled in, before anybody checked their types."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import FieldNode, ListValueNode, ObjectValueNode, Undefined, VariableNode, value_from_ast_untyped
from graphql.language import ValueNode

from graph.paging.args import DEFAULT_SIZE, MAX_SIZE


class Arguments:
    """Arguments, or the fields of an object in them. What has a wrong type is not there: execution will refuse it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @classmethod
    def reader(cls, node: FieldNode) -> "Callable[[dict[str, Any]], Arguments]":
        """What reads the arguments of a field, given the variables; those that need none are read once."""
        values = {it.name.value: it.value for it in node.arguments or ()}
        if not any(map(_has_variables, values.values())):
            fixed = cls({name: value_from_ast_untyped(value) for name, value in values.items()})
            return lambda _: fixed
        return lambda variables: cls({name: value_from_ast_untyped(it, variables) for name, it in values.items()})

    @property
    def names(self) -> frozenset[str]:
        """What is given; a variable without a value gives nothing."""
        return frozenset(name for name, value in self._values.items() if value is not None and value is not Undefined)

    def text(self, name: str) -> str | None:
        """A text, an id or an enum's value."""
        value = self._values.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> list[str] | None:
        """A list of those; one alone is a list too, as GraphQL has it."""
        value = self._values.get(name)
        if isinstance(value, str):
            return [value]
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None

    def inner(self, name: str) -> "Arguments":
        """An object."""
        value = self._values.get(name)
        return Arguments(value if isinstance(value, Mapping) else {})

    def objects(self, name: str) -> list[Mapping[str, Any]]:
        """A list of objects."""
        value = self._values.get(name)
        items = value if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, Mapping)]

    @property
    def size(self) -> int:
        """How many rows of a connection are asked for."""
        # A variable may say 1000.0, which execution takes for 1000.
        sizes = [value for name in ("first", "last") if isinstance(value := self._values.get(name), int | float)]
        return int(min(max(0, *sizes), MAX_SIZE)) if sizes else DEFAULT_SIZE

    @property
    def has_cursor(self) -> bool:
        """Whether it is a later page of a connection."""
        return any(self._values.get(name) not in (None, Undefined) for name in ("after", "before"))


def _has_variables(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_has_variables, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_has_variables(it.value) for it in value.fields)
    return isinstance(value, VariableNode)
