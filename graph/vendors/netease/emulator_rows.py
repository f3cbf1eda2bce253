"""What NetEase's twin writes of a conference of the world, as far as it is known by an instant."""

from datetime import datetime, timedelta, timezone
from typing import Literal

from graph.sandbox.world import Phase, WorldAttendance, WorldConference
from graph.vendors.twin import Body

ZONE = timezone(timedelta(hours=8))
FIRST_UNIQUE_ID = 20_000

STATUSES = {Phase.SCHEDULED: 1, Phase.LIVE: 2, Phase.CANCELLED: 4, Phase.UNUSED: 5}
CLIENTS = {"TV": 1, "IOS": 2, "ANDROID": 3, "WINDOWS": 4, "MAC": 5, "WEB": 6, "SIP": 7, "LINUX": 8}

TimeFilter = Literal["start", "end", "overlap", "creation"]


def real_times(conference: WorldConference, now: datetime) -> tuple[datetime | None, datetime | None]:
    """When it began and ended, as far as that is known by now."""
    start = conference.start if conference.start and conference.start <= now else None
    end = conference.end if start and conference.end and conference.end <= now else None
    return start, end


def filtered_times(conference: WorldConference, time_filter: TimeFilter, now: datetime) -> tuple[datetime, datetime]:
    """The first and last instant that a range is compared with; one and the same but for "overlap"."""
    start, end = real_times(conference, now)
    first = conference.sort_time_at(now)
    # The end so far of a meeting that goes on is now.
    last = (end or now) if start else (conference.scheduled_end or conference.created)
    match time_filter:
        case "overlap":
            return first, last
        case "end":
            return last, last
        case "creation":
            return conference.created, conference.created
    return first, first


def status_of(conference: WorldConference, now: datetime) -> int:
    """The status: a booked meeting that ended is recycled at its reserved end, an instant one at once."""
    phase = conference.phase(now)
    if phase is Phase.ENDED:
        return 3 if conference.scheduled_end and now < conference.scheduled_end else 5
    return STATUSES[phase]


def duration_of(conference: WorldConference, now: datetime) -> int:
    """Whole seconds so far, 0 when it was never held."""
    start, end = real_times(conference, now)
    return int(((end or now) - start).total_seconds()) if start else 0


def to_row(conference: WorldConference, now: datetime) -> Body:
    """Write a meeting as the list does."""
    start, end = real_times(conference, now)
    row: Body = {
        "appId": 1,
        "meetingId": int(conference.number),
        "meetingUniqueId": FIRST_UNIQUE_ID + conference.serial,
        "id": conference.key % 10**15,
        "subject": conference.title,
        "creatorAccountId": conference.creator.account_id,
    }
    if conference.scheduled_start is not None:
        row["hostAccountId"] = conference.host.account_id
    return row | {
        "status": status_of(conference, now),
        "meetingCreateTime": to_text(conference.created),
        "reserveStartTime": to_text(conference.scheduled_start),
        "reserveEndTime": to_text(conference.scheduled_end),
        "realStartTime": to_text(start),
        "realEndTime": to_text(end),
        "duration": duration_of(conference, now),
        "memberCount": len({a.person.account_id for a in conference.attendances if a.join <= now}),
        "peakNum": 0,
    }


def to_member(unique_id: int, attendance: WorldAttendance, now: datetime) -> Body:
    """Write one attendance; who is still in has no exitTime."""
    has_left = attendance.leave <= now
    return {
        "id": unique_id * 1000 + attendance.ordinal,
        "accountId": attendance.person.account_id,
        "nickname": attendance.person.name,
        "joinTime": to_text(attendance.join),
        "exitTime": to_text(attendance.leave) if has_left else "",
        "duration": int(((attendance.leave if has_left else now) - attendance.join).total_seconds()),
        "clientType": CLIENTS.get(attendance.client, 0),
    }


def to_text(instant: datetime | None) -> str:
    """Write an instant in the vendor's zone, without naming it; an absent one is empty."""
    return instant.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S") if instant else ""
