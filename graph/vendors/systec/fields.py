"""What only SYSTEC reports, as a GraphQL type over the adapter's record."""

from typing import Any

import strawberry

from graph.vendors.systec.mapping import SystecFields


@strawberry.type(description="What only SYSTEC reports of a conference.")
class SystecConferenceFields:
    """Describes `SystecFields`."""

    is_extra: bool | None = strawberry.field(description="Held in a temporary extra room instead of a shared one.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a record is of this type."""
        return isinstance(obj, SystecFields)
