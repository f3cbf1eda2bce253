"""What only Huawei reports, as GraphQL types over the adapter's records."""

import strawberry

from graph.vendors.huawei.mapping import HuaweiFields, HuaweiMember


@strawberry.type(description="What Huawei says of a conference beyond the joined type.")
class HuaweiConferenceFields:
    """Describes `HuaweiFields`."""

    conf_state: int | None = strawberry.field(description="0 normal, 1 an announcement is playing.")
    applied_minutes: int | None = strawberry.field(description="The length applied for, in minutes.")
    elapsed_minutes: int | None = strawberry.field(description="Whole minutes since it began.")

    @classmethod
    def is_type_of(cls, obj: object, info: strawberry.Info) -> bool:  # noqa: ARG003 - the signature is Strawberry's
        """Whether a record is described by this type."""
        return isinstance(obj, HuaweiFields)


@strawberry.type(description="What Huawei says of a participant beyond the joined type.")
class HuaweiMemberFields:
    """Describes `HuaweiMember`."""

    address_type: int | None = strawberry.field(description="6 a telephone number, 9 an agent.")
    device_type: int | None = strawberry.field(
        description="0 unknown, 1 ordinary phone, 2 wireless digital, 3 wireless analogue, 4 shortwave radio, "
        "5 mobile phone, 6 agent, 7 eLTE."
    )
    device_call_type: int | None = strawberry.field(description="0 normal, 1 group call, 2 secret call.")
    channel_attrib: int | None = strawberry.field(description="1 listens only, 2 speaks only, 3 both.")
    channel_state: int | None = strawberry.field(description="0 talking, 1 on hold, 2 hearing an announcement.")
    role: int | None = strawberry.field(description="0 participant, 1 chair.")

    @classmethod
    def is_type_of(cls, obj: object, info: strawberry.Info) -> bool:  # noqa: ARG003 - the signature is Strawberry's
        """Whether a record is described by this type."""
        return isinstance(obj, HuaweiMember)
