"""SYSTEC's adapter on the documented sample: the requests sent and the records made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from accounts import SECRETS, SYSTEC_DAY, at, systec, systec_page, systec_row
from conftest import sample
from recorder import Recorder
from starlette.responses import JSONResponse, PlainTextResponse

from graph import clock
from graph.errors import (
    UnsupportedError,
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from graph.ids import faint_hash, short_hash
from graph.paging.rows import Slice
from graph.paging.windows import Window
from graph.records import (
    Call,
    Conference,
    ConferenceState,
    Money,
    Room,
    UsageDimension,
    UsageOrder,
)
from graph.settings import Secret
from graph.statistics import UsageStats
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.systec.adapter import Place, SystecAdapter, SystecSettings
from graph.vendors.systec.detail import Met
from graph.vendors.systec.mapping import SystecFields

pytestmark = pytest.mark.anyio

BOTH = Extras(members=True, calls=True)
UUID = "dgvOvqWVRUWjrEOS2YI2ig=="
ROOM = Room(source_name="sy", key="ABCDEFGHIJKLMNOPQRSTUVWXYZ", vendor_id="ABCDEFGHIJKLMNOPQRSTUVWXYZ")


async def only(adapter: SystecAdapter, extras: Extras = Extras()) -> Conference:  # noqa: B008 - frozen
    """The one row of a page."""
    (conference,) = (await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY, extras))).rows
    return conference


# ---- requests -----------------------------------------------------------------------------------


async def test_list_sends_the_documented_form() -> None:
    """A POST form; `to` is the day after, as it may be exclusive; flags and the room only when asked for."""
    vendor = Recorder(sample("systec-detail"))
    async with systec(vendor) as adapter:
        await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
        await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY, BOTH, room=ROOM.key), Place(0, 3, Met()))
    plain, full = vendor.asked
    assert (plain.method, plain.path) == ("POST", "/umeeting/share/detail")
    assert plain.headers["content-type"] == "application/x-www-form-urlencoded"
    form = {
        "api_key": SECRETS[0],
        "api_secret": SECRETS[1],
        "from": "2017-08-31",
        "to": "2017-09-01",
        "page_number": "1",
        "page_size": "300",
    }
    assert plain.form == form
    flags = {"show_participants": "true", "show_telephony_usage": "true"}
    assert full.form == form | flags | {"host_id": ROOM.key, "page_number": "3"}


async def test_days_are_those_of_the_zone_and_cover_the_window() -> None:
    """Padded dates; a window that ends a moment into a day asks for that day too."""
    vendor = Recorder(systec_page())
    async with systec(vendor) as adapter:
        window = Window(at("2018-01-01 23:00:00"), at("2018-01-03 00:00:01"))
        await adapter.list_conferences(ConferenceQuery(window))
        await adapter.list_conferences(ConferenceQuery(Window(window.start, at("2018-01-03 00:00:00"))))
    assert [(asked.form["from"], asked.form["to"]) for asked in vendor.asked] == [
        ("2018-01-01", "2018-01-04"),
        ("2018-01-01", "2018-01-03"),
    ]


async def test_no_request_spans_a_month() -> None:
    """The vendor silently cuts a longer range: it is asked in stretches of four weeks, all of them, page by page."""
    second = systec_page(systec_row(uuid="b" * 22), total=2)
    vendor = Recorder(systec_page(systec_row(), total=2, has_next=True), second, systec_page(), systec_page())
    window = Window(at("2018-01-15 00:00:00"), at("2018-03-20 00:00:00"))
    rows: list[Conference] = []
    async with systec(vendor) as adapter:
        token: object | None = None
        for _ in range(9):
            listed = await adapter.list_conferences(ConferenceQuery(window), token)
            rows += listed.rows
            token = listed.token
            assert listed.total is None
            if token is None:
                break
    asked = [(a.form["from"], a.form["to"], a.form["page_number"]) for a in vendor.asked]
    assert asked == [
        ("2018-01-15", "2018-02-12", "1"),
        ("2018-01-15", "2018-02-12", "2"),
        ("2018-02-12", "2018-03-12", "1"),
        ("2018-03-12", "2018-03-20", "1"),
    ]
    assert [row.vendor_id for row in rows] == [UUID, "b" * 22]


async def test_every_window_of_the_grid_is_one_request() -> None:
    """Also where the range filters the end of a meeting, and is asked wider."""
    vendor = Recorder(systec_page())
    async with systec(vendor, time_filter="end", max_conference_hours=25) as adapter:
        start = adapter.grid.anchor + 1088 * adapter.grid.widest
        listed = await adapter.list_conferences(ConferenceQuery(Window(start, start + adapter.grid.widest)))
    assert (listed.total, listed.token) == (0, None)
    form = vendor.asked[0].form
    assert datetime.fromisoformat(form["to"]) - datetime.fromisoformat(form["from"]) == timedelta(days=18)


async def test_nothing_is_asked_about_the_future_or_of_no_room() -> None:
    """Rows are ended meetings; a host_id of another kind is nobody's."""
    vendor = Recorder(systec_page())
    now = clock.now()
    async with systec(vendor) as adapter:
        future = Window(now + timedelta(days=2), datetime.max.replace(tzinfo=UTC))
        for query in (ConferenceQuery(future), ConferenceQuery(SYSTEC_DAY, room="no room!")):
            assert await adapter.list_conferences(query) == Slice((), 0, None)
    assert vendor.asked == []


