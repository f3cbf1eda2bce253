"""Operations that are executed, whatever way their answers go."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.errors import BadUserInputError
from graph.identity import Identity
from graph.server.door import Door
from graph.server.persisted import PersistedQueries
from graph.server.requests import GraphQLRequest
from graph.telemetry.requests import note_result


class Operations:
    """Executes what clients ask. Call `connect` once the sources are there.

    Attributes:
        door: Lets operations in.
        context_of: Makes the context of an operation, by its id and who asks.
    """

    door: Door
    context_of: Callable[[str, Identity], Context]

    def __init__(self, schema: BaseSchema, persisted: PersistedQueries) -> None:
        self._schema = schema
        self._persisted = persisted

    def connect(self, door: Door, context_of: Callable[[str, Identity], Context]) -> None:
        """Give it what lets operations in, and what makes their contexts."""
        self.door = door
        self.context_of = context_of

    async def text_of(self, request: GraphQLRequest, identity: Identity) -> str:
        """The document that a request sends or names; raises what `PersistedQueries.text_of` does."""
        return await self._persisted.text_of(request, identity)

    async def execute(
        self, query: str, request: GraphQLRequest, context: Context, kinds: frozenset[OperationType]
    ) -> ExecutionResult:
        """Execute an operation of a kind that is allowed.

        Raises:
            BadUserInputError: it is not clear which one of the document is meant.
            InvalidOperationTypeError: it is of another kind; nothing was executed.
        """
        try:
            result = await self._schema.execute(**_asked(query, request, context), allowed_operation_types=kinds)
        except CannotGetOperationTypeError as error:
            raise BadUserInputError(error.as_http_error_reason()) from None
        finally:
            context.loaders.cancel()
        _note(result)
        await self._persisted.keep(request)
        return result

    async def subscribe(
        self, query: str, request: GraphQLRequest, context: Context
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute a subscription: its results, to be closed by whoever takes them."""
        results: Any = await self._schema.subscribe(**_asked(query, request, context))
        is_kept = False
        try:
            async with contextlib.aclosing(results):
                async for result in results:
                    _note(result)
                    yield result
                    if not is_kept:
                        await self._persisted.keep(request)
                        is_kept = True
        finally:
            context.loaders.cancel()


def codes_of(result: ExecutionResult) -> Sequence[str]:
    """The codes of its errors."""
    return [str((error.extensions or {}).get("code", "INTERNAL")) for error in result.errors or ()]


def _note(result: ExecutionResult) -> None:
    """Say how the current request was answered."""
    note_result(codes_of(result), has_data=any(value is not None for value in (result.data or {}).values()))


def _asked(query: str, request: GraphQLRequest, context: Context) -> dict[str, Any]:
    return {
        "query": query,
        "variable_values": request.variables,
        "context_value": context,
        "operation_name": request.operation_name or None,
        "is_for_bytes": True,
    }
