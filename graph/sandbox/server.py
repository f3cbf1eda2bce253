"""The sandbox: the emulators of all vendors over one world, each on a loopback port, run in the caller's loop."""

import asyncio
import contextlib
import errno
import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.sandbox.world import World
from graph.vendors import VENDORS
from graph.vendors.base import VendorSpec

HOST = "127.0.0.1"
LOGGED_REQUESTS = 10_000  # at least so many; twice as many at most
POLL_S = 0.005


class Sandbox:
    """All emulators, running between entering and leaving.

    Attributes:
        urls: Where each vendor listens: scheme, host and port.
        requests: How many requests came for (vendor, path).
        log: The latest requests in their order: (vendor, method, path).
    """

    def __init__(
        self,
        world: World,
        ports: Sequence[int] | None = None,
        options: Mapping[str, Mapping[str, object]] | None = None,
        vendors: Mapping[str, VendorSpec] = VENDORS,
    ) -> None:
        """Prepare; nothing listens yet.

        Args:
            world: What the emulators tell of.
            ports: One per vendor, 0 for a free one; None for free ones throughout.
            options: What to give the emulator of a vendor by keyword.
            vendors: Whom to run.
        """
        self.world = world
        self.urls: dict[str, str] = {}
        self.requests: Counter[tuple[str, str]] = Counter()
        self.log: list[tuple[str, str, str]] = []
        self._vendors = vendors
        self._options = options or {}
        self._ports = [0] * len(vendors) if ports is None else list(ports)
        self._servers: list[_Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        if len(self._ports) != len(vendors):
            raise ValueError(f"expected {len(vendors)} ports, found {len(self._ports)}")
        if unknown := self._options.keys() - vendors.keys():
            raise ValueError(f"options for unknown vendors: {', '.join(sorted(unknown))}")

    async def __aenter__(self) -> Self:
        """Listen on all ports.

        Raises:
            OSError: a port is taken; nothing listens then.
        """
        specs = self._vendors.values()
        apps = [spec.create_emulator(self.world, **self._options.get(spec.name, {})) for spec in specs]
        with contextlib.ExitStack() as stack:
            listeners = [stack.enter_context(_listen(port)) for port in self._ports]
            stack.pop_all()  # from here on the servers close them
        for spec, app, listener in zip(specs, apps, listeners, strict=True):
            server = _Server(_Counted(app, spec.name, self))
            self._servers.append(server)
            self._tasks.append(asyncio.create_task(server.serve([listener]), name=f"{spec.name} emulator"))
            self.urls[spec.name] = f"http://{HOST}:{listener.getsockname()[1]}"
        try:
            while not all(server.started for server in self._servers):
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(POLL_S)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and end, letting requests under way have a second."""
        await self._stop()

    async def _stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._servers.clear()
        self._tasks.clear()
        self.urls.clear()

    def note(self, vendor: str, method: str, path: str) -> None:
        """Count a request."""
        self.requests[vendor, path] += 1
        self.log.append((vendor, method, path))
        if len(self.log) >= 2 * LOGGED_REQUESTS:
            del self.log[:LOGGED_REQUESTS]

    def settings(self) -> dict[str, dict[str, object]]:
        """The tables below `sources` of a configuration that speaks with these emulators, by source name."""
        return {
            name: {"vendor": name, "base_url": url, **self._vendors[name].emulator_settings(self.world)}
            for name, url in self.urls.items()
        }

    def to_toml(self) -> str:
        """The settings as the text of a configuration file."""
        return "\n".join(_table(f"sources.{name}", values) for name, values in self.settings().items())


class _Counted:
    """Counts what an application is asked, and passes it on."""

    def __init__(self, app: ASGIApp, vendor: str, sandbox: Sandbox) -> None:
        self.app = app
        self.vendor = vendor
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.sandbox.note(self.vendor, scope["method"], scope["path"])
        await self.app(scope, receive, send)


class _Server(uvicorn.Server):
    """A server that leaves the signals alone: they are for whoever owns the loop."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise OSError(errno.EADDRNOTAVAIL, f"no port between 0 and 65535: {port}")
    listener = socket.create_server((HOST, port), backlog=2048)
    # Connections inherit it. asyncio sets it only on sockets that it made: without, each answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _table(name: str, values: Mapping[str, object]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _toml(value: object) -> str:
    """A value as TOML. Its strings are those of JSON, but for the delete character."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    raise TypeError(f"no TOML for {type(value).__name__}")
