"""Conferences, members and calls: which source is asked what, and what comes of it."""

from datetime import timedelta
from typing import Any

import pytest
from schema.fakes import (
    NOW,
    EmbeddingAdapter,
    FakeAdapter,
    LiveAdapter,
    MuteAdapter,
    call,
    conference,
    data,
    failure,
    member,
    person,
)

from graph import clock
from graph.errors import LookupLimitError, VendorRefusedError
from graph.records import ConferenceState, Room

pytestmark = pytest.mark.anyio

IDS = "{conferences(filter: $f, first: 50){nodes{vendorId} sources{source{name} status error{code}} complete}}"
QUERY = f"query($f: ConferenceFilter) {IDS}"


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default range ends at NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


async def ids(adapters: list[Any], **filter_: Any) -> list[str]:
    """The vendor ids of the list, latest first."""
    answer = await data(adapters, QUERY, f=filter_)
    return [node["vendorId"] for node in answer["conferences"]["nodes"]]


async def statuses(adapters: list[Any], **filter_: Any) -> dict[str, str]:
    """What each source contributed."""
    answer = await data(adapters, QUERY, f=filter_)
    return {result["source"]["name"]: result["status"] for result in answer["conferences"]["sources"]}


def during(hours: int) -> dict[str, str]:
    return {"from": (NOW - timedelta(hours=hours)).isoformat(), "to": (NOW + timedelta(hours=1)).isoformat()}


async def test_sources_of_every_kind_make_one_list() -> None:
    """Ranged rows and live rows are merged by time; who lists nothing is named."""
    fleet = [
        FakeAdapter("alpha", [conference("alpha", "a1", 10), conference("alpha", "a2", 40)]),
        EmbeddingAdapter("beta", [conference("beta", "b1", 20)]),
        LiveAdapter("gamma", [conference("gamma", "g1", 30, state=ConferenceState.LIVE)]),
        MuteAdapter("omega"),
    ]
    assert await ids(fleet) == ["a1", "b1", "g1", "a2"]
    assert await statuses(fleet) == {"alpha": "OK", "beta": "OK", "gamma": "LIVE_ONLY", "omega": "UNSUPPORTED"}


async def test_a_failing_source_leaves_the_others_rows() -> None:
    broken = EmbeddingAdapter("beta", [conference("beta", "b1", 20)])
    broken.is_down = True
    answer = (await data([FakeAdapter("alpha", [conference("alpha", "a1", 10)]), broken], QUERY))["conferences"]
    assert [node["vendorId"] for node in answer["nodes"]] == ["a1"]
    assert answer["complete"] is False
    assert answer["sources"][1] == {
        "source": {"name": "beta"},
        "status": "FAILED",
        "error": {"code": "UNAVAILABLE"},
    }


async def test_the_default_range_is_the_last_day_by_sort_time() -> None:
    rows = [
        conference("alpha", "now", 1),
        conference("alpha", "early", 24 * 60 + 1),
        conference("alpha", "day", 24 * 60),
    ]
    fleet = [FakeAdapter("alpha", rows)]
    assert await ids(fleet) == ["now", "day"]
    assert await ids(fleet, during=during(48)) == ["now", "day", "early"]


async def test_live_lists_show_what_is_live_and_began_in_the_range() -> None:
    """`live` counts the others too; a list of conferences does not."""
    live = ConferenceState.LIVE
    rows = [
        conference("gamma", "yes", 5, state=live),
        conference("gamma", "booked", -5, state=ConferenceState.SCHEDULED),
        conference("gamma", "long", 24 * 60 + 5, state=live),
    ]
    assert await ids([LiveAdapter("gamma", rows)]) == ["yes"]
    assert await ids([LiveAdapter("gamma", rows)], during=during(30)) == ["yes", "long"]


async def test_states_that_a_source_cannot_have_cost_no_request() -> None:
    class EndedAdapter(FakeAdapter):
        states = frozenset({ConferenceState.ENDED})

    alpha = EndedAdapter("alpha", [conference("alpha", "a1")])
    gamma = LiveAdapter("gamma", [conference("gamma", "g1", state=ConferenceState.LIVE)])
    assert await ids([alpha, gamma], states=["LIVE"]) == ["g1"]
    assert alpha.asked == []
    assert await ids([alpha, gamma], states=["ENDED"]) == ["a1"]
    assert gamma.verbs == ["list_live"]
    assert await statuses([alpha, gamma], states=["CANCELLED"]) == {"alpha": "OK", "gamma": "LIVE_ONLY"}
    assert await ids([alpha, gamma], states=[]) == []


