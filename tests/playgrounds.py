"""The playground's examples, as its page reads them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers import text

from graph.server.playground import HOME

BUILT = HOME / "built" / "index.html"
PLAYGROUND = pytest.mark.skipif(not BUILT.exists(), reason="the playground is not built: install confgraph with Node")


@dataclass(frozen=True)
class Example:
    """A query that the playground offers."""

    title: str
    query: str
    variables: str

    @property
    def fields(self) -> set[str]:
        """What it asks for, at the top."""
        return set(re.findall(r"^  (\w+)", self.query, re.MULTILINE))

    def dated(self, now: datetime) -> str:
        """Its variables as JSON, when it is opened at an instant."""

        def day(found: re.Match[str]) -> str:
            instant = text(now - timedelta(days=int(found[2] or 0)))
            assert instant
            return instant if found[1] == "now" else instant[:10]

        return re.sub(r"\{(now|today)(?:-(\d+)d)?\}", day, self.variables) or "{}"


def examples() -> list[Example]:
    """All of them, in the order in which they are offered."""
    return [_example(file) for file in sorted((HOME / "page" / "examples").glob("*.graphql"))]


def _example(file: Path) -> Example:
    head, query = file.read_text(encoding="utf-8").split("\n\n", maxsplit=1)
    beside = file.with_suffix(".json")
    title = head.splitlines()[0].removeprefix("# ")
    return Example(title, query, beside.read_text(encoding="utf-8") if beside.exists() else "")


def has_rows(answer: dict[str, Any]) -> bool:
    """Whether each report of an answer tells something; one that has an error need not."""
    failed = {error["path"][0] for error in answer.get("errors", ()) if "path" in error}
    data = answer.get("data") or {}
    return bool(data) and all(_tells(value) for field, value in data.items() if field not in failed)


def _tells(report: Any) -> bool:
    if isinstance(report, list):
        return bool(report)
    return bool(report["complete"] and (report.get("nodes") or report.get("count") or report.get("memberCount")))
