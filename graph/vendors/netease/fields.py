"""What only NetEase reports, as GraphQL types over the adapter's records."""

from datetime import datetime
from typing import Any

import strawberry

from graph.records import BigInt
from graph.vendors.netease.mapping import NeteaseFields, NeteaseMember


@strawberry.type(description="What only NetEase reports of a conference.")
class NeteaseConferenceFields:
    """Describes `NeteaseFields`."""

    app_id: int | None = strawberry.field(description="The application the conference belongs to.")
    row_id: BigInt | None = strawberry.field(
        description="The number of NetEase's own row, which its documents do not explain."
    )
    status: int | None = strawberry.field(
        description="The vendor's state: 0 invalid, 1 not started, 2 in progress, 3 ended, 4 cancelled, 5 recycled."
    )
    created_at: datetime | None = strawberry.field(description="When the conference was created.")
    duration_seconds: int | None = strawberry.field(
        description="The vendor's figure, also where the conference is still going on or was never held."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a record is of this type."""
        return isinstance(obj, NeteaseFields)


@strawberry.type(description="What only NetEase reports of a member.")
class NeteaseMemberFields:
    """Describes `NeteaseMember`."""

    client_type: int | None = strawberry.field(
        description="The vendor's number: 1 TV, 2 iOS, 3 Android, 4 Windows, 5 Mac, 6 Web, 7 SIP, 8 Linux."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a record is of this type."""
        return isinstance(obj, NeteaseMember)
