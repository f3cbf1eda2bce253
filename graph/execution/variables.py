"""The variables of an operation, coerced by what is known of their types: as graphql-core does, but for what is wrong.

Whatever is not plainly right is left to graphql-core, from its beginning: it knows what to say of it.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_leaf_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from graph.execution.leaves import NotPlainError

MOST_ERRORS = 50  # as graphql-core has it

Coerce = Callable[[Any], Any]


class _Variable(NamedTuple):
    """A variable, and what coerces its values."""

    signature: GraphQLVariableSignature
    coerce: Coerce


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._plain: list[_Variable] | None = None
        with contextlib.suppress(NotPlainError):
            self._plain = [_variable(schema, node) for node in self._nodes]

    def coerce(self, given: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values of a request, or what is wrong with them."""
        if self._plain is not None:
            try:
                return _coerced(self._plain, given)
            except Exception:  # noqa: BLE001, S110 - whatever it is, graphql-core finds it too, and tells it
                pass
        return get_variable_values(self._schema, self._nodes, given, max_errors=MOST_ERRORS)


def _coerced(variables: Iterable[_Variable], given: Mapping[str, Any]) -> VariableValues:
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, coerce in variables:
        name = signature.name
        value = given.get(name, Undefined)
        sources[name] = VariableValueSource(signature, value)
        if value is not Undefined:
            coerced[name] = coerce(value)
        elif signature.default is not None or isinstance(signature.type, GraphQLNonNull):
            raise NotPlainError
    return VariableValues(sources, coerced)


def _variable(schema: GraphQLSchema, node: VariableDefinitionNode) -> _Variable:
    signature = get_variable_signature(schema, node)
    if isinstance(signature, GraphQLError):
        raise NotPlainError
    return _Variable(signature, _coercer(signature.type, ()))


def _coercer(kind: GraphQLInputType, around: tuple[GraphQLInputType, ...]) -> Coerce:
    """What coerces values of a type, which is part of those around it."""
    if isinstance(kind, GraphQLNonNull):
        return _required(_coercer(kind.of_type, around))
    if isinstance(kind, GraphQLList):
        return _optional(_list(_coercer(kind.of_type, around)))
    if is_leaf_type(kind):
        return _optional(kind.coerce_input_value)
    if not isinstance(kind, GraphQLInputObjectType) or kind.is_one_of or kind in around:
        raise NotPlainError
    return _optional(_object(kind, around))


def _required(coerce: Coerce) -> Coerce:
    def coerced(value: Any) -> Any:
        if value is None:
            raise NotPlainError
        return coerce(value)

    return coerced


def _optional(coerce: Coerce) -> Coerce:
    def coerced(value: Any) -> Any:
        if value is None:
            return None
        found = coerce(value)
        if found is Undefined:
            raise NotPlainError
        return found

    return coerced


def _list(coerce: Coerce) -> Coerce:
    def coerced(value: Any) -> Any:
        if type(value) is not list:
            raise NotPlainError
        return [coerce(item) for item in value]

    return coerced


def _object(kind: GraphQLInputObjectType, around: tuple[GraphQLInputType, ...]) -> Coerce:
    fields = {name: (it.out_name or name, _coercer(it.type, (*around, kind))) for name, it in kind.fields.items()}
    # A field that is not given may have a default, or be missed.
    needed = {
        name
        for name, it in kind.fields.items()
        if it.default is not None or it.default_value is not Undefined or isinstance(it.type, GraphQLNonNull)
    }

    def coerced(value: Any) -> Any:
        if type(value) is not dict or not needed <= value.keys():
            raise NotPlainError
        found = {}
        for name, it in value.items():
            out, coerce = fields[name]  # there may be no such field
            found[out] = coerce(it)
        return kind.out_type(found)

    return coerced
