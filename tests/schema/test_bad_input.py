"""What a client gets wrong: a code, words a person understands, and the rest of the query answered."""

import json
from typing import Any

import pytest
from answers import Row
from worlds import Running, during, running

pytestmark = pytest.mark.anyio

RANGE = '{from: "2026-03-12T00:00:00Z", to: "2026-03-12T16:00:00+08:00"}'
DAYS = '{from: "2026-03-11", to: "2026-03-12"}'
BACKWARD = '{from: "2026-03-12T00:00:00Z", to: "2026-03-11T00:00:00Z"}'
EMPTY = '{from: "2026-03-12T00:00:00Z", to: "2026-03-12T08:00:00+08:00"}'
NODES = "{ nodes { __typename } }"
GOOD = """
  before: sources { name }
  after: conferences(first: 1) { nodes { vendorId } complete }
"""


def many(count: int) -> str:
    return json.dumps([str(number) for number in range(count)])


UNKNOWN_SOURCES = [
    f'conferences(filter: {{sources: ["nowhere"]}}) {NODES}',
    f'conferences(filter: {{sources: ["hexmeet", "nowhere"]}}) {NODES}',
    f'conferences(filter: {{sources: ["nowhere"], vendorIds: ["1"]}}) {NODES}',
    'conference(source: "nowhere", vendorId: "1") { title }',
    f'calls(filter: {{sources: ["nowhere"]}}) {NODES}',
    f'rooms(filter: {{sources: ["nowhere"]}}) {NODES}',
    f'mcuResources(filter: {{during: {RANGE}, sources: ["nowhere"]}}) {NODES}',
    f'regionCounts(measure: ISSUED_CALLS, sources: ["nowhere"]) {NODES}',
    f'usage(of: CALLS, days: {DAYS}, sources: ["nowhere"]) {{ count }}',
    f'usageBy(dimension: ROOM, during: {RANGE}, sources: ["nowhere"]) {NODES}',
    'live(sources: ["nowhere"]) { memberCount }',
]
CONNECTIONS = {
    "conferences": "",
    "calls": "",
    "rooms": "",
    "mcuResources": f"filter: {{during: {RANGE}}}, ",
    "regionCounts": "measure: ISSUED_CALLS, ",
    "usageBy": f"dimension: ROOM, during: {RANGE}, ",
}
PAGES = [
    "first: -1",
    "last: -1",
    "first: 1001",
    "last: 1001",
    "first: 5, last: 5",
    'first: 5, before: "x"',
    'last: 5, after: "x"',
    'after: "x", before: "x"',
]
RANGES = [
    *(
        f"{field}(filter: {{during: {span}}}) {NODES}"
        for field in ("conferences", "calls", "rooms", "mcuResources")
        for span in (BACKWARD, EMPTY)
    ),
    f"regionCounts(measure: ISSUED_CALLS, during: {BACKWARD}) {NODES}",
    f"usageBy(dimension: ROOM, during: {EMPTY}) {NODES}",
    'usage(of: CALLS, days: {from: "2026-03-12", to: "2026-03-11"}) { count }',
]
OTHER_ARGUMENTS = [
    f'conferences(filter: {{vendorIds: ["1"]}}) {NODES}',
    f'conferences(filter: {{vendorIds: ["1"], sources: []}}) {NODES}',
    f'conferences(filter: {{vendorIds: ["1"], sources: ["hexmeet", "huawei"]}}) {NODES}',
    f'conferences(filter: {{vendorIds: {many(1001)}, sources: ["huawei"]}}) {NODES}',
    f'usage(of: CALLS, days: {DAYS}, timeZone: "Mars/Olympus") {{ count }}',
]
DAMAGED_IDS = ["", "x", "RkFLRQ", "QxXotuZoZXhtZWV0", "ünicode", "=" * 8, "A" * 5000]


async def refused(run: Running, field: str, code: str, **variables: Any) -> None:
    """One root is null with one error that says enough; its siblings are answered."""
    declared = "($id: ID!)" if "id" in variables else ""
    answer = await run.client.ask(f"query{declared} {{ bad: {field} {GOOD} }}", **variables)
    data = answer["data"]
    assert data["bad"] is None, field
    assert len(data["before"]) == 5, field
    assert data["after"]["nodes"], field
    assert data["after"]["complete"], field
    assert answer.get("errors"), field
    for error in answer["errors"]:
        assert error["path"][0] == "bad", field
        assert error["extensions"]["code"] == code, (field, error)
        assert_readable(error["message"])


