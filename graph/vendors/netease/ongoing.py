"""What goes on at NetEase, read off the list: no report of the vendor's own has the rows."""

from datetime import UTC, datetime, time, timedelta

from graph import clock
from graph.cache.codec import WindowCodec, conference_codec
from graph.cache.memory import StoredWindow
from graph.paging.drain import Drain
from graph.paging.feeds import RangedFeed
from graph.paging.windows import Window
from graph.records import Conference, ConferenceState
from graph.vendors.base import Adapter, ConferenceQuery
from graph.vendors.netease.mapping import NeteaseFields, NeteaseMember

ONGOING: WindowCodec[Conference] = WindowCodec(conference_codec(NeteaseFields, NeteaseMember), lambda _: ())
LIVE = frozenset({ConferenceState.LIVE})


async def read_ongoing(adapter: Adapter) -> StoredWindow[Conference]:
    """Read the meetings in progress of today's list, and before it as far back as one of them may have begun."""
    now = clock.now()
    tomorrow = datetime.combine(now.astimezone(adapter.zone) + timedelta(days=1), time(), adapter.zone)
    window = Window(now - adapter.max_conference, tomorrow.astimezone(UTC))
    feed = RangedFeed(
        source=adapter.source,
        read=lambda part, token: adapter.list_conferences(ConferenceQuery(part, states=LIVE), token),
        time=lambda row: row.sort_time,
        identity=lambda row: row.vendor_id,
        grid=adapter.grid,
        page_size=adapter.page_size,
        has_stateless_pages=adapter.has_stateless_pages,
    )
    drain = Drain(feed, window)
    while not drain.is_done:
        await drain.read_page()
    rows = [row for row in drain.rows.values() if row.state in LIVE]
    return StoredWindow(*window, (), rows, drain.read_at, left_out=drain.left_out)
