"""Sources in memory whose conferences go on, and what a hub tells of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

from clocks import Pauses
from schema.fakes import LiveAdapter, conference

from graph.errors import VendorError
from graph.fleet import Source
from graph.live import LiveHub, Subscription
from graph.paging.rows import Rows
from graph.records import Conference, ConferenceState, LiveConferenceEvent, Record
from graph.vendors import VENDORS
from graph.vendors.base import Extras


class Figures(Record, frozen=True):
    """What a vendor alone reports: `minutes` grow by themselves."""

    minutes: int = 0
    seats: int = 0


def live(vendor_id: str, source: str = "alpha", **more: Any) -> Conference:
    """A conference that goes on."""
    return conference(source, vendor_id, **{"state": ConferenceState.LIVE, "vendor_fields": Figures(), **more})


class Watched(LiveAdapter):
    """Lists what goes on, and finds what has ended by its id.

    Attributes:
        left_out: How many rows of the list cannot be read.
        past: What is not listed any more, and still known.
    """

    grows: ClassVar[tuple[str, ...]] = ("minutes",)

    def __init__(self, source: str = "alpha", conferences: Sequence[Conference] = ()) -> None:
        super().__init__(source, conferences)
        self.left_out = 0
        self.past: list[Conference] = []

    async def list_live(self, extras: Extras) -> Rows[Conference]:
        """All."""
        return Rows.of(await super().list_live(extras), self.left_out)

    async def get_conferences(self, vendor_ids: Sequence[str], *_: Any) -> list[Conference | Exception | None]:
        """By id."""
        self.ask("get_conferences", tuple(vendor_ids))
        found = {row.vendor_id: row for row in [*self.conferences, *self.past]}
        return [found.get(vendor_id) for vendor_id in vendor_ids]

    @property
    def polls(self) -> int:
        """How often its list was read."""
        return self.verbs.count("list_live")

    @property
    def watched(self) -> Source:
        """It, as a configured source."""
        return Source(self.source, VENDORS["systec"], self.settings, self, self.client)


@contextlib.asynccontextmanager
async def hub_of(*adapters: Watched) -> AsyncIterator[LiveHub]:
    """A hub, for as long as the context lasts."""
    hub = LiveHub()
    try:
        yield hub
    finally:
        async with asyncio.timeout(10):
            await hub.aclose()
        for adapter in adapters:
            await adapter.client.aclose()


async def told(subscription: Subscription, count: int = 1) -> list[str]:
    """The next news, such as `STARTED 7`, or `down` where a source is."""
    said = []
    async with asyncio.timeout(10):
        for _ in range(count):
            news = await anext(subscription)
            said.append("down" if isinstance(news, VendorError) else f"{news.kind.name} {news.conference.vendor_id}")
    return said


async def event(subscription: Subscription) -> LiveConferenceEvent:
    """The next news, which is an event."""
    async with asyncio.timeout(10):
        news = await anext(subscription)
    assert isinstance(news, LiveConferenceEvent)
    return news


async def polled(pauses: Pauses, times: int = 1) -> None:
    """Let so many polls happen."""
    for _ in range(times):
        await pauses.over()
