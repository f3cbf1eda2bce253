"""Vendors made of a list in memory, which count what they are asked, and walks over them page by page."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from graph.cache.store import WindowStore
from graph.errors import VendorTimeoutError, VendorUnavailableError
from graph.paging import Listing, Page, PageArgs, RangedFeed
from graph.paging.rows import Slice
from graph.paging.windows import Grid, Window, to_micros

DAWN = datetime(2026, 9, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Row(NamedTuple):
    """A row of a list; `lasts` is there for vendors whose filter goes by the end."""

    at: datetime
    source: str
    id: str
    lasts: timedelta = timedelta(0)


def seeded(seed: int) -> Random:
    """Chance that repeats."""
    return Random(seed)  # noqa: S311 - a made-up world is no secret


def key(row: Row) -> tuple[int | str, ...]:
    return to_micros(row.at), row.source, row.id


@dataclass(repr=False)
class Vendor:
    """One source: `requests` counts list requests, `counts` the cheap ones."""

    source: str
    rows: list[Row]
    page_size: int = 100
    is_stateless: bool = True
    grid: Grid = field(default_factory=Grid)
    is_end_inclusive: bool = False
    filters_by_end: bool = False
    repeats_rows: bool = False
    has_days: bool = False
    has_count: bool = False
    is_down: bool = False
    settle: timedelta = timedelta(hours=50)
    requests: int = 0
    counts: int = 0
    timeouts: int = 0
    before_page: Callable[[], None] = lambda: None
    _scrolls: dict[int, list[Row]] = field(default_factory=dict)
    _ids: Any = field(default_factory=count)

    def feed(self, **options: Any) -> RangedFeed[Row]:
        return RangedFeed(
            source=self.source,
            read=self.read,
            time=lambda row: row.at,
            identity=lambda row: row.id,
            grid=self.grid,
            page_size=self.page_size,
            has_stateless_pages=self.is_stateless,
            count=self.count if self.has_count else None,
            count_per_day=self.count_per_day if self.has_days else None,
            settle=self.settle,
            overlap=timedelta(hours=25) if self.filters_by_end else timedelta(0),
            **{"store_key": self.source, **options},
        )

    def _matches(self, window: Window) -> list[Row]:
        start, end = window
        if self.filters_by_end:
            end += timedelta(hours=25)
        found = [
            row
            for row in self.rows
            for at in (row.at + row.lasts if self.filters_by_end else row.at,)
            if start <= at < end or (self.is_end_inclusive and at == end)
        ]
        found.sort(key=lambda row: crc32(row.id.encode()))  # no useful order
        return [row for row in found for _ in range(1 + (self.repeats_rows and len(row.id) % 2))]

    async def read(self, window: Window, token: object | None) -> Slice[Row]:
        assert window.width <= self.grid.widest
        self.requests += 1
        await asyncio.sleep(0)
        self.before_page()
        if self.is_down:
            raise VendorUnavailableError("Down.", source=self.source, endpoint="list")
        if token is not None and self.timeouts:
            self.timeouts -= 1
            raise VendorTimeoutError("Too slow.", source=self.source, endpoint="list")
        rest: object
        if self.is_stateless:
            matches, number = self._matches(window), int(str(token or 0))
            rest = number + 1
        else:
            scroll, number = token if isinstance(token, tuple) else (next(self._ids), 0)
            matches = self._scrolls.setdefault(scroll, self._matches(window))
            rest = (scroll, number + 1)
        first, last = number * self.page_size, (number + 1) * self.page_size
        has_more = last < len(matches)
        if not (self.is_stateless or has_more):
            del self._scrolls[scroll]
        return Slice(matches[first:last], len(matches), rest if has_more else None)

    async def count(self, window: Window) -> int | None:
        self.counts += 1
        await asyncio.sleep(0)
        return sum(row.at in window for row in self.rows)

    async def count_per_day(self, window: Window) -> Mapping[datetime, int] | None:
        self.counts += 1
        await asyncio.sleep(0)
        days: dict[datetime, int] = {}
        for row in self.rows:
            if row.at in window:
                day = DAWN + (row.at - DAWN) // DAY * DAY
                days[day] = days.get(day, 0) + 1
        return days


@dataclass(repr=False)
class World:
    """Several vendors as one list."""

    vendors: Sequence[Vendor]
    window: Window
    descending: bool = True
    store: WindowStore | None = None
    budget: int = 10
    options: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "list"

    def __repr__(self) -> str:
        return f"<World of {[len(vendor.rows) for vendor in self.vendors]} rows>"

    def listing(self) -> Listing[Row]:
        return Listing(
            [vendor.feed(**self.options) for vendor in self.vendors],
            key=key,
            scope=self.scope,
            descending=self.descending,
            window=self.window,
            budget=self.budget,
            store=self.store,
        )

    def truth(self) -> list[Row]:
        keep = self.options.get("keep", lambda _row: True)
        rows = {row for vendor in self.vendors for row in vendor.rows if row.at in self.window and keep(row)}
        return sorted(rows, key=key, reverse=self.descending)

    async def first(self, size: int, after: str | None = None) -> Page[Row]:
        return await self.listing().page(PageArgs.parse(size, after, None, None))

    async def last(self, size: int, before: str | None = None) -> Page[Row]:
        return await self.listing().page(PageArgs.parse(None, None, size, before))

    async def walk(
        self, size: int, *, is_forward: bool = True, between: Callable[[Page[Row]], None] = lambda _page: None
    ) -> list[Page[Row]]:
        """All pages to the end, in the order they were asked for."""
        pages: list[Page[Row]] = []
        cursor = None
        while True:
            page = await (self.first if is_forward else self.last)(size, cursor)
            pages.append(page)
            if not await (page.has_next_page if is_forward else page.has_previous_page)():
                return pages
            assert len(pages) < 5000, "the walk does not end"
            cursor = page.end_cursor if is_forward else page.start_cursor
            assert cursor is not None
            assert len(cursor) < 512
            between(page)


def rows_of(pages: Sequence[Page[Row]], *, is_forward: bool = True) -> list[Row]:
    """The rows of a walk in the order of the list."""
    return [row for page in (pages if is_forward else reversed(pages)) for row in page.nodes]
