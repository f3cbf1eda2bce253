"""The only reader of time.

Call it as `clock.now()`, never `from graph.clock import now`: tests replace the functions here.
"""

import asyncio
import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back, for deadlines and durations."""
    return time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait without blocking the loop."""
    await asyncio.sleep(seconds)
