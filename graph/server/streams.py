"""Operations that are answered by one message after another, over a WebSocket or as a stream of events."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from graph.identity import Identity
from graph.server.answers import is_refused, payload_of
from graph.server.lives import Lives
from graph.server.operations import Operations
from graph.server.refusals import refused
from graph.server.requests import GraphQLRequest
from graph.telemetry.requests import ToldRequest
from graph.transport.deadline import start_deadline, stop_deadline

AT_ONCE = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Answer(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        payload: What a client gets: `data`, `errors` and `extensions`.
        is_refusal: Whether nothing was executed, and nothing more comes.
    """

    payload: dict[str, Any]
    is_refusal: bool = False


Tell = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True)
class Operation:
    """What is asked, by whom, and how it is told of.

    Attributes:
        request: What is asked.
        identity: Who asks.
        request_id: Names the operation in answers and logs.
        told: What is logged and counted of it.
    """

    request: GraphQLRequest
    identity: Identity
    request_id: str
    told: ToldRequest


class Streams:
    """Tells of operations while they are executed.

    Attributes:
        operations: Executes them.
        lives: Ends subscriptions when the process ends.
    """

    def __init__(self, operations: Operations, timeout_s: float, lives: Lives) -> None:
        self.operations = operations
        self.lives = lives
        self._timeout_s = timeout_s

    async def run(self, operation: Operation, tell: Tell) -> bool:
        """Answer an operation: a query once, a subscription for as long as there are events.

        Args:
            operation: What is asked. An error that it ends in is told like any other.
            tell: Takes each answer, and returns when it may have the next.

        Returns:
            Whether that was all there is: not where the process ends before the events do.

        Raises:
            ClientDisconnect: the client has gone.
        """
        try:
            if not await self._answer(operation, tell):
                return await self._subscribe(operation, tell)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
            await tell(refusal_of(error, operation))
        return True

    async def _answer(self, operation: Operation, tell: Tell) -> bool:
        """Answer at once, unless it turns out to be a subscription."""
        operations, identity = self.operations, operation.identity
        with operations.door.place() as place:
            place.take(identity.name)
            start_deadline(self._timeout_s)
            async with operations.door.spending(identity.name):
                query = await operations.text_of(operation.request, identity)
                context = operations.context_of(operation.request_id, identity)
                try:
                    result = await operations.execute(query, operation.request, context, AT_ONCE)
                except InvalidOperationTypeError:
                    return False
            await tell(_answer_of(result, is_refusal=is_refused(result)))
            return True

    async def _subscribe(self, operation: Operation, tell: Tell) -> bool:
        operations, identity = self.operations, operation.identity
        with operations.door.subscription(identity.name):
            stop_deadline()
            async with operations.door.spending(identity.name) as charge:
                context = operations.context_of(operation.request_id, identity)
                try:
                    async with self.lives.of(None):
                        query = await operations.text_of(operation.request, identity)
                        async with aclosing(operations.subscribe(query, operation.request, context)) as results:
                            async for result in results:
                                await tell(_answer_of(result, is_refusal=isinstance(result, PreExecutionError)))
                                await charge()
                except TimeoutError:
                    if not self.lives.are_over:
                        raise
                    return False
        return True


def refusal_of(error: Exception, operation: Operation) -> Answer:
    """What a client is told of an operation that ended in an error."""
    operation.told.outcome, operation.told.codes, response = refused(error, operation.request_id)
    return Answer(msgspec.json.decode(response.body), is_refusal=True)


def _answer_of(result: ExecutionResult, *, is_refusal: bool) -> Answer:
    return Answer(payload_of(result, is_refusal=is_refusal), is_refusal)
