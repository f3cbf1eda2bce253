"""NetEase's adapter on the documented samples: conferences and members, the requests sent and the records made."""

import asyncio
import hashlib
import re
from copy import deepcopy
from typing import Any

import pytest
from accounts import NETEASE_DAY, NETEASE_DAY_MS, SECRETS, at, netease, netease_page, netease_refusal, netease_row
from conftest import sample
from mirrors import mirror
from recorder import Asked, Recorder
from starlette.types import Receive, Scope, Send

from graph import clock
from graph.errors import VendorPayloadError, VendorRefusedError, VendorUnavailableError
from graph.records import BigInt, ClientType, Conference, ConferenceState, MemberRole, Person, SourceState
from graph.vendors.base import ConferenceQuery, Extras
from graph.vendors.netease.mapping import NeteaseFields, NeteaseMember

pytestmark = pytest.mark.anyio


# ---- the list -----------------------------------------------------------------------------------


async def test_list_sends_the_documented_request() -> None:
    """Range in epoch milliseconds, pages from 1, statuses pushed down, fresh signed headers."""
    vendor = Recorder(sample("netease-list"))
    async with netease(vendor, account_id="42", page_size=10) as adapter:
        before = int(clock.now().timestamp())
        await adapter.list_conferences(ConferenceQuery(NETEASE_DAY, states=frozenset({ConferenceState.ENDED})))
        await adapter.list_conferences(ConferenceQuery(NETEASE_DAY), 2)
    first, second = vendor.asked
    assert (first.method, first.path) == ("POST", "/v1/statistic/meeting/list")
    assert first.headers["content-type"] == "application/json;charset=utf-8"
    start, end = NETEASE_DAY_MS
    assert first.json == {"startTime": start, "endTime": end, "pageIndex": 1, "pageSize": 10, "status": "3,5"}
    assert second.json == {"startTime": start, "endTime": end, "pageIndex": 2, "pageSize": 10}
    assert first.headers["accountid"] == "42"
    assert first.headers["appkey"] == SECRETS[0]
    assert "appsecret" not in first.headers
    assert first.headers["nonce"] != second.headers["nonce"]
    for asked in vendor.asked:
        nonce, cur_time = asked.headers["nonce"], asked.headers["curtime"]
        assert re.fullmatch("[1-9][0-9]{7}", nonce)
        assert before <= int(cur_time) <= before + 5
        text = SECRETS[1] + nonce + cur_time
        assert asked.headers["checksum"] == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


async def test_the_secret_is_a_header_only_when_asked_for() -> None:
    vendor = Recorder(sample("netease-list"))
    async with netease(vendor, send_app_secret=True) as adapter:
        await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    assert vendor.asked[0].headers["appsecret"] == SECRETS[1]
    assert "accountid" not in vendor.asked[0].headers


async def test_documented_row_becomes_a_record() -> None:
    """Every field of the first documented row; it was entered before its time, so it is scheduled with real times."""
    async with netease(Recorder(sample("netease-list"))) as adapter:
        listed = await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    assert (listed.total, listed.token, len(listed.rows)) == (6, None, 6)
    conference = listed.rows[0]
    assert (conference.source_name, conference.vendor_id, conference.number) == ("ne", "21908", "216406206")
    assert (conference.title, conference.state) == ("test", ConferenceState.SCHEDULED)
    assert conference.sort_time == conference.started_at == at("2020-12-16 20:08:13")
    assert conference.ended_at == at("2020-12-16 20:11:06")
    assert conference.scheduled_start_at == at("2020-12-16 20:30:00")
    assert conference.scheduled_end_at == at("2020-12-16 21:00:00")
    assert (conference.duration_seconds, conference.planned_duration_seconds) == (173, 1800)
    assert conference.host == Person(account_id="1160015538215470")
    assert conference.creator == Person(account_id="1160033511272363")
    assert (conference.member_count, conference.peak_member_count) == (2, None)
    assert conference.members is None
    assert (conference.room, conference.company) == (None, None)
    assert conference.vendor_fields == NeteaseFields(
        app_id=1, row_id=BigInt(124159616442496), status=1, created_at=at("2020-12-16 20:06:46"), duration_seconds=173
    )
    instant = listed.rows[2]
    assert (instant.state, instant.host) == (ConferenceState.ENDED, None)
    assert (instant.scheduled_start_at, instant.scheduled_end_at, instant.planned_duration_seconds) == (None,) * 3
    assert instant.creator == Person(account_id="126710591707418624")


