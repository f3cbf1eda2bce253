"""NetEase's twin: the four statistics reports over the seeded world, as the documents word them.

Source: contracts.md 2. Where they are silent, the choice stands beside the line that makes it.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph import clock
from graph.paging.windows import EPOCH
from graph.sandbox.world import LEAD, LONGEST, Phase, World, WorldConference
from graph.vendors.netease.emulator_rows import (
    FIRST_UNIQUE_ID,
    ZONE,
    TimeFilter,
    duration_of,
    filtered_times,
    real_times,
    status_of,
    to_member,
    to_row,
)
from graph.vendors.twin import (
    Body,
    RefusedError,
    documented_page,
    is_in,
    parse_body,
    parse_int,
    parse_media_type,
    scramble,
    to_ms,
)

SANDBOX_APP_KEY = "sandbox-app-key"
SANDBOX_APP_SECRET = "sandbox-app-secret"  # noqa: S105 - made up, opens nothing but the sandbox
SANDBOX_ACCOUNT_ID = "1160000000000001"  # the only one that the header accountId may name

PREFIX = "/v1/statistic/meeting/"
DAY = timedelta(days=1)
SKEW_S = 60
DEFAULT_PAGE_SIZE = 10

OK, BAD_PARAMETER, EMPTY_PARAMETER, BAD_HEADER, BAD_CHARSET = 200, 300, 301, 302, 303
NOT_AUTHENTICATED, NO_SUCH_ACCOUNT, NO_SUCH_MEETING = 401, 1014, 2000

# How far before and after the asked range the sort time of a matching row may lie.
REACH = {
    "start": (timedelta(0), timedelta(0)),
    "end": (LONGEST, timedelta(0)),
    "overlap": (LONGEST, timedelta(0)),
    "creation": (timedelta(0), LEAD),
}
EARLY_OR_LATE = timedelta(hours=1)  # a meeting yet to begin is listed by its booking, the world has its start


def create_emulator(
    world: World,
    *,
    documented: Mapping[str, Any] | None = None,
    page_cap: int = 100,
    time_filter: TimeFilter = "start",
    end_is_inclusive: bool = False,
    repeats_rows: bool = False,
    error_http_status: int = 200,
    realtime_path: str | None = None,
    daily_duration_unit: Literal["ms", "s"] = "ms",
    unknown_detail: Literal["code", "empty"] = "code",
    details_vanish: bool = False,
    clock_ahead_s: float = 0,
) -> Starlette:
    """Make the twin.

    Args:
        world: What is going on.
        documented: Bodies to answer instead, by report: realtime, getByTimeRange, list, detail.
        page_cap: The largest page size taken.
        time_filter: Which time of a meeting the range filters.
        end_is_inclusive: The range includes its end.
        repeats_rows: Every page carries its first row once more, last.
        error_http_status: The HTTP status of refusals.
        realtime_path: Where the counters live; None: at the list's path, for a body without startTime.
        daily_duration_unit: The unit of getByTimeRange's durations.
        unknown_detail: An unknown meeting is answered with code 2000, or with no element.
        details_vanish: No meeting's detail is known, though the list has it.
        clock_ahead_s: How far the clock that signatures are judged by is ahead; below zero it is behind.
    """
    twin = Twin(
        world=world,
        documented=documented or {},
        page_cap=page_cap,
        time_filter=time_filter,
        end_is_inclusive=end_is_inclusive,
        repeats_rows=repeats_rows,
        error_http_status=error_http_status,
        realtime_path=realtime_path,
        daily_duration_unit=daily_duration_unit,
        unknown_detail=unknown_detail,
        details_vanish=details_vanish,
        clock_ahead=timedelta(seconds=clock_ahead_s),
    )
    routes = [
        Route(PREFIX + "list", twin.endpoint(twin.list_meetings), methods=["POST"]),
        Route(PREFIX + "getByTimeRange", twin.endpoint(twin.count_days), methods=["POST"]),
        Route(PREFIX + "detail", twin.endpoint(twin.show_detail), methods=["POST"]),
    ]
    if realtime_path is not None:
        routes.append(Route(realtime_path, twin.endpoint(twin.count_live), methods=["POST"]))
    return Starlette(routes=routes)


def emulator_settings(world: World) -> dict[str, object]:
    """The source settings that the twin accepts."""
    del world
    return {"app_key": SANDBOX_APP_KEY, "app_secret": SANDBOX_APP_SECRET}


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The reports: each takes a body and gives an answer, which `endpoint` completes. Options: `create_emulator`."""

    world: World
    documented: Mapping[str, Any]
    page_cap: int
    time_filter: TimeFilter
    end_is_inclusive: bool
    repeats_rows: bool
    error_http_status: int
    realtime_path: str | None
    daily_duration_unit: Literal["ms", "s"]
    unknown_detail: Literal["code", "empty"]
    details_vanish: bool
    clock_ahead: timedelta
    settled_days: dict[datetime, Body] = field(default_factory=dict)

    def endpoint(self, report: Callable[[Body], Awaitable[Body]]) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a report in the checks and the envelope that all of them share."""

        async def answer(request: Request) -> Response:
            began = clock.monotonic()
            status = 200
            try:
                check_headers(request.headers, clock.now() + self.clock_ahead)
                bad = RefusedError(BAD_PARAMETER, "请求参数错误")
                content = await report(parse_body(await request.body(), bad))
            except RefusedError as refused:
                content = {"code": refused.code, "msg": str(refused)}
                status = self.error_http_status
            if "requestId" not in content:
                content["requestId"] = f"mc_{uuid4().hex}"
                content["costTime"] = f"{round((clock.monotonic() - began) * 1000)}ms"
            return JSONResponse(content, status)

        return answer

    # ---- the reports ----------------------------------------------------------------------------

    async def count_live(self, body: Body) -> Body:
        """Count the meetings going on and the people in them."""
        del body
        if "realtime" in self.documented:
            return dict(self.documented["realtime"])
        now = clock.now()
        live = self.world.live("netease", now)
        people = sum(len({a.person.account_id for a in conference.attendances if is_in(a, now)}) for conference in live)
        return {"code": OK, "ret": {"inMeetingCount": len(live), "inMeetingMemberCount": people}}

    async def count_days(self, body: Body) -> Body:
        """Count the meetings that began in a range, per +08:00 day; days without any are left out."""
        start, end = self.parse_range(body)
        if "getByTimeRange" in self.documented:
            return dict(self.documented["getByTimeRange"])
        days = [day async for day in self.days(start, end) if day["meetingCount"]]
        ret = {
            "sumMeetingCount": sum(day["meetingCount"] for day in days),
            "sumMeetingDuration": sum(day["meetingDuration"] for day in days),
            "sumMeetingMemberCount": sum(day["meetingMemberCount"] for day in days),
            "details": days,
        }
        return {"code": OK, "ret": ret}

    async def list_meetings(self, body: Body) -> Body:
        """List a page of the meetings of a range; without startTime, count what is going on."""
        now = clock.now()
        if "startTime" not in body:
            if self.realtime_path is None:
                return await self.count_live(body)
            # The list's answer to a body without a range is not known: the last day is as good as any.
            body = {**body, "startTime": to_ms(now - DAY), "endTime": to_ms(now)}
        start, end = self.parse_range(body)
        index = parse_int(body, "pageIndex", 1, BAD_PARAMETER)
        size = parse_int(body, "pageSize", DEFAULT_PAGE_SIZE, BAD_PARAMETER)
        if index < 1 or not 1 <= size <= self.page_cap:
            raise RefusedError(BAD_PARAMETER, "分页参数错误")
        statuses = parse_statuses(body)
        if "list" in self.documented:
            return documented_page(self.documented["list"], "ret", "list", is_first=index == 1)
        found = [c for c in self.matching(start, end, now) if statuses is None or status_of(c, now) in statuses]
        found.sort(key=lambda c: scramble(c.serial))
        offset = (index - 1) * size
        rows = [to_row(conference, now) for conference in found[offset : offset + size]]
        if self.repeats_rows:
            rows += rows[:1]
        query = {
            "DEFAULT_PAGE_SIZE": DEFAULT_PAGE_SIZE,
            "DEFAULT_PAGE_INDEX": 1,
            "DEFAULT_TOTAL_PAGE_COUNT": 1,
            "DEFAULT_TOTAL_COUNT": 0,
            "DEFAULT_OFFSET": 0,
            "pageSize": size,
            "pageIndex": index,
            "totalPageCount": max(1, -(-len(found) // size)),
            "totalCount": len(found),
            "offset": offset,
            "limit": size,
        }
        return {"code": OK, "ret": {"query": query, "list": rows}}

    async def show_detail(self, body: Body) -> Body:
        """Show one meeting with those who joined."""
        if "meetingUniqueId" not in body:
            raise RefusedError(EMPTY_PARAMETER, "meetingUniqueId 不能为空")
        unique_id = parse_int(body, "meetingUniqueId", 0, BAD_PARAMETER)
        if "detail" in self.documented:
            return dict(self.documented["detail"])
        now = clock.now()
        conference = self.world.get("netease", unique_id - FIRST_UNIQUE_ID) if unique_id >= FIRST_UNIQUE_ID else None
        if conference is None or conference.phase(now) is Phase.UNBORN or self.details_vanish:
            if self.unknown_detail == "empty":
                return {"code": OK, "ret": []}
            raise RefusedError(NO_SUCH_MEETING, "会议不存在")
        row = to_row(conference, now)
        row.pop("creatorAccountId")
        row.pop("hostAccountId", None)
        members = [to_member(unique_id, a, now) for a in conference.attendances if a.join <= now]
        row["members"] = sorted(members, key=lambda member: scramble(member["id"]))
        return {"code": OK, "ret": [row]}

    def parse_range(self, body: Body) -> tuple[datetime, datetime]:
        """Read startTime and endTime, epoch milliseconds, as a half-open range."""
        for key in ("startTime", "endTime"):
            if key not in body:
                raise RefusedError(EMPTY_PARAMETER, f"{key} 不能为空")
        start, end = (parse_int(body, key, 0, BAD_PARAMETER) for key in ("startTime", "endTime"))
        if not 0 <= start <= end < 10**13:
            raise RefusedError(BAD_PARAMETER, "时间范围错误")
        return EPOCH + timedelta(milliseconds=start), EPOCH + timedelta(milliseconds=end + self.end_is_inclusive)

    # ---- what of the world they show ------------------------------------------------------------

    def matching(self, start: datetime, end: datetime, now: datetime) -> Iterator[WorldConference]:
        """Find the meetings known by now that a range selects."""
        before, after = REACH[self.time_filter]
        for conference in self.world.between("netease", start - before - EARLY_OR_LATE, end + after + EARLY_OR_LATE):
            if conference.phase(now) is Phase.UNBORN:
                continue
            first, last = filtered_times(conference, self.time_filter, now)
            if first < end and (last > start or first >= start):
                yield conference

    async def days(self, start: datetime, end: datetime) -> AsyncIterator[Body]:
        """Count day by day, remembering the days that cannot change any more: a large world takes its time."""
        now = clock.now()
        start = max(start, self.world.anchor - timedelta(days=self.world.days + 2))
        end = min(end, now + timedelta(microseconds=1))
        midnight = start.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        while midnight < end:
            following = midnight + DAY
            if start <= midnight and following <= end and following + LONGEST <= now:
                if midnight not in self.settled_days:
                    self.settled_days[midnight] = self.count_day(midnight, midnight, following, now)
                    await asyncio.sleep(0)  # let others be served in between
                yield self.settled_days[midnight]
            else:
                yield self.count_day(midnight, max(start, midnight), min(end, following), now)
            midnight = following

    def count_day(self, midnight: datetime, start: datetime, end: datetime, now: datetime) -> Body:
        """Count the meetings that began within a part of a day; people at once are those of these meetings."""
        held = [c for c in self.world.between("netease", start, end) if real_times(c, now)[0] is not None]
        joined = [a for conference in held for a in conference.attendances if a.join <= now]
        # At one instant, leaving comes before joining.
        steps = sorted([(a.join, 1) for a in joined] + [(a.leave, -1) for a in joined])
        present = peak = 0
        for _, step in steps:
            present += step
            peak = max(peak, present)
        unit = 1000 if self.daily_duration_unit == "ms" else 1
        return {
            "date": to_ms(midnight),
            "meetingCount": len(held),
            "meetingDuration": sum(duration_of(conference, now) for conference in held) * unit,
            "meetingMemberCount": len(joined),
            "peakNum": peak,
        }


# ---- requests -------------------------------------------------------------------------------------


def check_headers(headers: Headers, now: datetime) -> None:
    """Refuse what is not signed, or not now, or not JSON in UTF-8."""
    media_type, parameters = parse_media_type(headers)
    if media_type != "application/json":
        raise RefusedError(BAD_HEADER, "Content-Type 错误")
    if parameters != "charset=utf-8":
        raise RefusedError(BAD_CHARSET, "字符集错误")
    nonce, cur_time = headers.get("nonce", ""), headers.get("curtime", "")
    signed = hashlib.sha1(f"{SANDBOX_APP_SECRET}{nonce}{cur_time}".encode())  # noqa: S324 - the vendor's choice
    is_genuine = hmac.compare_digest(signed.hexdigest().encode(), headers.get("checksum", "").encode())
    if headers.get("appkey") != SANDBOX_APP_KEY or not is_genuine or not nonce or len(nonce) > 128:
        raise RefusedError(NOT_AUTHENTICATED, "请求未通过验证")
    if not (cur_time.isascii() and cur_time.isdigit() and len(cur_time) < 20):
        raise RefusedError(BAD_HEADER, "CurTime 错误")
    if abs(now.timestamp() - int(cur_time)) > SKEW_S:
        raise RefusedError(NOT_AUTHENTICATED, "签名已过期")
    if headers.get("accountid", SANDBOX_ACCOUNT_ID) != SANDBOX_ACCOUNT_ID:
        raise RefusedError(NO_SUCH_ACCOUNT, "账号不存在")


def parse_statuses(body: Body) -> frozenset[int] | None:
    """Read the status filter, numbers with commas between; None is all."""
    value = body.get("status", "")
    if value == "":
        return None
    if not isinstance(value, str) or not set(value.split(",")) <= set("012345"):
        raise RefusedError(BAD_PARAMETER, "status 错误")
    return frozenset(int(part) for part in value.split(","))
