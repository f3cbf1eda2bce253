"""A vendor of a test's own: answers over real HTTP what it was told to, and keeps what it was asked."""

import json
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Recorder:
    """Gives its answers in order, the last one for ever: a Response, a body, or a function of the request."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        asked = Asked(request.method, request.url.path, dict(request.headers), await request.body())
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, FunctionType):
            answer = answer(asked)
        response = answer if isinstance(answer, Response) else JSONResponse(answer)
        await response(scope, receive, send)
