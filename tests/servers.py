"""Real HTTP on loopback for tests."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from graph.server.connections import BoundedSocket
from graph.server.http11 import BoundedProtocol

SPOKEN: dict[str, Any] = {
    "http": BoundedProtocol,
    "ws": BoundedSocket,
    "ws_per_message_deflate": False,
    "ws_max_size": 256 * 1024,
}


class _Server(uvicorn.Server):
    """A server that ends at once: waiting a fifth of a second for each adds up."""

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event
                    await asyncio.sleep(0.001)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serve(app: Any, **options: Any) -> AsyncIterator[str]:
    """Run an ASGI app on a free loopback port of this loop; gives its URL without a path. Options are uvicorn's."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an ACK
    settings = {"log_level": "error", "lifespan": "auto", "timeout_graceful_shutdown": 1, **SPOKEN, **options}
    config = uvicorn.Config(app, **settings)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if lives := getattr(getattr(app, "state", None), "lives", None):
            lives.end()
        server.should_exit = True
        await task
        listener.close()
