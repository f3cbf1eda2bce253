"""Time that a test moves on by itself."""

import pytest

from graph import clock


def own_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that stands, until somebody sleeps, who does not wait. The only entry is its time."""
    time = [100.0]

    async def sleep(seconds: float) -> None:
        time[0] += seconds

    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    monkeypatch.setattr(clock, "sleep", sleep)
    return time
