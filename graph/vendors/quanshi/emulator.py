"""Quanshi's twin: the list of conferences going on, over the seeded world.

Source: contracts.md 4. Where it is silent, the choice stands beside the line that makes it.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph import clock
from graph.paging.windows import EPOCH
from graph.sandbox.world import Phase, World, WorldConference
from graph.vendors.twin import (
    Body,
    RefusedError,
    documented_page,
    parse_body,
    parse_int,
    parse_media_type,
    planned_duration,
    present_in,
    scramble,
    to_ms,
)

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - made up, opens nothing but the sandbox

PATH = "/confopenapi/conference/listbystatus"
ZONE = timezone(timedelta(hours=8))
DEFAULT_COUNT = 20
ABOUT_TO_BEGIN = timedelta(minutes=15)  # nothing says which conferences of status 1 the list has, if any
EARLY_OR_LATE = timedelta(hours=1)  # how far from its booking a conference may begin

# The document has no failures. These are two numbers of ours, like those of HTTP.
OK, BAD_PARAMETER, BAD_TOKEN = 0, 400, 401

# Which count a client falls into: no text says it. The kinds add up to attendeeCnt, as in the sample.
KINDS = {
    "TV": "boxCnt",
    "SIP": "mcuCnt",
    "PHONE": "pstnCnt",
    "AGENT": "voipCnt",
    "WEB": "voipCnt",
    "IOS": "videoCnt",
    "ANDROID": "videoCnt",
    "WINDOWS": "desktopCnt",
    "MAC": "desktopCnt",
    "LINUX": "desktopCnt",
}


def create_emulator(
    world: World,
    *,
    documented: Mapping[str, Any] | None = None,
    page_cap: int = 50,
    repeats_rows: bool = False,
    error_http_status: int = 200,
) -> Starlette:
    """Make the twin.

    Args:
        world: What is going on.
        documented: Bodies to answer instead, by report: listbystatus.
        page_cap: The largest page size taken.
        repeats_rows: Every page carries its first row once more, last.
        error_http_status: The HTTP status of refusals; none is documented.
    """
    twin = Twin(
        world=world,
        documented=documented or {},
        page_cap=page_cap,
        repeats_rows=repeats_rows,
        error_http_status=error_http_status,
    )
    return Starlette(routes=[Route(PATH, twin.answer, methods=["POST"])])


def emulator_settings(world: World) -> dict[str, object]:
    """The source settings that the twin accepts."""
    del world
    return {"token": SANDBOX_TOKEN}


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The only report. Options: `create_emulator`."""

    world: World
    documented: Mapping[str, Any]
    page_cap: int
    repeats_rows: bool
    error_http_status: int

    async def answer(self, request: Request) -> Response:
        """Check a request and answer it in the vendor's envelope."""
        began = clock.monotonic()
        http_status = 200
        try:
            content = self.list_conferences(read_request(request, await request.body()))
        except RefusedError as refused:
            content = {"status": refused.code, "result": None, "msg": str(refused)}
            http_status = self.error_http_status
        if "request_id" not in content:
            milliseconds = to_ms(clock.now())
            trace = f"{random.randrange(10**9)}.{random.randrange(1000)}"
            content["request_id"] = f"confopenapiserver-172371014-{milliseconds // 1000}.{trace}"
            content["timestamp"] = milliseconds
            content["request_duration"] = f"{(clock.monotonic() - began) * 1000:.6f}ms"
        return JSONResponse(content, http_status)

    def list_conferences(self, body: Body) -> Body:
        """List a page of what is going on, or about to begin."""
        page = parse_int(body, "page", 1, BAD_PARAMETER)
        count = parse_int(body, "count", DEFAULT_COUNT, BAD_PARAMETER)
        parse_int(body, "adminUserId", 0, BAD_PARAMETER)  # the account has one administrator, who sees everything
        leaves_out_single = body.get("filterOneAttendee", False)
        if page < 1 or not 1 <= count <= self.page_cap or not isinstance(leaves_out_single, bool):
            raise RefusedError(BAD_PARAMETER, "参数错误")
        if "listbystatus" in self.documented:
            return documented_page(self.documented["listbystatus"], "result", "confList", is_first=page == 1)
        now = clock.now()
        found = sorted(self.shown(now), key=lambda conference: scramble(conference.serial))
        if leaves_out_single:
            found = [conference for conference in found if len(present_in(conference, now)) != 1]
        rows = [to_row(conference, now) for conference in found[(page - 1) * count : page * count]]
        if self.repeats_rows:
            rows += rows[:1]
        return {"status": OK, "result": {"totalCount": len(found), "confList": rows}, "msg": "success"}

    def shown(self, now: datetime) -> list[WorldConference]:
        """Find the conferences going on, and those booked to begin shortly, or a little late."""
        coming = (
            conference
            for conference in self.world.between("quanshi", now, now + ABOUT_TO_BEGIN + EARLY_OR_LATE)
            if conference.phase(now) is Phase.SCHEDULED
            and conference.scheduled_start is not None
            and conference.scheduled_start <= now + ABOUT_TO_BEGIN
        )
        return [*self.world.live("quanshi", now), *coming]


