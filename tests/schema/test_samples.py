"""The comparison of documented bodies with answers, and that no sample escapes it."""

from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLES
from documented import Exempt, Table, faults

BODY = {"code": 0, "page": {"rows": [{"id": 7, "key": "hush"}, {"id": 8, "key": "hush"}]}}
TABLE: Table = {
    "code": Exempt.ENVELOPE,
    "page.rows[].id": {"nodes[].id": ["7", "8"]},
    "page.rows[].key": Exempt.SECRET,
}
DATA = {"nodes": [{"id": "7"}, {"id": "8"}]}


def test_a_body_that_comes_out_as_listed_has_no_faults() -> None:
    assert faults(BODY, TABLE, DATA) == []


@pytest.mark.parametrize(
    ("body", "data", "fault"),
    [
        ({**BODY, "extra": None}, DATA, "extra: not listed"),
        ({"page": BODY["page"]}, DATA, "code: not documented"),
        (BODY, {"nodes": [{"id": "7"}]}, "page.rows[].id: nodes[].id is ['7'], expected ['7', '8']"),
        (
            BODY,
            {"nodes": [{"id": "7"}, {"id": None}]},
            "page.rows[].id: nodes[].id is ['7', None], expected ['7', '8']",
        ),
        (BODY, {**DATA, "hint": "hush-hush"}, "page.rows[].key: is told"),
    ],
)
def test_what_is_not_as_listed_is_a_fault(body: Any, data: Any, fault: str) -> None:
    assert fault in faults(body, TABLE, data)


def test_every_documented_answer_is_compared() -> None:
    compared = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_samples_*.py"))
    answers = [path.stem for path in SAMPLES.glob("*.json") if not path.stem.endswith("-request")]
    assert len(answers) == 15
    assert [name for name in answers if f'sample("{name}")' not in compared] == []
