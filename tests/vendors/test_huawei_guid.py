"""The Huawei adapter's Guid: adopted, renewed, read again, and never replaced by an older one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from answering import Asked
from mirrors import mirror
from starlette.responses import JSONResponse
from vendors.huawei_app import GUID, MODES, RENEWAL, SAMPLE, all_of, connected, get_one, guids, refusal

from graph import clock
from graph.errors import VendorPayloadError
from graph.records import Conference
from graph.settings import Secret
from graph.vendors.base import Extras

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", ["new-guid", "JSESSIONID=new-guid; Path=/; Secure"])
async def test_a_new_guid_in_any_answer_is_used_from_then_on(mode: str, value: str) -> None:
    answers = [
        JSONResponse(SAMPLE, headers={"Set-GUID": value}),
        refusal("000-002", headers={"Set-GUID": "newer-guid"}),
        JSONResponse(SAMPLE),
    ]
    async with connected(lambda _: answers.pop(0), guid_mode=mode) as (adapter, vendor):
        for _ in range(3):
            await adapter.get_conferences(["1"], Extras())
    assert guids(vendor) == [("query", GUID), ("query", "new-guid"), ("query", "newer-guid")]


async def test_a_static_guid_is_not_renewed() -> None:
    async with connected(lambda _: refusal("100-006")) as (adapter, vendor):
        await adapter.get_conferences(["1"], Extras())
    assert guids(vendor) == [("query", GUID)]


@pytest.mark.parametrize(("mode", "between"), [("static", []), ("refresh", [("renewal", "stale")])])
async def test_a_refused_guid_is_read_again_from_its_file(mode: str, between: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "guid"
    file.write_text("from-file\n")

    def answer(asked: Asked) -> Any:
        return SAMPLE if asked.headers["guid"] == "from-file" else refusal("100-006")

    async with connected(answer, guid=Secret("stale", file), guid_mode=mode) as (adapter, vendor):
        await get_one(adapter)
    assert guids(vendor) == [("query", "stale"), *between, ("query", "from-file")]


def renewing(asked: Asked) -> Any:
    """Renews any Guid by a plus sign; refuses the one that was configured for all else."""
    guid = asked.headers["guid"]
    if asked.path == RENEWAL:
        assert (asked.method, asked.body) == ("PUT", None)
        assert asked.headers["content-type"] == "application/json; charset=UTF-8"
        return {"message": "success", "retcode": "0", "result": {"guid": f"{guid}+"}}
    return refusal("100-006") if guid == "refused" else all_of(asked)


async def test_an_old_guid_is_renewed_once_before_many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)
    async with connected(renewing, guid=Secret("g"), guid_mode="refresh", page_size=1) as (adapter, vendor):
        vendor.delay_s = 0.01
        seconds += 60
        await get_one(adapter)
        assert guids(vendor) == [("query", "g")]
        seconds += 1
        await adapter.get_conferences(["1", "2", "3"], Extras())
        assert guids(vendor)[1:] == [("renewal", "g"), *[("query", "g+")] * 3]
        seconds += 61
        await get_one(adapter)
    assert guids(vendor)[5:] == [("renewal", "g+"), ("query", "g++")]


async def test_while_a_renewal_fails_the_old_guid_is_used_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is good for another minute; the renewal is tried again soon, but not by every request."""
    seconds, is_down = 1000.0, True
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)

    def answer(asked: Asked) -> Any:
        return JSONResponse({}, 503) if asked.path == RENEWAL and is_down else renewing(asked)

    async with connected(answer, guid=Secret("g"), guid_mode="refresh") as (adapter, vendor):
        seconds += 61
        await get_one(adapter)
        await get_one(adapter)
        assert guids(vendor) == [("renewal", "g"), ("query", "g"), ("query", "g")]
        seconds, is_down = seconds + 6, False
        await get_one(adapter)
    assert guids(vendor)[3:] == [("renewal", "g"), ("query", "g+")]


async def test_a_renewal_outlives_the_request_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old Guid may be dead already, so that nobody would have a good one."""
    seconds = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)
    async with connected(renewing, guid=Secret("g"), guid_mode="refresh") as (adapter, vendor):
        vendor.delay_s = 0.05
        seconds += 61
        hasty = asyncio.create_task(get_one(adapter))
        await asyncio.sleep(0.02)
        hasty.cancel()
        await asyncio.wait([hasty])
        await get_one(adapter)
    assert guids(vendor) == [("renewal", "g"), ("query", "g+")]


async def test_a_guid_refused_with_an_http_error_is_renewed() -> None:
    def answer(asked: Asked) -> Any:
        is_refused = asked.headers["guid"] == "refused" and asked.path != RENEWAL
        return refusal("100-006", status=500) if is_refused else renewing(asked)

    async with connected(answer, guid=Secret("refused"), guid_mode="refresh") as (adapter, vendor):
        await get_one(adapter)
    assert guids(vendor) == [("query", "refused"), ("renewal", "refused"), ("query", "refused+")]


async def test_a_late_answer_does_not_bring_an_older_guid_back() -> None:
    """The first answer comes last, when its Guid has been replaced twice and is good no more."""
    async with mirror("huawei", options={"rotates_guid": True, "delays_s": [0.3]}) as source:
        late = asyncio.create_task(source.adapter.get_conferences(["1"], Extras()))
        await asyncio.sleep(0.05)
        for _ in range(4):
            assert await source.adapter.get_conferences(["1"], Extras()) == [None]
        assert not late.done()
        assert await late == [None]
        assert await source.adapter.get_conferences(["1"], Extras()) == [None]


async def test_a_refused_guid_is_renewed_once_and_the_requests_repeated() -> None:
    async with connected(renewing, guid=Secret("refused"), guid_mode="refresh", page_size=1) as (adapter, vendor):
        vendor.delay_s = 0.01
        answers = await adapter.get_conferences(["1", "2", "3"], Extras())
    assert [type(answer) for answer in answers] == [Conference] * 3
    assert sorted(guids(vendor)) == [*[("query", "refused")] * 3, *[("query", "refused+")] * 3, ("renewal", "refused")]


async def test_a_renewal_that_does_not_fit_is_the_error() -> None:
    def answer(asked: Asked) -> Any:
        return {"retcode": "0", "result": {"guid": 5}} if asked.path == RENEWAL else refusal("100-006")

    async with connected(answer, guid_mode="refresh") as (adapter, _):
        (error,) = await adapter.get_conferences(["1"], Extras())
    assert isinstance(error, VendorPayloadError)
    assert "updateGuid" in str(error)
    assert "$.result.guid: expected str, found int" in str(error)
