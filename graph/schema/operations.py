"""The operations of documents, and what is known of each, whoever asks."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    value_from_ast_untyped,
)
from graphql.execution.collect_fields import FragmentDetails
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.graphql import OperationType

from graph.execution import Variables, switches_of
from graph.schema.arguments import Priced
from graph.schema.selection import Document

MOST_WAYS = 4  # to read a document, as its operations and variables go, that are remembered


class ReadDocument:
    """A document that was parsed.

    Attributes:
        node: All of it.
        has_several: Whether it has more than one operation.
    """

    def __init__(self, node: DocumentNode, schema: GraphQLSchema) -> None:
        self.node = node
        operations = [it for it in node.definitions if isinstance(it, OperationDefinitionNode)]
        self.has_several = len(operations) > 1
        read: dict[tuple[int, tuple[bool, ...]], Document] = {}
        made = [Operation(it, node, schema, read) for it in operations]
        self._first = made[0] if made else None
        self._by_name = {it.name: it for it in reversed(made)}
        self._made = made

    @cached_property
    def ways(self) -> int:
        """In how many ways it may be read, and remembered so."""
        return min(sum(1 << min(it.switch_count, MOST_WAYS) for it in self._made), MOST_WAYS)

    def operation(self, name: str | None) -> "Operation":
        """The operation of a name, or the first.

        Raises:
            CannotGetOperationTypeError: there is none.
        """
        found = self._first if name is None else self._by_name.get(name)
        if found is None:
            raise CannotGetOperationTypeError(name)
        return found


class Operation:
    """One operation of a document.

    Attributes:
        node: Where it stands in the document.
        name: What its author calls it.
        kind: What it does.
        root: The name of the type whose fields it selects; None where the schema has none.
    """

    def __init__(
        self,
        node: OperationDefinitionNode,
        document: DocumentNode,
        schema: GraphQLSchema,
        read: dict[tuple[int, tuple[bool, ...]], Document],
    ) -> None:
        self.node = node
        self.name = node.name.value if node.name else None
        self.kind = OperationType(node.operation.value)
        root = schema.get_root_type(node.operation)
        self.root = root.name if root else None
        self._document = document
        self._schema = schema
        self._read = read

    @cached_property
    def fragments(self) -> dict[str, FragmentDetails]:
        """The fragments of its document, as graphql-core's executor has them."""
        return {name: FragmentDetails(it) for name, it in self._fragments.items()}

    @cached_property
    def variables(self) -> Variables:
        """Coerces its variables."""
        return Variables(self._schema, self.node)

    @cached_property
    def priced(self) -> Priced:
        """What of its variables has to do with its price."""
        return Priced([self.node, *self._fragments.values()])

    def given(self, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        """The variables of a request, which nobody has checked, and else their defaults."""
        return {**self._defaults, **(variables or {})}

    def read(self, variables: Mapping[str, Any]) -> Document:
        """The document as the variables of a request leave it."""
        switched = tuple([bool(variables.get(it)) for it in self._switches])
        key = id(self), switched
        found = self._read.get(key)
        if found is None:
            if len(self._read) >= MOST_WAYS:
                self._read.clear()
            left = dict(zip(self._switches, switched, strict=True))
            found = self._read[key] = Document(self._fragments, left, self._schema)
        return found

    @property
    def switch_count(self) -> int:
        """How many variables leave parts of it out, or let them in."""
        return len(self._switches)

    @cached_property
    def _fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {it.name.value: it for it in self._document.definitions if isinstance(it, FragmentDefinitionNode)}

    @cached_property
    def _switches(self) -> tuple[str, ...]:
        return switches_of(self.node, self._fragments.values())

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {
            it.variable.name.value: value_from_ast_untyped(it.default_value)
            for it in self.node.variable_definitions or ()
            if it.default_value is not None
        }
