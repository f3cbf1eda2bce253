"""The ASGI application and its routes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.cache.quotas import SharedQuotas
from graph.cache.shared import SharedTier, connected
from graph.cache.store import WindowStore
from graph.context import Context
from graph.errors import ForbiddenError, UnauthenticatedError
from graph.fleet import build_fleet
from graph.identity import Identity
from graph.identity import Scope as Permission
from graph.live import LiveHub
from graph.schema import build_schema
from graph.schema.documents import KnownDocuments
from graph.server.auth import Guard
from graph.server.cors import Cors, Origins
from graph.server.door import Door
from graph.server.events import Events
from graph.server.headers import SecurityHeaders, request_id_of
from graph.server.hosts import LoopbackHosts, SocketOrigins
from graph.server.lives import Lives
from graph.server.operations import Operations
from graph.server.persisted import PersistedQueries
from graph.server.playground import FILES, Playground, is_offered
from graph.server.refusals import refusal, refused
from graph.server.streams import Streams
from graph.server.trusted import TrustedDocuments
from graph.server.view import GraphQLView
from graph.server.websocket import Sockets
from graph.settings import AppSettings, metrics_folder
from graph.telemetry.logs import request_id
from graph.telemetry.metrics import CONTENT_TYPE, exposition
from graph.telemetry.traces import start_tracing, stop_tracing
from graph.transport.local_quotas import LocalQuotas

GRAPHQL = "/graphql"


def create_app(settings: AppSettings) -> Starlette:
    """Make the application of a configuration.

    Routes: /graphql, /healthz (the process lives), /readyz (it takes requests, whatever the vendors do), and /metrics
    where it is configured.
    The sources' connections are made when it starts, on the loop that serves it.
    """
    guard = Guard(settings.auth)
    origins = Origins(settings.server.cors_origins)
    playground = Playground(needs_key=settings.auth.mode != "none") if is_offered(settings.server) else None
    known = KnownDocuments()
    schema = build_schema(settings, known)
    trusted = TrustedDocuments.of(settings, schema)
    persisted = PersistedQueries(known, is_on=settings.server.persisted_queries, trusted=trusted)
    lives = Lives()
    operations = Operations(schema, persisted)
    streams = Streams(operations, settings.server.request_timeout_s, lives)
    events = Events(streams, settings, guard, origins)
    view = GraphQLView(operations, settings, guard, origins, events=events, playground=playground)
    sockets = Sockets(streams, guard, settings.limits, SocketOrigins(settings.auth, origins))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.server.tracing:
            start_tracing()
        async with connected(settings.cache) as valkey:
            store = WindowStore.of(settings.cache, valkey)
            quotas = SharedQuotas(valkey) if valkey else LocalQuotas()
            fleet = build_fleet(settings, quotas, store)
            live = LiveHub()
            persisted.connect(SharedTier(valkey) if valkey else None)
            door = Door(settings.limits, quotas)

            def make_context(request_id: str, identity: Identity) -> Context:
                return Context.create(fleet, store, settings, request_id, identity, live)

            operations.connect(door, make_context)
            app.state.is_ready = True
            try:
                yield
            finally:
                app.state.is_ready = False
                await live.aclose()
                await fleet.aclose()
                await guard.aclose()
                if settings.server.tracing:
                    await asyncio.to_thread(stop_tracing)

    routes = [
        WebSocketRoute(GRAPHQL, sockets),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
    ]
    if playground:
        routes += [Route("/", _lead, methods=["GET", "POST"]), Route(FILES, playground.file)]
    if settings.server.metrics:
        routes.append(Route("/metrics", _metrics))
    endpoint = Cors(view, origins) if settings.server.cors_origins else view
    app = _Application(
        LoopbackHosts(endpoint) if settings.auth.is_for_loopback else endpoint,
        routes=routes,
        lifespan=lifespan,
        middleware=_middleware(settings),
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
    )
    app.router.redirect_slashes = False  # it would lead wherever the client's Host says
    app.state.is_ready = False
    app.state.guard = guard
    app.state.lives = lives
    return app


class _Application(Starlette):
    """Leads what is asked of the endpoint there by a way of its own, for nearly everything is.

    Middleware does not see such requests, but for WebSockets: the endpoint refuses foreign hosts, and tells the usual
    headers, by itself.

    Args:
        endpoint: Answers it.
        options: Starlette's.
    """

    def __init__(self, endpoint: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL:
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _middleware(settings: AppSettings) -> list[Middleware]:
    headers = Middleware(SecurityHeaders)
    return [headers, Middleware(LoopbackHosts)] if settings.auth.is_for_loopback else [headers]


async def _refuse(request: Request, error: Exception) -> Response:
    """The answer where no route has one."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
        error = HTTPException(HTTPStatus.NOT_FOUND, "Nothing is here. GraphQL is at /graphql.")
    current = request_id_of(request.headers)
    request_id.set(current)
    return refused(error, current)[-1]


async def _lead(request: Request) -> Response:
    """Lead browsers from the address that is printed to the playground; wherever it is served, that is beside."""
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers={"location": "graphql"})


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    if request.app.state.is_ready:
        return PlainTextResponse("ready\n")
    return PlainTextResponse("draining\n", status_code=503)


async def _metrics(request: Request) -> Response:
    """What is counted, of all sources together: for callers that may know how each of them fares."""
    current = request_id_of(request.headers)
    request_id.set(current)
    try:
        identity = await request.app.state.guard.authenticate(request.headers)
    except UnauthenticatedError as error:
        return refusal(error, HTTPStatus.UNAUTHORIZED, current)
    if identity.sources is not None or not identity.may(Permission.SOURCES_READ):
        missing = ForbiddenError("/metrics needs sources:read, of all sources.")
        return refusal(missing, HTTPStatus.FORBIDDEN, current)
    # In a thread: it reads the files of all workers.
    return Response(await asyncio.to_thread(exposition, metrics_folder()), media_type=CONTENT_TYPE)
