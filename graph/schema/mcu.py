"""Media resources, and the list of them: how busy they were, and the calls they carried."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from graph import fleet, records, statistics
from graph.cache.codec import MCU_RESOURCES
from graph.loaders import McuReportsKey
from graph.paging import Page, PageArgs
from graph.paging.rows import Rows
from graph.reports import utilization
from graph.schema.connection import After, Before, Connection, First, Last, found_out
from graph.schema.lists import mcu_call_listing
from graph.schema.node import Node
from graph.schema.scalars import TimeRange
from graph.schema.source import Info, Source, joined, source_field
from graph.schema.weights import PAGE, dearest, narrowed
from graph.schema.whole_lists import scope_of, whole_listing

if TYPE_CHECKING:
    from graph.schema.call import Call


@strawberry.type(description="A gauge's samples over a day, in ports.")
class Gauge:
    """A gauge's samples."""

    samples: int = strawberry.field(description="How many samples there are.")
    min: float | None = strawberry.field(description="The lowest sample.")
    max: float | None = strawberry.field(description="The highest sample: the day's peak.")
    average: float | None = strawberry.field(description="The mean of the samples.")


@strawberry.type(description="One day of a media resource.")
class McuDay:
    """One day."""

    date: dt.date = strawberry.field(description="The day, in the source's time zone.")
    audio_used: Gauge | None = strawberry.field(description="Audio ports in use.")
    audio_ports: Gauge | None = strawberry.field(description="Audio ports there are.")
    video_used: Gauge | None = strawberry.field(description="Video ports in use.")
    video_ports: Gauge | None = strawberry.field(description="Video ports there are.")


@strawberry.type(description="How busy a media resource was.")
class McuUtilization:
    """How busy a resource was."""

    days: list[McuDay] = strawberry.field(description="Its days, in order.")
    peak_video_used: int | None = strawberry.field(description="The most video ports in use on any day.")
    peak_audio_used: int | None = strawberry.field(description="The most audio ports in use on any day.")
    peak_ratio: float | None = strawberry.field(description="The highest share of its ports in use on any day, 0 to 1.")
    vendor_video_used: int | None = strawberry.field(
        description="The vendor's own figure of video ports over the range; it does not say what it means."
    )


async def _utilization(
    root: records.McuResource,
    info: Info,
    during: Annotated[TimeRange, strawberry.argument(description="Which days to tell; cut to whole days.")],
) -> statistics.McuUtilization | None:
    kinds = [root.kind] if root.kind else list(records.McuKind)
    loader = info.context.loaders.mcu_reports
    window = during.window()
    reports = await asyncio.gather(*(loader.get(McuReportsKey(root.source_name, kind, window)) for kind in kinds))
    found = (report for found in reports for report in found if report.resource.name == root.name)
    report = next(found, None)
    if report is None and (missing := sum(map(Rows.missing_from, reports))):
        raise info.context.fleet.sources[root.source_name].adapter.incomplete("utilization", missing)
    return utilization(report) if report else None


async def _calls(
    root: records.McuResource,
    info: Info,
    *,
    during: Annotated[
        TimeRange | None, strawberry.argument(description="When they started. Default: the 24 hours before now.")
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.Call]:
    args = PageArgs.parse(first, after, last, before)
    listing = mcu_call_listing(info.context, root, during.window() if during else None, args)
    return await found_out(await listing.page(args), info)


@strawberry.federation.type(
    keys=["id", "sourceName name"], description="A media node: a media resource unit or a gateway."
)
class McuResource(Node):
    """A media node."""

    source: Source = source_field("Where it was reported.")
    source_name: str = strawberry.field(description="The source's name.")
    name: str = strawberry.field(description="Its name.")
    kind: records.McuKind | None = strawberry.field(description="Null when the resource is only known from calls.")
    utilization: McuUtilization | None = joined(
        _utilization, "How busy it was; null where the vendor has no figures of it.", dearest("mcu_list")
    )
    calls: Connection[Annotated["Call", strawberry.lazy("graph.schema.call")]] = joined(
        _calls, "The calls it carried, latest first.", narrowed(records.Capability.LIST_CALLS), PAGE
    )

    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:  # noqa: ARG003 - Strawberry's signature
        """Whether a record is described by this type."""
        return isinstance(obj, records.McuResource)


@strawberry.input(description="What a list of media resources is narrowed to.")
class McuResourceFilter:
    """What a list of media resources is narrowed to."""

    during: TimeRange = strawberry.field(description="When they were used.")
    sources: list[str] | None = strawberry.field(default=None, description="Only these sources; null is all of them.")
    kind: records.McuKind | None = strawberry.field(default=None, description="Null means both kinds.")


async def find_mcu_resources(
    info: Info,
    *,
    filter: Annotated[  # noqa: A002 - the contract's name
        McuResourceFilter, strawberry.argument(description="What the list is narrowed to.")
    ],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Page[records.McuResource]:
    """Resolve `Query.mcuResources`."""
    args = PageArgs.parse(first, after, last, before)
    window = filter.during.window()
    kinds = [filter.kind] if filter.kind else list(records.McuKind)
    loader = info.context.loaders.mcu_reports

    async def read(source: fleet.Source) -> Sequence[records.McuResource]:
        keys = [McuReportsKey(source.name, kind, window) for kind in kinds]
        reports = await asyncio.gather(*(loader.get(key) for key in keys))
        missing = sum(map(Rows.missing_from, reports))
        read_at = min((at for at in map(loader.read_at, keys) if at), default=None)
        return Rows.of((report.resource for found in reports for report in found), missing, read_at)

    kind = filter.kind.value if filter.kind else None
    listing = whole_listing(
        info.context,
        filter.sources,
        records.Capability.LIST_MCU_RESOURCES,
        read,
        identity=lambda resource: resource.name,
        key=lambda resource: (resource.source_name, resource.name),
        scope=scope_of("mcuResources", filter.during, filter.sources, kind),
        codec=MCU_RESOURCES,
        kept_as=("mcuResources", kind),
        window=window,
    )
    return await found_out(await listing.page(args), info)
