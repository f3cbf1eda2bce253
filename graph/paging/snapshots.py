"""Lists that are read at once, and answers to equal questions: kept for seconds, for a day where they have settled."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from graph import clock
from graph.cache.codec import Codec, WindowCodec
from graph.cache.memory import StoredWindow
from graph.cache.store import WindowStore
from graph.errors import OUTAGES, VendorError
from graph.paging.cursor import Key
from graph.paging.feeds import SnapshotFeed
from graph.paging.rows import Rows
from graph.paging.shelf import JOIN_S, SETTLED_TTL_S, SNAPSHOT_TTL_S, YOUNG_TTL_S, Since
from graph.paging.windows import from_seconds, to_seconds
from graph.transport.deadline import wait_within_deadline

R = TypeVar("R")
T = TypeVar("T")


async def read_recent(
    store: WindowStore,
    name: str,
    read: Callable[[], Awaitable[Sequence[T]]],
    *,
    source: str,
    codec: Codec[Any] | None = None,
    has_settled: Callable[[Sequence[T]], bool] = lambda _rows: False,
) -> StoredWindow[T]:
    """What would serve a walk that begins now and has no error in it, else what is read now, once for all who ask."""
    since = from_seconds(to_seconds(clock.now()) - JOIN_S)
    windows: WindowCodec[T] | None = None if codec is None or not store.is_shared else WindowCodec(codec, lambda _: ())

    async def noted() -> "StoredWindow[T]":
        read_at = clock.now()
        rows = await read()
        if any(isinstance(item, Exception) for item in rows):
            return StoredWindow(read_at, read_at, (), rows, read_at)
        answer: StoredWindow[T] = StoredWindow(read_at, read_at, (), rows, read_at, has_settled(rows))
        await store.remember(name, answer, SETTLED_TTL_S if answer.is_settled else SNAPSHOT_TTL_S, windows)
        return answer

    async def look() -> "StoredWindow[T] | None":  # quoted, or it would be put together at every call
        known = await store.recall(name, windows)
        return known if known and known.holds_since(since) else None

    known = await look()
    while known is None or not known.holds_since(since):
        asked = store.once(name, noted, look=look if windows else None)
        known = await wait_within_deadline(asked, source=source, endpoint="list")
    return known


class Snapshot(NamedTuple, Generic[R]):
    """A list that was read at once, and why it is not a fresh one."""

    window: StoredWindow[R]
    outage: VendorError | None = None


async def read_snapshot(
    feed: SnapshotFeed[R], key: Callable[[R], Key], store: WindowStore, since: Since
) -> Snapshot[R]:
    """A snapshot feed's list, sorted and without duplicates: read since the walk began unless the source is down.

    One of a range that has settled may be older, as windows may; so may one that is the request's own.
    """
    if feed.store_key is None:
        return Snapshot(await _read(feed, key))
    name = f"{feed.store_key}\nsnapshot"
    codec: WindowCodec[R] | None = None
    if feed.codec is not None and store.is_shared:
        codec = WindowCodec(feed.codec, key)

    async def read() -> "StoredWindow[R]":
        known = await _read(feed, key)
        young_s = SNAPSHOT_TTL_S if feed.is_settled is None else YOUNG_TTL_S
        await store.remember(name, known, SETTLED_TTL_S if known.is_settled else young_s, codec, may_get_stale=True)
        return known

    async def look() -> "StoredWindow[R] | None":
        known = await store.recall(name, codec)
        return known if known and known.holds_since(since.fresh) else None

    known = await look()
    try:
        while known is None or not known.holds_since(since.fresh):
            asked = store.once(name, read, look=look if codec else None, is_patient=since.is_first)
            known = await wait_within_deadline(asked, source=feed.source, endpoint="list")
    except OUTAGES as outage:
        stale = await store.recall(name, codec, may_be_stale=True)
        if stale is None or not stale.holds_since(since.stale):
            raise
        return Snapshot(stale, outage)
    return Snapshot(known)


async def _read(feed: SnapshotFeed[R], key: Callable[[R], Key]) -> StoredWindow[R]:
    asked_at = clock.now()
    answer = await feed.read()
    rows = {feed.identity(row): row for row in answer}
    pairs = sorted(((key(row), row) for row in rows.values()), key=lambda pair: pair[0])
    keys, left_out = [k for k, _ in pairs], Rows.missing_from(answer)
    read_at, is_settled = Rows.read_before(answer) or asked_at, bool(feed.is_settled and not left_out)
    return StoredWindow(read_at, read_at, keys, [row for _, row in pairs], read_at, is_settled, left_out)
