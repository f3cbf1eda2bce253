"""What every adapter keeps to, whoever the vendor: each against its emulator, over real HTTP."""

import asyncio
import json
import traceback
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import structlog
from clocks import own_clock
from faulty import Fault, answers, changes, hangs, passes, resetting, rewrites
from mirrors import (
    ALL_TIME,
    ANCHOR,
    BEFORE_ALL_TIME,
    VIEWS,
    Mirror,
    Shown,
    expected,
    expected_calls,
    mirror,
    secrets_of,
)

from graph import clock
from graph.errors import (
    VendorAuthError,
    VendorError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
)
from graph.paging.windows import Window
from graph.records import Capability, Conference
from graph.sandbox.world import World
from graph.transport.deadline import start_deadline
from graph.vendors import VENDORS
from graph.vendors.base import ConferenceQuery, Extras

CANARY = "canary-4711"
RANGED = ["hexmeet", "netease", "systec"]
PAGED = [*RANGED, "quanshi"]
MIDDLE = Window(ANCHOR - timedelta(days=4, hours=5), ANCHOR - timedelta(days=1, hours=7))

pytestmark = pytest.mark.anyio
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands, so that what is live stays so."""
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)


def shown(rows: Sequence[Conference]) -> list[Shown]:
    """The rows as they are compared: latest first."""
    return sorted(map(Shown.of, rows), key=lambda row: (row.sort_time, row.vendor_id), reverse=True)


async def refused(source: Mirror, kind: type[VendorError]) -> VendorError:
    """The error that a question ends with: of that kind, saying where, and none of what was sent or answered."""
    with pytest.raises(VendorError) as raised:
        await source.ask()
    error = raised.value
    assert isinstance(error, kind), repr(error)
    assert error.source == source.source.name
    assert error.endpoint == VIEWS[source.source.name].endpoint
    told = "".join(traceback.format_exception(error)) + f"{error!r} {vars(error)}"
    assert [text for text in (CANARY, *source.secrets) if text in told] == []
    return error


# ---- all rows, once ---------------------------------------------------------------------------------


@every_vendor
async def test_every_conference_of_the_world_comes_once(vendor: str) -> None:
    async with mirror(vendor) as source:
        rows = await source.drain()
    assert shown(rows) == expected(vendor)
    assert len(rows) > 4


@every_vendor
@pytest.mark.parametrize("size", [1, 7])
async def test_the_page_size_changes_nothing(vendor: str, size: int) -> None:
    async with mirror(vendor, page_size=size) as source:
        rows = await source.drain()
        assert source.faulty.requests >= len(rows) // size
    assert shown(rows) == expected(vendor)


@pytest.mark.parametrize("vendor", RANGED)
async def test_windows_share_no_row_and_lose_none(vendor: str) -> None:
    """Cut where conferences begin, with a vendor whose ranges may include their end."""
    begins = sorted({row.sort_time for row in expected(vendor)})
    cuts = [ALL_TIME.start, begins[3], begins[4], begins[-2], ALL_TIME.end]
    windows = [Window(*edges) for edges in pairwise(cuts)]
    for is_inclusive in (False, True):
        async with mirror(vendor, options={"end_is_inclusive": is_inclusive}) as source:
            rows = await source.drain(windows)
        assert shown(rows) == expected(vendor)


@pytest.mark.parametrize("vendor", ["hexmeet", "systec"])
@pytest.mark.parametrize("size", [1, 7, None])
async def test_every_call_of_the_world_comes_once(vendor: str, size: int | None) -> None:
    settings: dict[str, Any] = {} if size is None else {"page_size": size}
    async with mirror(vendor, **settings) as source:
        rows = await source.drain_calls([Window(ALL_TIME.start, ANCHOR), Window(ANCHOR, ALL_TIME.end)])
    found = sorted((row.started_at, row.ended_at, row.display_name or row.phone_number) for row in rows)
    assert found == expected_calls(vendor)
    assert len(rows) > 4


@pytest.mark.parametrize("vendor", PAGED)
@pytest.mark.parametrize("size", [3, None])
async def test_a_row_that_the_vendor_repeats_is_shown_once(vendor: str, size: int | None) -> None:
    settings: dict[str, Any] = {} if size is None else {"page_size": size}
    async with mirror(vendor, options={"repeats_rows": True}, **settings) as source:
        rows = await source.drain()
    assert shown(rows) == expected(vendor)


@every_vendor
async def test_where_nothing_was_nothing_comes(vendor: str) -> None:
    nothing = World(conferences=0, days=1, anchor=ANCHOR)
    ids: dict[str, Any] = {"conf_ids": [1, 2, 3]} if vendor == "huawei" else {}
    async with mirror(vendor, world=nothing, **ids) as source:
        assert await source.drain() == []
    if vendor in RANGED:
        async with mirror(vendor) as source:
            assert await source.drain([BEFORE_ALL_TIME]) == []


@pytest.mark.parametrize("vendor", RANGED)
@pytest.mark.parametrize("time_filter", ["start", "end", "overlap", "creation"])
async def test_whatever_the_range_filters_the_walk_goes_by_start(vendor: str, time_filter: str) -> None:
    async with mirror(vendor, options={"time_filter": time_filter}, time_filter=time_filter, page_size=20) as source:
        rows = await source.walk(MIDDLE, 7)
    assert [Shown.of(row) for row in rows] == expected(vendor, window=MIDDLE)
    assert len(rows) > 7


@pytest.mark.parametrize("vendor", RANGED)
async def test_a_count_is_exact_or_none(vendor: str) -> None:
    for time_filter in ("start", "creation"):
        options = {"time_filter": time_filter, "end_is_inclusive": True}
        async with mirror(vendor, options=options, time_filter=time_filter) as source:
            for window in (ALL_TIME, MIDDLE, BEFORE_ALL_TIME):
                count = await source.adapter.count_conferences(ConferenceQuery(window))
                assert count in (None, len(expected(vendor, window=window)))


@every_vendor
async def test_look_ups_keep_length_and_order(vendor: str) -> None:
    first, second = (row.vendor_id for row in expected(vendor)[:2])
    async with mirror(vendor) as source:
        await source.drain()
        found = await source.adapter.get_conferences([second, "no such id", first, second], Extras())
    ids = [row.vendor_id if isinstance(row, Conference) else row for row in found]
    assert ids == [second, None, first, second]


# ---- what goes wrong --------------------------------------------------------------------------------


@every_vendor
async def test_wrong_credentials_are_told_as_such(vendor: str) -> None:
    wrong: dict[str, Any] = dict.fromkeys(secrets_of(VENDORS[vendor]), CANARY)
    async with mirror(vendor, **wrong) as source:
        error = await refused(source, VendorAuthError)
        assert error.vendor_code
        with pytest.raises(VendorAuthError):
            await source.adapter.check()


@every_vendor
async def test_the_check_says_what_answered(vendor: str) -> None:
    async with mirror(vendor) as source:
        said = await source.adapter.check()
    assert said
    assert [secret for secret in source.secrets if secret in said] == []


@every_vendor
async def test_http_statuses_are_told_apart(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own_clock(monkeypatch)  # nobody waits for the seven seconds
    kinds: dict[int, type[VendorError]] = {
        400: VendorRefusedError,
        401: VendorAuthError,
        403: VendorAuthError,
        404: VendorRefusedError,
        429: VendorThrottledError,
        500: VendorUnavailableError,
        502: VendorUnavailableError,
        503: VendorUnavailableError,
        504: VendorTimeoutError,
    }
    async with mirror(vendor) as source:
        for status, kind in kinds.items():
            for body in (CANARY, json.dumps({"message": CANARY}), ""):
                source.faulty.fault = answers(body.encode(), status, {"retry-after": "7"})
                error = await refused(source, kind)
                assert error.status == status
                if status in (429, 503):
                    assert error.retry_after_s == 7


@every_vendor
async def test_what_never_answers_times_out(vendor: str) -> None:
    async with mirror(vendor, timeout_s=0.2) as source:
        source.faulty.fault = hangs
        await refused(source, VendorTimeoutError)


@every_vendor
async def test_a_connection_that_breaks_is_unavailable(vendor: str) -> None:
    async with resetting() as url, mirror(vendor, base_url=url) as source:
        await refused(source, VendorUnavailableError)


@every_vendor
async def test_a_body_that_is_no_such_body_is_refused(vendor: str) -> None:
    faults: list[Fault] = [
        changes(lambda body: body[: len(body) // 2]),
        rewrites(lambda body: [body]),
        *(answers(body) for body in (b"", b"[]", b"null", b'"%s"' % CANARY.encode(), b"{}", b"\xff", b"[" * 100_000)),
    ]
    async with mirror(vendor) as source:
        for fault in faults:
            source.faulty.fault = fault
            await refused(source, VendorPayloadError)


@every_vendor
async def test_a_field_of_another_type_is_named_and_not_quoted(vendor: str) -> None:
    """It costs its row at the most, and no other."""
    view = VIEWS[vendor]
    for field in (view.number, view.text):
        async with mirror(vendor) as source:
            source.faulty.fault = rewrites(partial(spoiled, view.rows, field))
            with structlog.testing.capture_logs() as lines:
                torn = await source.drain()
            (found,) = source.adapter.client.drift.observed()
        place = f"$.{'.'.join(view.rows)}[].{field}"
        assert (found.endpoint, found.field, found.kind, found.count) == (view.endpoint, place, "wrong type", 1)
        rows = expected(vendor)
        assert len({row.vendor_id for row in rows} - {row.vendor_id for row in torn}) <= 1
        assert len(torn) >= len(rows) - 1 > 0
        assert place in str(lines)
        assert CANARY not in str(lines)


@every_vendor
async def test_the_twin_answers_as_documented(vendor: str) -> None:
    """Whatever differs from the documents is drift: an adapter that meets its twin observes none."""
    async with mirror(vendor) as source:
        source.adapter.client.drift.looks_at_all = True
        assert await source.drain(extras=Extras(members=True, calls=True))
        if Capability.LIST_CALLS in source.source.capabilities:
            assert await source.drain_calls()
        if Capability.LIST_MEMBERS in source.source.capabilities:
            await source.adapter.read_members((await source.ask())[:2])
        await source.adapter.check()
        assert source.adapter.client.drift.observed() == []


@every_vendor
async def test_a_source_recovers(vendor: str) -> None:
    async with mirror(vendor) as source:
        for fault in (answers(b"", 401), answers(b"", 503), answers(b"[]")):
            source.faulty.fault = fault
            with pytest.raises(VendorError):
                await source.ask()
        source.faulty.fault = passes
        assert shown(await source.drain()) == expected(vendor)


@pytest.mark.parametrize("vendor", PAGED)
async def test_pages_that_repeat_for_ever_are_refused(vendor: str) -> None:
    """Every page says that many more follow, and is the first one again."""
    first: list[Any] = []

    def endless(body: Any) -> Any:
        first.append(more(body))
        return first[0]

    async with mirror(vendor, page_size=3) as source:
        source.faulty.fault = rewrites(endless)
        with pytest.raises(VendorPayloadError):
            await source.drain()
        assert source.faulty.requests < 30


@pytest.mark.parametrize("vendor", PAGED)
async def test_empty_pages_that_say_more_follows_end_the_reading(vendor: str) -> None:
    """HexMeet, SYSTEC and Quanshi end so; for NetEase it is a fault."""

    def emptied(body: Any) -> Any:
        rows_at(body, VIEWS[vendor].rows).clear()
        return more(body)

    async with mirror(vendor, page_size=3) as source:
        source.faulty.fault = rewrites(emptied)
        if vendor == "netease":
            with pytest.raises(VendorPayloadError):
                await source.drain()
        else:
            assert await source.drain() == []
        assert source.faulty.requests < 30


@pytest.mark.parametrize("vendor", ["hexmeet", "systec"])
async def test_pages_of_calls_that_repeat_for_ever_end_with_the_request(vendor: str) -> None:
    first: list[Any] = []

    def endless(body: Any) -> Any:
        first.append(more(body))
        return first[0]

    async with mirror(vendor, page_size=3) as source:
        source.faulty.fault = rewrites(endless)

        async def request() -> None:
            start_deadline(0.5)
            await source.drain_calls()

        with pytest.raises(VendorError):
            await asyncio.create_task(request())


def rows_at(body: Any, path: tuple[str, ...]) -> list[Any]:
    """The rows of a body."""
    for key in path:
        body = body[key]
    assert isinstance(body, list)
    return body


def spoiled(path: tuple[str, ...], field: str, body: Any) -> Any:
    """A body with a text in a field of its second row that does not belong there."""
    rows_at(body, path)[1][field] = CANARY
    return body


def more(body: Any) -> Any:
    """A body that says, in any vendor's words, that much more follows."""
    for part in (body, body.get("ret", {}).get("query", {}), body.get("data", {}), body.get("result", {})):
        for key in ("total", "totalCount", "totalPageCount", "total_record", "total_page"):
            if key in part:
                part[key] = 1_000_000
        if "has_next_page" in part:
            part["has_next_page"] = True
    return body
