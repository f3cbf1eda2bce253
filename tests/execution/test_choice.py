"""What answers while tests run is what `--executor` says, here and in processes."""

import pytest
from processes import ENVIRONMENT

from graph.execution.executor import CompiledExecutor
from graph.schema import build_schema
from graph.settings import AppSettings, ExecutionSettings, parse


@pytest.fixture
def is_compiled(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("executor") == "compiled")


def test_a_schema_is_executed_by_it(*, is_compiled: bool) -> None:
    schema = build_schema(AppSettings(execution=ExecutionSettings(compiled=True)))
    kind = schema.execution_context_class
    assert bool(kind and issubclass(kind, CompiledExecutor)) is is_compiled


def test_a_process_is_told(*, is_compiled: bool) -> None:
    assert parse("", {}, ENVIRONMENT).execution == ExecutionSettings(compiled=is_compiled)


@pytest.mark.usefixtures("as_set")
@pytest.mark.parametrize("compiled", [False, True])
def test_but_for_tests_that_choose(*, compiled: bool) -> None:
    assert ExecutionSettings(compiled=compiled).compiled is compiled