@pytest.mark.parametrize(
    ("status", "is_held", "state"),
    [
        (0, True, ConferenceState.UNKNOWN),
        (1, False, ConferenceState.SCHEDULED),
        (2, True, ConferenceState.LIVE),
        (3, True, ConferenceState.ENDED),
        (4, False, ConferenceState.CANCELLED),
        (5, True, ConferenceState.ENDED),
        (5, False, ConferenceState.EXPIRED),
        (77, True, ConferenceState.UNKNOWN),
    ],
)
async def test_status_numbers(status: int, is_held: bool, state: ConferenceState) -> None:
    """4 is cancelled and 5 recycled; unknown numbers are UNKNOWN and stay readable."""
    times = {} if is_held else {"realStartTime": "", "realEndTime": "", "duration": 0, "memberCount": 0}
    async with netease(Recorder(netease_page(netease_row(status=status, **times)))) as adapter:
        (conference,) = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
    assert conference.state is state
    assert isinstance(conference.vendor_fields, NeteaseFields)
    assert conference.vendor_fields.status == status


async def test_blanks_and_durations() -> None:
    """No duration while live or where never held, the vendor's figure stays readable; creation sorts the rest."""
    unheld = {"realStartTime": "", "realEndTime": "", "duration": 0, "status": 4, "subject": ""}
    live = {"status": 2, "realEndTime": "", "peakNum": 4}
    booked = netease_row(**unheld)
    instant = netease_row(**unheld, reserveStartTime="", reserveEndTime="", hostAccountId=None)
    async with netease(Recorder(netease_page(netease_row(**live), booked, instant))) as adapter:
        going_on, cancelled, unbooked = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
    assert (going_on.duration_seconds, going_on.ended_at, going_on.peak_member_count) == (None, None, 4)
    assert isinstance(going_on.vendor_fields, NeteaseFields)
    assert going_on.vendor_fields.duration_seconds == 173
    assert (cancelled.duration_seconds, cancelled.title, cancelled.started_at) == (None, None, None)
    assert cancelled.sort_time == at("2020-12-16 20:30:00")
    assert unbooked.sort_time == at("2020-12-16 20:06:46")


async def test_tokens_count_the_pages() -> None:
    vendor = Recorder(netease_page(netease_row(), total=3, pages=3))
    async with netease(vendor, page_size=1) as adapter:
        tokens: list[object] = []
        token: object | None = None
        while len(tokens) < 5:
            listed = await adapter.list_conferences(ConferenceQuery(NETEASE_DAY), token)
            token = listed.token
            if token is None:
                break
            tokens.append(token)
    assert [asked.json["pageIndex"] for asked in vendor.asked] == [1, 2, 3]
    assert listed.total == 3


async def test_statuses_that_may_be_unknown_are_not_pushed_down() -> None:
    """UNKNOWN may be any number, so that the vendor must not filter it away."""
    vendor = Recorder(sample("netease-list"))
    async with netease(vendor) as adapter:
        for states in ({ConferenceState.UNKNOWN, ConferenceState.LIVE}, {ConferenceState.EXPIRED}):
            await adapter.list_conferences(ConferenceQuery(NETEASE_DAY, states=frozenset(states)))
    assert [asked.json.get("status") for asked in vendor.asked] == [None, "5"]


async def test_range_is_asked_wide_where_it_filters_something_else() -> None:
    vendor = Recorder(sample("netease-list"))
    async with netease(vendor, time_filter="end", max_conference_hours=2) as adapter:
        await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    assert vendor.asked[0].json["endTime"] == NETEASE_DAY_MS[1] + 2 * 3_600_000


@pytest.mark.parametrize("field", ["realStartTime", "reserveStartTime", "meetingCreateTime", "status"])
async def test_a_row_that_cannot_be_placed_is_left_out(field: str) -> None:
    """Nor may a start that cannot be read be taken for none: the meeting would count as never held."""
    bad = netease_row(**{field: "soon, says Ann"})
    async with netease(Recorder(netease_page(netease_row(), bad))) as adapter:
        page = await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    assert ([row.vendor_id for row in page.rows], page.left_out, page.total) == (["21908"], 1, 2)


