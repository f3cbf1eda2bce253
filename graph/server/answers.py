"""The answers of the endpoint: in which media type, with which status, and how many bytes of them travel."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from graph.server.headers import RAW_HEADERS

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
VARY = "Accept, Accept-Encoding, Authorization, X-Confgraph-Gateway"

# As measured: what fits into one packet gains nothing; level 1 takes half the time of level 6 and a tenth more bytes;
# 64 KB take 0.4 ms, for which others can wait. A body that holds what a caller sent besides what it is told shows
# nobody anything by its length: whoever asks proves who it is in a header, which no page of another site can send.
LEAST_PACKED = 1400
PACK_LEVEL = 1
MOST_PACKED_AT_ONCE = 65_536


@lru_cache(64)  # programs send few different ones
def best_of(accept: str, offers: tuple[str, ...]) -> str | None:
    """The media type that a client likes best of those offered, by its header `Accept`; None is none.

    Without that header it is the first. What it likes as well as another, and names as exactly, is decided by its own
    order, and else by ours.
    """
    if not accept:
        return offers[0]
    ranges = [_weighed(one) for one in accept.split(",")]
    best, best_rank = None, (0.0, 0, 0)
    for offer in offers:
        family = offer.partition("/")[0]
        exactness = {"*/*": 1, f"{family}/*": 2, offer: 3}
        found = [(exactness[it], q, -place) for place, (it, q) in enumerate(ranges) if it in exactness]
        if found:
            exact, q, place = max(found, key=lambda it: (it[0], it[2]))
            rank = (q, exact, place)
            if q > 0 and (best is None or rank > best_rank):
                best, best_rank = offer, rank
    return best


def is_refused(result: ExecutionResult) -> bool:
    """Whether nothing was executed: the data are then not null but absent."""
    return result.data is None and not any(error.path for error in result.errors or ())


def payload_of(result: ExecutionResult, *, is_refusal: bool) -> dict[str, Any]:
    """What a client is told of a result."""
    payload: dict[str, Any] = {}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if not is_refusal:
        payload["data"] = result.data
    if result.extensions:
        payload["extensions"] = result.extensions
    return payload


def status_of(media: str, codes: Sequence[str]) -> int:
    """The status of an answer without data, by the codes of its errors.

    In application/json it is 200 all the same: what lies between might answer with any other status, in that type too.
    400 is what graphql-http audits; drafts of 2026 would have 422 for all but what cannot be parsed.
    """
    if media == JSON:
        return 200
    if "INTERNAL" in codes:
        return 500
    return 403 if "FORBIDDEN" in codes else 400


class WrittenAnswer(Response):
    """An answer whose bytes are there, with the headers that all of them have, and its own.

    Starlette would look at each header first.

    Args:
        body: The bytes.
        media: Their type; they are UTF-8.
        headers: Its own, as text.
        status: Of the answer.
    """

    def __init__(self, body: bytes, media: str, headers: Mapping[str, str], status: int = 200) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        own = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers = [(b"content-length", b"%d" % len(body)), *own, *_fixed_headers(media, tuple(headers))]

    async def __call__(self, scope: Scope, __: Receive, send: Send) -> None:
        """Send it; a handshake of a WebSocket is refused with it as well."""
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        await send({"type": f"{kind}.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": f"{kind}.body", "body": self.body})


@cache
def _fixed_headers(media: str, own: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """What all answers of a media type tell, but for what one tells in other words."""
    told = [(b"content-type", b"%b; charset=utf-8" % media.encode()), (b"vary", VARY.encode()), *RAW_HEADERS]
    return [(name, value) for name, value in told if name.decode() not in own]


def answer(result: ExecutionResult, codes: Sequence[str], media: str, headers: Mapping[str, str]) -> WrittenAnswer:
    """The answer to what was executed, or could not be; `codes` are those of its errors."""
    is_refusal = is_refused(result)
    status = status_of(media, codes) if is_refusal else 200
    return WrittenAnswer(msgspec.json.encode(payload_of(result, is_refusal=is_refusal)), media, headers, status)


async def pack(response: Response, headers: Headers) -> None:
    """Compress the body of an answer, where its client can read that and it gains by it, unless it is already."""
    body = bytes(response.body)
    if len(body) < LEAST_PACKED or not reads_gzip(headers) or "content-encoding" in response.headers:
        return
    packed = await asyncio.to_thread(_gzip, body) if len(body) > MOST_PACKED_AT_ONCE else _gzip(body)
    response.body = packed
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(packed))


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(PACK_LEVEL, wbits=31)
    return packer.compress(body) + packer.flush()


def reads_gzip(headers: Headers) -> bool:
    """Whether a client can read what is compressed."""
    return _takes_gzip(headers.get("accept-encoding", ""))


@lru_cache(64)
def _takes_gzip(accepted: str) -> bool:
    weights = dict(map(_weighed, accepted.split(",")))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weighed(said: str) -> tuple[str, float]:
    """A name in lower case and how much it is wanted; one with parameters other than UTF-8 is another name."""
    name, *parameters = (part.strip().lower() for part in said.split(";"))
    weight = 1.0
    for parameter in filter(None, parameters):
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            weight = _number(value)
        elif parameter not in ("charset=utf-8", 'charset="utf-8"'):
            name = f"{name};{parameter}"
    return name, weight


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
