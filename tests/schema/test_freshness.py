"""How long an answer may be kept: as long as everything that was read for it is good, and by nobody but who asked."""

from datetime import timedelta
from typing import Any

import pytest
from answers import text
from faulty import Faulty, answers
from queries import Client
from random_queries import Asker, ids_of
from worlds import DAY, NOW, TYPES, Running, during, running, source_tables

from graph import clock
from graph.settings import build

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
RANGED = '["hexmeet", "netease", "systec"]'
SETTLED = during(7, NOW - 10 * DAY)
YOUNG = during(0.5, NOW - 30 * HOUR)  # nothing goes on for so long, and it has not settled
PRESENT = during(1)
PAGE = "query($d: TimeRange!) { conferences(filter: {during: $d}) { nodes { id } } }"
CALLS = "query($d: TimeRange!) { calls(filter: {during: $d}, first: 5) { totalCount nodes { id } } }"
JOINED = """
query($d: TimeRange!) {
  conferences(filter: {during: $d}, first: 5) {
    nodes { memberCount room { name } members { totalCount nodes { id } } calls { nodes { id } } }
  }
}
"""
ROOMS = "query($d: TimeRange!) { rooms(filter: {during: $d}) { nodes { name usage(during: $d) { count } } } }"
MCUS = """
query($d: TimeRange!) { mcuResources(filter: {during: $d}) { nodes { id utilization(during: $d) { peakRatio } } } }
"""
REGIONS = "query($d: TimeRange!) { regionCounts(measure: ISSUED_CALLS, during: $d) { nodes { region count } } }"
GROUPS = "query($d: TimeRange!) { usageBy(dimension: ROOM, during: $d) { nodes { name } totals { count } } }"
USAGE = "query($first: Date!, $last: Date!) { usage(of: CONFERENCES, days: {from: $first, to: $last}) { count } }"


async def age_of(client: Client, query: str, **variables: object) -> int | None:
    """For how many seconds an answer may be kept; None where it may not."""
    reply = await client.reply(query, **variables)
    vary = {name.strip() for name in reply.headers["vary"].lower().split(",")}
    assert vary >= {"authorization", "x-confgraph-gateway"}
    said = reply.headers["cache-control"]
    if said == "no-store":
        return None
    assert "errors" not in reply.json()
    private, _, age = said.partition(", max-age=")
    assert private == "private"
    return int(age)


