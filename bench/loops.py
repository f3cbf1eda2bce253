"""The fastest event loop there is."""

import asyncio
import importlib
import importlib.util
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, by uvloop where it is installed."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(main)
    result: T = importlib.import_module("uvloop").run(main)
    return result
