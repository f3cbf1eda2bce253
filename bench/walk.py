"""Walk all conferences of a world through /graphql, page after page, and count what it costs.

    python bench/walk.py --conferences 10000,100000 --page 50

For each size it starts the vendors' emulators in one process and confgraph in another, walks the whole list over HTTP
on loopback, and then does the same work by the naive merge (naive.py). Linux only: the figures come from /proc.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from math import ceil
from typing import Any, NamedTuple

import httpx
from children import DAYS, LISTS, Child, Tables, read_settings, run_confgraph, run_emulators
from naive import Naive, run_naive
from tables import table

from graph.paging.windows import Window

QUERY = """query Walk($during: TimeRange!, $first: Int!, $after: String) {
  conferences(filter: { during: $during }, first: $first, after: $after) {
    nodes { id sourceName vendorId title state startedAt durationSeconds }
    pageInfo { hasNextPage endCursor }
    complete
  }
}"""
ROWS_PER_SLICE = 10_000  # of the naive merge
MEASURES = ("list requests", "seconds", "peak MiB")


class Cost(NamedTuple):
    """What something cost so far: seconds, the confgraph process's peak, requests by (source, report)."""

    seconds: float
    peak_mib: float
    requests: Mapping[tuple[str, str], int]

    @property
    def list_requests(self) -> int:
        """The list requests to all sources."""
        return sum(count for (source, report), count in self.requests.items() if report == LISTS[source])

    @property
    def figures(self) -> tuple[int, float, float]:
        """What MEASURES names."""
        return self.list_requests, self.seconds, self.peak_mib


class Walk(NamedTuple):
    """What a walk came to."""

    rows: Counter[str]
    digest: str
    pages: int
    short_pages: int
    is_whole: bool
    first_page: Cost
    cost: Cost
    cpu_s: float
    emulators_cpu_s: float
    start_mib: float
    most_stored: int

    @property
    def per_thousand(self) -> tuple[float, float]:
        """Seconds, and seconds of confgraph's computing, for a thousand rows."""
        thousands = self.rows.total() / 1000
        return self.cost.seconds / thousands, self.cpu_s / thousands


def walk(emulators: Child, confgraph: Child, window: Window, page: int, seconds: float) -> Walk:
    """Follow endCursor to the end, or until the time is up. Every page must be complete, every row new."""
    digest = blake2b(digest_size=8)
    rows: Counter[str] = Counter()
    seen: set[str] = set()
    pages = short_pages = most_stored = 0
    start_mib, cpu_s, emulators_cpu_s = confgraph.peak_mib, confgraph.cpu_s, emulators.cpu_s
    first_page = None
    began = time.perf_counter()

    def cost() -> Cost:
        return Cost(time.perf_counter() - began, confgraph.peak_mib, emulators.ask())

    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    next_look = began
    with httpx.Client(base_url=confgraph.said, timeout=60) as client:
        while info["hasNextPage"] and (now := time.perf_counter()) - began < seconds:
            answer = ask(client, window, page, info["endCursor"])
            info = answer["pageInfo"]
            pages += 1
            short_pages += len(answer["nodes"]) < page and info["hasNextPage"]
            first_page = first_page or cost()
            for node in answer["nodes"]:
                seen.add(node["id"])
                rows[node["sourceName"]] += 1
                digest.update(f"{node['sourceName']}/{node['vendorId']}\n".encode())
            if now >= next_look:
                most_stored = max(most_stored, confgraph.ask())
                next_look = now + 1
    if first_page is None or len(seen) != rows.total():
        raise SystemExit(f"{rows.total()} rows, but {len(seen)} different ones")
    return Walk(
        rows,
        digest.hexdigest(),
        pages,
        short_pages,
        not info["hasNextPage"],
        first_page,
        cost(),
        confgraph.cpu_s - cpu_s,
        emulators.cpu_s - emulators_cpu_s,
        start_mib,
        max(most_stored, confgraph.ask()),
    )


def ask(client: httpx.Client, window: Window, page: int, after: str | None) -> dict[str, Any]:
    """One page."""
    during = {"from": window.start.isoformat(), "to": window.end.isoformat()}
    variables = {"during": during, "first": page, "after": after}
    body = client.post("/graphql", json={"query": QUERY, "variables": variables}).raise_for_status().json()
    if "errors" in body or not body["data"]["conferences"]["complete"]:
        raise SystemExit(f"A page failed: {body.get('errors', 'a source did not answer')}")
    answer: dict[str, Any] = body["data"]["conferences"]
    return answer


