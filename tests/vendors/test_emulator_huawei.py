"""Huawei's twin: it shows running conferences as documented, and refuses what the vendor refuses."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import sample
from servers import serve
from shapes import misfits
from starlette.applications import Starlette

from graph import clock
from graph.sandbox.world import Phase, World, WorldConference
from graph.vendors.huawei.emulator import create_emulator, emulator_settings

pytestmark = pytest.mark.anyio

ANCHOR = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
WORLD = World(seed=5, conferences=20_000, days=3, anchor=ANCHOR)
CONFERENCES = [c for c in WORLD.all("huawei") if abs(c.sort_time - ANCHOR) < timedelta(days=1)]
LIVE = [c for c in CONFERENCES if c.phase(ANCHOR) is Phase.LIVE]
SETTINGS = emulator_settings(WORLD)
GUID = str(SETTINGS["guid"])
JSON = "application/json; charset=UTF-8"
SECOND = timedelta(seconds=1)
Freeze = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def freeze(monkeypatch: pytest.MonkeyPatch) -> Freeze:
    """Time stands still at the world's anchor, or wherever a test puts it."""

    def to(instant: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant)

    to(ANCHOR)
    return to


def path(agent: str = "101") -> str:
    return f"/agentgateway/resource/agentconf/{agent}/queryconfinfos"


def conf_id(conference: WorldConference) -> int:
    return 1_000_000 + conference.serial


async def send(app: Starlette, method: str, at: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://twin") as client:
        answer = await client.request(method, at, content=content, headers=headers)
    assert answer.status_code == 200
    return answer


async def ask(app: Starlette, ids: Sequence[Any], guid: str = GUID) -> httpx.Response:
    content = json.dumps({"confIds": ids}).encode()
    return await send(app, "POST", path(), content, {"Content-Type": JSON, "Guid": guid})


async def renew(app: Starlette, guid: str, agent: str = "101") -> dict[str, Any]:
    at = f"/agentgateway/resource/onlineagent/{agent}/updateGuid"
    body: dict[str, Any] = (await send(app, "PUT", at, b"", {"Guid": guid})).json()
    return body


async def retcode(app: Starlette, guid: str) -> str:
    code: str = (await ask(app, [1], guid)).json()["retcode"]
    return code


async def test_the_body_has_the_documented_shape() -> None:
    body = (await ask(create_emulator(WORLD), [conf_id(c) for c in LIVE[:20]])).json()
    assert len(body["result"]["confs"]) > 5
    assert misfits(body, [sample("huawei-queryconfinfos")]) == []


async def test_the_result_may_be_the_bare_array() -> None:
    ids = [conf_id(c) for c in LIVE[:5]]
    wrapped, bare = [(await ask(create_emulator(WORLD, bare_array=is_bare), ids)).json() for is_bare in (False, True)]
    assert bare["result"] == wrapped["result"]["confs"] != []


async def test_the_documented_body_is_served_once_the_checks_passed() -> None:
    app = create_emulator(WORLD, documented={"queryconfinfos": sample("huawei-queryconfinfos")})
    assert (await ask(app, sample("huawei-queryconfinfos-request")["confIds"])).json() == sample(
        "huawei-queryconfinfos"
    )
    assert (await ask(app, [1], "other")).json()["retcode"] == "100-006"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"confIds": [1]}', "0"),
        (b'{"confIds": []}', "000-002"),
        (json.dumps({"confIds": list(range(20))}).encode(), "0"),
        (json.dumps({"confIds": list(range(21))}).encode(), "000-002"),
        (b'{"confIds": ["1"]}', "000-002"),
        (b'{"confIds": [1.5]}', "000-002"),
        (b'{"confIds": [true]}', "000-002"),
        (b'{"confIds": 1}', "000-002"),
        (b"{}", "000-002"),
        (b"[]", "000-006"),
        (b"{", "000-006"),
    ],
)
async def test_only_twenty_integers_are_taken(content: bytes, code: str) -> None:
    answer = await send(create_emulator(WORLD), "POST", path(), content, {"Content-Type": JSON, "Guid": GUID})
    assert answer.json()["retcode"] == code


