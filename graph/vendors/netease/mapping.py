"""What NetEase's rows mean: wire structs made records.

Status 4 is cancelled and 5 recycled, which is how every instant meeting ends: with a real start it was held, else it
expired unused. A meeting entered before its time goes back to status 1, so that a scheduled one may have real times.
"""

from datetime import UTC, datetime, tzinfo

from graph.paging.rows import Rows
from graph.records import (
    BigInt,
    ClientType,
    Conference,
    ConferenceState,
    Member,
    MemberRole,
    Person,
    Record,
)
from graph.statistics import UsageDay, UsageStats
from graph.transport.lenient import left_out
from graph.transport.wall_time import instant_of
from graph.vendors.netease import wire

_STATES = {
    1: ConferenceState.SCHEDULED,
    2: ConferenceState.LIVE,
    3: ConferenceState.ENDED,
    4: ConferenceState.CANCELLED,
}
_CLIENT_TYPES = {
    1: ClientType.TV,
    2: ClientType.IOS,
    3: ClientType.ANDROID,
    4: ClientType.WINDOWS,
    5: ClientType.MAC,
    6: ClientType.WEB,
    7: ClientType.SIP,
    8: ClientType.LINUX,
}


class NeteaseFields(Record, frozen=True):
    """What only NetEase reports of a conference, as it stood there."""

    app_id: int | None
    row_id: BigInt | None
    status: int
    created_at: datetime
    duration_seconds: int | None


class NeteaseMember(Record, frozen=True):
    """What only NetEase reports of a member, as it stood there."""

    client_type: int | None


def to_conference(row: wire.Meeting, source: str, zone: tzinfo) -> Conference:
    """Make a conference of a row; its members come separately."""
    created_at = row.meeting_create_time.instant(zone)
    started_at = instant_of(row.real_start_time, zone)
    booked_from = instant_of(row.reserve_start_time, zone)
    booked_to = instant_of(row.reserve_end_time, zone)
    state = _state(row.status, was_held=started_at is not None)
    is_live = state is ConferenceState.LIVE
    has_duration = not is_live and (row.duration != 0 or started_at is not None)
    return Conference(
        # The first by place: more than fifteen names would be put into a dict for each row.
        source,
        str(row.meeting_unique_id),
        state,
        started_at or booked_from or created_at,
        number=_text(row.meeting_id),
        title=row.subject or None,
        started_at=started_at,
        ended_at=None if is_live else instant_of(row.real_end_time, zone),
        scheduled_start_at=booked_from,
        scheduled_end_at=booked_to,
        duration_seconds=row.duration if has_duration else None,
        planned_duration_seconds=_seconds_between(booked_from, booked_to),
        host=_person(row.host_account_id),
        creator=_person(row.creator_account_id),
        member_count=row.member_count,
        peak_member_count=row.peak_num or None,
        vendor_fields=NeteaseFields(
            app_id=row.app_id,
            row_id=None if row.id is None else BigInt(row.id),
            status=row.status,
            created_at=created_at,
            duration_seconds=row.duration,
        ),
    )


def to_members(row: wire.MeetingDetail, conference: Conference, zone: tzinfo) -> Rows[Member] | None:
    """Make the members of a detail, one per span; the conference's host, where known, is the chair.

    None where the detail leaves them out, although there were some.
    """
    if row.members is None and row.member_count != 0:
        return None
    host = conference.host.account_id if conference.host else None
    spans = row.members or ()
    return Rows.of((_to_member(span, conference, host, zone) for span in spans), left_out(spans))


def to_day(midnight: datetime, day: wire.Day | None, unit: str) -> UsageDay:
    """Make the usage of the day that begins at a midnight; a day the vendor left out has nothing."""
    count = day.meeting_count if day else 0
    seconds = daily_seconds(day.meeting_duration, unit) if day else 0
    return UsageDay(
        date=midnight.date(),
        starts_at=midnight.astimezone(UTC),
        stats=UsageStats(
            count=count,
            total_duration_seconds=seconds,
            average_duration_seconds=seconds / count if count else None,
        ),
        attendance_count=day.meeting_member_count if day else 0,
        peak_member_count=(day.peak_num or None) if day else None,
    )


def daily_seconds(amount: int, unit: str) -> int:
    """A daily duration in whole seconds; `unit` is "ms" or "s"."""
    return amount if unit == "s" else (amount + 500) // 1000


def _to_member(span: wire.Attendance, conference: Conference, host: str | None, zone: tzinfo) -> Member:
    account_id = _text(span.account_id)
    left_at = instant_of(span.exit_time, zone)
    role = MemberRole.CHAIR if account_id == host else MemberRole.PARTICIPANT
    return Member(
        source_name=conference.source_name,
        conference_vendor_id=conference.vendor_id,
        vendor_id=str(span.id),
        display_name=_text(span.nickname),
        account_id=account_id,
        joined_at=instant_of(span.join_time, zone),
        left_at=left_at,
        duration_seconds=span.duration if left_at else None,
        client_type=_CLIENT_TYPES.get(span.client_type or 0, ClientType.UNKNOWN),
        role=role if host else None,
        vendor_fields=NeteaseMember(client_type=span.client_type),
    )


def _state(status: int, *, was_held: bool) -> ConferenceState:
    if status == 5:
        return ConferenceState.ENDED if was_held else ConferenceState.EXPIRED
    return _STATES.get(status, ConferenceState.UNKNOWN)


def _text(value: int | str | None) -> str | None:
    return None if value in (None, "") else str(value)


def _person(account_id: int | str | None) -> Person | None:
    text = _text(account_id)
    return Person(account_id=text) if text else None


def _seconds_between(start: datetime | None, end: datetime | None) -> int | None:
    """A length; None where an end is open, or so far away that it stands for one."""
    seconds = int((end - start).total_seconds()) if start and end else None
    return None if seconds is None or abs(seconds) >= 2**31 else seconds
