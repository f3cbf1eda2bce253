"""What was compiled for the operations that are at hand."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, VariableNode, Visitor, visit

from graph.execution.compiler import Compiled

MOST_FIELDS = 50_000  # that are kept compiled, of all operations; a field takes up about a kilobyte
MOST_KEYS = 1000  # of an operation


class _Switches(Visitor):
    """Finds the variables of directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        self.names.update(it.value.name.value for it in node.arguments or () if isinstance(it.value, VariableNode))


def switches_of(operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode]) -> tuple[str, ...]:
    """The variables that decide what of an operation is selected."""
    switches = _Switches()
    for node in (operation, *fragments):
        visit(node, switches)
    return tuple(sorted(switches.names))


class Plans:
    """What was compiled for one operation: forgotten with it."""

    def __init__(self, operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode] = ()) -> None:
        self.switches = switches_of(operation, fragments)
        self.size = 0
        self._found: dict[tuple[Hashable, ...], Compiled | None] = {}
        self._asked: set[int] = set()  # hashes: where two are equal, something is compiled too early

    def get(
        self, key: tuple[Hashable, ...], make: Callable[[], Compiled | None], *, is_worth_it: bool
    ) -> Compiled | None:
        """What was compiled under a key, or None.

        It is made when it is asked for the second time, or at once where it is worth it: many a document comes once.
        A key may be as long as what it stands for, and counts likewise.

        Raises:
            KeyError: nobody knows yet.
        """
        if key not in self._found:
            asked = hash(key)
            if not is_worth_it and asked not in self._asked:
                if len(self._asked) >= MOST_KEYS:
                    self._asked.clear()
                self._asked.add(asked)
                raise KeyError
            if len(self._found) >= MOST_KEYS or self.size >= MOST_FIELDS:  # there are many ways to set the switches
                self._found.clear()
                self.size = 0
            self._asked.discard(asked)
            compiled = self._found[key] = make()
            self.size += len(key) + (compiled.size if compiled else 0)
        return self._found[key]


class KnownPlans:
    """The plans of all operations; of those unused for longest they are forgotten first."""

    def __init__(self) -> None:
        self.size = 0
        self._kept: OrderedDict[int, tuple[weakref.ref[OperationDefinitionNode], Plans, int]] = OrderedDict()

    def of(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Plans:
        """The plans of an operation, given the fragments of its document; those of an equal one are others."""
        key = id(operation)
        if key in self._kept:
            known, plans, _ = self._kept[key]
            self._kept.move_to_end(key)
        else:
            known, plans = weakref.ref(operation, lambda _: self._forget(key)), Plans(operation, fragments.values())
            self._kept[key] = known, plans, 0
        self._weigh(key)
        return plans

    def _weigh(self, key: int) -> None:
        """Count what was compiled for an operation up to now, and keep within bounds; it may stay alone."""
        known, plans, counted = self._kept[key]
        self._kept[key] = known, plans, plans.size
        self.size += plans.size - counted
        while self.size > MOST_FIELDS and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: int) -> None:
        if kept := self._kept.pop(key, None):
            self.size -= kept[2]
