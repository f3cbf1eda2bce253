"""HexMeet's bodies, typed: strict on kinds, tolerant where the documents contradict themselves (contracts.md 1)."""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, lt=253_370_764_800_000)]  # up to the year 9999


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all bodies. Fields that are not named here are display copies, or not ours to know."""


class Envelope(Wire, frozen=True, kw_only=True):
    """What every answer has. `err_code` 0 alone means success; `guid` echoes the request's, or is empty."""

    err_code: int
    err_info: str = ""
    guid: str = ""


# ---- rows: term_conf_stats, term_call_stats -----------------------------------------------------


class Row(Wire, frozen=True, kw_only=True):
    """What conferences and calls have in common. Times come in camel case or in snake case, with or without ms."""

    conf_guid: str
    conf_number: str | None = None
    camel_start: Instant | None = msgspec.field(default=None, name="startTime")
    snake_start: Instant | None = msgspec.field(default=None, name="start_time")
    camel_end: Instant | None = msgspec.field(default=None, name="endTime")
    snake_end: Instant | None = msgspec.field(default=None, name="end_time")
    duration: int
    department: str | None = None
    department_id: int | None = None
    company: str | None = None
    company_id: int | None = None
    agent: str | None = None
    agent_id: int | None = None
    error_code: int | None = None
    error_info: str | None = None

    def __post_init__(self) -> None:
        """Refuse a row that cannot be put in order."""
        if self.camel_start is None and self.snake_start is None:
            raise ValueError("Object missing required field `startTime`")
        for time in (self.camel_start, self.snake_start, self.camel_end, self.snake_end):
            if time is not None and not 1970 <= time.year < 9999:
                raise ValueError("Expected `a time since 1970`, got `another`")

    @property
    def started_at(self) -> datetime:
        """The start, in UTC."""
        start = self.camel_start or self.snake_start
        assert start is not None  # noqa: S101 - __post_init__ saw to it
        return start.astimezone(UTC)

    @property
    def ended_at(self) -> datetime | None:
        """The end, in UTC."""
        end = self.camel_end or self.snake_end
        return end and end.astimezone(UTC)


class ConferenceRow(Row, frozen=True, kw_only=True):
    """One conference that ended. `duration` in seconds."""

    conf_name: str | None = None
    room_name: str | None = None
    capacity: int | None = None
    host: str | None = None
    max_party_count: int | None = None
    type: int | None = None

    @property
    def guid(self) -> str:
        """What tells this row from others."""
        return self.conf_guid


class CallRow(Row, frozen=True, kw_only=True):
    """One call leg. `duration` in seconds, `call_rate` in kbit/s."""

    call_guid: str
    name: str | None = None
    room: str | None = None
    call_rate: int | None = None
    call_type: str | None = None
    version: str | None = None
    mcu_name: str | None = None

    @property
    def guid(self) -> str:
        """What tells this row from others."""
        return self.call_guid


R = TypeVar("R", ConferenceRow, CallRow)


class Page(Wire, Generic[R], frozen=True, kw_only=True):
    """One page of a scroll; `total` counts the matches of all its pages, `count` the rows of this one."""

    total: int
    count: int
    scrollid: str | None = None
    buckets: list[R]

    def __repr__(self) -> str:
        return f"Page({self.count} of {self.total})"  # a scroll id is as good as a key


# ---- statistics ---------------------------------------------------------------------------------


class Stats(Wire, frozen=True, kw_only=True):
    """Durations of some conferences or calls in seconds. With `count` 0 the others are 0 and mean nothing."""

    count: int
    sum: float
    min: float | None = None
    max: float | None = None
    avg: float | None = None


class DayBucket(Stats, frozen=True, kw_only=True):
    """One day of datehistgram_stats; `key` is its midnight in epoch milliseconds."""

    key: EpochMs


class Histogram(Wire, frozen=True):
    """datehistgram_stats: every day of the range, with the totals."""

    count: int
    sum: float
    buckets: list[DayBucket]


class Count(Wire, frozen=True):
    """datehistgram_stats, where only the total number matters."""

    count: int


class GroupBucket(Stats, frozen=True, kw_only=True):
    """One group of term_stats: a room, company, capacity or device model. Only rooms have a name."""

    key: int | str
    name: str | None = None


class Groups(Wire, frozen=True):
    """term_stats: the first groups, with the totals over all of them."""

    count: int
    sum: float
    buckets: list[GroupBucket]


class GaugeStats(Wire, frozen=True, kw_only=True):
    """Samples of a gauge, in ports."""

    count: int
    min: float | None = None
    max: float | None = None
    avg: float | None = None


class ResourceDay(Wire, frozen=True, kw_only=True):
    """One day of one media resource. The documented sample lost the name of its fourth gauge."""

    key: EpochMs
    audio_used: GaugeStats | None = None
    audio_ports: GaugeStats | None = None
    video_used: GaugeStats | None = None
    video_ports: GaugeStats | None = None


class ResourceBucket(Wire, frozen=True, kw_only=True):
    """One media resource of term_datehistgram_stats."""

    key: str
    video_used: int | None = None
    buckets: list[ResourceDay]


class Resources(Wire, frozen=True):
    """term_datehistgram_stats: the first resources."""

    buckets: list[ResourceBucket]


class RegionBucket(Wire, frozen=True):
    """One province; the key "0" is an unknown place."""

    key: str
    count: int


class Regions(Wire, frozen=True):
    """term_region_stats: the regions that have any."""

    buckets: list[RegionBucket]
