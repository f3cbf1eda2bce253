"""Huawei's twin: the agent gateway's look-up of running conferences, over the seeded world.

Source: contracts.md 5. Where it is silent, the choice stands beside the line that makes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph import clock
from graph.sandbox.world import Phase, World, WorldAttendance, WorldConference
from graph.vendors.twin import (
    Body,
    RefusedError,
    parse_body,
    parse_media_type,
    planned_duration,
    present_in,
    scramble,
    to_ms,
)

SANDBOX_AGENT_ID = "101"
SANDBOX_GUID = "00000000-0000-4000-8000-000000000000.AgentGateway1"

RESOURCE = "/agentgateway/resource"
FIRST_CONF_ID = 1_000_000
WELCOME = timedelta(seconds=30)  # how long the announcement plays at its beginning
COMING = timedelta(hours=6)
MOST_CONF_IDS = 60

OK, NO_PERMISSION, BAD_PARAMETER, BAD_MESSAGE, NOT_SIGNED_IN = "0", "000-003", "000-002", "000-006", "100-006"
MEDIA = {"listen": 1, "speak": 2, "both": 3}
DEVICES = {"PHONE": 1, "IOS": 5, "ANDROID": 5, "AGENT": 6}  # anything else is unknown, 0


def create_emulator(
    world: World,
    *,
    documented: Mapping[str, Any] | None = None,
    page_cap: int = 20,
    guid_ttl_s: float | None = None,
    rotates_guid: bool = False,
    bare_array: bool = False,
    error_http_status: int = 200,
    delays_s: Sequence[float] = (),
) -> Starlette:
    """Make the twin.

    Args:
        world: What is going on.
        documented: Bodies to answer instead, by report: queryconfinfos.
        page_cap: The most ids taken at once.
        guid_ttl_s: How long a guid is good, unless it is renewed through updateGuid; None is for ever.
        rotates_guid: Every good answer brings a new guid in Set-GUID; the old one is good for one more request.
        bare_array: The result is the array itself, as the document's table has it.
        error_http_status: The HTTP status of refusals; none is documented.
        delays_s: How long the first answers of queryconfinfos are held back, each once it is made: out of order.
    """
    guids = Guids(guid_ttl_s)
    twin = Twin(
        world=world,
        documented=documented or {},
        page_cap=page_cap,
        rotates_guid=rotates_guid,
        bare_array=bare_array,
        error_http_status=error_http_status,
        delays_s=iter(delays_s),
        guids=guids,
    )
    return Starlette(
        routes=[
            Route(RESOURCE + "/agentconf/{agentid}/queryconfinfos", twin.query_conferences, methods=["POST"]),
            Route(RESOURCE + "/onlineagent/{agentid}/updateGuid", twin.update_guid, methods=["PUT"]),
        ]
    )


def emulator_settings(world: World) -> dict[str, object]:
    """The source settings that the twin accepts: the conferences that go on at the world's anchor, or begin soon."""
    coming = world.between("huawei", world.anchor, world.anchor + COMING)
    known = [*world.live("huawei", world.anchor), *(conference for conference in coming if conference.start)]
    conf_ids = list(dict.fromkeys(FIRST_CONF_ID + conference.serial for conference in known))
    return {"agent_id": SANDBOX_AGENT_ID, "guid": SANDBOX_GUID, "conf_ids": conf_ids[:MOST_CONF_IDS]}