@pytest.mark.parametrize(
    ("agent", "headers", "code"),
    [
        ("101", {"Guid": "other"}, "100-006"),
        ("101", {}, "100-006"),
        ("102", {"Guid": GUID}, "000-003"),
        ("101", {"Guid": GUID, "Content-Type": "text/plain"}, "000-006"),
        ("101", {"Guid": GUID, "Content-Type": "application/json"}, "000-006"),
    ],
)
async def test_strangers_are_refused(agent: str, headers: dict[str, str], code: str) -> None:
    answer = await send(
        create_emulator(WORLD), "POST", path(agent), b'{"confIds": [1]}', {"Content-Type": JSON} | headers
    )
    assert answer.json()["retcode"] == code
    assert answer.json()["message"]
    assert GUID not in answer.text


async def test_refusals_may_have_an_http_status_of_their_own() -> None:
    async with serve(create_emulator(WORLD, error_http_status=500)) as url, httpx.AsyncClient(base_url=url) as client:
        headers = {"Content-Type": JSON, "Guid": GUID}
        good = await client.post(path(), content=b'{"confIds": [1]}', headers=headers)
        bad = await client.post(path(), content=b'{"confIds": [1]}', headers=headers | {"Guid": "other"})
        renewal = await client.put("/agentgateway/resource/onlineagent/101/updateGuid")
    assert [(answer.status_code, answer.json()["retcode"]) for answer in (good, bad, renewal)] == [
        (200, "0"),
        (500, "100-006"),
        (500, "100-006"),
    ]


async def test_answers_may_come_out_of_order() -> None:
    """Each is made as it is asked for, and then held back."""
    app = create_emulator(WORLD, rotates_guid=True, delays_s=[0.05])
    arrived: list[str] = []

    async def one(name: str) -> str:
        guid = (await ask(app, [1])).headers["Set-GUID"]
        arrived.append(name)
        return guid

    first = asyncio.create_task(one("first"))
    await asyncio.sleep(0.01)
    assert await one("second") == await first
    assert arrived == ["second", "first"]


async def test_only_post_is_served() -> None:
    async with serve(create_emulator(WORLD)) as url, httpx.AsyncClient(base_url=url, headers={"Guid": GUID}) as client:
        good = await client.post(path(), content=b'{"confIds": [1]}', headers={"Content-Type": JSON})
        assert good.json() == {"message": "", "retcode": "0", "result": {"confs": []}}
        assert (await client.get(path())).status_code == 405


