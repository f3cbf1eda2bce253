"""What may befall a vendor, as a table: each trouble, whom it can befall, and by which code an answer names it."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from faulty import (
    Fault,
    Faulty,
    Line,
    Streams,
    answers,
    becomes,
    by_body,
    changes,
    drips,
    hangs,
    passes,
    rewrites,
    swells,
)
from mirrors import VIEWS
from starlette.types import ASGIApp

from graph.sandbox.world import World
from graph.vendors import VENDORS

ALL = tuple(VENDORS)
PAGED = ("hexmeet", "netease", "systec", "quanshi")
PER_PAGE = {"scrollid", "guid", "pageIndex", "page_number", "page"}  # what of a request another page has otherwise
KEYS = {
    "hexmeet": "conf_guid",
    "netease": "meetingUniqueId",
    "systec": "uuid",
    "quanshi": "conferenceId",
    "huawei": "confId",
}
DEEP = b"[" * 100_000


@dataclass
class Patient:
    """The source that something befalls: its twin behind a fault, and the line that leads there."""

    vendor: str
    world: World
    line: Line
    faulty: Faulty

    async def recover(self) -> None:
        """Be well again."""
        self.faulty.fault = passes
        await self.line.mend()

    def other_twin(self, **options: Any) -> ASGIApp:
        """Another twin of its vendor over the same world."""
        return VENDORS[self.vendor].create_emulator(self.world, **options)


class Trouble(NamedTuple):
    """One trouble.

    Attributes:
        begin: Lets it befall a source.
        codes: How `sources[]` may name it.
        vendors: Whom it can befall: to the others it means nothing.
    """

    begin: Callable[[Patient], Awaitable[None]]
    codes: frozenset[str]
    vendors: tuple[str, ...]


def answered(make: Callable[[Patient], Fault], *codes: str, vendors: tuple[str, ...] = ALL) -> Trouble:
    """A trouble that lies in what is answered."""

    async def begin(patient: Patient) -> None:
        patient.faulty.fault = make(patient)

    return Trouble(begin, frozenset(codes), vendors)


def another(vendor: str, code: str, **options: Any) -> Trouble:
    """A vendor that has become another one, made with these options."""
    return answered(lambda patient: becomes(patient.other_twin(**options)), code, vendors=(vendor,))


def wrong_type(patient: Patient) -> Fault:
    """A text stands where rows belong."""
    *path, rows = VIEWS[patient.vendor].rows

    def spoil(body: Any) -> Any:
        part = body
        for step in path:
            part = part[step]
        if rows in part:  # not in counts
            part[rows] = "many"
        return body

    return rewrites(spoil)


def wrong_row(patient: Patient) -> Fault:
    """The first row of each page has an object where its key belongs."""
    path, key = VIEWS[patient.vendor].rows, KEYS[patient.vendor]

    def spoil(body: Any) -> Any:
        rows = body
        for step in path:
            rows = rows.get(step, {})
        if rows and key in rows[0]:  # not in counts
            rows[0][key] = {}
        return body

    return rewrites(spoil)


def first_page_again(_: Patient) -> Fault:
    """Every page of a list is the one that came first, and says of the next what that one said."""
    kept: dict[str, bytes] = {}

    def choose(asked: dict[str, Any]) -> Fault:
        question = json.dumps({key: value for key, value in asked.items() if key not in PER_PAGE}, sort_keys=True)
        return changes(lambda body: kept.setdefault(question, body))

    return by_body(choose)


def endless_scroll(_: Patient) -> Fault:
    """Each further page of a scroll has rows that nobody saw before, and says that still more follow."""
    rows: list[Any] = []

    def keep(page: Any) -> Any:
        rows.extend(page["buckets"])
        return page

    def more() -> bytes:
        page = {"err_code": 0, "total": 10**6, "count": len(rows), "scrollid": secrets.token_hex(8)}
        page["buckets"] = [{**row, "conf_guid": secrets.token_hex(16)} for row in rows]
        return json.dumps(page).encode()

    return by_body(lambda asked: answers(more()) if "scrollid" in asked else rewrites(keep))


def expired_scroll(patient: Patient) -> Fault:
    """Every scroll is forgotten once its first page was read."""
    forgetful = becomes(patient.other_twin())
    return by_body(lambda asked: forgetful if "scrollid" in asked else passes)


TROUBLES = {
    "refused": Trouble(lambda patient: patient.line.cut(), frozenset({"UNAVAILABLE"}), ALL),
    "reset": Trouble(lambda patient: patient.line.reset(), frozenset({"UNAVAILABLE"}), ALL),
    "hang": answered(lambda _: hangs, "TIMEOUT"),
    "drip": answered(lambda _: drips, "TIMEOUT"),
    "500": answered(lambda _: answers(b"oops", 500), "UNAVAILABLE"),
    "429": answered(lambda _: answers(b"slow down", 429, {"retry-after": "1"}), "THROTTLED"),
    "truncated JSON": answered(lambda _: changes(lambda body: body[: len(body) // 2]), "BAD_PAYLOAD"),
    "garbage": answered(lambda _: answers(b"\x00\xff<html>"), "BAD_PAYLOAD"),
    "wrong type": answered(wrong_type, "BAD_PAYLOAD"),
    "endless body": answered(lambda _: Streams(), "BAD_PAYLOAD"),
    "swelling body": answered(lambda _: swells(), "BAD_PAYLOAD"),
    "deep JSON": answered(lambda _: answers(DEEP), "BAD_PAYLOAD"),
    "repeated page": answered(first_page_again, "BAD_PAYLOAD", "UNAVAILABLE", vendors=PAGED),
    "endless scroll": answered(endless_scroll, "BAD_PAYLOAD", vendors=("hexmeet",)),
    "expired scroll": answered(expired_scroll, "UNAVAILABLE", vendors=("hexmeet",)),
    "too many scrolls": another("hexmeet", "THROTTLED", max_open_scrolls=0),
    "clock ahead": another("netease", "UNAUTHENTICATED", clock_ahead_s=3600),
    "clock behind": another("netease", "UNAUTHENTICATED", clock_ahead_s=-3600),
    "expired Guid": another("huawei", "UNAUTHENTICATED", guid_ttl_s=0),
}
CASES = [(name, vendor) for name, trouble in TROUBLES.items() for vendor in trouble.vendors]
