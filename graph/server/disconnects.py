"""Nobody works for a client that went away."""

import asyncio
import contextlib
from collections.abc import Iterator

from starlette.requests import ClientDisconnect
from starlette.types import Receive

WATCH_AFTER_S = 0.05  # most answers are there by then: those cost a timer, and no task


@contextlib.contextmanager
def while_connected(receive: Receive) -> Iterator[None]:
    """Cancel what is awaited inside once the client has closed its connection. Its body must have been read.

    Raises:
        ClientDisconnect: the client has gone.
    """
    loop = asyncio.get_running_loop()
    work = asyncio.current_task()
    watches: list[asyncio.Task[None]] = []
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        if work is not None:
            work.cancel()

    timer = loop.call_later(WATCH_AFTER_S, lambda: watches.append(loop.create_task(watch())))
    try:
        yield
    except asyncio.CancelledError:
        if not is_gone:
            raise
        raise ClientDisconnect from None
    finally:
        timer.cancel()
        for task in watches:
            task.cancel()
