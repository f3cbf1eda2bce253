"""SYSTEC Umeeting: one POST report, /umeeting/share/detail, with a form body.

Limits: pages of 300. A range of more than a month is silently cut to its last month, so that no request asks for more
than 28 days, the shortest month; a wider window is read as several stretches, one after the other. Ranges are whole
days of the source's zone, and `to` may be exclusive: the day after the last is asked, and what lies outside the window
is left for the caller to drop.
Quirks: rows are ended meetings. Participants and telephone legs come with their meeting, when asked. The look-up by
`uuid` left the vendor's documents in 2019 and may be ignored: a row counts only if its uuid is the one asked for, and
once another came back, the days are searched instead for an hour.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple, TypeVar

from graph import clock
from graph.errors import VendorError, VendorPayloadError, VendorRefusedError
from graph.paging.rows import Rows, Slice
from graph.paging.windows import EPOCH, Grid, Window
from graph.records import (
    Call,
    Capability,
    Conference,
    ConferenceState,
    Member,
    Room,
    UsageDimension,
    UsageOrder,
)
from graph.settings import Secret, SourceSettings
from graph.statistics import UsageGroups
from graph.transport.client import VendorClient
from graph.vendors.base import Adapter, ConferenceQuery, Extras, whole_only
from graph.vendors.systec.costs import COSTS, MOST_REQUESTS
from graph.vendors.systec.detail import DAY, NOTHING, Allowance, DetailReport, Meetings, Met, Stretch
from graph.vendors.systec.mapping import group_by_room, to_rooms

T = TypeVar("T")

LOOKUPS_AT_ONCE = 8
UUID_IGNORED_FOR = timedelta(hours=1)

_HOST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UUID = re.compile(r"[A-Za-z0-9+/_-]{1,64}={0,2}")


class SystecSettings(SourceSettings, frozen=True, kw_only=True):
    """`[sources.<name>]` with `vendor = "systec"`."""

    api_key: Secret
    api_secret: Secret
    page_size: int = 300

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = super().faults()
        if self.page_size > 300:
            found.append("page_size: expected at most 300")
        return found


class Place(NamedTuple):
    """The page that a walk over a window comes to: which stretch, which page of it, and what was met before."""

    stretch: int
    page: int
    met: Met


class SystecAdapter(Adapter):
    """One SYSTEC account."""

    capabilities = frozenset(
        {
            Capability.LIST_CONFERENCES,
            Capability.GET_CONFERENCES,
            Capability.LIST_CALLS,
            Capability.LIST_MEMBERS,
            Capability.LIST_ROOMS,
            Capability.USAGE_BY_ROOM,
        }
    )
    grid: ClassVar[Grid] = Grid(base=DAY, widest=16 * DAY, anchor=datetime(1969, 12, 31, 16, tzinfo=UTC))
    states: ClassVar[frozenset[ConferenceState]] = frozenset({ConferenceState.ENDED})
    member_count_needs_members: ClassVar[bool] = True
    costs = COSTS

    def __init__(self, source: str, settings: SystecSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        credentials = settings.api_key, settings.api_secret
        self._detail = DetailReport(source, client, credentials, self.zone, settings.page_size)
        self._lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._uuid_ignored_until = EPOCH

    async def list_conferences(self, query: ConferenceQuery, token: object | None = None) -> Slice[Conference]:
        """Read one page of the meetings of a window.

        Args:
            query: `room` is pushed down; `extras` come with the rows.
            token: The `Place`.

        Returns:
            The rows of the page, and how many could not be read; the total where the window is one stretch. A
            stretch may have none.
        Shape: {"status", "data": {"total_record", "has_next_page", "meetings": [{"uuid", "participants", ...}]}}
        Units: days of the source's zone; rows in local time without zone, `duration` in minutes.

        Raises:
            VendorPayloadError: the same page comes for ever.
        Source: contracts.md 3, sample systec-detail.json
        """
        page = await self._list(query, token)
        return page._replace(rows=tuple(map(whole_only, page.rows)))

    async def _list(self, query: ConferenceQuery, token: object | None) -> Slice[Conference]:
        stretches = self._stretches(query.window)
        if not stretches or (query.room is not None and not _HOST_ID.fullmatch(query.room)):
            return Slice((), 0, None)
        at, number, met = token if isinstance(token, Place) else Place(0, 1, Met())
        page = await self._detail.page(stretches[at], number, extras=query.extras, host_id=query.room)
        after = Place(at, number + 1, met) if self._detail.goes_on(page, met) else Place(at + 1, 1, met)
        is_whole = len(stretches) == 1
        return Slice(
            page.rows,
            page.total if is_whole else None,
            after if after.stretch < len(stretches) else None,
            is_sparse=not is_whole,
            left_out=page.left_out,
        )

    async def list_calls(self, window: Window, token: object | None = None) -> Slice[Call]:
        """Read the telephone legs of a page of meetings, those that may have been going on; it may have none.

        Shape: as `list_conferences`, `telephony_usage` in each meeting.
        Units: `duration` minutes, `total` yuan.

        Raises:
            VendorPayloadError: meetings came without `telephony_usage`, which tells nothing; or one page for ever.
        Source: contracts.md 3, sample systec-detail.json
        """
        window = Window(max(window.start, EPOCH) - self.max_conference, window.end)
        page = await self._list(ConferenceQuery(window, Extras(calls=True)), token)
        calls: list[Call] = []
        missing = page.left_out
        for conference in page.rows:
            told = self._required(conference.calls, "telephony_usage")
            if isinstance(told, VendorError):
                raise told
            calls += told
            missing += Rows.missing_from(told)
        return Slice(calls, None, page.token, is_sparse=True, left_out=missing)

    async def list_rooms(self, window: Window) -> Rows[Room]:
        """Read the shared rooms in which meetings of a window began; they have no names here.

        Shape: as `list_conferences`.
        Units: none.

        Raises:
            VendorRefusedError: too many meetings, see `MOST_REQUESTS`.
        Source: contracts.md 3 and 6.4
        """
        rows = await self._read_all(window)
        return Rows.of(to_rooms(rows.values()), rows.left_out)

    async def get_conferences(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        """Read meetings by uuid.

        Those whose start was seen are read from their days. The others are asked for by uuid, one row each: without
        a range first, which costs one request where the vendor takes that for all time. Where it ignores the uuid,
        they are met in one search of the days, newest first.

        Returns:
            One value per id: None where the id is no uuid, or its day has it no more; a LookupLimitError where it was
            not met as far back as the search goes, which proves nothing.
        Shape: as `list_conferences`.
        Units: as `list_conferences`.
        Source: contracts.md 3
        """
        found = await self._get(vendor_ids, extras, near)
        return [whole_only(row) if isinstance(row, Conference) else row for row in found]

    async def _get(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        wanted = {vendor_id for vendor_id in vendor_ids if _UUID.fullmatch(vendor_id)}
        known = {uuid: self._detail.starts[uuid] for uuid in wanted if uuid in self._detail.starts}
        window = Window(near - self.max_conference, near + self.max_conference) if near else self._recent()
        found: dict[str, Conference | Exception] = {**await self._find(known, extras)}
        strangers = sorted(wanted - known.keys())
        found |= dict.fromkeys(strangers, self.not_met(near)) | await self._search(strangers, window, extras)
        return [found.get(vendor_id) for vendor_id in vendor_ids]

    async def get_calls(self, vendor_ids: Sequence[str]) -> list[Call | Exception | None]:
        """Read telephone legs by their ids, which begin with the meeting's uuid.

        Shape: as `list_conferences`.
        Units: as `list_calls`.
        Source: contracts.md 3
        """
        meetings = [vendor_id.partition(":")[0] for vendor_id in vendor_ids]
        distinct = list(dict.fromkeys(meetings))
        read = dict(zip(distinct, await self._get(distinct, Extras(calls=True)), strict=True))

        def one(vendor_id: str, conference: Conference | Exception | None) -> Call | Exception | None:
            if conference is None or isinstance(conference, Exception):
                return conference
            told = self._required(conference.calls, "telephony_usage")
            if isinstance(told, VendorError):
                return told
            absent = self.absent_from("detail", Rows.missing_from(told))
            return next((it for it in told if it.vendor_id == vendor_id), absent)

        return [one(vendor_id, read[uuid]) for vendor_id, uuid in zip(vendor_ids, meetings, strict=True)]

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the members of meetings that were read without, from the days on which they began.

        Returns:
            One value per meeting: an error where it is not listed any more, or without `participants`.
        Shape: as `list_conferences`, `participants` in each meeting.
        Units: local time without zone.
        Source: contracts.md 3
        """
        rows = await self._read_again(conferences, Extras(members=True))
        return [row if isinstance(row, VendorError) else self._required(row.members, "participants") for row in rows]

    async def read_calls(self, conferences: Sequence[Conference]) -> list[tuple[Call, ...] | VendorError]:
        """Read the telephone legs of meetings that were read without, from the days on which they began.

        Returns:
            One value per meeting: an error where it is not listed any more, or without `telephony_usage`.
        Shape: as `list_conferences`, `telephony_usage` in each meeting.
        Units: as `list_calls`.
        Source: contracts.md 3
        """
        rows = await self._read_again(conferences, Extras(calls=True))
        return [row if isinstance(row, VendorError) else self._required(row.calls, "telephony_usage") for row in rows]

    async def get_rooms(self, keys: Sequence[str]) -> list[Room | Exception | None]:
        """Tell which host_ids had a meeting as far back as a search goes, newest first, a row each.

        Shape: as `list_conferences`.
        Units: none.
        Source: contracts.md 3
        """
        stretches = self._stretches(self._recent())[::-1]

        async def one(key: str) -> Room | Exception | None:
            if not _HOST_ID.fullmatch(key):
                return None
            async with self._lookups:
                try:
                    for stretch in stretches:
                        page = await self._detail.page(stretch, host_id=key, page_size=1, needs_all=True)
                        if any(row.room and row.room.key == key for row in page.rows):
                            return Room(source_name=self.source, key=key, vendor_id=key)
                except VendorError as error:
                    return error
            return None

        return list(await asyncio.gather(*map(one, keys)))

    async def read_usage_by(
        self,
        dimension: UsageDimension,
        window: Window,
        order: UsageOrder,  # noqa: ARG002 - all groups are answered, whoever shows them puts them in order
    ) -> UsageGroups:
        """Count the meetings of a window per room, by reading them.

        Shape: as `list_conferences`.
        Units: seconds, of what was held and not of what was planned.

        Raises:
            UnsupportedError: another dimension than ROOM.
            VendorRefusedError: too many meetings, see `MOST_REQUESTS`.
        Source: contracts.md 6.5
        """
        if dimension is not UsageDimension.ROOM:
            raise self.unsupported("grouped usage report but by room")
        rows = await self._read_all(window)
        if rows.left_out:
            raise self.incomplete("detail", rows.left_out)
        return group_by_room(rows.values(), self.source)

    async def check(self) -> str:
        """Ask for one meeting of today.

        Shape: as `list_conferences`.
        Units: days of the source's zone.
        Source: contracts.md 3
        """
        today = clock.now().astimezone(self.zone).date()
        await self._detail.page(Stretch(today, today + DAY), page_size=1)
        return "detail answered"

    # ---- ranges -------------------------------------------------------------------------------

    def _stretches(self, window: Window) -> list[Stretch]:
        """The requests that cover a window, oldest first; none for a window in which nothing can have ended yet."""
        window = Window(max(window.start, EPOCH), min(window.end, clock.now() + DAY))
        if window.start >= window.end:
            return []
        return self._detail.stretches(*self.wire_window(window))

    def _recent(self) -> Window:
        now = clock.now()
        return Window(now - self.lookup, now)

    async def _read(self, window: Window, extras: Extras, allowance: Allowance | None = None) -> Meetings:
        """Every meeting that began in a window; what cannot be read may have begun there."""
        rows = await self._detail.read(self._stretches(window), extras, allowance)
        for uuid in [uuid for uuid, row in rows.items() if row.sort_time not in window]:
            del rows[uuid]
        return rows

    async def _read_all(self, window: Window) -> Meetings:
        """Every meeting that began in a window, for one answer; rooms and their usage are folded from one reading."""
        of = f"{window.start.isoformat()} {window.end.isoformat()}"
        allowed = Allowance(MOST_REQUESTS)
        return await self.share("detail", lambda: self._read(window, NOTHING, allowed), of=of, is_listed=True)

    # ---- searches -----------------------------------------------------------------------------

    async def _find(self, starts: Mapping[str, datetime], extras: Extras) -> dict[str, Conference | VendorError]:
        """The meetings of known starts, read in windows of the grid's width at most; those gone are left out."""

        async def one(uuids: list[str]) -> dict[str, Conference | VendorError]:
            window = Window(starts[uuids[0]], starts[uuids[-1]] + timedelta(seconds=1))
            try:
                rows = await self._read(window, extras)
            except VendorError as error:
                return dict.fromkeys(uuids, error)
            absent = self.absent_from("detail", rows.left_out)
            return {uuid: row for uuid in uuids if (row := rows.get(uuid, absent))}

        groups: list[list[str]] = []
        for uuid in sorted(starts, key=starts.__getitem__):
            if groups and starts[uuid] - starts[groups[-1][0]] < self.grid.widest:
                groups[-1].append(uuid)
            else:
                groups.append([uuid])
        parts = await asyncio.gather(*map(one, groups))
        return {uuid: row for part in parts for uuid, row in part.items()}

    async def _read_again(self, conferences: Sequence[Conference], extras: Extras) -> list[Conference | VendorError]:
        """The same meetings with what was not asked for at first; an error for those that are gone."""
        found = await self._find({row.vendor_id: row.sort_time for row in conferences}, extras)
        said = "detail does not list this meeting any more: what happened in it cannot be told."
        gone = VendorRefusedError(said, source=self.source, endpoint="detail")
        return [found.get(row.vendor_id, gone) for row in conferences]

    def _required(self, part: tuple[T, ...] | None, name: str) -> tuple[T, ...] | VendorPayloadError:
        """What was asked for along with a meeting; left out, it says nothing, not even that there was nobody."""
        if part is not None:
            return part
        said = (
            f"The answer of detail does not fit its contract at $.data.meetings[].{name}: expected array, found none."
        )
        return VendorPayloadError(said, source=self.source, endpoint="detail")

    async def _search(self, uuids: Sequence[str], window: Window, extras: Extras) -> dict[str, Conference | Exception]:
        """Meetings of unknown starts: by uuid while the vendor honours it, else in one search of all days."""
        stretches = self._stretches(window)[::-1]
        found: dict[str, Conference | Exception] = {}

        async def ask(uuid: str) -> None:
            async with self._lookups:
                try:
                    for stretch in (None, *stretches):
                        if uuid in found or not self._honours_uuid:
                            return
                        page = await self._detail.page(stretch, extras=extras, uuid=uuid, page_size=1, needs_all=True)
                        found.update({row.vendor_id: row for row in page.rows})
                        if any(row.vendor_id != uuid for row in page.rows):
                            self._uuid_ignored_until = clock.now() + UUID_IGNORED_FOR
                except VendorError as error:
                    found[uuid] = error

        for part in (uuids[:1], uuids[1:]):  # the first one tells whether to ask for the others
            await asyncio.gather(*map(ask, part))
        missing = [uuid for uuid in uuids if uuid not in found]
        try:
            for stretch in () if self._honours_uuid or not missing else stretches:
                found |= await self._detail.drain(stretch, extras)
                if found.keys() >= set(missing):
                    break
        except VendorError as error:
            found |= {uuid: error for uuid in missing if uuid not in found}
        return {uuid: found[uuid] for uuid in uuids if uuid in found}

    @property
    def _honours_uuid(self) -> bool:
        """Whether the vendor may take notice of a uuid: it did not pass one over lately."""
        return clock.now() >= self._uuid_ignored_until
