"""How what is kept is written for other processes: msgpack, read back by type.

Whatever does not decode, because it was damaged or another version wrote it, is None: a miss.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from graph.cache.memory import StoredWindow
from graph.errors import VendorError
from graph.records import Call, Conference, McuResource, Record, RegionCount, Room
from graph.statistics import LiveCounts, Usage, UsageGroup, UsageStats

R = TypeVar("R")
T = TypeVar("T")

_ENCODER = msgspec.msgpack.Encoder()
_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)


class Codec(Protocol[T]):
    """The written form of values of one type."""

    def encode(self, value: T) -> bytes | None:
        """Write a value; None where it cannot be written."""

    def decode(self, raw: bytes) -> T | None:
        """Read a value; None where the bytes are none."""


@lru_cache(maxsize=64)
def _decoder(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    return msgspec.msgpack.Decoder(kind)


class FactCodec(Generic[T]):
    """The written form of a type that msgspec knows."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = _decoder(kind)

    def encode(self, value: T) -> bytes | None:
        """Write a value; None where it cannot be written, as a whole number beyond 64 bits."""
        try:
            return _ENCODER.encode(value)
        except _UNREADABLE:
            return None

    def decode(self, raw: bytes) -> T | None:
        """Read a value; None where the bytes are none."""
        try:
            return self._decoder.decode(raw)
        except _UNREADABLE:
            return None


class ConferenceCodec:
    """The written form of one vendor's conferences, some of which may be absent.

    A conference and its members hold a record that only their vendor knows. The bytes are read twice: as conferences,
    and for those records, which are then put in their place.
    """

    def __init__(self, fields: type[Record], member_fields: type[Record] | None) -> None:
        optional: Any = None if member_fields is None else member_fields | None
        member = msgspec.defstruct("MemberPart", [("vendor_fields", optional, None)])
        members: Any = list[member] | None  # type: ignore[valid-type]  # made a line before
        part = msgspec.defstruct("ConferencePart", [("vendor_fields", fields), ("members", members, None)])
        self._rows = FactCodec[list[Conference | None]](list[Conference | None])
        self._parts = FactCodec[list[Any]](list[part | None])  # type: ignore[valid-type]  # likewise

    def encode(self, value: Sequence[Conference | None]) -> bytes | None:
        """Write rows."""
        return self._rows.encode(list(value))

    def decode(self, raw: bytes) -> list[Conference | None] | None:
        """Read rows; None where the bytes are none."""
        rows, parts = self._rows.decode(raw), self._parts.decode(raw)
        if rows is None or parts is None:
            return None
        for row, part in zip(rows, parts, strict=True):
            if row is not None:
                _fill(row, part)
                for member, its in zip(row.members or (), part.members or (), strict=True):
                    _fill(member, its)
        return rows


def _fill(row: Record, part: Any) -> None:
    msgspec.structs.force_setattr(row, "vendor_fields", part.vendor_fields)  # nobody has seen the record yet


@lru_cache(maxsize=64)
def conference_codec(fields: type[Record], member_fields: type[Record] | None) -> ConferenceCodec:
    """The codec of a vendor's conferences, made once."""
    return ConferenceCodec(fields, member_fields)


CALLS: Codec[list[Call]] = FactCodec(list[Call])
ROOMS: Codec[list[Room]] = FactCodec(list[Room])
MCU_RESOURCES: Codec[list[McuResource]] = FactCodec(list[McuResource])
REGION_COUNTS: Codec[list[RegionCount]] = FactCodec(list[RegionCount])
USAGE_GROUPS: Codec[list[UsageGroup]] = FactCodec(list[UsageGroup])
USAGE_STATS: Codec[UsageStats] = FactCodec(UsageStats)
# With when they were read.
USAGE: Codec[tuple[Usage, datetime]] = FactCodec(tuple[Usage, datetime])
LIVE_COUNTS: Codec[tuple[LiveCounts, datetime]] = FactCodec(tuple[LiveCounts, datetime])


class _Window(msgspec.Struct, array_like=True):
    start: datetime
    end: datetime
    read_at: datetime
    is_settled: bool
    left_out: int
    rows: msgspec.Raw


_WINDOWS: FactCodec[_Window] = FactCodec(_Window)


class WindowCodec(Generic[R]):
    """The written form of windows.

    Args:
        rows: That of their rows.
        key: A row's sort key, which is made again.
    """

    def __init__(self, rows: Codec[Any], key: Callable[[R], tuple[int | str, ...]]) -> None:
        self._rows = rows
        self._key = key

    def encode(self, value: StoredWindow[R]) -> bytes | None:
        """Write a window; None where a row cannot be written."""
        rows = self._rows.encode(list(value.rows))
        if rows is None:
            return None
        return _WINDOWS.encode(
            _Window(value.start, value.end, value.read_at, value.is_settled, value.left_out, msgspec.Raw(rows))
        )

    def decode(self, raw: bytes) -> StoredWindow[R] | None:
        """Read a window; None where the bytes are none."""
        window = _WINDOWS.decode(raw)
        rows = None if window is None else self._rows.decode(bytes(window.rows))
        if window is None or rows is None:
            return None
        keys = [self._key(row) for row in rows]
        return StoredWindow(window.start, window.end, keys, rows, window.read_at, window.is_settled, window.left_out)


# ---- errors ---------------------------------------------------------------------------------------


class _Error(msgspec.Struct, array_like=True):
    kind: str
    said: str
    source: str
    endpoint: str
    status: int | None
    vendor_code: str | None
    request_id: str | None
    retry_after_s: float | None


class ErrorCodec:
    """The written form of a vendor's failure, which becomes an error of the same class again."""

    def __init__(self) -> None:
        self._error = FactCodec[_Error](_Error)

    def encode(self, value: VendorError) -> bytes | None:
        """Write an error."""
        parts = (getattr(value, name) for name in _Error.__struct_fields__[1:])
        return self._error.encode(_Error(type(value).__name__, *parts))

    def decode(self, raw: bytes) -> VendorError | None:
        """Read an error; None where the bytes are none."""
        error = self._error.decode(raw)
        kind = _error_kinds().get(error.kind) if error else None
        if error is None or kind is None:
            return None
        parts = msgspec.structs.asdict(error)
        del parts["kind"]
        return kind(parts.pop("said"), **parts)


ERRORS = ErrorCodec()


@lru_cache(maxsize=1)
def _error_kinds() -> dict[str, type[VendorError]]:
    kinds: list[type[VendorError]] = [VendorError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return {kind.__name__: kind for kind in kinds}
