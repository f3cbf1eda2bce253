"""The command line as processes of their own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from credentials import hear

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("CONFGRAPH_")}


def confgraph(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "graph", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=ENVIRONMENT | environment,
        check=False,
    )
    hear(done.stdout, done.stderr)
    return done


class Running(subprocess.Popen[str]):
    """A process whose log goes into a file: a pipe that nobody reads would fill up and stop it."""

    def __init__(self, command: list[str], log: IO[str], environment: dict[str, str]) -> None:
        super().__init__(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.log = log

    def communicate(self, *args: Any, **options: Any) -> tuple[str, str]:
        """Wait for its end: what it wrote to stdout and stderr."""
        out, _ = super().communicate(*args, **options)
        self.log.seek(0)
        return out, self.log.read()


@contextlib.contextmanager
def started(*command: str, **environment: str) -> Iterator[Running]:
    """Run any program beside the test; ended by its pid, whatever happened."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = Running(list(command), log, ENVIRONMENT | environment)
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
            log.seek(0)
            hear(log.read())


def running(*arguments: str, **environment: str) -> contextlib.AbstractContextManager[Running]:
    """Run a command of confgraph beside the test."""
    return started(sys.executable, "-m", "graph", *arguments, **environment)


def listening_url(process: subprocess.Popen[str]) -> str:
    """The URL of the line `listening on URL`."""
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("listening on http://"), line
    return line.removeprefix("listening on ").strip()
