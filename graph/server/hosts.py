"""What keeps web pages out where whoever reaches the port may ask everything, and only this machine can reach it.

A page may have its own name lead to a loopback address, and then reads what is answered there as if it were its own
site's. It cannot hide that name: browsers send it as `Host`. Neither does a browser ask before it opens a WebSocket for
a page of any site, as it would before a POST: but it sends where the page is from, as `Origin`.
"""

import re
from collections.abc import Awaitable
from functools import lru_cache
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.errors import ForbiddenError
from graph.server.cors import Origins
from graph.server.headers import request_id_of
from graph.server.refusals import refusal
from graph.settings import AuthSettings, is_loopback
from graph.telemetry.logs import log

HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]*)?", re.IGNORECASE)
SAID = 'Without authentication only loopback names and addresses are answered to: ask http://127.0.0.1, or set "auth".'


class LoopbackHosts:
    """Refuses requests that are sent to any other host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer as the application does, or not at all."""
        if scope["type"] == "lifespan" or _is_ours(_host_of(scope)):
            return self._app(scope, receive, send)
        request_id = request_id_of(Headers(scope=scope))
        log.warning("request refused", reason="host", request_id=request_id)
        return refusal(ForbiddenError(SAID), HTTPStatus.FORBIDDEN, request_id)(scope, receive, send)


class SocketOrigins:
    """Whose web pages may open a WebSocket: all where each caller has to prove who it is, for no browser does that.

    Else those of this host and those that are listed; on a loopback address, all pages of this machine.
    """

    def __init__(self, auth: AuthSettings, listed: Origins) -> None:
        self._auth = auth
        self._listed = listed

    def allow(self, headers: Headers) -> bool:
        """Whether who sends a handshake with these headers may."""
        origin = headers.get("origin")
        if origin is None or self._auth.mode != "none" or self._listed.allow(origin):
            return True
        host = origin.partition("://")[2].lower()
        return host == headers.get("host", "").lower() or (self._auth.is_for_loopback and _is_loopback(host))


def _host_of(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"host":
            return bytes(value)
    return b""


@lru_cache(64)  # few are sent again and again
def _is_ours(host: bytes) -> bool:
    return _is_loopback(host.decode("latin-1"))


def _is_loopback(host: str) -> bool:
    found = HOST.fullmatch(host)
    return found is not None and is_loopback((found[1] or found[2]).lower())
