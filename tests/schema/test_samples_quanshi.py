"""Quanshi's documented answer, served by its emulator, comes out right through the schema."""

import copy

import pytest
from conftest import sample
from documented import Exempt, Table, documenting, exempt, faults, rows

pytestmark = pytest.mark.anyio

LIST = sample("quanshi-listbystatus")
DURING = {"from": "2024-05-13T00:00:00+08:00", "to": "2024-05-14T00:00:00+08:00"}
QUERY = """
query ($during: TimeRange!) {
  conferences(filter: {during: $during}) {
    nodes {
      vendorId title state startedAt endedAt durationSeconds memberCount
      host { accountId name email phoneNumber organization { vendorId name } }
      department { vendorId name }
      vendorFields {
        ... on QuanshiConferenceFields {
          eventId billingCode customerCode hostAccountType hostAccountTypeName hostIp hostLocation isSecure isRecorded
          dataCenter status confDurationSeconds voipCount pstnCount videoCount desktopCount mcuCount boxCount
          rawAttendeeCount rawPstnCount
        }
      }
    }
    complete sources { status totalCount }
  }
  live { conferenceCount memberCount complete }
}
"""
TABLE: Table = {
    **exempt(Exempt.ENVELOPE, "status", "msg", "request_id", "timestamp", "request_duration"),
    "result.totalCount": {"live.conferenceCount": 2},
    **rows(
        "result.confList[]",
        "conferences.nodes[]",
        {
            "eventId": {"vendorFields.eventId": [1165158]},
            "conferenceId": {"vendorId": ["22188557"]},
            "confName": {"title": ["周例会"]},
            "billingCode": {"vendorFields.billingCode": [None]},
            "customerCode": {"vendorFields.customerCode": ["990001"]},
            "guestPcode": Exempt.SECRET,
            "hostId": {"host.accountId": ["10001"]},
            "hostName": {"host.name": ["张三"]},
            "hostEmail": {"host.email": ["zhangsan@example.com"]},
            "hostMobile": {"host.phoneNumber": [None]},
            "hostAccountType": {"vendorFields.hostAccountType": [1]},
            "hostAccountTypeStr": {"vendorFields.hostAccountTypeName": ["付费"]},
            "hostOrgId": {"department.vendorId": ["72927934"], "host.organization.vendorId": ["72927934"]},
            "hostOrgName": {"department.name": ["研发部"], "host.organization.name": ["研发部"]},
            "hostIp": {"vendorFields.hostIp": ["10.0.0.1"]},
            "hostLocation": {"vendorFields.hostLocation": [None]},
            "startTime": {"startedAt": ["2024-05-13T11:33:20Z"]},
            "startTimeStr": Exempt.DISPLAY_COPY,
            "stopTime": {"endedAt": [None]},
            "stopTimeStr": Exempt.DISPLAY_COPY,
            "confDuration": {"vendorFields.confDurationSeconds": [3600], "durationSeconds": [None]},
            "confDurationMinute": Exempt.DISPLAY_COPY,
            "isSecureConf": {"vendorFields.isSecure": [False]},
            "isRecord": {"vendorFields.isRecorded": [True]},
            "dataCenter": {"vendorFields.dataCenter": [None]},
            "status": {"vendorFields.status": [2], "state": ["LIVE"]},
            "attendeeCnt": {"memberCount": [5]},
            "voipCnt": {"vendorFields.voipCount": [0]},
            "pstnCnt": {"vendorFields.pstnCount": [0]},
            "videoCnt": {"vendorFields.videoCount": [2]},
            "desktopCnt": {"vendorFields.desktopCount": [3]},
            "mcuCnt": {"vendorFields.mcuCount": [0]},
            "boxCnt": {"vendorFields.boxCount": [0]},
            "rawAttendeeCnt": {"vendorFields.rawAttendeeCount": [4]},
            "rawPstnCnt": {"vendorFields.rawPstnCount": [0]},
        },
    ),
}


async def test_listbystatus() -> None:
    async with documenting("quanshi", {"listbystatus": LIST}) as client:
        data = await client.data(QUERY, during=DURING)
    assert faults(LIST, TABLE, data) == []
    assert data["conferences"]["complete"]
    assert (data["live"]["memberCount"], data["live"]["complete"]) == (5, True)
    assert data["conferences"]["sources"] == [{"status": "LIVE_ONLY", "totalCount": 1}]


async def test_what_the_sample_has_blank_or_zero_is_told_where_there_is_something() -> None:
    body = copy.deepcopy(LIST)
    body["result"]["confList"][0] |= {
        "billingCode": "B-7",
        "hostMobile": "13800000000",
        "hostLocation": "北京",
        "stopTime": 1715603600,
        "dataCenter": "BJ",
        "isSecureConf": True,
        "isRecord": None,
        "voipCnt": 11,
        "pstnCnt": 12,
        "mcuCnt": 13,
        "boxCnt": 14,
        "rawPstnCnt": 15,
    }
    changed: Table = rows(
        "result.confList[]",
        "conferences.nodes[]",
        {
            "billingCode": {"vendorFields.billingCode": ["B-7"]},
            "hostMobile": {"host.phoneNumber": ["13800000000"]},
            "hostLocation": {"vendorFields.hostLocation": ["北京"]},
            "stopTime": {"endedAt": ["2024-05-13T12:33:20Z"]},
            "dataCenter": {"vendorFields.dataCenter": ["BJ"]},
            "isSecureConf": {"vendorFields.isSecure": [True]},
            "isRecord": {"vendorFields.isRecorded": [None]},
            "voipCnt": {"vendorFields.voipCount": [11]},
            "pstnCnt": {"vendorFields.pstnCount": [12]},
            "mcuCnt": {"vendorFields.mcuCount": [13]},
            "boxCnt": {"vendorFields.boxCount": [14]},
            "rawPstnCnt": {"vendorFields.rawPstnCount": [15]},
        },
    )
    async with documenting("quanshi", {"listbystatus": body}) as client:
        data = await client.data(QUERY, during=DURING)
    assert faults(body, {**TABLE, **changed}, data) == []


async def test_the_names_of_the_documents_table_are_read_too() -> None:
    """It has title and pcode2 where the sample has confName and guestPcode."""
    body = copy.deepcopy(LIST)
    row = body["result"]["confList"][0]
    row["title"], row["pcode2"] = row.pop("confName"), row.pop("guestPcode")
    renamed = {"result.confList[].confName": "title", "result.confList[].guestPcode": "pcode2"}
    table = {f"result.confList[].{renamed[path]}" if path in renamed else path: said for path, said in TABLE.items()}
    async with documenting("quanshi", {"listbystatus": body}) as client:
        data = await client.data(QUERY, during=DURING)
    assert faults(body, table, data) == []