@pytest.mark.parametrize("query", [PAGE, CALLS, JOINED, ROOMS, MCUS, REGIONS, GROUPS])
async def test_what_has_settled_may_be_kept_for_long_and_what_may_change_for_seconds(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(monkeypatch) as run:
        assert await age_of(run.client, query, d=SETTLED) == 3600
        young = await age_of(run.client, query, d=YOUNG)
        assert young == (
            2 if query in (PAGE, JOINED) else 10
        )  # two sources list but what goes on now, which may be of then
        assert await age_of(run.client, f"{query} # again, from the store", d=SETTLED) == 3600


@pytest.mark.parametrize(
    "query",
    [
        "{ live { conferenceCount } }",
        "{ conferences(filter: {states: [LIVE]}) { nodes { id } } }",
        "{ conferences { nodes { id } } }",
        "{ calls { nodes { id } } }",
        "{ rooms { nodes { name } } }",
        "{ regionCounts(measure: ONGOING_CALLS) { nodes { count } } }",
        "{ sources { name health { state } } }",
    ],
)
async def test_what_is_of_now_may_be_kept_for_a_moment(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live rows and counts, ranges that end now, how sources fare."""
    async with running(monkeypatch) as run:
        assert await age_of(run.client, query) == 2


async def test_rows_of_a_range_are_kept_for_a_moment_while_one_of_them_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long ago it began."""
    query = "query($d: TimeRange!) {{ conferences(filter: {{during: $d, sources: {}}}) {{ nodes {{ state }} }} }}"
    async with running(monkeypatch, 1000) as run:
        listed = query.format(RANGED)
        for hours in range(1, 24):
            span = during(1 / 24, NOW - hours * HOUR)
            rows = (await run.client.data(listed, d=span))["conferences"]["nodes"]
            if any(row["state"] == "LIVE" for row in rows):
                break
        assert any(row["state"] == "LIVE" for row in rows)
        assert await age_of(run.client, listed, d=span) == 2


async def test_a_short_page_is_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again gets further, since what was read is there by then; so does a count that cost too much."""
    query = """query($d: TimeRange!) {
      conferences(filter: {during: $d, search: "qzx"}) { nodes { id } pageInfo { hasNextPage } totalCount } }"""
    small = {name: {"page_size": 5} for name in ("hexmeet", "netease", "systec")}
    async with running(monkeypatch, server={"page_budget": 1}, sources=small) as run:
        page = (await run.client.data(query, d=during(40, NOW - 10 * DAY)))["conferences"]
        assert page == {"nodes": [], "pageInfo": {"hasNextPage": True}, "totalCount": None}
        assert await age_of(run.client, query, d=during(40, NOW - 10 * DAY)) == 2


async def test_a_report_of_days_is_kept_for_long_once_they_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        assert await age_of(run.client, USAGE, first="2026-02-01", last="2026-03-05") == 3600
        assert await age_of(run.client, USAGE, first="2026-02-01", last="2026-03-12") == 2
        both = '{ live { memberCount } old: usage(of: CALLS, days: {from: "2026-02-01", to: "2026-02-02"}) { count } }'
        assert await age_of(run.client, both) == 2


@pytest.mark.parametrize(
    "query",
    ["{ live { memberCount } }", '{ usage(of: CALLS, days: {from: "2026-03-10", to: "2026-03-12"}) { count } }'],
)
async def test_what_others_share_is_kept_for_what_is_left_since_it_was_read(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(monkeypatch) as run:
        assert await age_of(run.client, query) == 2
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=1))
        assert await age_of(run.client, f"{query} # asked by another") == 1


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ __schema { description } }", "{ _service { sdl } }", "{ sources { name } }"]
)
async def test_what_the_process_knows_by_itself_is_kept_for_minutes(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(monkeypatch) as run:
        assert await age_of(run.client, query) == 300


async def objects(run: Running) -> dict[str, list[dict[str, Any]]]:
    """Conferences of every source: those that have settled, and those that go on."""
    query = """query($d: TimeRange!, $s: [ConferenceState!]) {
      conferences(filter: {during: $d, states: $s}, first: 200) { nodes { id sourceName vendorId } } }"""
    old = (await run.client.data(query, d=SETTLED, s=["ENDED"]))["conferences"]["nodes"]
    live = (await run.client.data(query, d=during(2), s=["LIVE"]))["conferences"]["nodes"]
    by_source = [{row["sourceName"]: row for row in rows} for rows in (old, live)]
    return {"settled": list(by_source[0].values()), "live": list(by_source[1].values())}


async def test_what_is_looked_up_is_kept_by_whether_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By id, by the vendor's id, by several of those, and by a gateway's representations."""
    node = "query($id: ID!) { node(id: $id) { id ... on Conference { members { totalCount } } } }"
    one = "query($source: String!, $key: String!) { conference(source: $source, vendorId: $key) { title } }"
    chosen = """query($source: String!, $keys: [String!]!) {
      conferences(filter: {sources: [$source], vendorIds: $keys}) { nodes { title } } }"""
    entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Conference { title } } }"
    async with running(monkeypatch, 1000) as run:
        found = await objects(run)
        assert {row["sourceName"] for row in found["settled"]} == {"hexmeet", "netease", "systec"}
        assert len(found["live"]) >= 3
        for kind, age in (("settled", 3600), ("live", 2)):
            for row in found[kind]:
                source, key = row["sourceName"], row["vendorId"]
                assert await age_of(run.client, node, id=row["id"]) == age, row
                assert await age_of(run.client, one, source=source, key=key) == age
                assert await age_of(run.client, chosen, source=source, keys=[key]) == age
                named = {"__typename": "Conference", "sourceName": source, "vendorId": key}
                assert await age_of(run.client, entities, r=[named]) == age
        old, live = found["settled"][0], found["live"][0]
        mixed = [{"__typename": "Conference", "id": row["id"]} for row in (old, live)]
        assert await age_of(run.client, entities, r=mixed) == 2
        assert await age_of(run.client, one, source="netease", key="0") == 2  # there may be one at any time
        # Where absence is not proven the answer has an error.
        assert await age_of(run.client, one, source="hexmeet", key="0" * 32) is None


