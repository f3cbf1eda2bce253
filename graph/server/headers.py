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
        self._first = dict(reversed(self._list))  # of several of one name the first, as Starlette has it

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower().encode("latin-1")].decode("latin-1")

    def get(self, key: str, default: Any = None) -> Any:
        """A header, or else what it is by default."""
        value = self._first.get(key.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")

    def getlist(self, key: str) -> list[str]:
        """All of a name."""
        return super().getlist(key) if key.lower().encode("latin-1") in self._first else []


class SecurityHeaders:
    """Adds the headers that an answer does not have of its own."""

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
