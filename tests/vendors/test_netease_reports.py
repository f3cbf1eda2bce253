"""NetEase's adapter on the documented samples: counts, statistics, and what codes become."""

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import (
    NETEASE_DAY,
    NETEASE_DAY_MS,
    SECRETS,
    SHANGHAI,
    at,
    netease,
    netease_page,
    netease_refusal,
    netease_row,
)
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
from graph.paging.windows import Window
from graph.records import ConferenceState, UsageDimension, UsageOrder, UsageSubject
from graph.settings import Secret
from graph.statistics import LiveCounts, UsageStats
from graph.vendors.base import ConferenceQuery
from graph.vendors.netease.adapter import NeteaseSettings

pytestmark = pytest.mark.anyio

CONFERENCES = UsageSubject.CONFERENCES


# ---- counts -------------------------------------------------------------------------------------


async def test_count_asks_for_one_row() -> None:
    """Rows bear whole seconds: rounded up, and a millisecond less, the range means the same in either convention."""
    vendor = Recorder(netease_page(netease_row(), total=77))
    window = Window(NETEASE_DAY.start + timedelta(milliseconds=1), NETEASE_DAY.end - timedelta(milliseconds=1))
    async with netease(vendor) as adapter:
        both = frozenset({ConferenceState.ENDED, ConferenceState.EXPIRED})
        assert await adapter.count_conferences(ConferenceQuery(window, states=both)) == 77
    start, end = NETEASE_DAY_MS
    assert vendor.asked[0].json == {
        "startTime": start + 1000,
        "endTime": end - 1,
        "pageIndex": 1,
        "pageSize": 1,
        "status": "3,5",
    }


@pytest.mark.parametrize(
    ("states", "time_filter"),
    [({ConferenceState.ENDED}, "start"), ({ConferenceState.UNKNOWN}, "start"), (set(), "start"), (None, "creation")],
)
async def test_no_count_where_it_would_not_be_exact(states: set[ConferenceState] | None, time_filter: str) -> None:
    vendor = Recorder(netease_page(netease_row()))
    async with netease(vendor, time_filter=time_filter) as adapter:
        query = ConferenceQuery(NETEASE_DAY, states=None if states is None else frozenset(states))
        assert await adapter.count_conferences(query) is None
    assert vendor.asked == []


async def test_count_per_day_covers_the_days_of_a_window() -> None:
    vendor = Recorder(sample("netease-getByTimeRange"))
    window = Window(NETEASE_DAY.start + timedelta(hours=3), NETEASE_DAY.end + timedelta(hours=1))
    async with netease(vendor) as adapter:
        days = await adapter.count_per_day(CONFERENCES, window)
        assert await adapter.count_per_day(UsageSubject.CALLS, window) is None
    assert days == {at("2020-12-16 00:00:00"): 6, at("2020-12-17 00:00:00"): 58}
    assert [asked.json for asked in vendor.asked] == [
        {"startTime": NETEASE_DAY_MS[0], "endTime": NETEASE_DAY_MS[1] + 3_600_000 - 1},
    ]


# ---- statistics ---------------------------------------------------------------------------------


async def test_documented_days_become_usage() -> None:
    """Milliseconds made seconds, the vendor's own sums, and a day of nothing where it has none."""
    vendor = Recorder(sample("netease-getByTimeRange"))
    async with netease(vendor) as adapter:
        usage = await adapter.read_usage(CONFERENCES, date(2020, 12, 16), date(2020, 12, 18), SHANGHAI)
    assert vendor.asked[0].path == "/v1/statistic/meeting/getByTimeRange"
    assert vendor.asked[0].json == {"startTime": NETEASE_DAY_MS[0], "endTime": NETEASE_DAY_MS[0] + 3 * 86_400_000 - 1}
    assert (usage.count, usage.total_duration_seconds, usage.attendance_count) == (64, 579, 64)
    first, second, third = usage.days
    assert (first.date, first.starts_at) == (date(2020, 12, 16), at("2020-12-16 00:00:00"))
    assert first.stats == UsageStats(count=6, total_duration_seconds=279, average_duration_seconds=46.5)
    assert (first.attendance_count, first.peak_member_count) == (7, 3)
    assert (second.stats.count, second.stats.total_duration_seconds, second.attendance_count) == (58, 300, 57)
    assert (third.date, third.stats) == (date(2020, 12, 18), UsageStats(count=0, total_duration_seconds=0))
    assert (third.attendance_count, third.peak_member_count) == (0, None)


