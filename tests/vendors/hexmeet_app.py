"""A HexMeet of the tests' own: answers over real HTTP what a test says, and keeps what it was asked."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import clocks
import pytest
from clients import once
from servers import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph import clock
from graph.settings import Secret
from graph.vendors.hexmeet.adapter import HexmeetAdapter
from graph.vendors.hexmeet.reports import HexmeetSettings

TOKEN = "made-up-token"
NOW = datetime(2021, 1, 15, 4, 0, tzinfo=UTC)
OK: dict[str, Any] = {"guid": "", "err_code": 0, "err_info": "RESULT_OK", "more_info": ""}


class Asked(NamedTuple):
    """One request as it came in."""

    report: str
    query: str
    body: dict[str, Any]


class FakeHexmeet:
    """Answers each report with the next of a list, or with what a function makes of the request.

    An answer is a body, bytes, a pair of status and body, or a whole response.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[Asked] = []
        self.app = Starlette(routes=[Route("/base/report/agg/{report}", self.answer, methods=["POST"])])

    def of(self, report: str) -> list[dict[str, Any]]:
        """The bodies that one report was asked with."""
        return [asked.body for asked in self.asked if asked.report == report]

    async def answer(self, request: Request) -> Response:
        report, body = request.path_params["report"], await request.json()
        self.asked.append(Asked(report, request.url.query, body))
        answer = self.answers[report]
        answer = answer(body) if callable(answer) else answer.pop(0)
        if hasattr(answer, "__await__"):
            answer = await answer
        if isinstance(answer, Response):
            return answer
        status, answer = answer if isinstance(answer, tuple) else (200, answer)
        return Response(answer, status) if isinstance(answer, bytes) else JSONResponse(answer, status)


@contextlib.asynccontextmanager
async def hexmeet(
    answers: dict[str, Any], *, token: Secret | None = None, **settings: Any
) -> AsyncIterator[tuple[HexmeetAdapter, FakeHexmeet]]:
    """An adapter of the source "hex" and the vendor it asks."""
    fake = FakeHexmeet(answers)
    async with serve(fake.app) as url:
        table = HexmeetSettings(
            vendor="hexmeet",
            base_url=f"{url}/base",
            token=token or Secret(TOKEN),
            agent_id=101376,
            company_id=31314944,
            dept_id=33931264,
            **settings,
        )
        client = once("hex", table)
        try:
            yield HexmeetAdapter("hex", table, client), fake
        finally:
            await client.aclose()


def own_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock of the test's own, which shows NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return clocks.own_clock(monkeypatch)


def page(rows: list[dict[str, Any]], total: int | None = None, scrollid: str = "scroll-1") -> dict[str, Any]:
    """A page of a scroll; by default its only one."""
    return {
        **OK,
        "total": len(rows) if total is None else total,
        "count": len(rows),
        "scrollid": scrollid,
        "buckets": rows,
    }


def conference_row(number: int, start: datetime, **fields: Any) -> dict[str, Any]:
    """A conference of one hour."""
    end = start + timedelta(hours=1)
    times = {"startTime": start.isoformat(), "endTime": end.isoformat(), "duration": 3600}
    return {"conf_guid": f"{number:032x}", **times, **fields}


def call_row(number: int, conference: int, start: datetime, **fields: Any) -> dict[str, Any]:
    """A call of ten minutes."""
    end = start + timedelta(minutes=10)
    times = {"startTime": start.isoformat(), "endTime": end.isoformat(), "duration": 600}
    return {"call_guid": call_guid(number), "conf_guid": f"{conference:032x}", **times, **fields}


def call_guid(number: int) -> str:
    """The id of a call."""
    return f"5d0d1d23-95b3-49bd-b576-{number:012x}"


def histogram(days: dict[datetime, int]) -> dict[str, Any]:
    """An overview with so many rows on each day, each a minute long."""
    stats = {"min": 60, "max": 60, "avg": 60.0}
    buckets = [
        {"key": int(day.timestamp() * 1000), "key_as_string": f"{day:%Y-%m-%d}", "count": n, "sum": 60 * n, **stats}
        for day, n in days.items()
    ]
    return {**OK, "count": sum(days.values()), "sum": 60 * sum(days.values()), "buckets": buckets}
