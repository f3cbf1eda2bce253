"""What SYSTEC's rows mean: wire structs made records.

Rows are ended meetings. Neither participants nor telephone legs have an id: theirs is made of the meeting's uuid, a
hash of what tells them apart, and an ordinal among equals. They are put in order first, so that the order in which
the vendor happens to send them does not change their ids.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from graph.ids import faint_hash, short_hash
from graph.paging.rows import Rows
from graph.records import (
    Call,
    Conference,
    ConferenceState,
    Member,
    Money,
    Record,
    Room,
    count_people,
)
from graph.statistics import UsageGroup, UsageGroups, UsageStats
from graph.transport.lenient import left_out
from graph.transport.wall_time import instant_of
from graph.vendors.base import Extras
from graph.vendors.systec import wire


class SystecFields(Record, frozen=True):
    """What only SYSTEC reports of a conference."""

    is_extra: bool | None


def to_conference(row: wire.Meeting, source: str, zone: tzinfo, extras: Extras) -> Conference:
    """Make a conference of a row, with the members and calls that were asked for; None where they are left out."""
    started_at = row.start_time.instant(zone)
    ended_at = instant_of(row.end_time, zone)
    members = _to_members(row.participants, row.uuid, source, zone) if extras.members else None
    planned = None if row.duration is None else timedelta(minutes=row.duration)
    return Conference(
        # The first by place: more than fifteen names would be put into a dict for each row.
        source,
        row.uuid,
        ConferenceState.ENDED,
        started_at,
        number=_number(row),
        title=row.topic or None,
        started_at=started_at,
        ended_at=ended_at,
        scheduled_start_at=started_at,
        scheduled_end_at=_after(started_at, planned),
        duration_seconds=_seconds_between(started_at, ended_at),
        planned_duration_seconds=None if planned is None else int(planned.total_seconds()),
        member_count=None if members is None or members.left_out else count_people(members),
        room=_room(row, source),
        vendor_fields=SystecFields(is_extra=None if row.is_extra is None else bool(row.is_extra)),
        members=members,
        calls=_to_calls(row, source, zone) if extras.calls else None,
    )


def to_rooms(conferences: Iterable[Conference]) -> list[Room]:
    """The rooms that conferences were held in, each once."""
    return list({row.room.key: row.room for row in conferences if row.room}.values())


def group_by_room(conferences: Iterable[Conference], source: str) -> UsageGroups:
    """Count conferences per host_id; those without one share a group without a room."""
    rows = sorted(conferences, key=_room_key)
    groups = []
    for key, members in groupby(rows, _room_key):
        held = list(members)
        groups.append(UsageGroup(source_name=source, key=key, name=None, stats=_stats(held), room=held[0].room))
    return UsageGroups(groups=tuple(groups), totals=_stats(rows))


def _room_key(conference: Conference) -> str:
    return conference.room.key if conference.room else ""


def _stats(conferences: Sequence[Conference]) -> UsageStats:
    known = [row.duration_seconds for row in conferences if row.duration_seconds is not None]
    return UsageStats(
        count=len(conferences),
        total_duration_seconds=sum(known),
        min_duration_seconds=min(known, default=None),
        max_duration_seconds=max(known, default=None),
        average_duration_seconds=sum(known) / len(known) if known else None,
    )


def _to_members(
    participants: Sequence[wire.Participant] | None, uuid: str, source: str, zone: tzinfo
) -> Rows[Member] | None:
    if participants is None:
        return None
    spans = sorted(participants, key=lambda p: (_text(p.join_time), p.name or "", _text(p.leave_time)))
    ids = _row_ids(uuid, (short_hash(p.name or "", _text(p.join_time)) for p in spans))
    members = (_to_member(span, vendor_id, uuid, source, zone) for span, vendor_id in zip(spans, ids, strict=True))
    return Rows.of(members, left_out(participants))


def _to_member(span: wire.Participant, vendor_id: str, uuid: str, source: str, zone: tzinfo) -> Member:
    joined_at, left_at = instant_of(span.join_time, zone), instant_of(span.leave_time, zone)
    return Member(
        source_name=source,
        conference_vendor_id=uuid,
        vendor_id=vendor_id,
        display_name=span.name or None,
        joined_at=joined_at,
        left_at=left_at,
        duration_seconds=_seconds_between(joined_at, left_at),
    )


def _to_calls(row: wire.Meeting, source: str, zone: tzinfo) -> Rows[Call] | None:
    if row.telephony_usage is None:
        return None
    legs = sorted(
        row.telephony_usage, key=lambda leg: (_text(leg.start_time), leg.phone_number or "", _text(leg.end_time))
    )
    ids = _row_ids(row.uuid, (faint_hash(leg.phone_number or "", _text(leg.start_time)) for leg in legs))
    calls = (_to_call(leg, vendor_id, row, source, zone) for leg, vendor_id in zip(legs, ids, strict=True))
    return Rows.of(calls, left_out(row.telephony_usage))


def _to_call(leg: wire.PhoneLeg, vendor_id: str, row: wire.Meeting, source: str, zone: tzinfo) -> Call:
    return Call(
        source_name=source,
        vendor_id=vendor_id,
        started_at=instant_of(leg.start_time, zone),
        ended_at=instant_of(leg.end_time, zone),
        duration_seconds=None if leg.duration is None else leg.duration * 60,
        call_type=leg.type or None,
        phone_number=leg.phone_number or None,
        cost=None if leg.total is None else Money(amount=format(leg.total, "f"), currency="CNY"),
        conference_vendor_id=row.uuid,
        conference_number=_number(row),
        room=_room(row, source),
    )


def _row_ids(uuid: str, hashes: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for text in hashes:
        yield f"{uuid}:{text}:{seen[text]}"
        seen[text] += 1


def _room(row: wire.Meeting, source: str) -> Room | None:
    return Room(source_name=source, key=row.host_id, vendor_id=row.host_id) if row.host_id else None


def _number(row: wire.Meeting) -> str | None:
    return None if row.meeting_id in (None, "") else str(row.meeting_id)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _after(start: datetime, length: timedelta | None) -> datetime | None:
    try:
        return None if length is None else start + length
    except OverflowError:  # beyond what calendars have
        return None


def _seconds_between(start: datetime | None, end: datetime | None) -> int | None:
    """A length; None where an end is open, or so far away that it stands for one."""
    seconds = int((end - start).total_seconds()) if start and end else None
    return None if seconds is None or abs(seconds) >= 2**31 else seconds