async def test_daily_durations_may_be_seconds() -> None:
    async with netease(Recorder(sample("netease-getByTimeRange")), daily_duration_unit="s") as adapter:
        usage = await adapter.read_usage(CONFERENCES, date(2020, 12, 16), date(2020, 12, 17), ZoneInfo("Etc/GMT-8"))
    assert (usage.total_duration_seconds, usage.days[0].stats.total_duration_seconds) == (579000, 279000)


@pytest.mark.parametrize("field", ["meetingCount", "meetingMemberCount", "peakNum", "sumMeetingDuration"])
async def test_a_number_the_schema_cannot_serve_is_refused_with_its_path(field: str) -> None:
    """Durations may be larger than counts: they are served as BigInt."""
    body = sample("netease-getByTimeRange")
    place = body["ret"] if field.startswith("sum") else body["ret"]["details"][0]
    body["ret"]["details"][0]["meetingDuration"] = 2**40
    place[field] = 2**53 if field.startswith("sum") else 2**32
    async with netease(Recorder(body)) as adapter:
        with pytest.raises(VendorPayloadError, match=rf"\$\.ret\..*{field}"):
            await adapter.count_per_day(UsageSubject.CONFERENCES, NETEASE_DAY)


async def test_a_live_count_the_schema_cannot_serve_is_refused() -> None:
    body = {"code": 200, "ret": {"inMeetingCount": "4294967296", "inMeetingMemberCount": 1}}
    async with netease(Recorder(body)) as adapter:
        with pytest.raises(VendorPayloadError, match="ret"):
            await adapter.read_live()


async def test_what_it_cannot_report_is_unsupported() -> None:
    """Days of another zone, calls, and groups; without a request."""
    vendor = Recorder(sample("netease-getByTimeRange"))
    day = date(2020, 12, 16)
    async with netease(vendor) as adapter:
        for subject, zone in (
            (CONFERENCES, "Europe/Berlin"),
            (CONFERENCES, "UTC"),
            (UsageSubject.CALLS, "Asia/Shanghai"),
        ):
            with pytest.raises(UnsupportedError):
                await adapter.read_usage(subject, day, day, ZoneInfo(zone))
        with pytest.raises(UnsupportedError):
            await adapter.read_usage_by(UsageDimension.ROOM, NETEASE_DAY, UsageOrder.COUNT_DESC)
    assert vendor.asked == []


@pytest.mark.parametrize("counters", [{}, {"inMeetingCount": "3", "inMeetingMemberCount": "14"}])
async def test_live_counters(counters: dict[str, str]) -> None:
    """Numbers or texts, at the path of the setting, asked by an empty object."""
    body = sample("netease-realtime")
    body["ret"] |= counters
    vendor = Recorder(body)
    async with netease(vendor, realtime_path="/v1/elsewhere") as adapter:
        counts = await adapter.read_live()
    assert (vendor.asked[0].path, vendor.asked[0].json) == ("/v1/elsewhere", {})
    assert counts == LiveCounts(conference_count=3 if counters else 0, member_count=14 if counters else 0)


@pytest.mark.parametrize("ret", [sample("netease-list")["ret"], sample("netease-list")["ret"]["list"]])
async def test_live_counters_answered_with_a_list(ret: Any) -> None:
    """BAD_PAYLOAD that says what to do, never zeros."""
    async with netease(Recorder({"code": 200, "ret": ret})) as adapter:
        with pytest.raises(VendorPayloadError, match=r"unavailable at this path.*realtime_path"):
            await adapter.read_live()


async def test_live_counters_answered_with_something_else() -> None:
    async with netease(Recorder({"code": 200, "ret": {"other": 1}})) as adapter:
        with pytest.raises(VendorPayloadError, match="inMeetingCount"):
            await adapter.read_live()


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (300, VendorRefusedError),
        (402, VendorRefusedError),
        (2105, VendorRefusedError),
        (4000, VendorRefusedError),
        (31337, VendorRefusedError),
        (501, VendorUnavailableError),
        (510, VendorThrottledError),
        (512, VendorThrottledError),
        (1014, VendorRefusedError),
        (4001, VendorRefusedError),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
