"""Headers of requests and answers: the id of a request, and what every answer tells browsers.

They are to guess nothing about it, to keep it nowhere and to show it in no frame.
"""

import random
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def request_id_of(headers: Mapping[str, str]) -> str:
    """The id of a request: the client's own where that is harmless."""
    offered = headers.get("x-request-id", "")
    if offered and REQUEST_ID.fullmatch(offered):
        return offered
    return f"{random.getrandbits(128):032x}"  # it names a request, and proves nothing


class RequestHeaders(Headers):
    """The headers of a request that is looked at from many sides: they are searched for once."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        # Of several of one name the first, as Starlette has it.
        self._first = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self._list)}

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def get(self, key: str, default: Any = None) -> Any:
        """A header, or else what it is by default."""
        return self._first.get(key.lower(), default)

    def getlist(self, key: str) -> list[str]:
        """All of a name."""
        if len(self._first) < len(self._list):
            return super().getlist(key)
        first = self._first.get(key.lower())
        return [] if first is None else [first]


class SecurityHeaders:
    """Adds the headers that an answer does not have of its own, as those of the endpoint have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = dict(message["headers"])
                message["headers"] = [*message["headers"], *[it for it in RAW_HEADERS if it[0] not in own]]
            await send(message)

        await self._app(scope, receive, send_with_headers)
