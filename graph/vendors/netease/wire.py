"""The answers of NetEase's four reports, as far as they are read, and what their codes stand for.

Keys are camelCase on the wire. What the documents contradict themselves about is read either way: `ret` of the
detail is an array or an object, counters are numbers or texts.
"""

from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec

from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from graph.transport.messages import VendorReply
from graph.transport.numbers import Int32, Int53
from graph.transport.shapes import known
from graph.transport.wall_time import BlankableTime, WallTime, decode_wall_time

T = TypeVar("T")

MAX_SKEW_S = 60
Status = Annotated[Int32, known(0, 1, 2, 3, 4, 5)]
Client = Annotated[Int32, known(1, 2, 3, 4, 5, 6, 7, 8)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]  # to the end of the year 9999


class Head(msgspec.Struct, rename="camel"):
    """What every answer begins with; 200 is success."""

    code: int
    request_id: str | None = None


class Answer(msgspec.Struct, Generic[T]):
    """A successful answer."""

    unread: ClassVar[frozenset[str]] = frozenset({"code", "msg", "requestId", "costTime"})

    ret: T


class Meeting(msgspec.Struct, rename="camel"):
    """One meeting of `list`; times are local, durations seconds."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"hostAccountId"})
    vital: ClassVar[frozenset[str]] = frozenset({"reserveStartTime", "realStartTime"})  # without, it was never held

    meeting_unique_id: int
    status: Status
    meeting_create_time: WallTime
    app_id: Int32 | None = None
    meeting_id: int | str | None = None
    id: Int53 | None = None
    subject: str | None = None
    creator_account_id: int | str | None = None
    host_account_id: int | str | None = None
    reserve_start_time: BlankableTime | None = None
    reserve_end_time: BlankableTime | None = None
    real_start_time: BlankableTime | None = None
    real_end_time: BlankableTime | None = None
    duration: Int32 | None = None
    member_count: Int32 | None = None
    peak_num: Int32 | None = None


class Attendance(msgspec.Struct, rename="camel"):
    """One span of one account in one meeting."""

    id: int
    account_id: int | str | None = None
    nickname: int | str | None = None
    join_time: BlankableTime | None = None
    exit_time: BlankableTime | None = None
    duration: Int32 | None = None
    client_type: Client | None = None


class MeetingDetail(Meeting, rename="camel"):
    """One meeting of `detail`."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"creatorAccountId"})

    members: list[Attendance] | None = None


class Paging(msgspec.Struct, rename="camel"):
    """Where a list stands, and the constants of whatever wrote it."""

    unread: ClassVar[frozenset[str]] = frozenset(
        {
            "pageSize",
            "pageIndex",
            "offset",
            "limit",
            "DEFAULT_PAGE_SIZE",
            "DEFAULT_PAGE_INDEX",
            "DEFAULT_TOTAL_PAGE_COUNT",
            "DEFAULT_TOTAL_COUNT",
            "DEFAULT_OFFSET",
            "DEFAULT_LIMIT",
        }
    )

    total_page_count: Int32
    total_count: Int32


class MeetingPage(msgspec.Struct):
    """One page of `list`."""

    query: Paging
    meetings: list[Meeting] = msgspec.field(name="list")


class Day(msgspec.Struct, rename="camel"):
    """One local day: its midnight in milliseconds, its counts, and a duration in the unit of the setting."""

    date: EpochMs
    meeting_count: Int32
    meeting_duration: Int53
    meeting_member_count: Int32
    peak_num: Int32


class Days(msgspec.Struct, rename="camel"):
    """The daily statistics with their sums."""

    sum_meeting_count: Int32
    sum_meeting_duration: Int53
    sum_meeting_member_count: Int32
    details: list[Day]


class Counters(msgspec.Struct, rename="camel"):
    """The realtime counters; `list` is there instead where the path leads to the list of meetings."""

    unread: ClassVar[frozenset[str]] = frozenset({"query"})
    sometimes: ClassVar[frozenset[str]] = frozenset({"inMeetingCount", "inMeetingMemberCount", "list"})

    in_meeting_count: Int32 | None = None
    in_meeting_member_count: Int32 | None = None
    meetings: Any = msgspec.field(name="list", default=None)


