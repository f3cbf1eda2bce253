"""Reading bodies that do not fit: what can be read is, as ever; the rest is named, and no value is."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.paging.windows import EPOCH
from graph.transport import lenient
from graph.transport.lenient import MISSING, WRONG_TYPE, FieldError, Reading, left_out, read_leniently
from graph.transport.shapes import known, shape_of
from graph.transport.wall_time import BlankableTime, WallTime, decode_wall_time

T = TypeVar("T")


class Span(msgspec.Struct):
    id: int
    at: BlankableTime | None = None


class Row(msgspec.Struct, rename="camel"):
    vital: ClassVar[frozenset[str]] = frozenset({"endedAt"})

    key: str
    began_at: WallTime
    age: Annotated[int, msgspec.Meta(ge=0)] | None = None
    price: Decimal | None = None
    status: Annotated[int, known(0, 1)] = 0
    spans: list[Span] | None = None
    extra: msgspec.Raw = msgspec.Raw(b"null")
    seen: datetime | None = None
    ended_at: WallTime | None = None

    def __post_init__(self) -> None:
        if self.key == "":
            raise ValueError("Object missing required field `key`")
        if self.age == 13:
            raise FieldError("age", "another number")


class Page(msgspec.Struct, Generic[T]):
    total: int
    rows: list[T] | T | None
    tags: list[str] = msgspec.field(default_factory=list)


class Numbers(msgspec.Struct):
    counts: list[int]


PAGE = msgspec.json.Decoder(Page[Row], dec_hook=decode_wall_time)
GOOD = {"key": "a", "beganAt": "2026-11-20 10:00:00"}
SECRET = "hush-13910001021"


def read(body: Any, decoder: "msgspec.json.Decoder[Any]" = PAGE) -> Reading:
    reading = read_leniently(body if isinstance(body, bytes) else json.dumps(body).encode(), shape_of(decoder))
    assert SECRET not in "".join(map(str, reading.faults))
    return reading


def faults(reading: Reading) -> list[tuple[str, str]]:
    return [(fault.path, fault.kind) for fault in reading.faults]


def keys(reading: Reading) -> list[str]:
    return [row.key for row in reading.value.rows]


# ---- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "path", "kind"),
    [
        ({"key": None}, "$.rows[1].key", WRONG_TYPE),
        ({"key": 5}, "$.rows[1].key", WRONG_TYPE),
        ({"key": ""}, "$.rows[1].key", MISSING),
        ({"beganAt": SECRET}, "$.rows[1].beganAt", WRONG_TYPE),
        ({"beganAt": ...}, "$.rows[1].beganAt", MISSING),
        ({"endedAt": SECRET}, "$.rows[1].endedAt", WRONG_TYPE),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_read_is_left_out_and_named(change: dict[str, Any], path: str, kind: str) -> None:
    bad = {key: value for key, value in {**GOOD, "key": SECRET, **change}.items() if value is not ...}
    reading = read({"total": 3, "rows": [GOOD, bad, {**GOOD, "key": "c"}]})
    assert keys(reading) == ["a", "c"]
    assert left_out(reading.value.rows) == 1
    assert faults(reading) == [(path, kind)]
    assert reading.rows_lost == reading.faults[0]
    assert reading.unreadable is None


@pytest.mark.parametrize("row", [None, 5, SECRET, [GOOD], True], ids=repr)
def test_what_is_no_object_is_no_row(row: Any) -> None:
    reading = read({"total": 2, "rows": [GOOD, row]})
    assert (keys(reading), left_out(reading.value.rows)) == (["a"], 1)
    assert faults(reading) == [("$.rows[1]", WRONG_TYPE)]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"age": SECRET}, "age"),
        ({"age": -1}, "age"),
        ({"age": 13}, "age"),
        ({"price": "dear"}, "price"),
        ({"price": {}}, "price"),
        ({"status": None}, "status"),
        ({"status": SECRET}, "status"),
        ({"spans": SECRET}, "spans"),
        ({"seen": "yesterday"}, "seen"),
    ],
    ids=str,
)
def test_a_value_that_can_be_done_without_is_dropped(change: dict[str, Any], path: str) -> None:
    reading = read({"total": 1, "rows": [{**GOOD, **change, "extra": [1]}]})
    (row,) = reading.value.rows
    assert (row.key, str(row.began_at), bytes(row.extra)) == ("a", "2026-11-20 10:00:00", b"[1]")
    assert (row.age, row.price, row.status, row.spans, row.seen) == (None, None, 0, None, None)
    assert left_out(reading.value.rows) == 0
    assert faults(reading) == [(f"$.rows[0].{path}", WRONG_TYPE)]
    assert reading.rows_lost is None


def test_rows_within_rows_are_left_out_too() -> None:
    """A row keeps those of its own rows that can be read, and they know how many cannot."""
    spans = [{"id": 1, "at": ""}, {"id": SECRET}, {"at": ""}, {"id": 4, "at": SECRET}]
    reading = read({"total": 1, "rows": [{**GOOD, "spans": spans}]})
    (row,) = reading.value.rows
    assert [span.id for span in row.spans] == [1, 4]
    assert (left_out(row.spans), left_out(reading.value.rows)) == (2, 0)
    wrong = [("$.rows[0].spans[1].id", WRONG_TYPE), ("$.rows[0].spans[2].id", MISSING)]
    assert faults(reading) == [*wrong, ("$.rows[0].spans[3].at", WRONG_TYPE)]


def test_numbers_are_read_as_they_are_written() -> None:
    """Also beside a fault: no float stands between the body and a decimal."""
    reading = read(b'{"total":1,"rows":[{"key":"a","beganAt":"2026-11-20 10:00:00","age":"x","price":0.10}]}')
    assert str(reading.value.rows[0].price) == "0.10"


def test_what_the_decoder_is_lax_about_stays_read() -> None:
    lax = msgspec.json.Decoder(Page[Row], strict=False, dec_hook=decode_wall_time)
    reading = read({"total": "2", "rows": [{**GOOD, "age": "7"}, {}]}, lax)
    assert (reading.value.total, reading.value.rows[0].age, left_out(reading.value.rows)) == (2, 7, 1)


# ---- what is no row -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": []}, "$: expected the field total, found none"),
        ({"total": SECRET, "rows": [{}]}, "$.total: expected int, found str"),
        ({"total": 1, "rows": SECRET}, "$.rows: "),
        ({"total": 1, "rows": {"key": "a"}}, "$.rows: expected the field beganAt, found none"),
        ([], "$: expected object, found array"),
    ],
    ids=str,
)
def test_a_body_without_what_it_needs_cannot_be_read(body: Any, said: str) -> None:
    reading = read(body)
    assert reading.value is None
    assert str(reading.unreadable).startswith(said)
    assert reading.faults[-1] == reading.unreadable


def test_an_array_of_values_is_read_whole_or_not_at_all() -> None:
    assert str(read({"counts": [1, "x"]}, msgspec.json.Decoder(Numbers)).unreadable) == (
        "$.counts[1]: expected int, found str"
    )
    assert read({"total": 1, "rows": [GOOD], "tags": ["x", 1]}).value.tags == []


@pytest.mark.parametrize(
    "body",
    [b'{"total":"x","rows":[', b'{"total":"x","rows":[{"key":tru}]}', b"", b'{"total":"x"} x'],
    ids=repr,
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(body)


def test_a_body_wrong_everywhere_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody keeps the process busy with an endless list of nonsense."""
    monkeypatch.setattr(lenient, "MOST_FAULTS", 10)
    assert left_out(read({"total": 1, "rows": [{}] * 10}).value.rows) == 10
    reading = read({"total": 1, "rows": [{}] * 100})
    assert reading.value is None
    assert reading.unreadable is not None
    assert len(reading.faults) <= 12
    within = read({"total": 1, "rows": [{**GOOD, "spans": [{}] * 100}, GOOD]})
    assert within.value is None


