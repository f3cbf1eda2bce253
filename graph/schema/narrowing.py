"""What a list of conferences or calls is narrowed to, and the part of it that is applied here."""

import json
from collections.abc import Iterable, Sequence

import msgspec

from graph.ids import GlobalId
from graph.paging.windows import Window, to_micros
from graph.records import Call, Conference, ConferenceState

SCOPES = json.JSONEncoder(sort_keys=True)


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of conferences or calls is narrowed to; None is no narrowing.

    Attributes:
        during: Half-open, by sort time.
        sources: Names of sources.
        vendors: VendorSpec names.
        states: Of conferences.
        vendor_ids: Only these conferences of the only source, in this order.
        room: The only room wanted.
        mcu: The name of the only media resource wanted.
        search: What a text must hold, ignoring case.
        sees_names: Whether who asks may see names of people; a search looks at nothing else that is personal.
    """

    during: Window | None = None
    sources: Sequence[str] | None = None
    vendors: Iterable[str] | None = None
    states: frozenset[ConferenceState] | None = None
    vendor_ids: Sequence[str] | None = None
    room: GlobalId | None = None
    mcu: str | None = None
    search: str | None = None
    sees_names: bool = True

    def scope(self, field: str, *, descending: bool) -> str:
        """The list's name for its cursors: the same text for the same field, order and filter."""
        return SCOPES.encode(
            {
                "field": field,
                "descending": descending or self.vendor_ids is not None,  # those come in the order asked
                "during": self.during and [to_micros(instant) for instant in self.during],
                "sources": _sorted(self.sources),
                "vendors": _sorted(self.vendors),
                "states": _sorted(state.value for state in self.states) if self.states is not None else None,
                "vendor_ids": self.vendor_ids,
                "room": self.room and [self.room.source_name, self.room.key],
                "mcu": self.mcu,
                "search": self.search,
            }
        )

    @property
    def keeps_all_conferences(self) -> bool:
        """Whether `keeps_conference` is true of all."""
        return self.states is None and self.room is None and not self.search

    def keeps_conference(self, row: Conference) -> bool:
        """Whether a conference has the state, room and texts wanted; its source and time are seen to elsewhere."""
        if self.states is not None and row.state not in self.states:
            return False
        room = self.room
        if room is not None and (row.room is None or (row.source_name, row.room.key) != (room.source_name, room.key)):
            return False
        if not self.search:
            return True
        room_name = row.room.name if row.room else None
        host_name = row.host.name if row.host and self.sees_names else None
        return matches(self.search, row.title, row.number, room_name, host_name)

    def keeps_call(self, row: Call) -> bool:
        """Whether a call has the media resource and texts wanted."""
        if self.mcu is not None and (row.mcu is None or row.mcu.name != self.mcu):
            return False
        if not self.search:
            return True
        display_name = row.display_name if self.sees_names else None
        return matches(self.search, display_name, row.room.name if row.room else None, row.client_version)


def matches(search: str | None, *texts: str | None) -> bool:
    """Whether any of the texts holds what is searched for, ignoring case; nothing is held by all."""
    if not search:
        return True
    needle = search.casefold()
    return any(needle in text.casefold() for text in texts if text)


def _sorted(texts: Iterable[str] | None) -> list[str] | None:
    return None if texts is None else sorted(set(texts))
