"""Instants as they are served: in UTC, with no more digits than they need, of which there are none, three or six."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.schema.scalars import EARLIEST, LATEST, SCALARS

ZONES = st.sampled_from((UTC, timezone(timedelta(0)), timezone(timedelta(hours=8)), timezone(-timedelta(minutes=210))))
INSTANTS = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=ZONES)
PRECISION = st.sampled_from(("seconds", "milliseconds", "microseconds"))


@given(INSTANTS, PRECISION)
def test_an_instant_is_told_in_utc_as_exactly_as_it_is_known(instant: datetime, precision: str) -> None:
    instant = datetime.fromisoformat(instant.isoformat(timespec=precision))
    text = SCALARS[datetime].serialize(instant)  # type: ignore[misc]
    digits = 0 if not instant.microsecond else 3 if instant.microsecond % 1000 == 0 else 6
    assert (datetime.fromisoformat(text), text[-1]) == (instant, "Z")
    assert len(text) == len("2026-01-31T09:00:00Z") + digits + bool(digits)


def test_an_instant_without_offset_is_not_told() -> None:
    with pytest.raises(ValueError, match="without offset"):
        SCALARS[datetime].serialize(datetime(2026, 1, 31))  # type: ignore[misc]  # noqa: DTZ001
