"""Answers are kept within a bound of bytes, and what is told of one that is given again is true."""

from datetime import timedelta

import msgspec
import pytest
from worlds import NOW

from graph import clock
from graph.freshness import SETTLED_S, Freshness
from graph.identity import ANYBODY
from graph.server.kept import ENTRY_BYTES, KeptAnswer, KeptAnswers, Question

HOUR = timedelta(hours=1)
MOST = 16 * (ENTRY_BYTES + 1000)


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "monotonic", lambda: 100.0)


def question(sent: bytes) -> Question:
    return Question.of("POST", sent, "application/json", ANYBODY, is_packed=False)


def answer(size: int, good_for: timedelta = HOUR) -> KeptAnswer:
    return KeptAnswer(b"a" * size, NOW + HOUR, NOW + good_for, 100 + good_for.total_seconds())


def test_those_unused_for_longest_go_first() -> None:
    kept = KeptAnswers(MOST)
    for n in range(16):
        kept.keep(question(b"%04d" % n), answer(996))
    assert kept.bytes == MOST
    assert kept.find(question(b"0000"))
    kept.keep(question(b"0016"), answer(996))
    assert kept.bytes == MOST
    assert [n for n in range(17) if not kept.find(question(b"%04d" % n))] == [1]


@pytest.mark.parametrize(("asked", "size", "is_kept"), [(4, 996, True), (4, 997, False), (990, 11, False)])
def test_one_takes_at_most_a_sixteenth_its_question_included(asked: int, size: int, is_kept: bool) -> None:
    kept = KeptAnswers(MOST)
    kept.keep(question(b"q" * asked), answer(size))
    assert (kept.find(question(b"q" * asked)) is not None) is is_kept
    assert kept.bytes == (MOST // 16 if is_kept else 0)


@pytest.mark.parametrize(("name", "time"), [("now", NOW + timedelta(seconds=2)), ("monotonic", 102.0)])
def test_one_that_is_over_leaves_its_place(name: str, time: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the time of day was set back meanwhile."""
    kept = KeptAnswers(MOST)
    kept.keep(question(b"q"), answer(10, timedelta(seconds=2)))
    assert kept.find(question(b"q"))
    monkeypatch.setattr(clock, name, lambda: time)
    assert kept.find(question(b"q")) is None
    assert kept.bytes == 0


def test_another_to_the_same_question_takes_its_place() -> None:
    kept = KeptAnswers(MOST)
    for size in (10, 20, 2000, 5):
        kept.keep(question(b"q"), answer(size))
        assert kept.bytes == (0 if size == 2000 else ENTRY_BYTES + 1 + size)
    found = kept.find(question(b"q"))
    assert found
    assert found.body == b"aaaaa"


def test_the_cost_of_an_answer_that_is_given_again_is_none() -> None:
    freshness = Freshness()
    freshness.note(SETTLED_S, NOW)
    sources = [{"source": name, "requested": 5, "actual": 2} for name in ("hexmeet", "netease")]
    told = {"cost": {"requested": 10, "actual": 4, "bySource": sources}, "spared": 4}
    whole = msgspec.json.encode({"data": {"said": '"extensions":{}}'}, "extensions": told})
    kept = KeptAnswer.of(whole, told, freshness, "Name")
    free = [{**one, "actual": 0} for one in sources]
    assert msgspec.json.decode(kept.body) == {
        "data": {"said": '"extensions":{}}'},
        "extensions": {"cost": {"requested": 10, "actual": 0, "bySource": free}, "spared": 4},
    }
    assert KeptAnswer.of(b'{"data":{}}', None, freshness, None).body == b'{"data":{}}'


@pytest.mark.parametrize(
    ("read", "life_s", "kept_s"),
    [(0, 10, 2), (0.3, 10, 2), (0.999, 10, 2), (-0.3, 10, 1), (-1, 10, 1), (0, 1.5, 1.5), (0.5, 300, 300.5)],
)
def test_what_may_change_is_kept_as_long_as_it_would_serve_a_new_walk(
    read: float, life_s: float, kept_s: float
) -> None:
    """One that begins in the second in which it was read, or in the next one."""
    freshness = Freshness()
    freshness.note(SETTLED_S, NOW)
    freshness.note(life_s, NOW + timedelta(seconds=read))
    kept = KeptAnswer.of(b"{}", None, freshness, None)
    assert kept.kept_until == NOW + timedelta(seconds=kept_s)
    assert kept.gone_at == 100 + kept_s
