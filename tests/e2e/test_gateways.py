"""confgraph behind real gateways, beside subgraphs of others: joins, what they cost, and what goes wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from answers import FRAGMENTS, Row, text
from e2e.gateways import GATEWAYS, Federation, federated
from e2e.tools import NODE
from faulty import answers, passes
from sockets import socket
from streaming import events

from graph import clock

pytestmark = [NODE, pytest.mark.timeout(300)]

LISTED = """
query($f: ConferenceFilter, $n: Int = 100) {
  conferences(filter: $f, first: $n) { nodes { id sourceName vendorId title state startedAt } }
}
"""
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federated(tmp_path_factory.mktemp("federation"), conferences=900) as running:
        yield running


@pytest.fixture(params=GATEWAYS)
def via(request: pytest.FixtureRequest) -> str:
    gateway: str = request.param
    return gateway


def past(**more: Any) -> dict[str, Any]:
    """A filter for what is over, and settled whatever the hour."""
    now = clock.now().replace(microsecond=0)
    return {"during": {"from": text(now - 50 * DAY), "to": text(now - 4 * DAY)}, **more}


def some_conferences(federation: Federation, count: int = 100, **more: Any) -> list[Row]:
    rows: list[Row] = federation.data(LISTED, f=past(**more), n=count)["conferences"]["nodes"]
    assert len(rows) == count
    return rows


def keys(row: Row) -> dict[str, str]:
    """What a conference is known by to who has no id of ours."""
    return {"sourceName": row["sourceName"], "vendorId": row["vendorId"]}


def review(conference_id: str, number: int = 0) -> dict[str, object]:
    return {"id": f"review-{number}", "text": f"text {number}", "stars": number % 5 + 1, "conferenceId": conference_id}


def booking(number: int, **conference: str) -> dict[str, object]:
    return {"id": f"booking-{number}", "subject": f"subject {number}", **conference}


def codes(answer: dict[str, Any]) -> list[str]:
    """Codes of errors. One of a gateway has none: where an object of ours is null, it misses what may not be."""
    return [error["extensions"]["code"] for error in answer.get("errors", ()) if "extensions" in error]


# ---- joins ------------------------------------------------------------------------------------------


def test_others_add_to_a_page_of_ours_in_one_request_each(federation: Federation, via: str) -> None:
    """By our ids and by the vendors' own, neither of which the client selects."""
    rows = some_conferences(federation)
    federation.give("feedback", reviews=[review(row["id"], n) for n, row in enumerate(rows)], complaints={})
    federation.give("facilities", bookings=[booking(n, **keys(row)) for n, row in enumerate(rows)], places=[])
    query = """
    query($f: ConferenceFilter) {
      conferences(filter: $f, first: 100) { nodes { title satisfaction booking { subject } } }
    }"""
    before = federation.asked_of_confgraph()
    found = federation.data(query, via=via, f=past())["conferences"]["nodes"]
    assert found == [
        {"title": row["title"], "satisfaction": n % 5 + 1, "booking": {"subject": f"subject {n}"}}
        for n, row in enumerate(rows)
    ]
    assert federation.asked_of_confgraph() == before + 1
    for other in ("feedback", "facilities"):
        (asked,) = federation.asked_of(other)
        assert len(asked["variables"]["representations"]) == 100


def test_a_list_of_others_joins_ours_by_id_in_one_request(federation: Federation, via: str) -> None:
    rows = some_conferences(federation)
    federation.give("feedback", reviews=[review(row["id"], n) for n, row in enumerate(rows)], complaints={})
    before = federation.asked_of_confgraph()
    query = "{ reviews(first: 100) { nodes { text conference { sourceName vendorId title state startedAt } } } }"
    found = federation.data(query, via=via)["reviews"]["nodes"]
    assert found == [
        {"text": f"text {n}", "conference": {name: row[name] for name in row if name != "id"}}
        for n, row in enumerate(rows)
    ]
    assert federation.asked_of_confgraph() == before + 1