async def test_rows_say_what_is_in_the_world() -> None:
    app = create_emulator(WORLD)
    devices = {"PHONE": 1, "AGENT": 6, "IOS": 5, "ANDROID": 5}
    for c in LIVE[:20]:
        (row,) = (await ask(app, [conf_id(c)])).json()["result"]["confs"]
        assert c.start
        assert c.scheduled_start
        assert c.scheduled_end
        assert (row["confId"], row["startTime"]) == (conf_id(c), c.start.timestamp() * 1000)
        assert row["applyConfTime"] * 60 == (c.scheduled_end - c.scheduled_start).total_seconds()
        assert row["confHaveBeenTime"] == int((ANCHOR - c.start).total_seconds() // 60)
        assert row["confState"] == (1 if (ANCHOR - c.start).total_seconds() < 30 else 0)
        wanted = [
            {
                "addressType": "9" if a.client == "AGENT" else "6",
                "address": str(a.person.agent_id) if a.client == "AGENT" else a.person.phone,
                "deviceCallType": 0,
                "deviceType": devices.get(a.client, 0),
                "channelAttrib": {"listen": 1, "speak": 2, "both": 3}[a.media],
                "channelState": int(a.is_on_hold),
                "role": int(a.is_chair),
                "enterTime": a.join.timestamp() * 1000,
            }
            for a in c.attendances
            if a.join <= ANCHOR < a.leave
        ]
        assert sorted(row["addresses"], key=lambda a: str(a["address"])) == sorted(
            wanted, key=lambda a: str(a["address"])
        )


async def test_the_order_is_neither_the_one_asked_nor_one_of_time() -> None:
    ids = [conf_id(c) for c in LIVE[:20]]
    confs = (await ask(create_emulator(WORLD), ids)).json()["result"]["confs"]
    found = [row["confId"] for row in confs]
    assert sorted(found) == ids
    assert found not in (ids, ids[::-1])
    chairs = [[a["role"] for a in row["addresses"]].index(1) for row in confs if len(row["addresses"]) > 2]
    assert any(chairs), "the chair comes first everywhere"


async def test_unknown_and_ended_conferences_are_silently_left_out(freeze: Freeze) -> None:
    app = create_emulator(WORLD)
    c = next(c for c in CONFERENCES if c.start and c.start > ANCHOR and c.created < c.start)
    assert c.start
    assert c.end
    asked = [7, -1, 10**18, conf_id(c), conf_id(c)]
    seen = []
    for instant in (c.start - SECOND, c.start, c.start + 30 * SECOND, c.end - SECOND, c.end):
        freeze(instant)
        confs = (await ask(app, asked)).json()["result"]["confs"]
        seen.append([(row["confId"], row["confState"]) for row in confs])
    number = conf_id(c)
    assert seen == [[], [(number, 1)], [(number, 0)], [(number, 0)], []]


async def test_a_guid_expires_unless_it_is_renewed(freeze: Freeze) -> None:
    app = create_emulator(WORLD, guid_ttl_s=120)
    freeze(ANCHOR + 119 * SECOND)
    assert await retcode(app, GUID) == "0"
    renewed = await renew(app, GUID)
    guid = renewed["result"]["guid"]
    assert renewed == {"message": "success", "retcode": "0", "result": {"guid": guid}}
    assert guid.endswith(".AgentGateway1")
    assert [await retcode(app, GUID), await retcode(app, guid)] == ["100-006", "0"]
    freeze(ANCHOR + 238 * SECOND)
    assert await retcode(app, guid) == "0"
    freeze(ANCHOR + 239 * SECOND)
    assert await retcode(app, guid) == "100-006"
    assert (await renew(app, guid))["retcode"] == "100-006"


async def test_a_stranger_renews_no_guid(freeze: Freeze) -> None:
    app = create_emulator(WORLD)
    assert (await renew(app, "other"))["retcode"] == "100-006"
    assert (await renew(app, GUID, agent="102"))["retcode"] == "000-003"
    freeze(ANCHOR + timedelta(days=300))
    assert await retcode(app, GUID) == "0"


async def test_a_rotating_guid_is_good_for_one_more_request() -> None:
    app = create_emulator(WORLD, rotates_guid=True)
    second = (await ask(app, [1])).headers["Set-GUID"]
    assert second != GUID
    assert (await ask(app, [1])).headers["Set-GUID"] == second
    refused = await ask(app, [1])
    assert refused.json()["retcode"] == "100-006"
    assert "Set-GUID" not in refused.headers
    third = (await ask(app, [1], second)).headers["Set-GUID"]
    assert [await retcode(app, guid) for guid in (GUID, third, second)] == ["100-006", "0", "100-006"]


async def test_no_guid_comes_unasked() -> None:
    assert "Set-GUID" not in (await ask(create_emulator(WORLD), [1])).headers


async def test_settings_name_conferences_that_go_on_or_begin_soon() -> None:
    small = World(seed=3, conferences=3000, days=60, anchor=ANCHOR)
    ids = emulator_settings(small)["conf_ids"]
    assert isinstance(ids, list)
    running = {conf_id(c) for c in small.live("huawei", ANCHOR)}
    begins = {conf_id(c): c.sort_time for c in small.all("huawei")}
    assert running
    assert running < set(ids)
    assert all(ANCHOR <= begins[number] <= ANCHOR + timedelta(hours=6) for number in set(ids) - running)
    many = SETTINGS["conf_ids"]
    assert isinstance(many, list)
    assert len(many) == len(set(many)) == 60
    assert (SETTINGS["agent_id"], GUID[-14:]) == ("101", ".AgentGateway1")
