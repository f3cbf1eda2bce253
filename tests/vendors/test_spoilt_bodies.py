"""Bodies that are not quite as documented, at every vendor: what can be read is, and the rest is counted and named."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import SYSTEC_DAY
from conftest import sample
from vendors.drifting import (
    HEX_MCU,
    HEX_REGION,
    HEX_ROOM,
    HW_LIST,
    HW_MEMBERS,
    MEMBERS,
    QS_LIST,
    REPORTS,
    SECRET,
    SYS_CALLS,
    SYS_LIST,
    WEEK,
    Report,
    at_hexmeet,
    at_netease,
    at_systec,
    listed,
)
from vendors.hexmeet_app import hexmeet

from graph.errors import VendorPayloadError
from graph.paging.rows import Rows
from graph.paging.windows import Window
from graph.records import UsageDimension, UsageOrder, UsageSubject
from graph.vendors.base import Adapter, Extras

pytestmark = pytest.mark.anyio

CALLS, SHANGHAI = Extras(calls=True), ZoneInfo("Asia/Shanghai")


def report_name(it: object) -> str | None:
    """How a case is called by its report: functions are called by their own names, the same in each process."""
    return str(it) if isinstance(it, Report) else None


@pytest.mark.parametrize("report", REPORTS, ids=str)
async def test_the_documented_body_is_no_drift(report: Report) -> None:
    rows, left_out, drift = await report.found(sample(report.sample))
    assert rows
    assert (left_out, drift) == (0, {})


@pytest.mark.parametrize("damage", [SECRET, None, [], 5], ids=repr)
@pytest.mark.parametrize("report", REPORTS, ids=str)
async def test_a_row_that_is_none_is_left_out(report: Report, damage: Any) -> None:
    others, _, _ = await report.found(report.body(report.row(0), report.row(2)))
    rows, left_out, drift = await report.found(report.body(report.row(0), damage, report.row(2)))
    assert (rows, left_out, len(rows)) == (others, 1, 2)
    assert drift == {report.place: "wrong type"}


@pytest.mark.parametrize(("damage", "kind"), [(..., "missing"), (None, "wrong type"), ([SECRET], "wrong type")])
@pytest.mark.parametrize("report", [report for report in REPORTS if report.required], ids=str)
async def test_a_row_without_what_it_needs_is_left_out(report: Report, damage: Any, kind: str) -> None:
    bad = report.row(1, **{report.required: damage})
    others, _, _ = await report.found(report.body(report.row(0), report.row(2)))
    rows, left_out, drift = await report.found(report.body(report.row(0), bad, report.row(2)))
    assert (rows, left_out, len(rows)) == (others, 1, 2)
    assert {field.removesuffix("[]"): what for field, what in drift.items()} == {
        f"{report.place}.{report.required}": kind
    }


@pytest.mark.parametrize("report", [report for report in REPORTS if report.optional], ids=str)
async def test_a_row_is_read_without_what_it_can_do_without(report: Report) -> None:
    bad = report.row(1, **{report.optional: [SECRET]})
    all_read, _, _ = await report.found(report.body(report.row(0), report.row(1, **{report.optional: None})))
    rows, left_out, drift = await report.found(report.body(report.row(0), bad))
    assert (rows, left_out, len(rows)) == (all_read, 0, 2)
    assert drift == {f"{report.place}.{report.optional}": "wrong type"}


@pytest.mark.parametrize("report", REPORTS, ids=str)
async def test_unknown_and_missing_fields_are_named(report: Report) -> None:
    expected, _, _ = await report.found(report.body(report.row(0)))
    rows, left_out, drift = await report.found(report.body(report.row(0, mood=SECRET), tip={"for": SECRET}))
    assert (rows, left_out) == (expected, 0)
    assert drift == {f"{report.place}.mood": "unknown field", "$.tip": "unknown field"}
    if report.optional:
        _, _, drift = await report.found(report.body(report.row(0, **{report.optional: ...})))
        assert drift == {f"{report.place}.{report.optional}": "missing"}


@pytest.mark.parametrize("report", [report for report in REPORTS if report.enum], ids=str)
async def test_a_new_enum_number_is_named_and_the_row_is_read(report: Report) -> None:
    bad = report.row(1, **{report.enum: 77})
    _, left_out, drift = await report.found(report.body(report.row(0), bad))
    assert left_out == 0
    assert drift == {f"{report.place}.{report.enum}": "unknown value"}


# ---- answers that would be wrong without a row ------------------------------------------------------


def day(adapter: Adapter) -> Awaitable[Any]:
    return adapter.read_usage(UsageSubject.CONFERENCES, date(2020, 12, 16), date(2020, 12, 17), SHANGHAI)


def by_room(window: Window) -> Callable[[Adapter], Awaitable[Any]]:
    return lambda adapter: adapter.read_usage_by(UsageDimension.ROOM, window, UsageOrder.COUNT_DESC)


def live(adapter: Adapter) -> Awaitable[Any]:
    return adapter.read_live()


@pytest.mark.parametrize(
    ("report", "read"),
    [
        (Report("hexmeet-datehistgram_stats", "buckets", at_hexmeet, day, "key", (1, 2, 3)), day),
        (HEX_REGION, live),
        (Report("netease-getByTimeRange", "ret.details", at_netease, day, "date", (1, 2, 3)), day),
        (SYS_LIST, by_room(SYSTEC_DAY)),
        (QS_LIST, live),
        (HW_LIST, live),
        (HW_MEMBERS, live),
    ],
    ids=report_name,
)
async def test_no_sum_is_made_without_a_row(report: Report, read: Callable[[Adapter], Awaitable[Any]]) -> None:
    """A wrong sum is worse than none."""
    async with report.open(report.body(report.row(0), SECRET)) as adapter:
        with pytest.raises(VendorPayloadError) as caught:
            await read(adapter)
    assert SECRET not in str(caught.value)


async def test_groups_come_without_one_that_cannot_be_read() -> None:
    """The totals are the vendor's own; more is not asked for, since more would not come."""
    body = sample("hexmeet-term_stats")
    body["buckets"][1]["key"] = None
    async with hexmeet({"term_stats": [body]}) as (adapter, vendor):
        usage = await adapter.read_usage_by(UsageDimension.ROOM, WEEK, UsageOrder.COUNT_DESC)
    assert [group.key for group in usage.groups] == ["154488832"]
    assert (Rows.missing_from(usage.groups), usage.totals.count) == (1, 73)
    assert (usage.totals.min_duration_seconds, len(vendor.asked)) == (None, 1)


