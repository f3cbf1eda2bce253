"""What all tests share."""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A change is judged by the same examples each time; new ones are looked for by whoever works on it.
settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

pytest_plugins = ["credentials", "executors", "marked"]  # fails whoever tells one; the option; the fixture `told`

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def young_heap() -> Iterator[None]:
    """The collector sees only what the test makes: in a run of the whole suite there is much else to look through."""
    gc.freeze()
    yield
    gc.unfreeze()


def sample(name: str) -> Any:
    """A documented body, by its file name without the ending."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
