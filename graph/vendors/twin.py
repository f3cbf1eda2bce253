"""What the emulators share: how a request is read and refused, and how the world is written."""

import json
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import Headers

from graph.paging.windows import EPOCH
from graph.sandbox.world import WorldAttendance, WorldConference

INSTANT_DURATION = timedelta(hours=1)  # what is planned for a conference that was not booked

Body = dict[str, Any]


class RefusedError(Exception):
    """A request that the vendor refuses, with the code of its own."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(message)
        self.code = code


# ---- requests -------------------------------------------------------------------------------------


def parse_media_type(headers: Headers) -> tuple[str, str]:
    """Read Content-Type: the type, and its parameters."""
    media_type, _, parameters = headers.get("content-type", "").lower().partition(";")
    return media_type.strip(), parameters.strip()


def parse_body(content: bytes, refused: RefusedError) -> Body:
    """Read the body, a JSON object, or refuse it so."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refused
    return body


def parse_int(body: Body, key: str, default: int, bad: int) -> int:
    """Read a whole number, or refuse it with the code `bad`."""
    value = body.get(key, default)
    if type(value) is not int:
        raise RefusedError(bad, f"{key} 错误")
    return value


# ---- answers --------------------------------------------------------------------------------------


def documented_page(body: Body, envelope: str, rows: str, *, is_first: bool) -> Body:
    """Answer a documented body, its rows taken out on further pages."""
    return dict(body) if is_first else {**body, envelope: {**body[envelope], rows: []}}


def planned_duration(conference: WorldConference) -> timedelta:
    """How long a conference was meant to take."""
    if conference.scheduled_start and conference.scheduled_end:
        return conference.scheduled_end - conference.scheduled_start
    return INSTANT_DURATION


def is_in(attendance: WorldAttendance, now: datetime) -> bool:
    """Whether somebody is in the conference now."""
    return attendance.join <= now < attendance.leave


def present_in(conference: WorldConference, now: datetime) -> list[WorldAttendance]:
    """Find who is in a conference now."""
    return [attendance for attendance in conference.attendances if is_in(attendance, now)]


def scramble(number: int) -> int:
    """A stable order that is of no use, since the vendor promises none."""
    return number * 2654435761 % 2**32


def to_ms(instant: datetime) -> int:
    """Epoch milliseconds."""
    return (instant - EPOCH) // timedelta(milliseconds=1)
