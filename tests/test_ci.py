"""What CI says of dependencies."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import audit
import licenses
import pytest

ROOT = Path(__file__).parent.parent
GOOD: dict[str, Any] = {"name": "one", "version": "1.0", "vulns": []}
BAD: dict[str, Any] = {
    "name": "two",
    "version": "2.0",
    "vulns": [{"id": "VULN-1", "fix_versions": ["2.1"]}, {"id": "VULN-2", "fix_versions": []}],
}
UNKNOWN: dict[str, Any] = {"name": "three", "skip_reason": "not found"}


def program(folder: Path, *, stdout: str, status: int = 0) -> str:
    """A program that says the same whatever it is asked."""
    (folder / "said").write_text(stdout, encoding="utf-8")
    file = folder / "pip-audit"
    file.write_text(f'#!/bin/sh\ncat "{folder}/said"\nexit {status}\n', encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    report = audit.ask(
        program(tmp_path, stdout=json.dumps({"dependencies": [GOOD, BAD, UNKNOWN]}), status=1), "osv", "x"
    )
    assert report
    said, is_good = audit.judge(report)
    assert not is_good
    assert said == [
        "2 packages audited, 2 vulnerabilities known",
        "two 2.0: VULN-1, fixed in 2.1",
        "two 2.0: VULN-2, fixed in no version",
        "not audited: three",
    ]


def test_without_any_vulnerability_all_is_well() -> None:
    assert audit.judge([GOOD]) == (["1 packages audited, 0 vulnerabilities known"], True)


@pytest.mark.parametrize("said", ["", "no route to host", "[]", "{}", json.dumps({"dependencies": [UNKNOWN] * 3})])
def test_a_service_that_knows_nothing_counts_as_none(said: str, tmp_path: Path) -> None:
    """Such as a mirror, which calls every package unknown, and that a success."""
    assert audit.ask(program(tmp_path, stdout=said), "pypi", "x") is None


def test_nobody_to_ask_is_told_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "install", lambda _: None)
    assert audit.main("x") == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED")


@pytest.mark.parametrize(("packages", "status"), [([GOOD], 0), ([GOOD, BAD], 1)])
def test_the_status_is_that_of_the_report(
    packages: list[dict[str, Any]], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = program(tmp_path, stdout=json.dumps({"dependencies": packages}))
    monkeypatch.setattr(audit, "install", lambda _: Path(written))
    assert audit.main("x") == status


def test_the_licences_of_all_direct_dependencies_are_listed() -> None:
    """And of no tool of ours; `.ci/run` compares the whole list with what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = dict(
        re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|", licenses.FILE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    direct = [*project["dependencies"], *project["optional-dependencies"]["tracing"]]
    names = {name for name, _ in licenses.wanted(direct)}
    assert names <= listed.keys()
    assert all(listed[name].strip() for name in names)
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & listed.keys()


def test_the_security_page_points_at_what_is_there() -> None:
    page = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w*]+/)*[\w*]+\.py)`", page)
    assert len(named) > 20
    for name in named:
        assert any(ROOT.glob(name)) or any((ROOT / "graph").glob(name)), name
    assert len(page.splitlines()) < 80
