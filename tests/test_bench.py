"""The benchmarks work, and what they count is so: their figures may be quoted."""

import re
import subprocess
import sys
from pathlib import Path

from processes import ENVIRONMENT

BENCH = Path(__file__).parent.parent / "bench"
SIZES = (300, 600)
PAGE = 20


def run(script: str, *arguments: str) -> str:
    """What a benchmark prints."""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(BENCH / script), *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        env=ENVIRONMENT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def cells(text: str) -> list[list[str]]:
    """The rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def pairs(text: str, head: str) -> list[tuple[list[str], list[str]]]:
    """Tables of one row whose first column has that head: their heads and the row."""
    rows = cells(text)
    return [(row, rows[at + 2]) for at, row in enumerate(rows) if row[0] == head]


def test_it_walks_all_rows_within_the_bound_and_merges_the_same_ones() -> None:
    """Two small sizes, each walked to the end: every row once, few list requests, the naive merge agrees."""
    said = run("walk.py", "--conferences", ",".join(map(str, SIZES)), "--page", str(PAGE), "--seconds", "30")
    walks = [dict(zip(names, row, strict=True)) for names, row in pairs(said, "rows")]
    assert [walk["to the end"] for walk in walks] == ["yes"] * len(SIZES)
    assert [bool(walk["x before"]) for walk in walks] == [False, True]
    rows = [int(walk["rows"]) for walk in walks]
    assert all(abs(one - size) <= 3 for one, size in zip(rows, SIZES, strict=True))  # vendors' shares are rounded
    assert all(-(-int(walk["rows"]) // PAGE) == int(walk["pages"]) and walk["short"] == "0" for walk in walks)
    assert all(int(walk["rows stored"]) >= int(walk["rows"]) for walk in walks)
    merged = re.findall(r"^The naive merge: (\d+) rows; the same in the same order: yes\.$", said, re.MULTILINE)
    assert [int(one) for one in merged] == rows

    counts = [[int(cell) for cell in row[1:]] for row in cells(said) if row[0] in ("hexmeet", "netease", "systec")]
    assert len(counts) == 3 * len(SIZES)
    assert all(0 < lists <= bound for _, lists, bound, _ in counts)
    assert sum(count[0] for count in counts) == sum(rows)

    compared = [[float(cell) for cell in row[2:]] for row in cells(said) if row[0] in ("first page", "whole list")]
    assert len(compared) == 6 * len(SIZES)
    assert all(figure > 0 for row in compared for figure in row)
    whole = [row for row in cells(said) if row[:2] == ["whole list", "list requests"]]
    assert sum(int(row[2]) for row in whole) == sum(count[1] for count in counts)


def test_it_measures_queries_while_a_source_hangs_and_once_it_is_given_up() -> None:
    """The merged ones wait for it as long as it may take, and not at all once its breaker is open."""
    rows = cells(run("faults.py", "--quick"))
    took = {row[0]: [float(cell) for cell in row[1:]] for row in rows if row[0] in ("healthy only", "merged")}
    assert all(figure > 0 for row in took.values() for figure in row)
    well, hangs, given_up, *_ = took["merged"]
    assert well < hangs
    assert given_up < hangs
    assert hangs >= 1000
    goals = [row[1:] for row in rows if row[-1] in ("yes", "no")]
    assert len(goals) == 4
    assert all((float(measured) <= float(most)) == (met == "yes") for measured, most, met in goals)


def test_it_puts_one_load_on_processes_that_share_what_they_read() -> None:
    """Every row comes as often, whoever answers; two processes on one Valkey ask hardly more than one does."""
    rows = cells(run("replicas.py", "--quick"))
    lines = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    assert [(line["processes"], line["cache"]) for line in lines] == [
        ("1", "one Valkey"),
        ("2", "one Valkey"),
        ("2", "its own memory"),
    ]
    assert len({(line["rows"], line["pages"]) for line in lines}) == 1
    assert int(lines[0]["rows"]) > 1000
    one, two, apart = (int(line["list requests"]) for line in lines)
    assert two < 1.2 * one
    assert two < 0.8 * apart


def test_it_compares_servers_that_do_the_same_work() -> None:
    """Those that are installed answer alike and are measured, the others named; a cold query reaches the vendors."""
    turns = ("--rounds", "1", "--seconds", "0.05", "--warm", "0.05")
    servers = "stock,apollo,mercurius,no graphql"  # the others take their time to start
    said = run("speed.py", *turns, "--only", "a,c,d", "--like", "N=20 c=32,merged", "--servers", servers)
    parts = dict(re.findall(r"^\*\*(\(\w\) .+?)\*\*\n\n((?:\|.*\n)+)", said, re.MULTILINE))
    assert [name[:3] for name in parts] == ["(a)", "(c)", "(d)", "(d)"]
    named = set(re.findall(r"^Not measured: (.+?) \(", said, re.MULTILINE))
    for name, text in parts.items():
        heads, _, *rows = cells(text)
        figures = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
        assert {"confgraph", "stock Strawberry"} <= figures.keys()
        assert not named & figures.keys()
        assert all(float(row["per CPU s"]) > 0 for row in figures.values())
        assert figures["confgraph"]["confgraph is x"] == "1.00"
        if not name.startswith("(d)"):
            assert all(float(row["vendor requests each"]) >= 1 for row in figures.values())
        else:
            assert figures["confgraph"]["vendor requests each"] == "0"
    goals = [row for row in cells(said) if row[-1] in ("aim", "floor", "no") and row[0].startswith("(")]
    reached = {
        "no": (None, 3),
        "floor": (3, 4),
        "aim": (4, None),
    }  # which columns are below what was measured, and above
    for row in goals:
        below, above = (at and row[at] and float(row[at]) for at in reached[row[-1]])
        assert (below or 0) - 0.01 <= float(row[2]) <= (above or 1000) + 0.01


def test_it_asks_a_vendor_the_same_in_several_ways() -> None:
    """Each way and number of callers has its costs, and all were answered alike."""
    heads, _, *rows = cells(run("transport.py", "--times", "20", "--rounds", "1"))
    assert heads == ["by", "answer", "callers", "CPU us", "requests/s"]
    assert len({tuple(row[:3]) for row in rows}) == len(rows) == 3 * 2 * 3
    assert {row[1] for row in rows} == {"small, 575 bytes", "large, 392,311 bytes"}
    assert all(int(cell) > 0 for row in rows for cell in row[3:])
