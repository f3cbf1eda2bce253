"""The arguments of a field as they stand in a document, variables filled in, before anybody checked their types."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    ObjectValueNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    value_from_ast_untyped,
    visit,
)
from graphql.language import ValueNode

from graph.paging.args import DEFAULT_SIZE, MAX_SIZE

# Of these only tells whether they are given: requests that differ in no more have the same price.
GIVEN_OR_NOT = frozenset({"after", "before", "during", "search"})


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


class Priced:
    """The variables of an operation, as far as its price may go by them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        uses = _Uses()
        for node in nodes:
            visit(node, uses)
        self._is_given_or_not = {name: names <= GIVEN_OR_NOT for name, names in uses.names.items()}

    def of(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """That part of the variables of a request."""
        return {
            name: _given(value) if is_given_or_not else _part(value)
            for name, is_given_or_not in self._is_given_or_not.items()
            if (value := variables.get(name)) is not None
        }


class _Uses(Visitor):
    """Finds what the variables are given for: the names of arguments and of fields of objects."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, set[str]] = {}

    def enter_variable(self, node: VariableNode, _: Any, parent: Any, *__: Any) -> None:
        if not isinstance(parent, VariableDefinitionNode):
            name = parent.name.value if isinstance(parent, ArgumentNode | ObjectFieldNode) else ""  # part of a list
            self.names.setdefault(node.name.value, set()).add(name)


def _part(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _given(it) if name in GIVEN_OR_NOT else it for name, it in value.items()}


def _given(value: Any) -> Any:
    return None if value is None else True


def _has_variables(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_has_variables, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_has_variables(it.value) for it in value.fields)
    return isinstance(value, VariableNode)
