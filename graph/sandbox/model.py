"""What the seeded world consists of: people, rooms, conferences and who was in them.

All times are aware, in UTC and whole seconds. All people, numbers and addresses are made up.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graph.sandbox.world import World

VENDORS = ("hexmeet", "netease", "systec", "quanshi", "huawei")


class Fate(Enum):
    """What becomes of a conference."""

    HELD = "held"
    CANCELLED = "cancelled"
    UNUSED = "unused"  # booked, and nobody came


class Phase(Enum):
    """Where a conference stands at an instant."""

    UNBORN = "unborn"  # not created yet
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"
    UNUSED = "unused"  # its booked time has passed, and nobody came


@dataclass(frozen=True, slots=True)
class WorldOrganization:
    """A company, department or reseller."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class WorldPerson:
    """A made-up person. `account_id` has up to 18 digits, `agent_id` is a short extension, `phone` starts with +86."""

    account_id: str
    agent_id: int
    name: str
    email: str
    phone: str
    ip: str
    province: str | None  # as a vendor names it, such as 广西; None is unknown
    department: WorldOrganization


@dataclass(frozen=True, slots=True)
class WorldRoom:
    """A meeting room of one vendor. Two rooms may bear the same name."""

    id: int
    host_id: str  # 26 characters A-Z a-z 0-9 - _
    name: str
    capacity: int


@dataclass(frozen=True, slots=True)
class WorldMcu:
    """A media node with its ports."""

    name: str
    kind: str  # "MRU" or "GATEWAY"
    ports: int


@dataclass(frozen=True, slots=True)
class WorldAttendance:
    """One span of one person in one conference. `leave` may lie in the future of whoever asks."""

    ordinal: int  # within the conference
    person: WorldPerson
    join: datetime
    leave: datetime
    client: str  # TV IOS ANDROID WINDOWS MAC WEB SIP LINUX PHONE AGENT
    device_model: str  # such as "VE 10"
    version: str  # client product and version
    mcu: WorldMcu
    bitrate_kbps: int
    is_chair: bool
    is_on_hold: bool
    media: str  # "listen", "speak" or "both"
    error_code: int  # 0 nearly always


@dataclass(frozen=True, slots=True)
class WorldPhoneLeg:
    """One telephone leg dialled out of a conference; whole minutes, its price in hundredths of a yuan."""

    ordinal: int
    number: str
    start: datetime
    end: datetime
    fen: int


@dataclass(frozen=True)
class WorldConference:
    """One conference.

    Attributes:
        serial: Unique within its vendor and stable for a seed.
        scheduled_start, scheduled_end: None where it was instant.
        start, end: None where it was never held; `end` may lie in the future of whoever asks.
        cancelled: When it was cancelled.
    """

    world: "World" = field(repr=False, compare=False)
    vendor: str
    serial: int
    fate: Fate
    number: str
    title: str
    room: WorldRoom
    host: WorldPerson
    creator: WorldPerson
    agent: WorldOrganization
    company: WorldOrganization
    created: datetime
    scheduled_start: datetime | None
    scheduled_end: datetime | None
    start: datetime | None
    end: datetime | None
    cancelled: datetime | None
    is_extra: bool
    is_recorded: bool
    is_secure: bool
    error_code: int

    @property
    def sort_time(self) -> datetime:
        """Its start, else its scheduled start, else its creation."""
        return self.start or self.scheduled_start or self.created

    def sort_time_at(self, now: datetime) -> datetime:
        """The sort time as far as it is known at an instant: a start still to come is not."""
        if self.start is not None and self.start <= now:
            return self.start
        return self.scheduled_start or self.created

    def phase(self, now: datetime) -> Phase:
        """Where it stands at an instant."""
        if now < self.created:
            return Phase.UNBORN
        if self.cancelled is not None:
            return Phase.CANCELLED if now >= self.cancelled else Phase.SCHEDULED
        if self.start is None or self.end is None:
            return Phase.UNUSED if self.scheduled_end is None or now >= self.scheduled_end else Phase.SCHEDULED
        if now < self.start:
            return Phase.SCHEDULED
        return Phase.LIVE if now < self.end else Phase.ENDED

    @cached_property
    def key(self) -> int:
        """64 bits, unique over all vendors; `World.find` leads back from it."""
        return self.world.key_of(self.vendor, self.serial)

    @cached_property
    def attendances(self) -> tuple[WorldAttendance, ...]:
        """Who was in it and when, ascending by join; empty where it was never held."""
        return self.world.attendances_of(self)

    @cached_property
    def phone_legs(self) -> tuple[WorldPhoneLeg, ...]:
        """The telephone legs dialled out of it, ascending by start."""
        return self.world.phone_legs_of(self)
