"""Calls, the legs by which people and rooms joined conferences, and the list of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from graph import records
from graph.context import Context
from graph.loaders import ConferenceKey
from graph.paging import Page, PageArgs
from graph.schema.connection import After, Before, First, Last, Order, found_out
from graph.schema.enums import TimeOrder, Vendor, values_of
from graph.schema.lists import call_listing
from graph.schema.narrowing import Narrowing
from graph.schema.node import Node
from graph.schema.of_conference import only
from graph.schema.person import Money, Organization
from graph.schema.scalars import TimeRange
from graph.schema.scopes import sees
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined, source_field
from graph.schema.weights import dearest

if TYPE_CHECKING:
    from graph.schema.conference import Conference
    from graph.schema.mcu import McuResource
    from graph.schema.room import Room

TOLD_BY_CALLS = frozenset({"__typename", "id", "source", "sourceName", "vendorId", "number"})


async def _conferences_of_all(
    roots: Sequence[records.Call], info: Info
) -> Sequence[records.Conference | records.ConferenceRef | Exception | None]:
    """The conferences of many calls; no request is made for what a call itself tells."""
    told = [_told_by(root, info) for root in roots]
    keys = [it for it in told if isinstance(it, ConferenceKey)]
    read = iter(await info.context.loaders.conferences.get_all(keys) if keys else ())
    return [next(read) if isinstance(it, ConferenceKey) else it for it in told]


async def _conference(root: records.Call, info: Info) -> records.Conference | records.ConferenceRef | None:
    return only(await _conferences_of_all([root], info))


def _told_by(root: records.Call, info: Info) -> records.Conference | records.ConferenceRef | ConferenceKey | None:
    """The conference of a call; its key where it has to be asked for."""
    vendor_id = root.conference_vendor_id
    if vendor_id is None:
        return None
    if known := info.context.loaders.conferences.known(root.source_name, vendor_id):
        return known
    selection = Selection.of(info)
    if selection.names <= TOLD_BY_CALLS and (root.conference_number is not None or not selection.has("number")):
        return records.ConferenceRef(source_name=root.source_name, vendor_id=vendor_id, number=root.conference_number)
    extras = selection.extras(info.context.fleet.sources[root.source_name].adapter)
    return ConferenceKey(root.source_name, vendor_id, extras)


@strawberry.federation.type(keys=["id"], description="One call leg: somebody or some room connected to a conference.")
class Call(Node):
    """One call leg."""

    source: Source = source_field("Where it was reported.")
    source_name: str = strawberry.field(description="The source's name.")
    vendor_id: str = strawberry.field(description="The vendor's own identifier; made by us where the vendor has none.")
    display_name: str | None = strawberry.field(description="Who called, as shown to the others.")
    started_at: datetime | None = strawberry.field(description="When it was connected.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    duration_seconds: int | None = strawberry.field(description="How long it lasted.")
    bitrate_kbps: int | None = strawberry.field(description="Its rate in kbit/s.")
    call_type: str | None = strawberry.field(description="The vendor's word for its kind.")
    client_version: str | None = strawberry.field(description="Product and version of the client.")
    phone_number: str | None = strawberry.field(description="The number dialled. Needs the scope pii:read.")
    cost: Money | None = strawberry.field(description="What it cost.")
    error_code: int | None = strawberry.field(description="The vendor's code for how it ended; 0 is normal.")
    error_info: str | None = strawberry.field(description="How it ended, in the vendor's words.")
    agent: Organization | None = strawberry.field(description="The reseller that the call belongs to.")
    company: Organization | None = strawberry.field(description="The company that the call belongs to.")
    department: Organization | None = strawberry.field(description="The department that the call belongs to.")
    conference: Annotated["Conference", strawberry.lazy("graph.schema.conference")] | None = joined(
        _conference,
        "The conference it belonged to. Its id, source, vendorId and number cost no request.",
        dearest("conferences_met"),
        batch=_conferences_of_all,
    )
    room: Annotated["Room", strawberry.lazy("graph.schema.room")] | None = strawberry.field(
        description="The room of the conference."
    )
    mcu: Annotated["McuResource", strawberry.lazy("graph.schema.mcu")] | None = strawberry.field(
        description="The media node that carried it."
    )

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.Call)


# ---- the list of them -----------------------------------------------------------------------------


@strawberry.input(description="Which calls are wanted; what is null or absent narrows nothing.")
class CallFilter:
    """Which calls are wanted."""

    during: TimeRange | None = strawberry.field(
        default=None,
        description="The call began in this range. Default: the 24 hours before the first page was asked.",
    )
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources, by name.")
    vendors: list[Vendor] | None = strawberry.field(default=None, description="Only sources of these vendors.")
    search: str | None = strawberry.field(
        default=None, description="Matches display name, room name or client version, ignoring case."
    )

    def narrowing(self, context: Context) -> Narrowing:
        """The filter as the lists take it."""
        return Narrowing(
            during=self.during.window() if self.during else None,
            sources=self.sources,
            vendors=values_of(self.vendors),
            search=self.search,
            sees_names=sees(context, "Call.displayName"),
        )


async def find_calls(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        CallFilter | None, strawberry.argument(description="Which calls are wanted.")
    ] = None,
    order_by: Order = TimeOrder.START_DESC,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Call]:
    """Resolve `Query.calls`."""
    args = PageArgs.parse(first, after, last, before)
    narrowing = filter.narrowing(info.context) if filter else Narrowing()
    listing = call_listing(info.context, args, narrowing, field="calls", descending=order_by is not TimeOrder.START_ASC)
    return await found_out(await listing.page(args), info)