def bound(source: str, rows: int, tables: Tables) -> int:
    """The most list requests that a whole walk may cost one source: P4."""
    size = read_settings(tables).sources[source].page_size
    return 2 * ceil(rows / size) + 12 + (ceil(DAYS / 16) if source == "systec" else 0)


def main() -> None:
    """Measure each size and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conferences", default="10000,100000", help="sizes, with commas between (%(default)s)")
    parser.add_argument("--page", type=int, default=50, help="rows per GraphQL page (%(default)s)")
    parser.add_argument("--seconds", type=float, default=600, help="stop a walk or a merge after so many (%(default)s)")
    parser.add_argument("--no-cache", action="store_true", help="set cache.enabled = false")
    options = parser.parse_args()
    before: Walk | None = None
    for size in map(int, options.conferences.split(",")):
        with Child(run_emulators, size) as emulators:
            tables, window = emulators.said
            with Child(run_confgraph, tables, {"enabled": not options.no_cache}) as confgraph:
                walked = walk(emulators, confgraph, window, options.page, options.seconds)
            report_walk(size, options.page, walked, tables, before)
            before = walked
            asked = Counter(emulators.ask())
            slices = min(DAYS, ceil(size / ROWS_PER_SLICE))
            with Child(run_naive, tables, window, slices, options.seconds) as merging:
                naive: Naive | str = merging.said
                seconds = options.seconds if isinstance(naive, str) else naive.seconds
                report_naive(walked, naive, Cost(seconds, merging.peak_mib, Counter(emulators.ask()) - asked))


def report_walk(size: int, page: int, walked: Walk, tables: Tables, before: Walk | None) -> None:
    """Print what a walk cost, and its cost per row as a multiple of that of the size before."""
    cost = walked.cost
    figures = {
        "rows": walked.rows.total(),
        "to the end": "yes" if walked.is_whole else "no",
        "pages": walked.pages,
        "short": walked.short_pages,
        "seconds": cost.seconds,
        "per 1000 rows": f"{walked.per_thousand[0]:.3f}",
        "x before": before and walked.per_thousand[0] / before.per_thousand[0],
        "CPU s": walked.cpu_s,
        "CPU per 1000": f"{walked.per_thousand[1]:.3f}",
        "CPU x before": before and walked.per_thousand[1] / before.per_thousand[1],
        "emulators' CPU s": walked.emulators_cpu_s,
        "MiB at start": walked.start_mib,
        "peak MiB": cost.peak_mib,
        "rows stored": walked.most_stored,
    }
    print(f"## {size:,} conferences in pages of {page}\n")
    print(*table(", ".join(figures), [tuple(figures.values())]), sep="\n")
    lines = []
    for source, report in LISTS.items():
        count = {name: n for name, n in cost.requests.items() if name[0] == source}
        lists = count.get((source, report), 0)
        most = bound(source, walked.rows[source], tables) if walked.is_whole else None
        lines.append((source, walked.rows[source], lists, most, sum(count.values()) - lists))
    print(*table("source, rows, list requests, bound, other requests", lines), sep="\n")


def report_naive(walked: Walk, naive: Naive | str, cost: Cost) -> None:
    """Print what the naive merge cost beside the walk."""
    first = walked.first_page
    if isinstance(naive, str):
        print(f"The naive merge was given up after {cost.list_requests} list requests. {naive}\n")
        print(*table("first page of confgraph, figure", list(zip(MEASURES, first.figures, strict=True))), sep="\n")
        return
    is_same = (naive.rows, naive.digest) == (walked.rows.total(), walked.digest)
    print(f"The naive merge: {naive.rows} rows; the same in the same order: {'yes' if is_same else 'no'}.\n")
    lines = []
    for what, walk_cost in ("first page", first), ("whole list", walked.cost):
        if walk_cost is first or walked.is_whole:
            for of, mine, theirs in zip(MEASURES, walk_cost.figures, cost.figures, strict=True):
                lines.append((what, of, mine, theirs, theirs / mine))
    print(*table("what, of, confgraph, naive, ratio", lines), sep="\n")


if __name__ == "__main__":
    main()
