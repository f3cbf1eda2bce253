"""The Huawei adapter on the documented sample: the requests it sent and the records it made."""

import asyncio
import dataclasses
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from answering import Asked
from conftest import sample
from vendors.huawei_app import CONF, GUID, MODES, SAMPLE, all_of, conf, confs, connected, get_one, ids_asked, refusal

from graph import clock
from graph.errors import (
    UnsupportedError,
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorUnavailableError,
)
from graph.ids import faint_hash
from graph.records import (
    Capability,
    ClientType,
    Conference,
    ConferenceState,
    MediaDirection,
    Member,
    MemberRole,
    Person,
)
from graph.settings import Secret
from graph.statistics import LiveCounts
from graph.vendors.base import Extras
from graph.vendors.huawei.adapter import HuaweiSettings
from graph.vendors.huawei.fields import HuaweiConferenceFields, HuaweiMemberFields
from graph.vendors.huawei.mapping import HuaweiFields, HuaweiMember

pytestmark = pytest.mark.anyio


async def test_the_documented_conference_becomes_the_documented_record() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, _):
        conference = await get_one(adapter)
    started_at = datetime(2016, 10, 6, 9, 17, 34, tzinfo=UTC)
    assert (conference.source_name, conference.vendor_id) == ("agents", "1029888")
    assert conference.state is ConferenceState.LIVE
    assert (conference.sort_time, conference.started_at, conference.ended_at) == (started_at, started_at, None)
    assert conference.scheduled_start_at == started_at
    assert conference.scheduled_end_at == datetime(2016, 10, 6, 10, 17, 34, tzinfo=UTC)
    assert (conference.duration_seconds, conference.planned_duration_seconds) == (None, 3600)
    assert conference.host == Person(account_id="153")
    assert conference.member_count == 2
    assert conference.vendor_fields == HuaweiFields(conf_state=0, applied_minutes=60, elapsed_minutes=29)


async def test_the_documented_participants_become_the_documented_members() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, _):
        agent, phone = (await get_one(adapter)).members or ()
    assert (phone.source_name, phone.conference_vendor_id) == ("agents", "1029888")
    assert (phone.phone_number, phone.account_id, phone.client_type) == ("70005", None, ClientType.PHONE)
    assert (agent.phone_number, agent.account_id, agent.client_type) == (None, "153", ClientType.AGENT)
    assert (phone.role, agent.role) == (MemberRole.PARTICIPANT, MemberRole.CHAIR)
    assert phone.joined_at == datetime(2016, 10, 6, 9, 17, 44, tzinfo=UTC)
    assert agent.joined_at == datetime(2016, 10, 6, 9, 17, 34, tzinfo=UTC)
    for member in (phone, agent):
        assert (member.left_at, member.duration_seconds, member.display_name) == (None, None, None)
        assert member.media_direction is MediaDirection.BOTH
        assert member.on_hold is False
    raw = {"device_call_type": 0, "channel_attrib": 3, "channel_state": 0}
    assert phone.vendor_fields == HuaweiMember(address_type=6, device_type=0, role=0, **raw)
    assert agent.vendor_fields == HuaweiMember(address_type=9, device_type=6, role=1, **raw)


async def one_member(**fields: Any) -> tuple[Conference, Member]:
    address = {**CONF["addresses"][0], **fields}
    async with connected(lambda _: confs(conf(1029888, addresses=[address]))) as (adapter, _):
        conference = await get_one(adapter)
    (member,) = conference.members or ()
    return conference, member


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"channelAttrib": 1}, {"media_direction": MediaDirection.LISTEN_ONLY}),
        ({"channelAttrib": 2}, {"media_direction": MediaDirection.SPEAK_ONLY}),
        ({"channelState": 1}, {"on_hold": True}),
        ({"channelState": 2}, {"on_hold": False}),
        ({"channelState": 9, "channelAttrib": 9, "role": 9}, {"on_hold": None, "media_direction": None, "role": None}),
        ({"addressType": "8"}, {"client_type": ClientType.UNKNOWN, "phone_number": None, "account_id": None}),
    ],
)
async def test_every_number_has_its_word_and_an_unknown_one_none(fields: dict[str, Any], expected: Any) -> None:
    _, member = await one_member(**fields)
    assert {key: getattr(member, key) for key in expected} == expected
    raw = {"addressType": "address_type", "channelAttrib": "channel_attrib", "channelState": "channel_state"}
    for key, value in fields.items():
        assert getattr(member.vendor_fields, raw.get(key, key)) == int(value)


async def test_a_chair_by_telephone_is_the_host_by_number() -> None:
    conference, _ = await one_member(role=1)
    assert conference.host == Person(phone_number="70005")


