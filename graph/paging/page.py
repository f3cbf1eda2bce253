"""A page, as the schema serves it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from graph.paging.cursor import Cursor
from graph.paging.merge import Spot
from graph.records import SourceResult, SourceResultStatus

R = TypeVar("R")
T = TypeVar("T")


class Once(Generic[T]):
    """A question that is asked at most once, and by one caller at a time."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()
        self._answer: list[T] = []

    async def get(self) -> T:
        """The answer."""
        async with self._lock:
            if not self._answer:
                self._answer.append(await self._ask())
            return self._answer[0]


class Edge(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """A row and its cursor, which is made when it is read.

    Attributes:
        node: The row.
        spot: What its cursor is made of.
        write: Makes its text.
    """

    node: R
    spot: Spot
    write: Callable[[Cursor], str]

    @property
    def cursor(self) -> str:
        """The row's place in the list."""
        return self.write(self.spot.cursor())


@dataclass(frozen=True)
class Behind:
    """What is asked about the rest of the list, only when somebody wants to know.

    Attributes:
        has_rows: Whether rows lie behind the start of the page, seen in the way it was read.
        counts: Every source's rows in the range.
    """

    has_rows: Once[bool]
    counts: Once[Mapping[str, int | None]]


class Page(Generic[R]):
    """A page of a merged list.

    Attributes:
        edges: The rows with their cursors, in the order of the list.
        results: What each source contributed, by name.
        left_out: Rows are missing though their source answered.
    """

    def __init__(
        self,
        edges: Sequence[Edge[R]],
        results: Mapping[str, SourceResult],
        behind: Behind,
        *,
        is_forward: bool,
        has_more: bool,
        reached: str | None = None,
        left_out: bool = False,
    ) -> None:
        self.edges = edges
        self.results = results
        self._behind = behind
        self._is_forward = is_forward
        self._has_more = has_more
        self._reached = reached
        self.left_out = left_out

    @cached_property
    def nodes(self) -> Sequence[R]:
        """The rows alone."""
        return [edge.node for edge in self.edges]

    @cached_property
    def start_cursor(self) -> str | None:
        """Where to read on backward; a page that came short going backward ends at the place it reached."""
        if self._reached and not (self._is_forward and self.edges):
            return self._reached
        return self.edges[0].cursor if self.edges else None

    @cached_property
    def end_cursor(self) -> str | None:
        """Where to read on forward; a page that came short going forward ends at the place it reached."""
        if self._reached and (self._is_forward or not self.edges):
            return self._reached
        return self.edges[-1].cursor if self.edges else None

    def replace_nodes(self, change: Callable[[R], R]) -> None:
        """Give every row another form, such as one with more of it filled in, before the page is served."""
        self.edges = [msgspec.structs.replace(edge, node=change(edge.node)) for edge in self.edges]
        self.__dict__.pop("nodes", None)

    @property
    def complete(self) -> bool:
        """False when a source failed or rows had to be left out."""
        return not self.left_out and all(
            result.status is not SourceResultStatus.FAILED for result in self.results.values()
        )

    async def has_next_page(self) -> bool:
        """Whether rows follow, or a source still owes some."""
        return self._has_more if self._is_forward else await self._behind.has_rows.get()

    async def has_previous_page(self) -> bool:
        """Whether rows come before, or a source still owes some."""
        return await self._behind.has_rows.get() if self._is_forward else self._has_more

    async def total_counts(self) -> Mapping[str, int | None]:
        """How many rows of the range each source has; None where that is not known or would cost too much."""
        return await self._behind.counts.get()

    async def total_count(self) -> int | None:
        """How many rows the whole list has: exact, or None."""
        if not self.complete:
            return None
        counts = await self.total_counts()
        total = 0
        for source, result in self.results.items():
            if result.status is SourceResultStatus.UNSUPPORTED:
                continue
            count = counts.get(source)
            if count is None:
                return None
            total += count
        return total
