"""What a query selects below a field, read off the document once, so that only that is asked of the vendors.

Fragments, inline fragments, aliases, @skip and @include are seen through. Each level visits a fragment once, so
reading it costs no more than the document is long, however its fragments nest.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import strawberry
from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from graph.vendors.base import Adapter, Extras


class Document(dict[str, FragmentDefinitionNode]):
    """What selections are read of: the fragments of a document, by name. Each selection is read once, and kept with it.

    Attributes:
        variables: Those that leave parts of it out, or let them in.
        schema: Knows its types.
        nothing: What is selected of a value that has no fields.
    """

    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any], schema: GraphQLSchema
    ) -> None:
        super().__init__(fragments)
        self.variables = variables
        self.schema = schema
        self.nothing = Selection(self, ())
        self._selections: dict[tuple[str | None, tuple[int, ...]], Selection] = {}

    def below(
        self, parents: "Sequence[FieldNode | OperationDefinitionNode]", type_name: str | None = None
    ) -> "Selection":
        """What is selected below nodes of the document; arguments as `Selection` has them."""
        key = type_name, tuple(map(id, parents))
        found = self._selections.get(key)
        if found is None:
            found = self._selections[key] = Selection(self, parents, type_name)
        return found


class Selection:
    """The fields selected on one object.

    Args:
        document: What the selection is part of.
        parents: The nodes whose selection sets are meant.
        type_name: Only what applies to this object type; None where the type leaves no choice.

    Attributes:
        known: What others have worked out of it.
    """

    def __init__(
        self, document: Document, parents: Iterable[FieldNode | OperationDefinitionNode], type_name: str | None = None
    ) -> None:
        self.known: dict[Hashable, Any] = {}
        self._document = document
        self._parents = list(parents)
        self._type_name = type_name

    @classmethod
    def of(cls, info: strawberry.Info, type_name: str | None = None) -> "Selection":
        """What is selected on the result of the field that is being resolved."""
        raw: Any = info._raw_info  # noqa: SLF001 - the one way to the document; selected_fields is exponential
        return cls.at(raw, type_name)

    @classmethod
    def at(cls, info: GraphQLResolveInfo[Any], type_name: str | None = None) -> "Selection":
        """The same, by what graphql-core tells of the field."""
        document: Any = info.fragments  # as it was given to the executor
        selection: Selection = document.below(info.field_nodes, type_name)
        return selection

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
                fragment = self._document[node.name.value]
                if self._applies(fragment.type_condition.name.value):
                    yield from self._walk(fragment.selection_set, seen)

    def _applies(self, condition: str) -> bool:
        if self._type_name is None or condition == self._type_name:
            return True
        return is_abstract_type(self._document.schema.type_map[condition])

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the fields, not their aliases."""
        return frozenset(self._fields)

    def has(self, name: str) -> bool:
        """Whether a field is selected."""
        return name in self._fields

    def on(self, type_name: str) -> "Selection":
        """The part of it that applies to one object type."""
        return self._document.below(self._parents, type_name)

    @cached_property
    def answers(self) -> "Sequence[tuple[FieldNode, Selection]]":
        """The fields as they are answered, one for each alias, and what is selected below each."""
        found = []
        for nodes in self._fields.values():
            answers: dict[str, list[FieldNode]] = {}
            for node in nodes:
                answers.setdefault((node.alias or node.name).value, []).append(node)
            for same in answers.values():
                is_leaf = same[0].selection_set is None
                found.append((same[0], self._document.nothing if is_leaf else self._document.below(same)))
        return found

    def below(self, *names: str) -> "Selection":
        """What is selected on the results of these fields, taken together."""
        return self._document.below([node for name in names for node in self._fields.get(name, ())])

    def rows(self) -> "Selection":
        """What is selected on the rows of a connection."""
        return self._rows

    @cached_property
    def _rows(self) -> "Selection":
        edges = self.below("edges")
        return self._document.below([*self._fields.get("nodes", ()), *edges._fields.get("node", ())])

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
