"""SYSTEC's twin: share/detail of contracts.md 3, over the world.

What the document leaves open is decided here: `status` of a failure (those of HTTP), a month is a calendar month
back from `to`, and a record is looked up by uuid over all time unless a range is given with it.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import blake2b
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl
from zlib import crc32

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from graph import clock
from graph.sandbox.world import LEAD, LONGEST, Phase, World, WorldConference

SANDBOX_API_KEY = "sandbox-systec-key"
SANDBOX_API_SECRET = "sandbox-systec-secret"  # noqa: S105 - made up, opens nothing but the sandbox

_ZONE = timezone(timedelta(hours=8))
_DAY = timedelta(days=1)
_DETAILS = {"participants", "telephony_usage"}


class _RefusedError(Exception):
    """A request the vendor answers with another status than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.body = {"status": status, "message": message}


class _Options(NamedTuple):
    """As `create_emulator` explains."""

    page_cap: int
    time_filter: str
    end_is_inclusive: bool
    repeats_rows: bool
    ignores_uuid: bool
    details: str


class _Asked(NamedTuple):
    """A checked request. `first` and `last` are the dates as echoed; `uuid` is empty where it selects nothing."""

    first: date
    last: date
    is_any_time: bool
    uuid: str
    host_id: str
    has_participants: bool
    has_telephony_usage: bool
    page_size: int
    page_number: int


def create_emulator(
    world: World,
    *,
    documented: Mapping[str, Any] | None = None,
    page_cap: int = 300,
    time_filter: str = "start",
    to_is_inclusive: bool = False,
    end_is_inclusive: bool = False,
    repeats_rows: bool = False,
    ignores_uuid: bool = False,
    details: Literal["given", "absent", "null", "gone"] = "given",
) -> Starlette:
    """Make the twin.

    Args:
        world: What happened.
        documented: The body of the first page to answer instead, under "detail".
        page_cap: The largest page_size.
        time_filter: What the range filters: "start", "end", "overlap" or "creation".
        to_is_inclusive: Whether the day `to` belongs to the range.
        end_is_inclusive: Whether the midnight that ends the range belongs to it.
        repeats_rows: Whether some rows come twice, and count twice.
        ignores_uuid: Whether the parameter does nothing, as it may since 2019.
        details: What participants and telephony are when asked for; "gone" lists no meeting then.
    """
    if time_filter not in ("start", "end", "overlap", "creation"):
        raise ValueError("time_filter")
    options = _Options(page_cap, time_filter, end_is_inclusive, repeats_rows, ignores_uuid, details)
    fixed = (documented or {}).get("detail")

    async def detail(request: Request) -> JSONResponse:
        try:
            asked = _asked(await _form(request), options, to_is_inclusive=to_is_inclusive)
        except _RefusedError as refusal:
            return JSONResponse(refusal.body)
        if fixed is None:
            found = _found(world, asked, options, asked.last + _DAY * to_is_inclusive)
            return JSONResponse({"status": 200, "message": "OK", "data": _page(found, asked, options.details)})
        if asked.page_number == 1:
            return JSONResponse(fixed)
        return JSONResponse({**fixed, "data": {**fixed["data"], "meetings": []}})

    return Starlette(routes=[Route("/umeeting/share/detail", detail, methods=["POST"])])


def emulator_settings(world: World) -> dict[str, object]:  # noqa: ARG001 - the same for every twin
    """The settings of a source that this twin lets in."""
    return {"api_key": SANDBOX_API_KEY, "api_secret": SANDBOX_API_SECRET}


def uuid_of(conference: WorldConference) -> str:
    """The record id: base64 of 16 bytes, from which `conference_of` finds the conference again."""
    mask = blake2b(conference.key.to_bytes(8), digest_size=8).digest()
    return b64encode(mask + (conference.key ^ int.from_bytes(mask)).to_bytes(8)).decode()


def conference_of(world: World, uuid: str) -> WorldConference | None:
    """The conference of a record id, None where there is none."""
    try:
        raw = b64decode(uuid, validate=True)
    except ValueError:
        return None
    conference = world.find(int.from_bytes(raw[:8]) ^ int.from_bytes(raw[8:]))
    return conference if conference and conference.vendor == "systec" and uuid_of(conference) == uuid else None


