"""Web pages of other origins that may ask, as `server.cors_origins` names them.

Starlette's middleware would also open /metrics to them, tell what it refuses by no GraphQL error, and leave `Vary` out
where a request has no origin, so that a cache could give its answer to a page.
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.errors import ForbiddenError
from graph.server.headers import HEADERS, request_id_of
from graph.server.refusals import refusal

METHODS = "GET, POST"
EXPOSED = "x-request-id, retry-after"
PREFLIGHT_S = "600"


class Origins:
    """The origins whose pages may ask."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self.are_all = "*" in self._names

    def allow(self, origin: str | None) -> bool:
        """Whether pages of an origin may; without one it is no page that asks."""
        return origin is not None and (self.are_all or origin in self._names)


class Cors:
    """Tells browsers which pages may ask the endpoint and read its answers, without the browser's own credentials."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and by itself when a browser asks first."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        is_allowed = self._origins.allow(origin)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                if not self._origins.are_all:
                    answered.add_vary_header("Origin")
                if is_allowed:
                    answered["access-control-allow-origin"] = "*" if self._origins.are_all else str(origin)
                    answered["access-control-expose-headers"] = EXPOSED
            await send(message)

        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        app = _preflight(headers, is_allowed=is_allowed) if is_preflight else self._app
        await app(scope, receive, send_with_headers)


def _preflight(headers: Headers, *, is_allowed: bool) -> Response:
    if not is_allowed:
        error = ForbiddenError("Web pages of this origin may not ask (server.cors_origins).")
        return refusal(error, HTTPStatus.FORBIDDEN, request_id_of(headers))
    allowed = {
        **HEADERS,
        "access-control-allow-methods": METHODS,
        "access-control-max-age": PREFLIGHT_S,
        "vary": "Access-Control-Request-Headers",
    }
    if wanted := headers.get("access-control-request-headers"):
        allowed["access-control-allow-headers"] = wanted
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=allowed)