# ---- records ------------------------------------------------------------------------------------


async def test_documented_row_becomes_a_record() -> None:
    """Every field of the sample's meeting; participants that were not asked for say nothing."""
    async with systec(Recorder(sample("systec-detail"))) as adapter:
        listed = await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
    assert (listed.total, listed.token) == (1, None)
    start = at("2017-08-31 00:00:00")
    assert list(listed.rows) == [
        Conference(
            source_name="sy",
            vendor_id=UUID,
            state=ConferenceState.ENDED,
            sort_time=start,
            number="1790001234",
            title="Hello world!",
            started_at=start,
            ended_at=at("2017-08-31 01:00:00"),
            scheduled_start_at=start,
            scheduled_end_at=at("2017-08-31 02:00:00"),
            duration_seconds=3600,
            planned_duration_seconds=7200,
            room=ROOM,
            vendor_fields=SystecFields(is_extra=False),
        )
    ]


async def test_documented_participants_become_members() -> None:
    async with systec(Recorder(sample("systec-detail"))) as adapter:
        conference = await only(adapter, Extras(members=True))
    assert (conference.member_count, conference.calls) == (1, None)
    assert conference.members is not None
    (member,) = conference.members
    assert (member.source_name, member.conference_vendor_id, member.display_name) == ("sy", UUID, "XYZ")
    assert member.vendor_id == f"{UUID}:{short_hash('XYZ', '2017-08-31 00:51:00')}:0"
    assert (member.joined_at, member.left_at) == (at("2017-08-31 00:51:00"), at("2017-08-31 00:53:04"))
    assert (member.duration_seconds, member.role, member.vendor_fields) == (124, None, None)


async def test_documented_telephony_becomes_calls() -> None:
    """Minutes made seconds, the price as it was written."""
    async with systec(Recorder(sample("systec-detail"))) as adapter:
        conference = await only(adapter, Extras(calls=True))
        legs = (await adapter.list_calls(SYSTEC_DAY)).rows
    assert (conference.members, conference.member_count) == (None, None)
    assert conference.calls is not None
    (call,) = conference.calls
    assert call.vendor_id == f"{UUID}:{faint_hash('+8613716819201', '2017-08-31 00:51:00')}:0"
    assert (call.source_name, call.phone_number, call.call_type) == ("sy", "+8613716819201", "call-out")
    assert (call.started_at, call.ended_at) == (at("2017-08-31 00:51:00"), at("2017-08-31 00:53:00"))
    assert (call.duration_seconds, call.cost) == (120, Money(amount="0.12", currency="CNY"))
    assert (call.conference_vendor_id, call.conference_number, call.room) == (UUID, "1790001234", ROOM)
    assert list(legs) == [call]


async def test_equal_rows_are_told_apart_whatever_their_order() -> None:
    """Ordinals among equals; ids do not change when the vendor sends the same rows in another order."""
    span = {"name": "李 Li", "join_time": "2017-08-31 00:10:00", "leave_time": "2017-08-31 00:20:00"}
    leg = sample("systec-detail")["data"]["meetings"][0]["telephony_usage"][0]
    people = [span, span | {"leave_time": "2017-08-31 00:30:00"}, span | {"name": "Bo"}]
    legs = [leg, leg | {"end_time": "2017-08-31 00:55:00"}]
    one = systec_row(participants=people, telephony_usage=legs)
    two = systec_row(participants=people[::-1], telephony_usage=legs[::-1])
    async with systec(Recorder(systec_page(one), systec_page(two))) as adapter:
        first, second = await only(adapter, BOTH), await only(adapter, BOTH)
    assert first == second
    assert first.member_count == 2
    assert first.members is not None
    assert first.calls is not None
    assert len({member.id for member in first.members}) == 3
    assert sorted(member.vendor_id[-2:] for member in first.members) == [":0", ":0", ":1"]
    assert [call.vendor_id[-2:] for call in first.calls] == [":0", ":1"]