def planned_minutes(conference: WorldConference) -> int:
    """The booked length; the actual one, rounded up, where it was not booked."""
    start, end = conference.scheduled_start, conference.scheduled_end
    if start is None or end is None:
        start, end = conference.start, conference.end
    return -((start - end) // timedelta(minutes=1)) if start and end else 0


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise _RefusedError(415, "parameters must be sent as a form")
    try:
        return dict(parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise _RefusedError(400, "the form cannot be read") from None


def _asked(form: dict[str, str], options: _Options, *, to_is_inclusive: bool) -> _Asked:
    if (form.get("api_key"), form.get("api_secret")) != (SANDBOX_API_KEY, SANDBOX_API_SECRET):
        raise _RefusedError(401, "api_key or api_secret is wrong")
    today = clock.now().astimezone(_ZONE).date()
    first = _date(form, "from", today)
    last = _date(form, "to", today if to_is_inclusive else today + _DAY)
    if last < first or (last == first and not to_is_inclusive):
        raise _RefusedError(400, "to must be after from")
    page_size = _number(form, "page_size", 30)
    if page_size > options.page_cap:
        raise _RefusedError(400, f"page_size may be {options.page_cap} at most")
    uuid = "" if options.ignores_uuid else form.get("uuid", "")
    return _Asked(
        first=max(first, _month_before(last)),
        last=last,
        is_any_time=bool(uuid) and not {"from", "to"} & form.keys(),
        uuid=uuid,
        host_id=form.get("host_id", ""),
        has_participants=_flag(form, "show_participants"),
        has_telephony_usage=_flag(form, "show_telephony_usage"),
        page_size=page_size,
        page_number=_number(form, "page_number", 1),
    )


def _found(world: World, asked: _Asked, options: _Options, until: date) -> list[WorldConference]:
    """The ended conferences asked for, in an order that is no use but always the same."""
    if options.details == "gone" and (asked.has_participants or asked.has_telephony_usage):
        return []
    now = clock.now()
    start = _midnight(asked.first)
    end = _midnight(until) + timedelta(microseconds=options.end_is_inclusive)  # the world knows whole seconds only
    one = conference_of(world, asked.uuid) if asked.uuid else None
    rows: Iterator[WorldConference] | list[WorldConference] = [one] if one is not None else []
    if not asked.uuid:
        back = LONGEST if options.time_filter in ("end", "overlap") else timedelta()
        ahead = LEAD if options.time_filter == "creation" else timedelta()
        rows = world.between("systec", start - back, end + ahead)
    found = [
        row
        for row in rows
        if row.phase(now) is Phase.ENDED
        and (asked.is_any_time or _is_within(row, options.time_filter, start, end))
        and asked.host_id in ("", row.room.host_id)
    ]
    if options.repeats_rows:
        found += found[::5]
    return sorted(found, key=lambda row: crc32(row.serial.to_bytes(8)))


def _is_within(row: WorldConference, time_filter: str, start: datetime, end: datetime) -> bool:
    if row.start is None or row.end is None:
        return False
    if time_filter == "overlap":
        return row.start < end and row.end > start
    return start <= {"start": row.start, "end": row.end, "creation": row.created}[time_filter] < end


def _page(found: list[WorldConference], asked: _Asked, details: str) -> dict[str, Any]:
    total_page = -(-len(found) // asked.page_size)
    offset = (asked.page_number - 1) * asked.page_size
    return {
        "from": f"{asked.first.year}-{asked.first.month}-{asked.first.day}",
        "to": asked.last.isoformat(),
        "total_record": len(found),
        "total_page": total_page,
        "page_number": asked.page_number,
        "page_size": asked.page_size,
        "has_previous_page": asked.page_number > 1,
        "has_next_page": asked.page_number < total_page,
        "meetings": [_meeting(row, asked, details) for row in found[offset : offset + asked.page_size]],
    }


def _meeting(row: WorldConference, asked: _Asked, details: str) -> dict[str, Any]:
    meeting: dict[str, Any] = {
        "uuid": uuid_of(row),
        "host_id": row.room.host_id,
        "meeting_id": row.number,
        "topic": row.title,
        "start_time": _local(row.start or row.created),
        "duration": planned_minutes(row),
        "end_time": _local(row.end or row.created),
        "is_extra": int(row.is_extra),
    }
    if asked.has_participants:
        meeting["participants"] = [
            {"name": span.person.name, "join_time": _local(span.join), "leave_time": _local(span.leave)}
            for span in row.attendances
        ]
    if asked.has_telephony_usage:
        meeting["telephony_usage"] = [
            {
                "phone_number": leg.number,
                "type": "call-out",
                "start_time": _local(leg.start),
                "end_time": _local(leg.end),
                "duration": (leg.end - leg.start) // timedelta(minutes=1),
                "total": leg.fen / 100,
            }
            for leg in row.phone_legs
        ]
    if details in ("absent", "null"):
        asked_for = meeting.keys() & _DETAILS
        meeting = {key: value for key, value in meeting.items() if key not in asked_for}
        meeting |= dict.fromkeys(asked_for if details == "null" else ())
    return meeting


def _date(form: dict[str, str], name: str, default: date) -> date:
    if name not in form:
        return default
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", form[name])
    try:
        if found and "1970" < form[name] < "2200":
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise _RefusedError(400, f"{name} is no date")


def _number(form: dict[str, str], name: str, default: int) -> int:
    text = form.get(name, str(default))
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise _RefusedError(400, f"{name} must be a positive number")
    return int(text)


def _flag(form: dict[str, str], name: str) -> bool:
    text = form.get(name, "false")
    if text not in ("true", "false"):
        raise _RefusedError(400, f"{name} must be true or false")
    return text == "true"


def _month_before(day: date) -> date:
    """The same day of the month before, or its last."""
    end_of_month_before = day.replace(day=1) - _DAY
    return end_of_month_before.replace(day=min(day.day, end_of_month_before.day))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=_ZONE).astimezone(UTC)


def _local(instant: datetime) -> str:
    return instant.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S")
