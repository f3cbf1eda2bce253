"""Lists of which each source is read whole: rooms, media resources, regions and groups.

What was read serves the pages that follow, and whoever asks for the same list at about the same time, as live lists do.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from graph.cache.codec import Codec
from graph.cache.store import WindowStore
from graph.context import Context
from graph.fleet import Source
from graph.paging import Listing, SnapshotFeed
from graph.paging.rows import Rows
from graph.paging.shelf import SETTLED_TTL_S, YOUNG_TTL_S
from graph.paging.windows import Window
from graph.records import Capability
from graph.schema.scalars import TimeRange
from graph.schema.storage import store_key

Row = TypeVar("Row")
Fact = TypeVar("Fact")


def whole_listing(
    context: Context,
    sources: Sequence[str] | None,
    capability: Capability,
    read: Callable[[Source], Awaitable[Sequence[Row]]],
    *,
    identity: Callable[[Row], str],
    key: Callable[[Row], tuple[int | str, ...]],
    scope: str,
    codec: Codec[Any],
    kept_as: Sequence[object],
    window: Window,
    carries_window: bool = False,
    keep: Callable[[Row], bool] = lambda _: True,
) -> Listing[Row]:
    """A list of which each source is read whole.

    Args:
        context: Of the request.
        sources: Only these; None is all.
        capability: What a source must be able to do.
        read: Every row of one source.
        identity: What a row is known by in its source.
        key: Its sort key.
        scope: What cursors are bound to.
        codec: How rows are written for other processes.
        kept_as: What tells apart, besides source and range, what is read.
        window: The range.
        carries_window: Whether the range was a default.
        keep: The filter that is applied here.
    """
    chosen = context.fleet.select(sources)
    able = [source for source in chosen if capability in source.capabilities]

    def feed(source: Source) -> SnapshotFeed[Row]:
        async def rows() -> Sequence[Row]:
            return () if window.is_empty else await read(source)

        return SnapshotFeed(
            source.name,
            rows,
            identity=identity,
            keep=keep,
            is_settled=source.has_settled(window.end),
            store_key=_key(source, kept_as, window),
            codec=codec,
        )

    return Listing(
        [feed(source) for source in able],
        key=key,
        scope=scope,
        window=window,
        carries_window=carries_window,
        store=context.store,
        unsupported=[source.name for source in chosen if source not in able],
    )


def scope_of(field: str, *arguments: TimeRange | list[str] | str | None) -> str:
    """What cursors of such a list are bound to: its field, and what narrows it."""
    return json.dumps([field, *map(_plain, arguments)])


def _plain(argument: TimeRange | list[str] | str | None) -> object:
    if isinstance(argument, TimeRange):
        return argument.from_.isoformat(), argument.to.isoformat()
    return sorted(set(argument)) if isinstance(argument, list) else argument


def _key(source: Source, kept_as: Sequence[object], window: Window) -> str:
    return store_key(source, *kept_as, window.start.isoformat(), window.end.isoformat())


@dataclass(frozen=True)
class Beside(Generic[Fact]):
    """What reports tell beside their rows, kept along with those.

    Attributes:
        store: Where it is kept.
        codec: How it is written for other processes.
        kept_as: As `whole_listing` has it.
        window: The range.
    """

    store: WindowStore
    codec: Codec[Fact]
    kept_as: Sequence[object]
    window: Window

    async def keep(self, source: Source, rows: Rows[Any], told: Fact) -> None:
        """Keep what was told with some rows as long as those."""
        if rows.read_at:
            fresh_s = SETTLED_TTL_S if source.has_settled(self.window.end) else YOUNG_TTL_S
            await self.store.remember(self._name(source, rows.read_at), told, fresh_s, self.codec, may_get_stale=True)

    async def of(self, source: Source, read_at: datetime | None) -> Fact | None:
        """What was told with the rows that were read at an instant, where it is kept."""
        if read_at is None:
            return None
        return await self.store.recall(self._name(source, read_at), self.codec, may_be_stale=True)

    def _name(self, source: Source, read_at: datetime) -> str:
        return f"{_key(source, self.kept_as, self.window)}\nbeside\n{read_at.isoformat()}"
