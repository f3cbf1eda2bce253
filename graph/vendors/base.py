"""What a vendor brings, and what its adapter can be asked.

An adapter posts and maps, nothing else: deadlines, retries and limits are the transport's. It answers with
records and raises the errors of `graph.errors`. What a vendor cannot do is not overridden: it raises
`UnsupportedError`, and the capability is not declared.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from graph import clock
from graph.cache.codec import Codec, ConferenceCodec, conference_codec
from graph.cache.store import WindowStore
from graph.errors import LookupLimitError, UnsupportedError, VendorAuthError, VendorError, VendorPayloadError
from graph.paging.rows import Rows, Slice
from graph.paging.windows import Grid, Window, to_seconds
from graph.records import (
    Call,
    Capability,
    Conference,
    ConferenceState,
    McuKind,
    McuResource,
    Member,
    Record,
    RegionCount,
    RegionMeasure,
    Room,
    UsageDimension,
    UsageOrder,
    UsageSubject,
)
from graph.settings import Secret, SourceSettings
from graph.statistics import LiveCounts, McuReport, Usage, UsageGroups
from graph.transport.client import VendorClient
from graph.transport.deadline import wait_within_deadline
from graph.vendors.costs import Costs

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from graph.sandbox.world import World

T = TypeVar("T")


async def with_fresh_secrets(send: Callable[[], Awaitable[T]], *secrets: Secret) -> T:
    """Send; where the vendor refuses the credentials and their files have newer ones, once more with those.

    They are compared with what was sent, since another request may have read the files meanwhile.
    """
    sent = [secret.reveal() for secret in secrets]
    try:
        return await send()
    except VendorAuthError:
        for secret in secrets:
            secret.reload()
        if [secret.reveal() for secret in secrets] == sent:
            raise
    return await send()


def whole_only(conference: Conference) -> Conference:
    """A conference without those of its lists that miss rows: read by themselves, they can say so."""
    lists = {"members": conference.members, "calls": conference.calls}
    torn = {name: None for name, rows in lists.items() if rows is not None and Rows.missing_from(rows)}
    return msgspec.structs.replace(conference, **torn) if torn else conference


class Extras(msgspec.Struct, frozen=True):
    """What to read along with conferences, because somebody selected it."""

    members: bool = False
    calls: bool = False


_NOTHING_MORE = Extras()


@dataclass(frozen=True)
class ConferenceQuery:
    """What a list of conferences is narrowed to. An adapter may ignore `states` and `room`: rows are filtered again.

    Attributes:
        window: By sort time. The adapter asks wide where the vendor's grain is coarser or its filter differs.
        states: Only these; None is all.
        room: The key of the only room wanted.
    """

    window: Window
    extras: Extras = _NOTHING_MORE
    states: frozenset[ConferenceState] | None = None
    room: str | None = None


class Adapter:
    """One configured account at one vendor. The verbs default to "unsupported".

    Attributes:
        capabilities: What may be asked.
        grid: Where the windows of its ranged lists lie.
        states: The states its ranged or live list can contain, so that other filters cost no request.
        has_stateless_pages: Pages are numbered and may shift between requests (drain checks the total);
            False where a scroll holds a snapshot.
        page_size: Rows per list request.
        narrows_rooms: A list can be asked for one room; False where it is read for all rooms at once.
        member_count_needs_members: Rows bear no member count: who selects it asks for the members.
        chosen_at_once: How many conferences that were asked for by id are read together: few where each costs, all
            where one search finds them.
        embeds: What its rows bring along when asked to; the rest of `Extras` changes nothing in a request.
        grows: What of `vendor_fields` grows by itself while a conference goes on: that it did is no news.
        store: What was read lately, of all sources; its own until it is given that of the process.
        costs: What its verbs cost in requests.
    """

    capabilities: frozenset[Capability] = frozenset()
    grid: ClassVar[Grid] = Grid()
    states: ClassVar[frozenset[ConferenceState]] = frozenset(ConferenceState)
    has_stateless_pages: ClassVar[bool] = True
    narrows_rooms: ClassVar[bool] = True
    member_count_needs_members: ClassVar[bool] = False
    chosen_at_once: int = 1000
    embeds: ClassVar[Extras] = Extras(members=True, calls=True)
    grows: ClassVar[tuple[str, ...]] = ()
    costs: Costs = Costs()

    def __init__(self, source: str, settings: SourceSettings, client: VendorClient) -> None:
        self.source = source
        self.client = client
        self.zone = ZoneInfo(settings.time_zone)
        self.page_size = settings.page_size
        self.time_filter = settings.time_filter
        self.max_conference = timedelta(hours=settings.max_conference_hours)
        self.lookup = timedelta(days=settings.lookup_days)
        self.store = WindowStore()

    def unsupported(self, report: str) -> UnsupportedError:
        """The error of a report that this vendor does not have."""
        return UnsupportedError(f"This source has no {report}.", source=self.source, endpoint=report)

    def incomplete(self, endpoint: str, left_out: int) -> VendorPayloadError:
        """The error of an answer that would be wrong without the rows that could not be read."""
        said = f"{left_out} rows of {endpoint} could not be read, so that the whole cannot be told."
        return VendorPayloadError(said, source=self.source, endpoint=endpoint)

    def absent_from(self, endpoint: str, left_out: int) -> VendorPayloadError | None:
        """What stands for a row that was looked for in vain: it may be one of those that could not be read."""
        return self.incomplete(endpoint, left_out) if left_out else None

    def not_met(self, near: datetime | None) -> LookupLimitError:
        """What stands for a row that was searched for in vain, around an instant or as far back as is allowed."""
        if near is not None:
            return LookupLimitError(
                f"{self.source} was searched around the time given, and this id was not met: another `startedNear` "
                "may find it."
            )
        return LookupLimitError(
            f"{self.source} was searched back {self.lookup.days} days, and this id was not met: "
            "`conference(startedNear:)`, or a larger lookup_days, reaches further."
        )

    async def share(
        self,
        endpoint: str,
        read: Callable[[], Awaitable[T]],
        keep_s: float = 0.0,
        *,
        of: str = "",
        codec: Codec[T] | None = None,
        is_lasting: bool = False,
        is_listed: bool = False,
    ) -> T:
        """Read what every caller gets alike: those who come meanwhile, or within `keep_s`, have the same answer.

        The reading belongs to none of them: nobody's deadline or going away ends it for the others; that all went away
        does.

        Args:
            endpoint: What is asked.
            read: Asks it.
            keep_s: How long the answer is kept.
            of: Tells apart what is asked of one endpoint.
            codec: Writes the answer for other processes, so that one of them asks for all; without, it stays in this
                one, as what is or holds a credential must.
            is_lasting: It goes on though all went away: half of it would do harm.
            is_listed: Rows of lists are made of it, and a walk must not miss what was there when it began: only those
                who ask in the same second of the clock share it, as walks count in those.
        """
        of = f"{to_seconds(clock.now())} {of}" if is_listed else of
        name = f"{self.source}\n{self.client.account}\nshare\n{endpoint}\n{of}"

        async def kept() -> T:
            answer = await read()
            if keep_s:
                await self.store.remember(name, answer, keep_s, codec)
            return answer

        async def look() -> "T | None":  # quoted, or it would be put together at every call
            return await self.store.recall(name, codec)

        known = await look()
        if known is None:
            asked = self.store.once(name, kept, look=look if codec else None, is_lasting=is_lasting)
            known = await wait_within_deadline(asked, source=self.source, endpoint=endpoint)
        return known

    def wire_window(self, window: Window) -> Window:
        """The range to ask the vendor for, so that every row whose sort time lies in `window` is in the answer.

        Wider than the window where the vendor's range filters something else than the start (`time_filter`).
        """
        if self.time_filter == "end":
            return Window(window.start, window.end + self.max_conference)
        if self.time_filter == "creation":
            return Window(window.start - self.lookup, window.end)
        return window

    # ---- lists --------------------------------------------------------------------------------

    async def list_conferences(self, query: ConferenceQuery, token: object | None = None) -> Slice[Conference]:
        """Read one vendor page of the conferences of a window. Capability LIST_CONFERENCES."""
        raise self.unsupported("list of conferences")

    async def count_conferences(self, query: ConferenceQuery) -> int | None:
        """How many conferences of the wanted states the window has, exactly, by one request that is no list.

        None if it cannot tell. `room` is never given.
        """
        return None

    async def list_calls(self, window: Window, token: object | None = None) -> Slice[Call]:
        """Read one vendor page of the calls that started in a window. Capability LIST_CALLS."""
        raise self.unsupported("list of calls")

    async def count_calls(self, window: Window) -> int | None:
        """How many calls the window has, exactly, by one cheap request that is no list; None if it cannot tell."""
        return None

    async def count_per_day(self, subject: UsageSubject, window: Window) -> Mapping[datetime, int] | None:
        """Rows per day (keyed by the day's first instant), to plan windows by one cheap request that is no list.

        May be wrong by a little; None where the vendor has no such report.
        """
        return None

    async def list_live(self, extras: Extras) -> Sequence[Conference]:
        """Read every conference that is going on. Capability LIST_LIVE_CONFERENCES."""
        raise self.unsupported("list of live conferences")

    async def list_rooms(self, window: Window) -> Sequence[Room]:
        """Read every room used in a window, each once. Capability LIST_ROOMS."""
        raise self.unsupported("list of rooms")

    async def list_mcu_reports(self, kind: McuKind, window: Window) -> Sequence[McuReport]:
        """Read every media resource of a kind with its days. Capability LIST_MCU_RESOURCES."""
        raise self.unsupported("list of MCU resources")

    async def list_regions(self, measure: RegionMeasure, window: Window) -> Sequence[RegionCount]:
        """Count per region. Capability COUNT_REGIONS."""
        raise self.unsupported("counts per region")

    # ---- by id: the same length and order as asked, None for absent, an error value for failed -----

    async def get_conferences(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        """Read conferences by the vendor's ids. `near` narrows a search. Capability GET_CONFERENCES."""
        raise self.unsupported("conference by id")

    async def get_calls(self, vendor_ids: Sequence[str]) -> list[Call | Exception | None]:
        """Read calls by the vendor's ids."""
        raise self.unsupported("call by id")

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the members of conferences whose `members` is None. Capability LIST_MEMBERS."""
        raise self.unsupported("list of members")

    async def read_calls(self, conferences: Sequence[Conference]) -> list[tuple[Call, ...] | VendorError]:
        """Read the calls of conferences whose `calls` is None. Capability LIST_CALLS."""
        raise self.unsupported("list of calls")

    async def get_rooms(self, keys: Sequence[str]) -> list[Room | Exception | None]:
        """Read rooms by key, filling `vendor_id` and `name`; back `lookup_days`."""
        raise self.unsupported("room by id")

    async def get_room_capacities(self, keys: Sequence[str], window: Window) -> list[int | None]:
        """Read the capacities of rooms from the conferences held in them in a window."""
        return [None] * len(keys)

    async def get_mcu_resources(self, names: Sequence[str]) -> list[McuResource | Exception | None]:
        """Read media resources by name, with their kind; back `lookup_days`."""
        raise self.unsupported("MCU resource by name")

    # ---- statistics ---------------------------------------------------------------------------

    async def read_usage(self, subject: UsageSubject, first: date, last: date, zone: ZoneInfo) -> Usage:
        """Count per calendar day of `zone`, both days included, every day present. Capability USAGE."""
        raise self.unsupported("usage report")

    async def read_usage_by(self, dimension: UsageDimension, window: Window, order: UsageOrder) -> UsageGroups:
        """Count per group, all groups. Capability USAGE_BY_<dimension>."""
        raise self.unsupported("grouped usage report")

    async def read_live(self) -> LiveCounts:
        """Count what is going on right now. Capability LIVE_SUMMARY."""
        raise self.unsupported("live summary")

    async def check(self) -> str:
        """Ask one cheap question (no scroll) and say in a few words what answered."""
        raise self.unsupported("check")


def late(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is imported once it is called: who serves does without the twins."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(import_module(module), name)(*args, **options)

    return call


@dataclass(frozen=True)
class VendorSpec:
    """All that the rest of confgraph knows of a vendor.

    Attributes:
        name: The word in the configuration; upper-cased, the value of `enum Vendor`.
        settings: The type of its table in the configuration.
        create_adapter: The class of its adapters.
        conference_fields: The Strawberry type of `Conference.vendorFields`.
        conference_record: The record that `Conference.vendor_fields` is.
        member_fields: The Strawberry type of `Member.vendorFields`, where it has any.
        member_record: The record that `Member.vendor_fields` is, where it has any.
        create_emulator: Makes the twin over a world; `documented` maps a report to a documented body that is
            answered instead (once the request passed the twin's checks), further pages being empty.
        emulator_settings: The configuration (all but vendor and base_url) that the twin accepts.
    """

    name: str
    settings: type[SourceSettings]
    create_adapter: type[Adapter]
    conference_fields: type
    conference_record: type[Record]
    create_emulator: "Callable[..., Starlette]"
    emulator_settings: "Callable[[World], dict[str, object]]"
    member_fields: type | None = None
    member_record: type[Record] | None = None

    @property
    def conferences(self) -> ConferenceCodec:
        """How its conferences are written for other processes."""
        return conference_codec(self.conference_record, self.member_record)
