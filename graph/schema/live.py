"""What is going on right now, in numbers."""

from datetime import datetime

import strawberry

from graph import fleet, statistics
from graph.cache.codec import LIVE_COUNTS
from graph.records import Capability
from graph.reports import merge_live
from graph.schema.source import (
    Info,
    Source,
    SourceNames,
    SourceResult,
    joined,
    read_shared,
    results_of,
    source_field,
)


@strawberry.type(description="What is going on at one source right now.")
class SourceLive:
    """One source's share."""

    source: Source = source_field("The source whose counts these are.")
    conference_count: int | None = strawberry.field(description="Conferences; null where it counts none.")
    member_count: int | None = strawberry.field(description="People, or calls where it counts only those.")


@strawberry.type(description="What is going on right now, over all sources that tell.")
class LiveSummary:
    """What is going on."""

    conference_count: int | None = strawberry.field(
        description="Conferences of the sources that count them, of whatever state; null when none does. Lists have "
        "only those that are LIVE, and not every source that lists them counts them."
    )
    member_count: int | None = strawberry.field(
        description="People, and calls where a source counts only those (HexMeet); see `bySource`."
    )
    by_source: list[SourceLive] = strawberry.field(description="Each source's share, by name.")
    sources: list[SourceResult] = joined(results_of, "What each source contributed, by name.")
    complete: bool = strawberry.field(description="False when a source failed.")
    as_of: datetime = strawberry.field(description="When the oldest part of it was read.")


async def find_live(info: Info, sources: SourceNames = None) -> statistics.LiveSummary:
    """Resolve `Query.live`."""

    async def read(source: fleet.Source) -> statistics.LiveCounts:
        return await read_shared(source, "live", source.adapter.read_live, LIVE_COUNTS)

    return merge_live(await info.context.fleet.gather(sources, Capability.LIVE_SUMMARY, read))
