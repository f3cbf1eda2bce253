"""Which windows to scan for rows that cannot be asked for by id, and what is remembered of where rows lie.

A scan costs a scroll, one of very few, and one request for each page of rows. So a few long scans are better
than many short ones, until the rows read in vain cost more than another scroll would.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from graph.paging.windows import Window

_DAY = timedelta(days=1)
_MOMENT = timedelta(milliseconds=1)


def join_spans(spans: Iterable[Window], is_worth_reading: Callable[[Window], bool]) -> list[Window]:
    """Join spans that overlap or touch, or between which the gap is worth reading; ascending."""
    joined: list[Window] = []
    for span in sorted(spans):
        last = joined[-1] if joined else None
        if last and (span.start <= last.end or is_worth_reading(Window(last.end, span.start))):
            joined[-1] = Window(last.start, max(last.end, span.end))
        else:
            joined.append(span)
    return joined


def estimate_rows(window: Window, per_day: Mapping[datetime, int]) -> float:
    """How many rows a window may have, by the counts of the days it touches."""
    return sum(
        count * (min(window.end, day + _DAY) - max(window.start, day)) / _DAY
        for day, count in per_day.items()
        if day < window.end and window.start < day + _DAY
    )


def cut_newest_first(window: Window, per_day: Mapping[datetime, int], rows: int) -> list[Window]:
    """Cut a window into spans of days, newest first: about `rows` rows in the first, four times that in the next..."""
    spans, end, counted = [], window.end, 0
    for day, count in sorted(per_day.items(), reverse=True):
        counted += count
        if counted >= rows and window.start < day < end:
            spans.append(Window(day, end))
            end, counted, rows = day, 0, 4 * rows
    return [*spans, Window(window.start, end)]


class Whereabouts:
    """When a row started, or in which window, by id; forgets what was not met for long."""

    def __init__(self, max_entries: int = 100_000) -> None:
        self._max_entries = max_entries
        self._places: dict[str, Window | datetime] = {}

    def remember_starts(self, starts: Iterable[tuple[str, datetime]]) -> None:
        """Note when rows started."""
        self._keep(starts)

    def remember(self, vendor_id: str, window: Window) -> None:
        """Note where a row's start lies, by all that is known; where that disagrees, the closer word counts."""
        known = self._places.get(vendor_id, window)
        if not isinstance(known, datetime):
            both = Window(max(known.start, window.start), min(known.end, window.end))
            known = both if both.start < both.end else min(known, window, key=_width)
        self._keep([(vendor_id, known)])

    def _keep(self, met: Iterable[tuple[str, Window | datetime]]) -> None:
        places = self._places
        for vendor_id, place in met:
            places.pop(vendor_id, None)  # so that it comes last
            places[vendor_id] = place
        excess = len(places) - self._max_entries
        if excess > 0:  # many at once: to find the first ones of a dict takes long, where others were before
            for vendor_id in list(islice(places, excess + self._max_entries // 10)):
                del places[vendor_id]

    def __contains__(self, vendor_id: str) -> bool:
        return vendor_id in self._places

    def find(self, vendor_ids: Iterable[str]) -> list[Window]:
        """The windows in which the starts of those that were met lie."""
        places = (self._places[vendor_id] for vendor_id in vendor_ids if vendor_id in self._places)
        return [Window(place, place + _MOMENT) if isinstance(place, datetime) else place for place in places]


def _width(window: Window) -> timedelta:
    return window.end - window.start
