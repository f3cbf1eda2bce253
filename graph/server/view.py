"""GraphQL over HTTP: makes the context of each request and gives the request its deadline."""

import re
import uuid
from http import HTTPStatus

from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema import BaseSchema

from graph.cache.memory import WindowStore
from graph.context import Context
from graph.fleet import Fleet
from graph.settings import AppSettings
from graph.transport.deadline import start_deadline

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class GraphQLView(GraphQL[Context, None]):
    """The endpoint /graphql. Call `connect` once the sources are there."""

    def __init__(self, schema: BaseSchema, settings: AppSettings) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._settings = settings

    def connect(self, fleet: Fleet, store: WindowStore) -> None:
        """Give it the sources to ask and the store of what was read."""
        self._fleet = fleet
        self._store = store

    def decode_json(self, data: str | bytes) -> object:
        """The body of a request: a JSON object, or a list of them, which Strawberry refuses in its own words."""
        try:
            body = super().decode_json(data)
        except (RecursionError, UnicodeDecodeError):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Unable to parse request body as JSON") from None
        if not isinstance(body, dict | list):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body must be a JSON object")
        return body

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context of one request; its vendor requests share the deadline that starts here."""
        start_deadline(self._settings.server.request_timeout_s)
        offered = request.headers.get("x-request-id", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        if isinstance(response, Response):
            response.headers["x-request-id"] = request_id
        return Context.create(self._fleet, self._store, self._settings, request_id)
