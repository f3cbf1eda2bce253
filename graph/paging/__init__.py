"""One sorted, resumable connection over sources that each page in their own way.

Read in this order: `windows` (what is read), `feeds` (how), `cursor` (where a walk stands), `planner` (which window
next), `drain` (one window, whole), `walk` (one source in order), `merge` (all sources in order), `listing` and
`page` (what a client asks for and gets).
"""

from graph.paging.args import PageArgs, resolve_window
from graph.paging.feeds import RangedFeed, SnapshotFeed
from graph.paging.listing import Listing
from graph.paging.page import Edge, Page

__all__ = ["Edge", "Listing", "Page", "PageArgs", "RangedFeed", "SnapshotFeed", "resolve_window"]
