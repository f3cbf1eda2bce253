"""How a source fared lately."""

from datetime import datetime

from graph import clock
from graph.errors import VendorError
from graph.records import SourceError, SourceHealth, SourceState


class Health:
    """Follows the answers of one source: DOWN after three failures in a row."""

    def __init__(self) -> None:
        self._last_success_at: datetime | None = None
        self._last_error: SourceError | None = None
        self._failures = 0

    def fail(self, error: VendorError) -> None:
        """A request failed."""
        self._failures += 1
        self._last_error = SourceError.of(error)

    def succeed(self) -> None:
        """A request was answered."""
        self._failures = 0
        self._last_success_at = clock.now()

    def report(self, *, is_left_alone: bool) -> SourceHealth:
        """The state now; a source that is left alone is DOWN."""
        if is_left_alone or self._failures >= 3:
            state = SourceState.DOWN
        elif self._failures:
            state = SourceState.DEGRADED
        else:
            state = SourceState.UP if self._last_success_at else SourceState.UNKNOWN
        return SourceHealth(state=state, last_success_at=self._last_success_at, last_error=self._last_error)
