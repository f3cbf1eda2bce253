"""HexMeet, read through its report API (contracts.md 1).

Limits and quirks:
- Conferences and calls come by scroll only: forward, in no promised order, at most about six open at once, none
  of which can be closed. See `scrolls.py`.
- Nothing can be asked for by id. Where a row lies is remembered from each list read, else it is searched for.
- Calls cannot be asked for by conference: one scan of the time in which the conferences took place serves all
  of them, members and calls alike.
- A conference shows up only after it ended, so all of them are ENDED.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, TypeVar, cast

from graph import clock
from graph.errors import LookupLimitError, VendorError
from graph.paging.rows import Rows, Slice
from graph.paging.windows import Window
from graph.records import (
    Call,
    Capability,
    Conference,
    ConferenceState,
    McuResource,
    Member,
    Organization,
    Person,
    Record,
    Room,
    UsageSubject,
)
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.hexmeet.costs import COSTS
from graph.vendors.hexmeet.reports import CALLS, CONFERENCES, HexmeetSettings
from graph.vendors.hexmeet.scans import Whereabouts, cut_newest_first, estimate_rows, join_spans
from graph.vendors.hexmeet.scrolls import Scroll
from graph.vendors.hexmeet.statistics import HexmeetStatistics
from graph.vendors.hexmeet.wire import CallRow, ConferenceRow

Found = TypeVar("Found", Conference, Call)
ReadSlice = Callable[[Window, object | None], Awaitable[Slice[Found]]]

_ENDED = ConferenceState.ENDED  # looked up once: Python 3.11 takes long for it
_CONFERENCE_ID = re.compile(r"[0-9a-f]{32}")
_CALL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = timedelta(days=1)
_SLACK = timedelta(minutes=1)  # a leg's clock may be a little off its conference's
_NEAR = timedelta(hours=1)  # gaps not worth a thought
_CAPACITY_PAGES = 10
_FEW = 4096  # rooms and organizations, which many rows share: each is made once
_PAGES_PER_SCROLL = 4  # what reading in vain may cost before another scroll is the cheaper way
_SCAN_KEPT_S = 1.0  # members and calls of the same conferences are asked for a moment apart


class HexmeetFields(Record, frozen=True):
    """What only HexMeet reports of a conference."""

    type: int | None


class HexmeetAdapter(HexmeetStatistics):
    """One HexMeet account."""

    capabilities = frozenset(Capability) - {Capability.LIST_LIVE_CONFERENCES}
    states: ClassVar[frozenset[ConferenceState]] = frozenset({ConferenceState.ENDED})
    has_stateless_pages: ClassVar[bool] = False
    narrows_rooms: ClassVar[bool] = False
    embeds: ClassVar[Extras] = Extras()
    costs = COSTS

    def __init__(self, source: str, settings: HexmeetSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self._scan_rows = _PAGES_PER_SCROLL * settings.page_size
        self._whereabouts = Whereabouts()

    # ---- lists --------------------------------------------------------------------------------

    async def list_conferences(self, query: ConferenceQuery, token: object | None = None) -> Slice[Conference]:
        """Read one page of the conferences that started in a window. The vendor cannot narrow it further.

        Shape: {"total", "count", "scrollid", "buckets": [{"conf_guid", "conf_number", "conf_name", "room_name",
            "capacity", "host", "startTime", "endTime", "duration", "max_party_count", "department(_id)",
            "company(_id)", "agent(_id)", "error_code", "error_info", "type"}]}
        Units: `duration` seconds; times ISO 8601 with offset, with or without milliseconds.

        Raises:
            VendorThrottledError: too many scrolls are open.
            VendorExpiredError: the scroll expired; the window must be read from its start.
        Source: contracts.md 1.1, sample hexmeet-term_conf_stats.json
        """
        window = self.wire_window(query.window)
        page, scroll = await self.reports.page(CONFERENCES, window, cast("Scroll | None", token))
        rows = [self._to_conference(row) for row in page.buckets]
        self._whereabouts.remember_starts([(row.vendor_id, row.sort_time) for row in rows])
        return Slice(rows, self._exact(page.total), scroll, left_out=left_out(page.buckets))

    async def list_calls(self, window: Window, token: object | None = None) -> Slice[Call]:
        """Read one page of the calls that started in a window.

        Shape: {"total", "count", "scrollid", "buckets": [{"call_guid", "conf_guid", "conf_number", "name", "room",
            "startTime", "endTime", "duration", "call_rate", "call_type", "version", "mcu_name", "department(_id)",
            "company(_id)", "agent(_id)", "error_code", "error_info"}]}
        Units: `duration` seconds; `call_rate` kbit/s; times as with conferences.

        Raises:
            VendorThrottledError: too many scrolls are open.
            VendorExpiredError: the scroll expired; the window must be read from its start.
        Source: contracts.md 1.2, sample hexmeet-term_call_stats.json
        """
        page, scroll = await self.reports.page(CALLS, self.wire_window(window), cast("Scroll | None", token))
        self._whereabouts.remember_starts([(row.call_guid, row.started_at) for row in page.buckets])
        for row in page.buckets:
            start = row.started_at
            if row.conf_guid:
                self._whereabouts.remember(row.conf_guid, Window(start - self.max_conference, start + _SLACK))
        calls = [self._to_call(row) for row in page.buckets]
        return Slice(calls, self._exact(page.total), scroll, left_out=left_out(page.buckets))

    # ---- by id --------------------------------------------------------------------------------

    async def get_conferences(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        """Find conferences: where they were met before, else by a search back in time or around `near`.

        Returns:
            In the order asked: the conference; None for what is no conf_guid; a LookupLimitError for one that was
            not met, as its absence is not proven; a VendorError where the search failed.
        Shape: as `list_conferences`, after one datehistgram_stats that tells how far to look at a time.
        Units: as `list_conferences`.
        Source: contracts.md 1.1 and 6.8
        """
        del extras  # members and calls are never part of a row
        wanted = {vendor_id for vendor_id in vendor_ids if _CONFERENCE_ID.fullmatch(vendor_id)}
        return await self._find(UsageSubject.CONFERENCES, self._list_all_conferences, vendor_ids, wanted, near)

    async def get_calls(self, vendor_ids: Sequence[str]) -> list[Call | Exception | None]:
        """Find calls, as `get_conferences` does, by call_guid.

        Shape: as `list_calls`, after one datehistgram_stats.
        Units: as `list_calls`.
        Source: contracts.md 1.2 and 6.8
        """
        wanted = {vendor_id for vendor_id in vendor_ids if _CALL_ID.fullmatch(vendor_id)}
        return await self._find(UsageSubject.CALLS, self.list_calls, vendor_ids, wanted, None)

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the members of conferences: their call legs, by the scan that `read_calls` makes.

        Returns:
            For each conference its members in the order of `read_calls`, or the error of the scan. A leg that could
            not be read may be missing from any.
        Shape: as `list_calls`, of which {"call_guid", "conf_guid", "name", "startTime", "endTime", "duration",
            "version"}
        Units: `duration` seconds.
        Source: contracts.md 1.2 and 6.3
        """
        return [
            legs if isinstance(legs, VendorError) else Rows.of(map(self._to_member, legs), Rows.missing_from(legs))
            for legs in await self.read_calls(conferences)
        ]

    async def read_calls(self, conferences: Sequence[Conference]) -> list[tuple[Call, ...] | VendorError]:
        """Read the calls of conferences by one scan for all of them.

        Returns:
            For each conference its calls, ordered by (start, call_guid), or the error of the scan.
        Shape: as `list_calls`, over the time in which the conferences took place.
        Units: as `list_calls`.
        Source: contracts.md 1.2 and 6.8
        """
        try:
            calls = await self._share_scan(conferences)
        except VendorError as error:
            return [error for _ in conferences]
        return [calls[conference.vendor_id] for conference in conferences]

    async def get_room_capacities(self, keys: Sequence[str], window: Window) -> list[int | None]:
        """Read the capacities of rooms by name: what the newest conference in each says.

        One search, newest first, by stretches of days, until each room was met. It reads ten pages at the most: who
        has met no conference by then says None.

        Shape: as `list_conferences`, of which {"room_name", "capacity", "startTime"}
        Units: `capacity` seats.
        Source: contracts.md 1.1 and 6.4
        """
        rooms: dict[str, Room] = {}
        pages = 0
        for span in await self._cut(UsageSubject.CONFERENCES, window):
            newest: dict[str, Conference] = {}
            async with aclosing(_pages(self._list_all_conferences, span)) as scan:
                async for page in scan:
                    for row in page.rows:
                        if row.room and (row.room.key not in newest or newest[row.room.key].sort_time < row.sort_time):
                            newest[row.room.key] = row
                    pages += 1
                    if pages == _CAPACITY_PAGES:
                        break
            rooms = {key: row.room for key, row in newest.items() if row.room} | rooms
            if pages == _CAPACITY_PAGES or rooms.keys() >= set(keys):
                break
        return [room.capacity if (room := rooms.get(key)) else None for key in keys]

    # ---- scans --------------------------------------------------------------------------------

    async def _list_all_conferences(self, window: Window, token: object | None) -> Slice[Conference]:
        return await self.list_conferences(ConferenceQuery(window), token)

    async def _find(
        self,
        subject: UsageSubject,
        read: ReadSlice[Found],
        vendor_ids: Sequence[str],
        wanted: set[str],
        near: datetime | None,
    ) -> list[Found | Exception | None]:
        """Search where the rows were met before, the others everywhere allowed, newest first; stop once all are found.

        What is not where it was met is not listed yet, as a conference that goes on, or no longer: unless `near` says
        better, looking further would read all that is allowed in vain.
        """
        unlisted = f"{self.source} does not list this id now: what goes on is listed only once it has ended."
        known = {vendor_id for vendor_id in wanted if vendor_id in self._whereabouts}
        strangers = wanted - known if near is None else wanted
        missing: dict[str, Exception] = dict.fromkeys(strangers, self.not_met(near))
        missing |= dict.fromkeys(known, LookupLimitError(unlisted))
        found: dict[str, Found] = {}
        try:
            await _search(read, await self._join_spans(subject, self._whereabouts.find(wanted)), wanted, found)
            if not strangers <= found.keys():
                await _search(read, await self._lookup_spans(subject, near), strangers, found)
        except VendorError as error:
            missing = dict.fromkeys(wanted, error)
        return [found.get(vendor_id) or missing.get(vendor_id) for vendor_id in vendor_ids]

    async def _lookup_spans(self, subject: UsageSubject, near: datetime | None) -> list[Window]:
        now = clock.now()
        return await self._cut(
            subject, Window(now - self.lookup, now) if near is None else Window(near - _DAY, near + _DAY)
        )

    async def _cut(self, subject: UsageSubject, window: Window) -> list[Window]:
        """The spans in which to search a window, newest first."""
        if window.width <= _DAY:
            return [window]
        return cut_newest_first(window, await self.count_per_day(subject, window), self._scan_rows)

    async def _join_spans(self, subject: UsageSubject, spans: Iterable[Window]) -> list[Window]:
        """Join spans while the rows between them cost less than another scroll."""
        joined = join_spans(spans, lambda gap: gap.end - gap.start <= _NEAR)
        if len(joined) < 2:
            return joined
        per_day = await self.count_per_day(subject, Window(joined[0].start, joined[-1].end))
        return join_spans(joined, lambda gap: estimate_rows(gap, per_day) <= self._scan_rows)

    async def _share_scan(self, conferences: Sequence[Conference]) -> dict[str, tuple[Call, ...]]:
        """One scan for all who ask for the same conferences within a second, each within their own deadline."""
        if not conferences:
            return {}
        wanted = ",".join(sorted({conference.vendor_id for conference in conferences}))
        return await self.share(
            CALLS.name, lambda: self._scan_calls(conferences), _SCAN_KEPT_S, of=wanted, is_listed=True
        )

    async def _scan_calls(self, conferences: Sequence[Conference]) -> dict[str, tuple[Call, ...]]:
        """Read the calls that started while the conferences went on; by id first, as a row may come twice."""
        legs: dict[str, dict[str, Call]] = {conference.vendor_id: {} for conference in conferences}
        missing = 0
        spans = [
            Window(c.sort_time - _SLACK, max(c.sort_time, c.ended_at or c.sort_time + self.max_conference) + _SLACK)
            for c in conferences
        ]
        for span in await self._join_spans(UsageSubject.CALLS, spans):
            async for page in _pages(self.list_calls, span):
                missing += page.left_out
                for row in page.rows:
                    if row.conference_vendor_id in legs:
                        legs[row.conference_vendor_id][row.vendor_id] = row
        return {vendor_id: Rows.of(sorted(rows.values(), key=_by_start), missing) for vendor_id, rows in legs.items()}

    def _exact(self, total: int) -> int | None:
        """A list's total, where the range asked for is the window."""
        return total if self.time_filter == "start" else None

    # ---- wire to record -----------------------------------------------------------------------

    def _to_conference(self, row: ConferenceRow) -> Conference:
        started_at = row.started_at
        # By place: to find so many fields by their names takes longer than all else here.
        return Conference(
            self.source,
            row.conf_guid,
            _ENDED,
            started_at,
            HexmeetFields(type=row.type),
            row.conf_number or None,
            row.conf_name or None,
            started_at,
            row.ended_at,
            None,
            None,
            row.duration,
            None,
            Person(name=row.host) if row.host else None,
            None,
            None,
            row.max_party_count,
            _to_organization(row.agent_id, row.agent),
            _to_organization(row.company_id, row.company),
            _to_organization(row.department_id, row.department),
            _to_room(self.source, row.room_name, row.capacity),
            row.error_code,
            row.error_info or None,
        )

    def _to_call(self, row: CallRow) -> Call:
        return Call(
            # The first by place: more than fifteen names would be put into a dict for each row.
            self.source,
            row.call_guid,
            row.name or None,
            row.started_at,
            row.ended_at,
            row.duration,
            bitrate_kbps=row.call_rate,
            call_type=row.call_type or None,
            client_version=row.version or None,
            error_code=row.error_code,
            error_info=row.error_info or None,
            agent=_to_organization(row.agent_id, row.agent),
            company=_to_organization(row.company_id, row.company),
            department=_to_organization(row.department_id, row.department),
            conference_vendor_id=row.conf_guid or None,
            conference_number=row.conf_number or None,
            room=_to_room(self.source, row.room, None),
            mcu=McuResource(source_name=self.source, name=row.mcu_name) if row.mcu_name else None,
        )

    def _to_member(self, call: Call) -> Member:
        """The attendance that a leg is; what it joined with is told by its version's text alone."""
        return Member(
            source_name=self.source,
            conference_vendor_id=call.conference_vendor_id or "",
            vendor_id=call.vendor_id,
            display_name=call.display_name,
            joined_at=call.started_at,
            left_at=call.ended_at,
            duration_seconds=call.duration_seconds,
            client_version=call.client_version,
        )


@lru_cache(_FEW)
def _to_room(source: str, name: str | None, capacity: int | None) -> Room | None:
    return Room(source_name=source, key=name, name=name, capacity=capacity) if name else None


@lru_cache(_FEW)
def _to_organization(number: int | None, name: str | None) -> Organization | None:
    if number is None and not name:
        return None
    return Organization(vendor_id=None if number is None else str(number), name=name or None)


def _by_start(call: Call) -> tuple[datetime | None, str]:
    return call.started_at, call.vendor_id


async def _pages(read: ReadSlice[Found], window: Window) -> AsyncGenerator[Slice[Found]]:
    """The pages of a window to its end."""
    token: object | None = None
    while True:
        page = await read(window, token)
        yield page
        token = page.token
        if token is None:
            return


async def _search(read: ReadSlice[Found], windows: Iterable[Window], wanted: set[str], found: dict[str, Found]) -> None:
    """Add the wanted rows of some windows to those found; read no further than needed."""
    for window in windows:
        async with aclosing(_pages(read, window)) as pages:
            async for page in pages:
                found.update((row.vendor_id, row) for row in page.rows if row.vendor_id in wanted)
                if wanted <= found.keys():
                    return
