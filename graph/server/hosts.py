"""What keeps web pages out where whoever reaches the port may ask everything, and only this machine can reach it.

A page may have its own name lead to a loopback address, and then reads what is answered there as if it were its own
site's. It cannot hide that name: browsers send it as `Host`.
"""

import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.errors import ForbiddenError
from graph.server.headers import request_id_of
from graph.server.refusals import refusal
from graph.settings import is_loopback
from graph.telemetry.logs import log

HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]*)?", re.IGNORECASE)
SAID = 'Without authentication only loopback names and addresses are answered to: ask http://127.0.0.1, or set "auth".'


class LoopbackHosts:
    """Refuses requests that are sent to any other host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, or not at all."""
        if scope["type"] == "http" and not _is_loopback(headers := Headers(scope=scope)):
            request_id = request_id_of(headers)
            log.warning("request refused", reason="host", request_id=request_id)
            response = refusal(ForbiddenError(SAID), HTTPStatus.FORBIDDEN)
            response.headers["x-request-id"] = request_id
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_loopback(headers: Headers) -> bool:
    found = HOST.fullmatch(headers.get("host", ""))
    return found is not None and is_loopback((found[1] or found[2]).lower())
