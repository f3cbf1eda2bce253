"""Nobody works for a client that went away."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive

WATCH_AFTER_S = 0.05  # most answers are there by then: those cost a timer, and no task


class WhileConnected:
    """Cancels what is awaited inside once the client has closed its connection. Its body must have been read.

    Raises:
        ClientDisconnect: the client has gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_gone = False
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.current_task()
        self._timer = self._loop.call_later(WATCH_AFTER_S, self._look)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """It is done, or nobody waits for it."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None  # how it ends holds this: in a circle the whole request would wait to be collected
        if self._is_gone and kind is asyncio.CancelledError:
            raise ClientDisconnect from None

    def _look(self) -> None:
        self._watch = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        if self._work is not None:
            self._work.cancel()