async def test_states_are_sent_to_the_vendor_and_applied_again() -> None:
    rows = [conference("alpha", "1"), conference("alpha", "2", state=ConferenceState.CANCELLED)]
    fleet = [FakeAdapter("alpha", rows)]
    assert await ids(fleet, states=["CANCELLED"]) == ["2"]
    assert fleet[0].asked[0][1].states == {ConferenceState.CANCELLED}


@pytest.mark.parametrize("text", ["STANDUP", "555", "Blue", "ann"])
async def test_search_looks_into_four_texts_and_ignores_case(text: str) -> None:
    rows = [
        conference("alpha", "title", title="Daily standup"),
        conference("alpha", "number", number="15550"),
        conference("alpha", "room", room=Room(source_name="alpha", key="b", name="blue room")),
        conference("alpha", "host", host=person("Anna")),
        conference("alpha", "none", title="Other", error_info="standup 555 blue anna"),
    ]
    expected = {"STANDUP": "title", "555": "number", "Blue": "room", "ann": "host"}[text]
    assert await ids([FakeAdapter("alpha", rows)], search=text) == [expected]


async def test_a_room_is_looked_for_at_its_source_alone() -> None:
    blue, red = Room(source_name="alpha", key="blue", name="Blue"), Room(source_name="alpha", key="red", name="Red")
    alpha = FakeAdapter("alpha", [conference("alpha", "1", room=blue), conference("alpha", "2", room=red)])
    beta = EmbeddingAdapter("beta", [conference("beta", "3", room=Room(source_name="beta", key="blue"))])
    assert await ids([alpha, beta], room=blue.id) == ["1"]
    assert alpha.asked[0][1].room == "blue"
    assert beta.asked == []
    assert (await failure([alpha], QUERY, f={"room": conference("alpha", "1").id}))[0] == "INVALID_ID"
    assert (await failure([alpha], QUERY, f={"room": "x"}))[0] == "INVALID_ID"


async def test_vendors_and_sources_narrow_the_fleet() -> None:
    fleet = [FakeAdapter("alpha", [conference("alpha", "1")]), FakeAdapter("beta", [conference("beta", "2")])]
    assert await ids(fleet, sources=["beta"]) == ["2"]
    assert await ids(fleet, sources=[]) == []
    assert await ids(fleet, sources=None) == ["2", "1"]
    assert await ids(fleet, vendors=["SYSTEC"]) == ["2", "1"]
    assert await ids(fleet, vendors=["HUAWEI"]) == []
    assert (await failure(fleet, QUERY, f={"sources": ["omega"]}))[0] == "UNKNOWN_SOURCE"


async def test_vendor_ids_come_in_the_order_asked_by_one_request() -> None:
    rows = [conference("alpha", str(n), 60 * 24 * 40 + n) for n in range(5)]
    alpha = FakeAdapter("alpha", rows)
    assert await ids([alpha], sources=["alpha"], vendorIds=["3", "0", "3", "9", "1"]) == ["3", "0", "1"]
    assert [what[0] for _, what in alpha.asked] == [("3", "0", "9", "1")]
    assert await ids([alpha], sources=["alpha"], vendorIds=[]) == []
    assert await ids([alpha], sources=["alpha"], vendorIds=["1"], states=["LIVE"]) == []
    assert await ids([alpha], sources=["alpha"], vendorIds=["1"], during=during(1)) == []


async def test_vendor_ids_want_one_source_and_at_most_a_thousand() -> None:
    fleet = [FakeAdapter("alpha"), FakeAdapter("beta")]
    wrong: list[dict[str, Any]] = [
        {"vendorIds": ["1"]},
        {"vendorIds": ["1"], "sources": ["alpha", "beta"]},
        {"vendorIds": [str(n) for n in range(1001)], "sources": ["alpha"]},
    ]
    for filter_ in wrong:
        assert (await failure(fleet, QUERY, f=filter_))[0] == "INVALID_ARGUMENT"
    assert (await statuses([MuteAdapter("omega")], vendorIds=["1"], sources=["omega"])) == {"omega": "UNSUPPORTED"}


async def test_a_refused_identifier_leaves_the_others() -> None:
    class Picky(FakeAdapter):
        async def get_conferences(self, vendor_ids: Any, extras: Any, near: Any = None) -> Any:
            found = await super().get_conferences(vendor_ids, extras, near)
            return [VendorRefusedError("No.", source="alpha", endpoint="x") if row is None else row for row in found]

    answer = await data(
        [Picky("alpha", [conference("alpha", "1")])], QUERY, f={"sources": ["alpha"], "vendorIds": ["1", "2"]}
    )
    assert [node["vendorId"] for node in answer["conferences"]["nodes"]] == ["1"]
    assert answer["conferences"]["complete"] is False
    assert answer["conferences"]["sources"][0]["error"] == {"code": "REFUSED"}


