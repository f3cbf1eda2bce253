"""What a query selects below a field, read off the document once, so that only that is asked of the vendors.

Fragments, inline fragments, aliases, @skip and @include are seen through. Each level visits a fragment once, so
reading it costs no more than the document is long, however its fragments nest.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import strawberry
from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from graph.vendors.base import Adapter, Extras


class Document(NamedTuple):
    """What is needed to read selections: a request's fragments and variables, and the schema."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    schema: GraphQLSchema


class Selection:
    """The fields selected on one object.

    Args:
        document: What the selection is part of.
        parents: The nodes whose selection sets are meant.
        type_name: Only what applies to this object type; None where the type leaves no choice.
    """

    def __init__(
        self, document: Document, parents: Iterable[FieldNode | OperationDefinitionNode], type_name: str | None = None
    ) -> None:
        self._document = document
        self._parents = list(parents)
        self._type_name = type_name

    @classmethod
    def of(cls, info: strawberry.Info, type_name: str | None = None) -> "Selection":
        """What is selected on the result of the field that is being resolved."""
        raw: Any = info._raw_info  # noqa: SLF001 - the one way to the document; selected_fields is exponential
        return cls(Document(raw.fragments, raw.variable_values, raw.schema), raw.field_nodes, type_name)

    @cached_property
    def _fields(self) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for parent in self._parents:
            if parent.selection_set is not None:
                for field in self._walk(parent.selection_set, seen):
                    found.setdefault(field.name.value, []).append(field)
        return found

    def _walk(self, selections: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
        for node in selections.selections:
            if not _is_included(node, self._document.variables):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value):
                    yield from self._walk(node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._document.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value):
                    yield from self._walk(fragment.selection_set, seen)

    def _applies(self, condition: str) -> bool:
        if self._type_name is None or condition == self._type_name:
            return True
        return is_abstract_type(self._document.schema.type_map[condition])

    @property
    def names(self) -> frozenset[str]:
        """The names of the fields, not their aliases."""
        return frozenset(self._fields)

    def has(self, name: str) -> bool:
        """Whether a field is selected."""
        return name in self._fields

    def on(self, type_name: str) -> "Selection":
        """The part of it that applies to one object type."""
        return Selection(self._document, self._parents, type_name)

    def answers(self) -> "Iterator[tuple[FieldNode, Selection]]":
        """The fields as they are answered, one for each alias, and what is selected below each."""
        for nodes in self._fields.values():
            answers: dict[str, list[FieldNode]] = {}
            for node in nodes:
                answers.setdefault((node.alias or node.name).value, []).append(node)
            for same in answers.values():
                yield same[0], Selection(self._document, same)

    def below(self, *names: str) -> "Selection":
        """What is selected on the results of these fields, taken together."""
        return Selection(self._document, [node for name in names for node in self._fields.get(name, ())])

    def rows(self) -> "Selection":
        """What is selected on the rows of a connection."""
        edges = self.below("edges")
        nodes = [*self._fields.get("nodes", ()), *edges._fields.get("node", ())]
        return Selection(self._document, nodes)

    def extras(self, adapter: Adapter) -> Extras:
        """What to read along with conferences of a source on which this is selected."""
        is_counted_here = adapter.member_count_needs_members and self.has("memberCount")
        return Extras(members=self.has("members") or is_counted_here, calls=self.has("calls"))


def _is_included(node: SelectionNode, variables: Mapping[str, Any]) -> bool:
    for directive in node.directives or ():
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        for argument in directive.arguments or ():
            value = argument.value
            if isinstance(value, VariableNode):
                is_set = bool(variables.get(value.name.value))
            else:
                is_set = isinstance(value, BooleanValueNode) and value.value
            if argument.name.value == "if" and is_set == (name == "skip"):
                return False
    return True
