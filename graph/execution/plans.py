"""What was compiled for the documents that are at hand."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from graphql import DocumentNode, VariableNode, Visitor, visit

from graph.execution.compiler import Compiled

MOST_FIELDS = 50_000  # that are kept compiled, of all documents; a field takes up about a kilobyte
MOST_KEYS = 1000  # of a document


class _Switches(Visitor):
    """The variables that decide what of a document is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        self.names.update(it.value.name.value for it in node.arguments or () if isinstance(it.value, VariableNode))


class Plans:
    """What was compiled for one document: forgotten with it."""

    def __init__(self, document: DocumentNode) -> None:
        switches = _Switches()
        visit(document, switches)
        self.switches = tuple(sorted(switches.names))
        self.size = 0
        self._found: dict[Hashable, Compiled | None] = {}
        self._asked: set[Hashable] = set()

    def get(self, key: Hashable, make: Callable[[], Compiled | None], *, is_worth_it: bool) -> Compiled | None:
        """What was compiled under a key, or None.

        It is made when it is asked for the second time, or at once where it is worth it: many a document comes once.

        Raises:
            KeyError: nobody knows yet.
        """
        if key not in self._found:
            if not is_worth_it and key not in self._asked:
                if len(self._asked) >= MOST_KEYS:
                    self._asked.clear()
                self._asked.add(key)
                raise KeyError
            if len(self._found) >= MOST_KEYS:  # as many as there are ways to set the switches
                self._found.clear()
            self._asked.discard(key)
            compiled = self._found[key] = make()
            self.size += compiled.size if compiled else 1
        return self._found[key]


class KnownPlans:
    """The plans of all documents; of those unused for longest they are forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[weakref.ref[DocumentNode], Plans]] = OrderedDict()

    def of(self, document: DocumentNode) -> Plans:
        """The plans of a document; those of an equal one are others."""
        key = id(document)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][1]
        self._drop()
        plans = Plans(document)
        self._kept[key] = weakref.ref(document, lambda _: self._kept.pop(key, None)), plans
        return plans

    def _drop(self) -> None:
        size = sum(plans.size for _, plans in self._kept.values())
        while size > MOST_FIELDS:
            _, (_, plans) = self._kept.popitem(last=False)
            size -= plans.size
