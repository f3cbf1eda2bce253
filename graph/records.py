"""What confgraph serves: plain frozen records, one class per type of the schema.

Adapters make them, resolvers return them, Strawberry types describe them. Attribute names are the schema's
field names in snake case. Instants are aware and in UTC, durations whole seconds, ids text; None is "the
vendor does not say".
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import NewType

import msgspec

from graph.errors import SourceErrorCode, VendorError
from graph.ids import IdKind, encode_id

BigInt = NewType("BigInt", int)
"""A whole number that may exceed 32 bits; the schema's scalar of that name."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """Base of all records. None leads back to itself, so that the garbage collector need not look at thousands."""


# ---- enums --------------------------------------------------------------------------------------


class ConferenceState(Enum):
    """Where a conference stands."""

    SCHEDULED = "SCHEDULED"
    LIVE = "LIVE"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


class MemberRole(Enum):
    """What a member is to a conference."""

    CHAIR = "CHAIR"
    PARTICIPANT = "PARTICIPANT"


class ClientType(Enum):
    """What a member joined with."""

    TV = "TV"
    IOS = "IOS"
    ANDROID = "ANDROID"
    WINDOWS = "WINDOWS"
    MAC = "MAC"
    WEB = "WEB"
    SIP = "SIP"
    LINUX = "LINUX"
    PHONE = "PHONE"
    AGENT = "AGENT"
    UNKNOWN = "UNKNOWN"


class MediaDirection(Enum):
    """Which way a member's media goes."""

    LISTEN_ONLY = "LISTEN_ONLY"
    SPEAK_ONLY = "SPEAK_ONLY"
    BOTH = "BOTH"


class McuKind(Enum):
    """The kinds of media resources HexMeet reports."""

    MRU = "MRU"
    GATEWAY = "GATEWAY"


class RegionMeasure(Enum):
    """What is counted per region."""

    ONGOING_CALLS = "ONGOING_CALLS"
    ISSUED_CALLS = "ISSUED_CALLS"
    ONGOING_REGISTRATIONS = "ONGOING_REGISTRATIONS"


class UsageSubject(Enum):
    """What usage counts."""

    CONFERENCES = "CONFERENCES"
    CALLS = "CALLS"


class UsageDimension(Enum):
    """What usage is grouped by."""

    ROOM = "ROOM"
    COMPANY = "COMPANY"
    CAPACITY = "CAPACITY"
    DEVICE_MODEL = "DEVICE_MODEL"


class UsageOrder(Enum):
    """How usage groups are ordered."""

    COUNT_DESC = "COUNT_DESC"
    DURATION_DESC = "DURATION_DESC"
    KEY_ASC = "KEY_ASC"


class Capability(Enum):
    """What a source can be asked for."""

    LIST_CONFERENCES = "LIST_CONFERENCES"
    LIST_LIVE_CONFERENCES = "LIST_LIVE_CONFERENCES"
    GET_CONFERENCES = "GET_CONFERENCES"
    LIST_CALLS = "LIST_CALLS"
    LIST_MEMBERS = "LIST_MEMBERS"
    LIST_ROOMS = "LIST_ROOMS"
    LIST_MCU_RESOURCES = "LIST_MCU_RESOURCES"
    COUNT_REGIONS = "COUNT_REGIONS"
    USAGE = "USAGE"
    USAGE_BY_ROOM = "USAGE_BY_ROOM"
    USAGE_BY_COMPANY = "USAGE_BY_COMPANY"
    USAGE_BY_CAPACITY = "USAGE_BY_CAPACITY"
    USAGE_BY_DEVICE_MODEL = "USAGE_BY_DEVICE_MODEL"
    LIVE_SUMMARY = "LIVE_SUMMARY"


class SourceState(Enum):
    """How a source fared lately."""

    UP = "UP"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


class SourceResultStatus(Enum):
    """What one source contributed to a merged answer."""

    OK = "OK"
    STALE = "STALE"
    LIVE_ONLY = "LIVE_ONLY"
    FAILED = "FAILED"
    UNSUPPORTED = "UNSUPPORTED"


class LiveConferenceEventKind(Enum):
    """What became of a conference."""

    STARTED = "STARTED"
    CHANGED = "CHANGED"
    ENDED = "ENDED"


# ---- the joined types ---------------------------------------------------------------------------


class Organization(Record, frozen=True):
    """A company, department or reseller as one vendor names it."""

    vendor_id: str | None = None
    name: str | None = None


class Person(Record, frozen=True):
    """A person as one vendor names them."""

    account_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    organization: Organization | None = None


class Money(Record, frozen=True):
    """An amount as decimal text and its ISO 4217 currency."""

    amount: str
    currency: str


class Room(Record, frozen=True):
    """A meeting room. `key` is what its id is made of: the name at HexMeet, the host_id at SYSTEC."""

    source_name: str
    key: str
    name: str | None = None
    vendor_id: str | None = None
    capacity: int | None = None

    @property
    def id(self) -> str:
        """The room's opaque id."""
        return encode_id(IdKind.ROOM, self.source_name, self.key)


class McuResource(Record, frozen=True):
    """A media node. `kind` is None when it is only known from calls."""

    source_name: str
    name: str
    kind: McuKind | None = None

    @property
    def id(self) -> str:
        """The resource's opaque id."""
        return encode_id(IdKind.MCU_RESOURCE, self.source_name, self.name)


