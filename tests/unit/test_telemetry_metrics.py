"""README lists the metrics that there are, and no label of them can hold what is private."""

import re
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from graph.telemetry import metrics

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
HARMLESS = {"endpoint", "field", "kind", "outcome", "source", "tier"}


def served() -> dict[str, set[str]]:
    """The labels of each metric, by the name it is served under."""
    kinds = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    return {f"{kind._name}{'_total' * isinstance(kind, Counter)}": set(kind._labelnames) for kind in kinds}


def test_the_table_of_metrics_is_true() -> None:
    rows = re.findall(r"^\| `(confgraph_\w+)(?:\{([\w,]+)\})?` \|", README, re.MULTILINE)
    assert {name: {label for label in labels.split(",") if label} for name, labels in rows} == served()


def test_labels_hold_nothing_private() -> None:
    assert {label for labels in served().values() for label in labels} == HARMLESS
