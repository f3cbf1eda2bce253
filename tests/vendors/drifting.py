"""Each report of each vendor by one row of its documented body, so that the row can be spoilt in the same ways."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from accounts import NETEASE_DAY, SYSTEC_DAY, netease, systec
from conftest import sample
from recorder import Recorder
from vendors import huawei_app, quanshi_app
from vendors.hexmeet_app import NOW, hexmeet

from graph.paging.rows import Rows, Slice
from graph.paging.windows import Window
from graph.records import Conference, McuKind, RegionMeasure
from graph.vendors.base import Adapter, ConferenceQuery, Extras

SECRET = "张三 13910001021"
WEEK = Window(NOW - timedelta(days=7), NOW)
MEMBERS = Extras(members=True)
Open = Callable[[Any], AbstractAsyncContextManager[Adapter]]


# ---- sources that always answer the same body -------------------------------------------------------


@contextlib.asynccontextmanager
async def at_hexmeet(body: Any) -> AsyncIterator[Adapter]:
    kinds = ["term_conf", "term_call", "term", "term_datehistgram", "term_region", "datehistgram"]
    async with hexmeet({f"{kind}_stats": lambda _: body for kind in kinds}) as (adapter, _):
        yield adapter


@contextlib.asynccontextmanager
async def at_netease(body: Any) -> AsyncIterator[Adapter]:
    async with netease(Recorder(body)) as adapter:
        yield adapter


@contextlib.asynccontextmanager
async def at_systec(body: Any) -> AsyncIterator[Adapter]:
    async with systec(Recorder(body)) as adapter:
        yield adapter


@contextlib.asynccontextmanager
async def at_quanshi(body: Any) -> AsyncIterator[Adapter]:
    async with quanshi_app.connected(lambda _: body) as (adapter, _):
        yield adapter


@contextlib.asynccontextmanager
async def at_huawei(body: Any) -> AsyncIterator[Adapter]:
    async with huawei_app.connected(lambda _: body, conf_ids=[1029888, 1, 2, 3]) as (adapter, _):
        yield adapter


# ---- what is read of it -----------------------------------------------------------------------------


async def listed(adapter: Adapter, window: Window = WEEK, extras: Extras = MEMBERS) -> Slice[Conference]:
    return await adapter.list_conferences(ConferenceQuery(window, extras))


async def members_of(adapter: Adapter, conference: object) -> Any:
    """The members as they are read by themselves; those that came along are all of them, or none."""
    assert isinstance(conference, Conference)
    (found,) = await adapter.read_members([conference])
    assert not isinstance(found, Exception)
    assert conference.members == (None if Rows.missing_from(found) else found)
    return found


async def detailed_members(adapter: Adapter) -> Any:
    (conference,) = await adapter.get_conferences(["21908"], MEMBERS)
    return await members_of(adapter, conference)


async def listed_members(adapter: Adapter) -> Any:
    (conference,) = (await listed(adapter, SYSTEC_DAY)).rows
    found = await members_of(adapter, conference)
    assert (conference.member_count is None) == bool(Rows.missing_from(found))
    return found


async def live_members(adapter: Adapter) -> Any:
    (conference,) = await adapter.list_live(MEMBERS)
    found = await members_of(adapter, conference)
    assert (conference.member_count is None) == bool(Rows.missing_from(found))
    return found


@dataclass(frozen=True)
class Report:
    """One report, with the names of some fields of its rows; empty where they have none of the kind.

    Attributes:
        sample: The documented body.
        rows: Where its rows are.
        open: A source that answers a body.
        read: Reads the rows.
        key: Tells rows apart,
        keys: by such values.
        required: Must be there and fit.
        optional: Is none where it does not fit.
        enum: A number of which all are documented.
    """

    sample: str
    rows: str
    open: Open
    read: Callable[[Adapter], Awaitable[Any]]
    key: str
    keys: tuple[Any, Any, Any] = ("a", "b", "c")
    required: str = ""
    optional: str = ""
    enum: str = ""

    def __str__(self) -> str:
        return f"{self.sample} {self.rows}"

    @property
    def place(self) -> str:
        """Where a row stands, as drift names it."""
        return "$." + re.sub(r"\.0", "[]", self.rows) + "[]"

    def body(self, *rows: Any, **fields: Any) -> Any:
        """The documented body with other rows, and with fields beside."""
        body = sample(self.sample)
        *steps, last = (int(step) if step.isdigit() else step for step in self.rows.split("."))
        place = body
        for step in steps:
            place = place[step]
        place[last] = list(rows)
        return {**body, **fields}

    def row(self, number: int, **changes: Any) -> Any:
        """The documented row with another key and some changes; `...` takes a field away."""
        row: Any = sample(self.sample)
        for step in [*self.rows.split("."), "0"]:
            row = row[int(step) if step.isdigit() else step]
        return {k: v for k, v in {**row, self.key: self.keys[number], **changes}.items() if v is not ...}

    async def found(self, body: Any) -> tuple[list[Any], int, dict[str, str]]:
        """The records read of a body, how many rows were left out, and what was observed."""
        async with self.open(body) as adapter:
            adapter.client.drift.looks_at_all = True
            with structlog.testing.capture_logs() as lines:
                found = await self.read(adapter)
        drift = {it.field: it.kind for it in adapter.client.drift.observed()}
        told = [line for line in lines if line["event"] == "contract drift"]
        assert {line["field"]: line["kind"] for line in told} == drift
        assert not [word for word in (*SECRET.split(), "刘冲", "zhouhost", "+86") if word in str(lines)]
        rows, left_out = (found.rows, found.left_out) if isinstance(found, Slice) else (found, found.left_out)
        return list(rows), left_out, drift


HEX_CONF = Report(
    "hexmeet-term_conf_stats", "buckets", at_hexmeet, listed, "conf_guid", required="duration", optional="capacity"
)
HEX_CALL = Report(
    "hexmeet-term_call_stats",
    "buckets",
    at_hexmeet,
    lambda adapter: adapter.list_calls(WEEK),
    "call_guid",
    required="conf_guid",
    optional="call_rate",
)
HEX_ROOM = Report(
    "hexmeet-term_stats",
    "buckets",
    at_hexmeet,
    lambda adapter: adapter.list_rooms(WEEK),
    "name",
    required="key",
    optional="avg",
)
HEX_MCU = Report(
    "hexmeet-term_datehistgram_stats",
    "buckets",
    at_hexmeet,
    lambda adapter: adapter.list_mcu_reports(McuKind.MRU, WEEK),
    "key",
    required="buckets",
    optional="video_used",
)
HEX_REGION = Report(
    "hexmeet-term_region_stats",
    "buckets",
    at_hexmeet,
    lambda adapter: adapter.list_regions(RegionMeasure.ISSUED_CALLS, WEEK),
    "key",
    required="count",
)
NE_LIST = Report(
    "netease-list",
    "ret.list",
    at_netease,
    lambda adapter: listed(adapter, NETEASE_DAY),
    "meetingUniqueId",
    (1, 2, 3),
    required="meetingCreateTime",
    optional="peakNum",
    enum="status",
)
NE_MEMBERS = Report(
    "netease-detail",
    "ret.0.members",
    at_netease,
    detailed_members,
    "nickname",
    required="id",
    optional="accountId",
    enum="clientType",
)
SYS_LIST = Report(
    "systec-detail",
    "data.meetings",
    at_systec,
    lambda adapter: listed(adapter, SYSTEC_DAY),
    "uuid",
    required="start_time",
    optional="topic",
)
SYS_MEMBERS = Report(
    "systec-detail", "data.meetings.0.participants", at_systec, listed_members, "name", optional="leave_time"
)
SYS_CALLS = Report(
    "systec-detail",
    "data.meetings.0.telephony_usage",
    at_systec,
    lambda adapter: adapter.list_calls(SYSTEC_DAY),
    "phone_number",
    optional="total",
)
QS_LIST = Report(
    "quanshi-listbystatus",
    "result.confList",
    at_quanshi,
    lambda adapter: adapter.list_live(Extras()),
    "conferenceId",
    required="attendeeCnt",
    optional="hostName",
    enum="status",
)
HW_LIST = Report(
    "huawei-queryconfinfos",
    "result.confs",
    at_huawei,
    lambda adapter: adapter.list_live(Extras()),
    "confId",
    (1, 2, 3),
    required="startTime",
    optional="applyConfTime",
    enum="confState",
)
HW_MEMBERS = Report(
    "huawei-queryconfinfos",
    "result.confs.0.addresses",
    at_huawei,
    live_members,
    "address",
    required="addressType",
    optional="channelState",
    enum="role",
)
REPORTS = [
    *(HEX_CONF, HEX_CALL, HEX_ROOM, HEX_MCU, HEX_REGION, NE_LIST, NE_MEMBERS),
    *(SYS_LIST, SYS_MEMBERS, SYS_CALLS, QS_LIST, HW_LIST, HW_MEMBERS),
]
