"""What the tests of the emulators share: a clock that stands, shapes of bodies, and HexMeet's callers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx

from graph.sandbox.world import Phase, World, WorldAttendance, WorldConference
from graph.vendors.hexmeet.emulator import emulator_settings
from graph.vendors.hexmeet.emulator_rows import conf_guid

DAILY = {"interval": "1d", "format": "yyyy-MM-dd"}
HEXMEET_REQUESTS: dict[str, dict[str, Any]] = {
    "term_conf_stats": {},
    "term_call_stats": {},
    "datehistgram_stats": {**DAILY, "target": "conf"},
    "term_datehistgram_stats": {**DAILY, "target": "conf", "param1": "MRU", "size": 10},
    "term_stats": {**DAILY, "target": "conf", "param1": "conf", "size": 10, "order": "count"},
    "term_region_stats": {"target": "issued_calls"},
}


class Time:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now


class HexMeet:
    """Asks a twin of HexMeet, by default about the twelve days before a world's anchor and the two after it."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client

    def asked(self, report: str, **changes: Any) -> dict[str, Any]:
        """A good body with some changes; None takes a field away."""
        start, end = self.world.anchor - timedelta(days=12), self.world.anchor + timedelta(days=2)
        sent = ("token", "agent_id", "company_id", "dept_id")
        asked = {name: value for name, value in emulator_settings(self.world).items() if name in sent} | {
            "guid": "c0ffee",
            "start_time": start.isoformat(timespec="milliseconds"),
            "end_time": end.isoformat(timespec="milliseconds"),
            "time_zone": "+08:00",
        }
        asked |= HEXMEET_REQUESTS[report] | changes
        return {name: value for name, value in asked.items() if value is not None}

    async def post(self, report: str, **changes: Any) -> Any:
        """The body answered."""
        asked = self.asked(report, **changes)
        response = await self.client.post(f"/report/agg/{report}?domainId=null", json=asked)
        assert response.status_code == 200
        return response.json()

    async def rows(self, report: str, **changes: Any) -> list[dict[str, Any]]:
        """The whole list, read by one scroll."""
        asked = {"size": 500, "scroll_timeout": "1m"} | changes
        page = await self.post(report, **asked)
        rows, total = page["buckets"], page["total"]
        while page["buckets"]:
            page = await self.post(report, **asked, scrollid=page["scrollid"])
            rows += page["buckets"]
        assert len(rows) == total
        return list(rows)


def ended_conferences(world: World, now: datetime) -> dict[str, WorldConference]:
    """HexMeet's conferences that are over, by conf_guid."""
    return {conf_guid(it): it for it in world.all("hexmeet") if it.phase(now) is Phase.ENDED}


def ended_calls(world: World, now: datetime) -> Iterator[tuple[WorldConference, WorldAttendance]]:
    """HexMeet's calls that are over, with their conferences."""
    for conference in world.all("hexmeet"):
        for call in conference.attendances:
            if call.leave <= now:
                yield conference, call


def lasted(start: datetime | None, end: datetime | None) -> int:
    """Seconds between two instants that must be there."""
    assert start is not None
    assert end is not None
    return int((end - start).total_seconds())


def assert_same_shape(body: Any, documented: Any, path: str = "$") -> None:
    """The same keys and JSON types all the way down."""
    if isinstance(documented, dict):
        assert isinstance(body, dict), path
        assert body.keys() == documented.keys(), path
        for key, value in documented.items():
            assert_same_shape(body[key], value, f"{path}.{key}")
    elif isinstance(documented, list):
        assert body, path
        for row in body:
            assert_same_shape(row, documented[0], f"{path}[]")
    else:
        assert _json_type(body) == _json_type(documented), path


def _json_type(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__
