"""HexMeet's twin: the six report URLs of contracts.md 1, over the world.

What the document leaves open is decided here: the err_codes (those of HTTP, since only 0 is known), the tenant as
the only scope (a dept_id narrows nothing and may be sent to any report, `search` is undefined and ignored), +08:00 in
rows, sizes up to 10,000. It refuses fields that a report does not have, and a later page that asks for something else.
"""

import json
import random
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from graph import clock
from graph.sandbox.world import LEAD, LONGEST, Phase, World, WorldAttendance, WorldConference
from graph.vendors.hexmeet.emulator_rows import call_row, conference_row
from graph.vendors.hexmeet.emulator_statistics import Range, Statistics, days, ended_calls

SANDBOX_TOKEN = "sandbox-hexmeet-token"  # noqa: S105 - made up, opens nothing but the sandbox

_NOTHING = timedelta()
_SHUFFLED_WHOLE = 20_000
_CONTEXTS = 79
_DEFAULT_SIZE = 10
_MOST_BUCKETS = 10_000
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?([+-]\d\d:\d\d|Z)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_Rules = Mapping[str, type | tuple[str, ...]]
_COMMON: _Rules = {
    "agent_id": int,
    "company_id": int,
    "guid": str,
    "start_time": str,
    "end_time": str,
    "time_zone": str,
}
_DAILY: _Rules = {"interval": ("1d",), "format": ("yyyy-MM-dd",)}
_RANKED: _Rules = {"param1": ("conf",), "size": int, "order": ("count", "sum", "key")}
_REQUIRED: dict[str, _Rules] = {
    "term_conf_stats": {"dept_id": int},
    "term_call_stats": {"dept_id": int},
    "datehistgram_stats": {"dept_id": int, **_DAILY, "target": ("conf", "call")},
    "term_datehistgram_stats": {**_DAILY, "target": ("conf", "call"), "param1": ("MRU", "GATEWAY"), "size": int},
    "term_stats": {"dept_id": int, **_DAILY, "target": ("conf", "company", "capacity", "device_model")},
    "term_region_stats": {"target": ("onging_calls", "issued_calls", "onging_regs")},
}
_SCROLL: _Rules = {"size": int, "scrollid": str, "scroll_timeout": str, "search": str}
_OPTIONAL: dict[str, _Rules] = {
    "term_conf_stats": _SCROLL,
    "term_call_stats": _SCROLL,
    "term_datehistgram_stats": {"dept_id": int},
    "term_stats": _RANKED,
    "term_region_stats": {"dept_id": int},
}
_PER_PAGE = ("guid", "token", "scrollid", "scroll_timeout")  # the rest of a body is the same for all pages


class _RefusedError(Exception):
    """A request the vendor answers with a non-zero err_code."""

    def __init__(self, err_code: int, err_info: str) -> None:
        super().__init__(err_info)
        self.body = {"guid": "", "err_code": err_code, "err_info": err_info, "more_info": ""}


class _Options(NamedTuple):
    """As `create_emulator` explains."""

    page_cap: int
    max_open_scrolls: int
    time_filter: str
    end_is_inclusive: bool
    repeats_rows: bool


class _Filter(NamedTuple):
    """What a list's range filters."""

    by: str
    start: datetime
    end: datetime

    def takes(self, created: datetime, begin: datetime, end: datetime) -> bool:
        """Whether a conference or a call with these times is within the range."""
        if self.by == "overlap":
            return begin < self.end and end > self.start
        return self.start <= {"start": begin, "end": end, "creation": created}[self.by] < self.end


@dataclass(slots=True)
class _Scroll:
    """A snapshot being read. `rows` renders while it is read, as of the first request."""

    report: str
    question: dict[str, Any]
    total: int
    rows: Iterator[dict[str, Any]]
    expires: datetime


def create_emulator(
    world: World,
    *,
    documented: Mapping[str, Any] | None = None,
    page_cap: int = 10_000,
    max_open_scrolls: int = 6,
    time_filter: str = "start",
    end_is_inclusive: bool = False,
    repeats_rows: bool = False,
) -> Starlette:
    """Make the twin.

    Args:
        world: What happened.
        documented: Bodies to answer instead, by report name or report:target.
        page_cap: The largest `size` of a list.
        max_open_scrolls: As many may be open; 6 is 500 contexts at 79 each.
        time_filter: What a list's range filters: "start", "end", "overlap" or "creation" (of a call: its start).
        end_is_inclusive: Whether ranges include their end.
        repeats_rows: Whether some rows of a list come twice, and count twice.
    """
    if time_filter not in ("start", "end", "overlap", "creation"):
        raise ValueError("time_filter")
    options = _Options(page_cap, max_open_scrolls, time_filter, end_is_inclusive, repeats_rows)
    emulator = _Emulator(world, documented or {}, options)

    async def answer(request: Request) -> JSONResponse:
        report = request.url.path.rsplit("/", 1)[-1]
        try:
            return JSONResponse(emulator.answer(report, request, await request.body()))
        except _RefusedError as refusal:
            return JSONResponse(refusal.body)

    return Starlette(routes=[Route(f"/report/agg/{report}", answer, methods=["POST"]) for report in _REQUIRED])