async def test_members_are_keyed_without_their_number_and_rejoins_apart() -> None:
    address = CONF["addresses"][0]
    addresses = [address, address, {**address, "enterTime": address["enterTime"] + 1}]
    async with connected(lambda _: confs(conf(1029888, addresses=addresses))) as (adapter, _):
        conference = await get_one(adapter)
        again = await get_one(adapter)
    keys = [member.vendor_id for member in conference.members or ()]
    assert len(set(keys)) == 3
    assert keys == [member.vendor_id for member in again.members or ()]
    assert not any("70005" in key for key in keys)
    assert conference.member_count == 1


async def test_numbers_that_share_a_key_are_told_apart_whatever_the_vendors_order() -> None:
    """A key fits thousands of numbers, so that it gives none away; two that meet in it keep their ids."""
    first: dict[str, str] = {}
    for number in map(str, range(13_800_000_000, 13_900_000_000)):
        twin = first.setdefault(faint_hash("1029888", number), number)
        if twin != number:
            break
    addresses = [{**CONF["addresses"][0], "address": text} for text in (number, "70005", twin)]
    orders = [addresses, addresses[::-1]]
    async with connected(lambda _: confs(conf(1029888, addresses=orders.pop()))) as (adapter, _):
        keys = [{m.phone_number: m.vendor_id for m in (await get_one(adapter)).members or ()} for _ in (1, 2)]
    assert keys[0] == keys[1]
    shared = f"{CONF['addresses'][0]['enterTime']}.{faint_hash('1029888', number)}"
    assert (keys[0][twin], keys[0][number]) == (f"{shared}.0", f"{shared}.1")
    assert len(faint_hash("1029888", number)) == 4


@pytest.mark.parametrize(
    ("described", "record"), [(HuaweiConferenceFields, HuaweiFields), (HuaweiMemberFields, HuaweiMember)]
)
def test_the_graphql_types_describe_the_records(described: Any, record: type[msgspec.Struct]) -> None:
    assert {f.name for f in dataclasses.fields(described)} == {f.name for f in msgspec.structs.fields(record)}


async def test_what_is_sent_is_the_documented_request() -> None:
    async with connected(lambda _: SAMPLE) as (adapter, vendor):
        found, absent = await adapter.get_conferences(["1029888", "1029889"], Extras())
    assert isinstance(found, Conference)
    assert absent is None
    assert ids_asked(vendor) == [sample("huawei-queryconfinfos-request")["confIds"]]
    assert vendor.asked[0].headers["guid"] == GUID
    assert vendor.asked[0].headers["content-type"] == "application/json; charset=UTF-8"


async def test_45_ids_are_three_requests_and_come_back_in_the_order_asked() -> None:
    asked = [str(number) for number in range(45, 0, -1)]
    async with connected(all_of) as (adapter, vendor):
        answers = await adapter.get_conferences([*asked, "45"], Extras())
    assert [answer.vendor_id for answer in answers if isinstance(answer, Conference)] == [*asked, "45"]
    assert sorted(len(ids) for ids in ids_asked(vendor)) == [5, 20, 20]


async def test_at_most_four_batches_run_at_a_time_over_the_whole_adapter() -> None:
    async with connected(all_of, page_size=1) as (adapter, vendor):
        vendor.delay_s = 0.02
        ids = [str(number) for number in range(6)]
        await asyncio.gather(adapter.get_conferences(ids, Extras()), adapter.get_conferences(ids, Extras()))
    assert vendor.most_running == 4
    assert len(vendor.asked) == 12


async def test_ids_that_are_no_numbers_are_unknown_without_a_request() -> None:
    odd = ["", "x", "-1", "007", " 1", "1.0", "１", "9223372036854775808", "9" * 5000]
    async with connected(all_of) as (adapter, vendor):
        assert await adapter.get_conferences(odd, Extras()) == [None] * len(odd)
        assert ids_asked(vendor) == []
        answers = await adapter.get_conferences(["x", "9223372036854775807"], Extras())
    assert [answer is None for answer in answers] == [True, False]


async def test_conferences_nobody_asked_for_are_left_out() -> None:
    async with connected(lambda _: confs(conf(5), conf(6)), conf_ids=[5]) as (adapter, _):
        assert [c.vendor_id for c in await adapter.list_live(Extras())] == ["5"]


async def test_a_failed_batch_fails_its_own_ids_only() -> None:
    def answer(asked: Asked) -> Any:
        return refusal("100-007") if 7 in asked.body["confIds"] else all_of(asked)

    async with connected(answer, page_size=2, conf_ids=[5, 6, 7]) as (adapter, _):
        _, good, *bad = await adapter.get_conferences(["5", "6", "7", "8"], Extras())
        assert isinstance(good, Conference)
        assert [type(error) for error in bad] == [VendorUnavailableError] * 2
        with pytest.raises(VendorUnavailableError):
            await adapter.list_live(Extras())


async def test_a_bare_array_is_accepted() -> None:
    async with connected(lambda _: {**SAMPLE, "result": [CONF]}) as (adapter, _):
        assert (await get_one(adapter)).vendor_id == "1029888"


