"""What confgraph logs: reading it, and having it configured for the length of a test."""

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import structlog

from graph.telemetry.logs import configure_logs

Line = dict[str, Any]


def lines(text: str, event: str | None = None) -> list[Line]:
    """The lines of a log, or those of one event. Every line is a JSON object."""
    told: list[Line] = [json.loads(line) for line in text.splitlines()]
    return [line for line in told if event in (None, line["event"])]


@contextlib.contextmanager
def logging_from(level: str) -> Iterator[None]:
    """Log as the command line does with this `server.log_level`."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    configure_logs(level)
    root.handlers[:] += handlers  # those of pytest
    try:
        yield
    finally:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(root_level)
