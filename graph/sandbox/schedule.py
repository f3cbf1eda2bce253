"""How many conferences a day has, when they begin and how long they last."""

import itertools
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from graph.sandbox.model import VENDORS

SHARES = dict(zip(VENDORS, (0.35, 0.30, 0.25, 0.05, 0.05), strict=True))
EMPTY_DAYS = 0.05
HOURS = (1, 1, 1, 1, 1, 1, 2, 8, 40, 90, 100, 80, 25, 50, 95, 100, 80, 60, 30, 25, 20, 10, 4, 2)  # weight of each
OVERNIGHT_S = 24 * 3600 + 8 * 60  # of the one conference that goes on for more than a day


def day_counts(seed: int, vendor: str, dates: Sequence[date], past: int, total: float) -> list[int]:
    """Conferences per date, so that the first `past` dates have `total`: weekends are quiet, some days empty."""
    rng = Random(f"{seed} days {vendor}")
    weights = []
    for i, day in enumerate(dates):
        usual = rng.uniform(0.75, 1.25)
        is_holiday = day.weekday() == 2 and i // 7 == VENDORS.index(vendor) % 3
        is_empty = rng.random() < EMPTY_DAYS or is_holiday
        if past >= 21:  # a short world has no days to spare
            usual *= 0.0 if is_empty else {5: 0.25, 6: 0.15}.get(day.weekday(), 1.0)
        weights.append(usual)
    scale = total / sum(weights[:past])
    sums = [math.floor(0.5 + scale * weight) for weight in itertools.accumulate(weights, initial=0.0)]
    return [after - before for before, after in itertools.pairwise(sums)]


def draw_starts(rng: Random, count: int) -> list[int]:
    """Seconds of the day, ascending: often a full hour or five minutes, sometimes the same second as another's."""
    starts: list[int] = []
    for hour in rng.choices(range(24), HOURS, k=count):
        kind = rng.random()
        if kind < 0.05 and starts:
            starts.append(starts[-1])
        elif kind < 0.2:
            starts.append(3600 * hour)
        elif kind < 0.45:
            starts.append(3600 * hour + 300 * int(rng.random() * 12))
        else:
            starts.append(3600 * hour + int(rng.random() * 3600))
    starts.sort()
    return starts


def draw_duration(rng: Random) -> int:
    """Seconds: mostly 10 to 120 minutes, a few very short, some of several hours."""
    kind = rng.random()
    if kind < 0.02:
        return 3 + int(rng.random() * 27)
    if kind < 0.04:
        return 7200 + int(rng.random() * 6 * 3600)
    if kind < 0.15:
        return 900 * (1 + int(rng.random() * 8))
    return 600 + int(rng.random() * rng.random() * 6600)


def around_anchor(seed: int, vendor: str, anchor: datetime, days: int, conferences: int) -> list[tuple[datetime, int]]:
    """Starts and durations that make the anchor lively, whatever the hour.

    Some are going on, most of them for hours yet, and some come and go within the next minutes.
    """
    rng = Random(f"{seed} anchor {vendor}")
    found = []
    for i in range(min(300, 6 + conferences // 500)):
        start = anchor - timedelta(seconds=rng.randint(30, 2 * 3600))
        lasts = rng.randint(60, 900) if i % 3 == 0 else rng.randint(2 * 3600, 8 * 3600)  # from the anchor on
        found.append((start, int((anchor - start).total_seconds()) + lasts))
    coming = [anchor + timedelta(seconds=60 + 120 * i + rng.randint(0, 60)) for i in range(5)]
    found.extend((start, rng.randint(30, 240)) for start in coming)
    if vendor == "hexmeet":
        found.append((anchor - timedelta(hours=12 * min(days, 6)), OVERNIGHT_S))
    return found
