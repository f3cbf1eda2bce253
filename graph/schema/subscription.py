"""What can be subscribed to."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, cast

import strawberry
from strawberry.federation.schema_directives import Cost

from graph import records
from graph.context import Context
from graph.fleet import Source
from graph.live import News
from graph.records import Capability
from graph.schema.conference import Conference
from graph.schema.source import Info
from graph.transport.deadline import start_deadline
from graph.transport.meter import start_meter


@strawberry.type(description="A conference that began, changed or ended.")
class LiveConferenceEvent:
    """A conference that began, changed or ended."""

    kind: records.LiveConferenceEventKind = strawberry.field(description="Whether it began, changed or ended.")
    conference: Conference = strawberry.field(
        description="The conference as it is now; one that ended as the vendor tells of it then, else as last seen."
    )
    at: datetime = strawberry.field(description="When the poll was made that saw it.")


Watched = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Only these sources, by name, which must have the capability LIST_LIVE_CONFERENCES; null is all "
        "that have it."
    ),
]


def _live_conferences(info: Info, sources: Watched = None) -> AsyncGenerator[LiveConferenceEvent, None]:
    news: Any = _news_of(info.context, _watched(info.context, sources))  # records, which the type describes
    return cast("AsyncGenerator[LiveConferenceEvent, None]", news)


def _watched(context: Context, names: Sequence[str] | None) -> list[Source]:
    """The sources meant, all of which can list what is going on.

    Raises:
        UnknownSourceError: there is no source of that name.
        UnsupportedError: one that was named cannot, or none can.
    """
    able: list[Source] = []
    unable: list[Source] = []
    for source in context.fleet.select(names):
        (able if Capability.LIST_LIVE_CONFERENCES in source.capabilities else unable).append(source)
    if unable and (names is not None or not able):
        raise unable[0].adapter.unsupported("list of live conferences")
    return able


async def _news_of(context: Context, sources: Sequence[Source]) -> AsyncIterator[News]:
    """The news of sources, each answered as a request of its own: with its own loaders, time and cost."""
    try:
        with context.live.subscribe(sources) as subscription:
            async for news in subscription:
                context.renew()
                if subscription.spared:
                    context.told["spared"] = subscription.spared
                start_deadline(context.settings.server.request_timeout_s)
                start_meter()
                yield news
    finally:
        context.loaders.cancel()


@strawberry.type(description="What can be subscribed to.")
class Subscription:
    """What can be subscribed to."""

    live_conferences = strawberry.subscription(
        resolver=_live_conferences,
        description="Conferences that are LIVE as they begin, change and end, of the sources that can list them, from "
        "one poll loop per source whatever the number of subscribers. Those that are going on already are told first, "
        "each as STARTED. Of a source that fails an error tells, once until it answers again; the subscription goes "
        "on. Who reads slowly is told the newest of each conference, and in `extensions.spared` how many events were "
        "left out.",
        directives=[Cost(weight=0)],  # polls are nobody's; what an event's fields cost is theirs
    )
