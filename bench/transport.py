"""What a request to a vendor costs: by confgraph's connections, by httpx's own, and by the whole client of a source.

    python -u bench/transport.py

The vendor is `fastvendor.py`, a process of its own. All ask it the same, in turns, so that other work on the machine
meets them alike.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import fastrows
import httpx
import msgspec
import uvloop
from tables import table

from graph.settings import SourceSettings
from graph.transport.bodies import unpacked
from graph.transport.client import VendorClient
from graph.transport.connection import message_of, start_of
from graph.transport.connections import HEADERS, Connections
from graph.transport.local_quotas import LocalQuotas
from graph.transport.messages import VendorReply, VendorRequest

PATH = "/v1/statistic/meeting/list"
SIZES = {"small": 1, "large": 1000}  # rows of an answer
CALLERS = (1, 20, 200)
MOST = 64_000_000
TIMEOUT_S = 30.0

Ask = Callable[[], Awaitable[int]]


def question(rows: int) -> dict[str, int]:
    """What is asked for so many rows: one quarter of an hour has them."""
    start = next(era.start_ms for era in fastrows.ERAS if (era.rows, era.period_ms) == (rows, fastrows.QUARTER_MS))
    return {"startTime": start, "endTime": start + fastrows.QUARTER_MS, "pageIndex": 1, "pageSize": rows}


def by_httpx(transport: httpx.AsyncBaseTransport, url: httpx.URL, rows: int) -> Ask:
    """Ask by httpx's own transport."""

    async def ask() -> int:
        request = httpx.Request("POST", url, headers=HEADERS, json=question(rows))
        response = await transport.handle_async_request(request)
        try:
            return len(await response.aread())
        finally:
            await response.aclose()

    return ask


def by_ours(connections: Connections, url: httpx.URL, rows: int) -> Ask:
    """Ask by our connections."""
    start = start_of("POST", url, HEADERS)

    async def ask() -> int:
        content = msgspec.json.encode(question(rows))
        message = message_of(start, {"content-length": str(len(content))}, content)
        answer = await connections.ask(url, message, TIMEOUT_S)
        return len(unpacked(answer.body, answer.encoding, MOST))

    return ask


def by_client(client: VendorClient, rows: int) -> Ask:
    """Ask as an adapter does."""

    def read(reply: VendorReply) -> int:
        reply.raise_for_status()
        return len(reply.body)

    return lambda: client.call(VendorRequest("list", PATH, json=question(rows)), read)


async def cost(ask: Ask, callers: int, times: int) -> tuple[float, float]:
    """The CPU of one request in microseconds, and how many were answered per second."""

    async def caller() -> None:
        for _ in range(max(1, times // callers)):
            await ask()

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    requests = max(1, times // callers) * callers
    return (time.process_time() - cpu) / requests * 1e6, requests / (time.perf_counter() - began)


async def compare(url: str, times: int, rounds: int) -> None:
    """Print what all ways cost."""
    settings = SourceSettings(vendor="any", base_url=url, max_requests_per_second=0, max_connections=200)
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    stock = httpx.AsyncHTTPTransport(trust_env=False, limits=limits)
    ours = Connections(MOST)
    client = VendorClient("any", settings, LocalQuotas(), "account")
    lines: list[list[object]] = []
    for size, rows in SIZES.items():
        place = httpx.URL(url + PATH)
        ways = {
            "httpx's transport": by_httpx(stock, place, rows),
            "our connections": by_ours(ours, place, rows),
            "the client of a source": by_client(client, rows),
        }
        (length,) = {await ask() for ask in ways.values()}  # all are answered alike
        for callers in CALLERS:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, ask in ways.items():
                    found[name].append(await cost(ask, callers, times))
            for name, costs in found.items():
                cpu, rate = (round(median(column)) for column in zip(*costs, strict=True))
                lines.append([name, f"{size}, {length:,} bytes", callers, cpu, rate])
    print("\n".join(table("by, answer, callers, CPU us, requests/s", lines)))
    for closing in (stock.aclose(), ours.aclose(), client.aclose()):
        await closing


async def main() -> None:
    """Run it as asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=1000, help="requests per round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    script = str(Path(__file__).with_name("fastvendor.py"))
    vendor = await asyncio.create_subprocess_exec(sys.executable, script, stdout=asyncio.subprocess.PIPE)
    try:
        assert vendor.stdout  # noqa: S101 - a pipe
        url = (await vendor.stdout.readline()).decode().split()[-1]
        await compare(url, options.times, options.rounds)
    finally:
        vendor.kill()
        await vendor.wait()


if __name__ == "__main__":
    uvloop.run(main())
