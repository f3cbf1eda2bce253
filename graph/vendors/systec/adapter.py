"""SYSTEC Umeeting: one POST report, /umeeting/share/detail, with a form body.

Limits: pages of 300. A range of more than a month is silently cut to its last month, so that no request asks for more
than 28 days, the shortest month; a wider window is read as several stretches, one after the other. Ranges are whole
days of the source's zone, and `to` may be exclusive: the day after the last is asked, and what lies outside the window
is left for the caller to drop.
Quirks: rows are ended meetings. Participants and telephone legs come with their meeting, when asked. The look-up by
`uuid` left the vendor's documents in 2019 and may be ignored: a row counts only if its uuid is the one asked for, and
once another came back, the days are searched instead.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, NamedTuple

from graph import clock
from graph.errors import LookupLimitError, VendorAuthError, VendorError, VendorUnavailableError
from graph.paging.windows import EPOCH, Grid, Slice, Window
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
from graph.transport.client import VendorClient, VendorRequest
from graph.vendors.base import Adapter, ConferenceQuery, Extras
from graph.vendors.systec import wire
from graph.vendors.systec.mapping import group_by_room, to_conference

NOTHING = Extras()
MONTH = timedelta(days=28)
DAY = timedelta(days=1)
LOOKUPS_AT_ONCE = 8
STARTS_REMEMBERED = 20_000

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


class Stretch(NamedTuple):
    """The days of one request, in the source's zone."""

    first: date
    to: date


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

    def __init__(self, source: str, settings: SystecSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self._settings = settings
        self._lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._honours_uuid = True
        self._starts: dict[str, datetime] = {}

    async def list_conferences(self, query: ConferenceQuery, token: object | None = None) -> Slice[Conference]:
        """Read one page of the meetings of a window.

        Args:
            query: `room` is pushed down; `extras` come with the rows.
            token: The stretch and the page in it.

        Returns:
            The rows of the page; the total where the window is one stretch.
        Shape: {"status", "data": {"total_record", "has_next_page", "meetings": [{"uuid", "participants", ...}]}}
        Units: days of the source's zone; rows in local time without zone, `duration` in minutes.
        Source: contracts.md 3, sample systec-detail.json
        """
        stretches = self._stretches(query.window)
        if not stretches or (query.room is not None and not _HOST_ID.fullmatch(query.room)):
            return Slice((), 0, None)
        place = token if isinstance(token, tuple) else (0, 1)
        while True:
            data = await self._page(stretches[place[0]], place[1], extras=query.extras, host_id=query.room)
            place = (place[0], place[1] + 1) if _has_next(data) else (place[0] + 1, 1)
            is_last = place[0] == len(stretches)
            if data.meetings or is_last:  # an empty slice that goes on would look endless
                break
        total = data.total_record if len(stretches) == 1 else None
        return Slice(self._to_conferences(data, query.extras), total, None if is_last else place)

    async def list_calls(self, window: Window, token: object | None = None) -> Slice[Call]:
        """Read the telephone legs of a page of meetings, those that may have been going on; on to the first leg.

        Shape: as `list_conferences`, `telephony_usage` in each meeting.
        Units: `duration` minutes, `total` yuan.
        Source: contracts.md 3, sample systec-detail.json
        """
        window = Window(max(window.start, EPOCH) - self.max_conference, window.end)
        query = ConferenceQuery(window, Extras(calls=True))
        while True:
            page = await self.list_conferences(query, token)
            calls = [call for conference in page.rows for call in conference.calls or ()]
            token = page.token
            if calls or token is None:
                return Slice(calls, None, token)

    async def list_rooms(self, window: Window) -> list[Room]:
        """Read the shared rooms in which meetings of a window began; they have no names here.

        Shape: as `list_conferences`.
        Units: none.
        Source: contracts.md 3 and 6.4
        """
        rows = await self._read(window, NOTHING)
        return list({row.room.key: row.room for row in rows.values() if row.room}.values())

    async def get_conferences(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        """Read meetings by uuid.

        Those whose start was seen are read from their days. The others are asked for by uuid, one row each, or where
        the vendor ignores that, met in one search of the days, newest first.

        Returns:
            One value per id: None where the id is no uuid, or its day has it no more; a LookupLimitError where it was
            not met as far back as the search goes, which proves nothing.
        Shape: as `list_conferences`.
        Units: as `list_conferences`.
        Source: contracts.md 3
        """
        wanted = {vendor_id for vendor_id in vendor_ids if _UUID.fullmatch(vendor_id)}
        known = {uuid: self._starts[uuid] for uuid in wanted if uuid in self._starts}
        window = Window(near - self.max_conference, near + self.max_conference) if near else self._recent()
        found: dict[str, Conference | Exception] = {**await self._find(known, extras)}
        found |= await self._search(sorted(wanted - known.keys()), window, extras)
        return [found.get(vendor_id) for vendor_id in vendor_ids]

    async def get_calls(self, vendor_ids: Sequence[str]) -> list[Call | Exception | None]:
        """Read telephone legs by their ids, which begin with the meeting's uuid.

        Shape: as `list_conferences`.
        Units: as `list_calls`.
        Source: contracts.md 3
        """
        meetings = [vendor_id.partition(":")[0] for vendor_id in vendor_ids]
        distinct = list(dict.fromkeys(meetings))
        read = dict(zip(distinct, await self.get_conferences(distinct, Extras(calls=True)), strict=True))

        def one(vendor_id: str, conference: Conference | Exception | None) -> Call | Exception | None:
            if conference is None or isinstance(conference, Exception):
                return conference
            return next((call for call in conference.calls or () if call.vendor_id == vendor_id), None)

        return [one(vendor_id, read[uuid]) for vendor_id, uuid in zip(vendor_ids, meetings, strict=True)]

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the members of meetings that were read without, from the days on which they began.

        Shape: as `list_conferences`, `participants` in each meeting.
        Units: local time without zone.
        Source: contracts.md 3
        """
        rows = await self._read_again(conferences, Extras(members=True))
        return [row if isinstance(row, VendorError) else (row and row.members) or () for row in rows]

    async def read_calls(self, conferences: Sequence[Conference]) -> list[tuple[Call, ...] | VendorError]:
        """Read the telephone legs of meetings that were read without, from the days on which they began.

        Shape: as `list_conferences`, `telephony_usage` in each meeting.
        Units: as `list_calls`.
        Source: contracts.md 3
        """
        rows = await self._read_again(conferences, Extras(calls=True))
        return [row if isinstance(row, VendorError) else (row and row.calls) or () for row in rows]

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
                        data = await self._page(stretch, host_id=key, page_size=1)
                        if any(row.host_id == key for row in data.meetings):
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
        Source: contracts.md 6.5
        """
        if dimension is not UsageDimension.ROOM:
            raise self.unsupported("grouped usage report but by room")
        return group_by_room((await self._read(window, NOTHING)).values(), self.source)

    async def check(self) -> str:
        """Ask for one meeting of today."""
        today = clock.now().astimezone(self.zone).date()
        await self._page(Stretch(today, today + DAY), page_size=1)
        return "detail answered"

    # ---- requests -----------------------------------------------------------------------------

    async def _page(
        self,
        stretch: Stretch,
        page: int = 1,
        *,
        extras: Extras = NOTHING,
        host_id: str | None = None,
        uuid: str | None = None,
        page_size: int | None = None,
    ) -> wire.Data:
        form = {
            "from": stretch.first.isoformat(),
            "to": stretch.to.isoformat(),
            "page_number": str(page),
            "page_size": str(page_size or self.page_size),
        }
        chosen = {
            "host_id": host_id,
            "uuid": uuid,
            "show_participants": "true" if extras.members else None,
            "show_telephony_usage": "true" if extras.calls else None,
        }
        form |= {key: value for key, value in chosen.items() if value is not None}
        try:
            return await self._send(form)
        except VendorAuthError:
            if self._settings.api_key.reload() | self._settings.api_secret.reload():
                return await self._send(form)
            raise

    async def _send(self, form: Mapping[str, str]) -> wire.Data:
        settings = self._settings
        signed = {"api_key": settings.api_key.reveal(), "api_secret": settings.api_secret.reveal(), **form}
        request = VendorRequest("detail", "/umeeting/share/detail", form=signed)
        return await self.client.call(request, wire.read_data)

    def _stretches(self, window: Window) -> list[Stretch]:
        """The requests that cover a window, oldest first; none for a window in which nothing can have ended yet."""
        window = Window(max(window.start, EPOCH), min(window.end, clock.now() + DAY))
        if window.start >= window.end:
            return []
        start, end = self.wire_window(window)
        first = start.astimezone(self.zone).date()
        to = (end - timedelta(microseconds=1)).astimezone(self.zone).date() + DAY
        days = [first + timedelta(days=n) for n in range(0, (to - first).days, MONTH.days)]
        return [Stretch(day, min(day + MONTH, to)) for day in days]

    def _recent(self) -> Window:
        now = clock.now()
        return Window(now - self.lookup, now)

    def _to_conferences(self, data: wire.Data, extras: Extras) -> list[Conference]:
        rows = [to_conference(row, self.source, self.zone, extras) for row in data.meetings]
        self._starts |= {row.vendor_id: row.sort_time for row in rows}
        while len(self._starts) > STARTS_REMEMBERED:
            del self._starts[next(iter(self._starts))]
        return rows

    # ---- searches -----------------------------------------------------------------------------

    async def _drain(self, stretch: Stretch, extras: Extras) -> dict[str, Conference]:
        """Every meeting of a stretch by uuid; read again, at most twice, where the total changed meanwhile."""
        for _ in range(3):
            data = await self._page(stretch, extras=extras)
            rows, totals, page = self._to_conferences(data, extras), {data.total_record}, 1
            while _has_next(data):
                page += 1
                data = await self._page(stretch, page, extras=extras)
                rows += self._to_conferences(data, extras)
                totals.add(data.total_record)
            if len(totals) == 1:
                return {row.vendor_id: row for row in rows}
        raise VendorUnavailableError("detail changed while it was read.", source=self.source, endpoint="detail")

    async def _read(self, window: Window, extras: Extras) -> dict[str, Conference]:
        """Every meeting that began in a window, by uuid."""
        rows: dict[str, Conference] = {}
        for stretch in self._stretches(window):
            rows |= await self._drain(stretch, extras)
        return {uuid: row for uuid, row in rows.items() if row.sort_time in window}

    async def _find(self, starts: Mapping[str, datetime], extras: Extras) -> dict[str, Conference | VendorError]:
        """The meetings of known starts, read in windows of the grid's width at most; those gone are left out."""

        async def one(uuids: list[str]) -> dict[str, Conference | VendorError]:
            window = Window(starts[uuids[0]], starts[uuids[-1]] + timedelta(seconds=1))
            try:
                rows = await self._read(window, extras)
            except VendorError as error:
                return dict.fromkeys(uuids, error)
            return {uuid: rows[uuid] for uuid in uuids if uuid in rows}

        groups: list[list[str]] = []
        for uuid in sorted(starts, key=starts.__getitem__):
            if groups and starts[uuid] - starts[groups[-1][0]] < self.grid.widest:
                groups[-1].append(uuid)
            else:
                groups.append([uuid])
        parts = await asyncio.gather(*map(one, groups))
        return {uuid: row for part in parts for uuid, row in part.items()}

    async def _read_again(
        self, conferences: Sequence[Conference], extras: Extras
    ) -> list[Conference | VendorError | None]:
        """The same meetings with what was not asked for at first."""
        found = await self._find({row.vendor_id: row.sort_time for row in conferences}, extras)
        return [found.get(row.vendor_id) for row in conferences]

    async def _search(self, uuids: Sequence[str], window: Window, extras: Extras) -> dict[str, Conference | Exception]:
        """Meetings of unknown starts: by uuid while the vendor honours it, else in one search of all days."""
        stretches = self._stretches(window)[::-1]
        found: dict[str, Conference | Exception] = {}

        async def ask(uuid: str) -> None:
            async with self._lookups:
                try:
                    for stretch in stretches:
                        if uuid in found or not self._honours_uuid:
                            return
                        data = await self._page(stretch, extras=extras, uuid=uuid, page_size=1)
                        found.update({row.vendor_id: row for row in self._to_conferences(data, extras)})
                        if any(row.uuid != uuid for row in data.meetings):
                            self._honours_uuid = False
                except VendorError as error:
                    found[uuid] = error

        for part in (uuids[:1], uuids[1:]):  # the first one tells whether to ask for the others
            await asyncio.gather(*map(ask, part))
        missing = [uuid for uuid in uuids if uuid not in found]
        try:
            for stretch in () if self._honours_uuid or not missing else stretches:
                found |= await self._drain(stretch, extras)
                if found.keys() >= set(missing):
                    break
        except VendorError as error:
            found |= {uuid: error for uuid in missing if uuid not in found}
        said = f"The source {self.source} was searched back as far as is allowed, and this id was not met."
        return {uuid: found.get(uuid) or LookupLimitError(said) for uuid in uuids}


def _has_next(data: wire.Data) -> bool:
    return data.has_next_page and bool(data.meetings)
