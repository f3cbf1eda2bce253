"""What the figures shall come to: confgraph against others in the same run, by throughput per core."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from contenders import APOLLO, CONFGRAPH, CONTENDERS, MERCURIUS, STOCK

FASTEST_NODE, EVERY_PEER = "the fastest Node peer", "the fastest peer"
NODE_PEERS = {it.name for it in CONTENDERS if it.is_node}


class Goal(NamedTuple):
    """One goal.

    Attributes:
        part: Of the work.
        case: The beginning of the names of the cases that it is about.
        against: Whom confgraph is compared with.
        floor: At least this ratio.
        aim: What it shall become.
        connections: Only where so many ask at a time.
    """

    part: str
    case: str
    against: str
    floor: float | None
    aim: float | None
    connections: int | None = None


GOALS = [
    Goal("a", "HexMeet N=1000 ", FASTEST_NODE, 2, 2.5, 32),
    Goal("a", "HexMeet N=1000 ", FASTEST_NODE, 1.4, 2, 1),
    Goal("a", "HexMeet N=1000 ", STOCK, 14, 20),
    Goal("a", "HexMeet N=100 ", FASTEST_NODE, 1, 1.5),
    Goal("a", "HexMeet N=20 ", FASTEST_NODE, 0.7, 1),
    Goal("a", "HexMeet N=20 ", APOLLO, 2.5, None),
    Goal("a", "HexMeet N=1 ", APOLLO, 2, 3),
    Goal("a", "HexMeet N=1 ", MERCURIUS, 0.3, 0.5),
    Goal("b", "", APOLLO, 2, 3),
    Goal("b", "", MERCURIUS, 0.4, 1),
    Goal("c", "", APOLLO, 2, 3),
    Goal("c", "", MERCURIUS, None, 1),
    Goal("d", "", EVERY_PEER, 2, 3),
    Goal("e", "", APOLLO, 2, 4),
]
ADDED_MS = (4.0, 3.0)  # floor and aim of (f), N=20
MEMORY = 0.5  # of Apollo Server's, at most


def compare(part: str, case: str, connections: int, per_core: Mapping[str, float]) -> Iterator[list[object]]:
    """The rows of the table of goals that one case fills."""
    for goal in GOALS:
        if goal.part != part or not case.startswith(goal.case) or goal.connections not in (None, connections):
            continue
        name = _rival(goal.against, per_core)
        if name is None:
            continue
        ratio = per_core[CONFGRAPH] / per_core[name]
        against = goal.against if name == goal.against else f"{goal.against} ({name})"
        yield [f"({part}) {case}", against, ratio, goal.floor, goal.aim, verdict(ratio, goal.floor, goal.aim)]


def verdict(ratio: float, floor: float | None, aim: float | None) -> str:
    """Which of both was reached."""
    if aim is not None and ratio >= aim:
        return "aim"
    return "floor" if floor is not None and ratio >= floor else "no"


def _rival(against: str, per_core: Mapping[str, float]) -> str | None:
    others = per_core.keys() - {CONFGRAPH}
    wanted = {FASTEST_NODE: others & NODE_PEERS, EVERY_PEER: others}.get(against, others & {against})
    return max(wanted, key=lambda name: per_core[name], default=None)
