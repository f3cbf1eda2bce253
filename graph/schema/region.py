"""Counts per region."""

from datetime import timedelta
from typing import Annotated

import strawberry

from graph import records
from graph.cache.codec import REGION_COUNTS
from graph.paging import Page, PageArgs, resolve_window
from graph.schema.connection import After, Before, First, Last, found_out
from graph.schema.lists import DEFAULT_RANGE
from graph.schema.scalars import TimeRange
from graph.schema.source import Info, Source, SourceNames, source_field
from graph.schema.whole_lists import scope_of, whole_listing

# The vendor's advice: what goes on now is counted with some delay.
LIVE_LAG = timedelta(minutes=10)
LIVE_SPAN = timedelta(minutes=5)


@strawberry.type(description="How many calls or registered devices a region has.")
class RegionCount:
    """One region's count."""

    source: Source = source_field("The source.")
    source_name: str = strawberry.field(description="The source's name.")
    region: str | None = strawberry.field(
        description="The vendor's word; null where the vendor does not know the place."
    )
    iso_code: str | None = strawberry.field(description="ISO 3166-2:CN, for maps; null where unknown.")
    count: int = strawberry.field(description="How many calls or registered devices, as `measure` says.")
    measure: records.RegionMeasure = strawberry.field(description="What is counted.")


async def find_region_counts(
    info: Info,
    *,
    measure: Annotated[records.RegionMeasure, strawberry.argument(description="What is counted.")],
    during: Annotated[
        TimeRange | None,
        strawberry.argument(
            description="When. Default: for what goes on, five minutes that ended ten minutes ago; for issued "
            "calls the last 24 hours."
        ),
    ] = None,
    sources: SourceNames = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.RegionCount]:
    """Resolve `Query.regionCounts`."""
    args = PageArgs.parse(first, after, last, before)
    scope = scope_of("regionCounts", measure.value, during, sources)
    is_live = measure is not records.RegionMeasure.ISSUED_CALLS
    window = resolve_window(
        args,
        scope,
        during.window() if during else None,
        LIVE_SPAN if is_live else DEFAULT_RANGE,
        lag=LIVE_LAG if is_live else timedelta(),
    )
    listing = whole_listing(
        info.context,
        sources,
        records.Capability.COUNT_REGIONS,
        lambda source: source.adapter.list_regions(measure, window),
        identity=lambda row: row.region or "",
        key=lambda row: (row.source_name, int(row.region is None), row.region or ""),
        scope=scope,
        codec=REGION_COUNTS,
        kept_as=("regionCounts", measure.value),
        window=window,
        carries_window=during is None,
    )
    return await found_out(await listing.page(args), info)
