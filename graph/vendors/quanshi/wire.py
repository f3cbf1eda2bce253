"""The bodies of Quanshi, typed: what a record needs is required, the rest may be absent or null.

The attendee passcode (guestPcode, pcode2) is no field, so that it is never decoded into anything.
"""

from typing import Annotated, ClassVar

import msgspec

from graph.transport.numbers import Int32, Int53
from graph.transport.shapes import known

EpochSeconds = Annotated[int, msgspec.Meta(ge=0, le=32_503_680_000)]  # up to the year 3000


class Outcome(msgspec.Struct):
    """What every answer says of itself, also one without a result."""

    status: int
    request_id: str | None = None


class Row(msgspec.Struct, kw_only=True, rename="camel"):
    """One conference. `conf_name` is what is sent, `title` what is documented; one of them is there."""

    unread: ClassVar[frozenset[str]] = frozenset(
        {"guestPcode", "pcode2", "startTimeStr", "stopTimeStr", "confDurationMinute"}
    )
    sometimes: ClassVar[frozenset[str]] = frozenset({"confName", "title"})

    conference_id: str
    status: Annotated[Int32, known(0, 1, 2, 4, 5)]
    start_time: EpochSeconds
    attendee_cnt: Int32
    event_id: Int53 | None = None
    conf_name: str | None = None
    title: str | None = None
    billing_code: str | None = None
    customer_code: str | None = None
    host_id: int | None = None
    host_name: str | None = None
    host_email: str | None = None
    host_mobile: str | None = None
    host_account_type: Int32 | None = None
    host_account_type_str: str | None = None
    host_org_id: int | None = None
    host_org_name: str | None = None
    host_ip: str | None = None
    host_location: str | None = None
    stop_time: EpochSeconds | None = None
    conf_duration: Int32 | None = None
    is_secure_conf: bool | None = None
    is_record: bool | None = None
    data_center: str | None = None
    voip_cnt: Int32 | None = None
    pstn_cnt: Int32 | None = None
    video_cnt: Int32 | None = None
    desktop_cnt: Int32 | None = None
    mcu_cnt: Int32 | None = None
    box_cnt: Int32 | None = None
    raw_attendee_cnt: Int32 | None = None
    raw_pstn_cnt: Int32 | None = None


class Page(msgspec.Struct, kw_only=True, rename="camel"):
    """One page of the list, and how many rows the whole list has."""

    total_count: Int32
    conf_list: list[Row]


class Listing(msgspec.Struct):
    """The whole list as it was read: the vendor's count of it, and its rows but for those that could not be read."""

    total: int
    rows: list[Row]
    left_out: int = 0


class Answer(msgspec.Struct):
    """A successful answer."""

    unread: ClassVar[frozenset[str]] = frozenset({"status", "msg", "request_id", "timestamp", "request_duration"})

    result: Page


OUTCOME = msgspec.json.Decoder(Outcome)
ANSWER = msgspec.json.Decoder(Answer)
