"""What is told of each GraphQL request."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Self

from graph import clock
from graph.telemetry.logs import is_told, log, request_id
from graph.telemetry.metrics import REQUEST_SECONDS, REQUESTS
from graph.telemetry.traces import request_span

OPERATION_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")

count = cache(REQUESTS.labels)


class ToldRequest:
    """Counts, times, logs and traces one request. What is known of it is filled in while it is answered.

    Args:
        request_id: The request's id, for every line that is logged meanwhile.
        headers: Of the request: a trace that it belongs to goes on.

    Attributes:
        outcome: `ok`, `partial` (data and errors), `error` (errors alone), `refused` (no GraphQL at all) or `cancelled`
            (nobody waits for the answer any more).
        codes: Those of its errors.
        kind: `query`, `mutation` or `subscription`.
        operation: The name that its author gave it.
        caller: The name of who asks.
    """

    def __init__(self, request_id: str, headers: Mapping[str, str]) -> None:
        self.outcome = "cancelled"
        self.codes: Sequence[str] | None = None
        self.kind: str | None = None
        self.operation: str | None = None
        self.caller: str | None = None
        self._request_id = request_id
        self._placed = request_span(headers)

    def __enter__(self) -> Self:
        """Begin."""
        self._began = clock.monotonic()
        self._before = request_id.set(self._request_id), _current.set(self)
        self._span = self._placed.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """It is answered, or never will be."""
        if isinstance(error, Exception):
            self.outcome = "error"
        seconds = clock.monotonic() - self._began
        count(self.outcome).inc()
        if self.kind != "subscription":  # one takes as long as its client likes
            REQUEST_SECONDS.observe(seconds)
        asked = {"kind": self.kind, "operation": self.operation, "outcome": self.outcome}
        self._span.tell(**asked)
        if is_told("info"):
            log.info("request", caller=self.caller, **asked, codes=self.codes, duration_s=round(seconds, 4))
        id_before, current_before = self._before
        _current.reset(current_before)
        request_id.reset(id_before)
        self._placed.__exit__(kind, error, at)


_current: ContextVar[ToldRequest | None] = ContextVar("told_request", default=None)


def name_operation(kind: str, name: str | None) -> None:
    """Say what the current request, if this is one, asks for; a name that is none, or a whole text, is left out."""
    told = _current.get()
    if told is not None:
        told.kind = kind
        told.operation = name if name and OPERATION_NAME.fullmatch(name) else None


def note_result(errors: Sequence[str], *, has_data: bool) -> None:
    """Say how the current request, if this is one, was answered.

    Args:
        errors: The code of each error.
        has_data: Whether anything was answered beside them.
    """
    told = _current.get()
    if told is not None:
        told.codes = sorted(set(errors)) or None
        told.outcome = ("partial" if has_data else "error") if errors else "ok"
