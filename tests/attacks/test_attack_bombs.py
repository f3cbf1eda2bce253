"""Bombs of every kind against a real process: each is refused in GraphQL's words, and nobody else notices."""

import itertools
import multiprocessing
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from statistics import median
from typing import Any

import httpx
import pytest
from callers import bearer

from attacks.arsenal import BOMBS, HOARDS, LABOURS, Bomb, doubling
from attacks.besieging import FOE, FRIEND, Besieged, Friend, besieged, codes, long_ago

pytestmark = pytest.mark.timeout(240)

LABOUR_S = 0.15  # of a processor, for one document
GROWTH_MB = 100
ANSWER_BYTES = 50_000
HOARD_MB = 35
REPEATED = [bomb for bomb in BOMBS if bomb.name.startswith(("depth", "fragments", "a deep", "a long", "a broken"))]
THROWN = [*BOMBS, *LABOURS]
ROUNDS, ASKED = 6, 25
PAUSE_S = 0.02  # of the friend between two requests
FOES = 2
REFUSED_S = 0.005  # of a processor, for a request that is not even read
NOISE_S = 0.01  # what this machine's other work may add to a median


@pytest.fixture
def limited() -> Iterator[Besieged]:
    """One whose callers may cost so much, as it is configured if nobody says otherwise."""
    with besieged() as server:
        yield server


def thrown(http: httpx.Client, bomb: Bomb) -> set[str]:
    """The codes a bomb is refused with, in an answer that is not long whatever was sent."""
    reply = http.post("/graphql", content=bomb.content, headers=dict(bomb.headers))
    assert len(reply.content) < ANSWER_BYTES
    return codes(reply, bomb.content.decode("latin1"))


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.name)
def test_a_bomb_is_refused(server: Besieged, bomb: Bomb) -> None:
    """With a GraphQL error that has a code; also when it comes again, and is hardly another one."""
    with server.client(FOE) as foe:
        for again in (bomb, bomb, bomb.varied(1)) if bomb in REPEATED else (bomb,):
            found = thrown(foe, again)
            assert found, "it was answered"
            assert found <= bomb.codes
    server.assert_well()


@pytest.mark.parametrize("bomb", LABOURS, ids=lambda bomb: bomb.name)
def test_a_document_within_the_limits_is_no_long_work(server: Besieged, bomb: Bomb) -> None:
    """In time of the processor, which others on this machine add little to; what they do is gone the next time."""
    took = []
    with server.client(FOE) as foe:
        for number in range(3):
            before = server.cpu_s
            found = thrown(foe, bomb.varied(number))
            took.append(server.cpu_s - before)
            assert found <= bomb.codes
    assert min(took) < LABOUR_S
    server.assert_well()


def test_fragments_that_double_are_refused_at_once(server: Besieged) -> None:
    """Each of a hundred like no other, so that none is known; 20 ms each at most, the way there and back included."""
    assert len(doubling()) < 1000
    with server.client(FOE) as foe:
        before = server.cpu_s
        for number in range(100):
            bomb = Bomb("", {"query": f"{doubling()}#{number}"})
            assert thrown(foe, bomb) == {"LIMIT_EXCEEDED"}
    assert (server.cpu_s - before) / 100 < 0.02


@pytest.mark.parametrize("hoard", HOARDS)
def test_what_was_asked_is_not_hoarded(server: Besieged, hoard: str) -> None:
    """However many different documents, ids and words came, memory stays as it was."""
    count, make = HOARDS[hoard]
    with server.client(FOE) as foe:
        thrown(foe, make(-1))  # what is kept once
        before = server.memory_mb
        for number in range(count):
            thrown(foe, make(number))
    assert server.memory_mb - before < HOARD_MB
    server.assert_well()


def bombard(url: str, is_on: Event, is_over: Event, thrown_so_far: Any, first: int) -> None:
    """What the process of a foe does: throws one bomb after the other, each a little other than before."""
    with httpx.Client(base_url=url, headers=dict([bearer(f"key of {FOE}")]), timeout=60) as http:
        for number in itertools.count(first):
            is_on.wait()
            if is_over.is_set():
                return
            bomb = THROWN[number % len(THROWN)]
            http.post("/graphql", content=bomb.varied(number).content, headers=dict(bomb.headers))
            thrown_so_far.value += 1


