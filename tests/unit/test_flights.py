"""Equal work at the same time is done once, and lives as long as somebody wants it."""

import asyncio

import pytest

from graph.cache.flights import Flights
from graph.cache.store import ERROR_TTL_S, WindowStore
from graph.errors import VendorTimeoutError, VendorUnavailableError
from graph.transport.deadline import start_deadline, wait_within_deadline, within_deadline

pytestmark = pytest.mark.anyio


class Work:
    """Ends when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.cancelled = 0
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def run(self) -> int:
        self.times += 1
        self.has_begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.times


async def waiting(flights: Flights, work: Work, count: int) -> list["asyncio.Task[int]"]:
    """So many who wait for it."""
    tasks = [asyncio.create_task(flights.once("key", work.run)) for _ in range(count)]
    await work.has_begun.wait()
    return tasks


async def test_equal_work_at_the_same_time_is_done_once() -> None:
    flights, work = Flights(), Work()
    tasks = await waiting(flights, work, 50)
    work.may_end.set()
    assert await asyncio.gather(*tasks) == [1] * 50
    assert await flights.once("key", work.run) == 2, "later work is done again"


async def test_a_leader_who_leaves_does_not_take_the_others_along() -> None:
    flights, work = Flights(), Work()
    leader, follower = await waiting(flights, work, 2)
    leader.cancel()
    await asyncio.wait([leader])
    work.may_end.set()
    assert await follower == 1
    assert leader.cancelled()


async def test_work_that_nobody_waits_for_any_more_is_given_up() -> None:
    flights, work = Flights(), Work()
    tasks = await waiting(flights, work, 3)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    late = asyncio.create_task(flights.once("key", work.run))
    work.may_end.set()
    assert await late == 2, "who comes while it is given up does not get its end"
    assert (work.times, work.cancelled) == (2, 1)


async def test_lasting_work_goes_on_though_nobody_waits() -> None:
    flights, work = Flights(), Work()
    task = asyncio.create_task(flights.once("key", work.run, is_lasting=True))
    await work.has_begun.wait()
    task.cancel()
    await asyncio.wait([task])
    follower = asyncio.create_task(flights.once("key", work.run, is_lasting=True))
    work.may_end.set()
    assert (await follower, work.times, work.cancelled) == (1, 1, 0)


async def test_who_runs_out_of_time_leaves_the_work_going_on_for_those_who_come() -> None:
    flights, work = Flights(), Work()

    async def hasty() -> int:
        start_deadline(0.05)
        return await wait_within_deadline(flights.once("key", work.run), source="s", endpoint="list")

    with pytest.raises(VendorTimeoutError):
        await asyncio.create_task(hasty())
    late = asyncio.create_task(flights.once("key", work.run))
    await asyncio.sleep(0)
    work.may_end.set()
    assert (await late, work.times, work.cancelled) == (1, 1, 0)


@pytest.mark.parametrize(("time_s", "patience_s"), [(500.0, 0.01), (0.05, 500.0), (None, 0.01)])
async def test_patience_is_for_one_wait_within_the_deadline(time_s: float | None, patience_s: float) -> None:
    flights, work = Flights(), Work()

    async def impatient() -> float:
        if time_s is not None:
            start_deadline(time_s)
        asked = flights.once("key", work.run)
        with pytest.raises(VendorTimeoutError):
            await wait_within_deadline(asked, source="s", endpoint="days", patience_s=patience_s)
        return within_deadline(1000.0)

    left_s = await asyncio.create_task(impatient())
    work.may_end.set()
    assert await flights.once("key", work.run) == 1
    assert (left_s > 400.0) is (time_s != 0.05)


async def test_who_has_no_time_left_begins_nothing() -> None:
    flights, work = Flights(), Work()

    async def late() -> int:
        start_deadline(0.0)
        return await wait_within_deadline(flights.once("key", work.run), source="s", endpoint="list")

    with pytest.raises(VendorTimeoutError):
        await asyncio.create_task(late())
    for _ in range(5):
        await asyncio.sleep(0)
    assert work.times == 0


async def test_who_is_cancelled_within_the_deadline_gives_the_work_up() -> None:
    flights, work = Flights(), Work()
    shared = wait_within_deadline(flights.once("key", work.run), source="s", endpoint="list")
    leaver = asyncio.create_task(shared)
    await work.has_begun.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    for _ in range(5):
        await asyncio.sleep(0)
    assert work.cancelled == 1


async def test_an_error_reaches_everybody_and_later_work_is_done_again() -> None:
    flights = Flights()

    async def fail() -> str:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def succeed() -> str:
        return "yes"

    answers = await asyncio.gather(*(flights.once("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3
    assert await flights.once("key", succeed) == "yes"


async def test_a_vendors_failure_will_do_for_a_moment_for_those_who_do_not_insist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = 0.0
    monkeypatch.setattr("graph.clock.monotonic", lambda: seconds)
    store, times = WindowStore(), 0

    async def fail() -> int:
        nonlocal times
        times += 1
        raise VendorUnavailableError("Down.", source="s", endpoint="list")

    async def ask(*, is_patient: bool) -> None:
        with pytest.raises(VendorUnavailableError, match=r"Down\."):
            await store.once("key", fail, is_patient=is_patient)

    await ask(is_patient=True)
    await ask(is_patient=True)
    assert times == 1
    await ask(is_patient=False)
    assert times == 2
    seconds = ERROR_TTL_S
    await ask(is_patient=True)
    assert times == 3
