"""A vendor that answers as a test says, over real HTTP, and remembers what it was asked."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from servers import serve
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send


@dataclass
class Asked:
    """One request as it arrived; `body` is its JSON, None where it had none."""

    method: str
    path: str
    headers: Headers
    body: Any


Answer = Callable[[Asked], Any]


class Vendor:
    """Answers with what `answer` gives: a body to send as JSON, or a whole response."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.delay_s = 0.0
        self.running = self.most_running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        raw = await request.body()
        asked = Asked(request.method, request.url.path, request.headers, json.loads(raw) if raw else None)
        self.asked.append(asked)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(self.delay_s)
        self.running -= 1
        answer = self.answer(asked)
        await (answer if isinstance(answer, Response) else JSONResponse(answer))(scope, receive, send)


@contextlib.asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[str, Vendor]]:
    """The vendor and its URL."""
    vendor = Vendor(answer)
    async with serve(vendor) as url:
        yield url, vendor
