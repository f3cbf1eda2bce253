"""What a document may ask for: how deep it may be, how wide and how much repeated.

This is counted before it is validated, since the rules of validation take long over what is too big. Each fragment is
looked at once: what it has is added wherever it is spread, so that a document that would unfold into millions of fields
is refused as fast as it is read.
"""

from collections.abc import Sequence
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from graph.errors import LimitExceededError
from graph.settings import LimitsSettings

LONGEST_ALIAS = 128  # it is told with each row
MOST_VALUES = 1500  # of one argument: each fault in it prints all of it


class Size(NamedTuple):
    """What a selection set has, its fragments unfolded; `depth` counts their levels too.

    `width` is its own fields, `widest` the most that it or a set in it has.
    """

    depth: int = 0
    width: int = 0
    widest: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0


def exceeded(what: str, limit: str, allowed: int) -> LimitExceededError:
    """The error of a document that asks for too much, which names the setting."""
    return LimitExceededError(f"The document {what}; allowed are {allowed} (limits.{limit}).")


def check(document: DocumentNode, limits: LimitsSettings) -> None:
    """Refuse a document that is too big; fragments that no operation uses must keep the limits too.

    Raises:
        LimitExceededError: names what is too big, and the setting.
    """
    measure = _Measure(document, limits.max_depth)
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            size = measure.fragment(definition.name.value, 1)
        elif isinstance(definition, OperationDefinitionNode):
            size = measure.operation(definition)
        else:
            continue
        counted = {
            "max_root_fields": (size.width, "fields at the top"),
            "max_width": (size.widest, "fields of one object"),
            "max_fields": (size.fields, "fields"),
            "max_aliases": (size.aliases, "aliases"),
            "max_directives": (size.directives, "directives"),
        }
        for limit, (count, what) in counted.items():
            is_root = limit != "max_root_fields" or isinstance(definition, OperationDefinitionNode)
            if is_root and count > (allowed := getattr(limits, limit)):
                raise exceeded(f"has {_spelled(count)} {what}, its fragments unfolded", limit, allowed)


class _Measure:
    """Measures the parts of one document, each fragment once."""

    def __init__(self, document: DocumentNode, max_depth: int) -> None:
        self._fragments = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}
        self._known: dict[str, Size] = {}
        self._max_depth = max_depth

    def operation(self, node: OperationDefinitionNode) -> Size:
        for variable in node.variable_definitions or ():
            _allow_value(variable.default_value)
        size = self._selections(node.selection_set, 1)
        own = len(node.directives or ()) + sum(len(it.directives or ()) for it in node.variable_definitions or ())
        return size._replace(directives=size.directives + own)

    def fragment(self, name: str, level: int) -> Size:
        """A fragment that is spread at a level; one that is not there, or in itself, is found in validation."""
        size = self._known.get(name)
        if size is None:
            node = self._fragments.get(name)
            if node is None:
                return Size()
            self._known[name] = Size()
            size = self._selections(node.selection_set, level)
            size = size._replace(directives=size.directives + len(node.directives or ()))
            self._known[name] = size
        self._allow(level + size.depth - 1)
        return size

    def _selections(self, selections: SelectionSetNode, level: int) -> Size:
        self._allow(level)
        depth = width = widest = fields = aliases = directives = 0
        for node in selections.selections:
            part = Size()
            if isinstance(node, FragmentSpreadNode):
                part = self.fragment(node.name.value, level + 1)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                part = self._selections(node.selection_set, level + 1)
            alias = None
            if is_field := isinstance(node, FieldNode):
                _allow_field(node, part)
                alias = node.alias
            depth = max(depth, part.depth)
            width += 1 if is_field else part.width
            widest = max(widest, part.widest)
            fields += is_field + part.fields
            aliases += (alias is not None) + part.aliases
            directives += len(node.directives or ()) + part.directives
        return Size(depth + 1, width, max(width, widest), fields, aliases, directives)

    def _allow(self, depth: int) -> None:
        if depth > self._max_depth:
            raise exceeded("nests too deep, fragments counted", "max_depth", self._max_depth)


def _allow_field(node: FieldNode, below: Size) -> None:
    if _repeats_the_schema(node, below):
        raise LimitExceededError("Introspection takes no aliases.")
    if node.alias is not None and len(node.alias.value) > LONGEST_ALIAS:
        raise LimitExceededError(f"The document has an alias of more than {LONGEST_ALIAS} letters.")
    for argument in node.arguments or ():
        _allow_value(argument.value)


def _allow_value(value: ValueNode | None) -> None:
    count, unseen = 0, [value]
    while unseen:
        node = unseen.pop()
        count += 1
        if isinstance(node, ListValueNode):
            unseen += node.values
        elif isinstance(node, ObjectValueNode):
            unseen += [it.value for it in node.fields]
    if count > MOST_VALUES:
        raise LimitExceededError(f"The document has an argument of more than {MOST_VALUES} values: use variables.")


def _repeats_the_schema(node: FieldNode, below: Size) -> bool:
    """Whether a field can tell parts of the schema again and again, which costs time and nothing else."""
    name = node.name.value
    return (name == "__schema" and node.alias is not None) or (name in ("__schema", "__type") and below.aliases > 0)


def _spelled(count: int) -> str:
    return str(count) if count < 1_000_000 else "millions of"


def first_errors(errors: Sequence[GraphQLError], most: int) -> list[GraphQLError]:
    """The first errors of an answer; where there are more, one says how many."""
    if len(errors) <= most:
        return list(errors)
    said = f"There are {len(errors) - most} more errors; at most {most} are told (limits.max_errors)."
    return [*errors[:most], GraphQLError(said, original_error=LimitExceededError(said))]
