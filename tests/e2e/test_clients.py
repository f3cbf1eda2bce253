"""Front-end clients walk a running confgraph: each makes one list of the pages in its own way."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from e2e.tools import NODE, run_node
from faulty import Fault, answers, passes
from replicating import Replicas, replicas
from starlette.types import ASGIApp, Receive, Scope, Send

pytestmark = [pytest.mark.anyio, NODE]

PROGRAMS = ("apollo.mjs", "urql.mjs", "relay.mjs")
PAGE = 50
CONFERENCES = 600
DOWN = "netease"
ONE_TRY = {DOWN: {"retries": 0, "breaker_failures": 0}}  # what is down is asked once for each page
DEPRECATED = "react-test-renderer is deprecated"
IDENTITIES = """
query($filter: ConferenceFilter) {
  conferences(filter: $filter, first: 60) {
    nodes {
      __typename id
      room { __typename id }
      members(first: 5) { nodes { __typename id } }
      calls(first: 5) { nodes { __typename id mcu { __typename id } } }
    }
  }
}
"""


def down_for(requests: int) -> Fault:
    """Unavailable for so many requests, then well again."""
    left = requests

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal left
        left -= 1
        await (passes if left < 0 else answers(b"", 503))(app, scope, receive, send)

    return fault


async def walk(program: str, confgraph: Replicas) -> dict[str, Any]:
    """What a client tells of its walk over `span`; it had nothing to complain about."""
    told = await asyncio.to_thread(run_node, program, confgraph.urls[0], json.dumps(confgraph.span), str(PAGE))
    walked: dict[str, Any] = json.loads(told)
    assert [it for it in walked["complaints"] if not it.startswith(DEPRECATED)] == []
    assert len(set(walked["ids"])) == len(walked["ids"])
    return walked


def keys(confgraph: Replicas) -> list[list[str]]:
    """Source and vendor id of each conference of `span`, latest first."""
    return [[source, vendor_id] for _, source, vendor_id in confgraph.truth()]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_client_gets_every_conference_once_and_in_order(program: str, tmp_path: Path) -> None:
    async with replicas(tmp_path, "memory://", number=1, conferences=CONFERENCES) as confgraph:
        rows = keys(confgraph)
        assert len(rows) > 200
        walked = await walk(program, confgraph)
        assert walked["rows"] == rows
        assert len(walked["pages"]) >= len(rows) / PAGE
        assert all(page["complete"] and not page["failed"] for page in walked["pages"])
        if program == "relay.mjs":  # it fetches by id again what it has
            assert walked["node"] == {
                "__typename": "Conference",
                "id": walked["ids"][0],
                "vendorId": rows[0][1],
            }
        if program == "apollo.mjs":  # it keeps each under its type and id, and can start over
            assert walked["entities"] == len(rows)
            assert walked["again"] == [PAGE, 2 * PAGE]
            assert walked["anew"] == rows


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_client_sees_what_failed_and_gets_those_rows_later(program: str, tmp_path: Path) -> None:
    async with replicas(tmp_path, "memory://", number=1, conferences=CONFERENCES, sources=ONE_TRY) as confgraph:
        confgraph.vendors[DOWN].fault = down_for(3)
        rows = keys(confgraph)
        walked = await walk(program, confgraph)
        first, *_, last = walked["pages"]
        assert (first["complete"], first["failed"]) == (False, [DOWN])
        assert (last["complete"], last["failed"]) == (True, [])
        assert sorted(walked["rows"]) == sorted(rows)


async def test_no_two_things_share_an_id(tmp_path: Path) -> None:
    """Relay keeps whatever it reads by id alone: an id belongs to one type."""
    async with replicas(tmp_path, "memory://", number=1) as confgraph:
        data = await confgraph.ask(0, IDENTITIES, filter={"during": confgraph.span})
    types: dict[str, set[str]] = {}

    def note(value: Any) -> None:
        if isinstance(value, dict):
            if "id" in value:
                types.setdefault(value["id"], set()).add(value["__typename"])
            value = list(value.values())
        if isinstance(value, list):
            for inner in value:
                note(inner)

    note(data)
    assert {kind for kinds in types.values() for kind in kinds} == {
        "Conference",
        "Room",
        "Member",
        "Call",
        "McuResource",
    }
    assert all(len(kinds) == 1 for kinds in types.values())
