"""Listens to whatever is said while tests run: one in which a made-up credential is told fails.

Credentials of tests bear a mark, or are those of the emulators, or tokens that were made for a test. They are looked
for in what pytest has captured, and in what processes have written that were started.
"""

import re
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest
from mirrors import secrets_of

from graph.sandbox.world import World
from graph.vendors import VENDORS

MARK = re.compile(r"hush|key of (?:one|two|whole|friend|foe)\b")
_made: set[str] = set()
_heard: list[str] = []


def made(credential: str) -> str:
    """A credential that bears no mark: it is looked for as it is."""
    _made.add(credential)
    return credential


def hear(*texts: str) -> None:
    """Look through what was said where pytest does not listen."""
    _heard.extend(texts)


@cache
def _of_emulators() -> frozenset[str]:
    world = World(conferences=1, days=1)
    return frozenset(str(spec.emulator_settings(world)[name]) for spec in VENDORS.values() for name in secrets_of(spec))


def told(text: str) -> set[str]:
    """The credentials in a text."""
    return {*MARK.findall(text), *(it for it in _of_emulators() | _made if it in text)}


def pytest_configure() -> None:
    """Listen, too, to what a test takes out of what was captured."""
    read = pytest.CaptureFixture.readouterr

    def readouterr(self: pytest.CaptureFixture[Any]) -> Any:
        captured = read(self)
        hear(*(text for text in captured if isinstance(text, str)))
        return captured

    pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test while which a credential was told."""
    report = yield
    captured = [text for name, text in report.sections if name.endswith(report.when)]
    said = "\n".join([*captured, *_heard])
    _heard.clear()
    if (found := told(said)) and not report.failed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} tells credentials: {sorted(found)}"
    return report
