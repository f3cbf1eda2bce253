"""What the rows of lists are stored under: equal texts, equal rows, in every process."""

import json
from collections.abc import Hashable
from functools import lru_cache

from graph.fleet import Source
from graph.vendors.base import Extras

StoredAs = tuple[str, tuple[str, ...]]


def store_key(source: Source, *parts: object) -> str:
    """What a list of a source is stored under, by all that narrows what is asked for."""
    return _text_of(source.name, source.client.account, *parts)


def stored_as(source: Source, narrowed: tuple[Hashable, ...], extras: Extras) -> StoredAs:
    """What windows of conferences are stored under, and what those are that serve it too."""
    return _stored_as((source.name, source.client.account, "conferences", *narrowed), extras, source.adapter.embeds)


@lru_cache(maxsize=1024)
def _stored_as(parts: tuple[Hashable, ...], extras: Extras, most: Extras) -> StoredAs:
    return _text_of(*parts, extras), tuple(_text_of(*parts, more) for more in _richer(extras, most))


def embedded(wanted: Extras, most: Extras) -> Extras:
    """What is wanted and rows can bring along: windows read for nothing else are not kept apart."""
    return Extras(members=wanted.members and most.members, calls=wanted.calls and most.calls)


def _richer(extras: Extras, most: Extras) -> list[Extras]:
    """The extras of which what was read serves these too."""
    kinds = {
        Extras(members=members, calls=calls)
        for members in {extras.members, most.members or extras.members}
        for calls in {extras.calls, most.calls or extras.calls}
    }
    return [kind for kind in kinds if kind != extras]


def _text_of(*parts: object) -> str:
    return json.dumps(parts, default=_plain)


def _plain(part: object) -> object:
    """What JSON does not know of that narrows a list."""
    if isinstance(part, Extras):
        return (part.members, part.calls)
    if isinstance(part, frozenset):
        return sorted(state.name for state in part)
    raise TypeError(f"{type(part).__name__} is no part of a key")
