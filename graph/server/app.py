"""The ASGI application and its routes."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from graph.cache.memory import WindowStore
from graph.fleet import build_fleet
from graph.schema import build_schema
from graph.server.view import GraphQLView
from graph.settings import AppSettings


def create_app(settings: AppSettings) -> Starlette:
    """Make the application of a configuration.

    Routes: /graphql, /healthz (the process lives), /readyz (it takes requests, whatever the vendors do).
    The sources' connections are made when it starts, on the loop that serves it.
    """
    view = GraphQLView(build_schema(settings), settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        fleet = build_fleet(settings)
        view.connect(fleet, WindowStore(enabled=settings.cache.enabled))
        app.state.is_ready = True
        try:
            yield
        finally:
            app.state.is_ready = False
            await fleet.aclose()

    app = Starlette(
        routes=[
            Route("/graphql", view, methods=["GET", "POST"]),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
        ],
        lifespan=lifespan,
    )
    app.state.is_ready = False
    return app


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    if request.app.state.is_ready:
        return PlainTextResponse("ready\n")
    return PlainTextResponse("draining\n", status_code=503)
