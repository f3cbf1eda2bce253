"""One sorted, resumable connection over sources that each page in their own way.

Read in this order: `windows` (what is requested), `rows` (what comes back), `feeds` (how a source is read), `cursor`
(the position of a walk), `planner` (which window is next), `drain` (reads one window whole), `shelf` (what is kept of
it), `snapshots` (lists without windows), `walk` and `unranged` (one source in order), `merge` (all sources in order),
`listing`, `page` and `args` (what a client requests and gets), `at_hand` (pages that need none of this).
`graph.freshness` notes how long the answer is good.
"""

from graph.paging.args import PageArgs, resolve_window
from graph.paging.at_hand import page_at_hand
from graph.paging.feeds import ChosenFeed, RangedFeed, SnapshotFeed
from graph.paging.listing import Listing
from graph.paging.page import Edge, Page
from graph.paging.snapshots import read_recent

__all__ = [
    "ChosenFeed",
    "Edge",
    "Listing",
    "Page",
    "PageArgs",
    "RangedFeed",
    "SnapshotFeed",
    "page_at_hand",
    "read_recent",
    "resolve_window",
]
