"""Measure confgraph beside other GraphQL servers that do the same work over the same vendors.

    python bench/speed.py [--quick] [--only a,c] [--write]

Every server is a process on one core; the vendors and the load have another. They are measured in turn, round after
round. Cold parts ask for what is in no cache, and every query reaches the vendors: `vendor requests` says how often.
What is not installed is left out, and said. `--quick` leaves Node's compiler little time to warm up: it is for a look.
Linux only.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import goals
import uvloop
from contenders import APOLLO, CONFGRAPH, CONTENDERS, CORES, OTHER_CORE, Contender, Server, listening_url, start, stop
from load import Load, ask_once, post, put_load
from tables import table
from work import Case, cases

BENCH = Path(__file__).parent
README = BENCH / "README.md"
BEGIN, END = "<!-- speed: written by speed.py --write -->\n", "<!-- end of speed -->\n"
OWN_WORDS = {"id", "cursor", "startCursor", "endCursor"}  # each server has texts of its own for these
ROUND = 1000  # from there on figures have no fractions
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)")


class Turn(NamedTuple):
    """What one server did in one round of one case."""

    load: Load
    cpu_s: float
    vendor_requests: int

    @property
    def per_core(self) -> float:
        """Answers per second of computing."""
        return self.load.requests / self.cpu_s


class Results(dict[str, dict[str, list[Turn]]]):
    """The turns of each server, by case and name.

    Attributes:
        peaks: MiB, by server.
        left_out: Who was not measured, and why.
        ceiling: What vendors and load do without any server, by rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peaks: dict[str, float] = {}
        self.left_out: list[str] = []
        self.ceiling: dict[str, float] = {}


async def measure(chosen: Sequence[Case], contenders: Sequence[Contender], options: argparse.Namespace) -> Results:
    """Measure the cold parts, then the warm one: each with servers of their own."""
    results = Results()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        vendor = start([sys.executable, str(BENCH / "fastvendor.py")], OTHER_CORE, dict(os.environ), log)
        stack.callback(stop, vendor)
        url = listening_url(vendor, log)
        for is_warm in (False, True):
            work = [case for case in chosen if case.is_warm is is_warm]
            if not work:
                continue
            parts = {case.part for case in work}
            with contextlib.ExitStack() as running:
                able = [each for each in contenders if parts & {*each.parts}]
                servers = [running.enter_context(Server(each, url, cached=is_warm)) for each in able]
                for case in work:
                    await measure_case(case, servers, url, options, results)
                if not is_warm:
                    results.peaks = {server.contender.name: server.peak_mib for server in servers}
        for case in chosen:
            if case.vendor_request:
                load = await put_load(url, [case.vendor_request], 32, min(options.seconds, 1.0))
                results.ceiling[f"{case.rows}"] = load.requests / load.seconds
    return results


async def measure_case(
    case: Case, servers: Sequence[Server], vendor_url: str, options: argparse.Namespace, results: Results
) -> None:
    """Compare the answers, warm up, and let each server have its turns."""
    taking_part = [server for server in servers if takes_part(server.contender, case)]
    await tell(vendor_url, f"_delay/{case.delay_ms}")
    await compare_answers(case, taking_part)
    turns = results.setdefault(case.key, {server.contender.name: [] for server in taking_part})
    for number in range(options.rounds + 1):
        for server in taking_part:
            requests = [post(server.url, body) for body in bodies_for(server.contender, case)]
            seconds = options.seconds if number else options.warm
            at_least = len(requests) if case.is_warm and not number else 1
            await tell(vendor_url, "_counts")
            cpu_s = server.cpu_s
            load = await put_load(server.url, requests, case.connections, seconds, at_least)
            turn = Turn(load, server.cpu_s - cpu_s, sum((await tell(vendor_url, "_counts")).values()))
            if number:
                turns[server.contender.name].append(turn)
    await tell(vendor_url, "_delay/0")
    if sys.stderr.isatty():
        print(f"measured {case.key}", file=sys.stderr, flush=True)