HEAD = msgspec.json.Decoder(Head)
LIST = msgspec.json.Decoder(Answer[MeetingPage], dec_hook=decode_wall_time)
DETAIL = msgspec.json.Decoder(Answer[list[MeetingDetail] | MeetingDetail | None], dec_hook=decode_wall_time)
DAYS = msgspec.json.Decoder(Answer[Days], strict=False)
COUNTERS = msgspec.json.Decoder(Answer[Counters | list[Any]], strict=False)

NO_SUCH_MEETING = 2000  # 1014, no such account, is a refusal: a wrong account_id must not look like no meetings
_CODES: dict[int, tuple[type[VendorError], str]] = {
    300: (VendorRefusedError, "a parameter is bad"),
    301: (VendorRefusedError, "a parameter is empty"),
    302: (VendorRefusedError, "a header is bad"),
    303: (VendorRefusedError, "the charset is bad"),
    401: (VendorAuthError, "the signature was not accepted"),
    402: (VendorRefusedError, "the service is not opened for this account"),
    501: (VendorUnavailableError, "it failed inside"),
    510: (VendorThrottledError, "requests come too often"),
    512: (VendorThrottledError, "it is busy"),
    1014: (VendorRefusedError, "the account does not exist"),
    2000: (VendorRefusedError, "the meeting does not exist"),
    2105: (VendorRefusedError, "the account lacks the permission"),
    4000: (VendorRefusedError, "the contract has expired"),
    4001: (VendorRefusedError, "as many meetings go on at once as the contract allows"),
}


# ---- replies ------------------------------------------------------------------------------------


def read_list(reply: VendorReply) -> MeetingPage:
    """Read a page of the list; its meetings know how many could not be read."""
    _check_code(reply)
    return reply.decode_rows(LIST).ret


def read_days(reply: VendorReply) -> Days:
    """Read the daily statistics, all or none of them."""
    _check_code(reply)
    return reply.decode(DAYS).ret


def read_detail(reply: VendorReply) -> list[MeetingDetail]:
    """Read the meetings of a detail; none where the code says that there is no such meeting."""
    if _check_code(reply, NO_SUCH_MEETING) != 200:
        return []
    ret = reply.decode_rows(DETAIL).ret
    return ret if isinstance(ret, list) else [ret] if ret else []


def read_counters(reply: VendorReply) -> Counters:
    """Read the live counters, telling them by their shape.

    Raises:
        VendorPayloadError: it is a list, or neither.
    """
    _check_code(reply)
    ret = reply.decode(COUNTERS).ret
    if isinstance(ret, Counters) and ret.in_meeting_count is not None:
        return ret
    if isinstance(ret, list) or ret.meetings is not None:
        raise VendorPayloadError(
            "Live counters are unavailable at this path, which answers with a list: see the setting realtime_path.",
            source=reply.source,
            endpoint=reply.endpoint,
            status=reply.status,
        )
    raise reply.payload_error("$.ret", "expected the field inMeetingCount, found none")


def _check_code(reply: VendorReply, also: int | None = None) -> int:
    """The code of an answer, 200 or `also`; any other raises.

    A code of a failure decides, whatever the HTTP status; 200 and unknown codes count only where that is no failure.
    """
    head = reply.decode_envelope(HEAD)
    if head.code == also:
        return head.code
    if head.code not in _CODES:
        reply.raise_for_status()
    if head.code == 200:
        return 200
    kind, what = _CODES.get(head.code, (VendorRefusedError, "it gives no known reason"))
    skew = reply.clock_skew_s()
    if head.code == 401 and skew is not None and abs(skew) > MAX_SKEW_S:
        what += f"; our clock and the vendor's differ by {abs(skew):.0f} s, ours is {'ahead' if skew > 0 else 'behind'}"
    raise kind(
        f"{reply.endpoint} answered with code {head.code}: {what}.",
        source=reply.source,
        endpoint=reply.endpoint,
        status=reply.status,
        vendor_code=str(head.code),
        request_id=head.request_id,
        retry_after_s=reply.retry_after_s(),
    )
