"""What a source answers unlike its contract: counted by endpoint, field and kind, and logged once each.

Values are never told, but for the number of an enum that nobody documents. Names of fields are the vendor's: one that
looks like more than a name is told as `?`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from graph.telemetry.logs import log
from graph.telemetry.metrics import DRIFT
from graph.transport.lenient import MISSING, Fault
from graph.transport.shapes import Shape

UNKNOWN_FIELD: Final = "unknown field"
UNKNOWN_VALUE: Final = "unknown value"

LOOK_EVERY = 100  # bodies of one kind; the first is always looked at
MOST_FINDINGS = 200  # of one source; a vendor that makes up names would fill memory and metrics else
LARGEST_NUMBER = 9999  # longer ones may be somebody's

_NAME = re.compile(r"(?=(?:\D*\d){0,4}\D*\Z)[A-Za-z_][A-Za-z0-9_]{0,39}")
_INDEX = re.compile(r"\[\d+\]")
_REST = "..."  # instead of a field


@dataclass(frozen=True)
class Observation:
    """One way in which a source differs from its contract.

    Attributes:
        endpoint: The vendor's name of the report.
        field: Where, such as `$.ret.list[].status`.
        kind: `missing`, `wrong type`, `unknown field` or `unknown value`.
        value: The number that nobody documents, where it is that.
        count: How often it was met.
    """

    endpoint: str
    field: str
    kind: str
    value: int | None
    count: int


class Drift:
    """What was observed of one source.

    Attributes:
        looks_at_all: Whether each body is looked at for fields that are unknown or gone, which takes a while; else
            the first of a kind, and now and then another.
    """

    def __init__(self, source: str, *, looks_at_all: bool = False) -> None:
        self.looks_at_all = looks_at_all
        self._source = source
        self._counts: Counter[tuple[str, str, str, int | None]] = Counter()
        self._bodies: Counter[tuple[str, Shape]] = Counter()

    def observed(self) -> list[Observation]:
        """All that was observed, by endpoint and field."""
        order = sorted(self._counts.items(), key=lambda item: tuple(map(str, item[0])))
        return [Observation(*finding, count) for finding, count in order]

    def note(self, endpoint: str, path: str, kind: str, value: object = None, times: int = 1) -> None:
        """Count a place that differs; the first time, log it."""
        number = value if type(value) is int and abs(value) <= LARGEST_NUMBER else None
        finding = (endpoint, path, kind, number)
        if finding not in self._counts:
            if len(self._counts) >= MOST_FINDINGS:
                finding = (endpoint, _REST, kind, None)
            if finding not in self._counts:
                log.warning(
                    "contract drift",
                    source=self._source,
                    endpoint=endpoint,
                    field=finding[1],
                    kind=kind,
                    number=number,
                )
        self._counts[finding] += times
        DRIFT.labels(self._source, *finding[:3]).inc(times)

    def note_faults(self, endpoint: str, faults: Iterable[Fault]) -> None:
        """Count what could not be read of a body."""
        for (path, kind), times in Counter((_INDEX.sub("[]", fault.path), fault.kind) for fault in faults).items():
            self.note(endpoint, path, kind, times=times)

    def look_at(self, endpoint: str, shape: Shape, value: object, body: bytes) -> None:
        """Count the enum values of a body that was read that nobody documents, and where it is its turn its fields."""
        if shape.has_enums:
            for path, number in _unknown_values([value], shape, "$"):
                self.note(endpoint, path, UNKNOWN_VALUE, number)
        kind = endpoint, shape
        if self.looks_at_all or self._bodies[kind] % LOOK_EVERY == 0:
            for path, what in _strange_fields(_whole(body), shape, "$"):
                self.note(endpoint, path, what)
        self._bodies[kind] += 1


def _whole(body: bytes) -> object:
    """All of a body that was read, unread fields too; None where one of those holds what is no JSON value at all."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _unknown_values(values: Sequence[Any], shape: Shape, path: str) -> Sequence[tuple[str, object]]:
    """Enum values that nobody documents, of all that stand at one place: those of many rows are looked at together."""
    if shape.known is not None:
        if shape.known.issuperset(values):
            return ()
        return [(path, value) for value in values if value is not None and value not in shape.known]
    unknown: list[tuple[str, object]] = []
    if shape.item and shape.item.has_enums:
        rows = [row for value in values if isinstance(value, list) for row in value]
        if rows:
            unknown += _unknown_values(rows, shape.item, f"{path}[]")
    structs = [value for value in values if isinstance(value, msgspec.Struct)] if shape.enums else ()
    if structs:
        for field in shape.enums:
            found = [getattr(struct, field.name) for struct in structs]
            unknown += _unknown_values(found, field.shape, f"{path}.{field.wire}")
    return unknown


def _strange_fields(value: object, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    """Fields that no document has, and fields that are gone though they can be done without."""
    if isinstance(value, list) and shape.item:
        for row in value:
            yield from _strange_fields(row, shape.item, f"{path}[]")
    elif shape.struct and isinstance(value, dict):
        if not value.keys() <= shape.documented:
            for name in value.keys() - shape.documented:
                yield f"{path}.{name if _NAME.fullmatch(name) else '?'}", UNKNOWN_FIELD
        if not shape.expected <= value.keys():
            yield from ((f"{path}.{name}", MISSING) for name in shape.expected - value.keys())
        for field in shape.fields:
            if field.shape.has_fields and field.wire in value:
                yield from _strange_fields(value[field.wire], field.shape, f"{path}.{field.wire}")
