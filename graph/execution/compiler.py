"""Compiles what is selected of rows into functions that make their answers.

A function gives up, by any exception, on whatever is not plain; then graphql-core answers in its stead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol, TypeVar

from graphql import (
    DirectiveNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLFieldResolver,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    default_type_resolver,
    is_leaf_type,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, GroupedFieldSet
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.execution.code import Code
from graph.execution.leaves import MOST_CLASSES, NotPlainError, write_leaf

Resolver = TypeVar("Resolver", bound=Callable[..., Any])
Answer = Callable[[Any, Any], Any]  # given a row and the context
Shortcut = Callable[[Any, Any], Any]

SHORTCUT = "shortcut"
"""The key of a Strawberry field's metadata under which it says how it is resolved without more ado.

Its value is a function of the row and the context that does what the resolver does, synchronously, without arguments;
NotImplemented where that cannot be done for a row.
"""

NOT_TO_BE_COMPILED = (NotPlainError, RecursionError)
_SEEN = "__seen_through__"


def seen_through(wrapper: Resolver, resolve: GraphQLFieldResolver, is_open: Callable[[Any], bool]) -> Resolver:
    """Let a resolver that wraps another one be passed by while it is open.

    Args:
        wrapper: The resolver of the field.
        resolve: The resolver that it wraps.
        is_open: Whether, for a context, it does nothing but call that one.
    """
    setattr(wrapper, _SEEN, (resolve, is_open))
    return wrapper


class Selections(Protocol):
    """Knows what is selected: an executor of graphql-core."""

    schema: GraphQLSchema
    context_value: Any

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList
    ) -> CollectedFields:
        """What is selected of an object."""


class Compiled(NamedTuple):
    """How rows of one type are answered.

    Attributes:
        answer: Makes the answer of a list of rows, or of one, given the context.
        rest: The response names, of one row, that graphql-core has to fill in.
        conditions: It holds for contexts that all of these are true for.
        size: The fields in it.
    """

    answer: Answer
    rest: Sequence[str]
    conditions: Sequence[Callable[[Any], bool]]
    size: int


def compile_items(
    selections: Selections, kind: GraphQLOutputType, fields: FieldDetailsList, *, types_by_class: bool
) -> Compiled | None:
    """Compile the answer of a list whose items are of a kind: all of it, or None."""
    compiler = _Compiler(selections, types_by_class=types_by_class)
    code = compiler.code
    code.line(0, "def answer(rows, context):")
    code.line(1, "out = []")
    code.line(1, "for row in rows:")
    try:
        compiler.value(kind, fields, "row", "row", 2)
        code.line(2, "out.append(row)")
        code.line(1, "return out")
        return compiler.compiled(())
    except NOT_TO_BE_COMPILED:
        return None


def compile_object(
    selections: Selections, kind: GraphQLObjectType, grouped: GroupedFieldSet, *, types_by_class: bool
) -> Compiled | None:
    """Compile the plain fields of an object; None where it has none."""
    compiler = _Compiler(selections, types_by_class=types_by_class)
    code = compiler.code
    code.line(0, "def answer(row, context):")
    try:
        rest = compiler.object(kind, grouped, "row", "out", 1, may_leave=True)
        code.line(1, "return out")
        return compiler.compiled(rest) if len(rest) < len(grouped) else None
    except NOT_TO_BE_COMPILED:
        return None


class _Compiler:
    """Compiles one function."""

    def __init__(self, selections: Selections, *, types_by_class: bool) -> None:
        self.code = Code()
        self._selections = selections
        self._types_by_class = types_by_class
        self._conditions: list[Callable[[Any], bool]] = []
        self._size = 0
        self._give_up = self.code.constant(_give_up)

    def compiled(self, rest: Sequence[str]) -> Compiled:
        try:
            answer = self.code.function("answer")
        except SyntaxError:  # Python has no more than twenty loops in each other
            raise NotPlainError from None
        return Compiled(answer, rest, self._conditions, self._size)

    def value(self, kind: GraphQLOutputType, fields: FieldDetailsList, read: str, variable: str, depth: int) -> None:
        """Write what puts into a variable the answer for a value that an expression reads."""
        code = self.code
        is_required = isinstance(kind, GraphQLNonNull)
        inner: Any = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if variable != read:
            code.line(depth, f"{variable} = {read}")
        if is_leaf_type(inner):
            write_leaf(code, inner, variable, depth, is_required=is_required)
            return
        if is_required:
            code.line(depth, f"if {variable} is None: {self._give_up}()")
        else:
            code.line(depth, f"if {variable} is not None:")
            depth += 1
        if isinstance(inner, GraphQLList):
            self._list(inner.of_type, fields, variable, depth)
        elif isinstance(inner, GraphQLObjectType):
            is_by_class = self._types_by_class or inner.is_type_of is None
            self._check(_checker(inner), variable, depth, is_by_class=is_by_class)
            self.object(inner, self._selected(inner, fields), variable, variable, depth)
        elif isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
            self._abstract(inner, fields, variable, depth)
        else:
            raise NotPlainError

    def object(
        self,
        kind: GraphQLObjectType,
        grouped: GroupedFieldSet,
        row: str,
        variable: str,
        depth: int,
        *,
        may_leave: bool = False,
    ) -> Sequence[str]:
        """Write what puts into a variable the answer of an object, which may be in the same one.

        Returns:
            The response names that are left to graphql-core, None for the time being; without leave there are none.
        """
        parts, rest = [], []
        for name, fields in grouped.items():
            mark, conditions = self.code.mark(), len(self._conditions)
            try:
                parts.append(f"{name!r}: {self._field(kind, fields, row, depth)}")
            except NotPlainError:
                if not may_leave:
                    raise
                self.code.drop(mark)
                del self._conditions[conditions:]
                parts.append(f"{name!r}: None")
                rest.append(name)
        self.code.line(depth, f"{variable} = {{{', '.join(parts)}}}")
        return rest

    def _field(self, kind: GraphQLObjectType, fields: FieldDetailsList, row: str, depth: int) -> str:
        """Write what reads a field, and tell the expression of its answer."""
        self._size += 1
        name = fields[0].node.name.value
        if any(has_other_directives(it.node.directives) for it in fields):
            raise NotPlainError
        if name == "__typename":
            return repr(kind.name)
        definition = self._selections.schema.get_field(kind, name)
        if definition is None or definition.args:
            raise NotPlainError
        variable = self.code.variable()
        self.value(definition.type, fields, self._read(definition, row), variable, depth)
        return variable

    def _read(self, definition: GraphQLField, row: str) -> str:
        """The expression that reads a field of a row."""
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        resolve: Any = definition.resolve
        while seen := getattr(resolve, _SEEN, None):
            resolve, is_open = seen
            self._conditions.append(is_open)
        is_default = getattr(resolve, "_is_default", None)  # None: it is not Strawberry's, and may do anything
        if not isinstance(field, StrawberryField) or is_default is None:
            raise NotPlainError
        if (shortcut := field.metadata.get(SHORTCUT)) and not field.extensions:
            return f"{self.code.constant(_insisting(shortcut))}({row}, context)"
        if is_default and field.is_basic_field and field.default_resolver is getattr:
            return f"{row}.{field.python_name}"
        raise NotPlainError

    def _list(self, kind: GraphQLOutputType, fields: FieldDetailsList, variable: str, depth: int) -> None:
        code = self.code
        self._check(_is_plain_list, variable, depth, is_by_class=True)
        items, item = code.variable(), code.variable()
        code.line(depth, f"{items} = []")
        code.line(depth, f"for {item} in {variable}:")
        self.value(kind, fields, item, item, depth + 1)
        code.line(depth + 1, f"{items}.append({item})")
        code.line(depth, f"{variable} = {items}")

    def _abstract(self, kind: GraphQLAbstractType, fields: FieldDetailsList, variable: str, depth: int) -> None:
        """Have a value answered by the function of its own type."""
        answers: dict[str, Answer] = {}
        for possible in self._selections.schema.get_possible_types(kind):
            inner = _Compiler(self._selections, types_by_class=self._types_by_class)
            inner.code.line(0, "def answer(row, context):")
            inner.object(possible, self._selected(possible, fields), "row", "row", 1)
            inner.code.line(1, "return row")
            compiled = inner.compiled(())
            answers[possible.name] = compiled.answer
            self._conditions.extend(compiled.conditions)
            self._size += compiled.size
        find = _finder(self._selections.schema, kind, answers, types_by_class=self._types_by_class)
        self.code.line(depth, f"{variable} = {self.code.constant(find)}({variable}, context)({variable}, context)")

    def _check(self, is_plain: Callable[[Any], bool], variable: str, depth: int, *, is_by_class: bool) -> None:
        """Write the check that a value is plain; where its class tells, it is asked once."""
        known: set[type] = set()

        def check(value: Any) -> None:
            if not is_plain(value):
                raise NotPlainError
            if is_by_class and len(known) < MOST_CLASSES:
                known.add(type(value))

        code = self.code
        unless_known = f"if type({variable}) not in {code.constant(known)}: " if is_by_class else ""
        code.line(depth, f"{unless_known}{code.constant(check)}({variable})")

    def _selected(self, kind: GraphQLObjectType, fields: FieldDetailsList) -> GroupedFieldSet:
        if any(it.fragment_variable_values is not None for it in fields):
            raise NotPlainError
        grouped, deferred, _ = self._selections.collect_subfields(kind, fields)
        if deferred:
            raise NotPlainError
        return grouped


def has_other_directives(directives: Iterable[DirectiveNode] | None) -> bool:
    """Whether there are any but those that were heeded when the fields were collected."""
    return any(it.name.value not in ("include", "skip") for it in directives or ())


def _give_up() -> None:
    raise NotPlainError


def _insisting(shortcut: Shortcut) -> Shortcut:
    def read(row: Any, context: Any) -> Any:
        value = shortcut(row, context)
        if value is NotImplemented:
            raise NotPlainError
        return value

    return read


def _is_value(value: Any) -> bool:
    return value is not Undefined and not isinstance(value, Exception) and not optimized_is_awaitable(value)


def _is_plain_list(value: Any) -> bool:
    kind = type(value)
    return isinstance(value, list | tuple) and kind.__iter__ in (list.__iter__, tuple.__iter__) and _is_value(value)


def _checker(kind: GraphQLObjectType) -> Callable[[Any], bool]:
    """Tells whether a value is one of an object type."""
    is_type_of: Any = kind.is_type_of

    def is_plain(value: Any) -> bool:
        return _is_value(value) and (is_type_of is None or is_type_of(value, None) is True)

    return is_plain


def _finder(
    schema: GraphQLSchema, kind: GraphQLAbstractType, answers: Mapping[str, Answer], *, types_by_class: bool
) -> Callable[[Any, Any], Answer]:
    """Finds the function that answers a value, as graphql-core finds its type."""
    known: dict[type, Answer] = {}
    resolve: Any = kind.resolve_type or default_type_resolver

    def find(value: Any, context: Any) -> Answer:
        answer = known.get(type(value))
        if answer is None:
            # What else a resolver may look at is not told here: it fails, and graphql-core answers.
            told = SimpleNamespace(schema=schema, context=context, field_name="", is_awaitable=optimized_is_awaitable)
            name = resolve(value, told, kind) if _is_value(value) else None
            answer = answers.get(name) if isinstance(name, str) else None
            if answer is None or not _checker(schema.type_map[name])(value):  # type: ignore[arg-type, index]
                raise NotPlainError
            if types_by_class and len(known) < MOST_CLASSES:
                known[type(value)] = answer
        return answer

    return find
