"""The sandbox: serves, counts and stops, for made-up vendors and for the real ones."""

import asyncio
import signal
import socket
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from graph.records import Record
from graph.sandbox import server
from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.settings import SourceSettings, build
from graph.vendors import VENDORS
from graph.vendors.base import Adapter, VendorSpec

pytestmark = pytest.mark.anyio
AWKWARD = 'a "quote", a \\, a tab\t, 会议 and a delete \x7f'


def create_emulator(world: World, *, answer: str = "usual", delay_s: float = 0) -> Starlette:
    async def say(request: Request) -> JSONResponse:
        await asyncio.sleep(delay_s)
        return JSONResponse({"answer": answer, "seed": world.seed, "asks": request.url.query})

    return Starlette(routes=[Route("/report/{name}", say, methods=["GET", "POST"])])


def fake(name: str) -> VendorSpec:
    return VendorSpec(
        name=name,
        settings=SourceSettings,
        create_adapter=Adapter,
        conference_fields=object,
        conference_record=Record,
        create_emulator=create_emulator,
        emulator_settings=lambda world: {"token": AWKWARD, "ids": [1, world.seed], "on": True, "none": []},
    )


FAKES = {name: fake(name) for name in ("one", "two")}


@pytest.fixture
def world() -> World:
    return World(seed=7, conferences=20, days=2, anchor=datetime(2026, 11, 20, 4, tzinfo=UTC))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_it_serves_each_vendor_with_its_options(world: World) -> None:
    async with Sandbox(world, options={"two": {"answer": "odd"}}, vendors=FAKES) as sandbox, httpx.AsyncClient() as web:
        assert list(sandbox.urls) == ["one", "two"]
        replies = [(await web.get(f"{url}/report/a")).json() for url in sandbox.urls.values()]
    assert [reply["answer"] for reply in replies] == ["usual", "odd"]
    assert [reply["seed"] for reply in replies] == [7, 7]


async def test_it_counts_requests_in_their_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By path without the query, refused ones too; the log stays short, the counts stay right."""
    monkeypatch.setattr(server, "LOGGED_REQUESTS", 3)
    async with Sandbox(world, vendors=FAKES) as sandbox, httpx.AsyncClient() as web:
        await web.post(f"{sandbox.urls['two']}/report/a?domainId=null")
        await web.get(f"{sandbox.urls['one']}/elsewhere")
        await web.get(f"{sandbox.urls['two']}/report/a")
        assert sandbox.log == [
            ("two", "POST", "/report/a"),
            ("one", "GET", "/elsewhere"),
            ("two", "GET", "/report/a"),
        ]
        assert sandbox.requests == {("two", "/report/a"): 2, ("one", "/elsewhere"): 1}
        for _ in range(10):
            await web.get(f"{sandbox.urls['one']}/report/b")
        assert len(sandbox.log) < 6
        assert sandbox.requests["one", "/report/b"] == 10


async def test_it_stops_quickly_and_frees_its_ports(world: World) -> None:
    """Idle connections that are kept open do not hold it up."""
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as web:
        async with Sandbox(world, vendors=FAKES) as sandbox:
            urls = dict(sandbox.urls)
            for url in urls.values():
                assert (await web.get(f"{url}/report/a")).is_success
            before = loop.time()
        assert loop.time() - before < 1
    assert sandbox.urls == {}
    ports = [httpx.URL(url).port or 0 for url in urls.values()]
    async with Sandbox(world, ports, vendors=FAKES) as again:
        assert again.urls == urls


async def test_a_request_under_way_does_not_hold_it_up_for_long(world: World) -> None:
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as web:
        async with Sandbox(world, options={"one": {"delay_s": 60}}, vendors=FAKES) as sandbox:
            request = asyncio.create_task(web.get(f"{sandbox.urls['one']}/report/a"))
            while not sandbox.log:  # noqa: ASYNC110 - the log is a plain list
                await asyncio.sleep(0.005)
            before = loop.time()
        assert loop.time() - before < 3
        reply = await request
    assert reply.status_code == 500


async def test_a_taken_port_is_an_os_error(world: World, taken: int) -> None:
    """And the ports before it are free again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        await Sandbox(world, [free, taken], vendors=FAKES).__aenter__()
    with socket.create_server(("127.0.0.1", free)):
        pass


async def test_a_port_that_cannot_be_is_an_os_error(world: World) -> None:
    with pytest.raises(OSError, match="65535"):
        await Sandbox(world, [0, 70_000], vendors=FAKES).__aenter__()


async def test_wrong_arguments_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="expected 2 ports, found 1"):
        Sandbox(world, [0], vendors=FAKES)
    with pytest.raises(ValueError, match="unknown vendors: three"):
        Sandbox(world, options={"three": {}}, vendors=FAKES)
    with pytest.raises(TypeError, match="nonsense"):
        await Sandbox(world, options={"two": {"nonsense": 1}}, vendors=FAKES).__aenter__()


async def test_signals_stay_with_the_owner_of_the_loop(world: World) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with Sandbox(world, vendors=FAKES):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_its_toml_says_what_its_settings_say(world: World) -> None:
    async with Sandbox(world, vendors=FAKES) as sandbox:
        assert tomllib.loads(sandbox.to_toml()) == {"sources": sandbox.settings()}
        assert sandbox.settings()["two"] == {
            "vendor": "two",
            "base_url": sandbox.urls["two"],
            "token": AWKWARD,
            "ids": [1, 7],
            "on": True,
            "none": [],
        }


def test_toml_is_not_made_of_anything() -> None:
    with pytest.raises(TypeError, match="no TOML for dict"):
        server._toml({})


async def test_the_real_vendors_run_and_their_configuration_is_accepted(world: World) -> None:
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as web:
        assert list(sandbox.urls) == list(VENDORS)
        tables: dict[str, Any] = tomllib.loads(sandbox.to_toml())
        settings = build(tables, {name: spec.settings for name, spec in VENDORS.items()}, environ={})
        assert {name: source.base_url for name, source in settings.sources.items()} == sandbox.urls
        for url in sandbox.urls.values():
            assert (await web.get(f"{url}/nowhere")).status_code == 404
        assert sandbox.requests.total() == len(VENDORS)
