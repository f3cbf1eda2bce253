"""Single flight: equal pieces of work at the same time are done once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from graph.transport.deadline import OutOfTimeError, shared_context, until_done

T = TypeVar("T")


class _Flight:
    """One piece of work under way, and how many wait for it."""

    __slots__ = ("is_lasting", "task", "waiting")

    def __init__(self, task: "asyncio.Task[Any]", *, is_lasting: bool) -> None:
        self.task = task
        self.is_lasting = is_lasting
        self.waiting = 0


class Flights:
    """The work under way in this process, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    async def once(self, key: str, work: Callable[[], Coroutine[Any, Any, T]], *, is_lasting: bool = False) -> T:
        """Do a piece of work, or wait for it where it is being done already.

        It runs in a task of its own: whoever is cancelled does not stop it for the others, and nobody's deadline ends
        it. When all who waited were cancelled it is cancelled too, since nobody wants it; lasting work is not, nor is
        what somebody ran out of time for: that is for those who come after.

        Raises:
            OutOfTimeError: the deadline passed first; `wait_within_deadline` says for what.
        """
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.get_running_loop().create_task(work(), context=shared_context())
            flight = self._flights[key] = _Flight(task, is_lasting=is_lasting)
            task.add_done_callback(lambda _: self._land(key, flight))
        task = flight.task
        flight.waiting += 1
        try:
            await until_done(task)
        except OutOfTimeError:
            flight.is_lasting = True
            raise
        finally:
            flight.waiting -= 1
            if not (flight.waiting or flight.is_lasting or task.done()):
                task.cancel()
                self._forget(key, flight)  # who comes now must not wait for work that is being given up
        return task.result()  # equal keys, equal work

    def _land(self, key: str, flight: _Flight) -> None:
        self._forget(key, flight)
        if not flight.task.cancelled():
            flight.task.exception()  # read, so that an error nobody waits for any more is not reported as lost

    def _forget(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
