"""What becomes of operations over WebSockets and streams of events when one side has had enough, and what is told."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from faulty import Faulty
from holding import Holds, until
from loglines import lines
from servers import serve
from sockets import LIVE, Socket, over, socket
from starlette.applications import Starlette
from starlette.types import ASGIApp
from streaming import events
from websockets.exceptions import ConnectionClosed
from worlds import Running, running

from graph.server import connections, create_app
from graph.server.spending import Spending

pytestmark = pytest.mark.anyio

SLOW = 'query Slow { live(sources: ["netease"]) { complete } }'


@dataclass
class Held:
    """A confgraph in front of a NetEase that holds its requests."""

    app: Starlette
    url: str
    holds: Holds
    world: Running

    async def open_subscriptions(self) -> float:
        """How many there are, as /metrics tells."""
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"{self.url}/metrics")).text
        (count,) = re.findall(r"^confgraph_subscriptions (\S+)$", text, re.MULTILINE)
        return float(count)

    async def until_subscriptions(self, count: float) -> None:
        async with asyncio.timeout(20):
            while await self.open_subscriptions() != count:
                pass


@pytest.fixture
async def held(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Held]:
    holds = Holds()

    def wrap(name: str, vendor: ASGIApp) -> ASGIApp:
        faulty = Faulty(vendor)
        faulty.fault = holds if name == "netease" else faulty.fault
        return faulty

    async with running(monkeypatch, 50, wrap=wrap) as world:
        app = create_app(over(world))
        async with serve(app) as url:
            yield Held(app, url, holds, world)


async def test_who_goes_away_leaves_no_work_behind(held: Held, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither queries nor subscriptions, of whatever transport; nothing of it is an error."""
    async with socket(held.url) as it, events(held.url, SLOW), events(held.url, LIVE) as stream:
        await it.init()
        await it.subscribe("slow", SLOW)
        await it.subscribe("live", LIVE)
        assert (await it.read())["type"] == (await stream.next())[0] == "next"
        await until(lambda: held.holds.held == 1)  # both ask for the same, so that it is asked once
        assert await held.open_subscriptions() == 2
        capsys.readouterr()
    await until(lambda: held.holds.gone == 1)
    await held.until_subscriptions(0)
    told = lines(capsys.readouterr().err)
    assert {line["level"] for line in told} == {"info"}
    outcomes = sorted((line["operation"], line["outcome"]) for line in told if "operation" in line)
    assert outcomes == [("Live", "ok"), ("Live", "ok"), ("Slow", "cancelled"), ("Slow", "cancelled")]


async def begin_and_end(held: Held, it: Socket) -> None:
    """Ask something slow, and want it no more once its vendor is asked."""
    await it.subscribe("slow", SLOW)
    await until(lambda: held.holds.held == 1)
    await it.send("complete", id="slow")
    await until(lambda: held.holds.gone == 1)


async def test_an_operation_that_its_client_ends_is_not_worked_for(held: Held) -> None:
    async with socket(held.url) as it:
        await it.init()
        await begin_and_end(held, it)
        assert (await it.ask("{ __typename }", "slow"))["data"], "its id is free"


async def test_the_end_of_the_process_completes_queries_and_leaves_subscriptions_to_be_begun_again(held: Held) -> None:
    """A client that is told `complete` would not come again; one that is cut off does, to another replica."""
    async with socket(held.url) as it, socket(held.url) as idle, events(held.url, LIVE) as stream:
        await idle.init()
        await it.init()
        await it.subscribe("live", LIVE)
        await it.subscribe("slow", SLOW)
        assert (await it.read())["id"] == "live"
        assert (await stream.next())[0] == "next"
        await until(lambda: held.holds.held == 1)
        held.app.state.lives.end()
        assert (await idle.end())[:2] == (1012, "Service restart")
        assert "complete" not in [event async for event, _ in stream.rest()]
        await held.until_subscriptions(0)
        held.holds.let_go()
        code, _, messages = await it.end()
        assert code == 1012
        last = [(message["id"], message["type"]) for message in messages][-2:]
        assert last == [("slow", "next"), ("slow", "complete")]
        assert ("live", "complete") not in [(message["id"], message["type"]) for message in messages]
        async with socket(held.url) as late:
            assert (await late.end())[0] == 1012


async def test_the_end_of_the_process_waits_for_what_a_client_has_just_ended(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller is charged, and the WebSocket is closed as any other."""
    is_charged = asyncio.Event()

    async def settle(_: Spending) -> None:
        await is_charged.wait()

    monkeypatch.setattr(Spending, "settle", settle)
    async with socket(held.url) as it:
        await it.init()
        await begin_and_end(held, it)
        held.app.state.lives.end()
        await asyncio.sleep(0)
        is_charged.set()
        assert (await it.end())[:2] == (1012, "Service restart")


async def test_who_does_not_read_is_cut_off(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its subscriptions end, and nothing piles up for it meanwhile."""
    monkeypatch.setattr(connections, "READING_S", 0.5)
    wide = f"{{ {' '.join(f'a{n}: _service {{ sdl }}' for n in range(20))} }}"
    async with socket(held.url, max_queue=1) as deaf, socket(held.url) as it:
        await it.init()
        await deaf.init()
        await deaf.subscribe("live", LIVE)
        await held.until_subscriptions(1)

        async def ask_on() -> None:
            for number in itertools.count():
                await deaf.subscribe(f"{number}", wide)

        asking = asyncio.create_task(ask_on())
        await held.until_subscriptions(0)
        with pytest.raises(ConnectionClosed):
            await asking
        assert (await it.ask("{ __typename }"))["data"]


async def test_a_subscription_is_one_request_and_its_length_is_not_timed(
    held: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    async def timed() -> list[str]:
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"{held.url}/metrics")).text
        return re.findall(r"^confgraph_request_seconds_count (\S+)$", text, re.MULTILINE)

    before = await timed()
    capsys.readouterr()
    async with socket(held.url) as it:
        await it.init()
        await it.subscribe("live", LIVE)
        await it.read()
        await it.send("complete", id="live")
        await held.until_subscriptions(0)
    (line,) = lines(capsys.readouterr().err, "request")
    assert (line["kind"], line["operation"], line["outcome"]) == ("subscription", "Live", "ok")
    assert await timed() == before
