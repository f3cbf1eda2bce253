"""What a request may cost in requests to vendors: predicted before the first is sent, and refused when it is too much.

The answer tells it in `extensions.cost`, beside what was really sent.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from graphql import FieldNode, GraphQLSchema, get_named_type, is_object_type

from graph.context import Context
from graph.errors import LimitExceededError
from graph.schema.arguments import Arguments
from graph.schema.operations import Operation
from graph.schema.prices import LISTED, PRICES, Bill, Extent, Price
from graph.schema.selection import Document, Selection
from graph.settings import LimitsSettings
from graph.transport.meter import counted

MOST_BILLS = 8  # that are remembered of an operation, as its switches leave it
LONGEST_KEY = 1000  # bytes of variables


def predict(operation: Operation, document: Document, variables: dict[str, Any], context: object) -> Bill:
    """What an operation that is about to be executed may cost.

    Args:
        operation: What is asked.
        document: Where it stands, as the variables leave it.
        variables: As they were given, and else their defaults.
        context: Of the request; without sources nothing costs anything.
    """
    if not isinstance(context, Context) or operation.root is None:
        return Bill({}, 0)
    sources, budget, priced = context.fleet.sources, context.settings.server.page_budget, operation.priced.of(variables)
    selection = document.below([operation.node])
    known: dict[Any, Bill] = selection.known.setdefault(predict, {})
    key = _encoded(priced), budget, *[source.adapter for source in sources.values()]
    bill = known.get(key)
    if bill is None:
        bill = Bill(sources, budget)
        _Walk(bill, document.schema, priced).visit(operation.root, selection, Extent(tuple(sources.values())))
        if key[0] is not None:
            if len(known) >= MOST_BILLS:
                known.clear()
            known[key] = bill
    return bill


def _encoded(variables: dict[str, Any]) -> bytes | None:
    """What tells variables apart; None for those that are not worth it."""
    try:
        text = msgspec.json.encode(variables)
    except Exception:  # noqa: BLE001 - whatever they are, they have a price
        return None
    return text if len(text) <= LONGEST_KEY else None


def check(bill: Bill, limits: LimitsSettings) -> None:
    """Refuse what may cost too much.

    Raises:
        LimitExceededError: it may.
    """
    if bill.rows > limits.max_page_rows:
        raise LimitExceededError(
            f"The pages of this request may have {bill.rows} rows; allowed are {limits.max_page_rows} "
            "(limits.max_page_rows)."
        )
    if bill.total > limits.max_cost:
        raise LimitExceededError(
            f"This request may take {bill.total} requests to vendors; allowed are {limits.max_cost} (limits.max_cost)."
        )


def cost_extension(bill: Bill) -> dict[str, Any]:
    """The cost, as an answer tells it, of a subscription each event: what was asked for, and what it came to."""
    requested, actual = bill.requests, counted()
    by_source = [
        {"source": name, "requested": requested[name], "actual": actual[name]}
        for name in sorted(requested.keys() | actual.keys())
    ]
    return {"requested": bill.total, "actual": actual.total(), "bySource": by_source}


class _Step(NamedTuple):
    """A field that has a price, or something below it has.

    Attributes:
        price: Its own, if it has one.
        arguments: Reads its arguments.
        kind: The name of the object type it is of, where something below it has a price.
        below: What is selected on it.
    """

    price: Price | None
    arguments: Callable[[dict[str, Any]], Arguments]
    kind: str | None
    below: Selection


class _Walk:
    """Goes through a document as it will be executed, and adds up the prices of its fields."""

    def __init__(self, bill: Bill, schema: GraphQLSchema, variables: dict[str, Any]) -> None:
        self._bill = bill
        self._schema = schema
        self._variables = variables

    def visit(self, type_name: str, selection: Selection, extent: Extent) -> None:
        for price, arguments, kind, below in self._steps(type_name, selection):
            inner = price(self._bill, extent, arguments(self._variables), below) if price else extent
            if isinstance(inner, list):
                for each_name, each in inner:
                    self.visit(each_name, below.on(each_name), each)
            elif kind:
                able = LISTED.get(kind)
                self.visit(kind, below, inner.able(able) if able else inner)

    def _steps(self, type_name: str, selection: Selection) -> list[_Step]:
        """The way through a selection, which is the same for every request."""
        key = (_Walk, type_name)
        steps: list[_Step] | None = selection.known.get(key)
        if steps is None:
            fields = getattr(self._schema.type_map[type_name], "fields", {})
            steps = selection.known[key] = []
            for node, below in selection.answers:
                if definition := fields.get(node.name.value):  # or it is an introspection field
                    steps += self._step(type_name, node, definition.type, below)
        return steps

    def _step(self, type_name: str, node: FieldNode, kind: Any, below: Selection) -> list[_Step]:
        price = PRICES.get((type_name, node.name.value))
        inner = get_named_type(kind)
        more = self._steps(inner.name, below) if is_object_type(inner) else []
        if price is None and inner.name not in LISTED:
            return more  # nothing changes on the way there
        step = _Step(price, Arguments.reader(node), inner.name if more else None, below)
        return [step] if price or more else []
