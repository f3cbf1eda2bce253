"""Reads the body of an answer, and never more than allowed: not of an endless one, nor of one that unpacks to more."""

import zlib
from typing import Protocol

import httpx

# All that is asked for, and all that is understood: httpx would unpack each piece at once, however large it becomes.
ACCEPTED = {"accept-encoding": "gzip"}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class TooLongError(Exception):
    """The body is longer than allowed."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Read and unpack the body of a response that was streamed.

    Args:
        response: Nothing of its body is read yet.
        most: So many bytes it may have, unpacked.

    Raises:
        TooLongError: it has more. The rest is not read.
        httpx.DecodingError: it is not packed as it says, or in a way that was not asked for.
    """
    unpacker = _unpacker(response.headers.get("content-encoding", ""))
    parts, size = [], 0
    async for received in response.aiter_raw():
        part = _unpack(unpacker, received, most + 1 - size) if unpacker else received
        size += len(part)
        if size > most:
            raise TooLongError
        parts.append(part)
    if unpacker and parts and not unpacker.eof:
        raise httpx.DecodingError("cut off")
    return b"".join(parts)


def _unpacker(encoding: str) -> _Unpacker | None:
    if encoding.lower() in ("", "identity"):
        return None
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError("packed in a way that was not asked for")
    return zlib.decompressobj(_GZIP_OR_ZLIB)


def _unpack(unpacker: _Unpacker, received: bytes, most: int) -> bytes:
    try:
        return unpacker.decompress(received, most)
    except zlib.error:
        raise httpx.DecodingError("not packed as it says") from None
