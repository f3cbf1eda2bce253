"""What sources answer unlike their contract: counted, logged once each, and never a value told."""

import json
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
import structlog
from prometheus_client import REGISTRY

from graph.errors import VendorPayloadError
from graph.transport import drift
from graph.transport.drift import LOOK_EVERY, Drift, Observation
from graph.transport.lenient import left_out
from graph.transport.messages import VendorReply
from graph.transport.shapes import known, shape_of

SECRET = "13910001021"


class Row(msgspec.Struct, rename="camel"):
    unread: ClassVar[frozenset[str]] = frozenset({"passcode"})
    sometimes: ClassVar[frozenset[str]] = frozenset({"hostId"})

    row_id: int
    host_id: str | None = None
    status: Annotated[int, known(0, 1, 2)] | None = None
    note: str | None = None


class Detail(Row, rename="camel"):
    unread: ClassVar[frozenset[str]] = frozenset({"label"})

    rows: list[Row] | None = None


class Body(msgspec.Struct):
    unread: ClassVar[frozenset[str]] = frozenset({"code"})

    ret: list[Detail] | Detail


class Head(msgspec.Struct):
    code: int
    request_id: str | None = None


BODY = msgspec.json.Decoder(Body)
HEAD = msgspec.json.Decoder(Head)
FULL = {"rowId": 1, "hostId": "h", "status": 1, "note": "n", "passcode": SECRET}


def reply(body: Any, observer: Drift, status: int = 200) -> VendorReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return VendorReply("acme", "report", status, [], raw, observer)


def observe(*bodies: Any, looks_at_all: bool = True) -> dict[tuple[str, str], int]:
    """How often something was observed in some bodies, by place and kind."""
    observer = Drift("acme", looks_at_all=looks_at_all)
    for body in bodies:
        reply(body, observer).decode_rows(BODY)
    assert {it.endpoint for it in observer.observed()} <= {"report"}
    return {(it.field, it.kind): it.count for it in observer.observed()}


def detail(*rows: Any, **changes: Any) -> dict[str, Any]:
    return {"code": 200, "ret": [{**FULL, "rows": list(rows), "label": "l", **changes}]}


