"""Enums: those of the records, described for clients, and those that only the schema knows."""

from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from graph import records
from graph.errors import SourceErrorCode
from graph.vendors import VENDORS


class TimeOrder(Enum):
    """How lists over time are ordered."""

    START_DESC = "START_DESC"
    START_ASC = "START_ASC"


class UsageInterval(Enum):
    """How wide the buckets of a usage report are."""

    DAY = "DAY"


Vendor = Enum("Vendor", {name.upper(): name for name in VENDORS})  # type: ignore[misc]  # the registry decides


def values_of(vendors: list[Vendor] | None) -> list[str] | None:
    """The words of the registry for some vendors."""
    return None if vendors is None else [vendor.value for vendor in vendors]


def _describe(enum: type[Enum], description: str, **values: str) -> None:
    definition = strawberry.enum(enum, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    assert isinstance(definition, StrawberryEnumDefinition)  # noqa: S101 - tells the type checker what it is
    for value in definition.values:
        value.description = values[value.name]


_describe(
    Vendor,
    "The kinds of vendors.",
    **{name.upper(): f'Sources configured with vendor = "{name}".' for name in VENDORS},
)
_describe(
    TimeOrder,
    "How lists over time are ordered: by sort time (`startedAt`, else `scheduledStartAt`, else when it was created), "
    "source name and the vendor's identifier.",
    START_DESC="The latest first; the exact reverse of START_ASC.",
    START_ASC="The earliest first.",
)
_describe(UsageInterval, "How wide the buckets of a usage report are.", DAY="One calendar day of the time zone asked.")
_describe(
    records.ConferenceState,
    "Where a conference stands.",
    SCHEDULED="Booked, not yet begun.",
    LIVE="Going on.",
    ENDED="Held and over.",
    CANCELLED="Called off.",
    EXPIRED="Booked, and never held.",
    UNKNOWN="The vendor gives a state that its documents do not explain; see vendorFields.",
)
_describe(
    records.LiveConferenceEventKind,
    "What became of a conference.",
    STARTED="It is going on; it began just now, or had already when the subscription did: see its startedAt.",
    CHANGED="Something of it is not as before, other than how long it has lasted.",
    ENDED="It is not going on any more.",
)
_describe(
    records.MemberRole,
    "What a member is to a conference.",
    CHAIR="Chairs it.",
    PARTICIPANT="Takes part.",
)
_describe(
    records.ClientType,
    "What a member joined with.",
    TV="A meeting-room device or television.",
    IOS="An iPhone or iPad.",
    ANDROID="An Android device.",
    WINDOWS="A Windows computer.",
    MAC="A Mac.",
    WEB="A browser.",
    SIP="A SIP device.",
    LINUX="A Linux computer.",
    PHONE="A telephone.",
    AGENT="A contact-centre agent's desk.",
    UNKNOWN="The vendor does not say, or says a number that its documents do not explain.",
)
_describe(
    records.MediaDirection,
    "Which way a member's media goes.",
    LISTEN_ONLY="Hears, is not heard.",
    SPEAK_ONLY="Is heard, does not hear.",
    BOTH="Hears and is heard.",
)
_describe(
    records.McuKind,
    "The kinds of media resources.",
    MRU="A media resource unit, which mixes.",
    GATEWAY="A gateway to other networks.",
)
_describe(
    records.RegionMeasure,
    "What is counted per region.",
    ONGOING_CALLS="Calls going on.",
    ISSUED_CALLS="Calls begun in the range.",
    ONGOING_REGISTRATIONS="Devices registered.",
)
_describe(
    records.UsageSubject,
    "What usage counts.",
    CONFERENCES="Conferences, by the day they began.",
    CALLS="Call legs, by the day they began.",
)
_describe(
    records.UsageDimension,
    "What usage is grouped by.",
    ROOM="The meeting room it was held in.",
    COMPANY="The company it belongs to.",
    CAPACITY="How many seats its room has.",
    DEVICE_MODEL="The model of the device that called.",
)
_describe(
    records.UsageOrder,
    "How usage groups are ordered; ties by source name and key.",
    COUNT_DESC="The most conferences or calls first.",
    DURATION_DESC="The longest total duration first.",
    KEY_ASC="By key, strings by code point, then by source name.",
)
_describe(
    records.Capability,
    "What a source can be asked for.",
    LIST_CONFERENCES="Its conferences of any range of time.",
    LIST_LIVE_CONFERENCES="Its conferences in progress.",
    GET_CONFERENCES="Conferences by the vendor's identifier.",
    LIST_CALLS="Its call legs.",
    LIST_MEMBERS="Who took part in a conference.",
    LIST_ROOMS="Its meeting rooms.",
    LIST_MCU_RESOURCES="Its media resources and how they are used.",
    COUNT_REGIONS="Counts per region.",
    USAGE="Usage per day.",
    USAGE_BY_ROOM="Usage per room.",
    USAGE_BY_COMPANY="Usage per company.",
    USAGE_BY_CAPACITY="Usage per capacity of the rooms.",
    USAGE_BY_DEVICE_MODEL="Usage per model of the devices.",
    LIVE_SUMMARY="How much is going on right now.",
)
_describe(
    records.SourceState,
    "How a source fared lately.",
    UP="Its last answer was good.",
    DEGRADED="It failed once or twice in a row.",
    DOWN="It failed three times in a row or more, or is left alone for a while.",
    UNKNOWN="It was not asked yet.",
)
_describe(
    records.SourceResultStatus,
    "How one source took part in a merged answer. LIVE_ONLY: rows in progress that started in the range are there; "
    "the vendor does not list ended ones.",
    OK="Its rows are there, but for those that could not be read: `error` says so.",
    STALE="Its rows are there as they were at `asOf`; it did not answer just now.",
    LIVE_ONLY="Its rows in progress that started in the range are there; the vendor does not list ended ones.",
    FAILED="It did not answer, its rows are missing; `error` says why.",
    UNSUPPORTED="The vendor has no such report.",
)
_describe(
    SourceErrorCode,
    "Why a source could not answer, or not with all its rows.",
    TIMEOUT="No whole answer in time.",
    UNAVAILABLE="It could not be reached, says it is down, or was not asked: it failed so often that it is left alone.",
    THROTTLED="It was asked too often, or was not asked: the limit on requests to it, set here, was reached.",
    UNAUTHENTICATED="It refused the configured credentials.",
    REFUSED="It understood and said no; `vendorCode` has its word for it.",
    BAD_PAYLOAD="Its answer does not fit its contract.",
    UNSUPPORTED="It has no such report, or not with these arguments.",
)
