"""What the tests over the world ask for, and how answers are compared with what the oracle says."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

PEOPLE = "{ accountId name email phoneNumber organization { vendorId name } }"
ORGANIZATION = "{ vendorId name }"
FRAGMENTS = f"""
fragment Core on Conference {{
  sourceName source {{ name vendor }} vendorId number title state startedAt endedAt scheduledStartAt scheduledEndAt
  durationSeconds plannedDurationSeconds memberCount peakMemberCount errorCode errorInfo
  host {PEOPLE} creator {PEOPLE} agent {ORGANIZATION} company {ORGANIZATION} department {ORGANIZATION}
  room {{ sourceName name capacity }}
  vendorFields {{
    __typename
    ... on HexmeetConferenceFields {{ type }}
    ... on NeteaseConferenceFields {{ status createdAt }}
    ... on SystecConferenceFields {{ isExtra }}
    ... on QuanshiConferenceFields {{ customerCode hostLocation isSecure isRecorded confDurationSeconds }}
    ... on HuaweiConferenceFields {{ appliedMinutes elapsedMinutes }}
  }}
}}
fragment Attendance on Member {{
  displayName accountId phoneNumber joinedAt leftAt durationSeconds clientType clientVersion role mediaDirection onHold
}}
fragment Leg on Call {{
  sourceName displayName startedAt endedAt durationSeconds bitrateKbps callType clientVersion phoneNumber
  cost {{ amount currency }} errorCode errorInfo agent {ORGANIZATION} company {ORGANIZATION} department {ORGANIZATION}
  conference {{ sourceName vendorId number }} room {{ sourceName name }} mcu {{ sourceName name kind }}
}}
fragment Joined on Conference {{
  ...Core
  members(first: 1000) {{ totalCount complete sources {{ status }} nodes {{ ...Attendance }} }}
  calls(first: 1000) {{ totalCount complete sources {{ status }} nodes {{ ...Leg }} }}
}}
"""
"""The oracle's rows have the fields of these, `conference_rows` those of Joined."""


def text(instant: datetime | None) -> str | None:
    """As instants are written in an answer."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None


def seconds(start: datetime | None, end: datetime | None) -> int:
    """Between two instants that are there."""
    assert start is not None
    assert end is not None
    return int((end - start).total_seconds())


def settled(rows: Iterable[Row], time: str) -> list[Row]:
    """Rows that ascend by a time; those of one instant are put in an order that shows in their values."""
    rows = list(rows)
    times = [row[time] for row in rows]
    assert times == sorted(times)
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def joined(row: Row) -> Row:
    """A conference as answered, with its members and calls settled."""
    members, calls = row["members"], row["calls"]
    members = {**members, "nodes": settled(members["nodes"], "joinedAt")}
    return {**row, "members": members, "calls": {**calls, "nodes": settled(calls["nodes"], "startedAt")}}


def core(row: Row) -> Row:
    """A conference without its members and calls."""
    return {name: value for name, value in row.items() if name not in ("members", "calls")}