class Guids:
    """The signed-in agent's guid, and the one before it for as long as that is good."""

    def __init__(self, ttl_s: float | None) -> None:
        self.ttl_s = ttl_s
        self.former: str | None = None
        self.current = SANDBOX_GUID
        self.issued = clock.now()

    def use(self, guid: str | None) -> None:
        """Refuse a wrong or expired guid; a former one is good once."""
        if self.ttl_s is not None and clock.now() - self.issued >= timedelta(seconds=self.ttl_s):
            raise RefusedError(NOT_SIGNED_IN, "The agent has not signed in")
        if guid != self.current:
            if guid is None or guid != self.former:
                raise RefusedError(NOT_SIGNED_IN, "The agent has not signed in")
            self.former = None

    def renew(self, *, keeps_former: bool) -> str:
        """Issue a new guid. The one it replaces is good once more, or not at all."""
        self.former = self.current if keeps_former else None
        self.current = f"{uuid4()}.AgentGateway1"
        self.issued = clock.now()
        return self.current


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The endpoints. Options: `create_emulator`."""

    world: World
    documented: Mapping[str, Any]
    page_cap: int
    rotates_guid: bool
    bare_array: bool
    error_http_status: int
    delays_s: Iterator[float]
    guids: Guids

    async def query_conferences(self, request: Request) -> Response:
        """Answer with those of the conferences asked for that are going on; the others are silently left out."""
        try:
            self.sign_in(request)
            confs = self.running(parse_conf_ids(request, await request.body(), self.page_cap))
        except RefusedError as refused:
            return self.refuse(refused)
        content = {"message": "", "retcode": OK, "result": confs if self.bare_array else {"confs": confs}}
        answer = JSONResponse(self.documented.get("queryconfinfos", content))
        if self.rotates_guid:
            # Whoever came with the former guid is told the current one: renewing would strand its owner.
            is_current = request.headers.get("guid") == self.guids.current
            answer.headers["Set-GUID"] = self.guids.renew(keeps_former=True) if is_current else self.guids.current
        await clock.sleep(next(self.delays_s, 0.0))
        return answer

    async def update_guid(self, request: Request) -> Response:
        """Replace the guid; the old one dies."""
        try:
            self.sign_in(request)
        except RefusedError as refused:
            return self.refuse(refused)
        guid = self.guids.renew(keeps_former=False)
        return JSONResponse({"message": "success", "retcode": OK, "result": {"guid": guid}})

    def refuse(self, refused: RefusedError) -> Response:
        """Answer a refusal."""
        return JSONResponse({"message": str(refused), "retcode": refused.code}, self.error_http_status)

    def sign_in(self, request: Request) -> None:
        """Refuse who is not the signed-in agent."""
        if request.path_params["agentid"] != SANDBOX_AGENT_ID:
            raise RefusedError(NO_PERMISSION, "No permission")
        self.guids.use(request.headers.get("guid"))

    def running(self, conf_ids: list[int]) -> list[Body]:
        """Write the conferences that are going on, in no useful order."""
        now = clock.now()
        rows = []
        for conf_id in sorted(set(conf_ids), key=scramble):
            conference = self.world.get("huawei", conf_id - FIRST_CONF_ID) if conf_id >= FIRST_CONF_ID else None
            if conference is not None and conference.phase(now) is Phase.LIVE and conference.start is not None:
                rows.append(to_row(conference, conference.start, now))
        return rows


def parse_conf_ids(request: Request, content: bytes, cap: int) -> list[int]:
    """Read the ids asked for; the array is required, and to ask for nothing is taken for leaving it out."""
    bad = RefusedError(BAD_MESSAGE, "The message parameter is incorrect")
    if parse_media_type(request.headers) != ("application/json", "charset=utf-8"):
        raise bad
    conf_ids = parse_body(content, bad).get("confIds")
    if not isinstance(conf_ids, list) or not 0 < len(conf_ids) <= cap or {type(it) for it in conf_ids} != {int}:
        raise RefusedError(BAD_PARAMETER, "Invalid parameter confIds")
    return conf_ids


def to_row(conference: WorldConference, start: datetime, now: datetime) -> Body:
    """Write a conference and who is in it now; the chair may stand anywhere."""
    present = sorted(present_in(conference, now), key=lambda a: scramble(conference.serial + a.ordinal))
    return {
        "confId": FIRST_CONF_ID + conference.serial,
        "confState": int(now - start < WELCOME),
        "startTime": to_ms(start),
        "applyConfTime": planned_duration(conference) // timedelta(minutes=1),
        "confHaveBeenTime": (now - start) // timedelta(minutes=1),
        "addresses": [to_address(attendance) for attendance in present],
    }


def to_address(attendance: WorldAttendance) -> Body:
    """Write who is in a conference, by agent id or telephone number."""
    is_agent = attendance.client == "AGENT"
    return {
        "addressType": "9" if is_agent else "6",
        "address": str(attendance.person.agent_id) if is_agent else attendance.person.phone,
        "deviceCallType": 0,
        "deviceType": DEVICES.get(attendance.client, 0),
        "channelAttrib": MEDIA[attendance.media],
        "channelState": int(attendance.is_on_hold),
        "role": int(attendance.is_chair),
        "enterTime": to_ms(attendance.join),
    }
