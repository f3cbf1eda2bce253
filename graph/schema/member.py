"""Members: who joined a conference."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from graph import records
from graph.loaders import ConferenceKey
from graph.schema.node import Node
from graph.schema.selection import Selection
from graph.schema.source import Info, Source, joined, source_field
from graph.schema.vendor_fields import MemberVendorFields

if TYPE_CHECKING:
    from graph.schema.conference import Conference


async def _conference(root: records.Member, info: Info) -> records.Conference | None:
    extras = Selection.of(info).extras(info.context.fleet.sources[root.source_name].adapter)
    return await info.context.loaders.conferences.get(
        ConferenceKey(root.source_name, root.conference_vendor_id, extras)
    )


@strawberry.type(
    description="One attendance: somebody who joined (and left) one conference. The same person who rejoins is two "
    "members."
)
class Member(Node):
    """One attendance."""

    source: Source = source_field("Where it was reported.")
    source_name: str = strawberry.field(description="The source's name.")
    vendor_id: str = strawberry.field(description="Unique within the conference; made by us where the vendor has none.")
    display_name: str | None = strawberry.field(description="The name they joined under.")
    account_id: str | None = strawberry.field(description="The vendor's identifier of their account.")
    phone_number: str | None = strawberry.field(description="The telephone they joined by. Needs the scope pii:read.")
    joined_at: datetime | None = strawberry.field(description="When they joined.")
    left_at: datetime | None = strawberry.field(description="When they left; null while they are in.")
    duration_seconds: int | None = strawberry.field(description="How long they stayed; null while they are in.")
    client_type: records.ClientType = strawberry.field(description="What they joined with.")
    client_version: str | None = strawberry.field(description="Product and version of what they joined with.")
    role: records.MemberRole | None = strawberry.field(description="Whether they chaired.")
    media_direction: records.MediaDirection | None = strawberry.field(description="Which way their media goes.")
    on_hold: bool | None = strawberry.field(description="Whether they are on hold.")
    conference: Annotated["Conference", strawberry.lazy("graph.schema.conference")] = joined(
        _conference, "The conference they joined."
    )
    vendor_fields: MemberVendorFields | None = strawberry.field(description="What only this vendor reports.")

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.Member)
