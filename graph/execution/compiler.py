"""Compiles what is selected of rows into functions that make their answers.

A function gives up, by any exception, on whatever is not plain; then graphql-core answers in its stead.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
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
from graph.execution.holes import Hole, Step, batch_of
from graph.execution.leaves import MOST_CLASSES, NotPlainError, write_leaf
from graph.execution.objects import DICT, Form
from graph.execution.wrappers import unwrapped

Answer = Callable[..., Any]  # given a row and the context
Shortcut = Callable[[Any, Any], Any]

SHORTCUT = "shortcut"
"""The key of a Strawberry field's metadata under which it says how it is resolved without more ado.

Its value is a function of the row and the context that does what the resolver does, synchronously, without arguments;
NotImplemented where that cannot be done for a row.
"""

NOT_TO_BE_COMPILED = (NotPlainError, RecursionError)


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
        holes: What is left open in the answer of a list: then that comes with its places.
        conditions: It holds for contexts that all of these are true for.
        size: The fields in it.
    """

    answer: Answer
    rest: Sequence[str]
    holes: Sequence[Hole]
    conditions: Sequence[Callable[[Any], bool]]
    size: int


def compile_items(
    selections: Selections, kind: GraphQLOutputType, fields: FieldDetailsList, form: Form, *, types_by_class: bool
) -> Compiled | None:
    """Compile the answer of a list whose items are of a kind, but for holes in them; None where that cannot be."""
    compiler = _Compiler(selections, form, types_by_class=types_by_class, may_have_holes=True)
    code = compiler.code
    code.line(0, "def answer(rows, context):")
    code.line(1, "out, places = [], []")
    code.line(1, "for row in rows:")
    try:
        compiler.value(kind, fields, "row", "row", 2)
        code.line(2, "out.append(row)")
        code.line(1, "return out, places" if compiler.holes else "return out")
        return compiler.compiled(())
    except NOT_TO_BE_COMPILED:
        return None


def compile_object(
    selections: Selections, kind: GraphQLObjectType, grouped: GroupedFieldSet, form: Form, *, types_by_class: bool
) -> Compiled | None:
    """Compile the plain fields of an object; None where it has none. Only those in it have the form: it is a dict."""
    compiler = _Compiler(selections, form, types_by_class=types_by_class)
    code = compiler.code
    code.line(0, "def answer(row, context):")
    try:
        rest = compiler.object(kind, grouped, "row", "out", 1, is_top=True)
        code.line(1, "return out")
        return compiler.compiled(rest) if len(rest) < len(grouped) else None
    except NOT_TO_BE_COMPILED:
        return None


