"""How scalars and enums are written: as graphql-core would, but at once where a value is of the usual class."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from strawberry.execution import optimized_is_awaitable

from graph.execution.code import Code


class NotPlainError(Exception):
    """A value or a field is for graphql-core to look at."""


MOST_CLASSES = 64  # that are remembered; classes may be made at run time
# What a value of the built-in scalars may be that is written as it is.
USUAL: dict[GraphQLLeafType, str] = {
    GraphQLString: "type({v}) is str",
    GraphQLID: "type({v}) is str",
    GraphQLInt: "(type({v}) is int and -2147483648 <= {v} <= 2147483647)",
    GraphQLFloat: "(type({v}) is float and {v} - {v} == 0.0)",  # neither infinite nor no number
    GraphQLBoolean: "({v} is True or {v} is False)",
}


def write_leaf(code: Code, kind: GraphQLLeafType, variable: str, depth: int, *, is_required: bool) -> None:
    """Write what turns the value in a variable into what is answered."""
    slow = _unusual(kind, is_required=is_required)
    unusual = code.constant(slow)
    if usual := USUAL.get(kind):
        rest = "" if is_required else f" and {variable} is not None"
        code.line(depth, f"if not {usual.format(v=variable)}{rest}: {variable} = {unusual}({variable})")
    elif isinstance(kind, GraphQLEnumType) and (members := _names(kind)):
        names = code.constant({id(member): name for member, name in members.items()})  # an Enum hashes slowly
        enum = code.constant(kind.wrapped_cls)  # type: ignore[attr-defined]  # Strawberry's
        code.line(depth, f"if type({variable}) is {enum}: {variable} = {names}[id({variable})]")
        rest = "else" if is_required else f"elif {variable} is not None"
        code.line(depth, f"{rest}: {variable} = {unusual}({variable})")
    else:
        plain: set[type] = set()
        coerce, known = code.constant(kind.coerce_output_value), code.constant(_known)
        code.line(depth, f"if type({variable}) in {code.constant(plain)}:")
        code.line(depth + 1, f"{variable} = {coerce}({variable})")
        code.line(depth + 1, f"if {variable} is None or {variable} is {code.constant(Undefined)}: {known}(None)")
        rest = "else" if is_required else f"elif {variable} is not None"
        code.line(depth, f"{rest}: {variable} = {code.constant(_remembering(slow, plain))}({variable})")


def _unusual(kind: GraphQLLeafType, *, is_required: bool) -> Callable[[Any], Any]:
    """Writes any value."""
    coerce = kind.coerce_output_value

    def write(value: Any) -> Any:
        if value is None or value is Undefined:
            if is_required:
                raise NotPlainError
            return None
        if isinstance(value, Exception) or optimized_is_awaitable(value):
            raise NotPlainError
        return _known(coerce(value))

    return write


def _remembering(unusual: Callable[[Any], Any], plain: set[type]) -> Callable[[Any], Any]:
    """Writes any value, and remembers its class: of that one none is an exception, or to be waited for."""

    def write(value: Any) -> Any:
        written = unusual(value)
        if written is not None and len(plain) < MOST_CLASSES:
            plain.add(type(value))
        return written

    return write


def _known(written: Any) -> Any:
    if written is None or written is Undefined:
        raise NotPlainError
    return written


def _names(kind: GraphQLEnumType) -> dict[Enum, str]:
    """The names of the members of a Strawberry enum."""
    wrapped = getattr(kind, "wrapped_cls", None)
    return {member: kind.coerce_output_value(member) for member in wrapped} if wrapped else {}
