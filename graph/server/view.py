"""The endpoint /graphql over HTTP: who asks, what for, and the answer, with its id, its place and its deadline."""

import contextlib
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.errors import BadUserInputError
from graph.paging.freshness import start_freshness
from graph.server.answers import GRAPHQL, JSON, answer, best_of, pack
from graph.server.auth import Guard
from graph.server.bodies import until_read
from graph.server.cors import Origins
from graph.server.disconnects import while_connected
from graph.server.events import EVENTS, Events
from graph.server.headers import request_id_of
from graph.server.operations import Operations, codes_of
from graph.server.refusals import Refused, refused
from graph.server.requests import GraphQLRequest, read_request
from graph.settings import AppSettings
from graph.telemetry.requests import told_request
from graph.transport.deadline import start_deadline

MEDIA = (JSON, GRAPHQL)
BY_GET = frozenset({OperationType.QUERY})
BY_POST = frozenset({OperationType.QUERY, OperationType.MUTATION})


class GraphQLView:
    """The endpoint.

    Args:
        operations: Executes what is asked.
        settings: The configuration.
        guard: Knows who asks.
        origins: Whose web pages may ask.
        events: Answers who wants a stream of events.
        playground: Answers a browser that is pointed here with no query; None is nobody.
    """

    def __init__(
        self,
        operations: Operations,
        settings: AppSettings,
        guard: Guard,
        origins: Origins,
        *,
        events: Events,
        playground: ASGIApp | None = None,
    ) -> None:
        self._operations = operations
        self._settings = settings
        self._guard = guard
        self._playground = playground
        self._origins = origins
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. It bears an id, the client's own where that is harmless."""
        headers = Headers(scope=scope)
        if self._playground and _is_browser(scope, headers):
            await self._playground(scope, receive, send)
            return
        request_id = request_id_of(headers)
        accepted = best_of(", ".join(headers.getlist("accept")), (*MEDIA, EVENTS))
        if accepted == EVENTS:
            await self._events.answer(scope, receive, send, request_id)
            return
        with contextlib.ExitStack() as place:
            with told_request(request_id, headers) as told:
                start_deadline(self._settings.server.request_timeout_s)
                try:
                    identity = await self._guard.authenticate(headers)
                    told.caller = identity.name
                    place.enter_context(self._operations.door.place(identity.name))
                    async with self._operations.door.spending(identity.name):
                        max_kb = self._settings.limits.max_body_kb
                        request = await read_request(scope, headers, receive, max_kb, self._origins)
                        context = self._operations.context_of(request_id, identity)
                        kinds = BY_GET if scope["method"] == "GET" else BY_POST
                        response = await self._execute(request, context, kinds, accepted, receive)
                except ClientDisconnect:
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
                    told.outcome, told.codes, response = refused(error, request_id, accepted or JSON)
            await pack(response, headers)
            await response(scope, receive, until_read(send))

    async def _execute(
        self,
        request: GraphQLRequest,
        context: Context,
        kinds: frozenset[OperationType],
        media: str | None,
        receive: Receive,
    ) -> Response:
        """Execute one operation of a kind that is allowed, as long as its client waits for it."""
        query = await self._operations.text_of(request, context.identity)
        if media is None:
            raise Refused(BadUserInputError(f"An answer is {' or '.join(MEDIA)}."), HTTPStatus.NOT_ACCEPTABLE)
        freshness = start_freshness()
        try:
            with while_connected(receive):
                result = await self._operations.execute(query, request, context, kinds)
        except InvalidOperationTypeError as error:
            raise _not_allowed(error.operation_type) from None
        codes = codes_of(result)
        headers = {"x-request-id": context.request_id}
        if not codes and (age_s := freshness.max_age_s):
            headers["cache-control"] = f"private, max-age={age_s}"
        return answer(result, codes, media, headers)


def _is_browser(scope: Scope, headers: Headers) -> bool:
    """Whether a person looks at the endpoint, rather than a program asking it."""
    is_plain = scope["method"] == "GET" and not scope["query_string"]
    return is_plain and "text/html" in headers.get("accept", "")


def _not_allowed(operation: OperationType) -> Refused:
    if operation is OperationType.SUBSCRIPTION:
        error = BadUserInputError(f"Subscriptions are answered as {EVENTS}, or over a WebSocket.")
        return Refused(error, HTTPStatus.NOT_ACCEPTABLE)
    error = BadUserInputError("A GET may only query.")
    return Refused(error, HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "POST"})
