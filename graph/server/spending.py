"""What one request, or one subscription, is charged to its caller.

What it may cost is set aside once that is known, so that requests that run at once cannot spend together what each of
them might have spent alone; what was not needed is given back. Until then a caller is let in who has not spent, and
set aside, more than BURST_S seconds' worth.
"""

import asyncio
from collections.abc import Awaitable, Callable

from graph import clock
from graph.errors import RateLimitedError
from graph.server.turns import LEAST_WAIT_S, Turns
from graph.transport.meter import Tab, start_tab
from graph.transport.quotas import Quotas

BURST_S = 30.0  # what may be spent at once, in seconds' worth: a request of `max_cost` must not ruin its caller
REFUSED = 1  # what it costs to be told that a request is none
MOST_DEBT_S = 600.0  # what is not predicted may cost far more than that: who owes so much is charged no more

Charge = Callable[[], Awaitable[None]]


class Spending(Tab):
    """What is charged to one caller, for what is done inside.

    Args:
        quotas: Count what it owes, with other processes or without.
        turns: Count its work in this process.
        caller: Its name.
        per_second: So much it may spend in the long run; 0 is no limit.
    """

    def __init__(self, quotas: Quotas, turns: Turns, caller: str, per_second: float) -> None:
        super().__init__()
        self._quotas = quotas
        self._turns = turns
        self._caller = caller
        self._name = f"caller:{caller}:cost"
        self._per_second = per_second
        self._paid = 0
        self._noted = 0
        self._refusal: RateLimitedError | None = None
        self._is_over = False
        self._settling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Charge:
        """Begin, when it may; see `Door.spending`."""
        await self.may_begin()
        start_tab(self)
        return self.catch_up

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Settle; where nothing could be set aside, nothing is answered either."""
        if (error is None and self._refusal) or isinstance(error, Exception):
            self.count(REFUSED, is_work=True)
        await self.end()
        if error is None and self._refusal:
            raise self._refusal

    def count(self, cost: int, *, is_work: bool) -> None:
        """Put something down; what is still done when it is over, since others wait for that, is settled at once."""
        super().count(cost, is_work=is_work)
        if self._is_over:
            task = asyncio.create_task(self.settle())
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def reserve(self, cost: int) -> None:
        """Set aside what may be spent from now on.

        Raises:
            RateLimitedError: its caller has spent, and set aside, too much already.
        """
        if self._per_second:
            self._check(await self._quotas.take(self._name, self._per_second / cost, BURST_S))
            self._paid += cost

    async def may_begin(self) -> None:
        """Wait for its caller's turn, and look whether anything more may be spent.

        Raises:
            RateLimitedError: its caller has spent, and set aside, too much already, or kept the process too busy.
        """
        await self._turns.wait(self._caller)
        if self._per_second:
            try:
                self._check(await self._owed_s())
            except RateLimitedError:
                await self._turns.note(self._caller, REFUSED)
                raise

    async def catch_up(self) -> None:
        """Settle, and wait until something more may be spent."""
        await self.settle()
        while self._per_second and (wait_s := await self._owed_s() - BURST_S) > 0:
            await clock.sleep(max(wait_s, LEAST_WAIT_S))

    async def settle(self) -> None:
        """Pay for what was spent, and take back what was set aside for nothing."""
        work, self._noted = self.work - self._noted, self.work
        if work:
            await self._turns.note(self._caller, work)
        if not self._per_second:
            return
        cost, self._paid = self.spent - self._paid, self.spent
        if cost > 0:
            await self._quotas.take(self._name, self._per_second / cost, MOST_DEBT_S)
        elif cost < 0:
            await self._quotas.give_back(self._name, self._per_second / -cost)

    async def end(self) -> None:
        """Settle, and so whatever is done from now on."""
        self._is_over = True
        await self.settle()

    async def _owed_s(self) -> float:
        return await self._quotas.take(self._name, self._per_second, -1)

    def _check(self, owed_s: float) -> None:
        if owed_s > BURST_S:
            said = (
                f"This caller has cost too much lately; allowed are {self._per_second:g} requests to vendors a second"
            )
            self._refusal = RateLimitedError(f"{said} (limits.cost_per_second).", owed_s - BURST_S)
            raise self._refusal
