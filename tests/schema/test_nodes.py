"""Objects by their ids."""

from typing import Any

import pytest
from schema.fakes import EmbeddingAdapter, FakeAdapter, MuteAdapter, call, conference, data, failure, member, run

from graph.errors import LookupLimitError, VendorRefusedError
from graph.ids import IdKind, encode_id
from graph.records import McuKind, McuResource, Room

pytestmark = pytest.mark.anyio

NODE = "query($id: ID!) {node(id: $id){__typename id}}"
NODES = "query($ids: [ID!]!) {nodes(ids: $ids){__typename id}}"

ONE = conference("alpha", "1", title="Standup")
ROOM = Room(source_name="alpha", key="blue", name="blue", vendor_id="9")
MCU = McuResource(source_name="alpha", name="mru-1", kind=McuKind.MRU)


def alpha() -> FakeAdapter:
    return FakeAdapter("alpha", [ONE], members=[member(ONE, "m")], calls=[call(ONE, "c")], rooms=[ROOM], mcus=[MCU])


OBJECTS = [
    (ONE, "Conference"),
    (member(ONE, "m"), "Member"),
    (call(ONE, "c"), "Call"),
    (ROOM, "Room"),
    (MCU, "McuResource"),
]


@pytest.mark.parametrize(("record", "typename"), OBJECTS)
async def test_every_object_is_found_by_its_id(record: Any, typename: str) -> None:
    assert await data([alpha()], NODE, id=record.id) == {"node": {"__typename": typename, "id": record.id}}


@pytest.mark.parametrize(("record", "typename"), OBJECTS)
async def test_what_the_vendor_no_longer_knows_is_null(record: Any, typename: str) -> None:
    assert await data([FakeAdapter("alpha")], NODE, id=record.id) == {"node": None}, typename


async def test_an_object_of_a_source_that_is_not_configured_is_null() -> None:
    assert await data([EmbeddingAdapter("beta")], NODE, id=ONE.id) == {"node": None}


@pytest.mark.parametrize("text", ["", "x", "Conference:1", ONE.id[:-2], ONE.id + "A", ONE.id.lower()])
async def test_a_broken_id_is_refused(text: str) -> None:
    assert (await failure([alpha()], NODE, id=text))[0] == "INVALID_ID"


async def test_a_members_id_without_its_conference_is_refused() -> None:
    assert (await failure([alpha()], NODE, id=encode_id(IdKind.MEMBER, "alpha", "m")))[0] == "INVALID_ID"


async def test_many_are_read_in_batches_in_the_order_asked() -> None:
    rows = [conference("alpha", str(n)) for n in range(5)]
    source = FakeAdapter("alpha", rows, calls=[call(rows[0], str(n), n) for n in range(4)])
    wanted = [rows[3].id, source.calls[2].id, rows[0].id, source.calls[0].id, rows[3].id]
    answer = await data([source], NODES, ids=wanted)
    assert [node["id"] for node in answer["nodes"]] == wanted
    assert [what for verb, what in source.asked if verb == "get_calls"] == [("2", "0")]
    assert [what[0] for verb, what in source.asked if verb == "get_conferences"] == [("3", "0")]


async def test_one_bad_id_leaves_the_others() -> None:
    result = await run([alpha()], NODES, ids=[ONE.id, "broken", conference("omega", "1").id, ROOM.id])
    assert [node and node["__typename"] for node in result.data["nodes"]] == ["Conference", None, None, "Room"]
    (error,) = result.errors
    assert (error.path, error.extensions["code"]) == (["nodes", 1], "INVALID_ID")


async def test_too_many_ids_are_refused() -> None:
    assert (await failure([alpha()], NODES, ids=[ONE.id] * 1001))[0] == "LIMIT_EXCEEDED"


async def test_each_failed_item_has_its_own_error() -> None:
    """An exception as a value of a batch fails that item alone; absence that is not proven is no plain null."""

    class Picky(FakeAdapter):
        async def get_conferences(self, vendor_ids: Any, *_: Any) -> Any:
            self.ask("get_conferences")
            refused = VendorRefusedError("No.", source="alpha", endpoint="detail")
            return [{"1": ONE, "2": refused, "3": LookupLimitError("Not met in 31 days.")}[one] for one in vendor_ids]

    source = Picky("alpha")
    result = await run([source], NODES, ids=[conference("alpha", one).id for one in "123"])
    assert [node and node["id"] for node in result.data["nodes"]] == [ONE.id, None, None]
    assert [error.extensions["code"] for error in result.errors] == ["VENDOR_ERROR", "LOOKUP_LIMIT"]
    assert result.errors[0].extensions["source"] == "alpha"
    assert source.verbs == ["get_conferences"]


async def test_one_dead_source_does_not_fail_the_others_of_the_batch() -> None:
    dead = FakeAdapter("beta")
    dead.is_down = True
    result = await run([alpha(), dead], NODES, ids=[conference("beta", "1").id, ONE.id])
    assert [node and node["id"] for node in result.data["nodes"]] == [None, ONE.id]
    assert [error.extensions["code"] for error in result.errors] == ["VENDOR_ERROR"]


async def test_a_member_knows_its_conference_without_asking_again() -> None:
    query = "query($id: ID!) {node(id: $id){... on Member{vendorId conference{title}}}}"
    source = EmbeddingAdapter("alpha", [ONE], members=[member(ONE, "m"), member(ONE, "n")])
    answer = await data([source], query, id=member(ONE, "n").id)
    assert answer == {"node": {"vendorId": "n", "conference": {"title": "Standup"}}}
    assert source.verbs == ["get_conferences"]


async def test_a_source_without_a_look_up_says_so() -> None:
    for id_ in (encode_id(IdKind.CALL, "omega", "1"), conference("omega", "1").id):
        assert (await failure([MuteAdapter("omega"), alpha()], NODE, id=id_))[0] == "UNSUPPORTED"
