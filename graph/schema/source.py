"""Sources, and what each contributed to a merged answer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import strawberry

from graph import clock, fleet, records, statistics
from graph.cache.codec import Codec
from graph.context import Context
from graph.errors import SourceErrorCode
from graph.execution import BATCH, SHORTCUT
from graph.freshness import note_now, note_read
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.schema.enums import Vendor

T = TypeVar("T")

Info = strawberry.Info[Context, None]
SourceNames = Annotated[
    list[str] | None, strawberry.argument(description="Only these sources, by name; null is all of them.")
]


def joined(
    resolver: Callable[..., object],
    description: str,
    *directives: object,
    shortcut: Callable[[Any, Context], object] | None = None,
    batch: Callable[..., Awaitable[Sequence[object]]] | None = None,
) -> Any:
    """A field whose resolver returns a record: the field's own type is the GraphQL type that describes it.

    Args:
        resolver: Of the field.
        description: Of the field.
        directives: Of the field.
        shortcut: The same at once, given the row and the context, where that is possible: see `graph.execution`.
        batch: The same for many rows at once: likewise.
    """
    metadata = {name: value for name, value in ((SHORTCUT, shortcut), (BATCH, batch)) if value}
    return strawberry.field(resolver=resolver, description=description, directives=directives, metadata=metadata)


def source_field(description: str) -> Any:
    """The source of any record that bears its name: every field `source`."""
    return joined(_source, description, shortcut=_source_at_once)


def _source(root: records.Room | records.SourceResult, info: Info) -> fleet.Source:
    return _source_at_once(root, info.context)


def _source_at_once(root: records.Room | records.SourceResult, context: Context) -> fleet.Source:
    return context.fleet.sources[root.source_name]


@strawberry.type(
    description="Why rows of a source are missing or old, as data: it survives a gateway that hides errors."
)
class SourceError:
    """A vendor's failure as data."""

    code: SourceErrorCode = strawberry.field(description="What kind of failure it was.")
    message: str = strawberry.field(description="What went wrong, in words; it begins with the source's name.")
    retry_after_seconds: float | None = strawberry.field(
        description="In how many seconds to ask again, where that is known."
    )
    vendor_code: str | None = strawberry.field(description="The vendor's own code as text, such as 512 or 100-007.")
    vendor_request_id: str | None = strawberry.field(description="The vendor's request id; null where it sends none.")


@strawberry.type(description="How a source fared lately, as seen by the process that answers.")
class SourceHealth:
    """How a source fared lately."""

    state: records.SourceState = strawberry.field(description="Whether the source answers.")
    last_success_at: datetime | None = strawberry.field(description="When it last gave a good answer.")
    last_error: SourceError | None = strawberry.field(description="How it last failed.")


def _vendor(root: fleet.Source) -> Vendor:
    return Vendor(root.spec.name)


def _capabilities(root: fleet.Source) -> list[records.Capability]:
    return [capability for capability in records.Capability if capability in root.capabilities]


def _health(root: fleet.Source) -> records.SourceHealth:
    note_now(SNAPSHOT_TTL_S)
    return root.health()


@strawberry.type(description="One configured account at one vendor.")
class Source:
    """One configured account at one vendor."""

    name: str = strawberry.field(description="Its name in the configuration; part of every id.")
    vendor: Vendor = joined(_vendor, "The kind of vendor.", shortcut=lambda root, _: _vendor(root))
    capabilities: list[records.Capability] = joined(_capabilities, "What it can be asked for; the rest is UNSUPPORTED.")
    health: SourceHealth | None = joined(_health, "How it fared lately.")


@strawberry.type(
    description="What one source contributed to a merged answer. A source that failed is data here, so it survives a "
    "gateway that hides errors."
)
class SourceResult:
    """What one source contributed."""

    source: Source = source_field("The source that took part.")
    status: records.SourceResultStatus = strawberry.field(description="How it took part.")
    total_count: int | None = strawberry.field(description="Its rows in the whole list, where that is known.")
    as_of: datetime | None = strawberry.field(
        description="When the oldest part of it was read from the vendor; null when nothing was."
    )
    error: SourceError | None = strawberry.field(description="Why rows are missing or old; see `status`.")


def results_of(root: statistics.UsageReport | statistics.LiveSummary) -> list[records.SourceResult]:
    """What each source contributed to a merged report, by name; the resolver of its field `sources`."""
    return [root.results[name] for name in sorted(root.results)]


async def read_shared(
    source: fleet.Source,
    endpoint: str,
    read: Callable[[], Awaitable[T]],
    codec: Codec[tuple[T, datetime]],
    *,
    of: str = "",
    is_settled: bool = False,
) -> T:
    """Read of a source what all who ask within a moment get alike.

    Args:
        source: The source.
        endpoint: What it is asked for.
        read: Asks it.
        codec: How the answer, and when reading it began, are written for other processes.
        of: What tells apart, besides the endpoint, what is read.
        is_settled: Whether it hardly changes any more.
    """

    async def timed() -> tuple[T, datetime]:
        read_at = clock.now()
        return await read(), read_at

    found, read_at = await source.adapter.share(endpoint, timed, SNAPSHOT_TTL_S, of=of, codec=codec)
    note_read(read_at, SNAPSHOT_TTL_S, is_settled=is_settled)
    return found
