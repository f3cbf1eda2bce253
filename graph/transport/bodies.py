"""Unpacks the body of an answer, and never to more than allowed, however little came."""

import zlib

import httpx

# All that is asked for, and all that is understood: httpx would unpack whatever comes, however large it becomes.
ACCEPTED = {"accept-encoding": "gzip"}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class TooLongError(Exception):
    """The body is longer than allowed."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """The body of an answer as it was before it was packed.

    Args:
        body: As it came, whole.
        encoding: How it says that it is packed; empty where it is not.
        most: So many bytes it may have, unpacked.

    Raises:
        TooLongError: it has more. The rest is not unpacked.
        httpx.DecodingError: it is not packed as it says, or in a way that was not asked for.
    """
    if encoding and encoding.lower() != "identity":
        body = _unpack(body, encoding.lower(), most + 1)
    if len(body) > most:
        raise TooLongError
    return body


def _unpack(body: bytes, encoding: str, most: int) -> bytes:
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError("packed in a way that was not asked for")
    if not body:
        return body
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        found = unpacker.decompress(body, most)
    except zlib.error:
        raise httpx.DecodingError("not packed as it says") from None
    if not unpacker.eof and len(found) < most:
        raise httpx.DecodingError("cut off")
    return found
