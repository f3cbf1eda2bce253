"""The benchmark works, and what it counts is so: its figures may be quoted."""

import re
import subprocess
import sys
from pathlib import Path

from processes import ENVIRONMENT

BENCH = Path(__file__).parent.parent / "bench" / "walk.py"
SIZES = (300, 600)
PAGE = 20


def cells(text: str) -> list[list[str]]:
    """The rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def pairs(text: str, head: str) -> list[tuple[list[str], list[str]]]:
    """Tables of one row whose first column has that head: their heads and the row."""
    rows = cells(text)
    return [(row, rows[at + 2]) for at, row in enumerate(rows) if row[0] == head]


def test_it_walks_all_rows_within_the_bound_and_merges_the_same_ones() -> None:
    """Two small sizes, each walked to the end: every row once, few list requests, the naive merge agrees."""
    done = subprocess.run(  # noqa: S603 - our own script
        [
            sys.executable,
            str(BENCH),
            "--conferences",
            ",".join(map(str, SIZES)),
            "--page",
            str(PAGE),
            "--seconds",
            "30",
        ],
        capture_output=True,
        text=True,
        timeout=100,
        env=ENVIRONMENT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
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
