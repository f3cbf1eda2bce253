"""The ASGI application and its routes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from graph.cache.quotas import SharedQuotas
from graph.cache.store import WindowStore
from graph.cache.valkey import connected
from graph.errors import ForbiddenError, UnauthenticatedError
from graph.fleet import build_fleet
from graph.identity import Scope
from graph.schema import build_schema
from graph.server.auth import Guard
from graph.server.headers import HEADERS, SecurityHeaders, request_id_of
from graph.server.hosts import LoopbackHosts
from graph.server.refusals import refusal, refused
from graph.server.view import GraphQLView
from graph.settings import AppSettings, metrics_folder
from graph.telemetry.logs import request_id
from graph.telemetry.metrics import CONTENT_TYPE, exposition
from graph.telemetry.traces import start_tracing, stop_tracing
from graph.transport.local_quotas import LocalQuotas


def create_app(settings: AppSettings) -> Starlette:
    """Make the application of a configuration.

    Routes: /graphql, /healthz (the process lives), /readyz (it takes requests, whatever the vendors do), and /metrics
    where it is configured.
    The sources' connections are made when it starts, on the loop that serves it.
    """
    guard = Guard(settings.auth)
    view = GraphQLView(build_schema(settings), settings, guard)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.server.tracing:
            start_tracing()
        async with connected(settings.cache) as valkey:
            store = WindowStore.of(settings.cache, valkey)
            quotas = SharedQuotas(valkey) if valkey else LocalQuotas()
            fleet = build_fleet(settings, quotas, store)
            view.connect(fleet, store, quotas)
            app.state.is_ready = True
            try:
                yield
            finally:
                app.state.is_ready = False
                await fleet.aclose()
                await guard.aclose()
                if settings.server.tracing:
                    await asyncio.to_thread(stop_tracing)

    routes = [
        Route("/graphql", view),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
    ]
    if settings.server.metrics:
        routes.append(Route("/metrics", _metrics))
    middleware = [Middleware(SecurityHeaders)]
    if settings.auth.is_for_loopback:
        middleware.append(Middleware(LoopbackHosts))
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=middleware,
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
    )
    app.state.is_ready = False
    app.state.guard = guard
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """The answer where no route has one."""
    current = request_id_of(request.headers)
    request_id.set(current)
    response = refused(error)[-1]
    response.headers.update({"x-request-id": current, **HEADERS})  # faults are answered beyond where these are added
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    if request.app.state.is_ready:
        return PlainTextResponse("ready\n")
    return PlainTextResponse("draining\n", status_code=503)


async def _metrics(request: Request) -> Response:
    """What is counted, of all sources together: for callers that may know how each of them fares."""
    try:
        identity = await request.app.state.guard.authenticate(request.headers)
    except UnauthenticatedError as error:
        return refusal(error, HTTPStatus.UNAUTHORIZED)
    if identity.sources is not None or not identity.may(Scope.SOURCES_READ):
        return refusal(ForbiddenError("/metrics needs sources:read, of all sources."), HTTPStatus.FORBIDDEN)
    # In a thread: it reads the files of all workers.
    return Response(await asyncio.to_thread(exposition, metrics_folder()), media_type=CONTENT_TYPE)
