"""What is going on right now, watched for all who want to be told when it changes.

One loop per source reads its live list while anybody wants to know, however many they are. What differs from the list
before is told: a conference has begun, changed or ended. A poll that fails tells nothing of conferences, and a row that
could not be read has not ended.

Each subscriber has one place per conference for what it was not told yet: later news replaces what waits there. So a
slow one holds no more than what was going on when it was told last, and what is going on now, and is told how much it
was spared.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from typing import NamedTuple, Self

import msgspec

from graph import clock
from graph.cache.codec import ERRORS
from graph.errors import VendorError
from graph.fleet import Source
from graph.paging.rows import Rows
from graph.records import Conference, ConferenceState, LiveConferenceEvent, LiveConferenceEventKind
from graph.telemetry.logs import log, told_of
from graph.transport.deadline import start_deadline
from graph.vendors.base import Extras

LEAST_S = 2.0  # between polls while things change
MOST_S = 15.0  # when nothing does
SLOWER = 1.5  # each poll in vain makes the next pause longer
MOST_AFTER_FAILURES_S = 60.0

STARTED, CHANGED, ENDED = LiveConferenceEventKind
# What news come to where older news of the same conference still wait; None where there is nothing left to tell.
TOGETHER: Mapping[tuple[LiveConferenceEventKind, LiveConferenceEventKind], LiveConferenceEventKind | None] = {
    (STARTED, CHANGED): STARTED,
    (STARTED, ENDED): None,
    (CHANGED, CHANGED): CHANGED,
    (CHANGED, ENDED): ENDED,
    (ENDED, STARTED): CHANGED,
}

News = LiveConferenceEvent | VendorError
"""What a subscriber is told: an event, or how a source fails, once until it answers again."""


class Subscription:
    """One subscriber's news, to be iterated over within its context; they end when the hub closes.

    Attributes:
        spared: How many events were left out before the one that was given last, since newer ones took their place.
    """

    def __init__(self, hub: "LiveHub", sources: Iterable[Source]) -> None:
        self.spared = 0
        self._hub = hub
        self._sources = list(sources)
        self._waiting: dict[tuple[str, str], News] = {}
        self._replaced = 0
        self._has_news = asyncio.Event()
        self._is_over = False
        self._fault: Exception | None = None

    def __enter__(self) -> Self:
        self._hub.join(self, self._sources)
        return self

    def __exit__(self, *error: object) -> None:
        self._hub.leave(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> News:
        await asyncio.sleep(0)  # thousands may wait, and telling one need not wait for anything
        while not self._waiting and not self._is_over:
            self._has_news.clear()
            await self._has_news.wait()
        if self._fault:
            raise self._fault
        if self._is_over:
            raise StopAsyncIteration
        self.spared, self._replaced = self._replaced, 0
        return self._waiting.pop(next(iter(self._waiting)))

    def tell(self, event: LiveConferenceEvent) -> None:
        """Have it told an event, in the place of what waits of the same conference."""
        place = (event.conference.source_name, event.conference.vendor_id)
        earlier = self._waiting.get(place)
        if not isinstance(earlier, LiveConferenceEvent):
            self._put(place, event)
            return
        kind = TOGETHER[earlier.kind, event.kind]
        self._replaced += 1 if kind else 2
        if kind:
            self._put(place, msgspec.structs.replace(event, kind=kind))
        else:
            del self._waiting[place]

    def tell_outage(self, source: str, outage: VendorError | None) -> None:
        """Have it told how a source fails; None where that is over, so that nobody need be told any more."""
        if outage:
            self._put((source, ""), outage)
        else:
            self._waiting.pop((source, ""), None)

    def end(self, fault: Exception | None = None) -> None:
        """Tell it no more; a fault is raised."""
        self._is_over, self._fault = True, fault
        self._has_news.set()

    def _put(self, place: tuple[str, str], news: News) -> None:
        self._waiting[place] = news
        self._has_news.set()


class LiveHub:
    """Watches sources for subscribers: one loop each, from the first of them to the last."""

    def __init__(self) -> None:
        self._watches: dict[str, _Watch] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def subscribe(self, sources: Iterable[Source]) -> Subscription:
        """News of sources that list what is going on, from when its context is entered.

        What goes on already is told first, as STARTED, so that whoever keeps account has the whole list.
        """
        return Subscription(self, sources)

    def join(self, subscriber: Subscription, sources: Sequence[Source]) -> None:
        """Begin to tell a subscriber; of no sources there is nothing to tell."""
        if self._is_closed or not sources:
            subscriber.end()
            return
        for source in sources:
            watch = self._watches.get(source.name)
            if watch is None or watch.polling.done():  # by a fault, of which some of its subscribers have yet to learn
                watch = self._watches[source.name] = _Watch(source)
            watch.add(subscriber)

    def leave(self, subscriber: Subscription) -> None:
        """Tell a subscriber no more; a source that nobody wants to know of is not asked any more."""
        for name, watch in list(self._watches.items()):
            watch.subscribers.discard(subscriber)
            if not watch.subscribers:
                self._end(self._watches.pop(name))

    def close(self) -> None:
        """End every subscription, and those that come later at once."""
        self._is_closed = True
        for watch in self._watches.values():
            for subscriber in watch.subscribers:
                subscriber.end()
            self._end(watch)
        self._watches.clear()

    async def aclose(self) -> None:
        """Close, and wait until no source is asked any more."""
        self.close()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _end(self, watch: "_Watch") -> None:
        self._ending.add(watch.polling)
        watch.polling.add_done_callback(self._ending.discard)
        watch.polling.cancel()


class _Sighting(NamedTuple):
    """A conference as a poll saw it, and when that poll began."""

    conference: Conference
    at: datetime


class _Watch:
    """One source, polled for its subscribers.

    Attributes:
        subscribers: Who is told.
        polling: The loop.
    """

    def __init__(self, source: Source) -> None:
        self.subscribers: set[Subscription] = set()
        self._source = source
        self._live: dict[str, _Sighting] = {}
        self._failures = 0
        self._outage: bytes | None = None
        # In a context of its own: it belongs to no request, has no part in its deadline and is not charged to it.
        self.polling = asyncio.create_task(self._run(), context=Context())

    def add(self, subscriber: Subscription) -> None:
        """Tell one more, and first of all what is going on."""
        self.subscribers.add(subscriber)
        for sighting in self._live.values():
            subscriber.tell(_event(STARTED, sighting))
        self._tell_outage(subscriber)

    async def _run(self) -> None:
        pause_s = LEAST_S
        while True:
            try:
                has_news = await self._poll()
            except VendorError as error:
                pause_s = self._fail(error)
            except Exception as fault:  # noqa: BLE001 - whatever it is: nobody must wait for ever for what never comes
                log.error("live list not understood", source=self._source.name, **told_of(fault))
                for subscriber in self.subscribers:
                    subscriber.end(fault)
                return
            else:
                self._recover()
                pause_s = LEAST_S if has_news else min(MOST_S, SLOWER * pause_s)
            await clock.sleep(pause_s)

    # ---- a poll ---------------------------------------------------------------------------------

    async def _poll(self) -> bool:
        """Read the list and tell what differs from the one before; whether anything does."""
        start_deadline(self._source.settings.timeout_s)
        at = clock.now()
        rows = await self._source.adapter.list_live(Extras())
        seen = {row.vendor_id: _Sighting(row, at) for row in rows}
        gone = [it for name, it in self._live.items() if name not in seen]
        ended: list[_Sighting] = []
        if Rows.missing_from(rows):  # they may be among those
            seen |= {it.conference.vendor_id: it for it in gone}
        elif gone:
            found = await self._look_up([it.conference for it in gone])
            for last, now in ((it.conference, found.get(it.conference.vendor_id)) for it in gone):
                sighting = _Sighting(_completed(now, last) if now else last, at)
                if now and now.state is ConferenceState.LIVE:
                    seen[now.vendor_id] = sighting
                else:
                    ended.append(sighting)
        return self._tell(seen, ended)

    async def _look_up(self, gone: Sequence[Conference]) -> Mapping[str, Conference]:
        """What the vendor says of conferences that it does not list any more, where it can and they are not very many.

        How they ended, mostly; or that they have not.
        """
        adapter = self._source.adapter
        if len(gone) > adapter.chosen_at_once:
            return {}
        try:
            found = await adapter.get_conferences([row.vendor_id for row in gone], Extras())
        except VendorError:
            return {}
        return {row.vendor_id: row for row in found if isinstance(row, Conference)}

    def _tell(self, seen: dict[str, _Sighting], ended: Iterable[_Sighting]) -> bool:
        """Tell all how what is going on differs from before; whether it does."""
        events = [_event(ENDED, sighting) for sighting in ended]
        for name, sighting in seen.items():
            before = self._live.get(name)
            if before is None:
                events.append(_event(STARTED, sighting))
            elif self._differs(before.conference, sighting.conference):
                events.append(_event(CHANGED, sighting))
        self._live = seen
        for subscriber in self.subscribers:
            for event in events:
                subscriber.tell(event)
        return bool(events)

    def _differs(self, before: Conference, now: Conference) -> bool:
        """Whether anything of a conference is another than before, but for what grows by itself."""
        return before != now and self._at_rest(before) != self._at_rest(now)

    def _at_rest(self, conference: Conference) -> Conference:
        grows = dict.fromkeys(self._source.adapter.grows)
        return msgspec.structs.replace(
            conference, vendor_fields=msgspec.structs.replace(conference.vendor_fields, **grows)
        )

    # ---- a poll that failed ---------------------------------------------------------------------

    def _fail(self, error: VendorError) -> float:
        """Tell of an outage, once; how long to leave the source alone."""
        self._failures += 1
        if self._outage is None:
            self._outage = ERRORS.encode(error)  # an error itself holds on to all that was at hand when it came about
            for subscriber in self.subscribers:
                self._tell_outage(subscriber)
        pause_s = LEAST_S * 2.0 ** min(self._failures, 10)
        return min(MOST_AFTER_FAILURES_S, max(pause_s, error.retry_after_s or 0.0))

    def _recover(self) -> None:
        self._failures, self._outage = 0, None
        for subscriber in self.subscribers:
            self._tell_outage(subscriber)

    def _tell_outage(self, subscriber: Subscription) -> None:
        outage = None if self._outage is None else ERRORS.decode(self._outage)
        subscriber.tell_outage(self._source.name, outage)


def _event(kind: LiveConferenceEventKind, sighting: _Sighting) -> LiveConferenceEvent:
    return LiveConferenceEvent(kind=kind, conference=sighting.conference, at=sighting.at)


def _completed(now: Conference, last: Conference) -> Conference:
    """A conference that was looked up, with what only the list told of it."""
    return msgspec.structs.replace(
        now, **{name: value for name, value in msgspec.structs.asdict(last).items() if getattr(now, name) is None}
    )
