"""A test in which a credential is told fails, wherever that is: so the whole suite looks for them."""

import os
import subprocess
import sys
from pathlib import Path

import credentials
import pytest

TESTS = Path(__file__).parent
SUITE = """
import logging
import sys

import processes
import pytest
from credentials import made

TOKEN = made("a.token.of-its-own")


@pytest.fixture(scope="module")
def process():
    with processes.started(sys.executable, "-c", "import sys; sys.stderr.write('token=hush-4711')") as process:
        yield process


def test_prints():
    print("a hush-4711 b")


def test_writes_bytes_to_stderr(capfd):
    sys.stderr.write("sandbox-app-secret")


def test_logs():
    logging.getLogger("x").warning("Bearer %s", TOKEN)


def test_takes_it_out(capsys):
    print("key of one")
    assert capsys.readouterr().out


def test_runs_a_command():
    processes.confgraph("serve", "--hush")


def test_says_nothing_of_it(capsys):
    print("key of something else", file=sys.stderr)
    assert capsys.readouterr().err


def test_fails():
    print("hush")
    raise AssertionError


def test_runs_a_process(process):
    assert process.wait(20) == 0
"""


def test_a_test_that_tells_a_credential_fails(tmp_path: Path) -> None:
    suite = tmp_path / "test_inner.py"
    suite.write_text(SUITE, encoding="utf-8")
    options = ["-p", "credentials", "-p", "no:cacheprovider", "-q", "-rA", "--tb=line", f"--rootdir={tmp_path}"]
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "pytest", *options, str(suite)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    lines = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]
    assert {test.partition("::")[2]: outcome for outcome, test in sorted(lines, reverse=True)} == {
        "test_prints": "FAILED",
        "test_writes_bytes_to_stderr": "FAILED",
        "test_logs": "FAILED",
        "test_takes_it_out": "FAILED",
        "test_runs_a_command": "FAILED",
        "test_says_nothing_of_it": "PASSED",
        "test_fails": "FAILED",
        "test_runs_a_process": "ERROR",
    }
    assert "test_runs_a_process tells credentials: ['hush']" in done.stdout


@pytest.mark.parametrize("word", ["hush", "sandbox-app-key", "key of friend"])
def test_a_mark_is_found_amid_other_words(word: str) -> None:
    assert credentials.told(f'{{"said":"{word}!"}}') == {word}
    assert credentials.told(word[:-1]) == set()