def test_a_list_of_others_joins_ours_without_knowing_our_ids(federation: Federation, via: str) -> None:
    """What nobody knows is null, and no error of ours."""
    rows = some_conferences(federation)
    known = [booking(n, **keys(row)) for n, row in enumerate(rows)]
    unknown = [booking(101, sourceName="netease", vendorId="1"), booking(102, sourceName="nowhere", vendorId="1")]
    federation.give("facilities", bookings=[*unknown, *known], places=[])
    before = federation.asked_of_confgraph()
    query = "{ bookings(first: 200) { subject conference { id title state startedAt } } }"
    answer = federation.ask(query, via=via)
    found = answer["data"]["bookings"]
    assert codes(answer) == []
    assert [it["conference"] for it in found[:2]] == [None, None]
    assert [it["conference"] for it in found[2:]] == [
        {name: row[name] for name in ("id", "title", "state", "startedAt")} for row in rows
    ]
    assert federation.asked_of_confgraph() == before + 1


def test_rooms_and_media_nodes_are_joined_by_name_both_ways(federation: Federation, via: str) -> None:
    listed = """
    query($d: TimeRange!) {
      rooms(filter: {during: $d, sources: ["hexmeet"]}, first: 10) { nodes { id sourceName name } }
      mcuResources(filter: {during: $d}, first: 10) { nodes { id sourceName name kind } }
    }"""
    during = past()["during"] | {"from": text(clock.now() - 30 * DAY)}  # what is older is not looked up by name
    data = federation.data(listed, d=during)
    rooms, mcus = data["rooms"]["nodes"], data["mcuResources"]["nodes"]
    places = [
        {"kind": kind, "location": f"{kind} {n}", "sourceName": row["sourceName"], "name": row["name"]}
        for kind, rows in (("Room", rooms), ("McuResource", mcus))
        for n, row in enumerate(rows)
    ]
    federation.give("facilities", bookings=[], places=places)
    ours = listed.replace("sourceName name }", "location }").replace("sourceName name kind", "rack")
    data = federation.data(ours, via=via, d=during)
    assert data["rooms"]["nodes"] == [{"id": row["id"], "location": f"Room {n}"} for n, row in enumerate(rooms)]
    assert data["mcuResources"]["nodes"] == [
        {"id": row["id"], "rack": f"McuResource {n}"} for n, row in enumerate(mcus)
    ]
    for field, rows in (("room { id location }", rooms), ("mcu { id rack kind }", mcus)):
        before = federation.asked_of_confgraph()
        kind = field.partition(" ")[0]
        found = [it[kind] for it in federation.data(f"{{ places(first: 50) {{ {field} }} }}", via=via)["places"]]
        assert [it["id"] for it in found if it] == [row["id"] for row in rows]
        assert federation.asked_of_confgraph() == before + 1


def test_calls_are_joined_below_conferences(federation: Federation, via: str) -> None:
    """Entities within entities: ours, then the other's, in a list in a list."""
    query = """
    query($f: ConferenceFilter) {
      conferences(filter: $f, first: 5) { nodes { calls(first: 9) { nodes { id FIELD } } } }
    }"""
    given = past(sources=["hexmeet"])
    rows = federation.data(query.replace("FIELD", "displayName"), f=given)["conferences"]["nodes"]
    ids = [call["id"] for row in rows for call in row["calls"]["nodes"]]
    assert len(ids) > 5
    federation.give("feedback", reviews=[], complaints={name: f"about {name}" for name in ids})
    rows = federation.data(query.replace("FIELD", "complaint"), via=via, f=given)["conferences"]["nodes"]
    found = [call for row in rows for call in row["calls"]["nodes"]]
    assert found == [{"id": name, "complaint": f"about {name}"} for name in ids]
    assert len(federation.asked_of("feedback")) == 1