@pytest.mark.parametrize("written", ["0.10", "3", "12.345678901234567890", "1e-7", "0"])
async def test_prices_lose_no_digit(written: str) -> None:
    body = JSONResponse(systec_page(systec_row(telephony_usage=[{"total": 0.12}])))
    changed = bytes(body.body).replace(b"0.12", written.encode())
    async with systec(Recorder(PlainTextResponse(changed))) as adapter:
        conference = await only(adapter, BOTH)
    assert conference.calls is not None
    assert conference.calls[0].cost == Money(amount="0.0000001" if "e" in written else written, currency="CNY")


async def test_blanks_and_other_spellings() -> None:
    """Numbers for meeting_id, unpadded dates, blanks; arrays that were asked for and left out say nothing."""
    changes: dict[str, Any] = {"meeting_id": 1790001234, "start_time": "2017-8-31 00:00:00", "end_time": ""}
    changes |= {"topic": "", "host_id": "", "duration": None, "is_extra": 1, "telephony_usage": None}
    row = systec_row(**changes)
    del row["participants"]
    async with systec(Recorder(systec_page(row))) as adapter:
        conference = await only(adapter, BOTH)
    assert (conference.number, conference.started_at) == ("1790001234", at("2017-08-31 00:00:00"))
    assert (conference.title, conference.room, conference.ended_at, conference.duration_seconds) == (None,) * 4
    assert (conference.planned_duration_seconds, conference.scheduled_end_at) == (None, None)
    assert (conference.members, conference.member_count, conference.calls) == (None, None, None)
    assert conference.vendor_fields == SystecFields(is_extra=True)


async def test_calls_are_read_from_meetings_that_began_earlier() -> None:
    """A leg comes with its meeting, which may have begun before the window."""
    vendor = Recorder(sample("systec-detail"))
    async with systec(vendor, max_conference_hours=25) as adapter:
        listed = await adapter.list_calls(SYSTEC_DAY)
    form = vendor.asked[0].form
    assert (form["from"], form["to"], form["show_telephony_usage"]) == ("2017-08-29", "2017-09-01", "true")
    assert (len(listed.rows), listed.total, listed.token) == (1, None, None)


async def test_a_page_of_meetings_without_calls_is_an_empty_page_of_calls() -> None:
    """A list request is one page of the vendor, so that budgets hold; the slice says that it may be empty."""
    silent = [systec_page(systec_row(uuid=c * 22, telephony_usage=[]), total=3, has_next=True) for c in "bc"]
    vendor = Recorder(*silent, sample("systec-detail"))
    slices: list[Slice[Call]] = []
    async with systec(vendor) as adapter:
        while not slices or slices[-1].token is not None:
            slices.append(await adapter.list_calls(SYSTEC_DAY, slices[-1].token if slices else None))
            assert len(vendor.asked) == len(slices)
    assert [asked.form["page_number"] for asked in vendor.asked] == ["1", "2", "3"]
    assert [(len(part.rows), part.is_sparse) for part in slices] == [(0, True), (0, True), (1, True)]


# ---- rooms and usage ----------------------------------------------------------------------------


async def test_rooms_and_usage_are_folded_from_the_rows_of_the_window() -> None:
    """Each room once, over all pages; what lies outside the window does not count, a row read twice counts once."""
    at_ten = {"start_time": "2017-08-31 10:00:00", "end_time": "2017-08-31 10:10:00"}
    late = {"start_time": "2017-09-01 00:00:00", "end_time": "2017-09-01 09:00:00"}
    first = systec_page(systec_row(), systec_row(uuid="b" * 22, **at_ten), total=4, has_next=True)
    rest = (systec_row(), systec_row(uuid="c" * 22, host_id="other", **at_ten), systec_row(uuid="d" * 22, **late))
    vendor = Recorder(*[first, systec_page(*rest, total=4)] * 2)
    async with systec(vendor) as adapter:
        rooms = await adapter.list_rooms(SYSTEC_DAY)
        usage = await adapter.read_usage_by(UsageDimension.ROOM, SYSTEC_DAY, UsageOrder.COUNT_DESC)
    other = Room(source_name="sy", key="other", vendor_id="other")
    assert sorted(rooms, key=lambda room: room.key) == [ROOM, other]
    mine, others = usage.groups
    assert (mine.source_name, mine.key, mine.name, mine.room) == ("sy", ROOM.key, None, ROOM)
    assert mine.stats == UsageStats(
        count=2,
        total_duration_seconds=4200,
        min_duration_seconds=600,
        max_duration_seconds=3600,
        average_duration_seconds=2100.0,
    )
    assert (others.key, others.stats.count, others.room) == ("other", 1, other)
    assert (usage.totals.count, usage.totals.total_duration_seconds) == (3, 4800)


