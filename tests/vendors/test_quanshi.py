"""The Quanshi adapter on the documented sample: the requests it sent and the records it made."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from answering import Asked
from conftest import sample
from starlette.responses import JSONResponse
from vendors.quanshi_app import ROW, SAMPLE, TOKEN, bodies, connected, paged, row

from graph.errors import (
    UnsupportedError,
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorUnavailableError,
)
from graph.paging.windows import EPOCH, Window
from graph.records import Capability, Conference, ConferenceState, Organization, Person
from graph.settings import Secret
from graph.statistics import LiveCounts
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.quanshi.adapter import QuanshiFields, QuanshiSettings
from graph.vendors.quanshi.fields import QuanshiConferenceFields

pytestmark = pytest.mark.anyio

PASSCODE = ROW["guestPcode"]


async def test_the_documented_row_becomes_the_documented_record() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, _):
        (conference,) = await adapter.list_live(Extras())
    started_at = datetime(2024, 5, 13, 11, 33, 20, tzinfo=UTC)
    organization = Organization(vendor_id="72927934", name="研发部")
    assert conference.vendor_id == "22188557"
    assert conference.source_name == "meetings"
    assert conference.title == "周例会"
    assert conference.state is ConferenceState.LIVE
    assert (conference.sort_time, conference.started_at, conference.ended_at) == (started_at, started_at, None)
    assert (conference.scheduled_start_at, conference.scheduled_end_at) == (None, None)
    assert (conference.duration_seconds, conference.planned_duration_seconds) == (None, None)
    assert conference.host == Person(
        account_id="10001", name="张三", email="zhangsan@example.com", organization=organization
    )
    assert conference.department == organization
    assert conference.company is None
    assert conference.member_count == 5
    assert conference.members is None
    assert conference.vendor_fields == QuanshiFields(
        event_id=1165158,
        customer_code="990001",
        host_account_type=1,
        host_account_type_name="付费",
        host_ip="10.0.0.1",
        is_secure=False,
        is_recorded=True,
        status=2,
        conf_duration_seconds=3600,
        voip_count=0,
        pstn_count=0,
        video_count=2,
        desktop_count=3,
        mcu_count=0,
        box_count=0,
        raw_attendee_count=4,
        raw_pstn_count=0,
    )


async def test_every_filled_field_reaches_its_place() -> None:
    """The sample leaves these empty: a blank that is always None would pass there."""
    full = row(
        1,
        billingCode="B1",
        hostMobile="13800000000",
        hostLocation="北京",
        dataCenter="bj1",
        isSecureConf=None,
        mcuCnt=7,
    )
    async with connected(paged([full])) as (adapter, _):
        (conference,) = await adapter.list_live(Extras())
    fields = conference.vendor_fields
    assert isinstance(fields, QuanshiFields)
    assert conference.host is not None
    assert conference.host.phone_number == "13800000000"
    assert (fields.billing_code, fields.host_location, fields.data_center) == ("B1", "北京", "bj1")
    assert (fields.is_secure, fields.mcu_count) == (None, 7)


def test_the_graphql_type_describes_the_record() -> None:
    described: Any = QuanshiConferenceFields
    assert {f.name for f in dataclasses.fields(described)} == {f.name for f in msgspec.structs.fields(QuanshiFields)}


async def test_the_passcode_is_nowhere() -> None:
    both = row(1, pcode2="9999888877")
    async with connected(paged([both])) as (adapter, _):
        conferences = await adapter.list_live(Extras())
    assert PASSCODE not in repr(conferences)
    assert "9999888877" not in repr(conferences)


async def test_older_names_and_missing_fields_are_accepted() -> None:
    bare = {"conferenceId": "7", "title": "旧名", "startTime": 1715600000, "status": 2, "attendeeCnt": 1}
    async with connected(paged([bare])) as (adapter, _):
        (conference,) = await adapter.list_live(Extras())
    assert conference.title == "旧名"
    assert (conference.host, conference.department) == (None, None)
    assert conference.vendor_fields == QuanshiFields(status=2)


async def test_what_is_sent_by_default() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, vendor):
        await adapter.list_live(Extras())
    assert bodies(vendor) == [{"page": 1, "count": 50, "filterOneAttendee": False}]
    headers = vendor.asked[0].headers
    assert (vendor.asked[0].method, vendor.asked[0].path) == ("POST", "/prefix/confopenapi/conference/listbystatus")
    assert headers["token"] == TOKEN
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/json"


async def test_what_is_sent_is_the_documented_request() -> None:
    settings = {"admin_user_id": 123456789, "page_size": 10, "token_in": "body"}
    async with connected(lambda _: SAMPLE, **settings) as (adapter, vendor):
        await adapter.list_live(Extras())
    assert bodies(vendor) == [{**sample("quanshi-listbystatus-request"), "token": TOKEN}]
    assert "token" not in vendor.asked[0].headers


async def test_conferences_of_one_person_can_be_left_out() -> None:
    async with connected(lambda _: SAMPLE, filter_one_attendee=True) as (adapter, vendor):
        await adapter.list_live(Extras())
    assert bodies(vendor)[0]["filterOneAttendee"] is True


STATES = {0: "UNKNOWN", 1: "SCHEDULED", 2: "LIVE", 4: "ENDED", 5: "EXPIRED", 77: "UNKNOWN"}


async def test_only_rows_of_status_2_are_listed_but_all_are_counted() -> None:
    rows = [row(100 + status, status=status, attendeeCnt=status) for status in STATES]
    async with connected(paged(rows), page_size=4) as (adapter, _):
        assert [c.vendor_id for c in await adapter.list_live(Extras())] == ["102"]
        assert await adapter.read_live() == LiveCounts(conference_count=6, member_count=89)


async def test_ids_are_found_on_the_list_read_once() -> None:
    rows = [row(100 + status, status=status, stopTime=1715603600) for status in STATES]
    async with connected(paged(rows)) as (adapter, vendor):
        asked = [*(str(100 + status) for status in STATES), "5", "102"]
        *known, absent, again = await adapter.get_conferences(asked, Extras())
    found = [conference for conference in known if isinstance(conference, Conference)]
    states = {c.vendor_id: c.state.value for c in found}
    assert states == {str(100 + status): name for status, name in STATES.items()}
    assert absent is None
    assert again == known[2]
    assert len(bodies(vendor)) == 1
    assert [c.state for c in found if c.duration_seconds is not None] == [ConferenceState.ENDED]
    assert isinstance(again, Conference)
    assert again.ended_at == datetime(2024, 5, 13, 12, 33, 20, tzinfo=UTC)


async def test_a_failure_by_id_is_a_value_for_each_id() -> None:
    async with connected(lambda _: JSONResponse({}, 503)) as (adapter, vendor):
        assert await adapter.get_conferences([], Extras()) == []
        assert bodies(vendor) == []
        answers = await adapter.get_conferences(["1", "2"], Extras())
    assert [type(answer) for answer in answers] == [VendorUnavailableError] * 2


async def test_what_it_can_do() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, _):
        assert adapter.capabilities == {Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY}
        assert adapter.states == {ConferenceState.LIVE}
        with pytest.raises(UnsupportedError):
            await adapter.list_conferences(ConferenceQuery(Window(EPOCH, EPOCH)))


async def test_check_reads_one_row() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, vendor):
        assert await adapter.check() == "2 conferences on the list"
    assert bodies(vendor) == [{"page": 1, "count": 1, "filterOneAttendee": False}]


@pytest.mark.parametrize(
    ("code", "http_status", "kind"),
    [
        (20713, 200, VendorRefusedError),
        (20713, 400, VendorRefusedError),
        (20713, 500, VendorRefusedError),
        (401, 200, VendorAuthError),
        (401, 500, VendorAuthError),
        (777, 200, VendorRefusedError),
        (777, 503, VendorUnavailableError),
    ],
)
async def test_a_code_in_the_body_is_the_vendors_refusal(code: int, http_status: int, kind: type[VendorError]) -> None:
    """Whatever the HTTP status, which tells what kind of failure it is only where the code does not."""
    refusal = {"status": code, "result": None, "msg": f"token {TOKEN} refused", "request_id": "r-1"}
    async with connected(lambda _: JSONResponse(refusal, http_status)) as (adapter, _):
        with pytest.raises(VendorError) as caught:
            await adapter.list_live(Extras())
    error = caught.value
    assert type(error) is kind
    assert (error.vendor_code, error.request_id, error.source) == (str(code), "r-1", "meetings")
    assert TOKEN not in str(error) + repr(error)


async def test_a_refused_token_is_read_again_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("renewed\n")
    served: list[str] = []

    def answer(asked: Asked) -> Any:
        served.append(asked.headers["token"])
        return SAMPLE if served[-1] == "renewed" else JSONResponse({"status": 401}, 401)

    async with connected(answer, token=Secret("stale", file)) as (adapter, vendor):
        assert len(await adapter.list_live(Extras())) == 1
        file.write_text("")
        vendor.answer = lambda _: JSONResponse({}, 403)
        with pytest.raises(VendorAuthError):
            await adapter.check()
    assert served == ["stale", "renewed"]


async def test_of_two_requests_refused_at_once_both_are_sent_again(tmp_path: Path) -> None:
    """The file changed once: the one that reads it later must not take that for "nothing new"."""
    file = tmp_path / "token"
    file.write_text("renewed")

    def answer(asked: Asked) -> Any:
        return SAMPLE if asked.headers["token"] == "renewed" else {"status": 401}

    async with connected(answer, token=Secret("stale", file)) as (adapter, vendor):
        vendor.delay_s = 0.02
        assert len(set(await asyncio.gather(adapter.check(), adapter.check()))) == 1
    assert len(bodies(vendor)) == 4


@pytest.mark.parametrize(
    ("field", "value", "is_read"),
    [
        ("eventId", 2**53, True),
        ("hostName", 5, True),
        ("conferenceId", 22188557, False),
        ("startTime", "张三 soon", False),
        ("startTime", 10**18, False),
    ],
)
async def test_a_row_is_read_without_a_value_that_does_not_fit_or_left_out(
    field: str, value: Any, *, is_read: bool
) -> None:
    async with connected(paged([row(1, **{field: value}), row(2)])) as (adapter, _):
        live = await adapter.list_live(Extras())
        (found,) = adapter.client.drift.observed()
    assert [conference.vendor_id for conference in live] == ["1", "2"][not is_read :]
    assert live.left_out == (not is_read)
    assert (found.field, found.kind) == (f"$.result.confList[].{field}", "wrong type")


async def test_a_success_without_result_does_not_fit() -> None:
    async with connected(lambda _: {"status": 0, "result": None}) as (adapter, _):
        with pytest.raises(VendorPayloadError, match=r"\$.result"):
            await adapter.read_live()


def test_settings_say_what_is_wrong() -> None:
    base: dict[str, Any] = {"vendor": "quanshi", "base_url": "https://example.com"}
    assert QuanshiSettings(**base, token=Secret("t")).faults() == []
    wrong = QuanshiSettings(**base, token=Secret("令牌"), page_size=51)
    assert wrong.faults() == [
        "page_size: expected at most 50",
        "token: expected printable ASCII, it is sent as a header",
    ]
    assert QuanshiSettings(**base, token=Secret("令牌"), token_in="body").faults() == []
    assert "令牌" not in repr(wrong) + json.dumps(wrong.faults())
