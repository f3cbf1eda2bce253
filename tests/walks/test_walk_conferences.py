"""P1 and P2 over real HTTP: conferences and calls, while rows come, end and are dropped, whatever a range filters."""

from datetime import timedelta
from typing import Any

import pytest
from walking import CONFERENCES, SPAN, Key, Page, Stage, key, rows_of, staged, truth
from watching import HOUR, Rows, Watched, assert_drifted, conferences, watch_walks
from worlds import DAY, NOW

from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

SIZES = (1, 7, 50, 1000)
ORDERS = ("START_DESC", "START_ASC")
RANGED = ("hexmeet", "netease", "systec")
FILTERS = [("start", False), ("start", True), ("end", True), ("overlap", True), ("creation", True)]


def options(time_filter: str, *, is_odd: bool) -> dict[str, Any]:
    """Settings and twins of vendors whose range filters that; odd ones include its end and repeat rows."""
    twin: dict[str, object] = {"time_filter": time_filter, "end_is_inclusive": is_odd, "repeats_rows": is_odd}
    return {
        "sources": {name: {"time_filter": time_filter} for name in RANGED},
        "options": {**dict.fromkeys(RANGED, twin), "quanshi": {"repeats_rows": is_odd}},
    }


async def walk(stage: Stage, size: int, order: str, *, is_forward: bool, **given: Any) -> tuple[list[Page], list[Key]]:
    pages = await stage.walk(CONFERENCES, ["conferences"], size, is_forward=is_forward, d=SPAN, order=order, **given)
    return pages, [key(row) for row in rows_of(pages, is_forward=is_forward)]


@pytest.mark.parametrize(("time_filter", "is_odd"), FILTERS)
async def test_a_walk_yields_all_rows_in_order(monkeypatch: pytest.MonkeyPatch, time_filter: str, is_odd: bool) -> None:
    """In a world that stands still both flags of each page are exact."""
    async with staged(monkeypatch, 150, **options(time_filter, is_odd=is_odd)) as stage:
        expected = truth(stage)
        assert {source for _, source, _ in expected} == {"hexmeet", "netease", "systec", "quanshi", "huawei"}
        for size in SIZES if (time_filter, is_odd) == ("start", True) else SIZES[1:]:
            for order in ORDERS:
                sorted_rows = expected if order == "START_DESC" else expected[::-1]
                for is_forward in (True, False):
                    stage.start_anew()
                    pages, keys = await walk(stage, size, order, is_forward=is_forward)
                    assert keys == sorted_rows, (size, order, is_forward)
                    for page in pages:
                        first, last = key(page["nodes"][0]), key(page["nodes"][-1])
                        assert page["pageInfo"]["hasPreviousPage"] == (first != sorted_rows[0])
                        assert page["pageInfo"]["hasNextPage"] == (last != sorted_rows[-1])
                        assert page["complete"]


@pytest.mark.parametrize(("time_filter", "is_odd"), FILTERS)
@pytest.mark.parametrize("order", ORDERS)
async def test_a_walk_while_rows_come_end_and_are_dropped(
    monkeypatch: pytest.MonkeyPatch, time_filter: str, is_odd: bool, order: str
) -> None:
    """What was there all the time and kept its place comes exactly once, in order; nothing else was never there."""
    async with staged(monkeypatch, 200, **options(time_filter, is_odd=is_odd)) as stage:

        async def now() -> Rows:
            return dict.fromkeys(truth(stage))

        given = {"d": SPAN, "order": order}
        is_descending = order == "START_DESC"
        watched = Watched(CONFERENCES, ["conferences"], now, lambda row: (key(row), None), is_descending, given)
        things = conferences(stage.world, VENDORS, NOW - 40 * HOUR, NOW + DAY)
        sizes = SIZES if (time_filter, is_odd) == ("start", True) else SIZES[1:3]
        assert_drifted(await watch_walks(stage, watched, things, sizes), 10)


async def test_a_row_that_came_just_before_a_walk_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though another walk read the same windows some seconds ago, whose own next pages still cost nothing."""
    async with staged(monkeypatch, 300, days=5) as stage:
        late = [("hexmeet", it.serial) for it in stage.world.between("hexmeet", NOW - DAY, NOW)][:3]
        late += [("netease", it.serial) for it in stage.world.between("netease", NOW - DAY, NOW)][:3]
        stage.world.gone = set(late)
        before = truth(stage)
        first = (await stage.client.data(CONFERENCES, d=SPAN, order="START_DESC", first=1))["conferences"]
        assert await walk_keys(stage) == before
        stage.world.gone.clear()
        stage.move(timedelta(seconds=3))
        assert len(truth(stage)) == len(before) + len(late)
        stage.lists()
        after = first["pageInfo"]["endCursor"]
        rest = (await stage.client.data(CONFERENCES, d=SPAN, order="START_DESC", first=1000, after=after))[
            "conferences"
        ]
        assert [key(row) for row in rest["nodes"] if row["sourceName"] in RANGED] == [
            row for row in before[1:] if row[1] in RANGED
        ]
        assert all(stage.lists()[source] == 0 for source in RANGED)
        assert await walk_keys(stage) == truth(stage)


async def walk_keys(stage: Stage) -> list[Key]:
    return (await walk(stage, 1000, "START_DESC", is_forward=True))[1]
