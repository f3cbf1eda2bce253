"""The command line as processes of their own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("CONFGRAPH_")}


def confgraph(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "graph", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=ENVIRONMENT | environment,
        check=False,
    )


@contextlib.contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; ended by its pid, whatever happened."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "graph", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=20)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.wait()


def listening_url(process: subprocess.Popen[str]) -> str:
    """The URL of the line `listening on URL`."""
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("listening on http://"), line
    return line.removeprefix("listening on ").strip()
