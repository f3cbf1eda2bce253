"""An error that nobody foresaw shows nothing of itself, wherever it is raised."""

import json
from typing import Any

import pytest
from faulty import passes
from marked import Told, asked, everything, leaks

from graph.cache.store import WindowStore
from graph.context import Context
from graph.ids import IdKind, encode_id
from graph.loaders import CallByKeyLoader, ConferenceByKeyLoader, RoomByKeyLoader
from graph.paging.listing import Listing
from graph.schema import conference, cost, federation, served
from graph.schema.documents import Documents
from graph.server import view
from graph.server.auth import Guard
from graph.transport.client import VendorClient
from graph.vendors.netease.adapter import NeteaseAdapter

pytestmark = pytest.mark.anyio

MARKS = {"marked-words", "13900008888"}
SAID = " ".join(sorted(MARKS))
KEY = encode_id(IdKind.CONFERENCE, "netease", "4077")
CALL = encode_id(IdKind.CALL, "systec", "Zz0+/w==:0:0")

QUERY = """
query ($during: TimeRange!, $nodes: [ID!]!, $keys: [_Any!]!) {
  sources { health { state } }
  conferences(filter: {during: $during}, first: 30) {
    nodes { startedAt members(first: 1) { nodes { id } } } pageInfo { endCursor } totalCount
  }
  conference(source: "netease", vendorId: "4077") { id }
  nodes(ids: $nodes) { id }
  _entities(representations: $keys) { ... on Conference { id } ... on Room { id } }
  usage(of: CONFERENCES, days: {from: "2026-01-01", to: "2026-01-02"}) { count }
}
"""


def break_down(*_: object, **__: object) -> Any:
    raise RuntimeError(SAID) from ValueError(SAID)


PLACES: dict[str, tuple[object, str]] = {
    "a vendor's client": (VendorClient, "call"),
    "an adapter": (NeteaseAdapter, "get_conferences"),
    "a loader": (ConferenceByKeyLoader, "read"),
    "a loader of calls": (CallByKeyLoader, "read"),
    "a loader of rooms": (RoomByKeyLoader, "read"),
    "a list": (Listing, "page"),
    "a root": (conference, "conference_listing"),
    "the cache": (WindowStore, "recall"),
    "federation's keys": (federation, "identify"),
    "federation's look-up": (federation, "fetch_nodes"),
    "the prediction of cost": (cost, "predict"),
    "the telling of cost": (cost, "cost_extension"),
    "the checks of documents": (Documents, "operation"),
    "the presenting of errors": (served, "present"),
    "the context": (Context, "create"),
    "the guard": (Guard, "authenticate"),
    "the reading of bodies": (view, "read_sent"),
    "the writing of answers": (view, "answer"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_an_error_that_nobody_foresaw_shows_nothing(
    place: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        {"__typename": "Conference", "sourceName": "netease", "vendorId": "4077"},
        {"__typename": "Room", "sourceName": "systec", "name": "h1"},
        {"__typename": "Nobody"},
    ]
    variables = {"during": asked()["during"], "nodes": [KEY, CALL], "keys": keys}
    body = json.dumps({"query": QUERY, "variables": variables})
    async with everything(passes) as (client, _):
        assert (await client.ask("{ live { memberCount } }"))["data"]
        with monkeypatch.context() as broken:
            owner, name = PLACES[place]
            assert hasattr(owner, name)
            broken.setattr(owner, name, break_down)
            reply = await client._http.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert (await client.ask("{ live { memberCount } }"))["data"], "it goes on"
    said = told()
    assert leaks(MARKS | {"Traceback", "RuntimeError"}, reply.text, [str(reply.headers)]) == []
    assert leaks(MARKS, said) == []
    assert any("RuntimeError" in text for text in said), "its class is logged"
    if reply.status_code == 200:
        codes = {error["extensions"]["code"] for error in reply.json()["errors"]}
        assert "INTERNAL" in codes
    else:
        assert reply.status_code == 500
