"""NetEase's documented answers, served by its emulator, come out right through the schema."""

import copy

import pytest
from conftest import sample
from documented import Exempt, Table, documenting, exempt, faults, rows

pytestmark = pytest.mark.anyio

ENVELOPE = exempt(Exempt.ENVELOPE, "code", "requestId", "costTime")
ALL_DAY = {"from": "2020-12-16T00:00:00+08:00", "to": "2020-12-17T00:00:00+08:00"}

ROW = """
  vendorId number title state startedAt endedAt scheduledStartAt scheduledEndAt durationSeconds
  plannedDurationSeconds memberCount peakMemberCount host { accountId } creator { accountId }
  vendorFields { ... on NeteaseConferenceFields { appId rowId status createdAt } }
"""
MEMBERS = """
  members {
    nodes {
      vendorId accountId displayName joinedAt leftAt durationSeconds clientType role
      vendorFields { ... on NeteaseMemberFields { clientType } }
    }
  }
"""

LIST = sample("netease-list")
LIST_QUERY = f"""
query ($during: TimeRange!) {{
  conferences(filter: {{during: $during}}) {{ nodes {{ {ROW} }} totalCount complete sources {{ totalCount }} }}
}}
"""
LIST_TABLE: Table = {
    **ENVELOPE,
    **exempt(Exempt.PAGING, *(f"ret.query.{name}" for name in LIST["ret"]["query"])),
    "ret.query.totalCount": {"conferences.totalCount": 6, "conferences.sources[].totalCount": [6]},
    **rows(
        "ret.list[]",
        "conferences.nodes[]",
        {
            "appId": {"vendorFields.appId": [1] * 6},
            "meetingId": {
                "number": ["216406206", "215806491", "213634111", "211761579", "209983928", "209970541"],
            },
            "meetingUniqueId": {"vendorId": ["21908", "21907", "21906", "21904", "21903", "21902"]},
            "id": {"vendorFields.rowId": [124159616442496, 124157159698560, 124148262166656, 27406, 27405, 27404]},
            "subject": {"title": ["test", "test", "Ggggg的即刻会议", *["吴磊小号qa8的即刻会议"] * 3]},
            "creatorAccountId": {
                "creator.accountId": [
                    "1160033511272363",
                    "1160033511272363",
                    "126710591707418624",
                    *["127112432161132544"] * 3,
                ],
            },
            "hostAccountId": {"host.accountId": ["1160015538215470", "1160033511272363", *[None] * 4]},
            "status": {"vendorFields.status": [1, 5, 5, 5, 5, 5], "state": ["SCHEDULED", *["ENDED"] * 5]},
            "meetingCreateTime": {
                "vendorFields.createdAt": [
                    f"2020-12-16T{time}Z"
                    for time in ("12:06:46", "11:56:46", "11:20:34", "10:49:21", "10:19:44", "10:19:30")
                ],
            },
            "reserveStartTime": {"scheduledStartAt": ["2020-12-16T12:30:00Z", *[None] * 5]},
            "reserveEndTime": {
                "scheduledEndAt": ["2020-12-16T13:00:00Z", *[None] * 5],
                "plannedDurationSeconds": [1800, *[None] * 5],
            },
            "realStartTime": {
                "startedAt": [
                    f"2020-12-16T{time}Z"
                    for time in ("12:08:13", "12:00:54", "11:20:34", "10:49:21", "10:19:44", "10:19:30")
                ],
            },
            "realEndTime": {
                "endedAt": [
                    f"2020-12-16T{time}Z"
                    for time in ("12:11:06", "12:02:09", "11:20:40", "10:49:48", "10:46:17", "10:19:36")
                ],
            },
            "duration": {"durationSeconds": [173, 75, 6, 27, 1593, 6]},
            "memberCount": {"memberCount": [2, 1, 1, 2, 3, 1]},
            "peakNum": {"peakMemberCount": [None] * 6},
        },
    ),
}

