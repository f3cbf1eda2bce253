"""Stock Strawberry over httpx, as its documentation would have one write it: a class per type, a client, dataclasses.

With CACHE=1 it has what Strawberry offers of caches: of parsed and of validated documents. It has none of answers.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import stock_vendors
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from stock_vendors import wall
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache


class ConferenceState(Enum):
    """Where a conference stands."""

    SCHEDULED = 1
    LIVE = 2
    ENDED = 3
    CANCELLED = 4
    EXPIRED = 6
    UNKNOWN = 0


class ClientType(Enum):
    """What somebody joined with."""

    UNKNOWN = 0
    TV = 1
    IOS = 2
    ANDROID = 3
    WINDOWS = 4
    MAC = 5
    WEB = 6
    SIP = 7
    LINUX = 8


strawberry.enum(ConferenceState)
strawberry.enum(ClientType)


@strawberry.input
class TimeRange:
    """Half-open."""

    from_: datetime = strawberry.field(name="from")
    to: datetime


@strawberry.input
class ConferenceFilter:
    """Which conferences."""

    during: TimeRange
    sources: list[str] | None = None


@strawberry.type
class Person:
    """Who."""

    account_id: str | None = None
    name: str | None = None


@strawberry.type
class Organization:
    """An agent, a company, a department."""

    vendor_id: str | None
    name: str | None


@strawberry.type
class Room:
    """Where."""

    name: str | None
    capacity: int | None


@strawberry.type
class Member:
    """Who joined."""

    id: strawberry.ID
    account_id: str | None
    display_name: str | None
    joined_at: datetime | None
    left_at: datetime | None
    duration_seconds: int | None
    client_type: ClientType


@strawberry.type
class MemberConnection:
    """Some of them."""

    nodes: list[Member]


@strawberry.federation.type(keys=["id", "sourceName vendorId"])
class Conference:
    """One conference."""

    id: strawberry.ID
    source_name: str
    vendor_id: str
    state: ConferenceState
    started_at: datetime
    number: str | None = None
    title: str | None = None
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    member_count: int | None = None
    peak_member_count: int | None = None
    error_code: int | None = None
    error_info: str | None = None
    host: Person | None = None
    creator: Person | None = None
    agent: Organization | None = None
    company: Organization | None = None
    department: Organization | None = None
    room: Room | None = None

    @strawberry.field
    async def members(self, first: int | None = None) -> MemberConnection:  # noqa: ARG002 - there are three
        """Who joined."""
        if self.source_name != "netease":
            return MemberConnection(nodes=[])
        row = await stock_vendors.netease_detail(self.vendor_id)
        nodes = [
            Member(
                id=strawberry.ID(encoded(f"Member:netease:{self.vendor_id}:{it['id']}")),
                account_id=it["accountId"],
                display_name=it["nickname"] or None,
                joined_at=wall(it["joinTime"]),
                left_at=wall(it["exitTime"]),
                duration_seconds=it["duration"],
                client_type=ClientType(it["clientType"]),
            )
            for it in row["members"]
        ]
        return MemberConnection(nodes=sorted(nodes, key=lambda it: it.joined_at or datetime.min.replace(tzinfo=UTC)))

    @classmethod
    async def resolve_reference(cls, sourceName: str, vendorId: str) -> "Conference":  # noqa: N803 - Strawberry's way
        """By the vendor's key."""
        if sourceName != "netease":
            raise ValueError(f"{sourceName} has no look-up by id")
        return meeting(await stock_vendors.netease_detail(vendorId))