def without(key: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


# ---- what is drift --------------------------------------------------------------------------------


def test_a_body_as_documented_is_none() -> None:
    """With documented fields that are not read, below too, and without what rows may lack."""
    assert observe(detail(FULL, without("hostId", FULL)), {"ret": detail(FULL)["ret"][0]}) == {}


def test_unknown_fields_are_told_by_name_wherever_they_stand() -> None:
    rows = [{**FULL, "mood": SECRET}, {**FULL, "mood": 1, "label": "x"}]
    assert observe({**detail(*rows, colour=SECRET), "trace": {"deep": SECRET}}) == {
        ("$.trace", "unknown field"): 1,
        ("$.ret[].colour", "unknown field"): 1,
        ("$.ret[].rows[].mood", "unknown field"): 2,
        ("$.ret[].rows[].label", "unknown field"): 1,
    }


@pytest.mark.parametrize(
    "name", [SECRET, "a b", "张三", "x" * 41, "5d41c4ac806c6440eb6aa8e071115f2b", "", "a@b.example"]
)
def test_a_name_that_may_be_a_value_is_not_told(name: str) -> None:
    """Some bodies are keyed by what others have as values."""
    assert observe({**detail(), name: 1}) == {("$.?", "unknown field"): 1}


def test_fields_that_are_gone_are_told_though_they_can_be_done_without() -> None:
    rows = [without("note", FULL), {**FULL, "note": None}]
    assert observe(detail(*rows)) == {("$.ret[].rows[].note", "missing"): 1}


def test_undocumented_enum_values_are_told_in_every_body() -> None:
    """With the number, as long as it can be no more than a number."""
    observer = Drift("acme")
    for status in (3, 3, 10_000, None, 2):
        reply(detail({**FULL, "status": status}), observer).decode_rows(BODY)
    place = ("report", "$.ret[].rows[].status", "unknown value")
    assert observer.observed() == [Observation(*place, 3, 2), Observation(*place, None, 1)]


def test_wrong_types_and_missing_fields_are_told_in_every_body() -> None:
    bodies = [detail(without("rowId", FULL), {**FULL, "note": 5})] * 3
    assert observe(*bodies, looks_at_all=False) == {
        ("$.ret[].rows[].rowId", "missing"): 3,
        ("$.ret[].rows[].note", "wrong type"): 3,
    }


def test_fields_are_looked_for_in_the_first_body_and_now_and_then() -> None:
    """Of each kind of body; the look takes longer than the reading."""
    strange = detail(mood=1)
    place = ("$.ret[].mood", "unknown field")
    assert observe(*[strange] * LOOK_EVERY, looks_at_all=False) == {place: 1}
    assert observe(*[strange] * (LOOK_EVERY + 1), looks_at_all=False) == {place: 2}
    assert observe(*[strange] * 3) == {place: 3}


# ---- replies --------------------------------------------------------------------------------------


def test_who_needs_all_rows_has_none_when_one_cannot_be_read() -> None:
    observer = Drift("acme")
    torn = {"ret": [FULL, {**FULL, "rowId": SECRET}]}
    with pytest.raises(VendorPayloadError) as caught:
        reply(torn, observer).decode(BODY)
    said = "acme: The answer of report does not fit its contract at $.ret[1].rowId: expected int, found str."
    assert caught.value.message == said
    assert [(it.field, it.count) for it in observer.observed()] == [("$.ret[].rowId", 1)]
    assert left_out(reply(torn, Drift("acme")).decode_rows(BODY).ret) == 1  # type: ignore[arg-type] # a list here


def test_the_envelope_can_do_without_what_it_need_not_have() -> None:
    observer = Drift("acme")
    head = reply({"code": 5, "requestId": "x", "request_id": 7, "ret": {}}, observer).decode_envelope(HEAD)
    assert (head.code, head.request_id) == (5, None)
    assert [(it.field, it.kind) for it in observer.observed()] == [("$.request_id", "wrong type")]


@pytest.mark.parametrize(
    "junk",
    [b'"\xff"', b"9" * 5000, b"1e999"],
    ids=["no text", "a number without end", "a number beyond all"],
)
def test_what_is_no_value_in_a_field_that_is_not_read_harms_nothing(junk: bytes) -> None:
    observer = Drift("acme", looks_at_all=True)
    raw = json.dumps({"code": 200, "ret": [FULL]}).encode()
    read = reply(raw.replace(b'"code": 200', b'"code": ' + junk), observer).decode_rows(BODY)
    assert isinstance(read.ret, list)
    assert [row.row_id for row in read.ret] == [1]
    assert observer.observed() == []


def test_what_answers_in_the_vendors_place_is_no_drift() -> None:
    """A proxy's page owes nothing to the vendor's documents."""
    observer = Drift("acme")
    with pytest.raises(Exception, match="HTTP status 502"):
        reply({"error": "bad gateway"}, observer, 502).decode_envelope(HEAD)
    assert observer.observed() == []


# ---- what is told ---------------------------------------------------------------------------------


def counted(field: str, kind: str) -> float:
    labels = {"source": "acme", "endpoint": "report", "field": field, "kind": kind}
    return REGISTRY.get_sample_value("confgraph_contract_drift_total", labels) or 0.0


def test_each_finding_is_logged_once_and_always_counted() -> None:
    before = counted("$.ret[].mood", "unknown field")
    with structlog.testing.capture_logs() as lines:
        observe(*[detail(mood=SECRET, status=7)] * 3)
    common = {"event": "contract drift", "log_level": "warning", "source": "acme", "endpoint": "report"}
    assert lines == [
        {**common, "field": "$.ret[].status", "kind": "unknown value", "number": 7},
        {**common, "field": "$.ret[].mood", "kind": "unknown field", "number": None},
    ]
    assert counted("$.ret[].mood", "unknown field") == before + 3
    assert SECRET not in str(lines)


def test_made_up_names_fill_neither_memory_nor_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_FINDINGS", 3)
    names = {f"name_{letter}": 1 for letter in "abcdefgh"}
    with structlog.testing.capture_logs() as lines:
        found = observe({**detail(), **names}, {**detail(), **names})
    assert len(found) == 4
    assert (found["...", "unknown field"], sum(found.values())) == (10, 16)
    assert len(lines) == 4


def test_a_shape_is_made_once() -> None:
    """A body is compared with its types without taking them apart anew."""
    assert shape_of(BODY) is shape_of(BODY)
    assert shape_of(BODY).has_enums
    assert not shape_of(HEAD).has_enums
