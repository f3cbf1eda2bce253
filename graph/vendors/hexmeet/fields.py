"""What GraphQL shows of HexMeet alone."""

from typing import Any

import strawberry

from graph.vendors.hexmeet.adapter import HexmeetFields


@strawberry.type(description="What only HexMeet reports of a conference.")
class HexmeetConferenceFields:
    """Describes `HexmeetFields`."""

    type: int | None = strawberry.field(
        description="The kind of conference, as the vendor numbers it. It does not document the numbers."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a record is what this type describes."""
        return isinstance(obj, HexmeetFields)
