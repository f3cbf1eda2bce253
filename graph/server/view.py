"""GraphQL over HTTP: makes the context of each request, gives it its deadline, and tells how it went."""

import contextlib
from http import HTTPStatus

import msgspec
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema import BaseSchema
from strawberry.types import ExecutionResult

from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Fleet
from graph.server.auth import Guard
from graph.server.bodies import until_read, with_body
from graph.server.disconnects import while_connected
from graph.server.door import Door
from graph.server.headers import request_id_of
from graph.server.refusals import refused
from graph.settings import AppSettings
from graph.telemetry.requests import note_result, told_request
from graph.transport.deadline import start_deadline
from graph.transport.quotas import Quotas


class GraphQLView(GraphQL[Context, None]):
    """The endpoint /graphql. Call `connect` once the sources are there."""

    def __init__(self, schema: BaseSchema, settings: AppSettings, guard: Guard) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._settings = settings
        self._guard = guard

    def connect(self, fleet: Fleet, store: WindowStore, quotas: Quotas) -> None:
        """Give it the sources to ask, the store of what was read, and what counts how much callers may cost."""
        self._fleet = fleet
        self._store = store
        self._door = Door(self._settings.limits, quotas)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. It bears an id, the client's own where that is harmless."""
        request = Request(scope, receive)
        request_id = request_id_of(request.headers)
        with contextlib.ExitStack() as place:
            with told_request(request_id, request.headers) as told:
                start_deadline(self._settings.server.request_timeout_s)
                try:
                    identity = await self._guard.authenticate(request.headers)
                    told.caller = identity.name
                    place.enter_context(self._door.place(identity.name))
                    async with self._door.spending(identity.name):
                        request = await with_body(request, self._settings.limits.max_body_kb)
                        context = Context.create(self._fleet, self._store, self._settings, request_id, identity)
                        response = await self.run(request, context)
                except ClientDisconnect:
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
                    told.outcome, told.codes, response = refused(error)
            response.headers["x-request-id"] = request_id
            await response(scope, receive, until_read(send))

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:  # noqa: ARG002 - as Strawberry has it
        """There is none: a GET without a query is a bad request."""
        return False

    def decode_json(self, data: str | bytes) -> object:
        """The body of a request: a JSON object, or a list of them, which Strawberry refuses in its own words."""
        try:
            body = msgspec.json.decode(data)
        except (ValueError, RecursionError):  # a ValueError where it is no UTF-8, or half of a character, too
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Unable to parse request body as JSON") from None
        if not isinstance(body, dict | list):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body must be a JSON object")
        return body

    async def execute_single(  # noqa: PLR0917 - as Strawberry has it
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Execute one operation, as long as its client waits for it."""
        try:
            with while_connected(request.receive):
                result = await super().execute_single(
                    request, request_adapter, sub_response, context, root_value, request_data
                )
        finally:
            context.loaders.cancel()
        codes = [(error.extensions or {}).get("code", "INTERNAL") for error in result.errors or ()]
        note_result(codes, has_data=any(value is not None for value in (result.data or {}).values()))
        return result