def assert_readable(message: str) -> None:
    """A sentence for a person: no Python, no GraphQL internals, not too long."""
    assert message[0].isupper() or message[0] == "`" or message.split(maxsplit=1)[0].rstrip(":").isidentifier()
    assert len(message.split()) > 3
    assert len(message) < 300
    for inside in ("Traceback", "Error(", "<class", "NoneType", "object at 0x", "None"):
        assert inside not in message


async def test_an_unknown_source(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for field in UNKNOWN_SOURCES:
            await refused(run, field, "UNKNOWN_SOURCE")


async def test_pages_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for field, others in CONNECTIONS.items():
            for page in PAGES:
                await refused(run, f"{field}({others}{page}) {NODES}", "INVALID_ARGUMENT")
            for cursor in ('first: 5, after: ""', 'last: 5, before: ""', 'after: "x"', 'before: "AAAA"', 'after: "ü"'):
                await refused(run, f"{field}({others}{cursor}) {NODES}", "INVALID_CURSOR")


async def test_pages_of_what_belongs_to_a_conference(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for inner in ("members", "calls"):
            for page in PAGES:
                await refused(
                    run, f"conferences(first: 1) {{ nodes {{ {inner}({page}) {NODES} }} }}", "INVALID_ARGUMENT"
                )
            field = f'conferences(first: 1) {{ nodes {{ {inner}(after: "") {NODES} }} }}'
            await refused(run, field, "INVALID_CURSOR")


async def test_ranges_whose_end_is_not_after_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for field in RANGES:
            await refused(run, field, "INVALID_ARGUMENT")


async def test_other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for field in OTHER_ARGUMENTS:
            await refused(run, field, "INVALID_ARGUMENT")


async def test_foreign_and_damaged_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also an id of another type where a room's is wanted; nothing is asked of any vendor for it."""
    async with running(monkeypatch) as run:
        given = await run.client.data("{ conferences(first: 1) { nodes { id } } }")
        conference_id = given["conferences"]["nodes"][0]["id"]
        for damaged in (
            *DAMAGED_IDS,
            conference_id[:-2],
            conference_id + "A",
            conference_id[:9] + "B" + conference_id[10:],
        ):
            await refused(run, "node(id: $id) { id }", "INVALID_ID", id=damaged)
            await refused(run, f"conferences(filter: {{room: $id}}) {NODES}", "INVALID_ID", id=damaged)
        await refused(run, f"conferences(filter: {{room: $id}}) {NODES}", "INVALID_ID", id=conference_id)


async def test_one_damaged_id_leaves_the_other_nodes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    async with running(monkeypatch) as run:
        rows = (await run.client.data("{ conferences(first: 2) { nodes { id } } }"))["conferences"]["nodes"]
        answer = await run.client.ask(query, ids=[rows[0]["id"], "damaged", rows[1]["id"]])
        assert answer["data"]["nodes"] == [rows[0], None, rows[1]]
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "INVALID_ID"
        assert error["path"] == ["nodes", 1]


async def test_cursors_of_another_list_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another field, parent, order or filter; only the page size may change."""
    listed = "query($f: ConferenceFilter, $n: Int, $a: String) { conferences(filter: $f, first: $n, after: $a) { %s } }"
    rows = "edges { cursor } nodes { vendorId members(first: 1) { edges { cursor } } } pageInfo { endCursor }"
    async with running(monkeypatch) as run:
        given = {"f": {"during": during(3)}, "n": 5}
        page: Row = (await run.client.data(listed % rows, **given))["conferences"]
        cursor = page["pageInfo"]["endCursor"]
        inner = next(node["members"]["edges"][0]["cursor"] for node in page["nodes"] if node["members"]["edges"])
        span = f'{{from: "{during(3)["from"]}", to: "{during(3)["to"]}"}}'
        assert (await run.client.data(listed % rows, **{**given, "n": 50}, a=cursor))["conferences"]["nodes"]
        for field in (
            f'conferences(first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}, search: "x"}}, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}, states: [ENDED]}}, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}, sources: ["hexmeet"]}}, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}}}, orderBy: START_ASC, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {RANGE}}}, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}}}, first: 5, after: "{inner}") {NODES}',
            f'calls(filter: {{during: {span}}}, first: 5, after: "{cursor}") {NODES}',
            f'rooms(filter: {{during: {span}}}, first: 5, after: "{cursor}") {NODES}',
            f'conferences(filter: {{during: {span}}}, first: 5, after: "{damaged(cursor)}") {NODES}',
            f'conferences(filter: {{during: {span}}}, first: 5, after: "{cursor[:-4]}") {NODES}',
            f'conferences(filter: {{during: {span}}}, last: 5, before: "{damaged(cursor)}") {NODES}',
        ):
            await refused(run, field, "INVALID_CURSOR")


async def test_a_cursor_of_one_conferences_members_is_not_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "{ conferences(first: 20) { nodes { sourceName vendorId members(first: 1) { edges { cursor } } } } }"
    async with running(monkeypatch) as run:
        rows = (await run.client.data(listed))["conferences"]["nodes"]
        one, other = [row for row in rows if row["members"]["edges"]][:2]
        cursor = one["members"]["edges"][0]["cursor"]
        key = f'source: "{other["sourceName"]}", vendorId: "{other["vendorId"]}"'
        await refused(run, f'conference({key}) {{ members(after: "{cursor}") {NODES} }}', "INVALID_CURSOR")


def damaged(cursor: str) -> str:
    at = len(cursor) // 2
    return cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]


async def test_an_instant_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a variable or written out: GraphQL then refuses the whole request, for a value that is not of its type."""
    query = (
        "query($from: DateTime!, $to: DateTime!) { conferences(filter: {during: {from: $from, to: $to}}) { complete } }"
    )
    without_offset = ("2026-03-12T00:00:00", "2026-03-12 00:00:00.000")
    async with running(monkeypatch) as run:
        for instant in (
            *without_offset,
            *("2026-03-12", "yesterday", "1773273600", "", "2026-02-30T00:00:00Z", "2026-03-12T25:00:00Z"),
        ):
            span = f'{{from: "{instant}", to: "2026-03-13T00:00:00Z"}}'
            for answer in (
                await run.client.ask(query, **{"from": instant, "to": "2026-03-13T00:00:00Z"}),
                await run.client.ask(f"{{ conferences(filter: {{during: {span}}}) {{ complete }} }}"),
            ):
                assert not answer.get("data")
                (error,) = answer["errors"]
                assert error["extensions"]["code"] == "BAD_USER_INPUT", error
                assert ("offset" in error["message"]) == (instant in without_offset)
        assert run.requests() == {}


async def test_documents_that_are_no_query(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        for query, code in (
            ("{ conferences ", "GRAPHQL_PARSE_FAILED"),
            ("query { conferences( }", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ conferences { nodes } }", "GRAPHQL_VALIDATION_FAILED"),
            ('{ conferences(first: "five") { complete } }', "GRAPHQL_VALIDATION_FAILED"),
            ("query($n: Int) { conferences(first: $n) { complete } }", "BAD_USER_INPUT"),
        ):
            answer = await run.client.ask(query, n="five")
            assert not answer.get("data"), query
            assert {error["extensions"]["code"] for error in answer["errors"]} == {code}, (query, answer["errors"])


async def test_explicit_null_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    query = """
    {
      conferences(filter: null, orderBy: null, first: null, after: null, last: null, before: null) {
        nodes { vendorId }
      }
    }
    """
    async with running(monkeypatch) as run:
        given = await run.client.data("{ conferences { nodes { vendorId } } }")
        assert given["conferences"]["nodes"]
        assert await run.client.data(query) == given


async def test_ids_that_are_well_formed_but_unknown_are_null(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the vendor can prove it; no error then."""
    async with running(monkeypatch) as run:
        for source, vendor_id in (
            ("netease", "99999999999"),
            ("huawei", "12345"),
            ("netease", "no number"),
            ("hexmeet", "x"),
        ):
            answer = await run.client.data(f'{{ conference(source: "{source}", vendorId: "{vendor_id}") {{ title }} }}')
            assert answer == {"conference": None}


async def test_what_hexmeet_cannot_prove_absent_is_null_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        await refused(run, f'conference(source: "hexmeet", vendorId: "{"0" * 32}") {{ title }}', "LOOKUP_LIMIT")
