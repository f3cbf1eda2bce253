"""The rows of HexMeet's twin: conferences with milliseconds in their times, calls without, as in the samples."""

from datetime import timedelta, timezone
from hashlib import blake2b
from itertools import chain
from typing import Any
from uuid import UUID

from graph.sandbox.world import WorldAttendance, WorldConference

_ZONE = timezone(timedelta(hours=8))


def conf_guid(conference: WorldConference) -> str:
    """32 lower-case hex digits."""
    return blake2b(conference.key.to_bytes(8), digest_size=16).hexdigest()


def call_guid(conference: WorldConference, call: WorldAttendance) -> str:
    """A UUID with dashes."""
    digest = blake2b(conference.key.to_bytes(8) + call.ordinal.to_bytes(4), digest_size=16).digest()
    return str(UUID(bytes=digest, version=4))


def max_party_count(conference: WorldConference) -> int:
    """The most calls that went on at one time."""
    steps = sorted(chain.from_iterable(((call.join, 1), (call.leave, -1)) for call in conference.attendances))
    going_on = most = 0
    for _, step in steps:
        going_on += step
        most = max(most, going_on)
    return most


def conference_row(conference: WorldConference) -> dict[str, Any]:
    """A row of term_conf_stats."""
    start, end = conference.start or conference.created, conference.end or conference.created
    return {
        "room_name": conference.room.name,
        "capacity": conference.room.capacity,
        "endTime": end.astimezone(_ZONE).isoformat(timespec="milliseconds"),
        "department": conference.host.department.name,
        "department_id": conference.host.department.id,
        "agent_id": conference.agent.id,
        "company_id": conference.company.id,
        "company": conference.company.name,
        "agent": conference.agent.name,
        "conf_guid": conf_guid(conference),
        "duration": int((end - start).total_seconds()),
        "startTime": start.astimezone(_ZONE).isoformat(timespec="milliseconds"),
        "error_code": conference.error_code,
        "error_info": f"ERROR_{conference.error_code}" if conference.error_code else "",
        "conf_number": conference.number,
        "host": conference.host.name,
        "max_party_count": max_party_count(conference),
        "conf_name": conference.title,
        "type": 3,
    }


def call_row(pair: tuple[WorldConference, WorldAttendance]) -> dict[str, Any]:
    """A row of term_call_stats."""
    conference, call = pair
    return {
        "name": call.person.name,
        "endTime": call.leave.astimezone(_ZONE).isoformat(),
        "department_id": call.person.department.id,
        "department": call.person.department.name,
        "company_id": conference.company.id,
        "company": conference.company.name,
        "agent_id": conference.agent.id,
        "agent": conference.agent.name,
        "conf_guid": conf_guid(conference),
        "duration": int((call.leave - call.join).total_seconds()),
        "startTime": call.join.astimezone(_ZONE).isoformat(),
        "error_code": call.error_code,
        "error_info": f"ERROR_{call.error_code}" if call.error_code else "NORMAL",
        "conf_number": conference.number,
        "call_guid": call_guid(conference, call),
        "call_rate": call.bitrate_kbps,
        "version": call.version,
        "room": conference.room.name,
        "call_type": "USER",
        "mcu_name": call.mcu.name,
    }
