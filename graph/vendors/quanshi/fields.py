"""What only Quanshi reports, as a GraphQL type over the adapter's record."""

import strawberry

from graph.identity import Scope
from graph.records import BigInt
from graph.vendors.quanshi.adapter import QuanshiFields


@strawberry.type(description="What Quanshi says of a conference beyond the joined type.")
class QuanshiConferenceFields:
    """Describes `QuanshiFields`."""

    event_id: BigInt | None = strawberry.field(description="The booking; it may have several conferences.")
    billing_code: str | None = strawberry.field(description="The code the conference is billed under.")
    customer_code: str | None = strawberry.field(description="The customer the conference belongs to.")
    host_account_type: int | None = strawberry.field(description="The host's kind of account; 1 is a paid one.")
    host_account_type_name: str | None = strawberry.field(description="The host's kind of account in words.")
    host_ip: str | None = strawberry.field(
        description="The host's network address. Needs the scope pii:read.", metadata={"scope": Scope.PII_READ}
    )
    host_location: str | None = strawberry.field(
        description="Where the host is. Needs the scope pii:read.", metadata={"scope": Scope.PII_READ}
    )
    is_secure: bool | None = strawberry.field(description="Whether the conference is secured.")
    is_recorded: bool | None = strawberry.field(description="Whether the conference is recorded.")
    data_center: str | None = strawberry.field(description="The data center the conference runs in.")
    status: int | None = strawberry.field(
        description="The vendor's state: 0 does not exist, 1 created, 2 started, 4 ended, 5 expired."
    )
    conf_duration_seconds: int | None = strawberry.field(
        description="Running or planned length in seconds; the vendor does not say which."
    )
    voip_count: int | None = strawberry.field(description="Attendees by internet audio.")
    pstn_count: int | None = strawberry.field(description="Attendees by telephone.")
    video_count: int | None = strawberry.field(description="Attendees with video.")
    desktop_count: int | None = strawberry.field(description="Attendees sharing or seeing a desktop.")
    mcu_count: int | None = strawberry.field(description="Attendees through an MCU.")
    box_count: int | None = strawberry.field(description="Attendees through a room box.")
    raw_attendee_count: int | None = strawberry.field(description="The vendor's raw count of attendees; undefined.")
    raw_pstn_count: int | None = strawberry.field(description="The vendor's raw count of telephones; undefined.")

    @classmethod
    def is_type_of(cls, obj: object, info: strawberry.Info) -> bool:  # noqa: ARG003 - the signature is Strawberry's
        """Whether a record is described by this type."""
        return isinstance(obj, QuanshiFields)
