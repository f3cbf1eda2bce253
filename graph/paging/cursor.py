"""Cursors: where a walk over a sorted list stands, as opaque text that never expires.

A cursor names the row it belongs to by its sort key, and for every source that does not stand there (it failed, or
is catching up) the place where that source stands. It holds no secret and no vendor token and grants nothing. The
text is base64url without padding over `digest | msgpack`; the digest tells a damaged cursor, it is no signature.
"""

import base64
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from graph.errors import InvalidCursorError
from graph.ids import to_base64url
from graph.paging.windows import Window, from_micros, to_micros

Key = tuple[int | str, ...]

VERSION = 1
DIGEST_BYTES = 4
SCOPE_BYTES = 6
TAG_BYTES = 4


class Cut(NamedTuple):
    """A place between the keys of a list, which are ordered upward.

    Below it lie the keys that are less than `parts` in their leading parts; keys that begin with `parts` themselves
    lie below it where `is_after`, else above. So `Cut((), False)` is the foot of every list, `Cut((), True)` its top.
    """

    parts: Key
    is_after: bool

    def is_above(self, key: Key) -> bool:
        """Whether a key lies below this place."""
        if not self.parts:
            return self.is_after
        head = key[: len(self.parts)]
        return _is_less(head, self.parts) or (self.is_after and head == self.parts)

    def is_passed(self, key: Key, *, up: bool) -> bool:
        """Whether a walk that stands here has a key behind it."""
        return self.is_above(key) is up

    def is_behind(self, other: "Cut", *, up: bool) -> bool:
        """Whether a walk comes by here before it comes by `other`."""
        mine, theirs = (self, other) if up else (other, self)
        shared = min(len(mine.parts), len(theirs.parts))
        if mine.parts[:shared] != theirs.parts[:shared]:
            return _is_less(mine.parts[:shared], theirs.parts[:shared])
        if len(mine.parts) == len(theirs.parts):
            return theirs.is_after and not mine.is_after
        return theirs.is_after if len(theirs.parts) == shared else not mine.is_after


def _is_less(one: Key, other: Key) -> bool:
    try:
        return one < other
    except TypeError:
        raise InvalidCursorError("This cursor belongs to another list.") from None


def beginning(*, up: bool) -> Cut:
    """Where a walk starts."""
    return Cut((), not up)


def end(*, up: bool) -> Cut:
    """Where a walk has everything behind it."""
    return Cut((), up)


def rows_below(keys: Sequence[Key], cut: Cut) -> int:
    """How many of some keys, sorted upward, lie below a place."""
    if not cut.parts:
        return len(keys) if cut.is_after else 0
    return bisect_left(keys, True, key=lambda key: not cut.is_above(key))


def cut_between(done: Key, coming: Key, *, up: bool) -> Cut:
    """The place, told as briefly as can be, behind one row of a walk and before the next.

    Only what tells the two rows apart is kept, so that places of many sources fit into one cursor.
    """
    for at, (mine, theirs) in enumerate(zip(done, coming, strict=True)):
        if mine == theirs:
            continue
        if isinstance(mine, int) or isinstance(theirs, int):
            return Cut(done[: at + 1], up)
        low, high = (mine, theirs) if up else (theirs, mine)
        stem = next(high[:size] for size in range(1, len(high) + 1) if high[:size] > low)
        return Cut((*done[:at], stem), is_after=False)
    return Cut(done, up)


@lru_cache(maxsize=256)
def tag_of(source: str) -> bytes:
    """What stands for a source's name in a cursor."""
    return blake2b(source.encode(), digest_size=TAG_BYTES).digest()


class Checkpoint(NamedTuple):
    """The place of one source, with None for the source's own name."""

    parts: tuple[int | str | None, ...]
    is_after: bool

    @classmethod
    def of(cls, cut: Cut, source: str) -> "Checkpoint":
        """The place as a cursor keeps it."""
        if source not in cut.parts:
            return cls(*cut)
        return cls(tuple(None if part == source else part for part in cut.parts), cut.is_after)

    def cut(self, source: str) -> Cut:
        """The place it is."""
        return Cut(tuple(source if part is None else part for part in self.parts), self.is_after)


