"""A vendor that lets its callers wait for as long as a test says."""

import asyncio
from collections.abc import Callable

from faulty import read_request
from starlette.types import ASGIApp, Receive, Scope, Send


class Holds:
    """A fault: holds each request until `let_go`, then answers as the application does.

    Attributes:
        held: Requests that wait.
        gone: Callers that went away while they waited.
    """

    def __init__(self) -> None:
        self.held = self.gone = 0
        self._may_go = asyncio.Event()

    def let_go(self) -> None:
        """Hold nobody any more."""
        self._may_go.set()

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        _, again = await read_request(receive)
        left = asyncio.ensure_future(_left(receive))
        freed = asyncio.ensure_future(self._may_go.wait())
        self.held += 1
        await asyncio.wait([left, freed], return_when=asyncio.FIRST_COMPLETED)
        self.held -= 1
        self.gone += left.done()
        left.cancel()
        freed.cancel()
        await app(scope, again, send)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what sets no event."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.005)