def test_a_page_with_everything_is_the_same_through_a_gateway(federation: Federation, via: str) -> None:
    """Nothing that a gateway adds to a document is too much for our limits."""
    query = "query($f: ConferenceFilter) { conferences(filter: $f, first: 30) { nodes { ...Joined } complete } }"
    one, other = (federation.data(query + FRAGMENTS, via=way, f=past())["conferences"] for way in (via, None))
    assert len(one["nodes"]) == 30
    assert one == other


# ---- what joins cost at the vendors -----------------------------------------------------------------


def test_a_hundred_huawei_conferences_are_five_vendor_requests(federation: Federation, via: str) -> None:
    now = clock.now()
    during = {"from": text(now - 2 * DAY), "to": text(now)}
    listed = federation.data(LISTED, f={"during": during, "sources": ["huawei"]})["conferences"]["nodes"]
    live = [row["vendorId"] for row in listed]
    wanted = [*live, *(str(GATEWAYS.index(via) * 1000 + 5_000_000 + n) for n in range(100 - len(live)))]
    federation.give(
        "facilities", bookings=[booking(n, sourceName="huawei", vendorId=it) for n, it in enumerate(wanted)], places=[]
    )
    before = federation.asked_of_confgraph()
    federation.asked_of_vendors()
    query = "{ bookings(first: 100) { conference { vendorId memberCount members { totalCount } } } }"
    answer = federation.ask(query, via=via)
    found = answer["data"]["bookings"]
    assert codes(answer) == []
    assert live
    assert [it["conference"]["vendorId"] for it in found if it["conference"]] == live
    assert federation.asked_of_vendors() == {"huawei queryconfinfos": 5}
    assert federation.asked_of_confgraph() == before + 1


def test_a_hundred_netease_conferences_are_read_eight_at_a_time(federation: Federation, via: str) -> None:
    rows = some_conferences(federation, 200, sources=["netease"])[GATEWAYS.index(via) :: 2]
    federation.give("facilities", bookings=[booking(n, **keys(row)) for n, row in enumerate(rows)], places=[])
    federation.asked_of_vendors()
    federation.crowd.most.clear()
    found = federation.data("{ bookings(first: 100) { conference { title } } }", via=via)["bookings"]
    assert found == [{"conference": {"title": row["title"]}} for row in rows]
    ((report, count),) = federation.asked_of_vendors().items()
    assert report.startswith("netease ")
    assert count == 100
    assert max(federation.crowd.most.values()) == 8


# ---- what goes wrong --------------------------------------------------------------------------------


def test_what_a_dead_vendor_leaves_out_is_told_through_a_gateway(federation: Federation, via: str) -> None:
    """As data, since gateways hide errors: the other rows are there, and `sources` says what is missing, and why."""
    query = """
    query($f: ConferenceFilter) {
      conferences(filter: $f, first: 50) {
        nodes { sourceName satisfaction } complete sources { source { name } status error { code } }
      }
    }"""
    federation.give("feedback", reviews=[], complaints={})
    federation.faulty["systec"].fault = answers(b"down", status=503)
    try:
        page = federation.data(query, via=via, f=past())["conferences"]
    finally:
        federation.faulty["systec"].fault = passes
    assert {row["sourceName"] for row in page["nodes"]} == {"hexmeet", "netease"}
    assert page["complete"] is False
    assert {it["source"]["name"]: it["error"] for it in page["sources"] if it["status"] == "FAILED"} == {
        "systec": {"code": "UNAVAILABLE"}
    }
    assert federation.data(query, via=via, f=past())["conferences"]["complete"] is True


def test_entities_fail_one_by_one_through_a_gateway(federation: Federation, via: str) -> None:
    """A broken id and a dead vendor cost what is asked of them; each error has its code."""
    rows = some_conferences(federation, 40)
    ids = ["broken", *(row["id"] for row in rows)]
    federation.give("feedback", reviews=[review(name, n) for n, name in enumerate(ids)], complaints={})
    federation.faulty["systec"].fault = answers(b"down", status=503)
    try:
        answer = federation.ask("{ reviews(first: 50) { nodes { text conference { title } } } }", via=via)
    finally:
        federation.faulty["systec"].fault = passes
    nodes = answer["data"]["reviews"]["nodes"]
    assert [it["text"] for it in nodes] == [f"text {n}" for n in range(41)]
    dead = [row["sourceName"] == "systec" for row in rows]
    assert [it["conference"] for it in nodes] == [
        {"title": None},
        *({"title": None if is_dead else row["title"]} for row, is_dead in zip(rows, dead, strict=True)),
    ]
    assert any(dead)
    assert sorted(codes(answer)) == ["INVALID_ID", *["VENDOR_ERROR"] * sum(dead)]


