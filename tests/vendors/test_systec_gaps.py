"""SYSTEC's gaps: what is left out or gone is not "nobody", what does not end is stopped, what is too much refused."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from accounts import SYSTEC_DAY, systec, systec_page, systec_row
from mirrors import ANCHOR, mirror
from recorder import Asked, Recorder

from graph import clock
from graph.errors import VendorError, VendorPayloadError, VendorRefusedError
from graph.paging.windows import Window
from graph.records import Call, Conference, Member, UsageDimension, UsageOrder, count_people
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.systec.adapter import SystecAdapter
from graph.vendors.systec.costs import MOST_REQUESTS

pytestmark = pytest.mark.anyio

BOTH = Extras(members=True, calls=True)


async def listed(adapter: SystecAdapter, extras: Extras = BOTH) -> Sequence[Conference]:
    return (await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY, extras))).rows


async def walk_calls(adapter: SystecAdapter) -> None:
    """Read on, page after page."""
    token: object | None = None
    for _ in range(99):
        token = (await adapter.list_calls(SYSTEC_DAY, token)).token


# ---- what is left out or gone -----------------------------------------------------------------------


@pytest.mark.parametrize("is_null", [True, False])
async def test_arrays_that_are_left_out_say_nothing(*, is_null: bool) -> None:
    """Asked for again they are an error that names the place, and no list of calls is made of them."""
    row = systec_row(participants=None, telephony_usage=None)
    if not is_null:
        row = {key: value for key, value in row.items() if value is not None}
    vendor = Recorder(systec_page(row))
    async with systec(vendor) as adapter:
        (conference,) = await listed(adapter)
        assert (conference.members, conference.member_count, conference.calls) == (None, None, None)
        (members,) = await adapter.read_members([conference])
        (calls,) = await adapter.read_calls([conference])
        (call,) = await adapter.get_calls([f"{conference.vendor_id}:0000:0"])
        assert len(vendor.asked) == 4
        with pytest.raises(VendorPayloadError, match=r"\$\.data\.meetings\[\]\.telephony_usage"):
            await adapter.list_calls(SYSTEC_DAY)
    assert isinstance(members, VendorPayloadError)
    assert "$.data.meetings[].participants" in members.message
    for failed in (calls, call):
        assert isinstance(failed, VendorPayloadError)
        assert "$.data.meetings[].telephony_usage" in failed.message


async def test_empty_arrays_say_nobody() -> None:
    async with systec(Recorder(systec_page(systec_row(participants=[], telephony_usage=[])))) as adapter:
        (conference,) = await listed(adapter)
    assert (conference.members, conference.member_count, conference.calls) == ((), 0, ())


async def test_a_meeting_that_is_gone_is_no_meeting_without_members() -> None:
    async with systec(Recorder(systec_page(systec_row()), systec_page())) as adapter:
        conferences = await listed(adapter, Extras())
        found: list[tuple[Member, ...] | tuple[Call, ...] | VendorError] = [
            *await adapter.read_members(conferences),
            *await adapter.read_calls(conferences),
        ]
    assert [type(part) for part in found] == [VendorRefusedError] * 2


@pytest.mark.parametrize(
    ("details", "kind"), [("absent", VendorPayloadError), ("null", VendorPayloadError), ("gone", VendorRefusedError)]
)
async def test_the_twin_can_leave_out_and_lose_details(
    details: str, kind: type[VendorError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    async with mirror("systec", options={"details": details}) as source:
        rows = await source.drain()
        found = await source.adapter.read_members(rows)
    assert len(found) > 4
    assert {type(part) for part in found} == {kind}


async def test_people_without_names_are_counted_as_elsewhere() -> None:
    """Each is one: nobody can tell that they are the same."""
    span = {"join_time": "2017-08-31 00:51:00", "leave_time": "2017-08-31 00:53:04"}
    people = [{"name": name, **span} for name in ("XYZ", "XYZ", "", "", None)]
    async with systec(Recorder(systec_page(systec_row(participants=people)))) as adapter:
        (conference,) = await listed(adapter)
    assert conference.members is not None
    assert conference.member_count == count_people(conference.members) == 4


# ---- what does not end ------------------------------------------------------------------------------


async def test_a_vendor_that_takes_no_notice_of_the_page_is_stopped() -> None:
    """Whoever reads: three pages in a row without a new meeting are enough, with calls in them or not."""
    some: list[Any] = systec_row()["telephony_usage"]
    for legs in (some[:0], some):
        vendor = Recorder(systec_page(systec_row(telephony_usage=legs), total=10**6, has_next=True))
        async with systec(vendor, page_size=1) as adapter:
            (conference,) = await listed(adapter)
            (failed,) = await adapter.read_members([conference])
            assert isinstance(failed, VendorPayloadError)
            assert len(vendor.asked) == 5
            vendor.asked.clear()
            with pytest.raises(VendorPayloadError, match="does not end"):
                await walk_calls(adapter)
            assert len(vendor.asked) == 4


async def test_rows_that_come_again_now_and_then_are_put_up_with() -> None:
    """They move from page to page while a list is read."""
    pages = [systec_page(systec_row(uuid=c * 22), total=6, has_next=True) for c in "aaabbb"]
    async with systec(Recorder(*pages, systec_page(systec_row(uuid="c" * 22), total=6)), page_size=1) as adapter:
        assert len(await adapter.list_rooms(SYSTEC_DAY)) == 1


# ---- what is too much -------------------------------------------------------------------------------


def endless(asked: Asked) -> Any:
    """Always another meeting, and always one more page than was told."""
    number = int(asked.form["page_number"])
    return systec_page(systec_row(uuid=f"{number:022}"), total=number, has_next=True)


async def refused(adapter: SystecAdapter, window: Window) -> None:
    """Neither report of a whole range is answered."""
    with pytest.raises(VendorRefusedError, match="shorter range"):
        await adapter.list_rooms(window)
    with pytest.raises(VendorRefusedError, match="shorter range"):
        await adapter.read_usage_by(UsageDimension.ROOM, window, UsageOrder.COUNT_DESC)


async def test_reports_of_a_whole_range_take_a_bounded_number_of_requests() -> None:
    """What is told to be too much is not begun; what proves to be is not ended."""
    told = systec_page(systec_row(), total=MOST_REQUESTS + 1, has_next=True)
    years = Window(SYSTEC_DAY.start - timedelta(days=28 * MOST_REQUESTS), SYSTEC_DAY.end)
    for answer, window, requests in ((told, SYSTEC_DAY, 1), (told, years, 0), (endless, SYSTEC_DAY, MOST_REQUESTS)):
        vendor = Recorder(answer)
        async with systec(vendor, page_size=1) as adapter:
            await refused(adapter, window)
        assert len(vendor.asked) == 2 * requests


async def test_a_range_of_just_so_many_requests_is_answered() -> None:
    pages = [
        systec_page(systec_row(uuid=f"{n:022}"), total=MOST_REQUESTS, has_next=n < MOST_REQUESTS)
        for n in range(1, MOST_REQUESTS + 1)
    ]
    async with systec(Recorder(*pages), page_size=1) as adapter:
        usage = await adapter.read_usage_by(UsageDimension.ROOM, SYSTEC_DAY, UsageOrder.COUNT_DESC)
    assert usage.totals.count == MOST_REQUESTS


async def test_minutes_whose_seconds_the_schema_cannot_serve_are_none() -> None:
    row = systec_row(duration=2**31 // 60 + 1)
    row["telephony_usage"][0]["duration"] = 2**31 // 60 + 1
    async with systec(Recorder(systec_page(row))) as adapter:
        (call,) = (await adapter.list_calls(SYSTEC_DAY)).rows
        (conference,) = await listed(adapter)
    assert (call.duration_seconds, conference.planned_duration_seconds) == (None, None)
    assert call.phone_number == row["telephony_usage"][0]["phone_number"]


async def test_a_total_the_schema_cannot_serve_is_refused_with_its_path() -> None:
    async with systec(Recorder(systec_page(systec_row(), total=2**31))) as adapter:
        with pytest.raises(VendorPayloadError, match=r"\$\.data\.total_record"):
            await listed(adapter)


async def test_ends_that_stand_for_none_have_no_length() -> None:
    row = systec_row(start_time="9990-01-01 00:00:00", duration=2**31 // 60)
    other = systec_row(end_time="9998-12-31 00:00:00")
    async with systec(Recorder(systec_page(row, other))) as adapter:
        first, second = await listed(adapter)
    assert (first.scheduled_end_at, first.planned_duration_seconds) == (None, 2**31 // 60 * 60)
    assert second.duration_seconds is None
