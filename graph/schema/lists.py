"""The lists of conferences and calls: which source contributes what.

A source that lists by time becomes a ranged feed, read window by window; one that lists what is going on a snapshot
of that; one that lists neither is named as unsupported. A filter that a source cannot meet costs it no request.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from graph import clock
from graph.cache.codec import CALLS
from graph.context import Context
from graph.errors import ConfgraphError, RetriableVendorError, SourceErrorCode, VendorError
from graph.fleet import Source, failed
from graph.freshness import note_life, note_settled
from graph.ids import GlobalId, IdKind
from graph.paging import ChosenFeed, Listing, Page, PageArgs, RangedFeed, SnapshotFeed, read_recent, resolve_window
from graph.paging.feeds import keep_all
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import EPOCH, Window, to_micros
from graph.records import (
    Call,
    Capability,
    Conference,
    ConferenceState,
    McuResource,
    Room,
    SourceError,
    SourceResultStatus,
    UsageSubject,
)
from graph.schema.narrowing import Narrowing
from graph.schema.selection import Selection
from graph.schema.source import Info
from graph.schema.storage import embedded, store_key, stored_as
from graph.vendors.base import Adapter, ConferenceQuery, Extras

DEFAULT_RANGE = timedelta(hours=24)
COUNTS_SHARE = 0.07  # of its time: a source that hangs keeps a page waiting for once that time, not for twice
CLOCKS_DIFFER = timedelta(hours=24)  # at the very most; nothing has begun after that


def conference_listing(
    context: Context, args: PageArgs, narrowing: Narrowing, selection: Selection, *, field: str, descending: bool = True
) -> Listing[Conference]:
    """The conferences of several sources as one list.

    Args:
        context: Of the request.
        args: Which page is wanted; its cursor may carry the default range.
        narrowing: The filter.
        selection: What is selected on the rows.
        field: The field and its parent, such as `Room.conferences <id>`: part of what cursors are bound to.
        descending: Latest first.

    Raises:
        RequestError: an argument, a cursor or a source's name cannot be used.
    """
    sources = context.fleet.select(narrowing.sources, narrowing.vendors)
    scope = narrowing.scope(field, descending=descending)
    if narrowing.vendor_ids is not None:
        if not sources:  # the only one named is of another vendor
            return Listing([], key=lambda row: (row.vendor_id,), scope=scope)
        extras = selection.extras(sources[0].adapter)
        return _ChosenConferences(context, sources[0], narrowing, narrowing.vendor_ids, extras=extras, scope=scope)
    window = resolve_window(args, scope, narrowing.during, DEFAULT_RANGE)
    feeds = {source.name: _conference_feed(source, narrowing, window, selection) for source in sources}
    return Listing(
        [feed for feed in feeds.values() if feed is not None],
        key=lambda row: (to_micros(row.sort_time), row.source_name, row.vendor_id),
        scope=scope,
        descending=descending,
        window=window,
        carries_window=narrowing.during is None,
        budget=context.settings.server.page_budget,
        store=context.store,
        unsupported=[name for name, feed in feeds.items() if feed is None],
    )


def call_listing(
    context: Context, args: PageArgs, narrowing: Narrowing, *, field: str, descending: bool = True
) -> Listing[Call]:
    """The calls of several sources as one list; arguments as `conference_listing` has them."""
    scope = narrowing.scope(field, descending=descending)
    window = resolve_window(args, scope, narrowing.during, DEFAULT_RANGE)
    feeds: list[RangedFeed[Call]] = []
    unsupported = []
    for source in context.fleet.select(narrowing.sources, narrowing.vendors):
        if Capability.LIST_CALLS in source.capabilities:
            feeds.append(_call_feed(source, narrowing, window))
        else:
            unsupported.append(source.name)
    return Listing(
        feeds,
        key=lambda row: (to_micros(_call_time(row)), row.source_name, row.vendor_id),
        scope=scope,
        descending=descending,
        window=window,
        carries_window=narrowing.during is None,
        budget=context.settings.server.page_budget,
        store=context.store,
        unsupported=unsupported,
    )


def room_conference_listing(info: Info, room: Room, during: Window | None, args: PageArgs) -> Listing[Conference]:
    """The conferences held in one room, latest first."""
    wanted = GlobalId(IdKind.ROOM, room.source_name, room.key)
    narrowing = Narrowing(during=during, sources=[room.source_name], room=wanted)
    rows = Selection.of(info).rows()
    return conference_listing(info.context, args, narrowing, rows, field=f"Room.conferences {room.id}")


def mcu_call_listing(context: Context, mcu: McuResource, during: Window | None, args: PageArgs) -> Listing[Call]:
    """The calls that one media resource carried, latest first."""
    narrowing = Narrowing(during=during, sources=[mcu.source_name], mcu=mcu.name)
    return call_listing(context, args, narrowing, field=f"McuResource.calls {mcu.id}")


# ---- one source's part --------------------------------------------------------------------------


def _conference_feed(
    source: Source, narrowing: Narrowing, window: Window, selection: Selection
) -> RangedFeed[Conference] | SnapshotFeed[Conference] | None:
    adapter = source.adapter
    is_ranged = Capability.LIST_CONFERENCES in source.capabilities
    if not is_ranged and Capability.LIST_LIVE_CONFERENCES not in source.capabilities:
        return None
    possible = adapter.states if is_ranged else adapter.states & {ConferenceState.LIVE}
    states = possible if narrowing.states is None else possible & narrowing.states
    room = narrowing.room
    if window.is_empty or not states or (room is not None and room.source_name != source.name):
        return _nothing(source, is_ranged=is_ranged)
    extras = embedded(selection.extras(adapter), adapter.embeds)
    keep = keep_all if narrowing.keeps_all_conferences else narrowing.keeps_conference
    if not is_ranged:
        return SnapshotFeed(
            source=source.name,
            read=lambda: adapter.list_live(extras),
            identity=_vendor_id,
            keep=lambda row: row.state is ConferenceState.LIVE and row.sort_time in window and keep(row),
            status=SourceResultStatus.LIVE_ONLY,
            gets_no_more=source.has_settled(window.end),
            store_key=store_key(source, "live", extras),
            codec=source.spec.conferences,
        )
    pushed = None if states == possible else states
    room_key = room.key if room and adapter.narrows_rooms else None
    kept_as, richer = stored_as(source, (pushed, room_key), extras)
    is_counted = room is None and not narrowing.search

    def query(part: Window) -> ConferenceQuery:
        return ConferenceQuery(window=part, extras=extras, states=pushed, room=room_key)

    return RangedFeed(
        source=source.name,
        read=lambda part, token: adapter.list_conferences(query(part), token),
        time=attrgetter("sort_time"),
        identity=_vendor_id,
        grid=adapter.grid,
        page_size=adapter.page_size,
        has_stateless_pages=adapter.has_stateless_pages,
        keep=keep,
        is_over=_is_over,
        count=(lambda part: adapter.count_conferences(query(part))) if is_counted else None,
        count_per_day=lambda part: adapter.count_per_day(UsageSubject.CONFERENCES, part),
        counts_patience_s=COUNTS_SHARE * source.settings.timeout_s,
        store_key=kept_as,
        codec=source.spec.conferences,
        richer_keys=richer,
        settle=source.settle,
        overlap=_overlap(adapter, window),
        ends_at=None if ConferenceState.SCHEDULED in adapter.states else clock.now() + CLOCKS_DIFFER,
    )


def _call_feed(source: Source, narrowing: Narrowing, window: Window) -> RangedFeed[Call]:
    adapter = source.adapter
    is_whole = narrowing.mcu is None and not narrowing.search
    return RangedFeed(
        source=source.name,
        read=adapter.list_calls,
        time=_call_time,
        identity=_vendor_id,
        grid=adapter.grid,
        page_size=adapter.page_size,
        has_stateless_pages=adapter.has_stateless_pages,
        keep=keep_all if is_whole else narrowing.keeps_call,
        is_over=_is_over,
        count=adapter.count_calls if is_whole else None,
        count_per_day=lambda part: adapter.count_per_day(UsageSubject.CALLS, part),
        counts_patience_s=COUNTS_SHARE * source.settings.timeout_s,
        store_key=store_key(source, "calls"),
        codec=CALLS,
        settle=source.settle,
        overlap=_overlap(adapter, window),
        ends_at=clock.now() + CLOCKS_DIFFER,
    )


class _ChosenConferences(Listing[Conference]):
    """Conferences of one source by the vendor's identifiers, in the order asked; those that failed are left out."""

    def __init__(
        self,
        context: Context,
        source: Source,
        narrowing: Narrowing,
        vendor_ids: Sequence[str],
        *,
        extras: Extras,
        scope: str,
    ) -> None:
        self._chosen = context.store
        self._source = source
        self._vendor_ids = vendor_ids
        self._extras = extras
        self._failures: dict[str, Exception] = {}
        places = {vendor_id: place for place, vendor_id in enumerate(vendor_ids)}
        during = narrowing.during
        can_get = Capability.GET_CONFERENCES in source.capabilities
        # Who lists what is going on finds one of those by its identifier, and nothing else.
        can_read = can_get or Capability.LIST_LIVE_CONFERENCES in source.capabilities
        feed = ChosenFeed(
            source=source.name,
            read=self._read,
            places=len(vendor_ids),
            at_once=source.adapter.chosen_at_once,
            keep=lambda row: (during is None or row.sort_time in during) and narrowing.keeps_conference(row),
            status=SourceResultStatus.OK if can_get else SourceResultStatus.LIVE_ONLY,
        )
        super().__init__(
            [feed] if can_read else [],
            key=lambda row: (places[row.vendor_id],),
            scope=scope,
            unsupported=[] if can_read else [source.name],
        )

    async def page(self, args: PageArgs) -> Page[Conference]:
        page = await super().page(args)
        page.left_out = bool(self._failures)
        name = self._source.name
        for failure in self._failures.values():
            if isinstance(failure, VendorError):
                page.results = {name: failed(name, failure)}
            elif page.results[name].error is None and isinstance(failure, ConfgraphError):
                error = SourceError(code=SourceErrorCode.UNSUPPORTED, message=failure.message)
                page.results = {name: msgspec.structs.replace(page.results[name], error=error)}
        return page

    async def _read(self, first: int, end: int) -> Sequence[Conference]:
        """Read some of them. Where asking again may help, or all failed, the source owes them instead."""
        wanted = tuple(self._vendor_ids[first:end])
        source, extras = self._source, self._extras
        recent = await read_recent(
            self._chosen,
            store_key(source, "chosen", wanted, extras),
            lambda: source.adapter.get_conferences(wanted, extras),
            source=source.name,
            codec=source.spec.conferences,
        )
        found = recent.rows
        for item in found:
            if isinstance(item, Conference) and source.has_settled(item.over_at):
                note_settled()
            else:
                note_life(SNAPSHOT_TTL_S, recent.read_at)
        failures = {name: item for name, item in zip(wanted, found, strict=True) if isinstance(item, Exception)}
        errors = [failure for failure in failures.values() if isinstance(failure, VendorError)]
        owed = [error for error in errors if isinstance(error, RetriableVendorError)]
        if owed or len(errors) == len(found):
            raise (owed or errors)[0]
        self._failures |= failures
        return [row for row in found if isinstance(row, Conference)]


def _nothing(source: Source, *, is_ranged: bool) -> SnapshotFeed[Conference]:
    """A source none of whose rows can meet the filter: it is not asked."""

    async def read() -> Sequence[Conference]:
        return ()

    status = SourceResultStatus.OK if is_ranged else SourceResultStatus.LIVE_ONLY
    return SnapshotFeed(source=source.name, read=read, identity=_vendor_id, status=status, is_asked=False)


def _overlap(adapter: Adapter, window: Window) -> timedelta:
    """How much wider than a window the vendor is asked."""
    wire = adapter.wire_window(window)
    return (wire.end - wire.start) - (window.end - window.start)


def _is_over(row: Conference | Call) -> bool:
    return row.ended_at is not None


_vendor_id: Callable[[Conference | Call], str] = attrgetter("vendor_id")


def _call_time(row: Call) -> datetime:
    return row.started_at or EPOCH
