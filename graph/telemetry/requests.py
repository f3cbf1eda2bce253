"""What is told of each GraphQL request."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from graph import clock
from graph.telemetry.logs import log, request_id
from graph.telemetry.metrics import REQUEST_SECONDS, REQUESTS
from graph.telemetry.traces import request_span

OPERATION_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")

count = cache(REQUESTS.labels)


@dataclass
class ToldRequest:
    """One request while it is answered; what is known of it is filled in on the way.

    Attributes:
        outcome: `ok`, `partial` (data and errors), `error` (errors alone), `refused` (no GraphQL at all) or `cancelled`
            (nobody waits for the answer any more).
        codes: Those of its errors.
        kind: `query`, `mutation` or `subscription`.
        operation: The name that its author gave it.
        caller: The name of who asks.
    """

    outcome: str = "cancelled"
    codes: Sequence[str] | None = None
    kind: str | None = None
    operation: str | None = None
    caller: str | None = None


_current: ContextVar[ToldRequest | None] = ContextVar("told_request", default=None)


@contextlib.contextmanager
def told_request(identity: str, headers: Mapping[str, str]) -> Iterator[ToldRequest]:
    """Count, time, log and trace one request.

    Args:
        identity: The request's id, for every line that is logged meanwhile.
        headers: Of the request: a trace that it belongs to goes on.
    """
    told = ToldRequest()
    began = clock.monotonic()
    id_before, told_before = request_id.set(identity), _current.set(told)
    with request_span(headers) as span:
        try:
            yield told
        except Exception:
            told.outcome = "error"
            raise
        finally:
            seconds = clock.monotonic() - began
            count(told.outcome).inc()
            if told.kind != "subscription":  # one takes as long as its client likes
                REQUEST_SECONDS.observe(seconds)
            asked = {"kind": told.kind, "operation": told.operation, "outcome": told.outcome}
            span.tell(**asked)
            log.info("request", caller=told.caller, **asked, codes=told.codes, duration_s=round(seconds, 4))
            _current.reset(told_before)
            request_id.reset(id_before)


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
