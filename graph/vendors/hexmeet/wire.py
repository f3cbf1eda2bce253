"""HexMeet's bodies, typed: strict on kinds, tolerant where the documents contradict themselves (contracts.md 1)."""

from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec

from graph.transport.lenient import FieldError
from graph.transport.numbers import Int32

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, lt=253_370_764_800_000)]  # up to the year 9999
# Aggregations write whole numbers as floats; as Int32 and Int53 they are what the schema can serve.
FloatInt32 = Annotated[float, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
FloatInt53 = Annotated[float, msgspec.Meta(ge=-(2**53 - 1), le=2**53 - 1)]


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all bodies. `unread` are display copies, `sometimes` what rows may lack."""

    unread: ClassVar[frozenset[str]] = frozenset({"key_as_string"})


class Envelope(Wire, frozen=True, kw_only=True):
    """What every answer has. `err_code` alone decides, so whatever the other two hold is let in.

    Attributes:
        guid: The request's, or empty.
    """

    err_code: int
    err_info: Any = ""
    guid: Any = ""


class Body(Envelope, frozen=True, kw_only=True):
    """Base of successful answers."""

    unread: ClassVar[frozenset[str]] = frozenset({"more_info"})
    sometimes: ClassVar[frozenset[str]] = frozenset({"err_info", "guid"})


# ---- rows: term_conf_stats, term_call_stats -----------------------------------------------------


_TIMES = ("startTime", "start_time", "endTime", "end_time")


class Row(Wire, frozen=True, kw_only=True):
    """What conferences and calls have in common. Times come in camel case or in snake case, with or without ms."""

    sometimes: ClassVar[frozenset[str]] = frozenset(_TIMES)

    conf_guid: str
    conf_number: str | None = None
    camel_start: Instant | None = msgspec.field(default=None, name="startTime")
    snake_start: Instant | None = msgspec.field(default=None, name="start_time")
    camel_end: Instant | None = msgspec.field(default=None, name="endTime")
    snake_end: Instant | None = msgspec.field(default=None, name="end_time")
    duration: Int32
    department: str | None = None
    department_id: int | None = None
    company: str | None = None
    company_id: int | None = None
    agent: str | None = None
    agent_id: int | None = None
    error_code: Int32 | None = None
    error_info: str | None = None

    def __post_init__(self) -> None:
        """Refuse a row that cannot be put in order."""
        times = self.camel_start, self.snake_start, self.camel_end, self.snake_end
        if times[0] is None and times[1] is None:
            raise ValueError("Object missing required field `startTime`")
        for time in times:
            if time is not None and not 1970 <= time.year < 9999:
                raise FieldError(_TIMES[times.index(time)], "a time since 1970")

    @property
    def started_at(self) -> datetime:
        """The start, in UTC."""
        start = self.camel_start or self.snake_start
        assert start is not None  # noqa: S101 - __post_init__ saw to it
        return start if start.tzinfo is UTC else start.astimezone(UTC)

    @property
    def ended_at(self) -> datetime | None:
        """The end, in UTC."""
        end = self.camel_end or self.snake_end
        return end and end.astimezone(UTC)


class ConferenceRow(Row, frozen=True, kw_only=True):
    """One conference that ended. `duration` in seconds."""

    conf_name: str | None = None
    room_name: str | None = None
    capacity: Int32 | None = None
    host: str | None = None
    max_party_count: Int32 | None = None
    type: Int32 | None = None

    guid = property(attrgetter("conf_guid"), doc="What tells this row from others.")


class CallRow(Row, frozen=True, kw_only=True):
    """One call leg. `duration` in seconds, `call_rate` in kbit/s."""

    call_guid: str
    name: str | None = None
    room: str | None = None
    call_rate: Int32 | None = None
    call_type: str | None = None
    version: str | None = None
    mcu_name: str | None = None

    guid = property(attrgetter("call_guid"), doc="What tells this row from others.")


R = TypeVar("R", ConferenceRow, CallRow)


class Page(Body, Generic[R], frozen=True, kw_only=True):
    """One page of a scroll; `total` counts the matches of all its pages, `count` the rows of this one."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"scrollid"})

    total: Int32
    count: Int32
    scrollid: str | None = None
    buckets: list[R]

    def __repr__(self) -> str:
        return f"Page({self.count} of {self.total})"  # a scroll id is as good as a key


# ---- statistics ---------------------------------------------------------------------------------


class Stats(Wire, frozen=True, kw_only=True):
    """Durations of some conferences or calls in seconds. With `count` 0 the others are 0 and mean nothing."""

    count: Int32
    sum: FloatInt53
    min: FloatInt32 | None = None
    max: FloatInt32 | None = None
    avg: float | None = None


class DayBucket(Stats, frozen=True, kw_only=True):
    """One day of datehistgram_stats; `key` is its midnight in epoch milliseconds."""

    key: EpochMs


class Histogram(Body, frozen=True):
    """datehistgram_stats: every day of the range, with the totals."""

    count: Int32
    sum: FloatInt53
    buckets: list[DayBucket]


class Count(Body, frozen=True):
    """datehistgram_stats, where only the total number matters."""

    unread: ClassVar[frozenset[str]] = frozenset({"sum", "buckets"})

    count: Int32


class GroupBucket(Stats, frozen=True, kw_only=True):
    """One group of term_stats: a room, company, capacity or device model. Only rooms have a name."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"name"})

    key: int | str
    name: str | None = None


class Groups(Body, frozen=True):
    """term_stats: the first groups, with the totals over all of them."""

    count: Int32
    sum: FloatInt53
    buckets: list[GroupBucket]

    @property
    def is_whole(self) -> bool:
        """Whether these are all groups: together they count as much as the totals do."""
        return sum(bucket.count for bucket in self.buckets) >= self.count


class GaugeStats(Wire, frozen=True, kw_only=True):
    """Samples of a gauge, in ports. Their sum means nothing."""

    unread: ClassVar[frozenset[str]] = frozenset({"sum"})

    count: Int32
    min: FloatInt32 | None = None
    max: FloatInt32 | None = None
    avg: float | None = None


class ResourceDay(Wire, frozen=True, kw_only=True):
    """One day of one media resource. The documented sample lost the name of its fourth gauge."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"video_ports"})

    key: EpochMs
    audio_used: GaugeStats | None = None
    audio_ports: GaugeStats | None = None
    video_used: GaugeStats | None = None
    video_ports: GaugeStats | None = None


class ResourceBucket(Wire, frozen=True, kw_only=True):
    """One media resource of term_datehistgram_stats."""

    key: str
    video_used: Int32 | None = None
    buckets: list[ResourceDay]


class Resources(Body, frozen=True):
    """term_datehistgram_stats: the first resources."""

    buckets: list[ResourceBucket]

    @property
    def is_whole(self) -> bool:
        """Whether these are all resources: there is no total to tell it by."""
        return False


class RegionBucket(Wire, frozen=True):
    """One province; the key "0" is an unknown place."""

    key: str
    count: Int32


class Regions(Body, frozen=True):
    """term_region_stats: the regions that have any."""

    buckets: list[RegionBucket]