async def test_an_identifier_whose_absence_is_not_proven_makes_the_answer_incomplete() -> None:
    class Forgetful(FakeAdapter):
        async def get_conferences(self, *_: Any) -> Any:
            return [self.conferences[0], LookupLimitError("Not met in 31 days.")]

    filter_ = {"sources": ["alpha"], "vendorIds": ["1", "2"]}
    answer = (await data([Forgetful("alpha", [conference("alpha", "1")])], QUERY, f=filter_))["conferences"]
    assert [node["vendorId"] for node in answer["nodes"]] == ["1"]
    assert answer["complete"] is False
    assert answer["sources"] == [{"source": {"name": "alpha"}, "status": "OK", "error": {"code": "UNSUPPORTED"}}]


MEMBERS = "{conferences(first: 50){nodes{vendorId memberCount members{nodes{vendorId conference{id title}} complete}}}}"


async def test_members_of_a_page_are_asked_for_together_once() -> None:
    rows = [conference("alpha", str(n), n, title=f"t{n}") for n in range(1, 31)]
    alpha = FakeAdapter("alpha", rows, members=[member(row, f"m{row.vendor_id}") for row in rows])
    answer = (await data([alpha], MEMBERS))["conferences"]["nodes"]
    assert [node["members"]["nodes"][0]["vendorId"] for node in answer] == [f"m{n}" for n in range(1, 31)]
    assert [node["members"]["nodes"][0]["conference"]["title"] for node in answer] == [f"t{n}" for n in range(1, 31)]
    assert [verb for verb in alpha.verbs if verb != "list_conferences"] == ["read_members"]


async def test_members_that_came_along_cost_no_request() -> None:
    one = conference("beta", "1")
    beta = EmbeddingAdapter("beta", [one], members=[member(one, "m"), member(one, "n")])
    answer = (await data([beta], MEMBERS))["conferences"]["nodes"]
    assert [row["vendorId"] for row in answer[0]["members"]["nodes"]] == ["m", "n"]
    assert beta.verbs == ["list_conferences"]


async def test_members_come_by_time_and_the_undated_last() -> None:
    one = conference("alpha", "1")
    members = [member(one, "c", None), member(one, "b", 5), member(one, "a", 5), member(one, "z", 1)]
    answer = await data([FakeAdapter("alpha", [one], members=members)], MEMBERS)
    assert [row["vendorId"] for row in answer["conferences"]["nodes"][0]["members"]["nodes"]] == ["z", "a", "b", "c"]


async def test_a_source_without_members_says_so_in_an_empty_connection() -> None:
    gamma = LiveAdapter("gamma", [conference("gamma", "1", state=ConferenceState.LIVE)])
    query = "{conferences{nodes{members{nodes{id} complete sources{status source{name}}} calls{sources{status}}}}}"
    (node,) = (await data([gamma], query))["conferences"]["nodes"]
    unsupported = [{"status": "UNSUPPORTED", "source": {"name": "gamma"}}]
    assert node["members"] == {"nodes": [], "complete": True, "sources": unsupported}
    assert node["calls"] == {"sources": [{"status": "UNSUPPORTED"}]}


async def test_members_that_could_not_be_read_are_told_in_their_connection() -> None:
    class Torn(FakeAdapter):
        async def read_members(self, conferences: Any) -> Any:
            error = VendorRefusedError("No.", source=self.source, endpoint="detail", vendor_code="2000")
            return [error if row.vendor_id == "1" else () for row in conferences]

    rows = [conference("alpha", "1", 1), conference("alpha", "2", 2)]
    query = "{conferences{complete nodes{members{complete sources{status error{code vendorCode}}}}}}"
    answer = (await data([Torn("alpha", rows)], query))["conferences"]
    assert answer["complete"] is True
    assert [node["members"]["complete"] for node in answer["nodes"]] == [False, True]
    assert answer["nodes"][0]["members"]["sources"] == [
        {"status": "FAILED", "error": {"code": "REFUSED", "vendorCode": "2000"}}
    ]


