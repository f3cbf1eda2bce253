"""What Huawei's rows mean: wire structs made records."""

import re
from collections import Counter
from datetime import datetime, timedelta

from graph.ids import faint_hash
from graph.paging.rows import Rows
from graph.paging.windows import EPOCH
from graph.records import (
    ClientType,
    Conference,
    ConferenceState,
    MediaDirection,
    Member,
    MemberRole,
    Person,
    Record,
)
from graph.vendors.huawei import wire

PHONE, AGENT = "6", "9"
CLIENTS = {PHONE: ClientType.PHONE, AGENT: ClientType.AGENT}
ROLES: dict[int | None, MemberRole] = {0: MemberRole.PARTICIPANT, 1: MemberRole.CHAIR}
MEDIA: dict[int | None, MediaDirection] = {
    1: MediaDirection.LISTEN_ONLY,
    2: MediaDirection.SPEAK_ONLY,
    3: MediaDirection.BOTH,
}
ON_HOLD: dict[int | None, bool] = {0: False, 1: True, 2: False}


class HuaweiFields(Record, frozen=True, kw_only=True):
    """A Huawei conference's own fields; their meaning stands in fields.py."""

    conf_state: int | None = None
    applied_minutes: int | None = None
    elapsed_minutes: int | None = None


class HuaweiMember(Record, frozen=True, kw_only=True):
    """A Huawei participant's own fields; their meaning stands in fields.py."""

    address_type: int | None = None
    device_type: int | None = None
    device_call_type: int | None = None
    channel_attrib: int | None = None
    channel_state: int | None = None
    role: int | None = None


def to_conference(conf: wire.Conf, source: str, left_out: int = 0) -> Conference:
    """Make a conference of a row of which so many addresses could not be read: then nobody counts those there."""
    started_at = _to_instant(conf.start_time)
    applied = None if conf.apply_conf_time is None else timedelta(minutes=conf.apply_conf_time)
    host = next((_to_person(address) for address in conf.addresses if address.role == 1), None)
    return Conference(
        source_name=source,
        vendor_id=str(conf.conf_id),
        state=ConferenceState.LIVE,
        sort_time=started_at,
        started_at=started_at,
        scheduled_start_at=started_at,
        scheduled_end_at=None if applied is None else started_at + applied,
        planned_duration_seconds=None if applied is None else int(applied.total_seconds()),
        host=None if host == Person() else host,
        member_count=None if left_out else len({address.address for address in conf.addresses}),
        vendor_fields=HuaweiFields(
            conf_state=conf.conf_state,
            applied_minutes=conf.apply_conf_time,
            elapsed_minutes=conf.conf_have_been_time,
        ),
        members=to_members(conf, source, left_out),
    )


def to_members(conf: wire.Conf, source: str, left_out: int = 0) -> Rows[Member]:
    """Make the members of a conference, told apart by when they entered, and from where."""
    ordinals: Counter[str] = Counter()
    members = []
    # In an order of their own, not the vendor's, so that equal keys are told apart alike each time.
    for address in sorted(conf.addresses, key=lambda it: (it.enter_time or 0, it.address)):
        # An id is no place for a telephone number.
        key = f"{address.enter_time or 0}.{faint_hash(str(conf.conf_id), address.address)}"
        members.append(_to_member(conf, address, source, f"{key}.{ordinals[key]}"))
        ordinals[key] += 1
    return Rows.of(members, left_out)


def to_number(text: str) -> int | None:
    """The 64-bit number written so and not otherwise; None for any other text."""
    number = int(text) if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) else None
    return number if number is not None and number < 2**63 else None


def _to_member(conf: wire.Conf, address: wire.Address, source: str, vendor_id: str) -> Member:
    person = _to_person(address)
    return Member(
        source_name=source,
        conference_vendor_id=str(conf.conf_id),
        vendor_id=vendor_id,
        account_id=person.account_id,
        phone_number=person.phone_number,
        joined_at=None if address.enter_time is None else _to_instant(address.enter_time),
        client_type=CLIENTS.get(address.address_type, ClientType.UNKNOWN),
        role=ROLES.get(address.role),
        media_direction=MEDIA.get(address.channel_attrib),
        on_hold=ON_HOLD.get(address.channel_state),
        vendor_fields=HuaweiMember(
            address_type=to_number(address.address_type),
            device_type=address.device_type,
            device_call_type=address.device_call_type,
            channel_attrib=address.channel_attrib,
            channel_state=address.channel_state,
            role=address.role,
        ),
    )


def _to_person(address: wire.Address) -> Person:
    return Person(
        account_id=address.address or None if address.address_type == AGENT else None,
        phone_number=address.address or None if address.address_type == PHONE else None,
    )


def _to_instant(millis: int) -> datetime:
    return EPOCH + timedelta(milliseconds=millis)
