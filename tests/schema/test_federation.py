"""Entities by their keys, as a gateway asks for them."""

from collections.abc import Sequence
from typing import Any

import pytest
from schema.fakes import EmbeddingAdapter, FakeAdapter, call, conference, data, member, run

from graph.ids import GlobalId, decode_id
from graph.records import McuKind, McuResource, Room
from graph.schema import federation
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

QUERY = """query($r: [_Any!]!) {_entities(representations: $r){
  __typename
  ... on Conference{id title members @include(if: false){totalCount}}
  ... on Call{id} ... on Room{id name} ... on McuResource{id kind}
}}"""

ONE = conference("alpha", "1", title="Standup")
ROOM = Room(source_name="alpha", key="blue", name="blue", vendor_id="9")
MCU = McuResource(source_name="alpha", name="mru-1", kind=McuKind.MRU)


def alpha() -> FakeAdapter:
    return FakeAdapter("alpha", [ONE], calls=[call(ONE, "c")], rooms=[ROOM], mcus=[MCU])


async def entities(adapters: Sequence[FakeAdapter], *representations: Any) -> list[Any]:
    """Ids of the entities, and codes of the errors in their places."""
    result = await run(adapters, QUERY, r=list(representations))
    assert result.data is not None, result.errors
    answers = [entity and entity["id"] for entity in result.data["_entities"]]
    for error in result.errors or ():
        assert answers[error.path[1]] is None
        answers[error.path[1]] = error.extensions["code"]
    return answers


async def test_entities_are_found_by_each_of_their_keys() -> None:
    representations = [
        {"__typename": "Conference", "id": ONE.id},
        {"__typename": "Conference", "sourceName": "alpha", "vendorId": "1"},
        {"__typename": "Call", "id": call(ONE, "c").id},
        {"__typename": "Room", "id": ROOM.id},
        {"__typename": "Room", "sourceName": "alpha", "name": "blue"},
        {"__typename": "McuResource", "id": MCU.id},
        {"__typename": "McuResource", "sourceName": "alpha", "name": "mru-1"},
    ]
    expected = [ONE.id, ONE.id, call(ONE, "c").id, ROOM.id, ROOM.id, MCU.id, MCU.id]
    source = alpha()
    assert await entities([source], *representations) == expected
    assert sorted(source.verbs) == ["get_calls", "get_conferences", "get_mcu_resources", "get_rooms"]


async def test_order_is_kept_and_what_is_not_known_is_null() -> None:
    def key(vendor_id: str, source: str = "alpha") -> dict[str, str]:
        return {"__typename": "Conference", "sourceName": source, "vendorId": vendor_id}

    rows = [conference("alpha", str(n)) for n in range(4)]
    answers = await entities([FakeAdapter("alpha", rows)], key("2"), key("9"), key("0"), key("2"), key("1", "omega"))
    assert answers == [rows[2].id, None, rows[0].id, rows[2].id, None]


@pytest.mark.parametrize(
    ("representation", "code"),
    [
        ({"__typename": "Nothing", "id": "1"}, "BAD_USER_INPUT"),
        ({"__typename": "Member", "id": member(ONE, "m").id}, "BAD_USER_INPUT"),
        ({"__typename": "Query"}, "BAD_USER_INPUT"),
        ({"__typename": None}, "BAD_USER_INPUT"),
        ({"__typename": ["Conference"]}, "BAD_USER_INPUT"),
        ({"id": ONE.id}, "BAD_USER_INPUT"),
        ({"__typename": "Conference"}, "BAD_USER_INPUT"),
        ({"__typename": "Conference", "sourceName": "alpha"}, "BAD_USER_INPUT"),
        ({"__typename": "Conference", "sourceName": "alpha", "vendorId": 1}, "BAD_USER_INPUT"),
        ({"__typename": "Call", "sourceName": "alpha", "vendorId": "c"}, "BAD_USER_INPUT"),
        ({"__typename": "Conference", "id": 7}, "BAD_USER_INPUT"),
        ({"__typename": "Conference", "id": "broken"}, "INVALID_ID"),
        ({"__typename": "Room", "id": ONE.id}, "INVALID_ID"),
        ("Conference", "BAD_USER_INPUT"),
        (["Conference"], "BAD_USER_INPUT"),
    ],
)
async def test_a_bad_representation_leaves_the_others(representation: Any, code: str) -> None:
    good = {"__typename": "Conference", "id": ONE.id}
    assert await entities([alpha()], good, representation, good) == [ONE.id, code, ONE.id]


