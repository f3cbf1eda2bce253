"""What a source answers when it is asked for rows: a `Slice` of a list, or the whole list at once as `Rows`.

Either says how many rows could not be read, so that nobody takes what is left for all there are.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

Row = TypeVar("Row")


class Slice(NamedTuple, Generic[Row]):
    """What one list request answered.

    Attributes:
        rows: In no order, perhaps beyond the window that was asked, perhaps one row twice.
        total: The vendor's count for the whole window, where it tells one.
        token: What to pass to read on; None when the window is drained.
        is_sparse: The rows come with other rows, so that a page may have few or none and yet be followed by more.
            Whoever says so sees to it that its tokens come to an end.
        left_out: How many rows of the page could not be read.
    """

    rows: Sequence[Row]
    total: int | None
    token: object | None
    is_sparse: bool = False
    left_out: int = 0


class Rows(tuple[Row, ...]):  # noqa: SLOT001 - a tuple has no room for slots
    """A whole list that was read at once.

    Attributes:
        left_out: How many of its rows could not be read.
        read_at: When reading it began, where that was before it was asked for.
    """

    left_out: int = 0
    read_at: datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[Row], left_out: int = 0, read_at: datetime | None = None) -> "Rows[Row]":
        """Rows, how many are missing, and when they were read."""
        made = cls(rows)
        if left_out:
            made.left_out = left_out
        if read_at:
            made.read_at = read_at
        return made

    @staticmethod
    def missing_from(rows: Sequence[object]) -> int:
        """How many rows are missing from a list that was read; none where it does not say."""
        return rows.left_out if isinstance(rows, Rows) else 0

    @staticmethod
    def read_before(rows: Sequence[object]) -> datetime | None:
        """When a list was read, where that was before it was asked for."""
        return rows.read_at if isinstance(rows, Rows) else None
