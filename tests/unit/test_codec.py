"""What is written for other processes is read back as it was, or not at all."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.cache.codec import (
    CALLS,
    ERRORS,
    MCU_RESOURCES,
    REGION_COUNTS,
    ROOMS,
    USAGE_GROUPS,
    USAGE_STATS,
    Codec,
    FactCodec,
    WindowCodec,
    conference_codec,
)
from graph.cache.memory import StoredWindow
from graph.errors import VendorError
from graph.records import (
    Call,
    Conference,
    ConferenceState,
    McuKind,
    McuResource,
    Member,
    Money,
    Record,
    RegionCount,
    RegionMeasure,
    Room,
)
from graph.statistics import UsageGroup, UsageStats

NOON = datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC)


class Own(Record, frozen=True):
    """What only one vendor knows of a conference."""

    type: int | None = None
    created_at: datetime | None = None


class OwnMember(Record, frozen=True):
    """Likewise of a member."""

    address_type: int | None = None


def kinds(of: type[VendorError] = VendorError) -> list[type[VendorError]]:
    return [of, *(kind for child in of.__subclasses__() for kind in kinds(child))]


def conference(**given_: object) -> Conference:
    member = Member(source_name="s", conference_vendor_id="c", vendor_id="m", vendor_fields=OwnMember(address_type=6))
    plain = Member(source_name="s", conference_vendor_id="c", vendor_id="n")
    row = Conference(
        source_name="s",
        vendor_id="c",
        state=ConferenceState.LIVE,
        sort_time=NOON,
        room=Room(source_name="s", key="k"),
        vendor_fields=Own(type=3, created_at=NOON),
        members=(member, plain),
    )
    return msgspec.structs.replace(row, **given_)


@pytest.mark.parametrize("row", [conference(), conference(members=None), conference(members=()), None])
def test_a_vendors_own_records_come_back_too(row: Conference | None) -> None:
    codec = conference_codec(Own, OwnMember)
    raw = codec.encode([row, conference()])
    assert raw is not None
    assert codec.decode(raw) == [row, conference()]


def test_members_without_records_of_their_own() -> None:
    codec = conference_codec(Own, None)
    row = conference(members=(Member(source_name="s", conference_vendor_id="c", vendor_id="m"),))
    assert codec.decode(codec.encode([row]) or b"") == [row]


def test_a_window_comes_back_with_its_keys() -> None:
    rows = [Call(source_name="s", vendor_id=str(i), started_at=NOON, cost=Money("1.5", "CNY")) for i in range(3)]
    codec: WindowCodec[Call] = WindowCodec(CALLS, lambda row: (7, row.vendor_id))
    window = StoredWindow(NOON, NOON, [(7, "0"), (7, "1"), (7, "2")], rows, NOON, is_settled=True, left_out=2)
    assert codec.decode(codec.encode(window) or b"") == window


ROOM = Room(source_name="s", key="k", name="Room 1", capacity=10)
STATS = UsageStats(count=2, total_duration_seconds=90, min_duration_seconds=30, average_duration_seconds=45.0)


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (ROOMS, [ROOM]),
        (MCU_RESOURCES, [McuResource(source_name="s", name="mru-1", kind=kind) for kind in (None, *McuKind)]),
        (
            REGION_COUNTS,
            [
                RegionCount(source_name="s", region=name, iso_code=None, count=3, measure=RegionMeasure.ISSUED_CALLS)
                for name in ("上海", None)
            ],
        ),
        (USAGE_GROUPS, [UsageGroup(source_name="s", key="k", name=None, stats=STATS, room=ROOM)]),
        (USAGE_STATS, STATS),
    ],
)
def test_lists_that_are_read_whole_come_back(codec: Codec[object], value: object) -> None:
    assert codec.decode(codec.encode(value) or b"") == value


def test_what_cannot_be_written_is_not() -> None:
    assert FactCodec[int](int).encode(2**70) is None
    codec: WindowCodec[object] = WindowCodec(FactCodec(list[object]), lambda _row: ())
    assert codec.encode(StoredWindow(NOON, NOON, [()], [object()], NOON)) is None


@given(st.binary(max_size=40))
def test_other_bytes_are_a_miss(raw: bytes) -> None:
    windows: WindowCodec[Call] = WindowCodec(CALLS, lambda row: (row.vendor_id,))
    found = (conference_codec(Own, OwnMember).decode(raw), windows.decode(raw), ERRORS.decode(raw))
    assert all(value is None or value == [] or value == [None] * len(value) for value in found)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", kinds())
def test_an_error_is_one_of_the_same_class_again(kind: type[VendorError]) -> None:
    error = kind("Said.", source="s", endpoint="list", status=503, vendor_code="512", request_id="r", retry_after_s=1.5)
    again = ERRORS.decode(ERRORS.encode(error) or b"")
    assert type(again) is kind
    assert (again.message, again.__dict__) == (error.message, error.__dict__)
