"""Node programs and Chromium for end-to-end tests: `from e2e.tools import NODE, run_node`.

The programs stand in `node/`, beside the packages that they use. Their arguments are texts; what a test needs to know
of them they print to stdout.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import ENVIRONMENT, Running, listening_url, running, started

FOLDER = Path(__file__).parent / "node"
CHROMIUM_PATH = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)

NODE = pytest.mark.skipif(
    shutil.which("node") is None or not (FOLDER / "node_modules").is_dir(),
    reason="needs Node, and `npm ci --prefix tests/e2e/node`",
)
CHROMIUM = pytest.mark.skipif(not Path(CHROMIUM_PATH).exists(), reason=f"needs {CHROMIUM_PATH}")


def run_node(script: str, *arguments: str, timeout: float = 60, **environment: str) -> str:
    """Run a program of `node/` to its end and give its stdout.

    It blocks: where the test's own loop serves what the program asks, call it by `asyncio.to_thread`.
    """
    done = subprocess.run(  # noqa: S603 - our own program
        _command(script, *arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=ENVIRONMENT | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def node(script: str, *arguments: str, **environment: str) -> Iterator[str]:
    """Run a server of `node/` beside the test; gives the URL of its line `listening on URL`."""
    with node_running(script, *arguments, **environment) as process:
        yield listening_url(process)


def node_running(script: str, *arguments: str, **environment: str) -> contextlib.AbstractContextManager[Running]:
    """Run a program of `node/` beside the test."""
    return started(*_command(script, *arguments), **environment)


@contextlib.contextmanager
def confgraph_process(*arguments: str, **environment: str) -> Iterator[str]:
    """Serve confgraph on a free port beside the test, by default over the sandbox; gives its URL without a path."""
    with running("serve", "--port", "0", *arguments, **environment) as process:
        yield listening_url(process)


def _command(script: str, *arguments: str) -> list[str]:
    program = shutil.which("node")
    assert program
    return [program, str(FOLDER / script), *arguments]