async def test_without_conf_ids_there_is_no_list() -> None:
    async with connected(all_of) as (adapter, vendor):
        assert adapter.capabilities == {Capability.GET_CONFERENCES, Capability.LIST_MEMBERS}
        with pytest.raises(UnsupportedError):
            await adapter.list_live(Extras())
        with pytest.raises(UnsupportedError):
            await adapter.read_live()
        assert ids_asked(vendor) == []
        await adapter.check()
    assert ids_asked(vendor) == [[0]]


async def test_conf_ids_are_listed_counted_and_checked() -> None:
    def answer(asked: Asked) -> Any:
        shared = CONF["addresses"]
        own = [*shared, {**shared[0], "address": "70006"}]
        return confs(
            *(conf(number, addresses=own if number == 2 else shared) for number in asked.body["confIds"] if number != 3)
        )

    async with connected(answer, conf_ids=[1, 2, 3, 2]) as (adapter, vendor):
        assert adapter.capabilities >= {Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY}
        live = await adapter.list_live(Extras())
        assert sorted(c.vendor_id for c in live) == ["1", "2"]
        assert await adapter.read_live() == LiveCounts(conference_count=2, member_count=3)
        assert await adapter.check()
    assert ids_asked(vendor) == [[1, 2, 3], [1]]


async def test_the_list_and_the_counts_are_one_read_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(all_of, conf_ids=[1, 2, 3], page_size=2) as (adapter, vendor):
        vendor.delay_s = 0.01
        live, counts = await asyncio.gather(adapter.list_live(Extras()), adapter.read_live())
        assert (len(live), counts.conference_count) == (3, 3)
        assert await adapter.list_live(Extras()) == live
        assert ids_asked(vendor) == [[1, 2], [3]]
        later = clock.monotonic() + 2
        monkeypatch.setattr(clock, "monotonic", lambda: later)
        await adapter.read_live()
    assert ids_asked(vendor)[2:] == [[1, 2], [3]]


async def test_members_can_be_read_again() -> None:
    async with connected(all_of) as (adapter, vendor):
        conference = await get_one(adapter)
        vendor.answer = lambda _: confs(conf(1029888))
        other = msgspec.structs.replace(conference, vendor_id="5", members=None)
        members, gone = await adapter.read_members([conference, other])
    assert members == conference.members
    assert isinstance(gone, VendorRefusedError)
    assert ids_asked(vendor) == [[1029888], [1029888, 5]]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("100-006", VendorAuthError),
        ("000-003", VendorAuthError),
        ("100-007", VendorUnavailableError),
        ("000-002", VendorRefusedError),
        ("999-999", None),
    ],
)
@pytest.mark.parametrize(
    ("http_status", "otherwise"), [(200, VendorRefusedError), (400, VendorRefusedError), (500, VendorUnavailableError)]
)
@pytest.mark.parametrize("mode", MODES)
async def test_every_code_is_its_error_and_holds_no_guid(
    code: str, kind: type[VendorError] | None, http_status: int, otherwise: type[VendorError], mode: str
) -> None:
    """Whatever the HTTP status, which tells what kind of failure it is only where the code does not."""
    async with connected(lambda _: refusal(code, status=http_status), guid_mode=mode) as (adapter, _):
        (error,) = await adapter.get_conferences(["1"], Extras())
    kind = kind or otherwise
    assert isinstance(error, kind)
    assert error.vendor_code == code
    assert GUID not in str(error) + repr(error)
    assert ("Guid is unknown, or expired" in str(error)) == (kind is VendorAuthError)


async def test_a_body_that_does_not_fit_says_where_and_no_data() -> None:
    async with connected(lambda _: {**SAMPLE, "result": "13800000000"}) as (adapter, _):
        (error,) = await adapter.get_conferences(["1"], Extras())
    assert isinstance(error, VendorPayloadError)
    assert "$.result: expected" in str(error)
    assert "13800000000" not in str(error)


async def test_a_member_is_read_without_a_value_that_does_not_fit() -> None:
    address = {**CONF["addresses"][0], "enterTime": "13800000000"}
    async with connected(lambda _: confs(conf(1, addresses=[address]))) as (adapter, _):
        (member,) = (await get_one(adapter, "1")).members or ()
        (found,) = adapter.client.drift.observed()
    assert (member.phone_number, member.joined_at) == (address["address"], None)
    assert found.field == "$.result.confs[].addresses[].enterTime"


def test_settings_say_what_is_wrong() -> None:
    base: dict[str, Any] = {"vendor": "huawei", "base_url": "https://example.com"}
    assert HuaweiSettings(**base, agent_id="101", guid=Secret("g")).faults() == []
    assert HuaweiSettings(**base, agent_id="1234567", guid=Secret("密"), page_size=21).faults() == [
        "agent_id: expected 3 to 6 digits",
        "page_size: expected at most 20",
        "guid: expected printable ASCII, it is sent as a header",
    ]