async def test_a_resource_is_left_out_with_a_day_that_cannot_be_read() -> None:
    """Its peaks would be wrong."""
    bad = HEX_MCU.row(1)
    bad["buckets"].append(SECRET)
    rows, left_out, drift = await HEX_MCU.found(HEX_MCU.body(HEX_MCU.row(0), bad))
    assert ([row.resource.name for row in rows], left_out) == (["a"], 1)
    assert drift == {"$.buckets[].buckets[]": "wrong type"}


# ---- what is not met may be what could not be read --------------------------------------------------


@pytest.mark.parametrize(
    ("report", "look_up"),
    [
        (HEX_ROOM, lambda adapter: adapter.get_rooms(["z", "a"])),
        (HEX_MCU, lambda adapter: adapter.get_mcu_resources(["z", "a"])),
        (QS_LIST, lambda adapter: adapter.get_conferences(["z", "a"], Extras())),
        (HW_LIST, lambda adapter: adapter.get_conferences(["2", "1"], Extras())),
    ],
    ids=report_name,
)
async def test_nobody_is_absent_for_a_row_that_cannot_be_read(
    report: Report, look_up: Callable[[Adapter], Awaitable[list[Any]]]
) -> None:
    async with report.open(report.body(report.row(0), report.row(2))) as adapter:
        absent, found = await look_up(adapter)
        assert (absent, found is None) == (None, False)
    async with report.open(report.body(report.row(0), SECRET)) as adapter:
        unknown, found = await look_up(adapter)
        assert isinstance(unknown, VendorPayloadError)
        assert not isinstance(found, Exception)


async def test_a_meeting_whose_detail_cannot_be_read_is_not_absent() -> None:
    body = sample("netease-detail")
    body["ret"][0]["status"] = SECRET
    for answer in (body, {**body, "ret": body["ret"][0]}):
        async with at_netease(answer) as adapter:
            (found,) = await adapter.get_conferences(["21908"], MEMBERS)
        assert isinstance(found, VendorPayloadError)


async def test_what_is_looked_for_by_uuid_and_cannot_be_read_is_not_absent() -> None:
    uuid = SYS_LIST.row(0)["uuid"]
    async with at_systec(SYS_LIST.body({**SYS_LIST.row(0), "start_time": SECRET})) as adapter:
        assert isinstance((await adapter.get_conferences([uuid], Extras()))[0], VendorPayloadError)
        assert isinstance((await adapter.get_rooms(["ABC"]))[0], VendorPayloadError)


async def test_a_call_of_a_meeting_with_calls_that_cannot_be_read_is_not_absent() -> None:
    uuid = sample("systec-detail")["data"]["meetings"][0]["uuid"]
    async with at_systec(SYS_CALLS.body(SYS_CALLS.row(0), SECRET)) as adapter:
        page = await adapter.list_calls(SYSTEC_DAY)
        known, unknown = await adapter.get_calls([page.rows[0].vendor_id, f"{uuid}:x:0"])
        (told,) = await adapter.read_calls((await listed(adapter, SYSTEC_DAY, CALLS)).rows)
    assert known == page.rows[0]
    assert isinstance(unknown, VendorPayloadError)
    assert not isinstance(told, Exception)
    assert (len(told), Rows.missing_from(told)) == (1, 1)