def test_a_client_that_means_well_is_served_while_bombs_go_off(limited: Besieged) -> None:
    """Its median stays within twice what it is in peace, in turns; memory is bounded and the answers are right.

    Those who throw never pause: they are made to wait, once somebody else asks.
    """
    spawn = multiprocessing.get_context("spawn")
    is_on, is_over = spawn.Event(), spawn.Event()
    counts = [spawn.Value("i") for _ in range(FOES)]
    foes = [
        spawn.Process(
            target=bombard, args=(limited.url, is_on, is_over, count, number * len(THROWN) // FOES), daemon=True
        )
        for number, count in enumerate(counts)
    ]
    for foe in foes:
        foe.start()
    took: dict[bool, list[float]] = {True: [], False: []}
    thrown_in: list[int] = []
    memory: list[float] = []
    try:
        is_on.set()
        while sum(count.value for count in counts) < len(THROWN):
            is_over.wait(0.1)
        memory.append(limited.memory_mb)
        with limited.client(FRIEND) as http:
            friend = Friend(http)
            for is_under_fire in [True, False] * ROUNDS:
                before = sum(count.value for count in counts)
                (is_on.set if is_under_fire else is_on.clear)()
                is_over.wait(0.5)  # until the first, or the last, bombs are through
                for _ in range(ASKED):
                    took[is_under_fire].append(friend.ask())
                    is_over.wait(PAUSE_S)
                memory.append(limited.memory_mb)
                if is_under_fire:
                    thrown_in.append(sum(count.value for count in counts) - before)
    finally:
        is_on.set()
        is_over.set()
        for foe in foes:
            foe.join(60)
    assert all(thrown_in), thrown_in
    in_peace, under_fire_s = median(took[False]), median(took[True])
    assert [foe.exitcode for foe in foes] == [0, 0]
    assert under_fire_s <= max(2 * in_peace, in_peace + NOISE_S), (in_peace, under_fire_s)
    assert max(memory) - memory[0] < GROWTH_MB
    limited.assert_well()


def test_strangers_get_nowhere(server: Besieged) -> None:
    """Whatever they throw, they learn that nobody knows them, and nothing of it is read."""
    with httpx.Client(base_url=server.url, timeout=60) as stranger:
        before = server.cpu_s
        for bomb in BOMBS:
            reply = stranger.post("/graphql", content=bomb.content, headers=dict(bomb.headers))
            assert reply.status_code == 401
            assert codes(reply) == {"UNAUTHENTICATED"}
    assert (server.cpu_s - before) / len(BOMBS) < 0.02
    server.assert_well()


def test_who_asks_for_much_must_pause_and_nobody_else() -> None:
    """Questions that are allowed, each for other days: soon they are refused, with the time to wait."""
    query = "query($d: TimeRange!) { conferences(filter: {during: $d}, first: 1000) { nodes { id } } }"
    with besieged("[limits]\ncost_per_second = 1\n") as server, server.client(FRIEND) as http:
        friend = Friend(http)
        with server.client(FOE) as foe:
            for days in range(1, 60):
                reply = foe.post("/graphql", json={"query": query, "variables": {"d": long_ago(days)}})
                if "RATE_LIMITED" in codes(reply):
                    break
                friend.ask()
        assert codes(reply) == {"RATE_LIMITED"}
        assert int(reply.headers["retry-after"]) > 0
        assert reply.json()["errors"][0]["extensions"]["retryAfterSeconds"] > 0
        friend.ask()
        server.assert_well()


def test_who_throws_bombs_must_pause_and_costs_little_from_then_on() -> None:
    """What is refused is charged as well: whoever never pauses is told so before anything is read."""
    with besieged("[limits]\ncost_per_second = 0.02\n") as server, server.client(FOE) as foe:
        labours = itertools.cycle(LABOURS)
        tries = 0
        while thrown(foe, next(labours).varied(tries)) != {"RATE_LIMITED"}:
            tries += 1
            assert tries < 50
        before = server.cpu_s
        for number in range(100):
            assert thrown(foe, next(labours).varied(number)) == {"RATE_LIMITED"}
        assert (server.cpu_s - before) / 100 < REFUSED_S
        server.assert_well()
