"""Huawei's documented answer, served by its emulator, comes out right through the schema."""

import copy

import pytest
from conftest import sample
from documented import Exempt, Table, documenting, exempt, faults, rows

pytestmark = pytest.mark.anyio

CONFS = sample("huawei-queryconfinfos")
CONF_IDS = sample("huawei-queryconfinfos-request")["confIds"]
FILTERS = {
    "live": {"during": {"from": "2016-10-06T00:00:00+08:00", "to": "2016-10-07T00:00:00+08:00"}},
    "by id": {"vendorIds": [str(conf_id) for conf_id in CONF_IDS], "sources": ["huawei"]},
}
QUERY = """
query ($filter: ConferenceFilter!) {
  conferences(filter: $filter) {
    nodes {
      vendorId state startedAt endedAt scheduledStartAt scheduledEndAt durationSeconds plannedDurationSeconds
      memberCount
      host { accountId phoneNumber }
      vendorFields { ... on HuaweiConferenceFields { confState appliedMinutes elapsedMinutes } }
      members {
        nodes {
          accountId phoneNumber clientType role mediaDirection onHold joinedAt leftAt
          vendorFields { ... on HuaweiMemberFields { addressType deviceType deviceCallType channelState } }
        }
      }
    }
    complete sources { status }
  }
}
"""
# By time: the agent who chairs, then the telephone.
MEMBERS: Table = {
    "addressType": {"vendorFields.addressType": [9, 6], "clientType": ["AGENT", "PHONE"]},
    "address": {"accountId": ["153", None], "phoneNumber": [None, "70005"]},
    "deviceCallType": {"vendorFields.deviceCallType": [0, 0]},
    "deviceType": {"vendorFields.deviceType": [6, 0]},
    "channelAttrib": {"mediaDirection": ["BOTH", "BOTH"]},
    "channelState": {"onHold": [False, False], "vendorFields.channelState": [0, 0]},
    "role": {"role": ["CHAIR", "PARTICIPANT"]},
    "enterTime": {"joinedAt": ["2016-10-06T09:17:34Z", "2016-10-06T09:17:44Z"], "leftAt": [None, None]},
}
TABLE: Table = {
    **exempt(Exempt.ENVELOPE, "message", "retcode"),
    **rows(
        "result.confs[]",
        "conferences.nodes[]",
        {
            "confId": {"vendorId": ["1029888"], "state": ["LIVE"]},
            "confState": {"vendorFields.confState": [0]},
            "startTime": {
                "startedAt": ["2016-10-06T09:17:34Z"],
                "scheduledStartAt": ["2016-10-06T09:17:34Z"],
                "endedAt": [None],
            },
            "applyConfTime": {
                "vendorFields.appliedMinutes": [60],
                "plannedDurationSeconds": [3600],
                "scheduledEndAt": ["2016-10-06T10:17:34Z"],
            },
            "confHaveBeenTime": {"vendorFields.elapsedMinutes": [29], "durationSeconds": [None]},
        },
    ),
    **rows("result.confs[].addresses[]", "conferences.nodes[].members.nodes[]", MEMBERS),
}


@pytest.mark.parametrize(("filter_name", "status"), [("live", "LIVE_ONLY"), ("by id", "OK")])
async def test_queryconfinfos(filter_name: str, status: str) -> None:
    """Two are asked for and one is going on, as in the documents."""
    async with documenting("huawei", {"queryconfinfos": CONFS}, conf_ids=CONF_IDS) as client:
        data = await client.data(QUERY, filter=FILTERS[filter_name])
    assert faults(CONFS, TABLE, data) == []
    (conference,) = data["conferences"]["nodes"]
    assert (conference["memberCount"], conference["host"]) == (2, {"accountId": "153", "phoneNumber": None})
    assert data["conferences"]["sources"] == [{"status": status}]
    assert data["conferences"]["complete"]


async def test_what_the_sample_has_zero_or_alike_is_told_apart() -> None:
    body = copy.deepcopy(CONFS)
    conf = body["result"]["confs"][0]
    conf["confState"] = 1
    conf["addresses"][0] |= {"deviceCallType": 2, "deviceType": 5, "channelAttrib": 1, "channelState": 1}
    conf["addresses"][1] |= {"channelAttrib": 2, "channelState": 2}
    changed: Table = {
        "deviceCallType": {"vendorFields.deviceCallType": [0, 2]},
        "deviceType": {"vendorFields.deviceType": [6, 5]},
        "channelAttrib": {"mediaDirection": ["SPEAK_ONLY", "LISTEN_ONLY"]},
        "channelState": {"onHold": [False, True], "vendorFields.channelState": [2, 1]},
    }
    table = {
        **TABLE,
        "result.confs[].confState": {"conferences.nodes[].vendorFields.confState": [1]},
        **rows("result.confs[].addresses[]", "conferences.nodes[].members.nodes[]", changed),
    }
    async with documenting("huawei", {"queryconfinfos": body}, conf_ids=CONF_IDS) as client:
        data = await client.data(QUERY, filter=FILTERS["by id"])
    assert faults(body, table, data) == []


async def test_the_bare_array_of_the_documents_table_is_read_too() -> None:
    body = {**CONFS, "result": CONFS["result"]["confs"]}
    table = {path.replace("result.confs[]", "result[]"): said for path, said in TABLE.items()}
    async with documenting("huawei", {"queryconfinfos": body}, conf_ids=CONF_IDS) as client:
        data = await client.data(QUERY, filter=FILTERS["live"])
    assert faults(body, table, data) == []


async def test_live_counts_the_documented_conference() -> None:
    async with documenting("huawei", {"queryconfinfos": CONFS}, conf_ids=CONF_IDS) as client:
        data = await client.data("{ live { conferenceCount memberCount complete } }")
    assert data["live"] == {"conferenceCount": 1, "memberCount": 2, "complete": True}
