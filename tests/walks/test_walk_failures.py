"""P5 over real HTTP: a source that fails in the middle of a walk and comes back loses no row."""

from random import Random
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from walking import CONFERENCES, SPAN, Page, key, staged, truth

pytestmark = pytest.mark.anyio


class Weather:
    """Answers 503 for the sources that are down."""

    def __init__(self) -> None:
        self.down: set[str] = set()

    def around(self, name: str, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            answer = PlainTextResponse("down", 503) if scope["type"] == "http" and name in self.down else app
            await answer(scope, receive, send)

        return served


@pytest.mark.parametrize("order", ["START_DESC", "START_ASC"])
@pytest.mark.parametrize("is_forward", [True, False])
@pytest.mark.parametrize("size", [3, 20])
async def test_a_source_that_fails_on_the_way_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, order: str, is_forward: bool, size: int
) -> None:
    """Each row comes once, and a page that says it is complete has all of its stretch."""
    weather = Weather()
    rng = Random(size)  # noqa: S311 - chance that repeats
    async with staged(monkeypatch, 150, wrap=weather.around) as stage:
        up = (order == "START_ASC") is is_forward
        expected = sorted(truth(stage), reverse=not up)
        met: list[tuple[str, str, str]] = []
        failed = 0
        names = sorted({source for _, source, _ in expected})

        def note(page: Page) -> None:
            nonlocal failed
            rows = [key(row) for row in page["nodes"]]
            met.extend(rows if is_forward else rows[::-1])
            told = {it["source"]["name"] for it in page["sources"] if it["status"] == "FAILED"}
            assert page["complete"] == (not told)
            assert told <= weather.down
            failed += bool(told)
            if page["complete"] and rows:
                assert set(met) >= set(expected[: expected.index(met[-1]) + 1])

        def between(page: Page) -> None:
            note(page)
            quiet = len(met) > len(expected) * 0.7
            weather.down = set() if quiet else {name for name in names if rng.random() < 0.4}
            stage.monotonic_s += 100_000  # nothing is kept: a source that is down shows

        given: dict[str, Any] = {"d": SPAN, "order": order}
        pages = await stage.walk(CONFERENCES, ["conferences"], size, is_forward=is_forward, between=between, **given)
        note(pages[-1])
        assert sorted(met, reverse=not up) == expected
        assert failed > 1
        assert pages[-1]["complete"]
