"""P4 over real HTTP for what is read whole: lists without windows, members and look-ups are paid for once."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from answers import Row, text
from connections import FIND, GROUPS, LEGS, MCUS, MEMBERS, REGIONS, ROOMS
from walking import Slow, Stage, rows_of, staged
from watching import HOUR, conferences
from worlds import DAY, NOW

pytestmark = pytest.mark.anyio

SPAN = {"from": text(NOW - 3 * DAY), "to": text(NOW)}
SETTLED = {"from": text(NOW - 30 * DAY), "to": text(NOW - 5 * DAY)}
TOTALS = GROUPS.replace("nodes {", "totals { count totalDurationSeconds } nodes {", 1)
NODE = "query($id: ID!, $first: Int) { node(id: $id) { __typename id } a: conferences(first: $first) { complete } }"
WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "rooms": (ROOMS, {}),
    "usageBy": (TOTALS, {"by": "ROOM"}),
    "mcuResources": (MCUS.replace("id name", "id name utilization(during: $d) { peakVideoUsed }"), {}),
    "regionCounts": (REGIONS, {}),
}


async def assert_paid_once(stage: Stage, query: str, **given: Any) -> None:
    """Fifty at once cost what one costs, which is not nothing."""
    await stage.client.data(query, first=50, **given)  # adapters remember for good where their rows are
    stage.start_anew()
    answer = await stage.client.data(query, first=50, **given)
    alone = dict(stage.sandbox.requests)
    assert alone
    stage.start_anew()
    answers = await asyncio.gather(*(stage.client.data(query, first=50, **given) for _ in range(50)))
    assert stage.sandbox.requests == alone
    assert {json.dumps(it) for it in answers} == {json.dumps(answer)}


@pytest.mark.parametrize("name", WHOLE)
async def test_fifty_identical_questions_for_whole_lists_cost_what_one_costs(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What is selected beside their rows, too."""
    query, given = WHOLE[name]
    async with staged(monkeypatch, 300, days=5, wrap=Slow().around, timeless=True) as stage:
        await assert_paid_once(stage, query, d=SPAN, **given)


@pytest.mark.parametrize(
    ("source", "query"),
    [
        ("hexmeet", MEMBERS),
        ("hexmeet", LEGS),
        ("netease", MEMBERS),
        ("systec", MEMBERS),
        ("systec", LEGS),
        ("hexmeet", NODE),
        ("netease", NODE),
        ("systec", NODE),
    ],
)
async def test_fifty_identical_look_ups_cost_what_one_costs(
    monkeypatch: pytest.MonkeyPatch, source: str, query: str
) -> None:
    async with staged(monkeypatch, 300, days=5, wrap=Slow().around, timeless=True) as stage:
        found = (await stage.client.data(FIND, s=[source], d=SPAN))["conferences"]["nodes"]
        await assert_paid_once(stage, query, id=found[0]["id"])


@pytest.mark.parametrize("name", ["rooms", "usageBy"])
async def test_a_walk_reads_a_whole_list_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Not once a page; the totals beside it come from the same reading."""
    query, given = WHOLE[name]
    async with staged(monkeypatch, 6000, days=30, timeless=True) as stage:
        stage.start_anew()
        span = {"from": text(NOW - 30 * DAY), "to": text(NOW)}
        await stage.client.data(query, first=2, d=span, **given)
        alone = dict(stage.sandbox.requests)
        assert max(alone.values()) > 3, "SYSTEC's rooms are folded from all that was held in them"
        stage.start_anew()

        def pause(_: object) -> None:
            stage.move(timedelta(seconds=0.5))

        pages = await stage.walk(query, [name], 2, between=pause, d=span, **given)
        assert len(pages) > 8
        assert {json.dumps(page.get("totals")) for page in pages} == {json.dumps(pages[0].get("totals"))}
        assert stage.sandbox.requests == alone
        assert len({json.dumps(row) for row in rows_of(pages)}) == len(rows_of(pages))


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_list_of_a_settled_range_is_read_once_a_day(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    query, given = WHOLE[name]
    query = query.replace(" utilization(during: $d) { peakVideoUsed }", "")
    async with staged(monkeypatch, 300) as stage:
        stage.start_anew()
        first = (await stage.client.data(query, first=1000, d=SETTLED, **given))[name]
        assert first["nodes"]
        for hours, is_read in ((20, False), (5, True)):
            stage.sandbox.requests.clear()
            stage.move(timedelta(hours=hours))
            again = (await stage.client.data(query, first=1000, d=SETTLED, **given))[name]
            assert (again["nodes"], again.get("totals")) == (first["nodes"], first.get("totals"))
            assert bool(stage.sandbox.requests) is is_read


@pytest.mark.parametrize("name", ["rooms", "usageBy", "regionCounts"])
async def test_a_walk_that_begins_later_has_what_came_meanwhile(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A list that was read three seconds ago is good for the walk it was read for, and for no other."""
    query, given = WHOLE[name]
    span = {"from": text(NOW - 12 * HOUR), "to": text(NOW - 3 * HOUR)}
    async with staged(monkeypatch, 200, days=3) as stage:
        late = conferences(stage.world, ["hexmeet"], NOW - 12 * HOUR, NOW - 3 * HOUR)

        async def rows() -> list[Row]:
            found: list[Row] = (await stage.client.data(query, first=1000, d=span, **given))[name]["nodes"]
            return found

        everything = await rows()
        stage.world.gone = set(late)
        stage.move(timedelta(seconds=3))
        assert len(await rows()) < len(everything)
        stage.world.gone.clear()
        stage.move(timedelta(seconds=3))
        assert await rows() == everything


@pytest.mark.parametrize("seconds", [2, 3])
async def test_a_leg_that_came_in_before_a_walk_is_in_it(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Whoever asked for the same members before it came in: what they were given is too old."""
    async with staged(monkeypatch, 400, days=3) as stage:
        held = max(stage.oracle.held("hexmeet", NOW - DAY, NOW), key=lambda it: len(it.attendances))
        page = (await stage.client.data(FIND, s=["hexmeet"], d=SPAN))["conferences"]
        vendor_id = stage.oracle.vendor_id(held)
        node = next(row["id"] for row in page["nodes"] if row["vendorId"] == vendor_id)
        stage.world.gone = {("hexmeet", held.serial, held.attendances[-1])}
        for members in (len(held.attendances) - 1, len(held.attendances)):
            found = (await stage.client.data(MEMBERS, id=node, first=1000))["node"]["members"]
            assert len(found["nodes"]) == members
            stage.world.gone.clear()
            stage.move(timedelta(seconds=seconds))


async def test_rooms_and_their_usage_are_folded_from_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the vendor reports neither, and both are asked for together."""
    rooms = "rooms(filter: {during: $d, sources: $s}) { totalCount }"
    usage = "usageBy(dimension: ROOM, during: $d, sources: $s) { totals { count } }"
    async with staged(monkeypatch, 3000, days=30, timeless=True) as stage:
        spent = []
        for fields in (rooms, usage, f"{rooms} {usage}"):
            stage.start_anew()
            span = {"from": text(NOW - 30 * DAY), "to": text(NOW)}
            await stage.client.data(f"query($d: TimeRange!, $s: [String!]) {{ {fields} }}", d=span, s=["systec"])
            spent.append(stage.lists()["systec"])
        assert spent == [spent[0]] * 3
        assert spent[0] >= 3