@pytest.mark.parametrize("field", ["appId", "duration", "memberCount", "peakNum"])
async def test_a_number_the_schema_cannot_serve_is_none(field: str) -> None:
    async with netease(Recorder(netease_page(netease_row(**{field: 2**31})))) as adapter:
        page = await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
        (found,) = adapter.client.drift.observed()
    assert (len(page.rows), page.left_out) == (1, 0)
    assert (found.field, found.kind) == (f"$.ret.list[].{field}", "wrong type")


async def test_a_total_the_schema_cannot_serve_is_refused_with_its_path() -> None:
    async with netease(Recorder(netease_page(netease_row(), total=2**31))) as adapter:
        with pytest.raises(VendorPayloadError, match=r"\$\.ret\.query\.totalCount"):
            await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))


async def test_a_booking_without_an_end_has_no_length() -> None:
    """A year far away stands for none; its seconds would not fit."""
    async with netease(Recorder(netease_page(netease_row(reserveEndTime="9998-12-31 00:00:00")))) as adapter:
        (conference,) = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
    assert conference.planned_duration_seconds is None


# ---- the detail ---------------------------------------------------------------------------------


async def test_documented_detail_becomes_a_conference_with_members() -> None:
    vendor = Recorder(sample("netease-detail"))
    async with netease(vendor) as adapter:
        (conference,) = await adapter.get_conferences(["21908"], Extras())
    assert vendor.asked[0].path == "/v1/statistic/meeting/detail"
    assert vendor.asked[0].json == {"meetingUniqueId": 21908}
    assert conference is not None
    assert not isinstance(conference, Exception)
    assert (conference.vendor_id, conference.host, conference.creator) == ("21908", None, None)
    assert conference.members is not None
    first, second, third = conference.members
    assert [member.vendor_id for member in conference.members] == ["124006", "124005", "124007"]
    assert (first.source_name, first.conference_vendor_id) == ("ne", "21908")
    assert (first.account_id, first.display_name) == ("1160015538215470", "zhouhost")
    assert (first.joined_at, first.left_at) == (at("2020-12-16 20:06:46"), at("2020-12-16 20:11:06"))
    assert (first.duration_seconds, second.duration_seconds) == (260, 75)
    assert (first.client_type, first.vendor_fields) == (ClientType.ANDROID, NeteaseMember(client_type=3))
    assert (first.role, first.phone_number) == (None, None)
    assert second.account_id == third.account_id == "1160033511272363"


async def test_detail_may_be_an_object_and_must_be_the_one_asked_for() -> None:
    """`ret` is an array or an object; a row of another meeting is not taken for it."""
    body = sample("netease-detail")
    body["ret"] = body["ret"][0]
    async with netease(Recorder(body)) as adapter:
        found, other = await adapter.get_conferences(["21908", "21909"], Extras())
    assert found is not None
    assert not isinstance(found, Exception)
    assert found.members is not None
    assert other is None


@pytest.mark.parametrize("answer", [netease_refusal(2000), {"code": 200, "ret": []}, {"code": 200, "ret": None}])
async def test_a_meeting_the_vendor_does_not_know_is_none(answer: Any) -> None:
    """And says nothing about the source's health."""
    async with netease(Recorder(answer)) as adapter:
        assert await adapter.get_conferences(["7"], Extras()) == [None]
        assert adapter.client.health().state is SourceState.UP


async def test_a_wrong_account_is_an_error_and_not_a_meeting_without_members() -> None:
    async with netease(Recorder(netease_page(netease_row()), netease_refusal(1014))) as adapter:
        rows = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
        for answers in (await adapter.get_conferences(["21908"], Extras()), await adapter.read_members(rows)):
            (failed,) = answers
            assert isinstance(failed, VendorRefusedError)
            assert failed.vendor_code == "1014"


@pytest.mark.parametrize("answer", [netease_refusal(2000), {"code": 200, "ret": []}])
@pytest.mark.parametrize("count", [2, None, 0])
async def test_a_detail_that_is_gone_is_no_meeting_without_members(count: int | None, answer: Any) -> None:
    """But where the list counted none there were none."""
    page = netease_page(netease_row(memberCount=count))
    async with netease(Recorder(page, answer)) as adapter:
        rows = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
        (members,) = await adapter.read_members(rows)
    assert isinstance(members, VendorRefusedError) if count != 0 else members == ()


