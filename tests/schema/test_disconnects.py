"""A client that goes away ends the vendor requests that nobody else waits for, and no others. Over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from faulty import Faulty
from holding import Holds, until
from loglines import lines
from starlette.types import ASGIApp
from worlds import Running, during, running

pytestmark = pytest.mark.anyio

LIST = """query Rows($during: TimeRange!) {
  conferences(filter: {during: $during, sources: ["netease"]}, first: 5) { nodes { vendorId } complete }
}"""
BY_ID = 'query Row($id: String!) { conference(source: "netease", vendorId: $id) { vendorId } }'
SOURCES = b'{"query": "{ sources { name } }"}'


@dataclass
class Slow:
    """A confgraph in front of a NetEase that can be made to hold its requests."""

    world: Running
    vendor: Faulty
    holds: Holds

    def ask(self, query: str, **variables: object) -> asyncio.Task[httpx.Response]:
        """A client of its own, which goes away when it is cancelled."""

        async def one() -> httpx.Response:
            async with httpx.AsyncClient(base_url=self.world.client.url, timeout=60) as http:
                return await http.post("/graphql", json={"query": query, "variables": variables})

        return asyncio.create_task(one())

    def rows(self, days: float = 2) -> asyncio.Task[httpx.Response]:
        """Ask for a list."""
        return self.ask(LIST, during=during(days))


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slow]:
    vendors: dict[str, Faulty] = {}

    def wrap(name: str, app: ASGIApp) -> ASGIApp:
        vendors[name] = Faulty(app)
        return vendors[name]

    patient = {"netease": {"timeout_s": 60}}  # so that nothing but its going away ends what a client began
    server = {"request_timeout_s": 60}
    async with running(monkeypatch, 200, sources=patient, server=server, wrap=wrap) as world:
        yield Slow(world, vendors["netease"], Holds())


async def leave(asking: asyncio.Task[httpx.Response]) -> None:
    """Close the connection."""
    asking.cancel()
    await asyncio.wait([asking])


async def test_what_a_loader_reads_ends_with_its_client(slow: Slow, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it is an error of anybody."""
    row = (await slow.rows()).json()["data"]["conferences"]["nodes"][0]
    slow.vendor.fault = slow.holds
    asking = slow.ask(BY_ID, id=row["vendorId"])
    await until(lambda: slow.holds.held == 1)
    capsys.readouterr()
    await leave(asking)
    await until(lambda: slow.holds.gone == 1)
    slow.holds.let_go()
    assert (await slow.ask(BY_ID, id=row["vendorId"])).json()["data"] == {"conference": row}
    told = [(line["event"], line["level"], line["outcome"]) for line in lines(capsys.readouterr().err)]
    assert told == [("request", "info", "cancelled"), ("request", "info", "ok")]


async def test_what_a_list_reads_ends_with_its_last_client(slow: Slow) -> None:
    slow.vendor.fault = slow.holds
    asking = [slow.rows() for _ in range(3)]
    await until(lambda: slow.holds.held == 1)
    for one in asking:
        assert slow.holds.gone == 0
        await leave(one)
    await until(lambda: slow.holds.gone == 1)
    assert slow.vendor.requests == 1


async def test_who_still_waits_gets_what_another_began(slow: Slow) -> None:
    """The window is read once, whoever of its readers goes away."""
    slow.vendor.fault = slow.holds
    first = slow.rows()
    await until(lambda: slow.holds.held == 1)
    second = slow.rows()
    await asyncio.sleep(0.2)  # the second one waits too, and both are watched
    await leave(first)
    await asyncio.sleep(0.2)
    slow.holds.let_go()
    page = (await second).json()["data"]["conferences"]
    assert page["complete"]
    assert len(page["nodes"]) == 5
    assert slow.holds.gone == 0
    again = (await slow.rows()).json()["data"]["conferences"]
    assert again == page


async def test_a_connection_serves_on_after_a_slow_answer(slow: Slow) -> None:
    """Whoever watched for its end has left the next request alone, one that was sent ahead too."""
    slow.vendor.fault = slow.holds
    url = urlsplit(slow.world.client.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    rows = json.dumps({"query": LIST, "variables": {"during": during(2)}}).encode()
    writer.write(request(rows) + request(SOURCES))
    await until(lambda: slow.holds.held == 1)
    await asyncio.sleep(0.2)
    slow.holds.let_go()
    assert len(json.loads(await reply(reader))["data"]["conferences"]["nodes"]) == 5
    assert len(json.loads(await reply(reader))["data"]["sources"]) == 5
    writer.write(request(SOURCES))
    assert len(json.loads(await reply(reader))["data"]["sources"]) == 5
    writer.close()


async def test_a_client_that_leaves_within_its_own_request_is_no_fault(
    slow: Slow, capsys: pytest.CaptureFixture[str]
) -> None:
    url = urlsplit(slow.world.client.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(request(SOURCES)[:-5])
    await writer.drain()
    writer.close()
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return bool(told)

    await until(is_told)
    (line,) = lines(told)
    assert (line["event"], line["outcome"]) == ("request", "cancelled")


def request(body: bytes) -> bytes:
    """A request as it is sent."""
    head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def reply(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert head.startswith("http/1.1 200")
    length = next(line.split(":")[1] for line in head.splitlines() if line.startswith("content-length:"))
    return await reader.readexactly(int(length))
