"""What a client asks of a connection: first/after or last/before, and the range of time."""

from datetime import timedelta

import msgspec

from graph import clock
from graph.errors import InvalidArgumentError, InvalidCursorError
from graph.freshness import note_life
from graph.paging.cursor import decode_cursor
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import SECOND, Window

DEFAULT_SIZE = 20
MAX_SIZE = 1000


class PageArgs(msgspec.Struct, frozen=True):
    """Which page is asked for.

    Attributes:
        is_forward: True for `first`/`after`, False for `last`/`before`.
        size: How many rows.
        cursor: Where to start; None is the start of the list, going backward its end.
    """

    is_forward: bool = True
    size: int = DEFAULT_SIZE
    cursor: str | None = None

    @classmethod
    def parse(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> "PageArgs":
        """Read the four arguments of a connection, None being absent.

        Raises:
            InvalidArgumentError: they do not go together, or are out of range.
            InvalidCursorError: a cursor is empty.
        """
        if first is not None and last is not None:
            raise InvalidArgumentError("Give either first or last, not both.")
        if before is not None and (first is not None or after is not None):
            raise InvalidArgumentError("before goes with last, not with first or after.")
        if after is not None and last is not None:
            raise InvalidArgumentError("after goes with first, not with last.")
        is_forward = last is None and before is None
        name, size, cursor = ("first", first, after) if is_forward else ("last", last, before)
        if size is not None and not 0 <= size <= MAX_SIZE:
            raise InvalidArgumentError(f"{name} must be from 0 to {MAX_SIZE}, not {size}.")
        if cursor is not None and not cursor:
            raise InvalidCursorError("A cursor is never empty; leave it out to start where the list does.")
        return cls(is_forward, DEFAULT_SIZE if size is None else size, cursor)


def resolve_window(
    args: PageArgs, scope: str, given: Window | None, default: timedelta, lag: timedelta = timedelta(0)
) -> Window:
    """The range of a list: as given, else as the cursor carries it, else the `default` that ended `lag` before now.

    That is rounded outward to whole seconds, so that those who ask at about the same time ask for the same.

    Raises:
        InvalidCursorError: the cursor is damaged or foreign.
    """
    if given is not None:
        return given
    if args.cursor is None:
        note_life(SNAPSHOT_TTL_S)  # the range moves on
        end = clock.now() - lag
        rounded = end.replace(microsecond=0)
        return Window(rounded - default, rounded if rounded == end else rounded + SECOND)
    window = decode_cursor(args.cursor, scope).window
    if window is None or window.is_empty:
        raise InvalidCursorError("This cursor belongs to a list whose range was given.")
    return window
