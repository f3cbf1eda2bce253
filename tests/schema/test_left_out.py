"""Rows that cannot be read, seen by a client: the others are served, and `sources` says what is missing."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from conftest import sample
from documented import documenting

from graph import clock
from graph.ids import IdKind, encode_id

pytestmark = pytest.mark.anyio

SECRET = "张三 13910001021"
TOLD = "complete sources { status error { code message } }"
NETEASE_DAY = {"from": "2020-12-16T00:00:00+08:00", "to": "2020-12-17T00:00:00+08:00"}
SYSTEC_DAY = {"from": "2017-08-31T00:00:00+08:00", "to": "2017-09-01T00:00:00+08:00"}
HEXMEET_WEEK = {"from": "2021-01-08T00:00:00+08:00", "to": "2021-01-15T00:00:00+08:00"}
ALL_TIME = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
# The sample tells of many more rows than it has: with pages so large that is no reason to read a narrower window.
SETTINGS: dict[str, dict[str, object]] = {
    "netease": {},
    "systec": {},
    "hexmeet": {"page_size": 5000, "max_open_scrolls": 0},
    "quanshi": {},
    "huawei": {"conf_ids": [1029888]},
}


def spoilt(name: str, *place: str | int, value: object = SECRET) -> Any:
    """A documented body with another value somewhere."""
    body: Any = copy.deepcopy(sample(name))
    *steps, last = place
    part = body
    for step in steps:
        part = part[step]
    part[last] = value
    return body


def one_more(name: str, *place: str) -> Any:
    """A documented body with a row more, which is none."""
    body: Any = copy.deepcopy(sample(name))
    part = body
    for step in place:
        part = part[step] if step != "0" else part[0]
    part.append(SECRET)
    return body


def told(page: dict[str, Any], status: str = "OK") -> None:
    """A page from which one row was left out."""
    (source,) = page["sources"]
    assert (page["complete"], source["status"], source["error"]["code"]) == (False, status, "BAD_PAYLOAD")
    assert "left out" in source["error"]["message"]
    assert SECRET not in source["error"]["message"]


@pytest.mark.parametrize(
    ("report", "body", "during", "left"),
    [
        ("list", spoilt("netease-list", "ret", "list", 0, "status"), NETEASE_DAY, 5),
        ("detail", one_more("systec-detail", "data", "meetings"), SYSTEC_DAY, 1),
        ("term_conf_stats", one_more("hexmeet-term_conf_stats", "buckets"), HEXMEET_WEEK, 1),
        ("listbystatus", one_more("quanshi-listbystatus", "result", "confList"), ALL_TIME, 1),
        ("queryconfinfos", one_more("huawei-queryconfinfos", "result", "confs"), ALL_TIME, 1),
    ],
    ids=list(SETTINGS),
)
async def test_conferences_come_without_a_row(
    request: pytest.FixtureRequest, report: str, body: Any, during: object, left: int
) -> None:
    """Asked again, they are read again or not: the answer is the same."""
    vendor = request.node.callspec.id
    query = f"query ($during: TimeRange!) {{ conferences(filter: {{during: $during}}) {{ nodes {{ id }} {TOLD} }} }}"
    async with documenting(vendor, {report: body}, **SETTINGS[vendor]) as client:
        page = (await client.data(query, during=during))["conferences"]
        again = (await client.data(query, during=during))["conferences"]
    assert len(page["nodes"]) == left
    told(page, "LIVE_ONLY" if during is ALL_TIME else "OK")
    assert again == page


MEMBERS = f"members {{ nodes {{ displayName }} {TOLD} }} memberCount"


async def test_members_come_without_a_row_and_are_not_counted() -> None:
    """Also where they came with their conference."""
    body = one_more("systec-detail", "data", "meetings", "0", "participants")
    query = (
        f"query ($during: TimeRange!) {{ conferences(filter: {{during: $during}}) {{ nodes {{ {MEMBERS} }} {TOLD} }} }}"
    )
    async with documenting("systec", {"detail": body}) as client:
        page = (await client.data(query, during=SYSTEC_DAY))["conferences"]
    (conference,) = page["nodes"]
    assert page["complete"]
    assert conference["members"]["nodes"] == [{"displayName": "XYZ"}]
    assert conference["memberCount"] is None
    told(conference["members"])


async def test_members_of_a_detail_come_without_a_row() -> None:
    body = one_more("netease-detail", "ret", "0", "members")
    query = f"""query ($id: ID!) {{
      conference(source: "netease", vendorId: "21908") {{ {MEMBERS} }}
      node(id: $id) {{ id }}
    }}"""
    async with documenting("netease", {"detail": body}) as client:
        answer = await client.ask(query, id=encode_id(IdKind.MEMBER, "netease", "21908\n99"))
    conference = answer["data"]["conference"]
    assert len(conference["members"]["nodes"]) == 3
    told(conference["members"])
    assert answer["data"]["node"] is None
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["node"], "VENDOR_ERROR")


async def test_reports_come_without_a_row() -> None:
    bodies = {
        "term_stats": one_more("hexmeet-term_stats", "buckets"),
        "term_datehistgram_stats": one_more("hexmeet-term_datehistgram_stats", "buckets"),
        "term_region_stats": one_more("hexmeet-term_region_stats", "buckets"),
    }
    query = f"""query ($during: TimeRange!) {{
      rooms(filter: {{during: $during}}) {{ nodes {{ name }} {TOLD} }}
      usageBy(dimension: ROOM, during: $during) {{ nodes {{ name }} totals {{ count }} {TOLD} }}
      mcuResources(filter: {{during: $during}}) {{ nodes {{ name }} {TOLD} }}
      regionCounts(measure: ISSUED_CALLS, during: $during, first: 100) {{ nodes {{ count }} {TOLD} }}
      live {{ memberCount {TOLD} }}
    }}"""
    async with documenting("hexmeet", bodies) as client:
        data = await client.data(query, during=HEXMEET_WEEK)
    live = data.pop("live")
    assert {name: len(page["nodes"]) for name, page in data.items()} == {
        "rooms": 2,
        "usageBy": 2,
        "mcuResources": 1,
        "regionCounts": 34,
    }
    for page in data.values():
        told(page)
    assert data["usageBy"]["totals"] == {"count": 73}
    (source,) = live["sources"]
    assert (live["memberCount"], source["status"], source["error"]["code"]) == (None, "FAILED", "BAD_PAYLOAD")


async def test_a_rooms_usage_is_not_told_without_a_group() -> None:
    """It might be the room's own."""
    body = one_more("hexmeet-term_stats", "buckets")
    query = """query ($during: TimeRange!) {
      rooms(filter: {during: $during}) { nodes { name usage(during: $during) { count } } }
    }"""
    async with documenting("hexmeet", {"term_stats": body}) as client:
        answer = await client.ask(query, during=HEXMEET_WEEK)
    assert [room["usage"] for room in answer["data"]["rooms"]["nodes"]] == [None, None]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"VENDOR_ERROR"}
    assert SECRET not in str(answer)


async def test_a_report_without_a_row_is_read_again_though_its_range_has_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = one_more("hexmeet-term_stats", "buckets")
    query = f"query ($during: TimeRange!) {{ usageBy(dimension: ROOM, during: $during) {{ {TOLD} }} }}"
    async with documenting("hexmeet", {"term_stats": body}) as client:
        for _ in range(2):
            told((await client.data(query, during=HEXMEET_WEEK))["usageBy"])
            monkeypatch.setattr(clock, "now", lambda real=clock.now: real() + timedelta(seconds=3))
        body["buckets"].pop()
        assert (await client.data(query, during=HEXMEET_WEEK))["usageBy"]["complete"]
