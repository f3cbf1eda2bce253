"""Quanshi's twin: it shows what goes on as documented, and refuses what the vendor refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from conftest import sample
from servers import serve
from shapes import misfits
from starlette.applications import Starlette

from graph import clock
from graph.sandbox.world import Phase, World, WorldConference
from graph.vendors.quanshi.emulator import PATH, create_emulator, emulator_settings

pytestmark = pytest.mark.anyio

ZONE = timezone(timedelta(hours=8))
ANCHOR = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
WORLD = World(seed=5, conferences=40_000, days=3, anchor=ANCHOR)
CONFERENCES = [c for c in WORLD.all("quanshi") if abs(c.sort_time - ANCHOR) < timedelta(days=1)]
TOKEN = str(emulator_settings(WORLD)["token"])
DOCUMENTED = sample("quanshi-listbystatus")
SECOND = timedelta(seconds=1)
Freeze = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def freeze(monkeypatch: pytest.MonkeyPatch) -> Freeze:
    """Time stands still at the world's anchor, or wherever a test puts it."""

    def to(instant: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant)

    to(ANCHOR)
    return to


async def ask(app: Starlette, body: Any, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"accept": "application/json", "content-type": "application/json", "token": TOKEN} | headers
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://twin") as client:
        answer = await client.post(PATH, content=content, headers=headers)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    return decoded


async def walk(app: Starlette, **body: Any) -> list[dict[str, Any]]:
    """Every row, page by page, until an empty one."""
    rows: list[dict[str, Any]] = []
    page = 0
    while True:
        page += 1
        listed = (await ask(app, {"page": page, "count": 50, **body}))["result"]["confList"]
        if not listed:
            return rows
        rows += listed


def live() -> list[WorldConference]:
    return [c for c in CONFERENCES if c.phase(clock.now()) is Phase.LIVE]


def coming() -> list[WorldConference]:
    """Those booked to begin within a quarter of an hour."""
    now = clock.now()
    return [
        c
        for c in CONFERENCES
        if c.phase(now) is Phase.SCHEDULED
        and c.scheduled_start is not None
        and c.scheduled_start - now <= timedelta(minutes=15)
    ]


def conference_id(conference: WorldConference) -> str:
    return str(22_000_000 + conference.serial)


async def test_the_body_has_the_documented_shape() -> None:
    begun = {conference_id(c) for c in live()}
    body = await ask(create_emulator(WORLD), sample("quanshi-listbystatus-request") | {"count": 50})
    body["result"]["confList"] = [row for row in body["result"]["confList"] if row["conferenceId"] in begun]
    assert body["result"]["confList"]
    assert misfits(body, [DOCUMENTED]) == []
    assert body["timestamp"] == ANCHOR.timestamp() * 1000


async def test_the_documented_body_is_served_once_the_checks_passed() -> None:
    app = create_emulator(WORLD, documented={"listbystatus": DOCUMENTED})
    assert await ask(app, {}) == DOCUMENTED
    assert (await ask(app, {}, token="other"))["status"] == 401
    assert (await ask(app, {"page": 2}))["result"] == {"totalCount": 2, "confList": []}


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        (TOKEN, {}, 0),
        ("other", {"token": TOKEN}, 0),
        ("other", {}, 401),
        ("other", {"token": "other"}, 401),
        ("", {"token": None}, 401),
    ],
)
async def test_the_token_counts_in_header_or_body(header: str, body: dict[str, Any], status: int) -> None:
    answer = await ask(create_emulator(WORLD), body, token=header)
    assert answer["status"] == status
    assert (answer["result"] is None) is (status != 0)
    assert TOKEN not in json.dumps(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        {"page": 0},
        {"page": "1"},
        {"count": 0},
        {"count": 51},
        {"count": True},
        {"adminUserId": "1"},
        {"filterOneAttendee": 1},
    ],
)
async def test_bad_parameters_are_refused(body: Any) -> None:
    answer = await ask(create_emulator(WORLD), body)
    assert (answer["status"], answer["result"]) == (400, None)
    assert answer["msg"]


async def test_refusals_may_have_an_http_status_of_their_own() -> None:
    async with (
        serve(create_emulator(WORLD, error_http_status=400)) as url,
        httpx.AsyncClient(base_url=url, headers={"token": TOKEN}) as client,
    ):
        good, bad = [await client.post(PATH, json={"page": page}) for page in (1, 0)]
    assert [(answer.status_code, answer.json()["status"]) for answer in (good, bad)] == [(200, 0), (400, 400)]


