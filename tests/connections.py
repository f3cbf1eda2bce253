"""Queries for a page of each connection. `$id` is the parent, `$d` the range, where it may be left out the default."""

from walking import ARGUMENTS, PAGE_INFO, PASSED

CALL = "sourceName vendorId startedAt endedAt displayName phoneNumber conference { vendorId }"
MEMBER = "vendorId joinedAt displayName accountId phoneNumber"
NODE = "node(id: $id) { ... on TYPE { HERE } }"
FIND = """
query($s: [String!], $d: TimeRange!) {
  conferences(filter: {sources: $s, during: $d}, first: 1000) { nodes { id vendorId } }
}
"""


def query(variables: str, field: str, rows: str, parent: str = "HERE") -> str:
    """A connection below a parent, such as `node(id: $id) { HERE }`."""
    connection = f"{field.replace('PAGE', PASSED)} {{ nodes {{ {rows} }} {PAGE_INFO} }}"
    return f"query({variables}, {ARGUMENTS}) {{ {parent.replace('HERE', connection)} }}"


CALLS = query("$d: TimeRange, $order: TimeOrder", "calls(filter: {during: $d}, orderBy: $order, PAGE)", CALL)
ROOMS = query("$d: TimeRange", "rooms(filter: {during: $d}, PAGE)", "id sourceName name vendorId")
MCUS = query("$d: TimeRange!", "mcuResources(filter: {during: $d}, PAGE)", "id name")
REGIONS = query("$d: TimeRange", "regionCounts(measure: ISSUED_CALLS, during: $d, PAGE)", "region count")
GROUPS = query(
    "$d: TimeRange!, $by: UsageDimension!, $order: UsageOrder",
    "usageBy(dimension: $by, during: $d, orderBy: $order, PAGE)",
    "source { name } key name stats { count totalDurationSeconds }",
)
ROOM_CONFERENCES = query(
    "$id: ID!, $d: TimeRange", "conferences(during: $d, PAGE)", "vendorId startedAt", NODE.replace("TYPE", "Room")
)
MCU_CALLS = query("$id: ID!, $d: TimeRange", "calls(during: $d, PAGE)", CALL, NODE.replace("TYPE", "McuResource"))
MEMBERS = query("$id: ID!", "members(PAGE)", MEMBER, NODE.replace("TYPE", "Conference"))
LEGS = query("$id: ID!", "calls(PAGE)", CALL, NODE.replace("TYPE", "Conference"))