def takes_part(contender: Contender, case: Case) -> bool:
    """Whether a server can do this work."""
    return case.part in contender.parts and (case.passed_on != [] or not contender.only_one_source)


def bodies_for(contender: Contender, case: Case) -> list[bytes]:
    """What a server is asked."""
    return case.passed_on if contender.passes_on else case.bodies


async def tell(vendor_url: str, what: str) -> dict[str, int]:
    """Tell the vendors something; how often each endpoint was asked since the last time."""
    counts: dict[str, int] = json.loads(await ask_once(vendor_url, f"GET /{what} HTTP/1.1\r\n\r\n".encode()))
    return counts


# ---- all servers answer alike -------------------------------------------------------------------


async def compare_answers(case: Case, servers: Sequence[Server]) -> None:
    """Ask each server once: what it answers must be what confgraph answers, but for ids and cursors."""
    answers = {}
    for server in servers:
        body = bodies_for(server.contender, case)[0]
        answers[server] = json.loads(await ask_once(server.url, post(server.url, body)))["data"]
    first = next(server for server in servers if server.contender.name == CONFGRAPH)
    right = plain(answers[first])
    for server, answer in answers.items():
        if server.contender.passes_on:
            is_same = vendor_keys(answer) == sorted(edge["node"]["vendorId"] for edge in right["conferences"]["edges"])
        else:
            is_same = plain(answer) == right
        if not is_same or len(rows_of(answer)) != case.rows:
            texts = (json.dumps(it, ensure_ascii=False)[:2000] for it in (plain(answer), right))
            raise SystemExit(
                f"{case.key}: {server.contender.name} and confgraph do not agree:\n{next(texts)}\n{next(texts)}"
            )


def plain(value: Any) -> Any:
    """An answer without each server's own texts, its instants written alike."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in OWN_WORDS}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and (instant := INSTANT.fullmatch(value)):
        return instant[1] + (instant[2] or "").rstrip("0").rstrip(".") + "Z"
    return value


def rows_of(answer: dict[str, Any]) -> list[Any]:
    """The rows of an answer, whatever was asked."""
    (found,) = answer.values()
    rows: list[Any] = found if isinstance(found, list) else found.get("edges", found.get("buckets"))
    return rows


def vendor_keys(answer: dict[str, Any]) -> list[str]:
    """The keys of rows in the vendor's own shape and order."""
    return sorted(row["conf_guid"] for row in rows_of(answer))


# ---- what it came to ----------------------------------------------------------------------------


def report(results: Results, chosen: Sequence[Case], options: argparse.Namespace) -> Iterator[str]:
    """The tables, as Markdown has them."""
    machine = f"{len(CORES)} cores, load average before {options.load:.1f}, Python {platform.python_version()}"
    how = f"medians of {options.rounds} rounds of {options.seconds:g} s each, after {options.warm:g} s to warm up"
    yield f"{datetime.now(UTC):%Y-%m-%d}, {machine}; {how}."
    yield ""
    for each in results.left_out:
        yield f"Not measured: {each}."
        yield ""
    verdicts: list[list[object]] = []
    tables: list[str] = []
    for case in chosen:
        turns = results[case.key]
        per_core = {name: median(turn.per_core for turn in each) for name, each in turns.items()}
        rows = [_row(name, each, per_core[CONFGRAPH] / per_core[name]) for name, each in turns.items()]
        heads = "server, per CPU s, confgraph is x, per s, CPU ms each, p50 ms, p99 ms, vendor requests each"
        tables += [f"**({case.part}) {case.name}**", "", *table(heads, rows)]
        verdicts += goals.compare(case.part, case.name, case.connections, per_core)
        verdicts += _added(case, turns)
    verdicts += _memory(results)
    if verdicts:
        yield from table("goal, against, measured, floor, aim, reached", verdicts)
    yield from tables
    if results.peaks:
        yield from table("server, peak MiB", [[name, round(peak)] for name, peak in results.peaks.items()])
    if results.ceiling:
        rows = [[rows, round(per_s)] for rows, per_s in results.ceiling.items()]
        yield from table("rows of a HexMeet page, vendors and load alone: per s", rows)


