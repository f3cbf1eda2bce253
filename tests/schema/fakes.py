"""A fleet of sources in memory, of several kinds, which counts what it is asked; and running queries over it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
from clients import once

from graph.cache.store import WindowStore
from graph.context import Context
from graph.errors import VendorError, VendorUnavailableError
from graph.fleet import Fleet, Source
from graph.identity import ANYBODY, Identity
from graph.paging.rows import Slice
from graph.paging.windows import Window
from graph.records import (
    Call,
    Capability,
    Conference,
    ConferenceState,
    McuResource,
    Member,
    Person,
    Record,
    Room,
)
from graph.schema import build_schema
from graph.settings import AppSettings, AuthSettings, LimitsSettings, ServerSettings, SourceSettings
from graph.vendors import VENDORS
from graph.vendors.base import Adapter, ConferenceQuery, Extras
from graph.vendors.systec.mapping import SystecFields

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SCHEMA = build_schema(AppSettings())
FIELDS: Record = SystecFields(is_extra=False)
ALL = frozenset(Capability)


def conference(source: str, vendor_id: str, minutes_ago: int = 60, **more: Any) -> Conference:
    """One that began some minutes before NOW."""
    started = NOW - timedelta(minutes=minutes_ago)
    values = {"state": ConferenceState.ENDED, "sort_time": started, "started_at": started, "vendor_fields": FIELDS}
    return Conference(source_name=source, vendor_id=vendor_id, **{**values, **more})


def member(of: Conference, vendor_id: str, minutes: int | None = 0, **more: Any) -> Member:
    """Somebody who joined some minutes after the start; None is not known when."""
    joined = None if minutes is None else of.sort_time + timedelta(minutes=minutes)
    return Member(
        source_name=of.source_name,
        conference_vendor_id=of.vendor_id,
        vendor_id=vendor_id,
        joined_at=joined,
        **more,
    )


def call(of: Conference, vendor_id: str, minutes: int = 0, **more: Any) -> Call:
    """A leg that began some minutes after the start."""
    return Call(
        source_name=of.source_name,
        vendor_id=vendor_id,
        started_at=of.sort_time + timedelta(minutes=minutes),
        conference_vendor_id=of.vendor_id,
        conference_number=of.number,
        **more,
    )


class FakeAdapter(Adapter):
    """Lists by time what it was given; members and calls come by a request of their own. `asked` has every verb."""

    capabilities = ALL - {Capability.LIST_LIVE_CONFERENCES}
    embeds: ClassVar[Extras] = Extras()

    def __init__(
        self,
        source: str,
        conferences: Iterable[Conference] = (),
        *,
        members: Iterable[Member] = (),
        calls: Iterable[Call] = (),
        rooms: Iterable[Room] = (),
        mcus: Iterable[McuResource] = (),
    ) -> None:
        settings = SourceSettings(vendor="systec", base_url="http://127.0.0.1:1")
        super().__init__(source, settings, once(source, settings))
        self.settings = settings
        self.conferences = list(conferences)
        self.members = list(members)
        self.calls = list(calls)
        self.rooms = {room.key: room for room in rooms}
        self.mcus = {mcu.name: mcu for mcu in mcus}
        self.asked: list[tuple[str, Any]] = []
        self.is_down = False

    def ask(self, verb: str, what: Any = None) -> None:
        """Note a request; raise when the source is down."""
        self.asked.append((verb, what))
        if self.is_down:
            raise VendorUnavailableError("It is down.", source=self.source, endpoint=verb)

    @property
    def verbs(self) -> list[str]:
        """What was asked, in order."""
        return [verb for verb, _ in self.asked]

    async def list_conferences(
        self,
        query: ConferenceQuery,
        token: object | None = None,  # noqa: ARG002 - one page has all
    ) -> Slice[Conference]:
        """One page has all."""
        self.ask("list_conferences", query)
        rows = [self.row(row, query.extras) for row in self.conferences if row.sort_time in query.window]
        return Slice(rows, len(rows), None)

    async def count_conferences(self, query: ConferenceQuery) -> int | None:
        """Count them."""
        self.ask("count_conferences", query)
        return sum(row.sort_time in query.window for row in self.conferences)

    async def list_calls(
        self,
        window: Window,
        token: object | None = None,  # noqa: ARG002 - one page has all
    ) -> Slice[Call]:
        """One page has all."""
        self.ask("list_calls", window)
        rows = [row for row in self.calls if row.started_at in window]
        return Slice(rows, len(rows), None)

    async def list_live(self, extras: Extras) -> Sequence[Conference]:
        """All."""
        self.ask("list_live", extras)
        return list(self.conferences)

    async def get_conferences(
        self, vendor_ids: Sequence[str], extras: Extras, near: datetime | None = None
    ) -> list[Conference | Exception | None]:
        """By id."""
        self.ask("get_conferences", (tuple(vendor_ids), extras, near))
        found = {row.vendor_id: self.row(row, extras) for row in self.conferences}
        return [found.get(vendor_id) for vendor_id in vendor_ids]

    async def get_calls(self, vendor_ids: Sequence[str]) -> list[Call | Exception | None]:
        """By id."""
        self.ask("get_calls", tuple(vendor_ids))
        found = {row.vendor_id: row for row in self.calls}
        return [found.get(vendor_id) for vendor_id in vendor_ids]

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """By conference."""
        self.ask("read_members", [row.vendor_id for row in conferences])
        return [self.members_of(row.vendor_id) for row in conferences]

    async def read_calls(self, conferences: Sequence[Conference]) -> list[tuple[Call, ...] | VendorError]:
        """By conference."""
        self.ask("read_calls", [row.vendor_id for row in conferences])
        return [self.calls_of(row.vendor_id) for row in conferences]

    async def get_rooms(self, keys: Sequence[str]) -> list[Room | Exception | None]:
        """By key."""
        self.ask("get_rooms", tuple(keys))
        return [self.rooms.get(key) for key in keys]

    async def get_mcu_resources(self, names: Sequence[str]) -> list[McuResource | Exception | None]:
        """By name."""
        self.ask("get_mcu_resources", tuple(names))
        return [self.mcus.get(name) for name in names]

    def members_of(self, vendor_id: str) -> tuple[Member, ...]:
        """What the vendor knows."""
        return tuple(row for row in self.members if row.conference_vendor_id == vendor_id)

    def calls_of(self, vendor_id: str) -> tuple[Call, ...]:
        """What the vendor knows."""
        return tuple(row for row in self.calls if row.conference_vendor_id == vendor_id)

    def row(self, row: Conference, extras: Extras) -> Conference:  # noqa: ARG002 - for those that embed
        """The row as a list answers it."""
        return row


class EmbeddingAdapter(FakeAdapter):
    """Its rows bring members and calls along when asked to, and bear no count of members without them."""

    embeds: ClassVar[Extras] = Extras(members=True, calls=True)
    member_count_needs_members: ClassVar[bool] = True

    def row(self, row: Conference, extras: Extras) -> Conference:
        """With what was asked for."""
        return msgspec.structs.replace(
            row,
            members=self.members_of(row.vendor_id) if extras.members else None,
            calls=self.calls_of(row.vendor_id) if extras.calls else None,
        )


class LiveAdapter(FakeAdapter):
    """Lists what is going on, and no calls."""

    capabilities = frozenset({Capability.LIST_LIVE_CONFERENCES, Capability.GET_CONFERENCES})


class MuteAdapter(FakeAdapter):
    """Can do nothing."""

    capabilities = frozenset()
    get_conferences = Adapter.get_conferences
    get_calls = Adapter.get_calls


def person(name: str) -> Person:
    """Somebody."""
    return Person(name=name)


async def run(
    adapters: Iterable[FakeAdapter],
    query: str,
    *,
    schema: Any = SCHEMA,
    server: ServerSettings | None = None,
    identity: Identity = ANYBODY,
    auth: AuthSettings | None = None,
    limits: LimitsSettings | None = None,
    **variables: Any,
) -> Any:
    """Run a query over a fleet: gives Strawberry's result, whose context is new."""
    spec = VENDORS["systec"]
    fleet = Fleet(Source(one.source, spec, one.settings, one, one.client) for one in adapters)
    settings = AppSettings(
        server=server or ServerSettings(), auth=auth or AuthSettings(), limits=limits or LimitsSettings()
    )
    context = Context.create(fleet, WindowStore(), settings, "request-1", identity)
    try:
        return await schema.execute(query, variable_values=variables, context_value=context)
    finally:
        await fleet.aclose()


async def data(adapters: Iterable[FakeAdapter], query: str, **variables: Any) -> Any:
    """The data of a query that must not fail."""
    result = await run(adapters, query, **variables)
    assert result.errors is None, result.errors
    return result.data


async def failure(adapters: Iterable[FakeAdapter], query: str, **variables: Any) -> tuple[str, str]:
    """Code and words of the only error of a query."""
    result = await run(adapters, query, **variables)
    assert result.errors is not None, result.data
    (error,) = result.errors
    return error.extensions["code"], error.message
