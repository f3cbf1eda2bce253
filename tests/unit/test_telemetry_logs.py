"""The log: JSON on stderr, what is not known to be harmless is not in it, and nothing fails because of it."""

import ast
import asyncio
import gc
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loglines import lines, logging_from

import graph
from graph.telemetry.calls import VendorCall
from graph.telemetry.logs import KEYS, configure_logs, log, told_of
from graph.telemetry.requests import ToldRequest

SECRET = "token-5150 of Ann Example"
PACKAGE = Path(graph.__file__).parent


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    """As the command line does it, for one test."""
    with logging_from("debug"):
        yield


def test_who_configures_nothing_gets_json_on_stderr_from_info_on() -> None:
    """stdout is a contract with programs."""
    code = "from graph.telemetry.logs import log; log.debug('no'); log.info('yes', source='a'); print('out')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own code
    assert done.stdout == "out\n"
    (line,) = lines(done.stderr)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "event": "yes", "source": "a"}


def test_a_warning_of_pythons_is_a_line_like_any_other_without_its_words() -> None:
    """Such as there are where clients go away: half an answer is dropped."""
    code = f"import warnings; from graph.telemetry import logs; logs.configure_logs('info'); warnings.warn({SECRET!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own code
    (line,) = lines(done.stderr)
    assert line.pop("time")
    assert line == {"level": "warning", "event": "warning", "error": "UserWarning", "where": ["<string>:1"]}


@pytest.mark.parametrize(
    ("level", "told"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_the_level_is_the_least_that_is_written(level: str, told: int, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level)
    for tell in (log.debug, log.info, log.warning, log.error):
        tell("said")
    logging.getLogger("library").log(getattr(logging, level.upper()), "said")
    logging.getLogger("library").error("said")
    written = lines(capsys.readouterr().err)
    assert len([line for line in written if "logger" not in line]) == told
    assert {line["level"] for line in written if "logger" in line} <= {"warning", "error"}


def test_what_is_not_on_the_list_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("said", source="alpha", token=SECRET, body={"name": SECRET}, field=object(), kind=None)
    (line,) = lines(capsys.readouterr().err)
    assert {key: line[key] for key in line if key not in ("time", "level", "event")} == {
        "source": "alpha",
        "field": "object",
    }


def test_all_that_our_code_logs_is_on_the_list() -> None:
    """A key that is not would vanish without a word."""
    tells = {"log.debug", "log.info", "log.warning", "log.error", "tell"}
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in tells:
                used |= {keyword.arg for keyword in node.keywords if keyword.arg}
    assert used - KEYS == set()
    assert {"source", "endpoint", "outcome", "duration_s"} <= used


def test_an_error_is_told_by_its_class_and_where_it_was_raised(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        configure_logs(SECRET)
    except KeyError as error:
        log.error("failed", **told_of(error))
    (line,) = lines(capsys.readouterr().err)
    assert line["error"] == "KeyError"
    assert [place.split(":")[0] for place in line["where"]] == ["graph/telemetry/logs.py"]
    assert line["where"][0].endswith("in configure_logs")
    assert SECRET not in str(line)


def test_libraries_are_quoted_without_their_values(capsys: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("library")
    library.warning("GET %s answered %s", f"https://vendor.example/?token={SECRET}", 401)
    library.error(ValueError(SECRET))
    try:
        int(SECRET)
    except ValueError:
        library.exception("Failed\nwith %s", SECRET)
    text = capsys.readouterr().err
    assert SECRET not in text
    assert [line["event"] for line in lines(text)] == ["GET %s answered %s", "ValueError", "Failed"]
    assert lines(text)[2]["error"] == "ValueError"
    assert {line["logger"] for line in lines(text)} == {"library"}


def test_a_task_that_failed_unseen_is_told_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """asyncio puts the whole error into its message."""

    async def fail() -> None:
        raise ValueError(SECRET)

    async def lose() -> None:
        await asyncio.wait([asyncio.create_task(fail())])
        gc.collect()

    asyncio.run(lose())
    (line,) = lines(capsys.readouterr().err)
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "ValueError"
    assert SECRET not in str(line)


def test_lines_bear_the_id_of_the_request_they_were_written_for(capsys: pytest.CaptureFixture[str]) -> None:
    with ToldRequest("request-1", {}), VendorCall("alpha", "list") as call:
        call.outcome = "timeout"
    log.info("later")
    vendor, request, later = lines(capsys.readouterr().err)
    assert (vendor["event"], vendor["request_id"], vendor["level"]) == ("vendor request", "request-1", "warning")
    assert (vendor["source"], vendor["endpoint"], vendor["outcome"]) == ("alpha", "list", "timeout")
    assert vendor["duration_s"] >= 0
    assert (request["event"], request["request_id"]) == ("request", "request-1")
    assert "request_id" not in later


@pytest.mark.parametrize("outcome", ["ok", "cancelled"])
def test_vendor_requests_that_did_not_fail_are_told_at_debug_only(
    outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with VendorCall("alpha", "list") as call:
        call.outcome = outcome
    (line,) = lines(capsys.readouterr().err)
    assert (line["level"], line["outcome"]) == ("debug", outcome)


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = (tmp_path / "log").open("w", encoding="utf-8")
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.error("said")
