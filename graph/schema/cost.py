"""What a request may cost in requests to vendors: predicted before the first is sent, and refused when it is too much.

The answer tells it in `extensions.cost`, beside what was really sent.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    get_named_type,
    get_operation_ast,
    is_object_type,
    value_from_ast_untyped,
)
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.errors import LimitExceededError
from graph.schema.arguments import Arguments
from graph.schema.prices import LISTED, PRICES, Bill, Scope
from graph.schema.selection import Document, Selection
from graph.settings import LimitsSettings
from graph.transport.meter import counted, reserve, start_meter


class CostLimit(SchemaExtension):
    """Refuses what may cost too much, and tells what was asked for and what it came to."""

    def __init__(self, limits: LimitsSettings) -> None:
        super().__init__()
        self._limits = limits
        self._bill: Bill | None = None

    async def on_execute(self) -> AsyncIterator[None]:
        """Predict the cost, set it aside, and count what is sent from here on.

        Raises:
            LimitExceededError: it may be too much.
            RateLimitedError: it is too much for now.
        """
        bill = self._bill = predict(self.execution_context)
        start_meter()
        if bill.rows > self._limits.max_page_rows:
            raise LimitExceededError(
                f"The pages of this request may have {bill.rows} rows; allowed are {self._limits.max_page_rows} "
                "(limits.max_page_rows)."
            )
        if bill.total > self._limits.max_cost:
            raise LimitExceededError(
                f"This request may take {bill.total} requests to vendors; allowed are {self._limits.max_cost} "
                "(limits.max_cost)."
            )
        if self.execution_context.operation_type is not OperationType.SUBSCRIPTION:  # its events are paid one by one
            await reserve(bill.total)
        yield

    def get_results(self) -> dict[str, Any]:
        """The cost, as an answer tells it, of a subscription each event; nothing where nothing was executed."""
        if self._bill is None:
            return {}
        requested, actual = self._bill.requests, counted()
        by_source = [
            {"source": name, "requested": requested[name], "actual": actual[name]}
            for name in sorted(requested.keys() | actual.keys())
        ]
        return {"cost": {"requested": self._bill.total, "actual": actual.total(), "bySource": by_source}}


def predict(execution: ExecutionContext) -> Bill:
    """What the operation that is about to be executed may cost."""
    document, context = execution.graphql_document, execution.context
    operation = get_operation_ast(document, execution.operation_name) if document else None
    if document is None or operation is None or not isinstance(context, Context):
        return Bill({}, 0)
    given = execution.variables or {}
    variables: dict[str, Any] = {
        it.variable.name.value: value_from_ast_untyped(it.default_value)
        for it in operation.variable_definitions or ()
        if it.default_value is not None
    }
    variables |= given
    fragments = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}
    schema = execution.schema._schema  # noqa: SLF001 - as Strawberry's own extensions do
    bill = Bill(context.fleet.sources, context.settings.server.page_budget)
    selection = Selection(Document(fragments, variables, schema), [operation])
    root = schema.get_root_type(operation.operation)
    if root:
        _Walk(bill, schema, variables).visit(root.name, selection, Scope(tuple(context.fleet.sources.values())))
    return bill


class _Walk:
    """Goes through a document as it will be executed, and adds up the prices of its fields."""

    def __init__(self, bill: Bill, schema: GraphQLSchema, variables: Mapping[str, Any]) -> None:
        self._bill = bill
        self._schema = schema
        self._variables = variables

    def visit(self, type_name: str, selection: Selection, scope: Scope) -> None:
        fields = getattr(self._schema.type_map[type_name], "fields", {})
        for node, below in selection.answers():
            name = node.name.value
            if name not in fields:
                continue  # an introspection field
            price = PRICES.get((type_name, name))
            kind = get_named_type(fields[name].type)
            inner = price(self._bill, scope, Arguments.of(node, self._variables), below) if price else scope
            if isinstance(inner, list):
                for each_name, each in inner:
                    self.visit(each_name, below.on(each_name), each)
            elif is_object_type(kind):
                able = LISTED.get(kind.name)
                self.visit(kind.name, below, inner.able(able) if able else inner)
