"""One way to make every connection: these types describe `Page` and `Edge` of graph.paging, row by row nothing new.

`Connection[Conference]` is the GraphQL type ConferenceConnection, its edges are of type ConferenceEdge.
"""

from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
import strawberry

from graph.paging import Page
from graph.schema.enums import TimeOrder
from graph.schema.selection import Selection
from graph.schema.source import SourceResult, joined

Node = TypeVar("Node")
Row = TypeVar("Row")

First = Annotated[int | None, strawberry.argument(description="How many rows from the start; 0 to 1000, default 20.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page starts.")]
Last = Annotated[int | None, strawberry.argument(description="How many rows from the end; 0 to 1000.")]
Before = Annotated[str | None, strawberry.argument(description="The cursor before which the page ends.")]
Order = Annotated[TimeOrder | None, strawberry.argument(description="Latest or earliest first.")]

# The fields of rows that may take requests to vendors.
ASKED_BY_ROWS = frozenset(
    {"members", "memberCount", "calls", "conference", "conferences", "capacity", "usage", "utilization"}
)


async def _has_next_page(root: Page[Any]) -> bool:
    return await root.has_next_page()


async def _has_previous_page(root: Page[Any]) -> bool:
    return await root.has_previous_page()


async def _total_count(root: Page[Any]) -> int | None:
    return await root.total_count()


def _at_once(known: bool | None) -> object:
    return NotImplemented if known is None else known


def _total_at_once(root: Page[Any]) -> object:
    known = root.known_total
    return known[0] if known else NotImplemented


async def found_out(page: Page[Row], info: strawberry.Info) -> Page[Row]:
    """A page that knows what is selected of it beside its rows, so that all of it is told at once.

    Where its rows have something to ask for too, it is not asked yet: then all is asked at the same time.
    """
    selection = Selection.of(info)
    asked = selection.known.get(found_out)
    if asked is None:
        flags = selection.below("pageInfo")
        asked = flags.has("hasPreviousPage"), flags.has("hasNextPage"), selection.has("totalCount")
        selection.known[found_out] = asked = asked if ASKED_BY_ROWS.isdisjoint(selection.rows().names) else ()
    if asked:
        previous, next_, total = asked
        await page.find_out(previous=previous, next_=next_, total=total)
    return page


async def _sources(root: Page[Any], info: strawberry.Info) -> list[SourceResult]:
    results = [root.results[name] for name in sorted(root.results)]
    if Selection.of(info).has("totalCount"):
        counts = await root.total_counts()
        results = [msgspec.structs.replace(result, total_count=counts.get(result.source_name)) for result in results]
    return cast("list[SourceResult]", results)


@strawberry.federation.type(shareable=True, description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies."""

    has_next_page: bool = joined(
        _has_next_page,
        "Whether rows follow, or may still come from a source that owes some.",
        shortcut=lambda root, _: _at_once(root.known_next),
    )
    has_previous_page: bool = joined(
        _has_previous_page,
        "Whether rows come before.",
        shortcut=lambda root, _: _at_once(root.known_previous),
    )
    start_cursor: str | None = strawberry.field(description="Pass it as `before` to read on backward.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to read on forward.")


def _page_info(root: Page[Any]) -> PageInfo:
    return cast("PageInfo", root)


@strawberry.type(description="A row and its place in the list.")
class Edge(Generic[Node]):
    """A row and its place."""

    cursor: str = strawberry.field(description="The row's place: does not expire, and works with any page size.")
    node: Node = strawberry.field(description="The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    """A page."""

    edges: list[Edge[Node]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[Node] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = joined(_page_info, "How to read on.", shortcut=lambda root, _: root)
    total_count: int | None = joined(
        _total_count,
        "How many rows the whole list has: exact, or null where that is not known or would cost too much.",
        shortcut=lambda root, _: _total_at_once(root),
    )
    sources: list[SourceResult] = joined(_sources, "What each source contributed, by name.")
    complete: bool = strawberry.field(description="False when a source failed or rows had to be left out.")
