"""The naive merge: read every source's whole range into memory, sort, slice.

What a page costs this way is what the list costs: the first one reads all of it. It is as simple as it is meant, but
fair: the sources are read side by side, by the same adapters and with the same vendor page sizes as confgraph's.
"""

import asyncio
import contextlib
import time
from hashlib import blake2b
from multiprocessing.connection import Connection
from typing import NamedTuple

from children import Tables, read_settings

from graph.errors import VendorError
from graph.fleet import Source, build_fleet
from graph.paging.windows import Window
from graph.records import Conference
from graph.vendors.base import ConferenceQuery


class Naive(NamedTuple):
    """What the naive merge came to; the digest tells its rows and their order."""

    rows: int
    digest: str
    seconds: float


def run_naive(pipe: Connection, tables: Tables, window: Window, slices: int, seconds: float) -> None:
    """Read and merge a range. Says the outcome, or why there is none."""
    try:
        pipe.send(asyncio.run(asyncio.wait_for(_merge(tables, window, slices), seconds)))
    except (TimeoutError, VendorError) as error:
        pipe.send(f"{type(error).__name__}: {error}")
    with contextlib.suppress(EOFError):
        pipe.recv()  # stay to be measured


async def _merge(tables: Tables, window: Window, slices: int) -> Naive:
    patient = {"scroll_timeout_s": 60}  # its scrolls are long, and wait while the other vendors are busy
    fleet = build_fleet(read_settings({**tables, "hexmeet": {**tables["hexmeet"], **patient}}))
    began = time.perf_counter()
    lists = await asyncio.gather(*(_read(source, window, slices) for source in fleet.sources.values()))
    rows = [row for rows in lists for row in rows]
    rows.sort(key=lambda row: (row.sort_time, row.source_name, row.vendor_id), reverse=True)
    seconds = time.perf_counter() - began
    await fleet.aclose()
    digest = blake2b(digest_size=8)
    for row in rows:
        digest.update(f"{row.source_name}/{row.vendor_id}\n".encode())
    return Naive(len(rows), digest.hexdigest(), seconds)


async def _read(source: Source, window: Window, slices: int) -> list[Conference]:
    """All rows of one source. A wide range is read in slices: an emulator looks all of one through for every page."""
    rows: list[Conference] = []
    width = window.width / slices
    for number in range(slices):
        query = ConferenceQuery(Window(window.start + number * width, window.start + (number + 1) * width))
        page = await source.adapter.list_conferences(query)
        rows += page.rows
        while page.token is not None:
            page = await source.adapter.list_conferences(query, page.token)
            rows += page.rows
    return rows
