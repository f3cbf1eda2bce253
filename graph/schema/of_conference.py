"""What conferences have many of, their members and calls: of all rows of a list at once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from graph.context import Context
from graph.loaders import OfConferenceLoader
from graph.paging import Listing, Page, PageArgs, SnapshotFeed, page_at_hand
from graph.paging.cursor import Key
from graph.paging.rows import Rows
from graph.paging.windows import to_micros
from graph.records import Call, Capability, Conference, Member

R = TypeVar("R", Member, Call)
T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[R]):
    """One kind of what conferences have many of.

    Attributes:
        field: Of the conference; what came with it is in the attribute of that name.
        capability: Of sources that can be asked for it.
        loader: Asks for it.
        time: Of a row: they are sorted by it, those whose time is not known last.
    """

    field: str
    capability: Capability
    loader: Callable[[Context], OfConferenceLoader[tuple[R, ...]]]
    time: Callable[[R], datetime | None]

    def at_hand(self, conference: Conference) -> tuple[R, ...] | None:
        """What came with a conference."""
        rows: tuple[R, ...] | None = getattr(conference, self.field)
        return rows

    def can_be_read(self, context: Context, conference: Conference) -> bool:
        """Whether the conference's source can be asked for it."""
        return self.capability in context.fleet.sources[conference.source_name].capabilities

    def key(self, row: R) -> Key:
        """The sort key of a row."""
        time = self.time(row)
        return (1, 0, row.vendor_id) if time is None else (0, to_micros(time), row.vendor_id)

    def scope(self, conference: Conference) -> str:
        """What cursors are bound to."""
        return f"Conference.{self.field} {conference.id}"


MEMBERS: Part[Member] = Part(
    "members", Capability.LIST_MEMBERS, lambda context: context.loaders.conference_members, lambda row: row.joined_at
)
CALLS: Part[Call] = Part(
    "calls", Capability.LIST_CALLS, lambda context: context.loaders.conference_calls, lambda row: row.started_at
)


def only(found: Sequence[T | Exception]) -> T:
    """What was found where one was asked for, or what went wrong raised."""
    (value,) = found
    if isinstance(value, Exception):
        raise value
    return value


async def pages_of(
    part: Part[R], context: Context, conferences: Sequence[Conference], args: PageArgs
) -> Sequence[Page[R] | Exception]:
    """The same page of what each of many conferences has; those that came without are asked for together."""
    for conference in conferences:
        context.loaders.conferences.remember(conference)
    if args.cursor or not args.size:  # a cursor is of one of them; no rows cost no request
        return await asyncio.gather(*(_page_or_error(_listing(part, context, it), args) for it in conferences))
    loader = part.loader(context)
    pages: list[Page[R] | Exception] = []
    for conference, rows in zip(conferences, await rows_of(part, context, conferences), strict=True):
        if not isinstance(rows, tuple) or Rows.missing_from(rows):
            pages.append(await _page_or_error(_listing(part, context, conference), args))
        else:
            read_at = loader.read_at(conference) if part.at_hand(conference) is None else None
            pages.append(_page_at_hand(part, conference, rows, args, read_at))
    return pages


async def rows_of(
    part: Part[R], context: Context, conferences: Sequence[Conference]
) -> Sequence[tuple[R, ...] | Exception | None]:
    """All that each has, likewise; None where its source has no such report."""
    found: list[tuple[R, ...] | Exception | None] = [part.at_hand(it) for it in conferences]
    unread = [at for at, it in enumerate(conferences) if found[at] is None and part.can_be_read(context, it)]
    if unread:
        read = await part.loader(context).get_all([conferences[at] for at in unread])
        for at, rows in zip(unread, read, strict=True):
            found[at] = rows
    return found


def _page_at_hand(
    part: Part[R], conference: Conference, rows: Sequence[R], args: PageArgs, read_at: datetime | None
) -> Page[R]:
    source = conference.source_name
    pairs = sorted({row.vendor_id: (part.key(row), row) for row in rows}.values(), key=lambda pair: pair[0])
    return page_at_hand(source, pairs, args, scope=lambda: part.scope(conference), read_at=read_at)


async def _page_or_error(listing: Listing[R], args: PageArgs) -> Page[R] | Exception:
    try:
        return await listing.page(args)
    except Exception as error:  # noqa: BLE001 - of this conference alone
        return error


def _listing(part: Part[R], context: Context, conference: Conference) -> Listing[R]:
    own = part.at_hand(conference)
    can_read = own is not None or part.can_be_read(context, conference)

    async def read() -> Sequence[R]:
        if own is not None:
            return own
        loader = part.loader(context)
        rows = await loader.get(conference)
        return Rows.of(rows, Rows.missing_from(rows), loader.read_at(conference))

    feed = SnapshotFeed(
        source=conference.source_name,
        read=read,
        identity=lambda row: row.vendor_id,
        # True where it has; None where it has not, as its lists are then of now.
        is_settled=context.fleet.sources[conference.source_name].has_settled(conference.over_at) or None,
        is_asked=own is None,
    )
    return Listing(
        [feed] if can_read else [],
        key=part.key,
        scope=part.scope(conference),
        unsupported=[] if can_read else [conference.source_name],
    )
