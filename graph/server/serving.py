"""Serving: the listener, what uvicorn is told, the end of a process, and several processes on one port."""

import asyncio
import contextlib
import functools
import math
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from graph.server.app import create_app
from graph.server.collector import spare_collector
from graph.server.connections import BoundedSocket
from graph.server.http11 import BoundedProtocol
from graph.settings import AppSettings, share_metrics
from graph.telemetry.logs import configure_logs
from graph.telemetry.metrics import forget_process

DRAIN_S = 1.0  # a balancer that looks at /readyz meanwhile sends nobody who would be refused
SUPERVISOR_LOOK_S = 1.0


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that clients can connect to.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
        UnicodeError: the host is no name.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listener:
        # Connections inherit it. asyncio sets it only on sockets that it made: without, each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def run(settings: AppSettings, listener: socket.socket, workers: int = 1) -> None:
    """Serve until a signal ends it; prints `listening on URL`.

    Raises:
        ConfigError: a source has too little of something to give each worker a part.
    """
    url = _url(settings.server.host, listener)
    if workers == 1:
        _Server(_uvicorn(settings), url).run(sockets=[listener])
        return
    served = _uvicorn(settings.share(workers), workers)
    with tempfile.TemporaryDirectory(prefix="confgraph-") as metrics:
        share_metrics(metrics)
        print(f"listening on {url}", flush=True)
        _Workers(served, listener, metrics).run()


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _uvicorn(settings: AppSettings, workers: int = 1) -> uvicorn.Config:
    # No access log: addresses of GET queries hold what people search for.
    return uvicorn.Config(
        functools.partial(_served, settings, os.getpid() if workers > 1 else None),
        factory=True,
        workers=workers,
        lifespan="on",
        loop="uvloop",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nobody asks who or what lies between
        http=BoundedProtocol,
        ws=BoundedSocket,
        ws_max_size=settings.limits.max_body_kb * 1024,
        ws_per_message_deflate=False,  # a few bytes would unfold into very many
        timeout_graceful_shutdown=math.ceil(settings.server.request_timeout_s) + 1,
    )


def _served(settings: AppSettings, supervisor: int | None) -> Starlette:
    """The application in the process that serves it: a signal makes /readyz say 503 before the server ends.

    A worker whose supervisor is gone ends likewise: nobody would end it later, and it holds the port.
    """
    configure_logs(settings.server.log_level)
    served = create_app(settings)
    spare_collector()
    loop = asyncio.get_running_loop()
    for number, wait_s in ((signal.SIGINT, 0.0), (signal.SIGTERM, DRAIN_S)):
        end = signal.getsignal(number)  # uvicorn's, set just before

        def finish(number: int, end: Any) -> None:
            served.state.lives.end()
            end(number, None)

        def drain(number: int, _: FrameType | None, end: Any = end, wait_s: float = wait_s) -> None:
            served.state.is_ready = False
            loop.call_soon_threadsafe(loop.call_later, wait_s, finish, number, end)

        signal.signal(number, drain)

    def look_for_supervisor() -> None:
        if os.getppid() == supervisor:
            loop.call_later(SUPERVISOR_LOOK_S, look_for_supervisor)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    if supervisor is not None:
        look_for_supervisor()
    return served


class _Server(uvicorn.Server):
    """Says where it listens once it does, and ends with status 0 after a signal."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"listening on {self._url}", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would raise them again after the shutdown, and the status be 143


class _Workers(Multiprocess):
    """Several processes that share a port, and a folder for what they count."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, metrics: str) -> None:
        super().__init__(config, sockets=[listener])
        self._metrics = metrics
        self._pids: set[int] = set()

    def keep_subprocess_alive(self) -> None:
        self._pids |= self._running()
        super().keep_subprocess_alive()
        for pid in self._pids - self._running():
            forget_process(pid, self._metrics)
        self._pids = self._running()

    def terminate_all(self) -> None:
        super().terminate_all()
        for listener in self.sockets:
            listener.close()  # else clients who come now would wait for nobody, once the workers have closed theirs

    def _running(self) -> set[int]:
        return {process.pid for process in self.processes if process.pid is not None}
