"""The five vendors as stock.py reads them: plain httpx, rows as they come."""

import hashlib
import json
import os
import random
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

Rows = list[dict[str, Any]]

LIVE_IDS = json.loads(os.environ["LIVE_IDS"])
LOCAL = timezone(timedelta(hours=8))
DAY = timedelta(days=1)
http = httpx.AsyncClient(
    base_url=os.environ["VENDOR_URL"],
    timeout=60,
    limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
)


async def post(path: str, **what: Any) -> Any:
    """Ask a vendor."""
    return (await http.post(path, **what)).raise_for_status().json()


async def hexmeet(start: datetime, end: datetime) -> Rows:
    """A range, by scroll."""
    body = {
        "agent_id": 101376,
        "company_id": 31314944,
        "dept_id": 33931264,
        "guid": "",
        "token": "token",
        "start_time": _millis(start),
        "end_time": _millis(end),
        "time_zone": "+08:00",
        "size": 1000,
        "scroll_timeout": "5s",
    }
    rows: Rows = []
    while True:
        page = await post("/report/agg/term_conf_stats?domainId=null", json=body)
        if page["err_code"]:
            raise ValueError(page["err_code"])
        rows += page["buckets"]
        if not page["buckets"] or len(rows) >= page["total"]:
            return rows
        body["scrollid"] = page["scrollid"]


async def netease(start: datetime, end: datetime) -> Rows:
    """A range, by numbered pages."""
    rows: Rows = []
    number, total = 0, 1
    while number * 100 < total:
        number += 1
        first, last = (int(at.timestamp() * 1000) for at in (start, end))
        body = {"startTime": first, "endTime": last, "pageIndex": number, "pageSize": 100}
        answer = await post("/v1/statistic/meeting/list", json=body, headers=_signed())
        rows += answer["ret"]["list"]
        total = answer["ret"]["query"]["totalCount"]
    return rows


async def netease_detail(vendor_id: str) -> dict[str, Any]:
    """One meeting."""
    body = {"meetingUniqueId": int(vendor_id)}
    answer = await post("/v1/statistic/meeting/detail", json=body, headers=_signed())
    row: dict[str, Any] = answer["ret"][0]
    return row


async def systec(start: datetime, end: datetime) -> Rows:
    """The days that hold a range."""
    first, last = (at.astimezone(LOCAL).date() for at in (start, end - timedelta(microseconds=1)))
    form = {"api_key": "key", "api_secret": "secret", "from": str(first), "to": str(last + DAY), "page_size": "300"}
    rows: Rows = []
    number, goes_on = 0, True
    while goes_on:
        number += 1
        data = (await post("/umeeting/share/detail", data={**form, "page_number": str(number)}))["data"]
        rows += data["meetings"]
        goes_on = data["has_next_page"]
    return rows


async def quanshi() -> Rows:
    """What goes on, by numbered pages."""
    rows: Rows = []
    number, total = 0, 1
    while len(rows) < total:
        number += 1
        body = {"page": number, "count": 50, "filterOneAttendee": False}
        answer = await post("/confopenapi/conference/listbystatus", json=body, headers={"token": "token"})
        rows += answer["result"]["confList"]
        total = answer["result"]["totalCount"]
    return [row for row in rows if row["status"] == 2]


async def huawei() -> Rows:
    """What goes on of the ids that are known."""
    path = "/agentgateway/resource/agentconf/101/queryconfinfos"
    answer = await post(path, json={"confIds": LIVE_IDS}, headers={"Guid": "guid"})
    rows: Rows = answer["result"]["confs"]
    return rows


def wall(text: str) -> datetime:
    """A local time of NetEase or SYSTEC."""
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL).astimezone(UTC)


def _signed() -> dict[str, str]:
    nonce, now = str(random.randrange(10**7, 10**8)), str(int(time.time()))  # noqa: S311 - nobody checks it
    checksum = hashlib.sha1(f"secret{nonce}{now}".encode()).hexdigest()  # noqa: S324 - the vendor's choice
    return {"AppKey": "key", "Nonce": nonce, "CurTime": now, "CheckSum": checksum}


def _millis(at: datetime) -> str:
    return at.astimezone(LOCAL).isoformat(timespec="milliseconds")
