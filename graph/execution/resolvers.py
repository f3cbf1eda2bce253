"""Resolvers that are called at once: what Strawberry finds out anew for each value is found out for the field.

Strawberry's own way through a resolver looks up the names and types of all arguments, and what else the function wants,
whenever it is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, GraphQLResolveInfo
from strawberry import UNSET, Schema
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

Convert = Callable[[Any], Any]


class _NotUsualError(Exception):
    """An argument is for Strawberry to convert."""


class _Argument(NamedTuple):
    """An argument, or a field of an input.

    Attributes:
        python_name: In Python.
        convert: Makes what Python gets of what graphql-core has; None where that is the same.
    """

    python_name: str
    convert: Convert | None


def _put(arguments: Mapping[str, _Argument], given: Mapping[str, Any], into: dict[str, Any]) -> None:
    """Take over what is given, by its names in documents."""
    for name, value in given.items():
        python_name, convert = arguments[name]
        into[python_name] = convert(value) if convert else value


def call_at_once(schema: Schema) -> None:
    """Have the resolvers of a schema called at once, but where extensions of fields have a word in it."""
    if schema.schema_converter.exception_handlers:
        return
    converters = _Converters(schema)
    for kind in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no other name for it
        if not isinstance(kind, GraphQLObjectType) or kind is schema._schema.subscription_type:  # noqa: SLF001 - as above
            continue
        for definition in kind.fields.values():
            field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if isinstance(field, StrawberryField) and field.base_resolver and not field.extensions:
                try:
                    definition.resolve = _resolver(schema, field, converters)
                except _NotUsualError:
                    continue


def _resolver(schema: Schema, field: StrawberryField, converters: "_Converters") -> Callable[..., Any]:
    info_class, names = schema.config.info_class, schema.config.name_converter
    wanted: Any = field.base_resolver
    call = wanted.wrapped_func
    arguments = {names.from_argument(it): _Argument(it.python_name, converters.of(it.type)) for it in field.arguments}
    sources = [it.name for it in (wanted.parent_parameter, wanted.root_parameter) if it]
    info_name = wanted.info_parameter.name if wanted.info_parameter else None
    wants_self = bool(wanted.self_parameter)

    def resolve(source: Any, info: GraphQLResolveInfo[Any], /, **given: Any) -> Any:
        taken: dict[str, Any] = {}
        _put(arguments, given, taken)
        for name in sources:
            taken[name] = source
        if info_name:
            taken[info_name] = info_class(_raw_info=info, _field=field)
        return call(source, **taken) if wants_self else call(**taken)

    resolve._is_default = False  # type: ignore[attr-defined]  # noqa: SLF001 - as Strawberry's own say
    return resolve


class _Converters:
    """Convert the values of arguments of a schema, as Strawberry does."""

    def __init__(self, schema: Schema) -> None:
        self._names = schema.config.name_converter
        self._scalars = schema.schema_converter.scalar_registry
        self._inputs: dict[Any, Convert] = {}

    def of(self, kind: Any) -> Convert | None:
        """What converts values of a type; None where they stay what they are.

        Raises:
            _NotUsualError: that takes more than is known here.
        """
        if isinstance(kind, LazyType):
            return self.of(kind.resolve_type())
        if isinstance(kind, StrawberryMaybe) or kind is GlobalID:
            raise _NotUsualError
        if isinstance(kind, StrawberryOptional):
            return self.of(kind.of_type)
        if isinstance(kind, StrawberryList):
            return _if_there(_list_of(self.of(kind.of_type)))
        if is_scalar(kind, self._scalars) or isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind):
            return None
        return self._inputs.get(kind) or self._input(kind)

    def _input(self, kind: Any) -> Convert:
        definition = get_object_definition(kind)
        if definition is None or definition.from_input is not None:
            raise _NotUsualError
        absent = {
            it.python_name: None
            for it in definition.fields
            if it.default_value is MISSING and it.default_factory is MISSING
        }
        fields: dict[str, _Argument] = {}

        def convert(value: Mapping[str, Any]) -> Any:
            taken: dict[str, Any] = dict(absent)
            _put(fields, value, taken)
            return kind(**taken)

        before = dict(self._inputs)
        self._inputs[kind] = _if_there(convert)  # an input may have fields of its own type
        try:
            for it in definition.fields:
                inner = self.of(it.resolve_type(type_definition=definition))
                fields[self._names.from_field(it)] = _Argument(it.python_name, inner)
        except _NotUsualError:
            self._inputs = before  # those that were met on the way may have fields of this type
            raise
        return self._inputs[kind]


def _list_of(convert: Convert | None) -> Convert:
    if convert is None:
        return list  # a copy: a default is the same for all
    return lambda values: [convert(value) for value in values]


def _if_there(convert: Convert) -> Convert:
    return lambda value: value if value is None or value is UNSET else convert(value)
