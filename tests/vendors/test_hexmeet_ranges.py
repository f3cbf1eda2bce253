"""HexMeet's statistics count what began in a range, whether or not the vendor includes its end."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from mirrors import ALL_TIME, ANCHOR, WORLD, mirror
from twins import ended_calls, ended_conferences

from graph import clock
from graph.paging.windows import Window
from graph.records import RegionMeasure, UsageDimension, UsageOrder, UsageSubject
from graph.vendors.base import ConferenceQuery
from graph.vendors.hexmeet.adapter import HexmeetAdapter

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("end_is_inclusive", [False, True])]

CONFERENCES = sorted(it.start for it in ended_conferences(WORLD, ANCHOR).values() if it.start)
CALLS = sorted(call.join for _, call in ended_calls(WORLD, ANCHOR))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)


def cut_at(starts: list[datetime]) -> tuple[list[Window], list[int]]:
    """Windows whose edges are starts, and how many starts are in each."""
    cuts = [ALL_TIME.start, starts[3], starts[len(starts) // 2], starts[-1], ALL_TIME.end]
    windows = [Window(*edges) for edges in pairwise(cuts)]
    return windows, [sum(start in window for start in starts) for window in windows]


async def test_counts_share_no_row_and_lose_none(*, end_is_inclusive: bool) -> None:
    async with mirror("hexmeet", options={"end_is_inclusive": end_is_inclusive}) as source:
        windows, expected = cut_at(CONFERENCES)
        assert [await source.adapter.count_conferences(ConferenceQuery(window)) for window in windows] == expected
        windows, expected = cut_at(CALLS)
        assert [await source.adapter.count_calls(window) for window in windows] == expected


async def test_groups_and_regions_share_no_row_and_lose_none(*, end_is_inclusive: bool) -> None:
    async with mirror("hexmeet", options={"end_is_inclusive": end_is_inclusive}) as source:
        adapter = source.adapter
        windows, expected = cut_at(CONFERENCES)
        groups = [await adapter.read_usage_by(UsageDimension.ROOM, it, UsageOrder.COUNT_DESC) for it in windows]
        assert [it.totals.count for it in groups] == expected
        windows, expected = cut_at(CALLS)
        regions = [await adapter.list_regions(RegionMeasure.ISSUED_CALLS, it) for it in windows]
        assert [sum(region.count for region in it) for it in regions] == expected


async def test_what_begins_at_midnight_is_of_one_day(*, end_is_inclusive: bool) -> None:
    """In the zone where a conference begins at midnight, it counts for the day it begins, not for the one before."""
    start = next(it for it in CONFERENCES if 1 <= it.hour <= 12 and not (it.minute or it.second))
    zone = ZoneInfo(f"Etc/GMT+{start.hour}")
    dates = [it.astimezone(zone).date() for it in CONFERENCES]
    on = start.astimezone(zone).date()
    async with mirror("hexmeet", options={"end_is_inclusive": end_is_inclusive}) as source:
        adapter = source.adapter
        assert isinstance(adapter, HexmeetAdapter)
        for date in (on - timedelta(days=1), on):
            usage = await adapter.read_usage(UsageSubject.CONFERENCES, date, date, zone)
            assert (usage.count, [day.stats.count for day in usage.days]) == (dates.count(date), [dates.count(date)])
        midnight = start.astimezone(zone)
        per_day = await adapter.count_per_day(UsageSubject.CONFERENCES, Window(start - timedelta(hours=9), start))
        assert sum(per_day.values()) == sum(midnight - timedelta(hours=9) <= it < midnight for it in CONFERENCES)
