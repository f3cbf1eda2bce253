"""Subscriptions by the clients that people use, at processes of confgraph that come to an end."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from callers import bearer, hashed
from e2e.tools import NODE, node_running, run_node
from faulty import Line
from processes import Running, listening_url, running
from sockets import LIVE, socket
from streaming import events

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World

pytestmark = pytest.mark.anyio

CLIENTS = ["graphql-ws", "graphql-sse", "urql over graphql-ws", "urql over graphql-sse", "urql alone"]
CREDENTIAL = "key of one"


@dataclass
class Replica:
    """A process of confgraph."""

    process: Running
    url: str


@contextlib.asynccontextmanager
async def replicas(tmp_path: Path, count: int, *options: str) -> AsyncIterator[list[Replica]]:
    """Processes over the same vendors, whose callers have keys."""
    config = tmp_path / "confgraph.toml"
    auth = f'[auth]\nmode = "keys"\n[[auth.keys]]\nname = "one"\nsha256 = "{hashed(CREDENTIAL)}"\n'
    async with Sandbox(World(conferences=50)) as sandbox:
        config.write_text(auth + sandbox.to_toml(), encoding="utf-8")
        with contextlib.ExitStack() as stack:
            command = ("serve", "--port", "0", "--config", str(config), *options)
            processes = [stack.enter_context(running(*command)) for _ in range(count)]
            yield [Replica(it, await asyncio.to_thread(listening_url, it)) for it in processes]


async def started_conference(subscriber: Running) -> str:
    """The id of the next one that it is told has STARTED."""
    assert subscriber.stdout
    while line := await asyncio.to_thread(subscriber.stdout.readline):
        event = json.loads(line)
        if event["kind"] == "STARTED":
            return str(event["conference"]["id"])
    raise AssertionError(subscriber.communicate()[1])


@NODE
async def test_clients_are_told_what_goes_on(tmp_path: Path) -> None:
    async with replicas(tmp_path, 1) as (replica,):
        url = f"{replica.url}/graphql"
        outs = await asyncio.gather(
            *(asyncio.to_thread(run_node, "live.mjs", client, url, "3", CREDENTIAL) for client in CLIENTS)
        )
    for client, out in zip(CLIENTS, outs, strict=True):
        told: list[Any] = [json.loads(line) for line in out.splitlines()]
        assert [event["kind"] for event in told] == ["STARTED"] * 3, client
        assert len({event["conference"]["id"] for event in told}) == 3, client


@NODE
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse"])
async def test_clients_go_on_at_another_replica(client: str, end: signal.Signals, tmp_path: Path) -> None:
    """Whether theirs is killed or told to end: they are told there again what goes on."""
    async with replicas(tmp_path, 2) as (first, second), Line() as balancer:
        balancer.to = first.url
        with node_running("live.mjs", client, f"{balancer.url}/graphql", "1000000", CREDENTIAL) as subscriber:
            told = {await started_conference(subscriber)}
            balancer.to = second.url
            first.process.send_signal(end)
            async with asyncio.timeout(60):
                while (again := await started_conference(subscriber)) not in told:
                    told.add(again)
        await asyncio.to_thread(first.process.wait, 30)
    assert first.process.returncode == (0 if end is signal.SIGTERM else -signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
async def test_open_subscriptions_do_not_keep_a_process_from_ending(workers: int, tmp_path: Path) -> None:
    """WebSockets are closed in the words of the protocol, streams end, and no client has to answer to that."""
    async with replicas(tmp_path, 1, "--workers", str(workers)) as (replica,), contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(socket(replica.url)) for _ in range(4)]
        for it in opened:
            await it.init(Authorization=f"Bearer {CREDENTIAL}")
            await it.subscribe("live", LIVE)
            assert (await it.read())["type"] == "next"
        stream = await stack.enter_async_context(events(replica.url, LIVE, dict([bearer(CREDENTIAL)])))
        assert (await stream.next())[0] == "next"
        replica.process.send_signal(signal.SIGTERM)
        ends = [await it.end() for it in opened]
        assert {end[:2] for end in ends} == {(1012, "Service restart")}
        assert {event async for event, _ in stream.rest()} <= {"next"}
        out, log = await asyncio.to_thread(replica.process.communicate, timeout=30)
    assert (replica.process.returncode, out) == (0, "")
    assert '"level":"error"' not in log