async def test_a_detail_without_its_array_tells_no_members() -> None:
    """It is asked for once more at most, and then names the place."""
    body = sample("netease-detail")
    del body["ret"][0]["members"]
    async with netease(Recorder(body)) as adapter:
        (conference,) = await adapter.get_conferences(["21908"], Extras())
        assert isinstance(conference, Conference)
        assert conference.members is None
        (failed,) = await adapter.read_members([conference])
    assert isinstance(failed, VendorPayloadError)
    assert "$.ret[].members" in failed.message


@pytest.mark.parametrize(
    ("options", "settings", "code"),
    [({"details_vanish": True}, {}, None), ({}, {"account_id": "somebody"}, "1014")],
)
async def test_the_twin_can_lose_details_and_know_its_account(
    options: dict[str, Any], settings: dict[str, Any], code: str | None
) -> None:
    async with mirror("netease", options=options) as source:
        rows = [row for row in await source.drain() if row.member_count]
    async with mirror("netease", options=options, **settings) as source:
        failed = await source.adapter.read_members(rows[:3])
    assert [(type(error), error.vendor_code) for error in failed if isinstance(error, VendorRefusedError)] == [
        (VendorRefusedError, code)
    ] * 3


async def test_what_is_no_id_of_the_vendor_costs_no_request() -> None:
    vendor = Recorder(sample("netease-detail"))
    async with netease(vendor) as adapter:
        ids = ["", "abc", "-1", "07", "٧", "1" * 20, str(2**63), "1e3", "7\n"]
        assert await adapter.get_conferences(ids, Extras()) == [None] * len(ids)
    assert vendor.asked == []


async def test_at_most_eight_details_run_at_once() -> None:
    """Over the whole adapter, whoever asks."""
    running = peak = 0

    class Slow(Recorder):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal running, peak
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0.02)
            await super().__call__(scope, receive, send)
            running -= 1

    vendor = Slow(sample("netease-detail"))
    async with netease(vendor) as adapter:
        ids = [str(number) for number in range(1, 13)]
        await asyncio.gather(adapter.get_conferences(ids, Extras()), adapter.get_conferences(ids, Extras()))
    assert len(vendor.asked) == 24
    assert peak == 8


async def test_members_of_listed_conferences() -> None:
    """The host is the chair; a meeting that failed is an error value; one nobody can have joined costs nothing."""
    unheld = {"realStartTime": "", "realEndTime": "", "memberCount": 0, "status": 5, "meetingUniqueId": 1}

    def answer(asked: Asked) -> Any:
        return netease_refusal(501) if asked.json.get("meetingUniqueId") == 2 else sample("netease-detail")

    vendor = Recorder(netease_page(netease_row(), netease_row(meetingUniqueId=2), netease_row(**unheld)), answer)
    async with netease(vendor) as adapter:
        rows = (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).rows
        held, failed, empty = await adapter.read_members(rows)
    assert isinstance(held, tuple)
    assert [member.role for member in held] == [MemberRole.CHAIR, MemberRole.PARTICIPANT, MemberRole.PARTICIPANT]
    assert isinstance(failed, VendorUnavailableError)
    assert empty == ()
    assert sorted(asked.json["meetingUniqueId"] for asked in vendor.asked[1:]) == [2, 21908]


async def test_a_member_still_there_has_no_end() -> None:
    """Neither end nor duration; unknown client types stay readable; numbers are accepted for account ids."""
    body = deepcopy(sample("netease-detail"))
    span = {"exitTime": "", "clientType": 99, "accountId": 126710591707418624, "nickname": ""}
    body["ret"][0]["members"] = [body["ret"][0]["members"][0] | span]
    async with netease(Recorder(body)) as adapter:
        (conference,) = await adapter.get_conferences(["21908"], Extras())
    assert conference is not None
    assert not isinstance(conference, Exception)
    assert conference.members is not None
    (member,) = conference.members
    assert (member.left_at, member.duration_seconds, member.display_name) == (None, None, None)
    assert (member.client_type, member.vendor_fields) == (ClientType.UNKNOWN, NeteaseMember(client_type=99))
    assert member.account_id == "126710591707418624"