async def test_what_was_read_a_while_ago_is_kept_for_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next page of a walk takes what the first one read."""
    query = """query($d: TimeRange!, $after: String) {
      conferences(filter: {during: $d, sources: ["netease", "systec"]}, first: 1, after: $after) {
        nodes { id } pageInfo { endCursor } } }"""
    async with running(monkeypatch) as run:
        page = (await run.client.data(query, d=YOUNG))["conferences"]
        for seconds, age in ((4, 6), (9.5, None)):
            monkeypatch.setattr(clock, "now", lambda seconds=seconds: NOW + timedelta(seconds=seconds))
            assert await age_of(run.client, query, d=YOUNG, after=page["pageInfo"]["endCursor"]) == age
        monkeypatch.setattr(clock, "now", lambda: NOW)
        assert await age_of(run.client, query, d=SETTLED) == 3600


@pytest.mark.parametrize("query", [PAGE, CALLS, ROOMS, GROUPS, USAGE])
async def test_an_answer_that_lacks_something_is_not_kept(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source that is down may be well at once."""
    fronts: dict[str, Faulty] = {}

    def front(vendor: str, app: Any) -> Any:
        return fronts.setdefault(vendor, Faulty(app))

    once = {"retries": 0, "breaker_failures": 0}
    given = {"d": SETTLED, "first": "2026-02-20", "last": "2026-03-05"}
    before = {"d": during(5, NOW - 20 * DAY), "first": "2026-02-01", "last": "2026-02-15"}
    async with running(monkeypatch, wrap=front, sources={"hexmeet": once}) as run:
        assert await age_of(run.client, query, **before) == 3600
        fronts["hexmeet"].fault = answers(b"", 503)
        reply = await run.client.reply(query, **given)
        assert "errors" not in reply.json()
        assert reply.headers["cache-control"] == "no-store"


async def test_an_answer_with_stale_rows_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source that is down may be well at once."""
    fronts: dict[str, Faulty] = {}

    def front(vendor: str, app: Any) -> Any:
        return fronts.setdefault(vendor, Faulty(app))

    query = (
        f"query($d: TimeRange!) {{ conferences(filter: {{during: $d, sources: {RANGED}}}) {{ sources {{ status }} }} }}"
    )
    sources = {"hexmeet": {"retries": 0, "breaker_failures": 0}}
    async with running(monkeypatch, wrap=front, sources=sources) as run:
        assert await age_of(run.client, query, d=YOUNG) == 10
        fronts["hexmeet"].fault = answers(b"", 503)
        for seconds in (3, 4):
            monkeypatch.setattr(clock, "now", lambda seconds=seconds: NOW + timedelta(seconds=seconds))
            reply = await run.client.reply(query, d=YOUNG)
            told = [it["status"] for it in reply.json()["data"]["conferences"]["sources"]]
            assert told == ["STALE", "OK", "OK"]
            assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", '{ node(id: "x") { id } }', "{ __typename conferences(first: -1) { complete } }"]
)
async def test_an_answer_with_an_error_is_not_kept(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        reply = await run.client.reply(query)
        assert reply.json()["errors"]
        assert reply.headers["cache-control"] == "no-store"


class OfThePast(Asker):
    """Asks for ranges most of which have settled."""

    def _during(self) -> str:
        end = NOW - self._random.choice([1, 3, 10, 20]) * DAY
        return f'during: {{from: "{text(end - self._random.choice([0.1, 1, 5]) * DAY)}", to: "{text(end)}"}}'


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_kept_for_long_is_answered_alike_at_the_end_of_that_time(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a confgraph that remembers nothing, before vendors whose conferences went on meanwhile."""
    long = 0
    async with running(monkeypatch) as run:
        asker = OfThePast(seed, await ids_of(run))
        settings = build({"cache": {"enabled": False}, "sources": source_tables(run.sandbox, {})}, TYPES, {})
        async with Client(settings) as forgetful:
            for _ in range(40):
                query = asker.query()
                monkeypatch.setattr(clock, "now", lambda: NOW)
                reply = await run.client.reply(query)
                age = await age_of(run.client, query)
                if age is None or age < 11:
                    continue
                long += 1
                monkeypatch.setattr(clock, "now", lambda age=age: NOW + timedelta(seconds=age))
                assert (await forgetful.ask(query))["data"] == reply.json()["data"], query
    assert long >= 3