class Cursor(msgspec.Struct, frozen=True):
    """The state of a walk.

    Attributes:
        key: The sort key of the row it belongs to, or a place between rows.
        side: 0 at a row; else the key is a place, -1 before and 1 after the rows that begin with it.
        up: The way the walk went, in which the checkpoints hold.
        checkpoints: By tag, the sources that do not stand at the key.
        window: The range, where it was a default.
        began: When the walk began, in whole seconds since the epoch: rows of that time must not be missed.
    """

    key: Key
    side: int
    up: bool
    checkpoints: Mapping[bytes, Checkpoint] = MappingProxyType({})
    window: Window | None = None
    began: int = 0

    def cut(self, *, up: bool) -> Cut:
        """Where a walk that follows this cursor starts: behind its row, whichever way it goes."""
        return Cut(self.key, up if self.side == 0 else self.side > 0)


class _Wire(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    scope: bytes
    key: list[int | str]
    side: int
    up: bool
    checkpoints: dict[bytes, list[int | str | bool | None]]
    window: tuple[int, int] | None
    began: int


_DECODER = msgspec.msgpack.Decoder(_Wire)
_encode = msgspec.msgpack.Encoder().encode


class CursorWriter:
    """Makes the texts of cursors that have the list, its range, the beginning of the walk and its way in common."""

    def __init__(self, scope: str, window: Window | None = None, began: int = 0, *, up: bool) -> None:
        self._scope = _scope_digest(scope)
        self._window = window and (to_micros(window.start), to_micros(window.end))
        self._began = began
        # All but the key of a row at which every source stands, and the digest of what comes before the key.
        without_key = self._body(Cursor((), 0, up))
        at = len(_encode((VERSION, self._scope)))
        self._head, self._tail = without_key[:at], without_key[at + 1 :]
        self._head_digest = blake2b(self._head, digest_size=DIGEST_BYTES)

    def write(self, cursor: Cursor) -> str:
        """The text of a place; of the rest the cursor need not know."""
        body = self._body(cursor)
        return to_base64url(_digest(body) + body)

    def write_row(self, key: Key) -> str:
        """The text of a row, by its key, at which every source stands: `write`, in half the time."""
        rest = _encode(key) + self._tail
        digest = self._head_digest.copy()
        digest.update(rest)
        return to_base64url(digest.digest() + self._head + rest)

    def _body(self, cursor: Cursor) -> bytes:
        places = {tag: [place.is_after, *place.parts] for tag, place in cursor.checkpoints.items()}
        # In the order of _Wire.
        return _encode((VERSION, self._scope, cursor.key, cursor.side, cursor.up, places, self._window, self._began))


def decode_cursor(text: str, scope: str) -> Cursor:
    """Take a cursor apart.

    Raises:
        InvalidCursorError: it was damaged, or belongs to another field, parent, order or filter.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[DIGEST_BYTES:]
        wire = _DECODER.decode(body)
        cursor = Cursor(
            tuple(wire.key),
            wire.side,
            wire.up,
            {tag: Checkpoint(tuple(parts), is_after is True) for tag, (is_after, *parts) in wire.checkpoints.items()},
            wire.window and Window(from_micros(wire.window[0]), from_micros(wire.window[1])),
            wire.began,
        )
        is_whole = _digest(body) == raw[:DIGEST_BYTES] and wire.version == VERSION and to_base64url(raw) == text
        is_whole = is_whole and wire.began >= 0
    except (ValueError, OverflowError, msgspec.MsgspecError):
        is_whole = False
    if not is_whole:
        raise InvalidCursorError("This is not a cursor of confgraph, or it was damaged on the way.")
    if wire.scope != _scope_digest(scope):
        raise InvalidCursorError("This cursor belongs to another field, parent, order or filter.")
    return cursor


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=DIGEST_BYTES).digest()


def _scope_digest(scope: str) -> bytes:
    return blake2b(scope.encode(), digest_size=SCOPE_BYTES).digest()