# ---- any body -------------------------------------------------------------------------------------

NOTHING_LIKE_IT = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
TIMES = st.integers(10**5, 2 * 10**11).map(lambda s: f"{EPOCH + timedelta(seconds=s):%Y-%m-%d %H:%M:%S}")
SPANS = st.fixed_dictionaries({"id": st.integers(-(2**62), 2**62)}, optional={"at": TIMES | st.just("")})
ROWS = st.fixed_dictionaries(
    {"key": st.text(min_size=1), "beganAt": TIMES},
    optional={
        "age": st.integers(14, 10**6) | st.none(),
        "price": st.floats(allow_nan=False, allow_infinity=False),
        "status": st.integers(0, 9),
        "spans": st.lists(SPANS, max_size=3) | st.none(),
        "extra": NOTHING_LIKE_IT,
        "unknown": NOTHING_LIKE_IT,
    },
)
FIELDS = ["key", "beganAt", "endedAt", "age", "price", "status", "spans", "extra", "seen"]
BODIES = st.fixed_dictionaries({"total": st.integers(0, 2**60), "rows": st.lists(ROWS, max_size=4)})


def shown(value: Any) -> bytes:
    """A value as JSON, to compare: times have no equality."""
    return msgspec.json.encode(value, enc_hook=str)


@given(BODIES)
def test_a_body_that_fits_is_read_as_ever(body: dict[str, Any]) -> None:
    """By parts as by the whole: what a fault elsewhere does not touch is not read differently."""
    raw = json.dumps(body).encode()
    shape = shape_of(PAGE)
    by_parts = lenient._Reader()
    value = by_parts._read_struct(Page, raw, shape, "$")
    assert shown(value) == shown(PAGE.decode(raw)) == shown(read(raw).value)
    assert by_parts.faults == []


@given(BODIES, st.data())
def test_one_damage_costs_one_row_or_one_value(body: dict[str, Any], data: st.DataObject) -> None:
    """Whatever stands at one place of one row: the others are as they were, and nothing breaks."""
    rows = body["rows"]
    raw = json.dumps(body).encode()
    if not rows:
        return
    place = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(FIELDS))
    damaged = [*rows[:place], {**rows[place], field: data.draw(NOTHING_LIKE_IT)}, *rows[place + 1 :]]
    reading = read({**body, "rows": damaged})
    found = reading.value.rows
    strict: Any = PAGE.decode(raw).rows
    assert len(found) + left_out(found) == len(rows)
    assert len(reading.faults) <= 3  # a short array of spans may be wrong throughout
    others = [*strict[:place], *strict[place + 1 :]]
    rest = found if left_out(found) else [*found[:place], *found[place + 1 :]]
    assert shown(rest) == shown(others)
