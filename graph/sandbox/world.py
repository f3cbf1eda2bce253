"""The seeded world behind the emulators: what truly happened, whatever a vendor's format makes of it.

All times are aware, in UTC and whole seconds. All people, numbers and addresses are made up.
The world lies around its anchor: `days` of past, some conferences going on, and a day of future, so that
things begin and end while a sandbox runs. It is generated a day at a time from the seed and never kept whole:
a million conferences cost no more memory than the days being looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property

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
