"""No GraphQL at all: Starlette, aiohttp and orjson, and one route that knows which answer is wanted.

This is what reading a page of HexMeet and writing it out again costs in Python.
"""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

URL = os.environ["VENDOR_URL"] + "/report/agg/term_conf_stats?domainId=null"
LOCAL = {"agent_id": 101376, "company_id": 31314944, "dept_id": 33931264, "guid": "", "token": "token"}
FIXED = LOCAL | {"time_zone": "+08:00", "size": 1000, "scroll_timeout": "5s"}


async def page(request: Request) -> Response:
    """The first page of HexMeet, as a GraphQL server answers it."""
    variables = orjson.loads(await request.body())["variables"]
    during, first = variables["filter"]["during"], variables["first"]
    rows = []
    body: dict[str, Any] = FIXED | {"start_time": during["from"], "end_time": during["to"]}
    while True:
        answer = await request.app.state.http.post(
            URL, data=orjson.dumps(body), headers={"content-type": "application/json"}
        )
        found = orjson.loads(await answer.read())
        rows += found["buckets"]
        if not found["buckets"] or len(rows) >= found["total"]:
            break
        body["scrollid"] = found["scrollid"]
    edges = sorted(map(edge, rows), key=lambda it: (it["node"]["startedAt"], it["node"]["vendorId"]), reverse=True)
    info = {
        "hasNextPage": len(edges) > first,
        "hasPreviousPage": False,
        "startCursor": edges[0]["cursor"] if edges else None,
        "endCursor": edges[:first][-1]["cursor"] if edges else None,
    }
    connection = {"totalCount": len(rows), "pageInfo": info, "edges": edges[:first]}
    text = orjson.dumps({"data": {"conferences": connection}}, option=orjson.OPT_UTC_Z)
    return Response(text, media_type="application/json")


def edge(row: dict[str, Any]) -> dict[str, Any]:
    """A row and its place."""
    started_at, guid = datetime.fromisoformat(row["startTime"]).astimezone(UTC), row["conf_guid"]
    node = {
        "id": encoded(f"Conference:hexmeet:{guid}"),
        "sourceName": "hexmeet",
        "vendorId": guid,
        "number": row["conf_number"],
        "title": row["conf_name"] or None,
        "startedAt": started_at,
        "endedAt": datetime.fromisoformat(row["endTime"]).astimezone(UTC),
        "durationSeconds": row["duration"],
        "peakMemberCount": row["max_party_count"],
        "errorCode": row["error_code"],
        "errorInfo": row["error_info"] or None,
        "host": {"name": row["host"]} if row["host"] else None,
        "agent": {"vendorId": str(row["agent_id"]), "name": row["agent"]},
        "company": {"vendorId": str(row["company_id"]), "name": row["company"]},
        "department": {"vendorId": str(row["department_id"]), "name": row["department"]},
        "room": {"name": row["room_name"], "capacity": row["capacity"]},
    }
    return {"cursor": encoded(f"{started_at.timestamp()}:hexmeet:{guid}"), "node": node}


def encoded(text: str) -> str:
    """An opaque text."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep one client."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as app.state.http:
        yield


class Server(uvicorn.Server):
    """One that says where it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Say it."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}", flush=True)


app = Starlette(routes=[Route("/graphql", page, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False)).run()