DETAIL = sample("netease-detail")
DETAIL_QUERY = f"""
{{
  conferences(filter: {{vendorIds: ["21908"], sources: ["netease"]}}) {{ nodes {{ {ROW} {MEMBERS} }} complete }}
}}
"""
DETAIL_TABLE: Table = {
    **ENVELOPE,
    **rows(
        "ret[]",
        "conferences.nodes[]",
        {
            "appId": {"vendorFields.appId": [1]},
            "meetingId": {"number": ["216406206"]},
            "meetingUniqueId": {"vendorId": ["21908"]},
            "id": {"vendorFields.rowId": [124159616442496]},
            "subject": {"title": ["test"]},
            "status": {"vendorFields.status": [1], "state": ["SCHEDULED"]},
            "meetingCreateTime": {"vendorFields.createdAt": ["2020-12-16T12:06:46Z"]},
            "reserveStartTime": {"scheduledStartAt": ["2020-12-16T12:30:00Z"]},
            "reserveEndTime": {"scheduledEndAt": ["2020-12-16T13:00:00Z"]},
            "realStartTime": {"startedAt": ["2020-12-16T12:08:13Z"]},
            "realEndTime": {"endedAt": ["2020-12-16T12:11:06Z"]},
            "duration": {"durationSeconds": [173]},
            "memberCount": {"memberCount": [2]},
            "peakNum": {"peakMemberCount": [None]},
        },
    ),
    # By time: the two who joined at once, then the one who came later.
    **rows(
        "ret[].members[]",
        "conferences.nodes[].members.nodes[]",
        {
            "id": {"vendorId": ["124006", "124007", "124005"]},
            "accountId": {"accountId": ["1160015538215470", "1160033511272363", "1160033511272363"]},
            "nickname": {"displayName": ["zhouhost"] * 3},
            "joinTime": {"joinedAt": ["2020-12-16T12:06:46Z", "2020-12-16T12:06:46Z", "2020-12-16T12:08:13Z"]},
            "exitTime": {"leftAt": ["2020-12-16T12:11:06Z", "2020-12-16T12:11:06Z", "2020-12-16T12:09:28Z"]},
            "duration": {"durationSeconds": [260, 260, 75]},
            "clientType": {"clientType": ["ANDROID"] * 3, "vendorFields.clientType": [3] * 3},
        },
    ),
}

DAYS = sample("netease-getByTimeRange")
DAYS_QUERY = """
{
  usage(of: CONFERENCES, days: {from: "2020-12-16", to: "2020-12-17"}) {
    count totalDurationSeconds attendanceCount complete
    buckets {
      date startsAt attendanceCount peakMemberCount
      stats { count totalDurationSeconds minDurationSeconds maxDurationSeconds averageDurationSeconds }
    }
  }
}
"""
DAYS_TABLE: Table = {
    **ENVELOPE,
    "ret.sumMeetingCount": {"usage.count": 64},
    "ret.sumMeetingDuration": {"usage.totalDurationSeconds": 579},
    "ret.sumMeetingMemberCount": {"usage.attendanceCount": 64},
    **rows(
        "ret.details[]",
        "usage.buckets[]",
        {
            "date": {
                "date": ["2020-12-16", "2020-12-17"],
                "startsAt": ["2020-12-15T16:00:00Z", "2020-12-16T16:00:00Z"],
            },
            "meetingCount": {"stats.count": [6, 58]},
            "meetingDuration": {
                "stats.totalDurationSeconds": [279, 300],
                "stats.minDurationSeconds": [None, None],
                "stats.maxDurationSeconds": [None, None],
                "stats.averageDurationSeconds": [46.5, pytest.approx(300 / 58)],
            },
            "meetingMemberCount": {"attendanceCount": [7, 57]},
            "peakNum": {"peakMemberCount": [3, 3]},
        },
    ),
}

COUNTERS = sample("netease-realtime")
LIVE_QUERY = "{ live { conferenceCount memberCount complete bySource { conferenceCount memberCount } } }"

ERROR = sample("netease-error-401")
ERROR_TABLE: Table = {
    "code": {"conferences.sources[].error.vendorCode": ["401"]},
    "requestId": {"conferences.sources[].error.vendorRequestId": ["mc_e4e56f6182de42ef8edc03b023f91cdb"]},
    # Its words are the vendor's: they may quote what was sent.
    **exempt(Exempt.ENVELOPE, "msg", "costTime"),
}


