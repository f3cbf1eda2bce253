"""Questions within the limits that would have endless answers: each gets one that is short enough, and is paid for."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from attacks.besieging import FOE, FRIEND, UNLIMITED, Besieged, Friend, besieged, codes, long_ago
from graph.ids import IdKind, encode_id

pytestmark = pytest.mark.timeout(240)

WORK_S = 3.0  # of a processor
ANSWER_BYTES = 15_000_000
GROWTH_MB = 200
FIELDS = "id sourceName vendorId number title state startedAt endedAt durationSeconds host { name } room { name }"
PAGE = "conferences(filter: {during: $d}, first: 1000)"
YEARS = 'of: CALLS, days: {from: "2016-01-01", to: "2025-12-31"}'
IDS = [encode_id(IdKind.CONFERENCE, "netease", str(number)) for number in range(1000)]


def times(count: int, what: str) -> str:
    """Under as many names."""
    return " ".join(f"a{number}: {what}" for number in range(count))


def on_rows(what: str) -> str:
    return f"query($d: TimeRange!) {{ {PAGE} {{ nodes {{ {what} }} }} }}"


FLOODS = {
    "pages": f"query($d: TimeRange!) {{ {times(48, f'{PAGE} {{ nodes {{ {FIELDS} }} }}')} }}",
    "rows": f"query($d: TimeRange!) {{ {PAGE} {{ {times(60, f'nodes {{ {FIELDS} }}')} }} }}",
    "people": on_rows(times(90, "host { name accountId }")),
    "long names": on_rows(" ".join(f"{'a' * 120}{number}: title" for number in range(90))),
    "what sources can": on_rows(times(90, "source { name capabilities }")),
    "sources of pages": on_rows(times(40, "members(first: 1) { sources { source { capabilities } } }")),
    "pages of pages": on_rows(times(40, "members(first: 100) { nodes { id displayName } }")),
    "days": f"{{ {times(40, f'usage({YEARS}) {{ buckets {{ date bySource {{ stats {{ count }} }} }} }}')} }}",
    "objects": f"query($ids: [ID!]!) {{ {times(45, 'nodes(ids: $ids) { __typename id }')} }}",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Besieged]:
    with besieged(UNLIMITED, conferences=3000) as server:
        yield server


def ask(http: httpx.Client, flood: str) -> httpx.Response:
    given: dict[str, Any] = {"d": long_ago(30), "ids": IDS}
    variables = {name: value for name, value in given.items() if f"${name}:" in FLOODS[flood]}
    return http.post("/graphql", json={"query": FLOODS[flood], "variables": variables})


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_has_an_end(server: Besieged, flood: str) -> None:
    """In work, in bytes and in memory; what goes beyond is refused."""
    with server.client(FOE) as foe:
        memory, work = server.memory_mb, server.cpu_s
        reply = ask(foe, flood)
        work, memory = server.cpu_s - work, server.memory_mb - memory
    assert codes(reply, FLOODS[flood]) == {"LIMIT_EXCEEDED"}
    assert (len(reply.content) < ANSWER_BYTES, work < WORK_S, memory < GROWTH_MB) == (True, True, True)
    server.assert_well()


def test_who_asks_for_floods_must_pause_and_nobody_else() -> None:
    """However little of them the vendors are asked for: most of it was read before."""
    with besieged("[limits]\ncost_per_second = 5\n", conferences=3000) as server, server.client(FRIEND) as http:
        friend = Friend(http)
        with server.client(FOE) as foe:
            for _ in range(20):
                reply = ask(foe, "pages")
                friend.ask()
                if reply.status_code == 429:
                    break
        assert codes(reply) == {"RATE_LIMITED"}
        assert int(reply.headers["retry-after"]) > 0
        server.assert_well()