async def test_a_representation_that_nobody_foresaw_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(text: str) -> GlobalId:
        if text == "odd":
            raise ArithmeticError(text)
        return decode_id(text)

    monkeypatch.setattr(federation, "decode_id", decode)
    good, odd = ({"__typename": "Conference", "id": text} for text in (ONE.id, "odd"))
    assert await entities([alpha()], good, odd, good) == [ONE.id, "INTERNAL", ONE.id]


@pytest.mark.parametrize(
    ("representation", "said"),
    [
        ({"__typename": "Nothing" * 50}, 'Room, McuResource, not "NothingNothingNothingNothingNothingNothi".'),
        ({"id": ONE.id}, "A __typename of entities is one of Conference, Call, Room, McuResource."),
        ({"__typename": "Conference", "sourceName": "a"}, "key as text: `id`, or `sourceName` and `vendorId`."),
        ({"__typename": "Room", "name": "a"}, "key as text: `id`, or `sourceName` and `name`."),
        ({"__typename": "Room", "id": 7}, "key as text: `id`, or `sourceName` and `name`."),
        ({"__typename": "Call", "sourceName": "a"}, "key as text: `id`."),
    ],
)
async def test_what_is_wrong_with_a_representation_is_told(representation: Any, said: str) -> None:
    result = await run([alpha()], QUERY, r=[representation])
    assert result.errors[0].message.endswith(said)


async def test_a_representation_is_never_null() -> None:
    result = await run([alpha()], QUERY, r=[None])
    assert [error.extensions["code"] for error in result.errors] == ["BAD_USER_INPUT"]


async def test_nothing_but_keys_is_taken_from_a_representation() -> None:
    forged = {"__typename": "Conference", "id": ONE.id, "title": "Forged", "info": 1, "self": 2, "state": "LIVE"}
    result = await run([alpha()], QUERY, r=[forged])
    assert result.data["_entities"][0]["title"] == "Standup"


async def test_a_room_that_is_not_known_by_name_is_not_taken_for_another() -> None:
    """Where ids are made of something else, a name that happens to equal one names no room."""
    source = FakeAdapter("alpha", rooms=[Room(source_name="alpha", key="host-1")])
    assert await entities([source], {"__typename": "Room", "sourceName": "alpha", "name": "host-1"}) == [None]


async def test_a_hundred_conferences_are_one_call_of_the_adapter_per_source() -> None:
    sources = [FakeAdapter(name, [conference(name, str(n)) for n in range(50)]) for name in ("alpha", "beta")]
    representations = [{"__typename": "Conference", "id": row.id} for one in sources for row in one.conferences]
    answers = await entities(sources, *representations)
    assert answers == [one["id"] for one in representations]
    assert [one.verbs for one in sources] == [["get_conferences"], ["get_conferences"]]


async def test_what_is_selected_on_entities_is_read_with_them() -> None:
    source = EmbeddingAdapter("alpha", [ONE], members=[member(ONE, "m")])
    query = "query($r: [_Any!]!) {_entities(representations: $r){... on Conference{members{nodes{vendorId}}}}}"
    answer = await data([source], query, r=[{"__typename": "Conference", "id": ONE.id}])
    assert answer["_entities"] == [{"members": {"nodes": [{"vendorId": "m"}]}}]
    assert source.verbs == ["get_conferences"]


async def test_a_source_that_is_down_fails_its_entities_alone() -> None:
    dead = FakeAdapter("beta")
    dead.is_down = True
    keys = [{"__typename": "Conference", "id": conference(name, "1").id} for name in ("beta", "alpha", "beta")]
    assert await entities([alpha(), dead], *keys) == ["VENDOR_ERROR", ONE.id, "VENDOR_ERROR"]


async def test_too_many_entities_are_refused() -> None:
    result = await run([alpha()], QUERY, r=[{"__typename": "Conference", "id": ONE.id}] * 1001)
    assert [error.extensions["code"] for error in result.errors] == ["LIMIT_EXCEEDED"]


async def test_unions_of_vendor_fields_have_every_vendor_that_reports_some() -> None:
    query = """{
      conference: __type(name: "ConferenceVendorFields"){possibleTypes{name}}
      member: __type(name: "MemberVendorFields"){possibleTypes{name}}
      vendor: __type(name: "Vendor"){enumValues{name}}
    }"""
    answer = await data([], query)
    assert len(answer["conference"]["possibleTypes"]) == len(VENDORS)
    assert len(answer["member"]["possibleTypes"]) == sum(spec.member_fields is not None for spec in VENDORS.values())
    assert {value["name"] for value in answer["vendor"]["enumValues"]} == {name.upper() for name in VENDORS}