async def test_a_list_that_changes_while_it_is_read_is_read_again() -> None:
    """Twice at most: rows that moved between pages would otherwise be lost unseen."""
    moving = [systec_page(systec_row(), total=2, has_next=True), systec_page(total=1)]
    vendor = Recorder(*moving, sample("systec-detail"))
    async with systec(vendor) as adapter:
        assert await adapter.list_rooms(SYSTEC_DAY) == (ROOM,)
        assert len(vendor.asked) == 3
        vendor.answers = moving * 4
        with pytest.raises(VendorUnavailableError, match="changed"):
            await adapter.list_rooms(SYSTEC_DAY)
    assert len(vendor.asked) == 9


async def test_other_dimensions_are_unsupported() -> None:
    vendor = Recorder(systec_page())
    async with systec(vendor) as adapter:
        for dimension in set(UsageDimension) - {UsageDimension.ROOM}:
            with pytest.raises(UnsupportedError):
                await adapter.read_usage_by(dimension, SYSTEC_DAY, UsageOrder.COUNT_DESC)
    assert vendor.asked == []


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"), [(401, VendorAuthError), (403, VendorAuthError), (300, VendorRefusedError)]
)
async def test_a_status_in_the_body_becomes_an_error(status: int, kind: type[VendorError]) -> None:
    """With the vendor's number; its words, which may repeat the form, and our credentials are not passed on."""
    said = f"bad {SECRETS[0]} {SECRETS[1]}"
    async with systec(Recorder({"status": status, "message": said, "data": None})) as adapter:
        with pytest.raises(VendorError) as caught:
            await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
        health = adapter.client.health()
    error = caught.value
    assert type(error) is kind
    assert (error.source, error.endpoint, error.vendor_code) == ("sy", "detail", str(status))
    assert not any(secret in f"{error!r} {error} {vars(error)} {health}" for secret in SECRETS)


async def test_http_status_decides_where_the_body_does_not() -> None:
    answers = [PlainTextResponse("busy", 503), JSONResponse({"status": 500}, 500), PlainTextResponse("wait", 429), []]
    async with systec(Recorder(*answers)) as adapter:
        for kind in (VendorUnavailableError, VendorUnavailableError, VendorThrottledError, VendorPayloadError):
            with pytest.raises(kind):
                await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))


async def test_renewed_credentials_are_tried_once(tmp_path: Path) -> None:
    """After a refusal they are read again; where they are the same, asking again would not help."""
    file = tmp_path / "secret"
    file.write_text("renewed")
    vendor = Recorder({"status": 401}, sample("systec-detail"), {"status": 401})
    async with systec(vendor, api_secret=Secret("stale", file)) as adapter:
        assert (await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))).total == 1
        with pytest.raises(VendorAuthError):
            await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
    assert [asked.form["api_secret"] for asked in vendor.asked] == ["stale", "renewed", "renewed"]


async def test_a_row_that_does_not_fit_is_left_out() -> None:
    async with systec(Recorder(systec_page(systec_row(start_time=""), systec_row()))) as adapter:
        page = await adapter.list_conferences(ConferenceQuery(SYSTEC_DAY))
    assert ([row.vendor_id for row in page.rows], page.left_out) == ([systec_row()["uuid"]], 1)


async def test_check_asks_for_one_row_of_today() -> None:
    vendor = Recorder(systec_page())
    async with systec(vendor) as adapter:
        today = clock.now().astimezone(adapter.zone).date()
        assert await adapter.check() == "detail answered"
    form = vendor.asked[0].form
    assert (form["from"], form["to"]) == (today.isoformat(), (today + timedelta(days=1)).isoformat())
    assert form["page_size"] == "1"


def test_settings_refuse_a_larger_page() -> None:
    table = {"api_key": Secret("x"), "api_secret": Secret("x"), "page_size": 301}
    bad = SystecSettings(vendor="systec", base_url="http://127.0.0.1", **table)  # type: ignore[arg-type]
    assert [fault.split(":")[0] for fault in bad.faults()] == ["page_size"]
