"""What all tests share."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A change is judged by the same examples each time; new ones are looked for by whoever works on it.
settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

pytest_plugins = ["credentials", "marked"]  # fails whoever tells one; the fixture `told`

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sample(name: str) -> Any:
    """A documented body, by its file name without the ending."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