class Member(Record, frozen=True):
    """One attendance. `vendor_id` is unique within the conference; made by us where the vendor has none."""

    source_name: str
    conference_vendor_id: str
    vendor_id: str
    display_name: str | None = None
    account_id: str | None = None
    phone_number: str | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    duration_seconds: int | None = None
    client_type: ClientType = ClientType.UNKNOWN
    client_version: str | None = None
    role: MemberRole | None = None
    media_direction: MediaDirection | None = None
    on_hold: bool | None = None
    vendor_fields: Record | None = None

    @property
    def id(self) -> str:
        """The member's opaque id; its key is `conference_vendor_id`, a line feed, `vendor_id`."""
        return encode_id(IdKind.MEMBER, self.source_name, f"{self.conference_vendor_id}\n{self.vendor_id}")


def count_people(members: Iterable[Member]) -> int:
    """How many different people attendances are of: by account, else by name; one without either is one more."""
    return len({member.account_id or member.display_name or member.vendor_id for member in members})


class Call(Record, frozen=True):
    """One call leg. `vendor_id` is call_guid at HexMeet; at SYSTEC it starts with the conference's uuid."""

    source_name: str
    vendor_id: str
    display_name: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    bitrate_kbps: int | None = None
    call_type: str | None = None
    client_version: str | None = None
    phone_number: str | None = None
    cost: Money | None = None
    error_code: int | None = None
    error_info: str | None = None
    agent: Organization | None = None
    company: Organization | None = None
    department: Organization | None = None
    conference_vendor_id: str | None = None
    conference_number: str | None = None
    room: Room | None = None
    mcu: McuResource | None = None

    @property
    def id(self) -> str:
        """The call's opaque id."""
        return encode_id(IdKind.CALL, self.source_name, self.vendor_id)


class Conference(Record, frozen=True):
    """One conference.

    Attributes:
        sort_time: `started_at`, else `scheduled_start_at`, else when it was created.
        members: Its members where they came with the row; None when they were not asked for or come otherwise.
        calls: Its calls, likewise.
    """

    source_name: str
    vendor_id: str
    state: ConferenceState
    sort_time: datetime
    vendor_fields: Record
    number: str | None = None
    title: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    scheduled_start_at: datetime | None = None
    scheduled_end_at: datetime | None = None
    duration_seconds: int | None = None
    planned_duration_seconds: int | None = None
    host: Person | None = None
    creator: Person | None = None
    member_count: int | None = None
    peak_member_count: int | None = None
    agent: Organization | None = None
    company: Organization | None = None
    department: Organization | None = None
    room: Room | None = None
    error_code: int | None = None
    error_info: str | None = None
    members: tuple[Member, ...] | None = None
    calls: tuple[Call, ...] | None = None

    @property
    def id(self) -> str:
        """The conference's opaque id."""
        return encode_id(IdKind.CONFERENCE, self.source_name, self.vendor_id)

    @property
    def over_at(self) -> datetime | None:
        """When it had ended, or was to, if it was never held; None where it is not over."""
        if self.ended_at is None and self.state in (ConferenceState.CANCELLED, ConferenceState.EXPIRED):
            return self.scheduled_end_at or self.sort_time
        return self.ended_at


class ConferenceRef(Record, frozen=True):
    """A conference of which only what a call tells is known; serves selections that need no more."""

    source_name: str
    vendor_id: str
    number: str | None = None

    @property
    def id(self) -> str:
        """The conference's opaque id."""
        return encode_id(IdKind.CONFERENCE, self.source_name, self.vendor_id)


class LiveConferenceEvent(Record, frozen=True):
    """A conference that began, changed or ended, as it stood `at` an instant."""

    kind: LiveConferenceEventKind
    conference: Conference
    at: datetime


class RegionCount(Record, frozen=True):
    """How many of `measure` a region has. `region` is None where the vendor does not know the place."""

    source_name: str
    region: str | None
    iso_code: str | None
    count: int
    measure: RegionMeasure


# ---- what sources contributed -------------------------------------------------------------------


class SourceError(Record, frozen=True):
    """A vendor's failure as data."""

    code: SourceErrorCode
    message: str
    retry_after_seconds: float | None = None
    vendor_code: str | None = None
    vendor_request_id: str | None = None

    @classmethod
    def of(cls, error: VendorError) -> "SourceError":
        """The data of an exception."""
        return cls(
            code=error.source_code,
            message=error.message,
            retry_after_seconds=error.retry_after_s,
            vendor_code=error.vendor_code,
            vendor_request_id=error.request_id,
        )


class SourceHealth(Record, frozen=True):
    """How a source fared lately, as seen by this process."""

    state: SourceState
    last_success_at: datetime | None = None
    last_error: SourceError | None = None


class SourceResult(Record, frozen=True):
    """What one source contributed to a merged answer.

    Attributes:
        as_of: When the oldest part of it was read from the vendor; None when nothing was.
        total_count: Its rows in the range, where it was asked for and is known.
    """

    source_name: str
    status: SourceResultStatus
    as_of: datetime | None = None
    error: SourceError | None = None
    total_count: int | None = None