def emulator_settings(world: World) -> dict[str, object]:
    """The settings of a source that this twin lets in."""
    return {
        "token": SANDBOX_TOKEN,
        "agent_id": world.agent.id,
        "company_id": world.companies[0].id,
        "dept_id": world.departments[0].id,
        "scroll_timeout_s": 1,  # so that who tries the sandbox out seldom waits for a scroll to close
    }


class _Emulator:
    """Checks a request, then answers it."""

    def __init__(self, world: World, documented: Mapping[str, Any], options: _Options) -> None:
        self._world = world
        self._documented = documented
        self._options = options
        self._statistics = Statistics(world)
        self._scrolls: dict[str, _Scroll] = {}  # by newest id
        self._opened = 0

    def answer(self, report: str, request: Request, raw: bytes) -> dict[str, Any]:
        """The whole body of an answer."""
        if request.url.query != "domainId=null":
            raise _RefusedError(400, "domainId is required")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise _RefusedError(415, "Content-Type must be application/json")
        asked = self._checked(report, raw)
        start, end = _instant(asked, "start_time"), _instant(asked, "end_time")
        if start > end:
            raise _RefusedError(400, "end_time is before start_time")
        # The world knows whole seconds only.
        period = start, end + timedelta(microseconds=self._options.end_is_inclusive)
        zone = _zone(asked["time_zone"])
        timeout = _timeout(asked["scroll_timeout"]) if "scroll_timeout" in asked else None
        if "target" in asked and end - start > _MOST_BUCKETS * timedelta(days=1):
            raise _RefusedError(400, f"Trying to create too many buckets. Limit: [{_MOST_BUCKETS}].")
        fixed = self._documented.get(f"{report}:{asked.get('target')}", self._documented.get(report))
        if fixed is not None:
            return {**fixed, "count": 0, "buckets": []} if "scrollid" in asked else dict(fixed)
        body = self._body(report, asked, period, zone, timeout)
        return {"guid": "", "err_code": 0, "err_info": "RESULT_OK", "more_info": "", **body}

    def _checked(self, report: str, raw: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(raw)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise _RefusedError(400, "The body must be a JSON object")
        if asked.get("token") != SANDBOX_TOKEN:
            raise _RefusedError(401, "The token is not valid")
        _check_fields(report, asked)
        if (asked["agent_id"], asked["company_id"]) != (self._world.agent.id, self._world.companies[0].id):
            raise _RefusedError(403, "No right to this company")
        size = asked.get("size", _DEFAULT_SIZE)
        if size < 1:
            raise _RefusedError(400, "size must be positive")
        if report in ("term_conf_stats", "term_call_stats") and size > self._options.page_cap:
            raise _RefusedError(400, f"Result window is too large: size may be [{self._options.page_cap}] at most.")
        return asked

    def _body(
        self, report: str, asked: dict[str, Any], period: Range, zone: tzinfo, timeout: timedelta | None
    ) -> dict[str, Any]:
        now = clock.now()
        size, target = asked.get("size", _DEFAULT_SIZE), asked.get("target", "")
        match report:
            case "datehistgram_stats":
                return self._statistics.histogram(target, period, zone, now)
            case "term_datehistgram_stats":
                return self._statistics.resources(asked["param1"], size, period, zone, now)
            case "term_stats":
                return self._statistics.terms(target, asked.get("order", "count"), size, period, now)
            case "term_region_stats":
                return self._statistics.regions(target, period, now)
        self._scrolls = {key: scroll for key, scroll in self._scrolls.items() if scroll.expires > now}
        if "scrollid" in asked:
            return self._next_page(report, asked, timeout, now)
        return self._first_page(report, asked, period, timeout or timedelta(minutes=10), now)

    def _first_page(
        self, report: str, asked: dict[str, Any], period: Range, timeout: timedelta, now: datetime
    ) -> dict[str, Any]:
        if len(self._scrolls) >= self._options.max_open_scrolls:
            raise _RefusedError(429, "Trying to create too many scroll contexts. Must be less than or equal to: [500].")
        self._opened += 1
        total, rows = self._snapshot(report, period, now)
        return self._page(_Scroll(report, _question(asked), total, rows, now + timeout), is_kept=True)

    def _next_page(
        self, report: str, asked: dict[str, Any], timeout: timedelta | None, now: datetime
    ) -> dict[str, Any]:
        scroll = self._scrolls.get(asked["scrollid"])
        if scroll is None or scroll.report != report:
            raise _RefusedError(404, "No search context found for id [...]")
        if scroll.question != _question(asked):
            raise _RefusedError(400, "A scroll is read on with the body of its first request")
        del self._scrolls[asked["scrollid"]]
        if timeout is not None:
            scroll.expires = now + timeout
        return self._page(scroll, is_kept=timeout is not None)

    def _page(self, scroll: _Scroll, *, is_kept: bool) -> dict[str, Any]:
        rows = list(islice(scroll.rows, scroll.question.get("size", _DEFAULT_SIZE)))
        scrollid = _new_scrollid()
        if is_kept:
            self._scrolls[scrollid] = scroll
        return {"total": scroll.total, "count": len(rows), "scrollid": scrollid, "buckets": rows}

    def _snapshot(self, report: str, period: Range, now: datetime) -> tuple[int, Iterator[dict[str, Any]]]:
        """How many rows there are, and the rows in no useful order: few are shuffled whole, many by the day."""
        asked = _Filter(self._options.time_filter, *period)
        chunks: Callable[[_Filter, datetime], Iterator[list[Any]]] = self._calls
        render: Callable[[Any], dict[str, Any]] = call_row
        if report == "term_conf_stats":
            chunks, render = self._conferences, conference_row
        shuffler = random.Random(f"{self._world.seed} {self._opened}")
        total = 0
        found: list[Any] = []
        for chunk in chunks(asked, now):
            total += len(chunk)
            if total <= _SHUFFLED_WHOLE:
                found += chunk
        if total > _SHUFFLED_WHOLE:
            return total, (render(row) for chunk in chunks(asked, now) for row in shuffler.sample(chunk, len(chunk)))
        shuffler.shuffle(found)
        return total, map(render, found)

    def _conferences(self, asked: _Filter, now: datetime) -> Iterator[list[WorldConference]]:
        back = LONGEST if asked.by in ("end", "overlap") else _NOTHING
        ahead = LEAD if asked.by == "creation" else _NOTHING
        for _, (start, end) in days((asked.start - back, asked.end + ahead), UTC):
            yield self._repeated(
                [
                    conference
                    for conference in self._world.between("hexmeet", start, end)
                    if conference.phase(now) is Phase.ENDED
                    and conference.start
                    and conference.end
                    and asked.takes(conference.created, conference.start, conference.end)
                ]
            )

    def _calls(self, asked: _Filter, now: datetime) -> Iterator[list[tuple[WorldConference, WorldAttendance]]]:
        for _, (start, end) in days((asked.start - LONGEST, asked.end), UTC):
            yield self._repeated(
                [
                    (conference, call)
                    for conference in self._world.between("hexmeet", start, end)
                    for call in ended_calls(conference, now)
                    if asked.takes(call.join, call.join, call.leave)
                ]
            )

    def _repeated(self, rows: list[Any]) -> list[Any]:
        return rows + rows[::5] if self._options.repeats_rows else rows


def _check_fields(report: str, asked: dict[str, Any]) -> None:
    required = {**_COMMON, **_REQUIRED[report]}
    if report == "term_stats" and asked.get("target") != "device_model":
        required |= _RANKED
    rules = {"token": str, **_OPTIONAL.get(report, {}), **required}
    if asked.keys() - rules.keys():
        raise _RefusedError(400, f"{report} has no such field")
    for name, rule in rules.items():
        if not (_fits(asked[name], rule) if name in asked else name not in required):
            raise _RefusedError(400, f"The field {name} is missing or wrong")


def _question(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in _PER_PAGE}


def _fits(value: object, rule: type | tuple[str, ...]) -> bool:
    return type(value) is rule if isinstance(rule, type) else value in rule


def _instant(asked: dict[str, Any], name: str) -> datetime:
    try:
        if _INSTANT.fullmatch(asked[name]) and "1970" < asked[name] < "2200":
            return datetime.fromisoformat(asked[name]).astimezone(UTC)
    except ValueError:
        pass
    raise _RefusedError(400, f"failed to parse date field {name}")


def _zone(name: str) -> tzinfo:
    try:
        if re.fullmatch(r"[+-]\d\d:\d\d", name):
            return datetime.strptime(name, "%z").tzinfo or UTC
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # ZoneInfo raises whichever its file system look-up ran into
        raise _RefusedError(400, "time_zone is neither an offset nor a zone") from None


def _timeout(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})(ms|s|m|h|d)", text)
    if found is None:
        raise _RefusedError(400, "failed to parse scroll_timeout")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _new_scrollid() -> str:
    """As Elasticsearch makes them: a header, then 79 contexts of 8 bytes on a node with a name of 22 characters."""
    first, node = secrets.randbits(40), secrets.token_urlsafe(16).encode()
    contexts = ((first + index).to_bytes(8) + bytes([len(node)]) + node for index in range(_CONTEXTS))
    return b64encode(b"\x0equeryThenFetch" + bytes([_CONTEXTS]) + b"".join(contexts)).decode()