async def test_list() -> None:
    async with documenting("netease", {"list": LIST}) as client:
        data = await client.data(LIST_QUERY, during=ALL_DAY)
    assert faults(LIST, LIST_TABLE, data) == []
    assert data["conferences"]["complete"]


async def test_a_peak_that_is_told_comes_out() -> None:
    body = copy.deepcopy(LIST)
    body["ret"]["list"][4]["peakNum"] = 3
    async with documenting("netease", {"list": body}) as client:
        data = await client.data(LIST_QUERY, during=ALL_DAY)
    peaks = {node["vendorId"]: node["peakMemberCount"] for node in data["conferences"]["nodes"]}
    assert peaks["21903"] == 3


async def test_detail() -> None:
    async with documenting("netease", {"detail": DETAIL}) as client:
        data = await client.data(DETAIL_QUERY)
    assert faults(DETAIL, DETAIL_TABLE, data) == []
    assert data["conferences"]["complete"]


async def test_the_host_of_the_list_chairs_the_members_of_the_detail() -> None:
    query = f"""query ($during: TimeRange!) {{
      conferences(filter: {{during: $during}}) {{ nodes {{ vendorId {MEMBERS} }} }}
    }}"""
    async with documenting("netease", {"list": LIST, "detail": DETAIL}) as client:
        data = await client.data(query, during=ALL_DAY)
    joined, *others = data["conferences"]["nodes"]
    assert joined["vendorId"] == "21908"
    assert [member["role"] for member in joined["members"]["nodes"]] == ["CHAIR", "PARTICIPANT", "PARTICIPANT"]
    assert [other["members"]["nodes"] for other in others] == [[]] * 5


async def test_get_by_time_range() -> None:
    async with documenting("netease", {"getByTimeRange": DAYS}) as client:
        data = await client.data(DAYS_QUERY)
    assert faults(DAYS, DAYS_TABLE, data) == []
    assert data["usage"]["complete"]


async def test_meetings_and_joins_are_told_apart() -> None:
    """The documented sums happen to be the same."""
    body = {**DAYS, "ret": {**DAYS["ret"], "sumMeetingMemberCount": 65}}
    async with documenting("netease", {"getByTimeRange": body}) as client:
        data = await client.data(DAYS_QUERY)
    assert (data["usage"]["count"], data["usage"]["attendanceCount"]) == (64, 65)


@pytest.mark.parametrize("counted", [(0, 0), (12, 34)])
async def test_realtime(counted: tuple[int, int]) -> None:
    """The documented zeros are numbers, and others come out likewise."""
    conferences, members = counted
    body = {**COUNTERS, "ret": {"inMeetingCount": conferences, "inMeetingMemberCount": members}}
    table = ENVELOPE | {
        "ret.inMeetingCount": {"live.conferenceCount": conferences, "live.bySource[].conferenceCount": [conferences]},
        "ret.inMeetingMemberCount": {"live.memberCount": members, "live.bySource[].memberCount": [members]},
    }
    async with documenting("netease", {"realtime": body}) as client:
        data = await client.data(LIVE_QUERY)
    assert faults(body, table, data) == []
    assert faults(COUNTERS, table, data) == []
    assert data["live"]["complete"]


async def test_the_documented_failure_is_told_as_data() -> None:
    query = """query ($during: TimeRange!) { conferences(filter: {during: $during}) {
      nodes { id } complete sources { status error { code message vendorCode vendorRequestId } }
    } }"""
    async with documenting("netease", {"list": ERROR}) as client:
        data = await client.data(query, during=ALL_DAY)
    assert faults(ERROR, ERROR_TABLE, data) == []
    (source,) = data["conferences"]["sources"]
    assert (source["status"], source["error"]["code"]) == ("FAILED", "UNAUTHENTICATED")
    assert ERROR["msg"] not in source["error"]["message"]
    assert (data["conferences"]["nodes"], data["conferences"]["complete"]) == ([], False)