def _row(name: str, turns: Sequence[Turn], ratio: float) -> list[object]:
    def middle(figures: Iterator[float]) -> str:
        figure = median(figures)
        return f"{figure:.0f}" if figure >= ROUND else f"{figure:.3g}"

    return [
        name,
        middle(turn.per_core for turn in turns),
        f"{ratio:.2f}",
        middle(turn.load.requests / turn.load.seconds for turn in turns),
        middle(1000 / turn.per_core for turn in turns),
        middle(turn.load.percentile(0.5) for turn in turns),
        middle(turn.load.percentile(0.99) for turn in turns),
        middle(turn.vendor_requests / turn.load.requests for turn in turns),
    ]


def _added(case: Case, turns: dict[str, list[Turn]]) -> Iterator[list[object]]:
    """What confgraph adds to a vendor that takes its time."""
    if case.part == "f" and case.rows == 20:
        added = median(turn.load.percentile(0.5) for turn in turns[CONFGRAPH]) - case.delay_ms
        floor, aim = goals.ADDED_MS
        yield [f"(f) {case.name}", "ms added to the vendor's", added, floor, aim, goals.verdict(-added, -floor, -aim)]


def _memory(results: Results) -> Iterator[list[object]]:
    if APOLLO in results.peaks:
        share = results.peaks[CONFGRAPH] / results.peaks[APOLLO]
        reached = goals.verdict(-share, -goals.MEMORY, None)
        yield ["peak memory", f"{APOLLO}, at most", share, goals.MEMORY, None, reached]


def is_like(name: str, words: str) -> bool:
    """Whether a name has one of these words, or there are none."""
    return not words or any(word in name.lower() for word in words.lower().split(","))


def write(text: str) -> None:
    """Put the tables where the README has them."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short rounds: some minutes in all")
    parser.add_argument("--only", default="abcdef", help="parts of the work, such as a,c")
    parser.add_argument("--like", default="", help="only what has one of these words in its name, such as N=20")
    parser.add_argument("--servers", default="", help="beside confgraph only those whose names have one of these words")
    parser.add_argument("--rounds", type=int, help="turns that each server has (5)")
    parser.add_argument("--seconds", type=float, help="how long a turn takes (1.5)")
    parser.add_argument("--warm", type=float, help="seconds of load on each server before its first turn (2)")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    defaults = (2, 0.3, 0.5) if options.quick else (5, 1.5, 2.0)
    for key, value in zip(("rounds", "seconds", "warm"), defaults, strict=True):
        setattr(options, key, getattr(options, key) or value)
    chosen = [case for case in cases() if case.part in options.only and is_like(case.name, options.like)]
    if not chosen:
        parser.error("there is no such work")
    if options.write and (options.only != "abcdef" or options.like or options.servers):
        parser.error("only all of it is written")
    wanted = [it for it in CONTENDERS if it.name == CONFGRAPH or is_like(it.name, options.servers)]
    if not all(any(is_like(it.name, word) for it in CONTENDERS) for word in options.servers.split(",")):
        parser.error(f"--servers: none of {', '.join(it.name for it in CONTENDERS)} has one of the words")
    present = [it for it in wanted if it.is_installed]
    options.load = os.getloadavg()[0]
    os.sched_setaffinity(0, {OTHER_CORE})
    results = uvloop.run(measure(chosen, present, options))
    results.left_out = [f"{it.name} (`{it.install}`)" for it in wanted if it not in present]
    text = "\n".join(report(results, chosen, options))
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
