"""P1 over real HTTP for the lists that are read whole: rows come, end and are dropped between their pages."""

from collections import Counter
from typing import Any

import pytest
from answers import Row, text
from connections import GROUPS, MCUS, REGIONS, ROOMS
from walking import Stage, staged
from watching import SPARE_NODES, Rows, Watched, assert_drifted, conferences, watch_walks
from worlds import DAY, NOW

pytestmark = pytest.mark.anyio

# What the twins have counted of earlier days they believe to stay.
TODAY, TOMORROW = NOW.replace(hour=0, minute=0), NOW + DAY
SPAN = {"from": text(TODAY), "to": text(TOMORROW)}
SIZES = (1, 3, 10, 1000)


async def test_media_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(monkeypatch, 100, days=3) as stage:

        async def truth() -> Rows:
            return {(node.name,): None for node in stage.world.mcus}

        things = [(node.name,) for node in SPARE_NODES]
        span = {"from": text(TODAY), "to": text(NOW)}
        watched = Watched(MCUS, ["mcuResources"], truth, lambda row: ((row["name"],), None), given={"d": span})
        assert_drifted(await watch_walks(stage, watched, things, (1, 2, 3, 1000)), 2)


async def test_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their order is that of their names, so that they come once though their counts change."""

    def tell(row: Row) -> tuple[Any, int]:
        return (row["region"] is None, row["region"] or ""), row["count"]

    async with staged(monkeypatch, 60, days=3) as stage:

        async def truth() -> Rows:
            calls = stage.oracle.ended_calls(TODAY, TOMORROW)
            return dict(map(tell, stage.oracle.region_counts(calls, "ISSUED_CALLS")))

        things = conferences(stage.world, ["hexmeet"], TODAY, TOMORROW)
        watched = Watched(REGIONS, ["regionCounts"], truth, tell, given={"d": SPAN})
        assert_drifted(await watch_walks(stage, watched, things, SIZES), 5)


@pytest.mark.parametrize("order", ["COUNT_DESC", "DURATION_DESC", "KEY_ASC"])
async def test_usage_groups(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """A group whose count or duration, by which it is ranked, stays as it is comes once; the others shift with it."""

    def tell(row: Row) -> tuple[Any, Any]:
        name, counts = (row["source"]["name"], row["key"]), row["stats"]
        rank = {"COUNT_DESC": counts["count"], "DURATION_DESC": counts["totalDurationSeconds"]}
        at = (-rank[order], *name) if order in rank else name[::-1]
        return at, (row["name"], counts["count"], counts["totalDurationSeconds"])

    seen: Counter[str] = Counter()
    for dimension, conferences_a_day in (("ROOM", 50), ("CAPACITY", 15), ("DEVICE_MODEL", 15)):
        async with staged(monkeypatch, conferences_a_day, days=1) as stage:

            async def truth(stage: Stage = stage, dimension: str = dimension) -> Rows:
                return dict(map(tell, stage.oracle.usage_by(dimension, TODAY, TOMORROW, order)[0]))

            things = conferences(stage.world, ["hexmeet", "systec"], TODAY, TOMORROW)
            given = {"d": SPAN, "by": dimension, "order": order}
            watched = Watched(GROUPS, ["usageBy"], truth, tell, given=given)
            seen += await watch_walks(stage, watched, things, (1, 2, 5, 1000))
    assert_drifted(seen, 5)


async def test_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room in which something was held all the time comes once."""

    def tell(row: Row) -> tuple[Any, None]:
        return (row["sourceName"], row["name"] or row["vendorId"]), None

    async with staged(monkeypatch, 150, days=3) as stage:

        async def truth() -> Rows:
            found = stage.oracle.rooms(TODAY, TOMORROW)
            return dict(tell({**row, "vendorId": min(row["vendorIds"])}) for row in found)

        things = conferences(stage.world, ["hexmeet", "systec"], TODAY, TOMORROW)
        watched = Watched(ROOMS, ["rooms"], truth, tell, given={"d": SPAN})
        assert_drifted(await watch_walks(stage, watched, things, SIZES), 5)
