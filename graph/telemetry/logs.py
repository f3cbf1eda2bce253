"""The log of the process: one JSON object per line on stderr, with the id of the request it was written for.

Only what is on the list `KEYS` is written, and of an error its class and where it was raised: the words and values of
whatever failed may be credentials or personal data.
"""

import logging
import re
import sys
import traceback
import warnings
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog

from graph import clock

KEYS = frozenset(
    {
        "caller",
        "codes",
        "duration_s",
        "endpoint",
        "error",
        "field",
        "kind",
        "logger",
        "number",
        "operation",
        "outcome",
        "path",
        "reason",
        "request_id",
        "source",
        "where",
    }
)
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
PACKAGE = Path(__file__).parent.parent
INSTALLED = re.compile(r".*/(?:site-packages|lib/python[\d.]+)/")

_lowest = logging.INFO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure_logs(level: str) -> None:
    """Write from this level on, and what other libraries log from `warning` on at least.

    Args:
        level: As in `server.log_level`.
    """
    global _lowest  # noqa: PLW0603 - a process has one log
    _lowest = LEVELS[level]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_lowest))
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(max(LEVELS[level], logging.WARNING))
    warnings.showwarning = _warned  # type: ignore[assignment]  # it is called by position


def is_told(level: str) -> bool:
    """Whether what is logged on a level is written: asking costs less than telling nobody."""
    return LEVELS[level] >= _lowest


def told_of(error: BaseException) -> dict[str, Any]:
    """What may be written of an error: its class, and our own lines on the way to where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [
        f"{INSTALLED.sub('', _place(frame.filename))}:{frame.lineno} in {frame.name}"
        for number, frame in enumerate(frames, start=1)
        if number == len(frames) or PACKAGE in Path(frame.filename).parents
    ]
    return {"error": type(error).__name__, "where": where}


def _place(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(PACKAGE.parent)) if PACKAGE in path.parents else filename


class _Stderr:
    """Writes whole lines to what stderr is now; a log that cannot be written ends nothing."""

    def write(self, line: str) -> None:
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = write


class _Foreign(logging.Handler):
    """Passes on what libraries log: their words without the values put into them."""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.msg.partition("\n")[0] if isinstance(record.msg, str) else type(record.msg).__name__
        error = record.exc_info[1] if record.exc_info else None
        log.log(record.levelno, said, logger=record.name, **(told_of(error) if error else {}))


def _warned(_: object, category: type[Warning], filename: str, lineno: int, *_more: object) -> None:
    """Tell a warning of Python's, such as that of an answer which nobody waits for any more, as an error is told."""
    log.warning("warning", error=category.__name__, where=[f"{INSTALLED.sub('', _place(filename))}:{lineno}"])


def _line(_: object, level: str, event: structlog.typing.EventDict) -> str:
    """One event as JSON, without what is not on the list."""
    line = {"time": clock.now(), "level": level, "event": event["event"]}
    if current := request_id.get():
        line["request_id"] = current
    line.update((key, value) for key, value in event.items() if key in KEYS and value is not None)
    return msgspec.json.encode(line, enc_hook=_class_of).decode()


def _class_of(value: object) -> str:
    return type(value).__name__


structlog.configure(
    processors=[_line],
    wrapper_class=structlog.make_filtering_bound_logger(_lowest),
    logger_factory=lambda *_: _Stderr(),
    cache_logger_on_first_use=False,  # the level may change
)
log = cast("structlog.stdlib.BoundLogger", structlog.get_logger())
