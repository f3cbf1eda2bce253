"""One failing source never empties the answer: the others' rows come, and what is missing is said."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from answers import Row
from servers import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from worlds import DAY, NOW, Running, during, running

pytestmark = pytest.mark.anyio

VENDORS = ("hexmeet", "netease", "systec", "quanshi", "huawei")
PRIVATE = "passcode-13910001021-of-somebody"  # stands in bodies, and must not come out
WRONG = {
    "hexmeet": {"token": "wrong-hush"},
    "netease": {"app_secret": "wrong-hush"},
    "systec": {"api_secret": "wrong-hush"},
    "quanshi": {"token": "wrong-hush"},
    "huawei": {"guid": "wrong-hush"},
}
SOURCES = "complete sources { source { name } status totalCount error { code message retryAfterSeconds vendorCode } }"
CONFERENCES = f"""
query($filter: ConferenceFilter, $first: Int, $after: String) {{
  conferences(filter: $filter, first: $first, after: $after) {{
    totalCount {SOURCES} nodes {{ sourceName vendorId }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
ALL = f"""
query($during: TimeRange!, $days: DateRange!) {{
  conferences(filter: {{during: $during}}, first: 1000) {{ totalCount {SOURCES} nodes {{ sourceName vendorId }} }}
  calls(filter: {{during: $during}}, first: 1000) {{ totalCount {SOURCES} nodes {{ sourceName vendorId }} }}
  rooms(filter: {{during: $during}}, first: 100) {{ totalCount {SOURCES} nodes {{ sourceName name }} }}
  mcuResources(filter: {{during: $during}}) {{ totalCount {SOURCES} nodes {{ sourceName name }} }}
  regionCounts(measure: ISSUED_CALLS, during: $during) {{ totalCount {SOURCES} nodes {{ sourceName region }} }}
  usage(of: CONFERENCES, days: $days) {{ count {SOURCES} }}
  usageBy(dimension: ROOM, during: $during) {{ totalCount {SOURCES} nodes {{ source {{ name }} key }} }}
  live {{ memberCount {SOURCES} }}
}}
"""
GIVEN = {"during": during(2), "days": {"from": "2026-03-11", "to": "2026-03-12"}}
ABLE = {
    "conferences": VENDORS,
    "calls": ("hexmeet", "systec"),
    "rooms": ("hexmeet", "systec"),
    "mcuResources": ("hexmeet",),
    "regionCounts": ("hexmeet",),
    "usage": ("hexmeet", "netease"),
    "usageBy": ("hexmeet", "systec"),
    "live": ("hexmeet", "netease", "quanshi", "huawei"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def hanging(_: Request) -> Response:
    await asyncio.sleep(8)
    return Response()


def answered(response: Response) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Response:
        return response

    return answer


def vendor_app(answer: Callable[[Request], Any]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await answer(Request(scope, receive)))(scope, receive, send)

    return app


@contextlib.asynccontextmanager
async def fault(kind: str) -> AsyncIterator[dict[str, dict[str, object]]]:
    """Five more sources, one per vendor, that all fail the same way."""
    changes: dict[str, object] = {"breaker_failures": 0}  # so that each root tells its own failure
    answers = {
        "hanging": hanging,
        "text": answered(PlainTextResponse(f"<html>{PRIVATE}</html>")),
        "json": answered(JSONResponse({"err_code": PRIVATE, "code": [PRIVATE], "status": {PRIVATE: 1}, "retcode": 7})),
        "busy": answered(PlainTextResponse(PRIVATE, 429, {"retry-after": "11"})),  # longer than a request may wait
        "broken": answered(PlainTextResponse(PRIVATE, 500)),
    }
    async with contextlib.AsyncExitStack() as stack:
        if kind in answers:
            changes["base_url"] = await stack.enter_async_context(serve(vendor_app(answers[kind])))
        elif kind == "refused":
            changes["base_url"] = f"http://127.0.0.1:{free_port()}"
        if kind == "hanging":
            changes["timeout_s"] = 0.3
        wrong = WRONG if kind == "credentials" else {vendor: {} for vendor in VENDORS}
        yield {f"bad_{vendor}": {"vendor": vendor, **changes, **wrong[vendor]} for vendor in VENDORS}


def good_rows(run: Running, days: int) -> list[Row]:
    rows = run.oracle.conferences(NOW - days * DAY, NOW)
    return [{"sourceName": row["sourceName"], "vendorId": row["vendorId"]} for row in rows]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("refused", "UNAVAILABLE"),
        ("hanging", "TIMEOUT"),
        ("text", "BAD_PAYLOAD"),
        ("json", "BAD_PAYLOAD"),
        ("busy", "THROTTLED"),
        ("broken", "UNAVAILABLE"),
        ("credentials", "UNAUTHENTICATED"),
    ],
)
async def test_a_failing_source_is_told_of_and_the_others_rows_come(
    monkeypatch: pytest.MonkeyPatch, kind: str, code: str
) -> None:
    """Every merged root: all rows of the sources that work, why the others do not, and no secret or body."""
    async with fault(kind) as bad, running(monkeypatch, sources=bad) as run:
        begun = time.monotonic()
        answer = await run.client.ask(ALL, **GIVEN)
        assert time.monotonic() - begun < 8
        assert "errors" not in answer
        data = answer["data"]
        assert data["conferences"]["nodes"] == good_rows(run, 2)
        assert len(data["calls"]["nodes"]) == len(run.oracle.calls(NOW - 2 * DAY, NOW))
        assert len(data["rooms"]["nodes"]) == len(run.oracle.rooms(NOW - 2 * DAY, NOW))
        assert len(data["mcuResources"]["nodes"]) == len(run.oracle.world.mcus)
        assert data["usage"]["count"] > 0
        assert data["live"]["memberCount"] == run.oracle.live()["memberCount"]
        for root, able in ABLE.items():
            found = data[root]
            assert found["complete"] is False, root
            assert found.get("totalCount") is None, root
            assert [it["source"]["name"] for it in found["sources"]] == sorted([*VENDORS, *bad])
            for it in found["sources"]:
                name = it["source"]["name"]
                if name.removeprefix("bad_") not in able:
                    assert it["status"] == "UNSUPPORTED", (root, name)
                elif name in bad:
                    assert (it["status"], it["error"]["code"]) == ("FAILED", code), (root, name, it)
                    assert (0 < (it["error"]["retryAfterSeconds"] or 0) <= 11) is (kind == "busy")
                    assert it["totalCount"] is None
                else:
                    assert it["status"] in ("OK", "LIVE_ONLY"), (root, name)
                    assert it["error"] is None
        text = json.dumps(answer, ensure_ascii=False)
        assert PRIVATE not in text
        assert "wrong-hush" not in text
        assert "sandbox" not in text
        assert "127.0.0.1" not in text


async def test_with_all_sources_dead_lists_are_empty_and_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an error: a client learns from the data why there is none."""
    dead = {"base_url": f"http://127.0.0.1:{free_port()}"}
    async with running(monkeypatch, sources=dict.fromkeys(VENDORS, dead)) as run:
        data = await run.client.data(ALL, **GIVEN)
        for root, able in ABLE.items():
            assert data[root]["complete"] is False
            assert data[root].get("nodes", []) == []
            assert data[root].get("totalCount") is None
            failed = [it["source"]["name"] for it in data[root]["sources"] if it["status"] == "FAILED"]
            assert failed == sorted(able)
        assert data["usage"]["count"] == 0
        page = (await run.client.data(CONFERENCES, first=10))["conferences"]
        assert page["pageInfo"]["hasNextPage"]
        assert page["pageInfo"]["endCursor"]


async def test_a_source_that_comes_back_gives_its_rows_later_in_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor remembers where it stood: after its return every row of the range came once."""
    down = True

    def around(vendor: str, app: ASGIApp) -> ASGIApp:
        async def gate(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and vendor == "netease" and down:
                await PlainTextResponse("", 503)(scope, receive, send)
            else:
                await app(scope, receive, send)

        return gate

    async with running(monkeypatch, wrap=around) as run:
        given: dict[str, Any] = {"filter": {"during": during(5)}, "first": 15}
        page = (await run.client.data(CONFERENCES, **given))["conferences"]
        assert page["complete"] is False
        rows = page["nodes"]
        assert {row["sourceName"] for row in rows} >= {"hexmeet", "systec"}
        assert "netease" not in {row["sourceName"] for row in rows}
        down = False
        while page["pageInfo"]["hasNextPage"]:
            page = (await run.client.data(CONFERENCES, **given, after=page["pageInfo"]["endCursor"]))["conferences"]
            assert page["complete"]
            rows += page["nodes"]
        true = good_rows(run, 5)
        assert len(rows) == len(true)
        assert sorted(rows, key=str) == sorted(true, key=str)


async def test_members_that_cannot_be_read_are_missing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their conferences come, and the members of the others."""
    reports = ("/detail", "term_call_stats")

    def around(vendor: str, app: ASGIApp) -> ASGIApp:
        async def gate(scope: Scope, receive: Receive, send: Send) -> None:
            if vendor in ("netease", "hexmeet") and scope.get("path", "").endswith(reports):
                await PlainTextResponse(PRIVATE, 500)(scope, receive, send)
            else:
                await app(scope, receive, send)

        return gate

    inner = "{ complete nodes { displayName } sources { status error { code message } } }"
    query = f"{{ conferences(first: 100) {{ complete nodes {{ sourceName vendorId memberCount members {inner} }} }} }}"
    async with running(monkeypatch, wrap=around) as run:
        answer = await run.client.ask(query)
        assert "errors" not in answer
        assert PRIVATE not in json.dumps(answer)
        rows = answer["data"]["conferences"]["nodes"]
        assert [row["vendorId"] for row in rows] == [row["vendorId"] for row in good_rows(run, 1)]
        assert answer["data"]["conferences"]["complete"]
        for row in rows:
            (it,) = row["members"]["sources"]
            if row["sourceName"] == "hexmeet" or (row["sourceName"] == "netease" and row["memberCount"]):
                assert (it["status"], it["error"]["code"]) == ("FAILED", "UNAVAILABLE")
                assert row["members"]["complete"] is False
                assert row["members"]["nodes"] == []
            else:
                assert it["error"] is None
                assert row["members"]["complete"] is True
        assert any(row["members"]["nodes"] for row in rows)


async def test_a_conference_of_a_dead_source_is_null_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = {"netease": {"base_url": f"http://127.0.0.1:{free_port()}"}}
    query = """
    { dead: conference(source: "netease", vendorId: "20001") { title } conferences(first: 1) { nodes { vendorId } } }
    """
    async with running(monkeypatch, sources=dead) as run:
        answer = await run.client.ask(query)
        assert answer["data"]["dead"] is None
        assert answer["data"]["conferences"]["nodes"]
        (error,) = answer["errors"]
        assert error["path"] == ["dead"]
        assert error["extensions"]["code"] == "VENDOR_ERROR"
        assert error["extensions"]["sourceErrorCode"] == "UNAVAILABLE"


async def test_the_deadline_of_the_request_holds_for_slow_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """However patient the source's own time is, the request ends in its own; what came by then is answered."""
    async with fault("hanging") as bad:
        patient = {name: {**table, "timeout_s": 30} for name, table in bad.items()}
        async with running(monkeypatch, sources=patient, server={"request_timeout_s": 1.5}) as run:
            begun = time.monotonic()
            page = (await run.client.data(CONFERENCES, first=1000))["conferences"]
            assert 1 < time.monotonic() - begun < 4
            assert page["nodes"] == good_rows(run, 1)
            assert page["complete"] is False
            errors = {it["source"]["name"]: it["error"] for it in page["sources"]}
            assert {name: error["code"] for name, error in errors.items() if error} == dict.fromkeys(bad, "TIMEOUT")


async def test_a_sources_health_tells_of_its_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ sources { name health { state lastSuccessAt lastError { code } } } }"
    async with fault("refused") as bad, running(monkeypatch, sources=bad) as run:
        before = (await run.client.data(query))["sources"]
        assert {it["health"]["state"] for it in before} == {"UNKNOWN"}
        await run.client.data(CONFERENCES, first=5)
        after = {it["name"]: it["health"] for it in (await run.client.data(query))["sources"]}
        for name, health in after.items():
            if name in bad:
                assert health["state"] in ("DEGRADED", "DOWN")
                assert health["lastError"] == {"code": "UNAVAILABLE"}
                assert health["lastSuccessAt"] is None
            else:
                assert health["state"] == "UP"
                assert health["lastError"] is None
                assert health["lastSuccessAt"]
