"""The schema that is served: what clients ask is read, paid for, executed and told, within the limits."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from graphql import ExecutionResult as Executed
from graphql import (
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    map_source_to_response_event,
    specified_rules,
)
from strawberry.exceptions import MissingQueryError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.execution import StockExecutor
from graph.schema import cost
from graph.schema.documents import Documents, FaultyDocumentError, KnownDocuments
from graph.schema.errors import forget_frames, present
from graph.schema.federation import Schema
from graph.schema.limits import first_errors
from graph.schema.operations import Operation
from graph.schema.prices import Bill
from graph.settings import AppSettings
from graph.transport.meter import count_work, reserve, start_meter

ERRORS_OF_WORK = 100  # so many are as much work as a request to a vendor
ALL_KINDS = frozenset(OperationType)
SUBSCRIPTIONS = frozenset({OperationType.SUBSCRIPTION})
# What is for whoever passes a request on to answer.
ABOUT_THE_REQUEST = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class ServedSchema(Schema):
    """A subgraph that executes operations without Strawberry's extensions: all there is to them is here.

    Only `execute` and `subscribe` keep the limits; Strawberry's other ways in know nothing of them.

    Attributes:
        limits: Of what may be asked.
        documents: Reads what is asked.
    """

    def __init__(self, *, settings: AppSettings, known: KnownDocuments, **options: Any) -> None:
        """Make the schema.

        Args:
            settings: The limits, and whether it may be asked about itself.
            known: Remembers the documents that were found right.
            options: Those of `Schema`.
        """
        super().__init__(**options)
        self.limits = settings.limits
        rules = list(specified_rules)
        if not settings.server.introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        self.documents = Documents(self._schema, rules, settings.limits, known)

    async def execute(  # noqa: PLR0917 - as Strawberry has it
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
        *,
        is_for_bytes: bool = False,
    ) -> ExecutionResult:
        """Execute an operation of a kind that is allowed; data that are for bytes only msgspec can read.

        Raises:
            MissingQueryError: there is none.
            CannotGetOperationTypeError: it is not clear which one of the document is meant.
            InvalidOperationTypeError: it is of another kind.
        """
        run = _Run(self, context_value, root_value, operation_extensions, is_for_bytes=is_for_bytes)
        kinds = ALL_KINDS if allowed_operation_types is None else allowed_operation_types
        try:
            operation = self.documents.operation(query, operation_name, kinds)
            executor = await run.begin(operation, variable_values)
            if isinstance(executor, list):
                return run.told(Executed(None, executor))
            result: Any = executor.execute_operation()
            return run.told(await result if optimized_is_awaitable(result) else result)
        except ABOUT_THE_REQUEST:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
            return run.refused(error)

    async def subscribe(  # noqa: PLR0917 - as Strawberry has it
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        *,
        is_for_bytes: bool = False,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute a subscription: its results, to be closed by whoever takes them. They raise what `execute` does."""
        run = _Run(self, context_value, root_value, operation_extensions, is_for_bytes=is_for_bytes)
        return self._results(run, query, operation_name, variable_values)

    async def _results(
        self, run: "_Run", query: str | None, name: str | None, variables: dict[str, Any] | None
    ) -> AsyncGenerator[ExecutionResult, None]:
        try:
            operation = self.documents.operation(query, name, SUBSCRIPTIONS)
        except ABOUT_THE_REQUEST:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            yield run.refused(error)
            return
        try:
            executor = await run.begin(operation, variables)
            if isinstance(executor, list):
                yield run.refused(FaultyDocumentError(executor))
                return
            begun: Any = create_source_event_stream(executor)
            source = await begun if optimized_is_awaitable(begun) else begun
            if isinstance(source, Executed):
                yield run.refused(FaultyDocumentError(source.errors or []))
                return
            async with aclosing(map_source_to_response_event(executor, source)) as events:
                async for event in events:
                    yield run.told(event)
        except Exception as error:  # noqa: BLE001 - as above
            refusal = run.refused(error)
            yield ExecutionResult(None, refusal.errors, refusal.extensions)


class _Run:
    """One operation while it is executed."""

    def __init__(
        self,
        schema: ServedSchema,
        context: Any,
        root: Any,
        operation_extensions: dict[str, Any] | None,
        *,
        is_for_bytes: bool,
    ) -> None:
        self._schema = schema
        self._context = context
        self._root = root
        self._operation_extensions = operation_extensions
        self._is_for_bytes = is_for_bytes
        self._bill: Bill | None = None

    async def begin(self, operation: Operation, variables: dict[str, Any] | None) -> StockExecutor | list[GraphQLError]:
        """Predict the cost, set it aside, and make what executes the operation; else what is wrong with the variables.

        Raises:
            LimitExceededError: it may cost too much.
            RateLimitedError: it is too much for now.
        """
        given = operation.given(variables)
        document = operation.read(given)
        bill = self._bill = cost.predict(operation, document, given, self._context)
        start_meter()
        cost.check(bill, self._schema.limits)
        if operation.kind is not OperationType.SUBSCRIPTION:  # its events are paid one by one
            await reserve(bill.total)
        core = self._schema._schema  # noqa: SLF001 - Strawberry has no other name for it
        values = operation.variables.coerce(variables or {})
        if isinstance(values, list):
            return values
        make: Any = self._schema.execution_context_class
        executor: StockExecutor = make(
            core,
            document,
            operation.fragments,
            self._root,
            self._context,
            operation.node,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=self._operation_extensions,
        )
        executor.is_for_bytes = self._is_for_bytes
        return executor

    def told(self, result: Executed) -> ExecutionResult:
        """What is told of a result."""
        errors = None
        if result.errors:
            errors = self._presented(result.errors, is_executed=True)
            forget_frames(result.errors)
        return ExecutionResult(result.data, errors, self._extensions())

    def refused(self, error: Exception) -> PreExecutionError:
        """What is told where nothing was executed."""
        if isinstance(error, FaultyDocumentError):
            errors = error.faults
        else:
            errors = [error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)]
        return PreExecutionError(None, self._presented(errors, is_executed=False), self._extensions())

    def _presented(self, errors: list[GraphQLError], *, is_executed: bool) -> list[GraphQLError]:
        count_work(len(errors) // ERRORS_OF_WORK)
        return present(first_errors(errors, self._schema.limits.max_errors), self._context, is_executed=is_executed)

    def _extensions(self) -> dict[str, Any]:
        """What is told beside the data: the cost, where it was predicted, and what resolvers have to tell."""
        told = self._context.told if isinstance(self._context, Context) else {}
        return {"cost": cost.cost_extension(self._bill), **told} if self._bill else dict(told)
