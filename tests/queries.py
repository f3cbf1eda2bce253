"""Asking confgraph over real HTTP, from within a test's loop."""

from typing import Any, Self

import httpx
from servers import serve

from graph.server import create_app
from graph.settings import AppSettings


class Client:
    """A confgraph over a configuration, served on loopback for as long as the context lasts.

    Attributes:
        url: Where it listens, without a path.
    """

    def __init__(self, settings: AppSettings) -> None:
        self._server = serve(create_app(settings))

    async def __aenter__(self) -> Self:
        self.url = await self._server.__aenter__()
        self._http = httpx.AsyncClient(base_url=self.url, timeout=60)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()
        await self._server.__aexit__(None, None, None)

    async def reply(self, query: str, **variables: object) -> httpx.Response:
        """The answer with its headers."""
        reply = await self._http.post("/graphql", json={"query": query, "variables": variables})
        assert reply.status_code == 200, reply.text
        return reply

    async def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The whole answer."""
        answer: dict[str, Any] = (await self.reply(query, **variables)).json()
        return answer

    async def data(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data
