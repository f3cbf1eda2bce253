"""The answer of SYSTEC's share/detail, as far as it is read.

Success is `status` 200 in the body. The echoed range is passed over: its `from` comes unpadded. Arrays that were not
asked for may be absent or empty, which says nothing. `total` is decoded as a decimal, exactly as it was written.
"""

from decimal import Decimal
from typing import Annotated, ClassVar

import msgspec

from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from graph.transport.messages import VendorReply
from graph.transport.numbers import Int32
from graph.transport.wall_time import BlankableTime, WallTime, decode_wall_time

# As seconds they must fit what the schema serves.
Minutes = Annotated[int, msgspec.Meta(ge=-(2**31 // 60), le=2**31 // 60)]


class Head(msgspec.Struct):
    """What every answer begins with."""

    status: int


class Participant(msgspec.Struct):
    """One span of one person in one meeting."""

    name: str | None = None
    join_time: BlankableTime | None = None
    leave_time: BlankableTime | None = None


class PhoneLeg(msgspec.Struct):
    """One telephone leg; minutes and yuan."""

    phone_number: str | None = None
    type: str | None = None
    start_time: BlankableTime | None = None
    end_time: BlankableTime | None = None
    duration: Minutes | None = None
    total: Decimal | None = None


class Meeting(msgspec.Struct):
    """One ended meeting; `duration` is the planned length in minutes."""

    sometimes: ClassVar[frozenset[str]] = frozenset({"participants", "telephony_usage"})

    uuid: str
    start_time: WallTime
    host_id: str | None = None
    meeting_id: int | str | None = None
    topic: str | None = None
    duration: Minutes | None = None
    end_time: BlankableTime | None = None
    is_extra: bool | int | None = None
    participants: list[Participant] | None = None
    telephony_usage: list[PhoneLeg] | None = None


class Data(msgspec.Struct):
    """One page."""

    unread: ClassVar[frozenset[str]] = frozenset(
        {"from", "to", "total_page", "page_number", "page_size", "has_previous_page"}
    )

    total_record: Int32
    has_next_page: bool
    meetings: list[Meeting]


class Body(msgspec.Struct):
    """A successful answer."""

    unread: ClassVar[frozenset[str]] = frozenset({"status", "message"})

    data: Data


KINDS: dict[int, type[VendorError]] = {
    401: VendorAuthError,
    403: VendorAuthError,
    429: VendorThrottledError,
    500: VendorUnavailableError,
    502: VendorUnavailableError,
    503: VendorUnavailableError,
    504: VendorUnavailableError,
}
HEAD = msgspec.json.Decoder(Head)
BODY = msgspec.json.Decoder(Body, dec_hook=decode_wall_time)


def read_data(reply: VendorReply) -> Data:
    """Read a page; its meetings know how many could not be read."""
    _raise_refusal(reply)
    return reply.decode_rows(BODY).data


def read_whole(reply: VendorReply) -> Data:
    """Read a page of which every meeting must be readable."""
    _raise_refusal(reply)
    return reply.decode(BODY).data


def _raise_refusal(reply: VendorReply) -> None:
    """Raise what the status in the body stands for.

    The vendor's list of codes is not known: some are read as HTTP means them. Its message is not passed on.
    """
    status = reply.decode_envelope(HEAD).status
    if status == 200 or status not in KINDS:
        reply.raise_for_status()
    if status == 200:
        return
    raise KINDS.get(status, VendorRefusedError)(
        f"{reply.endpoint} answered with status {status} in its body.",
        source=reply.source,
        endpoint=reply.endpoint,
        status=reply.status,
        vendor_code=str(status),
        retry_after_s=reply.retry_after_s(),
    )