async def test_codes_become_errors(code: int, kind: type[VendorError], status: int) -> None:
    """Whatever the HTTP status; the vendor's own words and our credentials are not passed on."""
    async with netease(Recorder(JSONResponse(netease_refusal(code), status))) as adapter:
        with pytest.raises(VendorError) as caught:
            await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    error = caught.value
    assert type(error) is kind
    if (code, status) != (31337, 400):  # then the HTTP status says it
        assert (error.vendor_code, error.request_id) == (str(code), "mc_e4e56f6182de42ef8edc03b023f91cdb")
    assert (error.source, error.endpoint, error.status) == ("ne", "list", status)
    assert not any(secret in f"{error!r} {error.message} {vars(error)}" for secret in (*SECRETS, "请求"))


async def test_http_status_decides_where_the_body_is_no_envelope() -> None:
    answers = [PlainTextResponse("busy", 503), JSONResponse({"code": 9}, 503), PlainTextResponse("slow down", 429)]
    async with netease(Recorder(*answers, "no object")) as adapter:
        kinds = [VendorUnavailableError, VendorUnavailableError, VendorThrottledError, VendorPayloadError]
        for kind in kinds:
            with pytest.raises(kind):
                await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))


async def test_a_refused_signature_is_made_anew_once(tmp_path: Path) -> None:
    """With credentials read again from their files, with another nonce, and never a third time."""
    file = tmp_path / "secret"
    file.write_text("renewed")
    vendor = Recorder(sample("netease-error-401"), sample("netease-list"), sample("netease-error-401"))
    async with netease(vendor, app_secret=Secret("stale", file)) as adapter:
        assert (await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))).total == 6
        with pytest.raises(VendorAuthError) as caught:
            await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))
    assert len(vendor.asked) == 4
    stale, renewed = (asked.headers for asked in vendor.asked[:2])
    assert stale["nonce"] != renewed["nonce"]
    for headers, secret in ((stale, "stale"), (renewed, "renewed")):
        text = secret + headers["nonce"] + headers["curtime"]
        assert headers["checksum"] == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    assert (caught.value.vendor_code, caught.value.source) == ("401", "ne")
    assert "differ" not in caught.value.message
    said = f"{caught.value!r} {vars(caught.value)}"
    assert not any(headers["checksum"] in said or headers["nonce"] in said for headers in (stale, renewed))


@pytest.mark.parametrize(("minutes", "word"), [(5, "ahead"), (-5, "behind")])
async def test_clock_skew_is_named(monkeypatch: pytest.MonkeyPatch, minutes: int, word: str) -> None:
    """A signature is refused more than a minute off: the error says that clocks differ, and by how much."""
    now = clock.now
    async with netease(Recorder(sample("netease-error-401"))) as adapter:
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(minutes=minutes))
        with pytest.raises(VendorAuthError, match=rf"clocks? .*differ by (29\d|30\d) s.*{word}"):
            await adapter.list_conferences(ConferenceQuery(NETEASE_DAY))


# ---- the rest -----------------------------------------------------------------------------------


async def test_check_asks_for_one_row_of_a_minute() -> None:
    vendor = Recorder(netease_page())
    async with netease(vendor) as adapter:
        assert await adapter.check() == "list answered"
    body = vendor.asked[0].json
    assert (body["endTime"] - body["startTime"], body["pageSize"]) == (60_000, 1)


def test_settings_refuse_what_the_vendor_would() -> None:
    bad = NeteaseSettings(
        vendor="netease",
        base_url="http://127.0.0.1",
        app_key=Secret("ключ"),
        app_secret=Secret("x"),
        page_size=101,
        realtime_path="v1",
    )
    assert [fault.split(":")[0] for fault in bad.faults()] == ["page_size", "realtime_path", "app_key"]
    for is_sent in (False, True):  # what only signs may be any text
        odd = NeteaseSettings(
            vendor="netease",
            base_url="http://127.0.0.1",
            app_key=Secret("key"),
            app_secret=Secret("ключ"),
            send_app_secret=is_sent,
        )
        assert [fault.split(":")[0] for fault in odd.faults()] == ["app_secret"] * is_sent
    assert "x" not in repr(bad.app_secret)