class _Compiler:
    """Compiles one function."""

    def __init__(
        self, selections: Selections, form: Form, *, types_by_class: bool, may_have_holes: bool = False
    ) -> None:
        self.code = Code()
        self.holes: list[Hole] = []
        self._selections = selections
        self._form = form
        self._types_by_class = types_by_class
        self._conditions: list[Callable[[Any], bool]] = []
        self._size = 0
        self._way: tuple[Step, ...] | None = () if may_have_holes else None  # from the row; None: nothing is left open
        self._number = "len(out)"  # the expression of the row's number
        self._give_up = self.code.constant(_give_up)

    def compiled(self, rest: Sequence[str]) -> Compiled:
        try:
            answer = self.code.function("answer")
        except SyntaxError:  # Python has no more than twenty loops in each other
            raise NotPlainError from None
        return Compiled(answer, rest, self.holes, self._conditions, self._size)

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
        is_top: bool = False,
    ) -> Sequence[str]:
        """Write what puts into a variable the answer of an object, which may be in the same one.

        Returns:
            The response names that are left to graphql-core, None for the time being: there are none but at the top,
            and where holes may be.
        """
        form = DICT if is_top else self._form
        values: dict[str, str] = {}
        rest = []
        self._size += form.size
        opened: dict[int, str] = {}  # the numbers of holes, and when a row has them
        for name, fields in grouped.items():
            mark, conditions, holes = self.code.mark(), len(self._conditions), len(self.holes)
            try:
                written, may_be_open = self._field(kind, name, fields, row, depth)
                values[name] = written
                if may_be_open:
                    opened[len(self.holes)] = f"if {may_be_open}: "
                    self.holes.append(self._hole(kind, name, fields))
            except NotPlainError:
                if not is_top and self._way is None:
                    raise
                self.code.drop(mark)
                del self._conditions[conditions:], self.holes[holes:]
                values[name] = "None"
                rest.append(name)
                if self._way is not None:
                    opened[holes] = ""
                    self.holes.append(self._hole(kind, name, fields))
        made = self.code.variable() if opened else variable
        self.code.line(depth, f"{made} = {form.write(self.code, values)}")
        for number, when in opened.items():
            self.code.line(depth, f"{when}places.append(({self._number}, {number}, {row}, {made}))")
        if made != variable:
            self.code.line(depth, f"{variable} = {made}")
        return rest

    def _hole(self, kind: GraphQLObjectType, name: str, fields: FieldDetailsList) -> Hole:
        definition = self._selections.schema.get_field(kind, fields[0].node.name.value)
        return Hole(name, kind, fields, self._way or (), batch_of(definition))

    def _field(
        self, kind: GraphQLObjectType, response_name: str, fields: FieldDetailsList, row: str, depth: int
    ) -> tuple[str, str | None]:
        """Write what reads a field.

        Returns:
            The expression of its answer; and of whether it is left open, where that is known only then.
        """
        self._size += 1
        name = fields[0].node.name.value
        if name == "__typename":
            return repr(kind.name), None
        definition = self._selections.schema.get_field(kind, name)
        if definition is None or definition.args:
            raise NotPlainError
        variable, way = self.code.variable(), self._way
        if way is not None:
            self._way = (*way, Step(response_name, kind.name, isinstance(definition.type, GraphQLNonNull)))
        try:
            read, is_sure = self._read(definition, row)
            if is_sure or way is None:
                self.value(definition.type, fields, read, variable, depth)
                return variable, None
            may_be_open = self.code.variable()
            self.code.line(depth, f"{variable} = {read}")
            self.code.line(depth, f"{may_be_open} = {variable} is NotImplemented")
            self.code.line(depth, f"if {may_be_open}: {variable} = None")
            self.code.line(depth, "else:")
            self.value(definition.type, fields, variable, variable, depth + 1)
            return variable, may_be_open
        finally:
            self._way = way

    def _read(self, definition: GraphQLField, row: str) -> tuple[str, bool]:
        """The expression that reads a field of a row, and whether it always can."""
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        resolve, conditions, looks = unwrapped(definition.resolve)
        self._conditions.extend(conditions)
        is_default = getattr(resolve, "_is_default", None)  # None: it is not Strawberry's, and may do anything
        if looks or not isinstance(field, StrawberryField) or is_default is None:
            raise NotPlainError
        if (shortcut := field.metadata.get(SHORTCUT)) and not field.extensions:
            read = _insisting(shortcut) if self._way is None else shortcut
            return f"{self.code.constant(read)}({row}, context)", False
        if is_default and field.is_basic_field and field.default_resolver is getattr:
            return f"{row}.{field.python_name}", True
        raise NotPlainError

    def _list(self, kind: GraphQLOutputType, fields: FieldDetailsList, variable: str, depth: int) -> None:
        code = self.code
        self._check(_is_plain_list, variable, depth, is_by_class=True)
        items, item, way = code.variable(), code.variable(), self._way
        code.line(depth, f"{items} = []")
        code.line(depth, f"for {item} in {variable}:")
        self._way = None  # holes are of rows, not of lists in them
        try:
            self.value(kind, fields, item, item, depth + 1)
        finally:
            self._way = way
        code.line(depth + 1, f"{items}.append({item})")
        code.line(depth, f"{variable} = {items}")

    def _abstract(self, kind: GraphQLAbstractType, fields: FieldDetailsList, variable: str, depth: int) -> None:
        """Have a value answered by the function of its own type."""
        answers: dict[str, Answer] = {}
        for possible in self._selections.schema.get_possible_types(kind):
            inner = _Compiler(self._selections, self._form, types_by_class=self._types_by_class)
            inner.holes, inner._way, inner._number = self.holes, self._way, "number"
            inner.code.line(0, "def answer(row, context, places, number):")
            inner.object(possible, self._selected(possible, fields), "row", "row", 1)
            inner.code.line(1, "return row")
            compiled = inner.compiled(())
            answers[possible.name] = compiled.answer
            self._conditions.extend(compiled.conditions)
            self._size += compiled.size
        find = _finder(self._selections.schema, kind, answers, types_by_class=self._types_by_class)
        number = "None, None" if self._way is None else f"places, {self._number}"
        answer = f"{self.code.constant(find)}({variable}, context)"
        self.code.line(depth, f"{variable} = {answer}({variable}, context, {number})")

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
        return self._selections.collect_subfields(kind, fields).grouped_field_set


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