def test_errors_keep_their_codes_through_a_gateway(federation: Federation, via: str) -> None:
    """One field is refused, the others are answered; the request id leads to our log."""
    query = '{ conferences(after: "broken") { nodes { id } } rooms(first: 1) { nodes { sourceName } } }'
    answer = federation.ask(query, via=via)
    (error,) = answer["errors"]
    assert error["path"] == ["conferences"]
    assert error["extensions"]["code"] == "INVALID_CURSOR"
    assert error["extensions"]["requestId"]
    assert answer["data"]["conferences"] is None
    assert len(answer["data"]["rooms"]["nodes"]) == 1


def test_apollo_tells_how_long_our_answer_stays_good(federation: Federation) -> None:
    """Long for settled history, short for what is going on, and for nobody else."""
    now = clock.now()
    ages = {}
    for name, given in (("past", past()), ("now", {"during": {"from": text(now - DAY), "to": text(now)}})):
        control = federation.reply(LISTED, via="apollo", f=given, n=5).headers["cache-control"]
        assert "private" in control
        ages[name] = int(control.partition("max-age=")[2].partition(",")[0])
    assert ages["past"] > 3000
    assert ages["now"] <= 10


# ---- who asks ---------------------------------------------------------------------------------------


def test_a_gateway_passes_on_who_asks(federation: Federation, via: str) -> None:
    """Nobody gets in by way of it, and everybody sees what they may."""
    query = """
    query($f: ConferenceFilter) {
      conferences(filter: $f, first: 40) { nodes { sourceName host { phoneNumber } } }
    }"""
    for caller in (None, "nobody"):
        refused = federation.ask(query, via=via, caller=caller, f=past())
        assert set(codes(refused)) == {"UNAUTHENTICATED"}
        assert (refused.get("data") or {}).get("conferences") is None
    answer = federation.ask(query, via=via, caller="clerk", f=past())
    assert {row["sourceName"] for row in answer["data"]["conferences"]["nodes"]} == {"hexmeet"}
    assert codes(answer) == ["FORBIDDEN"]
    assert {row["host"] and row["host"]["phoneNumber"] for row in answer["data"]["conferences"]["nodes"]} == {None}


def test_a_join_shows_no_more_than_its_caller_may_see(federation: Federation, via: str) -> None:
    rows = some_conferences(federation, 40)
    federation.give("feedback", reviews=[review(row["id"], n) for n, row in enumerate(rows)], complaints={})
    query = "{ reviews(first: 40) { nodes { conference { title } } } }"
    answer = federation.ask(query, via=via, caller="clerk")
    assert "errors" not in answer
    assert [it["conference"] for it in answer["data"]["reviews"]["nodes"]] == [
        {"title": row["title"] if row["sourceName"] == "hexmeet" else None} for row in rows
    ]


@pytest.mark.parametrize("secret", [None, "not the gateway's secret"])
def test_entities_are_for_gateways_alone_where_that_is_set(federation: Federation, secret: str | None) -> None:
    (row,) = some_conferences(federation, 1)
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Conference { id } } }"
    asked = {"query": query, "variables": {"r": [{"__typename": "Conference", "id": row["id"]}]}}
    headers = {"authorization": "Bearer key of all", **({"x-confgraph-gateway": secret} if secret else {})}
    reply = httpx.post(f"{federation.confgraph}/graphql", json=asked, headers=headers, timeout=30)
    assert codes(reply.json()) == ["UNAUTHENTICATED" if secret else "FORBIDDEN"]
    assert row["id"] not in reply.text


