"""The work that is measured: what is asked, in so many variants that none is in flight twice."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastrows import BY_YEAR, DAY_MS, EPOCH, LIVE_MS, MS, QUARTER_MS
from load import post

CONFERENCE = """id sourceName vendorId number title startedAt endedAt durationSeconds peakMemberCount
      errorCode errorInfo host { name } agent { vendorId name } company { vendorId name } department { vendorId name }
      room { name capacity }"""
PAGE = """query Page($filter: ConferenceFilter!, $first: Int!) {
  conferences(filter: $filter, first: $first) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node {
      %s
    } }
  }
}"""
MEMBERS = """id sourceName vendorId title state startedAt endedAt durationSeconds memberCount
      host { accountId } creator { accountId }
      members(first: 50) { nodes { id accountId displayName joinedAt leftAt durationSeconds clientType } }"""
MERGED = """id sourceName vendorId number title state startedAt endedAt durationSeconds
      host { name accountId } department { vendorId name }"""
ENTITIES = """query Entities($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Conference { id sourceName vendorId title state startedAt endedAt durationSeconds memberCount }
  }
}"""
PASSED_ON = """query Page($input: Asked_Input!) {
  conferences(input: $input) {
    total
    buckets {
      conf_guid conf_number conf_name startTime endTime duration max_party_count error_code error_info host
      agent_id agent company_id company department_id department room_name capacity type
    }
  }
}"""
ACCOUNT = {"agent_id": 1, "company_id": 1, "dept_id": 1, "guid": "", "token": "t", "time_zone": "+08:00"}
LIVE_IDS = list(range(1029880, 1029890))
REFERENCES = 100


class Case(NamedTuple):
    """One line of the table.

    Attributes:
        part: The letter of its part of the work.
        name: What it is called.
        connections: How many ask at a time.
        bodies: What is asked: GraphQL requests.
        rows: How many rows each answer has.
        passed_on: The same for a server that knows the vendor's own shape only; none where that cannot do the work.
        vendor_request: What HexMeet is asked for it, where there is only that.
        delay_ms: What the vendors take.
        is_warm: Caches are on.
    """

    part: str
    name: str
    connections: int
    bodies: list[bytes]
    rows: int
    passed_on: list[bytes]
    vendor_request: bytes = b""
    delay_ms: int = 0
    is_warm: bool = False

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"({self.part}) {self.name}"


def iso(ms: int) -> str:
    """As GraphQL has instants."""
    return f"{(EPOCH + ms * MS).replace(tzinfo=None).isoformat()}Z"


def body(query: str, variables: Mapping[str, Any]) -> bytes:
    """A GraphQL request."""
    return json.dumps({"query": query, "variables": variables}, ensure_ascii=False).encode()


def page(part: str, source: str, first: int, connections: int, variants: int, **options: Any) -> Case:
    """A page of one source: quarters of an hour, each of which has just so many rows."""
    era = next(era for era in BY_YEAR.values() if era.period_ms == QUARTER_MS and era.rows == first)
    query = PAGE % (CONFERENCE if source == "hexmeet" else MEMBERS)
    bodies, passed_on = [], []
    for number in range(variants):
        start = era.start_ms + (1 + number) * QUARTER_MS
        during = {"from": iso(start), "to": iso(start + QUARTER_MS)}
        bodies.append(body(query, {"filter": {"sources": [source], "during": during}, "first": first}))
        range_ = {"start_time": during["from"], "end_time": during["to"]}
        passed_on.append(body(PASSED_ON, {"input": {**ACCOUNT, **range_, "size": 1000}}))
    label = "HexMeet" if source == "hexmeet" else "NetEase with members"
    name = f"{label} N={first} c={connections}"
    if source != "hexmeet":
        return Case(part, name, connections, bodies, first, [], **options)
    asked = post("http://vendors/term_conf_stats", json.dumps({**range_, "size": 1000}).encode())
    return Case(part, name, connections, bodies, first, passed_on, asked if part == "a" else b"", **options)


def merged(part: str, first: int, **options: Any) -> Case:
    """The first page of all sources, of a day on which each has some."""
    filter_ = {"during": {"from": iso(LIVE_MS), "to": iso(LIVE_MS + DAY_MS)}}
    bodies = [body(PAGE % MERGED, {"filter": filter_, "first": first})]
    return Case(part, f"five sources merged N={first} c=1", 1, bodies, first, [], **options)


def entities(variants: int) -> Case:
    """Conferences by the vendor's key, as a gateway joins them: one detail request each."""
    bodies = []
    for number in range(variants):
        keys = [BY_YEAR[2022].row(REFERENCES * number + at).key for at in range(REFERENCES)]
        refs = [{"__typename": "Conference", "sourceName": "netease", "vendorId": str(key)} for key in keys]
        bodies.append(body(ENTITIES, {"representations": refs}))
    return Case("e", f"_entities of {REFERENCES} references c=4", 4, bodies, REFERENCES, [])


def cases() -> list[Case]:
    """All of the work."""
    return [
        *(page("a", "hexmeet", first, at_once, 64) for first in (1, 20, 100, 1000) for at_once in (1, 32)),
        *(page("b", "netease", first, 8, 256) for first in (20, 100)),
        merged("c", 50),
        *(page("d", "hexmeet", first, 32, 16, is_warm=True) for first in (1, 20, 100, 1000)),
        page("d", "netease", 20, 8, 16, is_warm=True),
        merged("d", 50, is_warm=True),
        entities(64),
        *(page("f", "hexmeet", first, 1, 64, delay_ms=50) for first in (20, 1000)),
    ]
