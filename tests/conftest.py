"""What all tests share."""

import json
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sample(name: str) -> Any:
    """A documented body, by its file name without the ending."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