async def test_people_are_counted_where_the_vendor_does_not() -> None:
    """Someone who rejoins is one person."""
    one = conference("beta", "1")
    members = [
        member(one, "1", display_name="Li"),
        member(one, "2", display_name="Li"),
        member(one, "3", display_name="Wu"),
    ]
    beta = EmbeddingAdapter("beta", [one], members=members)
    alpha = FakeAdapter("alpha", [conference("alpha", "2")], members=[member(conference("alpha", "2"), "1")])
    answer = await data([alpha, beta], "{conferences{nodes{vendorId memberCount}}}")
    assert answer["conferences"]["nodes"] == [
        {"vendorId": "1", "memberCount": 2},
        {"vendorId": "2", "memberCount": None},
    ]
    assert alpha.verbs == beta.verbs == ["list_conferences"]


CALLS = "{calls{nodes{vendorId conference{%s}}}}"


async def test_what_a_call_tells_of_its_conference_costs_no_request() -> None:
    one = conference("alpha", "1", number="123", title="Standup")
    alpha = FakeAdapter("alpha", [one], calls=[call(one, "x"), call(one, "y", 1)])
    (row, _) = (await data([alpha], CALLS % "__typename id sourceName vendorId number source{name}"))["calls"]["nodes"]
    assert row["conference"] == {
        "__typename": "Conference",
        "id": one.id,
        "sourceName": "alpha",
        "vendorId": "1",
        "number": "123",
        "source": {"name": "alpha"},
    }
    assert alpha.verbs == ["list_calls"]


async def test_conferences_of_calls_are_read_together_with_all_that_is_selected() -> None:
    rows = [conference("beta", str(n), title=f"t{n}") for n in range(9)]
    beta = EmbeddingAdapter("beta", rows, calls=[call(row, f"c{row.vendor_id}") for row in rows])
    answer = await data([beta], CALLS % "title members{totalCount}")
    assert {node["conference"]["title"] for node in answer["calls"]["nodes"]} == {f"t{n}" for n in range(9)}
    assert beta.verbs == ["list_calls", "get_conferences"]
    assert beta.asked[1][1][1].members is True


async def test_a_number_that_the_call_does_not_tell_is_read() -> None:
    one = conference("alpha", "1", number="123")
    untold = call(conference("alpha", "1"), "x")
    answer = await data([FakeAdapter("alpha", [one], calls=[untold])], CALLS % "number")
    assert answer["calls"]["nodes"][0]["conference"]["number"] == "123"


async def test_calls_of_a_page_are_asked_for_together_and_know_their_conference() -> None:
    rows = [conference("alpha", str(n), n, title=f"t{n}") for n in range(1, 6)]
    alpha = FakeAdapter("alpha", rows, calls=[call(row, f"c{row.vendor_id}") for row in rows])
    answer = await data([alpha], "{conferences{nodes{calls{nodes{vendorId conference{title}}}}}}")
    calls = [node["calls"]["nodes"] for node in answer["conferences"]["nodes"]]
    assert calls == [[{"vendorId": f"c{n}", "conference": {"title": f"t{n}"}}] for n in range(1, 6)]
    assert [verb for verb in alpha.verbs if verb != "list_conferences"] == ["read_calls"]


async def test_calls_are_listed_where_the_vendor_does_and_searched_here() -> None:
    one = conference("alpha", "1")
    calls = [call(one, "a", display_name="Ann"), call(one, "b", 1, client_version="Soft 2"), call(one, "c", 2)]
    fleet = [FakeAdapter("alpha", [one], calls=calls), LiveAdapter("gamma")]
    query = "query($s: String) {calls(filter: {search: $s}, orderBy: START_ASC){nodes{vendorId} sources{status}}}"
    assert (await data(fleet, query))["calls"] == {
        "nodes": [{"vendorId": "a"}, {"vendorId": "b"}, {"vendorId": "c"}],
        "sources": [{"status": "OK"}, {"status": "UNSUPPORTED"}],
    }
    assert (await data(fleet, query, s="soft"))["calls"]["nodes"] == [{"vendorId": "b"}]


async def test_one_conference_by_the_vendors_identifier() -> None:
    query = 'query($s: String!, $t: DateTime) {conference(source: $s, vendorId: "1", startedNear: $t){title}}'
    alpha = FakeAdapter("alpha", [conference("alpha", "1", title="Standup")])
    assert (await data([alpha], query, s="alpha", t="2026-03-10T10:00:00+08:00"))["conference"] == {"title": "Standup"}
    assert alpha.asked[0][1][2] == NOW - timedelta(hours=10)
    assert (await data([FakeAdapter("alpha")], query, s="alpha"))["conference"] is None
    assert (await failure([alpha], query, s="omega"))[0] == "UNKNOWN_SOURCE"
    assert (await failure([MuteAdapter("omega")], query, s="omega"))[0] == "UNSUPPORTED"