# ---- requests -------------------------------------------------------------------------------------


def read_request(request: Request, content: bytes) -> Body:
    """Read the body, a JSON object; the token may be in it, or in a header."""
    if parse_media_type(request.headers)[0] != "application/json":
        raise RefusedError(BAD_PARAMETER, "Content-Type 错误")
    body = parse_body(content, RefusedError(BAD_PARAMETER, "参数错误"))
    if SANDBOX_TOKEN not in (request.headers.get("token"), body.get("token")):
        raise RefusedError(BAD_TOKEN, "token 无效")
    return body


# ---- rows -----------------------------------------------------------------------------------------


def to_row(conference: WorldConference, now: datetime) -> Body:
    """Write a conference as the list does."""
    is_live = conference.phase(now) is Phase.LIVE
    present = present_in(conference, now)
    kinds = Counter(KINDS[attendance.client] for attendance in present)
    host = conference.host
    start = conference.start if is_live else conference.scheduled_start
    planned = planned_duration(conference)
    return {
        "eventId": 1_000_000 + conference.serial,
        "conferenceId": str(22_000_000 + conference.serial),
        "confName": conference.title,
        "billingCode": "" if conference.key % 3 else f"B{conference.serial:06}",
        "customerCode": str(conference.company.id),
        "guestPcode": hashlib.sha256(b"passcode %d" % conference.key).hexdigest()[:32],
        "hostId": host.agent_id,
        "hostName": host.name,
        "hostEmail": host.email,
        "hostMobile": host.phone if host.agent_id % 2 else "",
        "hostAccountType": 1,
        "hostAccountTypeStr": "付费",
        "hostOrgId": host.department.id,
        "hostOrgName": host.department.name,
        "hostIp": host.ip if host.agent_id % 3 else "",
        "hostLocation": host.province or "",
        "startTime": to_seconds(start),
        "startTimeStr": start.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S") if start else "",
        "stopTime": 0,
        "stopTimeStr": "",
        "confDuration": planned // timedelta(seconds=1),
        "confDurationMinute": planned // timedelta(minutes=1),
        # Both may be null, and nothing says when: until it begins, here.
        "isSecureConf": conference.is_secure if is_live else None,
        "isRecord": conference.is_recorded if is_live else None,
        "dataCenter": "BJ" if conference.key % 2 else "",
        "status": 2 if is_live else 1,
        "attendeeCnt": len(present),
        **{kind: kinds[kind] for kind in ("voipCnt", "pstnCnt", "videoCnt", "desktopCnt", "mcuCnt", "boxCnt")},
        # What "raw" means is not said: distinct people here, whatever they joined with.
        "rawAttendeeCnt": len({attendance.person.account_id for attendance in present}),
        "rawPstnCnt": kinds["pstnCnt"],
    }


def to_seconds(instant: datetime | None) -> int:
    """Epoch seconds, 0 for none."""
    return (instant - EPOCH) // timedelta(seconds=1) if instant else 0
