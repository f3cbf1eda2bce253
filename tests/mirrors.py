"""Every vendor's adapter before its emulator over real HTTP, and what the world says that it must show."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
from clients import CALM
from faulty import Faulty
from servers import serve

from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Fleet, Source, build_fleet
from graph.paging import PageArgs, RangedFeed
from graph.paging.drain import Drain
from graph.paging.rows import Slice
from graph.paging.windows import Window
from graph.records import Call, Capability, Conference, ConferenceState
from graph.sandbox.world import Phase, World, WorldConference
from graph.schema.lists import conference_listing
from graph.schema.narrowing import Narrowing
from graph.schema.selection import Document, Selection
from graph.settings import AppSettings, Secret, build
from graph.vendors import VENDORS
from graph.vendors.base import Adapter, ConferenceQuery, Extras, VendorSpec
from graph.vendors.hexmeet.emulator_rows import conf_guid
from graph.vendors.huawei.emulator import FIRST_CONF_ID
from graph.vendors.netease.emulator_rows import FIRST_UNIQUE_ID
from graph.vendors.systec.emulator import uuid_of

Row = TypeVar("Row", Conference, Call)

ANCHOR = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
WORLD = World(seed=5, conferences=150, days=6, anchor=ANCHOR)
ALL_TIME = Window(ANCHOR - timedelta(days=8), ANCHOR + timedelta(days=4))
BEFORE_ALL_TIME = Window(ANCHOR - timedelta(days=108), ANCHOR - timedelta(days=100))
TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
STATES = {
    Phase.SCHEDULED: ConferenceState.SCHEDULED,
    Phase.LIVE: ConferenceState.LIVE,
    Phase.ENDED: ConferenceState.ENDED,
    Phase.CANCELLED: ConferenceState.CANCELLED,
    Phase.UNUSED: ConferenceState.EXPIRED,
}


class View(NamedTuple):
    """How a vendor shows the world.

    Attributes:
        endpoint: The report that lists conferences.
        rows: Where its rows are in a body.
        phases: What it lists.
        vendor_id: A conference's id at the vendor.
        number, text: A field of a row that is a number, and one that is a time or a list.
    """

    endpoint: str
    rows: tuple[str, ...]
    phases: frozenset[Phase]
    vendor_id: Callable[[WorldConference], str]
    number: str
    text: str


ENDED, LIVE = frozenset({Phase.ENDED}), frozenset({Phase.LIVE})
KNOWN = frozenset(Phase) - {Phase.UNBORN}
VIEWS = {
    "hexmeet": View("term_conf_stats", ("buckets",), ENDED, conf_guid, "duration", "startTime"),
    "netease": View(
        "list",
        ("ret", "list"),
        KNOWN,
        lambda it: str(FIRST_UNIQUE_ID + it.serial),
        "memberCount",
        "meetingCreateTime",
    ),
    "systec": View("detail", ("data", "meetings"), ENDED, uuid_of, "duration", "start_time"),
    "quanshi": View(
        "listbystatus",
        ("result", "confList"),
        LIVE,
        lambda it: str(22_000_000 + it.serial),
        "attendeeCnt",
        "startTime",
    ),
    "huawei": View(
        "queryconfinfos",
        ("result", "confs"),
        LIVE,
        lambda it: str(FIRST_CONF_ID + it.serial),
        "startTime",
        "addresses",
    ),
}


class Shown(NamedTuple):
    """What of a conference is compared; Huawei has no titles."""

    vendor_id: str
    sort_time: datetime
    state: ConferenceState
    title: str | None

    @classmethod
    def of(cls, row: Conference) -> "Shown":
        """What an adapter says."""
        return cls(row.vendor_id, row.sort_time, row.state, row.title)


def expected(vendor: str, world: World = WORLD, window: Window = ALL_TIME) -> list[Shown]:
    """What a vendor lists of a range of the world, latest first."""
    view = VIEWS[vendor]
    rows = [
        Shown(
            view.vendor_id(it),
            it.sort_time_at(ANCHOR),
            STATES[it.phase(ANCHOR)],
            None if vendor == "huawei" else it.title,
        )
        for it in world.all(vendor)
        if it.phase(ANCHOR) in view.phases
    ]
    return sorted((row for row in rows if row.sort_time in window), key=lambda row: (row[1], row[0]), reverse=True)


def expected_calls(vendor: str) -> list[tuple[datetime, datetime, str]]:
    """The call legs of the world that a vendor lists: when, and who or which number."""
    rows = [it for it in WORLD.all(vendor) if it.phase(ANCHOR) in KNOWN]
    if vendor == "hexmeet":
        legs = [(leg.join, leg.leave, leg.person.name) for it in rows for leg in it.attendances if leg.leave <= ANCHOR]
    else:
        ended = [it for it in rows if it.phase(ANCHOR) is Phase.ENDED]
        legs = [(leg.start, leg.end, leg.number) for it in ended for leg in it.phone_legs]
    return sorted(legs)


def secrets_of(spec: VendorSpec) -> list[str]:
    """The settings of a vendor that are secrets."""
    return [field.name for field in msgspec.structs.fields(spec.settings) if field.type is Secret]


@dataclass
class Mirror:
    """A source named like its vendor, and what stands between it and the emulator."""

    source: Source
    faulty: Faulty
    settings: AppSettings
    fleet: Fleet

    @property
    def adapter(self) -> Adapter:
        return self.source.adapter

    @property
    def secrets(self) -> list[str]:
        """The credentials that it sends."""
        return [getattr(self.source.settings, name).reveal() for name in secrets_of(self.source.spec)]

    async def ask(self) -> Sequence[Conference]:
        """One question for conferences."""
        if self.is_live:
            return await self.adapter.list_live(Extras())
        return (await self.adapter.list_conferences(ConferenceQuery(ALL_TIME))).rows

    async def drain(self, windows: Iterable[Window] = (ALL_TIME,), extras: Extras = Extras()) -> Sequence[Conference]:  # noqa: B008 - frozen
        """Every conference of some windows, or all that are live."""
        if self.is_live:
            return list(await self.adapter.list_live(extras))

        def read(window: Window, token: object | None) -> Awaitable[Slice[Conference]]:
            return self.adapter.list_conferences(ConferenceQuery(window, extras), token)

        return await self._drain(read, lambda row: row.sort_time, windows)

    async def drain_calls(self, windows: Iterable[Window] = (ALL_TIME,)) -> list[Call]:
        """Every call of some windows."""
        return await self._drain(self.adapter.list_calls, lambda row: row.started_at or ANCHOR, windows)

    async def _drain(
        self,
        read: Callable[[Window, object | None], Awaitable[Slice[Row]]],
        time: Callable[[Row], datetime],
        windows: Iterable[Window],
    ) -> list[Row]:
        adapter = self.adapter
        feed = RangedFeed(
            source=self.source.name,
            read=read,
            time=time,
            identity=lambda row: row.vendor_id,
            grid=adapter.grid,
            page_size=adapter.page_size,
            has_stateless_pages=adapter.has_stateless_pages,
        )
        rows: list[Row] = []
        for window in windows:
            drain = Drain(feed, window)
            while not drain.is_done:
                await drain.read_page()
            rows += drain.rows.values()
        return rows

    async def walk(self, window: Window, size: int, store: WindowStore | None = None) -> list[Conference]:
        """The conferences of a range as clients page through them, latest first."""
        context = Context.create(self.fleet, store or WindowStore(), self.settings, "test")
        nothing: Any = Selection(Document({}, {}, None), ())  # type: ignore[arg-type]  # no document, no schema
        rows: list[Conference] = []
        cursor: str | None = None
        while True:
            args = PageArgs.parse(size, cursor, None, None)
            listing = conference_listing(context, args, Narrowing(during=window), nothing, field="conferences")
            page = await listing.page(args)
            assert page.complete
            rows += page.nodes
            cursor = page.end_cursor
            if not await page.has_next_page():
                return rows

    @property
    def is_live(self) -> bool:
        """Whether it lists only what is going on."""
        return Capability.LIST_LIVE_CONFERENCES in self.source.capabilities


@contextlib.asynccontextmanager
async def mirror(
    vendor: str, *, world: World = WORLD, options: Mapping[str, object] | None = None, **settings: object
) -> AsyncIterator[Mirror]:
    """An adapter before its emulator; each request is sent once, however the source fares.

    Args:
        vendor: Whose.
        world: What the emulator tells of.
        options: What the emulator is made with.
        settings: Of the source, besides those that the emulator accepts.
    """
    spec = VENDORS[vendor]
    never_short = {"max_open_scrolls": 10_000} if vendor == "hexmeet" else {}  # its clock stands: none times out
    faulty = Faulty(spec.create_emulator(world, **never_short, **(options or {})))
    async with serve(faulty) as url:
        unlimited = {"max_open_scrolls": 0} if vendor == "hexmeet" else {}
        of_emulator = spec.emulator_settings(world)
        table = {"vendor": vendor, "base_url": url, **of_emulator, **unlimited, **CALM, **settings}
        app = build({"sources": {vendor: table}}, TYPES, {})
        fleet = build_fleet(app)
        try:
            yield Mirror(fleet.sources[vendor], faulty, app, fleet)
        finally:
            await fleet.aclose()
