"""A page, as the schema serves it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import msgspec

from graph.paging.cursor import Key
from graph.paging.merge import Spot
from graph.records import SourceResult, SourceResultStatus

R = TypeVar("R")
T = TypeVar("T")


class Once(Generic[T]):
    """A question that is asked at most once, and by one caller at a time."""

    __slots__ = ("_answer", "_ask", "_lock")

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._answer: T | None = None
        self._ask = ask
        self._lock = asyncio.Lock()

    @property
    def known(self) -> T | None:
        """The answer; None where it is not known yet."""
        return self._answer

    async def get(self) -> T:
        """The answer."""
        known = self.known
        if known is not None:
            return known
        async with self._lock:
            if self._answer is None:
                self._answer = await self._ask()
        return self._answer


class Known(Once[T]):
    """A question that need not be asked: its answer is known."""

    __slots__ = ()

    def __init__(self, answer: T) -> None:
        self._answer = answer


class AtHand(Once[T]):
    """A question that need not be asked: its answer is worked out of what is at hand, when it is first wanted."""

    __slots__ = ("_work_out",)

    def __init__(self, work_out: Callable[[], T]) -> None:
        self._answer = None
        self._work_out = work_out

    @property
    def known(self) -> T:
        """The answer."""
        if self._answer is None:
            self._answer = self._work_out()
        return self._answer


class Edge(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """A row and its cursor, which is made when it is read.

    Attributes:
        node: The row.
        place: What its cursor is made of.
        write: Makes its text.
    """

    node: R
    place: Key | Spot
    write: Callable[[Any], str]

    @property
    def cursor(self) -> str:
        """The row's place in the list."""
        return self.write(self.place)


Counts = Mapping[str, int | None]


class Page(Generic[R]):
    """A page of a merged list.

    Args:
        edges: See below.
        results: See below.
        is_forward: Whether it was read forward.
        has_more: Whether rows follow, seen in the way it was read.
        has_behind: Whether rows lie behind its start, seen likewise; asked only when somebody wants to know.
        counts: Every source's rows in the range; likewise.
        reached: The cursor at the place where a page ends that came short.
        left_out: See below.

    Attributes:
        edges: The rows with their cursors, in the order of the list.
        results: What each source contributed, by name.
        left_out: Rows are missing though their source answered.
    """

    def __init__(
        self,
        edges: Sequence[Edge[R]],
        results: Mapping[str, SourceResult],
        *,
        is_forward: bool,
        has_more: bool,
        has_behind: Once[bool],
        counts: Once[Counts],
        reached: str | None = None,
        left_out: bool = False,
    ) -> None:
        self.edges = edges
        self.results = results
        self._is_forward = is_forward
        self._has_more = has_more
        self._has_behind = has_behind
        self._counts = counts
        self._reached = reached
        self.left_out = left_out

    @property
    def nodes(self) -> Sequence[R]:
        """The rows alone."""
        return [edge.node for edge in self.edges]

    @property
    def start_cursor(self) -> str | None:
        """Where to read on backward; a page that came short going backward ends at the place it reached."""
        if self._reached and not (self._is_forward and self.edges):
            return self._reached
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """Where to read on forward; a page that came short going forward ends at the place it reached."""
        if self._reached and (self._is_forward or not self.edges):
            return self._reached
        return self.edges[-1].cursor if self.edges else None

    def replace_nodes(self, change: Callable[[R], R]) -> None:
        """Give every row another form, such as one with more of it filled in, before the page is served."""
        self.edges = [msgspec.structs.replace(edge, node=change(edge.node)) for edge in self.edges]

    @property
    def complete(self) -> bool:
        """False when a source failed or rows had to be left out."""
        return not self.left_out and all(
            result.status is not SourceResultStatus.FAILED for result in self.results.values()
        )

    async def has_next_page(self) -> bool:
        """Whether rows follow, or a source still owes some."""
        return self._has_more if self._is_forward else await self._has_behind.get()

    async def has_previous_page(self) -> bool:
        """Whether rows come before, or a source still owes some."""
        return await self._has_behind.get() if self._is_forward else self._has_more

    async def total_counts(self) -> Counts:
        """How many rows of the range each source has; None where that is not known or would cost too much."""
        return await self._counts.get()

    async def total_count(self) -> int | None:
        """How many rows the whole list has: exact, or None."""
        return self._sum(await self.total_counts()) if self.complete else None

    # ---- what is known without asking -----------------------------------------------------------

    async def find_out(self, *, previous: bool, next_: bool, total: bool) -> None:
        """Ask now what will be asked of the page, so that it is known then. What fails is asked again then."""
        questions: list[Once[Any]] = []
        if self._has_behind.known is None and (previous if self._is_forward else next_):
            questions.append(self._has_behind)
        if total and self.complete and self._counts.known is None:
            questions.append(self._counts)
        if len(questions) == 1:
            with suppress(Exception):
                await questions[0].get()
        elif questions:
            await asyncio.gather(*(question.get() for question in questions), return_exceptions=True)

    @property
    def known_next(self) -> bool | None:
        """What `has_next_page` says, where it is known."""
        return self._has_more if self._is_forward else self._has_behind.known

    @property
    def known_previous(self) -> bool | None:
        """What `has_previous_page` says, where it is known."""
        return self._has_behind.known if self._is_forward else self._has_more

    @property
    def known_total(self) -> tuple[int | None] | None:
        """What `total_count` says, where it is known."""
        if not self.complete:
            return (None,)
        return None if self._counts.known is None else (self._sum(self._counts.known),)

    def _sum(self, counts: Counts) -> int | None:
        total = 0
        for source, result in self.results.items():
            if result.status is SourceResultStatus.UNSUPPORTED:
                continue
            count = counts.get(source)
            if count is None:
                return None
            total += count
        return total
