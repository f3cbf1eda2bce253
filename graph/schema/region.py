"""Counts per region."""

import strawberry

from graph import records
from graph.schema.source import Source, source_field


@strawberry.type(description="How many calls or registered devices a region has.")
class RegionCount:
    """One region's count."""

    source: Source = source_field("The source.")
    source_name: str = strawberry.field(description="The source's name.")
    region: str | None = strawberry.field(
        description="The vendor's word; null where the vendor does not know the place."
    )
    iso_code: str | None = strawberry.field(description="ISO 3166-2:CN, for maps; null where unknown.")
    count: int = strawberry.field(description="How many.")
    measure: records.RegionMeasure = strawberry.field(description="What is counted.")
