"""P5 over real HTTP: sources that fail in the middle of a walk and come back lose no row."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pytest
from answers import Row, text
from connections import CALLS, GROUPS, ROOMS
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from walking import CONFERENCES, SPAN, Page, Stage, key, rows_of, staged, truth
from worlds import DAY, NOW

from graph import clock

pytestmark = pytest.mark.anyio

LATELY = {"from": text(NOW - 3 * DAY), "to": text(NOW)}
SIX = tuple(f"{vendor}_{letter}".ljust(32, "x") for letter in "ab" for vendor in ("hexmeet", "netease", "systec"))


class Weather:
    """Answers 503 for the sources that are down; they are told by the first word of the path, or their vendor."""

    def __init__(self) -> None:
        self.down: set[str] = set()

    def around(self, vendor: str, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            name = vendor
            if scope["type"] == "http" and scope["path"].startswith(tuple(f"/{source}/" for source in SIX)):
                name, _, path = scope["path"][1:].partition("/")
                scope = {**scope, "path": f"/{path}"}
            answer = PlainTextResponse("down", 503) if scope["type"] == "http" and name in self.down else app
            await answer(scope, receive, send)

        return served


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries again does so at once: hundreds of requests fail here."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(clock, "sleep", sleep)


class Listed(NamedTuple):
    """A list: the query of a page, where it is in the answer, the query's other variables, and what tells a row."""

    asked: str
    path: list[str]
    given: dict[str, Any]
    tell: Callable[[Row], Any]

    async def whole(self, stage: Stage) -> list[Any]:
        """All rows, in order."""
        pages = await stage.walk(self.asked, self.path, 1000, **self.given)
        return [self.tell(row) for row in rows_of(pages)]


LATEST = Listed(CONFERENCES, ["conferences"], {"d": SPAN, "order": "START_DESC"}, key)
LISTS = {
    "latest": LATEST,
    "earliest": LATEST._replace(given={"d": SPAN, "order": "START_ASC"}),
    "calls": Listed(CALLS, ["calls"], {"d": LATELY}, lambda row: (row["sourceName"], row["vendorId"])),
    "rooms": Listed(ROOMS, ["rooms"], {"d": SPAN}, lambda row: row["id"]),
    "groups": Listed(
        GROUPS,
        ["usageBy"],
        {"d": SPAN, "by": "ROOM", "order": "KEY_ASC"},
        lambda row: (row["source"]["name"], row["key"]),
    ),
}


async def walk_through(
    stage: Stage,
    weather: Weather,
    listed: Listed,
    forecast: Callable[[float], set[str]],
    *,
    size: int,
    is_forward: bool,
) -> list[Page]:
    """Walk while sources are down, as is forecast for a share of the rows: each row comes once.

    A page that says it is complete has all of its stretch, and one that is not says which sources are missing.
    """
    rows = await listed.whole(stage)
    expected = rows if is_forward else rows[::-1]
    met: list[Any] = []

    def note(page: Page) -> None:
        mine = [listed.tell(row) for row in page["nodes"]]
        met.extend(mine if is_forward else mine[::-1])
        told = {it["source"]["name"] for it in page["sources"] if it["status"] == "FAILED"}
        assert page["complete"] == (not told)
        assert told <= weather.down
        if page["complete"] and mine:
            assert set(met) >= set(expected[: expected.index(met[-1]) + 1])
        weather.down = forecast(len(met) / len(expected))
        stage.monotonic_s += 100_000  # nothing is kept: a source that is down shows

    pages = await stage.walk(listed.asked, listed.path, size, is_forward=is_forward, between=note, **listed.given)
    note(pages[-1])
    assert len(met) == len(set(met))
    assert set(met) == set(expected)
    assert pages[-1]["complete"]
    return pages


@pytest.mark.parametrize("is_forward", [True, False])
@pytest.mark.parametrize("size", [3, 8])
@pytest.mark.parametrize("name", LISTS)
async def test_a_source_that_fails_on_the_way_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, is_forward: bool, size: int
) -> None:
    """Be the list read by time or whole."""
    weather = Weather()
    rng = Random(size)  # noqa: S311 - chance that repeats
    async with staged(monkeypatch, 150, wrap=weather.around) as stage:
        if name == "latest":
            assert await LATEST.whole(stage) == truth(stage)

        def forecast(share: float) -> set[str]:
            return {name for name in stage.settings.sources if rng.random() < 0.5} if share < 0.7 else set()

        pages = await walk_through(stage, weather, LISTS[name], forecast, size=size, is_forward=is_forward)
        assert sum(not page["complete"] for page in pages) > 1


@pytest.mark.parametrize("is_forward", [True, False])
async def test_six_sources_in_debt(monkeypatch: pytest.MonkeyPatch, is_forward: bool) -> None:
    """They fail one after the other, each at its own place, and cursors that are short bring back the rows of all."""
    weather = Weather()
    sources = {name: {"vendor": name.partition("_")[0], "base_url": f"/{name}"} for name in SIX}
    async with staged(monkeypatch, 150, wrap=weather.around, sources=sources) as stage:

        def forecast(share: float) -> set[str]:
            return set(SIX[: int(share * 20)]) if share < 0.4 else set()

        pages = await walk_through(stage, weather, LATEST, forecast, size=7, is_forward=is_forward)
        failed = [sum(it["status"] == "FAILED" for it in page["sources"]) for page in pages]
        assert set(failed) == set(range(7))
        six = pages[failed.index(6)]["pageInfo"]
        assert 100 < len(six["endCursor" if is_forward else "startCursor"]) < 512
