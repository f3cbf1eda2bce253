"""Ask confgraph while one of three sources hangs, and compare with all of them healthy.

    python bench/faults.py

Three processes of confgraph ask the same emulators: one finds all of them healthy, one a source that takes requests and
never answers, one has given that source up (its breaker is open). They are measured in turn, round after round: first
queries to the two healthy sources only, while merged ones come in at a fixed pace beside them, then merged ones alone.
Nothing is cached, so that every query asks the vendors.
"""

import argparse
import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

import httpx
from children import LISTS, Child, Tables, run_confgraph, run_emulators
from tables import table

from graph.paging.windows import Window

QUERY = """query Faults($sources: [String!], $during: TimeRange!) {
  conferences(filter: { sources: $sources, during: $during }, first: 20) {
    nodes { id sourceName vendorId title state startedAt durationSeconds }
    sources { source { name } status error { code } }
  }
}"""
HUNG = "netease"
CONFERENCES = 3000
PACE_S = 0.25  # from one merged query in the background to the next
MOST = 1.2  # times what it takes while all is well
SLACK = 1.1  # of timeout_s
HEALTHY, HANGS, OPEN = "all healthy", "one hangs", "breaker open"


class Question(NamedTuple):
    """What is asked of which process."""

    during: Mapping[str, str]
    sources: list[str] | None


class Times(NamedTuple):
    """Seconds that queries took."""

    healthy_only: list[float]
    merged: list[float]


async def ask(http: httpx.AsyncClient, question: Question) -> tuple[float, dict[str, str]]:
    """Ask once; the seconds it took, and how each source fared."""
    began = time.perf_counter()
    reply = await http.post("/graphql", json={"query": QUERY, "variables": question._asdict()})
    seconds = time.perf_counter() - began
    body: dict[str, Any] = reply.raise_for_status().json()
    if "errors" in body:
        raise SystemExit(f"A query failed: {body['errors']}")
    return seconds, {it["source"]["name"]: it["status"] for it in body["data"]["conferences"]["sources"]}


@contextlib.asynccontextmanager
async def beside(http: httpx.AsyncClient, question: Question) -> AsyncIterator[None]:
    """Ask the same again and again at a fixed pace, waiting for no answer, until the context is left."""

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            while not is_over.is_set():
                group.create_task(ask(http, question))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(is_over.wait(), PACE_S)

    is_over = asyncio.Event()
    asking = asyncio.create_task(go_on())
    try:
        yield
    finally:
        is_over.set()
        await asking


async def measure(urls: Mapping[str, str], span: Window, rounds: int, queries: int) -> dict[str, Times]:
    """Ask each process in turn, `rounds` times; a round before is for warming up and is not counted."""
    during = {"from": span.start.isoformat(), "to": span.end.isoformat()}
    merged, healthy_only = Question(during, None), Question(during, sorted(LISTS.keys() - {HUNG}))
    times = {name: Times([], []) for name in urls}
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            for name, url in urls.items()
        }
        for number in range(rounds + 1):
            for name, http in clients.items():
                async with beside(http, merged):
                    alone = [await ask(http, healthy_only) for _ in range(queries)]
                together = [await ask(http, merged) for _ in range(max(1, queries // 5))]
                check(name, alone, together)
                if number:
                    times[name].healthy_only.extend(seconds for seconds, _ in alone)
                    times[name].merged.extend(seconds for seconds, _ in together)
    return times


def check(name: str, alone: list[tuple[float, dict[str, str]]], together: list[tuple[float, dict[str, str]]]) -> None:
    """What was measured is what it is called: only the source that hangs fails, and only where it does."""
    failed = {source for _, statuses in (*alone, *together) for source, status in statuses.items() if status != "OK"}
    if failed != (set() if name == HEALTHY else {HUNG}):
        raise SystemExit(f"{name}: {failed or 'no source'} failed")


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    """A vendor that hangs: connections come about, and nobody reads what is sent on them."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def report(times: Mapping[str, Times], timeout_s: float, queries: str) -> Iterator[str]:
    """The tables."""
    well = times[HEALTHY]
    yield f"{queries}; milliseconds, medians."
    yield ""
    rows: list[list[object]] = []
    for what in Times._fields:
        took = {name: median(getattr(each, what)) for name, each in times.items()}
        ratios = [took[name] / took[HEALTHY] for name in (HANGS, OPEN)]
        rows.append([what.replace("_", " "), *(1000 * took[name] for name in times), *ratios])
    yield from table(f"queries, {HEALTHY}, {HANGS}, {OPEN}, {HANGS} x, {OPEN} x", rows)
    goals: list[tuple[str, float, float]] = [
        (f"healthy sources only, {HANGS}: x", median(times[HANGS].healthy_only) / median(well.healthy_only), MOST),
        (f"merged, {HANGS}: s", median(times[HANGS].merged), SLACK * timeout_s),
        (f"healthy sources only, {OPEN}: x", median(times[OPEN].healthy_only) / median(well.healthy_only), MOST),
        (f"merged, {OPEN}: x", median(times[OPEN].merged) / median(well.merged), MOST),
    ]
    yield from table("goal, measured, at most, met", [[*goal, "yes" if goal[1] <= goal[2] else "no"] for goal in goals])


def main() -> None:
    """Measure and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help="how often each process has its turn (%(default)s)")
    parser.add_argument("--queries", type=int, default=10, help="queries to healthy sources in a turn (%(default)s)")
    parser.add_argument("--timeout", type=float, default=2.0, help="timeout_s of that source (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.queries, options.timeout = 2, 5, 1.0
    with Child(run_emulators, CONFERENCES) as emulators, hanging() as url, contextlib.ExitStack() as stack:
        sources, span = emulators.said
        well = sources | {HUNG: sources[HUNG] | {"timeout_s": options.timeout}}
        ill = well | {HUNG: well[HUNG] | {"base_url": url, "breaker_failures": 0}}
        given_up = ill | {HUNG: ill[HUNG] | {"breaker_failures": 1, "breaker_open_s": 3600}}
        configured: dict[str, Tables] = {HEALTHY: well, HANGS: ill, OPEN: given_up}
        children = {
            name: stack.enter_context(Child(run_confgraph, each, {"enabled": False}))
            for name, each in configured.items()
        }
        urls = {name: child.said for name, child in children.items()}
        times = asyncio.run(measure(urls, span, options.rounds, options.queries))
    print("\n".join(report(times, options.timeout, f"timeout_s {options.timeout:g}, {HUNG} hangs")))


if __name__ == "__main__":
    main()
