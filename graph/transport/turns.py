"""The queue in front of a source's connections. httpx's own pool collapses when many wait in it: they wait here."""

import asyncio
from collections import OrderedDict, deque

from graph.errors import VendorTimeoutError
from graph.telemetry.metrics import VENDOR_QUEUE
from graph.transport.meter import asker


class Turns:
    """So many at once; the others wait in line.

    Each GraphQL request has a line of its own, and the lines take turns: one that wants a thousand details does not
    keep the others waiting for all of them.
    """

    def __init__(self, source: str, places: int) -> None:
        self._source = source
        self._places = places
        self._free = places
        self._lines: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()
        self._gauge = VENDOR_QUEUE.labels(source)

    async def take(self, endpoint: str, patience_s: float) -> None:
        """Wait for a place, and hold it until it is passed on.

        Raises:
            VendorTimeoutError: none became free in time.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(endpoint, patience_s)

    async def _wait(self, endpoint: str, patience_s: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = asker()
        self._lines.setdefault(line, deque()).append(place)
        try:
            with self._gauge.track_inprogress():
                async with asyncio.timeout(patience_s):
                    await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was handed over just before
                self.pass_on()
            else:
                self._leave(line, place)
            if not isinstance(error, TimeoutError):
                raise
            said = f"{endpoint} was not asked: no connection became free ({self._places} are in use)."
            raise VendorTimeoutError(said, source=self._source, endpoint=endpoint) from None

    def _leave(self, name: int, place: "asyncio.Future[None]") -> None:
        line = self._lines.get(name)
        if line and place in line:  # else it was passed over just before
            line.remove(place)
            if not line:
                del self._lines[name]

    def pass_on(self) -> None:
        """Hand a place to the first of the next line."""
        while self._lines:
            name, line = self._lines.popitem(last=False)
            place = line.popleft()
            if line:
                self._lines[name] = line
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
