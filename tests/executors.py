"""`pytest --executor=graphql-core`: compiled functions answer nothing, but in tests that choose the executor.

So the whole suite runs with `execution.compiled` off, whatever makes the settings: the processes that are started take
it from their environment, and whoever asks settings of this process is told so.
"""

import pytest
from processes import ENVIRONMENT

from graph.settings import ExecutionSettings

_AS_SET = ExecutionSettings.compiled


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the choice."""
    help_ = "what answers plain fields where a test does not say"
    parser.addoption("--executor", choices=("compiled", "graphql-core"), default="compiled", help=help_)


def pytest_configure(config: pytest.Config) -> None:
    """Make it, before any schema is built."""
    if config.getoption("executor") == "graphql-core":
        ENVIRONMENT["CONFGRAPH_EXECUTION__COMPILED"] = "false"
        ExecutionSettings.compiled = property(lambda _: False)  # type: ignore[assignment]


@pytest.fixture
def as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that choose the executor themselves: settings say what they were given."""
    monkeypatch.setattr(ExecutionSettings, "compiled", _AS_SET)
