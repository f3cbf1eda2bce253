"""What is going on right now, in numbers."""

from datetime import datetime

import strawberry

from graph.schema.source import Source, SourceResult, joined, results_of, source_field


@strawberry.type(description="One source's share of what is going on.")
class SourceLive:
    """One source's share."""

    source: Source = source_field("The source.")
    conference_count: int | None = strawberry.field(description="Conferences; null where it counts none.")
    member_count: int | None = strawberry.field(description="People, or calls where it counts only those.")


@strawberry.type(description="What is going on right now, over all sources that tell.")
class LiveSummary:
    """What is going on."""

    conference_count: int | None = strawberry.field(
        description="Conferences of the sources that count them, of whatever state; null when none does. Lists have "
        "only those that are LIVE, and not every source that lists them counts them."
    )
    member_count: int | None = strawberry.field(description="People of the sources that count them.")
    by_source: list[SourceLive] = strawberry.field(description="Each source's share, by name.")
    sources: list[SourceResult] = joined(results_of, "What each source contributed, by name.")
    complete: bool = strawberry.field(description="False when a source failed.")
    as_of: datetime = strawberry.field(description="When the oldest part of it was read.")
