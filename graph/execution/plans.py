"""What was worked out of the operations that are at hand: what is selected by them, and what was compiled for it."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, VariableNode, Visitor, visit
from graphql.execution.collect_fields import GroupedFieldSet

from graph.execution.compiler import Compiled

MOST_FIELDS = 50_000  # that are kept, of all operations; a compiled field takes up about a kilobyte
USUAL = frozenset({"include", "skip"})


class _Directives(Visitor):
    """Finds directives and their variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.variables: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        self.names.add(node.name.value)
        self.variables.update(it.value.name.value for it in node.arguments or () if isinstance(it.value, VariableNode))


def _directives(operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode]) -> _Directives:
    found = _Directives()
    for node in (operation, *fragments):
        visit(node, found)
    return found


def switches_of(operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode]) -> tuple[str, ...]:
    """The variables that decide what of an operation is selected."""
    return tuple(sorted(_directives(operation, fragments).variables))


class _Collected(dict[Any, Any]):
    """What graphql-core has collected below fields, which counts as it is collected."""

    def __init__(self, plans: "Plans") -> None:
        self._plans = plans

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._plans.count(1 + len(value[1].grouped_field_set))


class Way:
    """What is selected by an operation, as its switches leave it: the same lists of fields for all requests.

    Attributes:
        collected: The fields below others, as an executor of graphql-core remembers them.
    """

    def __init__(self, plans: "Plans") -> None:
        self.collected = _Collected(plans)
        self._roots: GroupedFieldSet | None = None
        self._plans = plans
        self._found: dict[Hashable, tuple[Compiled | None, object]] = {}
        self._asked: set[Hashable] = set()

    def roots(self, collect: Callable[[], GroupedFieldSet]) -> GroupedFieldSet:
        """The fields at the root, which are collected once."""
        if self._roots is None:
            self._roots = collect()
            self._plans.count(len(self._roots))
        return self._roots

    def get(
        self,
        kind: object,
        selected: object,
        form: Hashable,
        make: Callable[[], Compiled | None],
        *,
        is_worth_it: bool,
    ) -> Compiled | None:
        """What was compiled for what is selected of a type, or None.

        It is made when it is asked for the second time, or at once where it is worth it: many a document comes once.

        Raises:
            KeyError: nobody knows yet.
        """
        key = id(kind), id(selected), form
        if key not in self._found:
            if not is_worth_it and key not in self._asked:
                self._asked.add(key)
                raise KeyError
            compiled = make()
            self._found[key] = compiled, selected  # while that is kept, its id is nobody else's
            self._plans.count(1 + (compiled.size if compiled else 0))
        return self._found[key][0]


class Plans:
    """What was worked out of one operation: forgotten with it.

    Attributes:
        is_usual: Its fields are left out, or let in, and nothing else is said of them.
        switches: The variables that decide it.
        size: The fields that are kept.
    """

    def __init__(
        self, operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode], known: "KnownPlans"
    ) -> None:
        fragments = list(fragments)
        directives = _directives(operation, fragments)
        self.is_usual = directives.names <= USUAL and not any(it.variable_definitions for it in fragments)
        self.switches = tuple(directives.variables)
        self.size = 0
        self._known: KnownPlans | None = known
        self._ways: dict[tuple[Any, ...], Way] = {}

    def way(self, values: Mapping[str, Any]) -> Way:
        """The way that the values of the variables leave."""
        key = tuple([values.get(name) for name in self.switches])
        if self.size >= MOST_FIELDS:  # there are many ways to set the switches
            self._ways.clear()
            self.count(-self.size)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = Way(self)
            self.count(1)
        return found

    def count(self, fields: int) -> None:
        """Count what is kept, as soon as it is: many an operation is not asked again."""
        self.size += fields
        if self._known:
            self._known.size += fields

    def leave(self) -> None:
        """Count no more among all plans: these are forgotten, though somebody may still go by them."""
        if self._known:
            self._known.size -= self.size
        self._known = None


class KnownPlans:
    """The plans of all operations; of those unused for longest they are forgotten first.

    Attributes:
        size: The fields that are kept.
    """

    def __init__(self) -> None:
        self.size = 0
        self._kept: OrderedDict[int, tuple[weakref.ref[OperationDefinitionNode], Plans]] = OrderedDict()

    def of(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Plans:
        """The plans of an operation, given the fragments of its document; those of an equal one are others."""
        key = id(operation)
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            known = weakref.ref(operation, lambda _: self._forget(key))
            self._kept[key] = known, Plans(operation, fragments.values(), self)
        while self.size > MOST_FIELDS and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))
        return self._kept[key][1]

    def _forget(self, key: int) -> None:
        if kept := self._kept.pop(key, None):
            kept[1].leave()
