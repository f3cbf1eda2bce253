"""How much an answer may tell: the values of its rows are counted where a field has found them, before they are told.

Pages within pages may have millions of rows and mostly have few, so what is asked for says little: what is there
counts, each row with all that is selected of it. The field that goes beyond what is allowed is refused with all its
rows.
"""

from collections.abc import Callable, Iterator
from inspect import isawaitable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
)

from graph.errors import LimitExceededError
from graph.execution import looked_at
from graph.records import Capability
from graph.schema.selection import Selection
from graph.transport.meter import count_work

# The fields of an object that tell its rows, and the attribute that has them.
ROWS = {"edges": "edges", "nodes": "edges", "buckets": "buckets", "days": "days"}
# Other lists: how many values they have for each source, and besides.
LISTS = {"sources": (1, 0), "bySource": (1, 0), "capabilities": (0, len(Capability))}
LETTERS = 32  # so many of a field's name, which is told with its value, are as much as another value
VALUES_OF_WORK = 5000  # so many are as much work as a request to a vendor


def count_values(schema: GraphQLSchema) -> None:
    """Have all fields of a schema that find rows count what is told of them."""
    for field in _fields_with_rows(schema):
        field.resolve = _counting(field.resolve)


def _fields_with_rows(schema: GraphQLSchema) -> Iterator[GraphQLField]:
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        for field in kind.fields.values():
            found = get_named_type(field.type)
            is_list = isinstance(get_nullable_type(field.type), GraphQLList)
            if bool(field.args) if is_list else not ROWS.keys().isdisjoint(getattr(found, "fields", ())):
                yield field


def _counting(resolve: Any) -> Callable[..., Any]:
    async def later(found: Any, info: Any) -> Any:
        return _counted(await found, info)

    def counting(root: Any, info: Any, **arguments: Any) -> Any:
        found = resolve(root, info, **arguments)
        return later(found, info) if isawaitable(found) else _counted(found, info)

    return looked_at(counting, resolve, _counted)


def _counted(found: Any, info: Any) -> Any:
    """What was found, if so much may be told.

    Raises:
        LimitExceededError: it may not.
    """
    if found is None:
        return None
    values, settings, sources = info.context.values, info.context.settings, len(info.context.fleet.sources)
    selection, is_list = Selection.at(info), isinstance(found, list)
    if (size := selection.known.get((_counted, is_list, sources))) is None:
        size = (0, _width(selection, sources)) if is_list else _size_of(selection, sources)
        selection.known[_counted, is_list, sources] = size
    besides, of_each = size
    rows = found if is_list else next(getattr(found, it) for it in ROWS.values() if hasattr(found, it))
    count = values.count + besides + of_each * len(rows)
    if count > settings.limits.max_values:
        said = f"The rows of this answer have more than {settings.limits.max_values} values (limits.max_values)."
        raise LimitExceededError(said)
    count_work(count // VALUES_OF_WORK - values.count // VALUES_OF_WORK)
    values.count = count
    return found


def _size_of(selection: Selection, sources: int) -> tuple[int, int]:
    """How many values are selected of an object beside its rows, and of each of these."""
    besides = of_each = 0
    for node, below in selection.answers:
        if node.name.value in ROWS:
            of_each += 1 + _width(below, sources)
        else:
            besides += _values(node, below, sources)
    return besides, of_each


def _width(selection: Selection, sources: int) -> int:
    return sum(_values(node, below, sources) for node, below in selection.answers)


def _values(node: FieldNode, below: Selection, sources: int) -> int:
    """How many values one field is; what has rows of its own counts them when it has found them."""
    name = node.name.value
    own = 1 + len((node.alias or node.name).value) // LETTERS
    if not ROWS.keys().isdisjoint(below.names):
        return own
    of_each_source, besides = LISTS.get(name, (0, 1))
    return own + (of_each_source * sources + besides) * max(_width(below, sources), name in LISTS)
