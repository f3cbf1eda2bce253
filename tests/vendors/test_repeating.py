"""What is sent again when a vendor is unwell in its own words, as its contract wants it: counted at the emulator."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from clocks import own_clock
from faulty import Fault, answers, passes
from mirrors import ALL_TIME, ANCHOR, expected, mirror
from starlette.types import ASGIApp, Receive, Scope, Send

from graph import clock
from graph.errors import (
    RetriableVendorError,
    VendorError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from graph.vendors import VENDORS
from graph.vendors.base import ConferenceQuery

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands, and nobody waits for a pause."""
    own_clock(monkeypatch)
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)


def says(body: Mapping[str, Any], status: int = 200) -> Fault:
    return answers(json.dumps(body).encode(), status)


def on(numbers: Sequence[int], fault: Fault) -> Fault:
    """Spoil the answers of these requests, counted from 1."""
    asked = 0

    async def some(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        await (fault if asked in numbers else passes)(app, scope, receive, send)

    return some


class Words(NamedTuple):
    """What a vendor says, and what kind of error it is."""

    vendor: str
    fault: Fault
    kind: type[VendorError]


def netease(code: int) -> Fault:
    return says({"code": code, "msg": "too much", "requestId": "mc_1", "costTime": "1ms"})


def huawei(code: str) -> Fault:
    return says({"message": "", "retcode": code, "result": None})


def hexmeet(code: int, info: str) -> Fault:
    return says({"guid": "", "err_code": code, "err_info": info, "more_info": ""})


PASSING = [
    Words("netease", netease(501), VendorUnavailableError),
    Words("netease", netease(510), VendorThrottledError),
    Words("netease", netease(512), VendorThrottledError),
    Words("huawei", huawei("100-007"), VendorUnavailableError),
    Words("systec", says({"status": 503, "message": "busy"}), VendorUnavailableError),
    Words("systec", says({"status": 429, "message": "busy"}), VendorThrottledError),
    Words("hexmeet", hexmeet(7, "Trying to create too many scroll contexts."), VendorThrottledError),
    *(Words(vendor, answers(b"", 429), VendorThrottledError) for vendor in VENDORS),
    *(Words(vendor, answers(b"", 503), VendorUnavailableError) for vendor in VENDORS if vendor != "hexmeet"),
]
LASTING = [
    Words("netease", netease(300), VendorRefusedError),
    Words("netease", netease(2105), VendorRefusedError),
    Words("huawei", huawei("000-002"), VendorRefusedError),
    Words("systec", says({"status": 300, "message": "no"}), VendorRefusedError),
    Words("hexmeet", hexmeet(7, "no"), VendorRefusedError),
    # It may have opened a scroll, so that another would hold a second place.
    Words("hexmeet", answers(b"", 503), VendorUnavailableError),
    Words("quanshi", says({"status": 20713, "msg": "no", "request_id": "1"}), VendorRefusedError),
]


@pytest.mark.parametrize("words", PASSING)
async def test_what_passes_is_asked_again_and_no_row_is_missing(words: Words) -> None:
    async with mirror(words.vendor) as source:
        await source.drain()
        needed = source.faulty.requests
    async with mirror(words.vendor, retries=2) as source:
        source.faulty.fault = on([1, 2], words.fault)
        rows = await source.drain()
        assert sorted(row.vendor_id for row in rows) == sorted(row.vendor_id for row in expected(words.vendor))
        assert source.faulty.requests == needed + 2


@pytest.mark.parametrize("words", PASSING)
async def test_what_does_not_pass_is_told_in_the_end(words: Words) -> None:
    async with mirror(words.vendor, retries=2) as source:
        source.faulty.fault = words.fault
        with pytest.raises(words.kind):
            await source.ask()
        assert source.faulty.requests % 3 == 0


@pytest.mark.parametrize("words", LASTING)
async def test_what_asking_again_does_not_mend_is_asked_once(words: Words) -> None:
    async with mirror(words.vendor, retries=2) as source:
        source.faulty.fault = words.fault
        with pytest.raises(words.kind):
            await source.ask()
        assert source.faulty.requests == 1


@pytest.mark.parametrize("fault", [answers(b"", 429), answers(b"", 503), hexmeet(7, "expired")])
async def test_a_page_of_a_scroll_is_never_asked_for_again(fault: Fault) -> None:
    """It moves the scroll on: the range has to be read from the start."""
    async with mirror("hexmeet", retries=2, page_size=3) as source:
        first = await source.adapter.list_conferences(ConferenceQuery(ALL_TIME))
        source.faulty.fault = fault
        with pytest.raises(RetriableVendorError):
            await source.adapter.list_conferences(ConferenceQuery(ALL_TIME), first.token)
        assert source.faulty.requests == 2


@pytest.mark.parametrize("vendor", VENDORS)
async def test_refused_credentials_are_not_sent_over_and_over(vendor: str) -> None:
    """NetEase signs once more, since its clock may have been off."""
    async with mirror(vendor, retries=5) as source:
        source.faulty.fault = answers(b"", 401)
        with pytest.raises(VendorError):
            await source.ask()
        assert source.faulty.requests == (2 if vendor == "netease" else 1)
