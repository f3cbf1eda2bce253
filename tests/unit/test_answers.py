"""How an answer is written: which media type a client likes best, and whether it reads compressed ones."""

import gzip
import threading

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response

from graph.server import answers
from graph.server.answers import GRAPHQL, JSON, LEAST_PACKED, MOST_PACKED_AT_ONCE, best_of, pack

MEDIA = (JSON, GRAPHQL)


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        *(("", JSON), ("*/*", JSON), ("application/*", JSON), ("text/html, */*;q=0.8", JSON)),
        *((JSON, JSON), (GRAPHQL, GRAPHQL), (GRAPHQL.upper(), GRAPHQL), (f"{GRAPHQL}; charset=utf-8", GRAPHQL)),
        *((f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL), (f"{JSON};q=0.9 , {GRAPHQL}", GRAPHQL)),
        *((f"{GRAPHQL};q=0.1, {JSON};q=0.2", JSON), (f"{JSON};q=0.001", JSON)),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        *((f"{JSON}, {GRAPHQL}", JSON), (f"{GRAPHQL}, {JSON}", GRAPHQL)),
        *((f"*/*, {GRAPHQL}", GRAPHQL), (f"*/*;q=0.1, {GRAPHQL};q=0", JSON), (f"{JSON};q=0, */*", GRAPHQL)),
        *((f"application/*;q=0.5, {GRAPHQL};q=0.4", JSON), (f"{JSON};q=0.3, application/*;q=0.5", GRAPHQL)),
        *((f"{GRAPHQL};q=7, {JSON}", GRAPHQL), (f"{GRAPHQL};q=x, {JSON}", JSON), (f"{JSON};q=nan", None)),
        *((f"{JSON};q=0", None), ("*/*;q=0", None), ("text/html", None), ("text/*", None), ("json", None)),
        *((f"{JSON}; charset=utf-16", None), (f"{JSON}; version=2", None), ("application/graphql+json", None)),
    ],
)
def test_the_media_type_is_the_one_that_the_client_likes_best(accept: str, best: str | None) -> None:
    assert best_of(accept, MEDIA) == best


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        *(("gzip", True), ("GZIP", True), ("br;q=1.0, gzip;q=0.1", True), ("*", True), ("deflate, *;q=0.5", True)),
        *((None, False), ("", False), ("identity", False), ("br", False), ("gzip;q=0", False), ("*;q=0", False)),
        *(("gzip;q=0, *", False), ("gzip;q=0.000", False), ("xgzip", False), ("gzip;level=9", False)),
    ],
)
async def test_an_answer_is_compressed_for_who_reads_that(accepted: str | None, is_packed: bool) -> None:
    body = b"a" * LEAST_PACKED
    response = Response(body)
    await pack(response, Headers({} if accepted is None else {"accept-encoding": accepted}))
    sent = bytes(response.body)
    assert response.headers.get("content-encoding") == ("gzip" if is_packed else None)
    assert response.headers["content-length"] == str(len(sent))
    assert (gzip.decompress(sent) if is_packed else sent) == body


@pytest.mark.anyio
async def test_a_short_answer_stays_as_it_is_and_a_long_one_is_compressed_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What takes long holds up nobody else."""
    threads: list[threading.Thread] = []
    squeeze = answers._gzip

    def spy(body: bytes) -> bytes:
        threads.append(threading.current_thread())
        return squeeze(body)

    monkeypatch.setattr(answers, "_gzip", spy)
    for size in (LEAST_PACKED - 1, MOST_PACKED_AT_ONCE, MOST_PACKED_AT_ONCE + 1):
        await pack(Response(b"a" * size), Headers({"accept-encoding": "gzip"}))
    own = threading.current_thread()
    assert [thread is own for thread in threads] == [True, False]
