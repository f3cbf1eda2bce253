"""NetEase Meeting statistics: four POST reports under /v1/statistic/meeting, signed in their headers.

Limits: pages of at most 100 meetings; members only by `detail`, one request per meeting, of which at most eight run at
once. No rate is documented; codes 510 and 512 say when it was too much. 4001 is a cap on meetings, not on requests.
Quirks: status 4 is cancelled and 5 recycled, against the words of the document. The realtime report has the path of
the list, so its answer is told by its shape. Times bear no zone. Daily durations are milliseconds, whatever the
document says. A signature more than a minute off the vendor's clock is refused. An account's `AppSecret` only signs;
the document also lists it as a header, which is sent when `send_app_secret` asks for it.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from graph import clock
from graph.errors import VendorAuthError, VendorError, VendorPayloadError, VendorRefusedError
from graph.paging.rows import Rows, Slice
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import EPOCH, Window
from graph.records import Capability, Conference, ConferenceState, Member, UsageSubject
from graph.settings import Secret, SourceSettings, fits_header
from graph.statistics import LiveCounts, Usage
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors.base import Adapter, ConferenceQuery, Extras, whole_only
from graph.vendors.netease import wire
from graph.vendors.netease.costs import COSTS
from graph.vendors.netease.mapping import daily_seconds, to_conference, to_day, to_members
from graph.vendors.netease.ongoing import ONGOING, read_ongoing

T = TypeVar("T")
U = TypeVar("U")

DETAILS_AT_ONCE = 8
_HEADERS = {"content-type": "application/json;charset=utf-8"}
BUCKET_ZONE = timezone(timedelta(hours=8))

_UNIQUE_ID = re.compile(r"0|[1-9][0-9]{0,18}")
_STATUSES: dict[ConferenceState, frozenset[int]] = {
    ConferenceState.SCHEDULED: frozenset({1}),
    ConferenceState.LIVE: frozenset({2}),
    ConferenceState.ENDED: frozenset({3, 5}),
    ConferenceState.CANCELLED: frozenset({4}),
    ConferenceState.EXPIRED: frozenset({5}),
}


class NeteaseSettings(SourceSettings, frozen=True, kw_only=True):
    """`[sources.<name>]` with `vendor = "netease"`.

    Attributes:
        account_id: Sent as the header accountId, where one is given.
        realtime_path: Where the live counters are; the documented path is also that of the list.
        daily_duration_unit: What getByTimeRange counts durations in.
        send_app_secret: Send the secret as a header too, as the document lists it.
        live_from_list: List what is going on, by reading the list again and again while anybody watches.
    """

    app_key: Secret
    app_secret: Secret
    account_id: str = ""
    realtime_path: str = "/v1/statistic/meeting/list"
    daily_duration_unit: Literal["ms", "s"] = "ms"
    send_app_secret: bool = False
    live_from_list: bool = False
    page_size: int = 100

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = super().faults()
        if self.page_size > 100:
            found.append("page_size: expected at most 100")
        if not self.realtime_path.startswith("/"):
            found.append("realtime_path: expected a path that begins with /")
        headers = {"app_key": self.app_key.reveal(), "account_id": self.account_id}
        if self.send_app_secret:
            headers["app_secret"] = self.app_secret.reveal()
        found += [
            f"{key}: expected printable ASCII, it is sent as a header"
            for key, value in headers.items()
            if not fits_header(value)
        ]
        return found


class NeteaseAdapter(Adapter):
    """One NetEase application."""

    capabilities = frozenset(
        {
            Capability.LIST_CONFERENCES,
            Capability.GET_CONFERENCES,
            Capability.LIST_MEMBERS,
            Capability.USAGE,
            Capability.LIVE_SUMMARY,
        }
    )
    chosen_at_once = 20
    embeds: ClassVar[Extras] = Extras()
    grows: ClassVar[tuple[str, ...]] = ("duration_seconds",)
    costs = COSTS

    def __init__(self, source: str, settings: NeteaseSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        if settings.live_from_list:
            self.capabilities |= {Capability.LIST_LIVE_CONFERENCES}
        self._settings = settings
        self._details = asyncio.Semaphore(DETAILS_AT_ONCE)
        client.sign = self._sign

    async def list_conferences(self, query: ConferenceQuery, token: object | None = None) -> Slice[Conference]:
        """Read one page of the meetings of a window.

        Args:
            query: `states` is pushed down, `room` is not known here; members need `read_members`.
            token: The number of the page.

        Returns:
            The rows of the page, how many could not be read, and the vendor's total.
        Shape: {"code", "ret": {"query": {"totalCount", "totalPageCount", ...}, "list": [{"meetingUniqueId", ...}]}}
        Units: request in epoch milliseconds; rows in local time without zone, `duration` in seconds.
        Source: contracts.md 2.3, sample netease-list.json
        """
        page = token if isinstance(token, int) else 1
        window = self.wire_window(query.window)
        end = window.end + timedelta(microseconds=999)
        answer = await self._list(_ms(window.start), _ms(end), query.states, page, self.page_size)
        return Slice(
            [to_conference(row, self.source, self.zone) for row in answer.meetings],
            answer.query.total_count,
            page + 1 if page < answer.query.total_page_count else None,
            left_out=left_out(answer.meetings),
        )

    async def count_conferences(self, query: ConferenceQuery) -> int | None:
        """Count by the total of a page of one row, where the vendor's range and status mean just the query's.

        Rows bear whole seconds: rounding both ends up to one changes nothing, and asking for a millisecond less gives
        the same count whether the vendor takes its end as in or out.

        Shape: as `list_conferences`.
        Units: request in epoch milliseconds.
        Source: contracts.md 2.3
        """
        states = query.states
        is_exact = states is None or (
            _status_filter(states) is not None
            and (ConferenceState.ENDED in states) == (ConferenceState.EXPIRED in states)
        )
        if self.time_filter != "start" or not is_exact:
            return None
        start, end = (t.replace(microsecond=0) + timedelta(seconds=t.microsecond > 0) for t in query.window)
        if start >= end:
            return 0
        return (await self._list(_ms(start), _ms(end) - 1, states, page=1, page_size=1)).query.total_count

    async def count_per_day(self, subject: UsageSubject, window: Window) -> Mapping[datetime, int] | None:
        """Count meetings per +08:00 day; days the vendor leaves out are left out.

        Shape: as `read_usage`.
        Units: keys are the first instants of days.
        Source: contracts.md 2.2, sample netease-getByTimeRange.json
        """
        if subject is not UsageSubject.CONFERENCES:
            return None
        first = datetime.combine(window.start.astimezone(BUCKET_ZONE), time(), BUCKET_ZONE)
        days = await self._days(first, window.end)
        return {_instant(day.date): day.meeting_count for day in days.details}

    async def list_live(self, extras: Extras) -> Rows[Conference]:  # noqa: ARG002 - members need `read_members`
        """Read the meetings of status 2 in today's list, and before it as far back as one may have begun.

        Shape: as `list_conferences`.
        Units: as `list_conferences`.
        Source: contracts.md 2.3
        """
        if not self._settings.live_from_list:
            raise self.unsupported("list of live conferences")
        ongoing = await self.share("ongoing", lambda: read_ongoing(self), SNAPSHOT_TTL_S, codec=ONGOING)
        return Rows.of(ongoing.rows, ongoing.left_out)

    async def get_conferences(
        self,
        vendor_ids: Sequence[str],
        extras: Extras,  # noqa: ARG002 - members come with the detail, asked or not
        near: datetime | None = None,  # noqa: ARG002 - the look-up is by id
    ) -> list[Conference | Exception | None]:
        """Read meetings by meetingUniqueId, members included, one request each.

        Returns:
            One value per id: None where the vendor knows none, or the id is no number of its kind. Host and creator
            are not in the answer.
        Shape: {"code", "ret": [{"meetingUniqueId", ..., "members": [...]}]}, or the object without its array.
        Units: as `list_conferences`.
        Source: contracts.md 2.4, sample netease-detail.json
        """

        async def one(vendor_id: str) -> Conference | Exception | None:
            try:
                row = await self._detail(vendor_id)
            except VendorError as error:
                return error
            if row is None:
                return None
            conference = to_conference(row, self.source, self.zone)
            return whole_only(msgspec.structs.replace(conference, members=to_members(row, conference, self.zone)))

        return await _each(one, vendor_ids)

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the members of meetings, one request each; none for a meeting that nobody can have joined.

        Returns:
            One value per meeting: an error where it had members and its detail is gone, or tells none.
        Shape: as `get_conferences`.
        Units: local time without zone; `duration` in seconds.
        Source: contracts.md 2.4, sample netease-detail.json
        """

        async def one(conference: Conference) -> tuple[Member, ...] | VendorError:
            if _was_never_held(conference):
                return ()
            try:
                row = await self._detail(conference.vendor_id)
            except VendorError as error:
                return error
            if row is None:
                return () if conference.member_count == 0 else self._gone()
            members = to_members(row, conference, self.zone)
            return self._without_members() if members is None else members

        return await _each(one, conferences)

    async def read_usage(self, subject: UsageSubject, first: date, last: date, zone: ZoneInfo) -> Usage:
        """Count meetings per day; the vendor's days begin at +08:00 midnights, another zone is unsupported.

        Returns:
            Every day; minima and maxima are not reported.
        Shape: {"code", "ret": {"sumMeetingCount", ..., "details": [{"date", "meetingCount", "meetingDuration", ...}]}}
        Units: `date` epoch milliseconds; durations in `daily_duration_unit`, made whole seconds.

        Raises:
            UnsupportedError: calls, or a zone that is not at +08:00 all the time.
        Source: contracts.md 2.2, sample netease-getByTimeRange.json
        """
        if subject is not UsageSubject.CONFERENCES:
            raise self.unsupported("usage report of calls")
        midnights = [datetime.combine(first + timedelta(days=n), time(), zone) for n in range((last - first).days + 2)]
        if any(midnight.utcoffset() != BUCKET_ZONE.utcoffset(None) for midnight in midnights):
            raise self.unsupported("usage report in a time zone other than +08:00")
        unit = self._settings.daily_duration_unit
        answer = await self._days(midnights[0], midnights[-1])
        by_date = {_instant(day.date).astimezone(BUCKET_ZONE).date(): day for day in answer.details}
        return Usage(
            count=answer.sum_meeting_count,
            total_duration_seconds=daily_seconds(answer.sum_meeting_duration, unit),
            attendance_count=answer.sum_meeting_member_count,
            days=tuple(to_day(m, by_date.get(m.date()), unit) for m in midnights[:-1]),
        )

    async def read_live(self) -> LiveCounts:
        """Count the meetings that go on and the people in them.

        Shape: {"code", "ret": {"inMeetingCount", "inMeetingMemberCount"}}, numbers or texts.
        Units: none.

        Raises:
            VendorPayloadError: the path leads to the list of meetings.
        Source: contracts.md 2.1, sample netease-realtime.json
        """
        counters = await self._post("realtime", {}, wire.read_counters, self._settings.realtime_path)
        return LiveCounts(conference_count=counters.in_meeting_count, member_count=counters.in_meeting_member_count)

    async def check(self) -> str:
        """Ask for one meeting of the last minute.

        Shape: as `list_conferences`.
        Units: request in epoch milliseconds.
        Source: contracts.md 2.3
        """
        now = _ms(clock.now())
        await self._list(now - 60_000, now, None, page=1, page_size=1)
        return "list answered"

    # ---- requests -----------------------------------------------------------------------------

    def _sign(self) -> dict[str, str]:
        """The headers that are fresh for each request."""
        app_secret = self._settings.app_secret.reveal()
        nonce = str(10_000_000 + int.from_bytes(os.urandom(8)) % 90_000_000)  # `secrets` takes several times as long
        cur_time = str(int(clock.now().timestamp()))
        text = (app_secret + nonce + cur_time).encode()
        headers = {
            "AppKey": self._settings.app_key.reveal(),
            "Nonce": nonce,
            "CurTime": cur_time,
            "CheckSum": hashlib.sha1(text, usedforsecurity=False).hexdigest(),  # the vendor's choice
        }
        if self._settings.account_id:
            headers["accountId"] = self._settings.account_id
        if self._settings.send_app_secret:
            headers["AppSecret"] = app_secret
        return headers

    async def _post(
        self, endpoint: str, body: dict[str, object], read: Callable[[VendorReply], T], path: str | None = None
    ) -> T:
        """Send one request; once more, signed anew and with credentials read again, where it was not accepted."""
        request = VendorRequest(
            endpoint=endpoint,
            path=path or f"/v1/statistic/meeting/{endpoint}",
            headers=_HEADERS,
            json=body,
        )
        try:
            return await self.client.call(request, read)
        except VendorAuthError:
            self._settings.app_key.reload()
            self._settings.app_secret.reload()
            return await self.client.call(request, read)

    async def _list(
        self, start_ms: int, end_ms: int, states: frozenset[ConferenceState] | None, page: int, page_size: int
    ) -> wire.MeetingPage:
        body: dict[str, object] = {
            "startTime": start_ms,
            "endTime": end_ms,
            "pageIndex": page,
            "pageSize": page_size,
        }
        if status := _status_filter(states):
            body["status"] = status
        return await self._post("list", body, wire.read_list)

    async def _detail(self, vendor_id: str) -> wire.MeetingDetail | None:
        if not _UNIQUE_ID.fullmatch(vendor_id) or int(vendor_id) >= 2**63:
            return None
        async with self._details:
            rows = await self._post("detail", {"meetingUniqueId": int(vendor_id)}, wire.read_detail)
        found = next((row for row in rows if str(row.meeting_unique_id) == vendor_id), None)
        if found is None and (missing := left_out(rows)):
            raise self.incomplete("detail", missing)
        return found

    def _gone(self) -> VendorRefusedError:
        said = "detail does not know this meeting any more: who was in it cannot be told."
        return VendorRefusedError(said, source=self.source, endpoint="detail")

    def _without_members(self) -> VendorPayloadError:
        said = "The answer of detail does not fit its contract at $.ret[].members: expected array, found none."
        return VendorPayloadError(said, source=self.source, endpoint="detail")

    async def _days(self, start: datetime, end: datetime) -> wire.Days:
        # A millisecond less: the day that begins at the end stays out, whether the vendor takes its end as in or out.
        return await self._post("getByTimeRange", {"startTime": _ms(start), "endTime": _ms(end) - 1}, wire.read_days)


async def _each(ask: Callable[[T], Awaitable[U]], items: Sequence[T]) -> list[U]:
    """Ask for each, in no more tasks than details run at once; the answers are in order."""
    answers: dict[int, U] = {}
    left = iter(enumerate(items))

    async def ask_for_some() -> None:
        for place, item in left:
            answers[place] = await ask(item)

    if len(items) == 1:
        await ask_for_some()
    else:
        await asyncio.gather(*(ask_for_some() for _ in range(min(DETAILS_AT_ONCE, len(items)))))
    return [answers[place] for place in range(len(items))]


def _ms(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


def _instant(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def _status_filter(states: frozenset[ConferenceState] | None) -> str | None:
    """The numbers that may stand for some states; None for all, as UNKNOWN may be any number."""
    if states is None or ConferenceState.UNKNOWN in states:
        return None
    return ",".join(map(str, sorted({number for state in states for number in _STATUSES[state]}))) or None


def _was_never_held(conference: Conference) -> bool:
    unheld = (ConferenceState.SCHEDULED, ConferenceState.CANCELLED, ConferenceState.EXPIRED)
    return conference.state in unheld and conference.started_at is None and conference.member_count == 0