def test_what_no_gateway_would_send_is_harmless(federation: Federation) -> None:
    """Each bad representation costs its own place; forged fields are not believed; too many are refused."""
    rows = some_conferences(federation, 2)
    query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Conference { id title } } }"
    good = [{"__typename": "Conference", **keys(row), "title": "forged", "id_": 1, "self": None} for row in rows]
    bad: list[Any] = [{"__typename": "Query"}, {"__typename": "Member", "id": rows[0]["id"]}, {}, "text", [1]]
    answer = federation.ask(query, r=[good[0], *bad, good[1]])
    expected = [{"__typename": "Conference", "id": row["id"], "title": row["title"]} for row in rows]
    assert answer["data"]["_entities"] == [expected[0], *[None] * len(bad), expected[1]]
    assert codes(answer) == ["BAD_USER_INPUT"] * len(bad)
    assert codes(federation.ask(query, r=good * 501)) == ["LIMIT_EXCEEDED"]


# ---- subscriptions ----------------------------------------------------------------------------------


JOINED = """
subscription {
  liveConferences(sources: ["quanshi"]) { kind conference { vendorId state satisfaction booking { subject } } }
}"""


def give_to_live_ones(federation: Federation) -> set[str]:
    """Let others have something on each conference that is going on; gives their keys."""
    now = clock.now()
    given = {"during": {"from": text(now - 2 * DAY), "to": text(now)}, "sources": ["quanshi"]}
    live = federation.data(LISTED, f=given)["conferences"]["nodes"]
    federation.give("feedback", reviews=[review(row["id"], 2) for row in live], complaints={})
    federation.give("facilities", bookings=[booking(7, **keys(row)) for row in live], places=[])
    return {row["vendorId"] for row in live}


def check_joined(event: dict[str, Any], live: set[str]) -> None:
    assert "errors" not in event, event
    told = event["data"]["liveConferences"]
    assert told["kind"] == "STARTED"
    assert told["conference"].pop("vendorId") in live
    assert told["conference"] == {"state": "LIVE", "satisfaction": 3, "booking": {"subject": "subject 7"}}


@pytest.mark.anyio
async def test_events_come_through_a_gateway_and_are_joined(federation: Federation) -> None:
    """Hive Gateway asks by WebSocket, with the key of its caller, and gives each event the others' fields."""
    live = give_to_live_ones(federation)
    async with events(federation.gateways["hive"], JOINED, {"authorization": "Bearer key of all"}) as stream:
        for _ in range(2):
            check_joined(json.loads((await stream.next())[1]), live)


@pytest.mark.anyio
async def test_a_gateway_passes_on_who_asks_in_the_first_message_of_a_socket(federation: Federation) -> None:
    """As browsers have to: they send no headers with it. What is asked by HTTP has it as well."""
    live = give_to_live_ones(federation)
    query = "{ conferences(first: 1) { nodes { id } } }"
    async with socket(federation.gateways["hive"]) as browser:
        await browser.init(Authorization="Bearer key of all")
        assert (await browser.ask(query))["data"]["conferences"]["nodes"]
        await browser.subscribe("live", JOINED)
        check_joined((await browser.read())["payload"], live)
    async with socket(federation.gateways["hive"]) as browser:
        await browser.init()
        assert codes(await browser.ask(query)) == ["UNAUTHENTICATED"]


@pytest.mark.anyio
async def test_why_a_subscription_is_refused_comes_through_a_gateway(federation: Federation) -> None:
    query = 'subscription { liveConferences(sources: ["nobody"]) { kind } }'
    async with events(federation.gateways["hive"], query, {"authorization": "Bearer key of all"}) as stream:
        (error,) = json.loads((await stream.next())[1])["errors"]
    assert error["message"] == "There is no source named 'nobody'."
    assert error["extensions"]["code"] == "UNKNOWN_SOURCE"
    assert error["extensions"]["requestId"]
