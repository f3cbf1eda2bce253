"""HexMeet's lists on the documented samples: the requests sent, the records made, scrolls, refusals."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import sample
from vendors.hexmeet_app import NOW, OK, TOKEN, call_row, conference_row, hexmeet, page

from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorExpiredError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.paging.windows import Window
from graph.records import Capability, ConferenceState, McuResource, Organization, Person, Room
from graph.settings import Secret
from graph.transport.messages import Retry, VendorRequest
from graph.vendors.base import ConferenceQuery
from graph.vendors.hexmeet.adapter import HexmeetAdapter, HexmeetFields
from graph.vendors.hexmeet.reports import HexmeetSettings

pytestmark = pytest.mark.anyio

DAY = Window(datetime(2021, 1, 10, 16, tzinfo=UTC), datetime(2021, 1, 11, 16, tzinfo=UTC))
LISTS = {"conferences": "term_conf_stats", "calls": "term_call_stats"}
ROWS: dict[str, Any] = {"conferences": conference_row(1, DAY.start), "calls": call_row(1, 1, DAY.start)}


async def read(adapter: HexmeetAdapter, kind: str, token: object | None = None) -> Any:
    if kind == "calls":
        return await adapter.list_calls(DAY, token)
    return await adapter.list_conferences(ConferenceQuery(DAY), token)


# ---- what is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LISTS)
async def test_a_list_sends_every_common_field(kind: str) -> None:
    async with hexmeet({LISTS[kind]: [page([]), page([])]}, page_size=77, scroll_timeout_s=3) as (adapter, vendor):
        await read(adapter, kind)
        await read(adapter, kind)
    first, second = vendor.asked
    assert (first.report, first.query) == (LISTS[kind], "domainId=null")
    guid = first.body.pop("guid")
    assert len(guid) == 32
    assert guid != second.body["guid"], "each request has its own guid"
    assert first.body == {
        "agent_id": 101376,
        "company_id": 31314944,
        "dept_id": 33931264,
        "start_time": "2021-01-11T00:00:00.000+08:00",
        "end_time": "2021-01-12T00:00:00.000+08:00",
        "time_zone": "+08:00",
        "token": TOKEN,
        "size": 77,
        "scroll_timeout": "3s",
    }


async def test_finer_instants_ask_for_the_same_whole_milliseconds() -> None:
    """Rows bear milliseconds, so [.1234, .1999) holds what [.124, .200) holds: counts stay exact."""
    window = Window(DAY.start.replace(microsecond=123_400), DAY.start.replace(microsecond=199_900))
    async with hexmeet({"term_call_stats": [page([])]}) as (adapter, vendor):
        await adapter.list_calls(window)
    body = vendor.asked[0].body
    assert (body["start_time"][-10:], body["end_time"][-10:]) == (".124+08:00", ".200+08:00")


async def test_a_vendor_that_filters_by_end_is_asked_wider_and_its_total_is_not_ours() -> None:
    async with hexmeet({"term_conf_stats": [page([])]}, time_filter="end", domain_id="7") as (adapter, vendor):
        assert (await read(adapter, "conferences")).total is None
    assert vendor.asked[0].body["end_time"] == "2021-01-13T01:00:00.000+08:00"
    assert vendor.asked[0].query == "domainId=7"


def test_everything_but_a_live_list_is_declared() -> None:
    assert set(Capability) - HexmeetAdapter.capabilities == {Capability.LIST_LIVE_CONFERENCES}
    assert HexmeetAdapter.states == {ConferenceState.ENDED}


# ---- the documented samples ---------------------------------------------------------------------

SHARED_FIELDS = {
    "conf_number": ("number", "13910001021"),
    "department": ("department", Organization(vendor_id="33931264", name="研发北京")),
    "department_id": ("department.vendor_id", "33931264"),
    "company": ("company", Organization(vendor_id="31314944", name="hexmeetrd 研发专用公司")),
    "company_id": ("company.vendor_id", "31314944"),
    "agent": ("agent", Organization(vendor_id="101376", name="HexMeet RD Agent")),
    "agent_id": ("agent.vendor_id", "101376"),
    "error_code": ("error_code", 0),
}
CONFERENCE_FIELDS = SHARED_FIELDS | {
    "conf_guid": ("vendor_id", "0f101e6cf75b44c28ead23040723213e"),
    "conf_name": ("title", "liuc@hexmeet 的会议"),
    "room_name": (
        "room",
        Room(source_name="hex", key="研发 10 方个人会议室 Olsen", name="研发 10 方个人会议室 Olsen", capacity=10),
    ),
    "capacity": ("room.capacity", 10),
    "host": ("host", Person(name="liuc")),
    "startTime": ("started_at", datetime(2021, 1, 11, 11, 3, 20, 279000, tzinfo=UTC)),
    "endTime": ("ended_at", datetime(2021, 1, 11, 11, 57, 10, 627000, tzinfo=UTC)),
    "duration": ("duration_seconds", 3230),
    "max_party_count": ("peak_member_count", 5),
    "error_info": ("error_info", None),
    "type": ("vendor_fields", HexmeetFields(type=3)),
}
CALL_FIELDS = SHARED_FIELDS | {
    "call_guid": ("vendor_id", "5d0d1d23-95b3-49bd-b576-7a7f79173c35"),
    "conf_guid": ("conference_vendor_id", "117777b31ac7449bb021de3749a11af2"),
    "conf_number": ("conference_number", "13910001021"),
    "name": ("display_name", "刘冲安卓"),
    "room": ("room", Room(source_name="hex", key="研发 10 方个人会议室 Olsen", name="研发 10 方个人会议室 Olsen")),
    "startTime": ("started_at", datetime(2021, 1, 12, 12, 39, 35, tzinfo=UTC)),
    "endTime": ("ended_at", datetime(2021, 1, 12, 12, 45, 40, tzinfo=UTC)),
    "duration": ("duration_seconds", 365),
    "call_rate": ("bitrate_kbps", 2048),
    "call_type": ("call_type", "USER"),
    "version": ("client_version", "HexMeet EasyVideo Android SVC 1.4.146"),
    "mcu_name": ("mcu", McuResource(source_name="hex", name="haishen mru 192 168 1 68")),
    "error_info": ("error_info", "NORMAL"),
}


@pytest.mark.parametrize(("kind", "fields"), [("conferences", CONFERENCE_FIELDS), ("calls", CALL_FIELDS)])
async def test_each_documented_field_has_its_record_value(kind: str, fields: dict[str, tuple[str, Any]]) -> None:
    body = sample(f"hexmeet-{LISTS[kind]}")
    assert set(body["buckets"][0]) == set(fields), "a documented field is not listed here"
    async with hexmeet({LISTS[kind]: [body]}) as (adapter, _):
        found = await read(adapter, kind)
    assert found.total == 2276
    assert found.token is not None, "2275 rows are still to come"
    for name, (path, expected) in fields.items():
        value = found.rows[0]
        for part in path.split("."):
            value = getattr(value, part)
        assert value == expected, name


async def test_a_conference_is_ended_and_sorted_by_its_start() -> None:
    async with hexmeet({"term_conf_stats": [sample("hexmeet-term_conf_stats")]}) as (adapter, _):
        row = (await read(adapter, "conferences")).rows[0]
    assert (row.state, row.sort_time, row.source_name) == (ConferenceState.ENDED, row.started_at, "hex")
    assert (row.member_count, row.scheduled_start_at, row.members, row.calls) == (None, None, None, None)


async def test_snake_case_times_and_absent_or_blank_fields_are_understood() -> None:
    row: dict[str, Any] = {
        "conf_guid": "a" * 32,
        "duration": 0,
        "conf_name": "",
        "host": "",
        "room_name": "",
        "agent": "",
    }
    times = {"start_time": "2021-01-11T11:03:20Z", "end_time": None}
    async with hexmeet({"term_conf_stats": [page([row | times])]}) as (adapter, _):
        conference = (await read(adapter, "conferences")).rows[0]
    assert conference.started_at == datetime(2021, 1, 11, 11, 3, 20, tzinfo=UTC)
    blank = ("ended_at", "title", "host", "room", "agent", "company", "department", "number", "error_code")
    assert {name: getattr(conference, name) for name in blank} == dict.fromkeys(blank)


# ---- scrolls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LISTS)
async def test_a_scroll_is_read_on_with_its_newest_id_and_ends_with_the_total(kind: str) -> None:
    one = ROWS[kind]
    others = [one | {"conf_guid": f"{n:032x}", "call_guid": f"call-{n}"} for n in (2, 3)]
    answers = [page([one], 3, "first"), page([others[0]], 3, "second"), page([others[1]], 3, "third")]
    async with hexmeet({LISTS[kind]: answers}) as (adapter, vendor):
        token, tokens = None, []
        for _ in range(3):
            token = (await read(adapter, kind, token)).token
            tokens.append(token is not None)
    assert tokens == [True, True, False], "no request for an empty page once all rows came"
    bodies = [{name: value for name, value in asked.body.items() if name != "guid"} for asked in vendor.asked]
    assert bodies[1:] == [bodies[0] | {"scrollid": "first"}, bodies[0] | {"scrollid": "second"}]


@pytest.mark.parametrize("end", [page([], 9), page([ROWS["calls"]], 9) | {"count": 0}])
async def test_an_empty_page_ends_a_scroll(end: dict[str, Any]) -> None:
    async with hexmeet({"term_call_stats": [page([ROWS["calls"]], 9), end]}) as (adapter, _):
        token = (await read(adapter, "calls")).token
        assert (await read(adapter, "calls", token)).token is None


async def test_rows_that_come_twice_do_not_end_a_scroll_early() -> None:
    async with hexmeet({"term_call_stats": [page([ROWS["calls"]] * 2, 2)]}) as (adapter, _):
        assert (await read(adapter, "calls")).token is not None


async def test_rows_missing_without_a_scrollid_are_an_error_not_an_end() -> None:
    async with hexmeet({"term_call_stats": [page([ROWS["calls"]], 2, "")]}) as (adapter, _):
        with pytest.raises(VendorPayloadError, match="scrollid"):
            await read(adapter, "calls")


async def test_a_scroll_that_moves_no_further_is_an_error() -> None:
    async with hexmeet({"term_call_stats": lambda _: page([ROWS["calls"]], 2)}) as (adapter, _):
        token = (await read(adapter, "calls")).token
        with pytest.raises(VendorPayloadError, match="again and again"):
            await read(adapter, "calls", token)


async def test_a_scroll_page_that_timed_out_is_never_asked_again() -> None:
    async def never() -> None:
        await asyncio.sleep(30)

    async with hexmeet({"term_call_stats": [page([ROWS["calls"]], 2), never()]}) as (adapter, vendor):
        token = (await read(adapter, "calls")).token
        adapter.client.timeout_s = 1.0
        with pytest.raises(VendorTimeoutError):
            await read(adapter, "calls", token)
        asked = len(vendor.asked)
        with pytest.raises(VendorUnavailableError, match="read from the start"):
            await read(adapter, "calls", token)
        assert len(vendor.asked) == asked == 2


async def test_no_page_may_be_sent_again_by_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    safe = []
    async with hexmeet({"term_call_stats": [page([ROWS["calls"]], 2), page([])]}) as (adapter, _):
        call = adapter.client.call

        def spy(request: VendorRequest, reader: Any) -> Any:
            safe.append(request.retry)
            return call(request, reader)

        monkeypatch.setattr(adapter.client, "call", spy)
        await read(adapter, "calls", (await read(adapter, "calls")).token)
    assert safe == [Retry.IF_UNDONE, Retry.NEVER], "a lost answer may have opened a scroll, or moved one on"


# ---- refusals -----------------------------------------------------------------------------------

LEAK = f"No search context found for id [first] of {TOKEN}"
REFUSALS: list[tuple[Any, type[VendorError], type[VendorError], str | None]] = [
    ({**OK, "err_code": 401, "err_info": LEAK}, VendorAuthError, VendorAuthError, "401"),
    ({**OK, "err_code": 403, "err_info": LEAK}, VendorAuthError, VendorAuthError, "403"),
    ((401, {}), VendorAuthError, VendorAuthError, None),
    ({**OK, "err_code": 429, "err_info": LEAK}, VendorThrottledError, VendorThrottledError, "429"),
    ((429, b"slow down"), VendorThrottledError, VendorThrottledError, None),
    (
        (500, {**OK, "err_code": 5, "err_info": "Trying to create Too many scroll contexts."}),
        VendorThrottledError,
        VendorThrottledError,
        "5",
    ),
    ({**OK, "err_code": 12, "err_info": LEAK}, VendorRefusedError, VendorExpiredError, "12"),
    ((404, b"search_context_missing"), VendorRefusedError, VendorExpiredError, None),
    ((503, b"<html>"), VendorUnavailableError, VendorUnavailableError, None),
    ((503, page([])), VendorUnavailableError, VendorUnavailableError, None),
]


@pytest.mark.parametrize(("answer", "on_first_page", "on_scroll_page", "code"), REFUSALS)
async def test_a_refusal_is_told_by_its_code_and_never_quoted(
    answer: Any, on_first_page: type[VendorError], on_scroll_page: type[VendorError], code: str | None
) -> None:
    async with hexmeet({"term_call_stats": [page([ROWS["calls"]], 2, "first"), answer, answer]}) as (adapter, _):
        token = (await read(adapter, "calls")).token
        for token_or_none, expected in ((token, on_scroll_page), (None, on_first_page)):
            with pytest.raises(VendorError) as caught:
                await read(adapter, "calls", token_or_none)
            error = caught.value
            assert type(error) is expected
            assert (error.source, error.endpoint, error.vendor_code) == ("hex", "term_call_stats", code)
            said = f"{error!r} {error} {adapter.client.health()!r} {token!r}"
            assert not [secret for secret in (TOKEN, "first", "context") if secret in said]


@pytest.mark.parametrize(
    ("change", "field", "kind"),
    [
        ({"startTime": None}, "startTime", "missing"),
        ({"startTime": "0001-01-01T00:00:00+08:00"}, "startTime", "wrong type"),
        ({"startTime": "2021-01-11 19:03"}, "startTime", "wrong type"),
        ({"duration": "600"}, "duration", "wrong type"),
        ({"duration": 2**31}, "duration", "wrong type"),
        ({"call_guid": None}, "call_guid", "wrong type"),
    ],
)
async def test_a_row_that_does_not_fit_is_left_out(change: dict[str, Any], field: str, kind: str) -> None:
    rows = [ROWS["calls"] | change, ROWS["calls"]]
    async with hexmeet({"term_call_stats": [page(rows)]}) as (adapter, _):
        found = await read(adapter, "calls")
        drift = {(it.endpoint, it.field): it.kind for it in adapter.client.drift.observed()}
    assert (len(found.rows), found.left_out, found.total, found.token) == (1, 1, 2, None)
    assert drift["term_call_stats", f"$.buckets[].{field}"] == kind


@pytest.mark.parametrize("name", ["capacity", "max_party_count", "type", "error_code"])
async def test_a_number_that_fits_no_int_is_none(name: str) -> None:
    rows = [ROWS["conferences"], ROWS["conferences"] | {name: 2**32}]
    async with hexmeet({"term_conf_stats": [page(rows)]}) as (adapter, _):
        found = await read(adapter, "conferences")
        drift = {(it.endpoint, it.field): it.kind for it in adapter.client.drift.observed()}
    assert (len(found.rows), found.left_out) == (2, 0)
    assert drift["term_conf_stats", f"$.buckets[].{name}"] == "wrong type"


async def test_a_time_before_all_time_is_none_and_told_of_in_any_spelling() -> None:
    never = "0001-01-01T00:00:00+08:00"
    row = ROWS["calls"] | {"start_time": never, "endTime": never}
    async with hexmeet({"term_call_stats": [page([row])]}) as (adapter, _):
        (call,) = (await read(adapter, "calls")).rows
        drift = {it.field for it in adapter.client.drift.observed() if it.kind == "wrong type"}
    assert call.started_at is not None
    assert call.ended_at is None
    assert drift == {"$.buckets[].start_time", "$.buckets[].endTime"}


async def test_a_scroll_ends_with_its_rows_though_some_cannot_be_read() -> None:
    """They count as met, also where they fill a page, and no page is asked for in vain."""
    bad = ROWS["calls"] | {"duration": "600"}
    pages = [page([ROWS["calls"], bad], 5, "first"), page([bad, bad], 5, "second"), page([bad], 5, "third")]
    async with hexmeet({"term_call_stats": pages}) as (adapter, vendor):
        token: object | None = None
        missing = 0
        for _ in range(3):
            found = await read(adapter, "calls", token)
            token, missing = found.token, missing + found.left_out
    assert (token, missing) == (None, 4)
    assert [asked.body.get("scrollid") for asked in vendor.asked] == [None, "first", "second"]


@pytest.mark.parametrize("blank", [None, 5, {}])
@pytest.mark.parametrize("code", [0, 7])
async def test_only_the_err_code_decides(code: int, blank: object) -> None:
    answer = page([]) | {"err_code": code, "err_info": blank, "more_info": blank, "guid": "", "strange": 1}
    async with hexmeet({"term_call_stats": [answer | {"guid": None}, answer]}) as (adapter, _):
        for _ in range(2):
            if code:
                with pytest.raises(VendorRefusedError) as caught:
                    await read(adapter, "calls")
                assert caught.value.vendor_code == "7"
            else:
                assert (await read(adapter, "calls")).rows == []
        strange = [it.count for it in adapter.client.drift.observed() if it.field == "$.strange"]
    assert strange == ([] if code else [1]), "what refuses owes nothing to the contract of a page"


@pytest.mark.parametrize("body", [b'{"err_code": 0, "tot', b"\xff", {}, page([]) | {"guid": "another request's"}])
async def test_an_answer_that_is_none_is_an_error(body: Any) -> None:
    async with hexmeet({"term_call_stats": [body]}) as (adapter, _):
        with pytest.raises(VendorPayloadError):
            await read(adapter, "calls")


async def test_a_renewed_token_is_read_from_its_file_and_used_at_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("renewed\n", encoding="utf-8")

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        return page([]) | {"guid": body["guid"]} if body["token"] == "renewed" else {**OK, "err_code": 401}

    async with hexmeet({"term_call_stats": answer}, token=Secret("stale", file)) as (adapter, vendor):
        assert (await read(adapter, "calls")).rows == []
        assert [asked.body["token"] for asked in vendor.asked] == ["stale", "renewed"]


def test_settings_outside_their_range_are_named() -> None:
    table = HexmeetSettings(
        vendor="hexmeet",
        base_url="http://127.0.0.1",
        token=Secret(TOKEN),
        agent_id=1,
        company_id=2,
        dept_id=3,
        max_open_scrolls=-1,
        scroll_timeout_s=0,
    )
    assert [fault.split(":")[0] for fault in table.faults()] == ["max_open_scrolls", "scroll_timeout_s"]
    assert TOKEN not in repr(table)


async def test_a_check_opens_no_scroll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.clock.now", lambda: NOW)
    async with hexmeet({"datehistgram_stats": [{**OK, "count": 42}]}) as (adapter, vendor):
        assert "42 conferences" in await adapter.check()
    body = vendor.asked[0].body
    start, last = (datetime.fromisoformat(body[name]) for name in ("start_time", "end_time"))
    assert last - start == timedelta(days=1, milliseconds=-1)