@strawberry.type
class PageInfo:
    """Where a page stands."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class ConferenceEdge:
    """One of a page."""

    cursor: str
    node: Conference


@strawberry.type
class ConferenceConnection:
    """A page."""

    edges: list[ConferenceEdge]
    page_info: PageInfo
    total_count: int | None


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    async def conferences(self, filter: ConferenceFilter, first: int) -> ConferenceConnection:  # noqa: A002
        """The first page: each source's range read whole, merged, newest first, and cut."""
        during = filter.during
        lists = await asyncio.gather(*(LISTS[name](during) for name in filter.sources or LISTS))
        rows = [row for found in lists for row in found if during.from_ <= row.started_at < during.to]
        rows.sort(key=lambda row: (row.started_at, row.source_name, row.vendor_id), reverse=True)
        edges = [
            ConferenceEdge(cursor=encoded(f"{row.started_at.timestamp()}:{row.source_name}:{row.vendor_id}"), node=row)
            for row in rows[:first]
        ]
        page_info = PageInfo(
            has_next_page=len(rows) > first,
            has_previous_page=False,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return ConferenceConnection(edges=edges, page_info=page_info, total_count=len(rows))


# ---- from a vendor's rows -----------------------------------------------------------------------


async def hexmeet(during: TimeRange) -> list[Conference]:
    """HexMeet's conferences of a range."""
    return [
        Conference(
            **keys("hexmeet", row["conf_guid"]),
            state=ConferenceState.ENDED,
            number=row["conf_number"],
            title=row["conf_name"] or None,
            started_at=datetime.fromisoformat(row["startTime"]).astimezone(UTC),
            ended_at=datetime.fromisoformat(row["endTime"]).astimezone(UTC),
            duration_seconds=row["duration"],
            peak_member_count=row["max_party_count"],
            error_code=row["error_code"],
            error_info=row["error_info"] or None,
            host=Person(name=row["host"]) if row["host"] else None,
            agent=Organization(vendor_id=str(row["agent_id"]), name=row["agent"]),
            company=Organization(vendor_id=str(row["company_id"]), name=row["company"]),
            department=Organization(vendor_id=str(row["department_id"]), name=row["department"]),
            room=Room(name=row["room_name"], capacity=row["capacity"]),
        )
        for row in await stock_vendors.hexmeet(during.from_, during.to)
    ]


async def netease(during: TimeRange) -> list[Conference]:
    """NetEase's meetings of a range."""
    return [meeting(row) for row in await stock_vendors.netease(during.from_, during.to)]


def meeting(row: dict[str, Any]) -> Conference:
    """A row of NetEase's list or detail."""
    host, creator = row.get("hostAccountId"), row.get("creatorAccountId")
    return Conference(
        **keys("netease", str(row["meetingUniqueId"])),
        state=ConferenceState.ENDED if row["status"] == 5 else ConferenceState(row["status"]),
        number=str(row["meetingId"]),
        title=row["subject"] or None,
        started_at=wall(row["realStartTime"]),
        ended_at=wall(row["realEndTime"]),
        duration_seconds=row["duration"],
        member_count=row["memberCount"],
        peak_member_count=row["peakNum"] or None,
        host=Person(account_id=host) if host else None,
        creator=Person(account_id=creator) if creator else None,
    )


async def systec(during: TimeRange) -> list[Conference]:
    """SYSTEC's meetings of the days that hold a range."""
    return [
        Conference(
            **keys("systec", row["uuid"]),
            state=ConferenceState.ENDED,
            number=row["meeting_id"],
            title=row["topic"] or None,
            started_at=wall(row["start_time"]),
            ended_at=wall(row["end_time"]),
            duration_seconds=int((wall(row["end_time"]) - wall(row["start_time"])).total_seconds()),
        )
        for row in await stock_vendors.systec(during.from_, during.to)
    ]


async def quanshi(_during: TimeRange) -> list[Conference]:
    """Quanshi's conferences that go on."""
    return [
        Conference(
            **keys("quanshi", row["conferenceId"]),
            state=ConferenceState.LIVE,
            title=row["confName"] or None,
            started_at=datetime.fromtimestamp(row["startTime"], UTC),
            host=Person(name=row["hostName"], account_id=str(row["hostId"])),
            department=Organization(vendor_id=str(row["hostOrgId"]), name=row["hostOrgName"]),
        )
        for row in await stock_vendors.quanshi()
    ]


async def huawei(_during: TimeRange) -> list[Conference]:
    """Huawei's conferences that go on, of the ids that are known."""
    conferences = []
    for row in await stock_vendors.huawei():
        chair = next((it for it in row["addresses"] if it["role"] == 1 and it["addressType"] == "9"), None)
        conferences.append(
            Conference(
                **keys("huawei", str(row["confId"])),
                state=ConferenceState.LIVE,
                started_at=datetime.fromtimestamp(row["startTime"] / 1000, UTC),
                host=Person(account_id=chair["address"]) if chair else None,
            )
        )
    return conferences


LISTS = {"hexmeet": hexmeet, "huawei": huawei, "netease": netease, "quanshi": quanshi, "systec": systec}


def keys(source: str, vendor_id: str) -> dict[str, Any]:
    """What every conference is known by."""
    return {"id": encoded(f"Conference:{source}:{vendor_id}"), "source_name": source, "vendor_id": vendor_id}


def encoded(text: str) -> str:
    """An opaque text."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Close the client at the end."""
    yield
    await stock_vendors.http.aclose()


extensions: list[type[SchemaExtension]] = [ParserCache, ValidationCache] if os.environ.get("CACHE") else []
schema = strawberry.federation.Schema(query=Query, types=[Conference], extensions=extensions)
app = Starlette(routes=[Route("/graphql", GraphQL[None, None](schema))], lifespan=lifespan)


class Server(uvicorn.Server):
    """One that says where it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Say it."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}", flush=True)


if __name__ == "__main__":
    Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False)).run()