async def test_only_json_by_post_is_served() -> None:
    assert (await ask(create_emulator(WORLD), {}, **{"content-type": "text/plain"}))["status"] == 400
    async with (
        serve(create_emulator(WORLD)) as url,
        httpx.AsyncClient(base_url=url, headers={"token": TOKEN}) as client,
    ):
        assert (await client.post(PATH, json={})).json()["status"] == 0
        assert (await client.get(PATH)).status_code == 405


async def test_pages_hold_every_conference_once_and_in_no_useful_order() -> None:
    app = create_emulator(WORLD)
    ids = [row["conferenceId"] for row in await walk(app)]
    assert sorted(ids) == sorted(conference_id(c) for c in [*live(), *coming()])
    assert len(ids) > 50
    assert ids not in (sorted(ids), sorted(ids, reverse=True))
    first = (await ask(app, {}))["result"]
    assert (len(first["confList"]), first["totalCount"]) == (20, len(ids))


async def test_rows_say_what_is_in_the_world() -> None:
    rows = {row["conferenceId"]: row for row in await walk(create_emulator(WORLD))}
    kinds = ("voipCnt", "pstnCnt", "videoCnt", "desktopCnt", "mcuCnt", "boxCnt")
    for c in live():
        row, present = rows[conference_id(c)], [a for a in c.attendances if a.join <= ANCHOR < a.leave]
        assert c.start is not None
        assert row["confName"] == c.title
        assert (row["hostId"], row["hostName"], row["hostEmail"]) == (c.host.agent_id, c.host.name, c.host.email)
        assert (row["hostOrgId"], row["hostOrgName"]) == (c.host.department.id, c.host.department.name)
        assert row["hostMobile"] in ("", c.host.phone)
        assert row["hostIp"] in ("", c.host.ip)
        assert row["hostLocation"] == (c.host.province or "")
        assert row["startTime"] == c.start.timestamp()
        assert row["startTimeStr"] == c.start.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        assert (row["stopTime"], row["stopTimeStr"], row["status"]) == (0, "", 2)
        planned = c.scheduled_end - c.scheduled_start if c.scheduled_start and c.scheduled_end else timedelta(hours=1)
        assert (row["confDuration"], row["confDurationMinute"] * 60) == (planned.total_seconds(),) * 2
        assert (row["isSecureConf"], row["isRecord"]) == (c.is_secure, c.is_recorded)
        assert row["attendeeCnt"] == len(present) == sum(row[kind] for kind in kinds)
        assert row["pstnCnt"] == row["rawPstnCnt"] == sum(a.client == "PHONE" for a in present)
        assert row["rawAttendeeCnt"] == len({a.person.account_id for a in present})
    for key in ("hostMobile", "hostIp", "billingCode", "dataCenter"):
        assert {row[key] == "" for row in rows.values()} == {True, False}, key


async def test_a_coming_conference_has_nobody_in_it_and_its_booked_start() -> None:
    rows = {row["conferenceId"]: row for row in await walk(create_emulator(WORLD))}
    assert coming()
    for c in coming():
        row = rows[conference_id(c)]
        assert c.scheduled_start is not None
        assert (row["status"], row["startTime"], row["attendeeCnt"]) == (1, c.scheduled_start.timestamp(), 0)
        assert (row["isSecureConf"], row["isRecord"]) == (None, None)


async def test_a_conference_comes_goes_on_and_is_gone(freeze: Freeze) -> None:
    app = create_emulator(WORLD)
    conference = next(c for c in coming() if c.start and c.scheduled_start and c.start > c.scheduled_start)
    assert conference.start
    assert conference.end
    seen = []
    start, end = conference.start, conference.end
    for instant in (start - timedelta(minutes=30), ANCHOR, start - SECOND, start, end - SECOND, end):
        freeze(instant)
        seen.append([row["status"] for row in await walk(app) if row["conferenceId"] == conference_id(conference)])
    assert seen == [[], [1], [1], [2], [2], []]


async def test_conferences_of_one_may_be_left_out() -> None:
    app = create_emulator(WORLD)
    everything = await walk(app)
    several = await walk(app, filterOneAttendee=True)
    assert several == [row for row in everything if row["attendeeCnt"] != 1]
    assert len(several) < len(everything)
    assert (await ask(app, {"filterOneAttendee": True}))["result"]["totalCount"] == len(several)


async def test_a_smaller_page_cap_and_rows_that_come_twice() -> None:
    app = create_emulator(WORLD, page_cap=5, repeats_rows=True)
    assert (await ask(app, {"count": 6}))["status"] == 400
    ids = [row["conferenceId"] for row in (await ask(app, {"count": 5}))["result"]["confList"]]
    assert len(ids) == 6
    assert ids[0] == ids[-1]
