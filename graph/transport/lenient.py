"""Reading a body that does not fit its types as far as it can be read.

A value that does not fit is dropped where its struct can do without. A row (a struct in an array) that cannot be read
without it is left out of its array, which knows how many are missing. Whatever else does not fit makes the body
unreadable. Each place is tried as a whole first, by the same decoder as ever, so that what fits is read no differently.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from graph.transport.shapes import Shape

T = TypeVar("T")

MISSING: Final = "missing"
WRONG_TYPE: Final = "wrong type"
# A page has at most some thousands of rows: beyond this the body is another one altogether, and costs seconds to read.
MOST_FAULTS = 10_000

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?\Z", re.DOTALL)


class FieldError(ValueError):
    """Raised by a struct's `__post_init__`: a field has a value that its type lets in, and it cannot be read with.

    Args:
        field: Its name in the body.
    """

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"Expected `{expected}`, got `another` at {field}")
        self.field = field


class Partial(list[T]):
    """Rows of which some could not be read.

    Attributes:
        left_out: How many.
    """

    left_out: int = 0


def left_out(rows: Sequence[Any] | None) -> int:
    """How many rows are missing from an array of a body."""
    return rows.left_out if isinstance(rows, Partial) else 0


@dataclass(frozen=True)
class Fault:
    """A place that does not fit.

    Attributes:
        path: Where, such as `$.rows[3].age`.
        kind: MISSING or WRONG_TYPE.
        what: What was expected and what kind of value stood there; never a value.
    """

    path: str
    kind: str
    what: str

    def __str__(self) -> str:
        place = self.path.rpartition(".")[0] if self.kind == MISSING else self.path
        return f"{place}: {self.what}"


class UnreadableError(Exception):
    """A place cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


class HopelessError(UnreadableError):
    """So much does not fit that the rest is not looked at."""


@dataclass(frozen=True)
class Reading:
    """What was read of a body.

    Attributes:
        value: Of the type wanted; None where nothing could be read.
        faults: What did not fit, in the order met.
        unreadable: The fault that nothing could be read for.
        rows_lost: The first fault that a row was left out for.
    """

    value: Any
    faults: Sequence[Fault]
    unreadable: Fault | None = None
    rows_lost: Fault | None = None


def read_leniently(body: bytes, shape: Shape) -> Reading:
    """Read what can be read of a body.

    Raises:
        msgspec.DecodeError: it is no JSON; or as decoders do, UnicodeDecodeError and RecursionError.
    """
    reader = _Reader()
    try:
        value = reader.read(body, shape, "$")
    except UnreadableError as error:
        return Reading(None, [*reader.faults, error.fault], unreadable=error.fault)
    return Reading(value, reader.faults, rows_lost=reader.rows_lost)


class _Reader:
    """Reads one body."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.rows_lost: Fault | None = None

    def read(self, raw: "bytes | msgspec.Raw", shape: Shape, path: str) -> Any:
        try:
            return shape.decoder.decode(raw)
        except msgspec.ValidationError as error:
            fault = explain(error, path)
        first = bytes(memoryview(raw)[:64]).lstrip()[:1]
        if shape.struct and first == b"{":
            return self._read_struct(shape.struct, raw, shape, path)
        if shape.item and first == b"[":
            return self._read_rows(raw, shape.item, path)
        raise UnreadableError(fault)

    def _read_rows(self, raw: "bytes | msgspec.Raw", item: Shape, path: str) -> "Partial[Any]":
        rows: Partial[Any] = Partial()
        for number, row in enumerate(_ARRAY.decode(raw)):
            try:
                rows.append(self.read(row, item, f"{path}[{number}]"))
            except HopelessError:
                raise
            except UnreadableError as error:
                self._note(error.fault)
                self.rows_lost = self.rows_lost or error.fault
                rows.left_out += 1
        return rows

    def _read_struct(self, struct: Callable[..., Any], raw: "bytes | msgspec.Raw", shape: Shape, path: str) -> Any:
        values: dict[str, Any] = {}
        dropped: list[Fault] = []
        found = _OBJECT.decode(raw)
        for field in shape.fields:
            there = f"{path}.{field.wire}"
            if field.wire not in found:
                if field.is_required:
                    raise UnreadableError(_missing(path, field.wire))
                continue
            try:
                values[field.name] = self.read(found[field.wire], field.shape, there)
            except UnreadableError as error:
                if field.must_fit or isinstance(error, HopelessError):
                    raise
                dropped.append(error.fault)
        value = self._make(struct, values, shape, path, dropped)
        for fault in dropped:
            self._note(fault)
        return value

    def _make(
        self, struct: Callable[..., Any], values: dict[str, Any], shape: Shape, path: str, dropped: list[Fault]
    ) -> Any:
        """Make a struct, without those optional values that it refuses itself."""
        optional = {field.wire: field.name for field in shape.fields if not field.must_fit}
        while True:
            try:
                return struct(**values)
            except FieldError as error:
                fault = Fault(f"{path}.{error.field}", WRONG_TYPE, "expected another value")
                if values.pop(optional.get(error.field, ""), None) is None:
                    raise UnreadableError(fault) from None
                dropped.append(fault)
            except (ValueError, TypeError) as error:
                raise UnreadableError(dropped[0] if dropped else explain(error, path)) from None

    def _note(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) > MOST_FAULTS:
            raise HopelessError(fault)


def _missing(path: str, field: str) -> Fault:
    return Fault(f"{path}.{field}", MISSING, f"expected the field {field}, found none")


def explain(error: Exception, path: str = "$") -> Fault:
    """Where and what an error of msgspec is about, without the value that it quotes for enums and formats."""
    match = _TEXT.match(str(error))
    what = match["what"] if match else ""
    path += ((match["path"] if match else None) or "$")[1:]
    types = re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", what)
    if types:
        return Fault(path, WRONG_TYPE, f"expected {types[1]}, found {types[2]}")
    missing = re.fullmatch(r"Object missing required field `([^`]*)`", what)
    if missing:
        return _missing(path, missing[1])
    return Fault(path, WRONG_TYPE, "expected another value")
