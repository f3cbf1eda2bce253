"""SYSTEC's documented answer, served by its emulator, comes out right through the schema."""

import copy

import pytest
from conftest import sample
from documented import Exempt, Table, documenting, exempt, faults, rows

pytestmark = pytest.mark.anyio

DETAIL = sample("systec-detail")
UUID = "dgvOvqWVRUWjrEOS2YI2ig=="
ROOM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DURING = {"from": "2017-08-31T00:00:00+08:00", "to": "2017-09-01T00:00:00+08:00"}
LEG = "phoneNumber callType startedAt endedAt durationSeconds cost { amount currency }"
QUERY = f"""
query ($during: TimeRange!) {{
  conferences(filter: {{during: $during}}) {{
    nodes {{
      vendorId number title state startedAt endedAt durationSeconds plannedDurationSeconds memberCount
      room {{ vendorId }}
      vendorFields {{ ... on SystecConferenceFields {{ isExtra }} }}
      members {{ nodes {{ displayName joinedAt leftAt durationSeconds }} }}
      calls {{ nodes {{ {LEG} }} }}
    }}
    totalCount complete sources {{ totalCount }}
  }}
}}
"""
PAGING = ("total_page", "page_number", "page_size", "has_previous_page", "has_next_page")
LEGS: Table = {
    "phone_number": {"phoneNumber": ["+8613716819201"]},
    "type": {"callType": ["call-out"]},
    "start_time": {"startedAt": ["2017-08-30T16:51:00Z"]},
    "end_time": {"endedAt": ["2017-08-30T16:53:00Z"]},
    "duration": {"durationSeconds": [120]},
    "total": {"cost.amount": ["0.12"], "cost.currency": ["CNY"]},
}
TABLE: Table = {
    # The range echoes the one that was asked for.
    **exempt(Exempt.ENVELOPE, "status", "message", "data.from", "data.to"),
    **exempt(Exempt.PAGING, *(f"data.{name}" for name in PAGING)),
    "data.total_record": {"conferences.totalCount": 1, "conferences.sources[].totalCount": [1]},
    **rows(
        "data.meetings[]",
        "conferences.nodes[]",
        {
            "uuid": {"vendorId": [UUID], "state": ["ENDED"]},
            "host_id": {"room.vendorId": [ROOM]},
            "meeting_id": {"number": ["1790001234"]},
            "topic": {"title": ["Hello world!"]},
            "start_time": {"startedAt": ["2017-08-30T16:00:00Z"]},
            "end_time": {"endedAt": ["2017-08-30T17:00:00Z"], "durationSeconds": [3600]},
            "duration": {"plannedDurationSeconds": [7200]},
            "is_extra": {"vendorFields.isExtra": [False]},
        },
    ),
    **rows(
        "data.meetings[].participants[]",
        "conferences.nodes[].members.nodes[]",
        {
            "name": {"displayName": ["XYZ"]},
            "join_time": {"joinedAt": ["2017-08-30T16:51:00Z"]},
            "leave_time": {"leftAt": ["2017-08-30T16:53:04Z"], "durationSeconds": [124]},
        },
    ),
    **rows("data.meetings[].telephony_usage[]", "conferences.nodes[].calls.nodes[]", LEGS),
}


async def test_detail() -> None:
    async with documenting("systec", {"detail": DETAIL}) as client:
        data = await client.data(QUERY, during=DURING)
    assert faults(DETAIL, TABLE, data) == []
    assert data["conferences"]["nodes"][0]["memberCount"] == 1
    assert data["conferences"]["complete"]


async def test_an_extra_room_is_told() -> None:
    body = copy.deepcopy(DETAIL)
    body["data"]["meetings"][0]["is_extra"] = 1
    async with documenting("systec", {"detail": body}) as client:
        data = await client.data(QUERY, during=DURING)
    assert data["conferences"]["nodes"][0]["vendorFields"] == {"isExtra": True}


async def test_the_telephone_leg_is_listed_among_all_calls() -> None:
    query = f"""query ($during: TimeRange!) {{ calls(filter: {{during: $during}}) {{
      nodes {{ {LEG} conference {{ vendorId number title }} room {{ vendorId }} }} complete
    }} }}"""
    body = {"telephony_usage": DETAIL["data"]["meetings"][0]["telephony_usage"]}
    async with documenting("systec", {"detail": DETAIL}) as client:
        data = await client.data(query, during=DURING)
    assert faults(body, rows("telephony_usage[]", "calls.nodes[]", LEGS), data) == []
    (call,) = data["calls"]["nodes"]
    assert call["conference"] == {"vendorId": UUID, "number": "1790001234", "title": "Hello world!"}
    assert call["room"] == {"vendorId": ROOM}
    assert data["calls"]["complete"]
