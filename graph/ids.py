"""Opaque ids: a function of (type, source name, vendor key) and nothing else.

The text is base64url without padding over `kind byte | crc32 | source | 0x00 | key`. The checksum tells a
damaged id from an unknown one; it is no signature, an id grants nothing.
"""

import base64
import zlib
from binascii import b2a_base64
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from graph.errors import InvalidIdError

LONGEST = 1024  # letters: no vendor's key comes near it
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
DAMAGED = "This is not an id of confgraph, or it was damaged on the way."


class IdKind(Enum):
    """What an id names.

    Attributes:
        letter: The kind byte: the value, which is read faster by this name.
    """

    CONFERENCE = b"C"
    CALL = b"L"
    MEMBER = b"M"
    ROOM = b"R"
    MCU_RESOURCE = b"U"

    def __init__(self, letter: bytes) -> None:
        self.letter = letter


class GlobalId(NamedTuple):
    """The parts of an id."""

    kind: IdKind
    source_name: str
    key: str


def encode_id(kind: IdKind, source_name: str, key: str) -> str:
    """Make the id of one object."""
    body = f"{source_name}\0{key}".encode()
    checksum = zlib.crc32(kind.letter + body).to_bytes(4, "big")
    return to_base64url(kind.letter + checksum + body)


def to_base64url(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE, b"=").decode()


@lru_cache(maxsize=4096)
def decode_id(text: str) -> GlobalId:
    """Take an id apart.

    Raises:
        InvalidIdError: it was not made by `encode_id`.
    """
    if len(text) > LONGEST:  # none is kept: what raises is not remembered
        raise InvalidIdError(DAMAGED)
    found = None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        source_name, _, key = raw[5:].partition(b"\0")
        found = GlobalId(IdKind(raw[:1]), source_name.decode(), key.decode())
    except ValueError:  # those of base64 and of Unicode are such too
        pass
    # Made again, it must be the same text: that checks the checksum, the separator and the padding at once.
    if found is None or encode_id(*found) != text:
        raise InvalidIdError(DAMAGED)
    return found


def short_hash(*parts: str) -> str:
    """Ten hex digits over some texts, to key rows to which the vendor gives no id of their own."""
    return blake2b("\0".join(parts).encode(), digest_size=5).hexdigest()


def faint_hash(*parts: str) -> str:
    """Four hex digits over some texts, one of which is nobody's to know, such as a telephone number.

    Whoever sees a hash may try all numbers. Of so few digits thousands of numbers have each, so that it can confirm a
    guess but not be read backwards; rows that happen to share one are told apart by an ordinal.
    """
    return blake2b("\0".join(parts).encode(), digest_size=2).hexdigest()
