"""Times that a vendor writes without zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from graph.transport.wall_time import WallTime

HOURS = 26 * 365 * 24  # from 1970 to before 1996: the years in which clocks were put forward in Shanghai are within


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_a_wall_time_is_the_instant_at_which_clocks_of_the_zone_show_it(zone: str) -> None:
    """Also one that they skip, or show twice: then it is the first."""
    there = ZoneInfo(zone)
    for hours in range(24, HOURS, 5):
        naive = datetime(1970, 1, 1) + timedelta(hours=hours, minutes=30, microseconds=hours)  # noqa: DTZ001 - as vendors write it
        instant = WallTime(str(naive)).instant(there)
        assert instant.tzinfo is UTC
        assert instant == naive.replace(tzinfo=there).astimezone(UTC)
