"""The HTTP client over real sockets: what goes wrong there becomes the right error, in time, without a secret."""

import asyncio
import errno
import gzip
import socket
import struct
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from answering import answering
from asking import CREDENTIAL, REQUEST, Handler, asking, client_of, failure, hang, raw, read_body, write
from starlette.responses import JSONResponse, RedirectResponse, Response

from graph import clock
from graph.errors import (
    FatalVendorError,
    SourceErrorCode,
    UnsupportedError,
    VendorAuthError,
    VendorError,
    VendorGarbageError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.records import SourceState
from graph.transport import client as transport
from graph.transport.client import VendorClient
from graph.transport.deadline import start_deadline, within_deadline
from graph.transport.messages import VendorReply, VendorRequest

pytestmark = pytest.mark.anyio

BOTH_LOOPS = pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"use_uvloop": is_it}) for is_it in (False, True)], ids=["asyncio", "uvloop"]
)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


# ---- the connection -------------------------------------------------------------------------------


@BOTH_LOOPS
async def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with client_of(f"http://127.0.0.1:{port}") as client:
        error = await failure(client)
    assert type(error) is VendorUnreachableError
    assert error.source_code is SourceErrorCode.UNAVAILABLE
    assert error.message == "acme: report could not be reached: connection refused."


@pytest.mark.parametrize(
    ("fails", "cause", "why"),
    [
        ("getaddrinfo", socket.gaierror(socket.EAI_NONAME, "vendor.example"), ": its name could not be resolved"),
        ("create_connection", TimeoutError(errno.ETIMEDOUT, "127.0.0.1"), ": no answer"),
        ("create_connection", ConnectionResetError(), ": it broke off before TLS could be agreed on"),
        ("create_connection", OSError(errno.ENETUNREACH, "127.0.0.1"), ""),
    ],
    ids=["unknown name", "no answer", "broken off", "another cause"],
)
async def test_why_it_is_not_reached_is_told_without_an_address(
    fails: str, cause: OSError, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise cause

    monkeypatch.setattr(asyncio.get_running_loop(), fails, fail)
    async with client_of("http://127.0.0.1:9") as client:
        error = await failure(client)
    assert type(error) is VendorUnreachableError
    assert error.message == f"acme: report could not be reached{why}."


async def test_reset() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)  # close with RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async with raw(reset) as client:
        assert type(await failure(client)) is VendorUnavailableError


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:9],
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: br\r\n\r\nwhatever",
    ],
    ids=["closed", "garbage", "cut", "not gzip", "half gzip", "packed otherwise"],
)
async def test_an_answer_that_is_no_http(answer: bytes) -> None:
    async with raw(lambda _, writer: write(writer, answer)) as client:
        assert type(await failure(client)) is VendorUnavailableError


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body without end, one byte at a time: no single read ever waits long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _byte in range(1000):
        await write(writer, b"{")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handle", [hang, drip])
async def test_slow(handle: Handler) -> None:
    async with raw(handle, timeout_s=0.1) as client:
        began = time.monotonic()
        error = await failure(client)
    assert type(error) is VendorTimeoutError
    assert error.message == "acme: report gave no whole answer within 0.1 s."
    assert time.monotonic() - began < 2


async def test_a_deadline_shorter_than_the_timeout_wins_and_binds_its_task_only() -> None:
    async def hurried(client: VendorClient) -> VendorError:
        start_deadline(0.05)
        await failure(client)
        return await failure(client)  # nothing is left

    async with raw(hang, timeout_s=5) as client:
        began = time.monotonic()
        error = await asyncio.create_task(hurried(client))
        assert type(error) is VendorTimeoutError
        assert time.monotonic() - began < 2
    assert within_deadline(5) == 5


# ---- the status -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, VendorAuthError),
        (403, VendorAuthError),
        (408, VendorTimeoutError),
        (429, VendorThrottledError),
        (400, VendorRefusedError),
        (404, VendorRefusedError),
        (500, VendorUnavailableError),
        (503, VendorUnavailableError),
        (504, VendorTimeoutError),
    ],
)
async def test_a_status_is_its_error(status: int, kind: type[VendorError]) -> None:
    async with asking(lambda _: JSONResponse({"message": CREDENTIAL}, status)) as (client, _):
        error = await failure(client)
    assert type(error) is kind
    assert error.status == status
    assert error.message == f"acme: report answered with HTTP status {status}."
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("Fri, 20 Nov 99999999999999999999 12:00:00 GMT", None),
    ],
)
async def test_retry_after_in_both_forms(header: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    async with asking(lambda _: Response(status_code=429, headers={"Retry-After": header})) as (client, _):
        error = await failure(client)
    assert error.retry_after_s == seconds


async def test_redirects_are_not_followed() -> None:
    """A redirect would carry the credentials to whatever address it names."""
    async with asking(lambda _: RedirectResponse("/elsewhere", 307)) as (client, vendor):
        error = await failure(client)
    assert type(error) is VendorRefusedError
    assert error.status == 307
    assert [asked.path for asked in vendor.asked] == ["/report"]


# ---- the body -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"rows": [',
        b"<html>",
        b'{"rows": []} more',
        b'{"rows": [{"name": "\xff", "age": 1}]}',
        b'{"rows": [], "unread": %s%s}' % (b"[" * 100_000, b"]" * 100_000),
    ],
    ids=["empty", "torn", "html", "two", "not UTF-8", "deep where nobody looks"],
)
async def test_a_body_that_is_no_json(body: bytes) -> None:
    async with asking(lambda _: Response(body)) as (client, _):
        error = await failure(client)
    assert type(error) is VendorGarbageError
    assert error.status == 200


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"rows": ' + b"[" * 100_000])
async def test_a_body_that_is_too_deep(body: bytes) -> None:
    async with asking(lambda _: Response(body)) as (client, _):
        assert isinstance(await failure(client), VendorPayloadError)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "hush", "age": "hush"}, "$.rows[0].age: expected int, found str"),
        ({"name": None, "age": 5}, "$.rows[0].name: expected str, found null"),
        ({"name": "hush"}, "$.rows[0]: expected the field age, found none"),
        ({"name": "hush", "age": -1}, "$.rows[0].age: expected another value"),
        (["hush"], "$.rows[0]: expected object, found array"),
    ],
)
async def test_a_value_that_does_not_fit_is_told_by_path_and_types_only(row: Any, said: str) -> None:
    async with asking(lambda _: {"rows": [row]}) as (client, _):
        error = await failure(client)
    assert error.message == f"acme: The answer of report does not fit its contract at {said}."
    assert "hush" not in repr(error)


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body without length that ends when the client has enough."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        await write(writer, b" " * 100_000)


async def bomb(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A hundred kilobytes that unpack to a hundred megabytes."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    body = b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()
    await write(writer, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("handle", [endless, bomb])
async def test_a_body_is_read_to_max_body_mb_and_no_further(handle: Handler) -> None:
    async with raw(handle, max_body_mb=2) as client:
        tracemalloc.start()
        try:
            error = await failure(client)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert type(error) is VendorGarbageError
    assert error.message == "acme: report answered with more than max_body_mb (2)."
    assert error.source_code is SourceErrorCode.BAD_PAYLOAD
    assert most < 10_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_body_of_just_max_body_mb_is_read_packed_or_not(encoding: str) -> None:
    body = b'{"rows":[]}'.ljust(1_000_000)
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "identity": body}[encoding]
    headers = {"content-encoding": encoding}
    async with asking(lambda _: Response(packed, headers=headers), max_body_mb=1) as (client, vendor):
        assert (await client.call(REQUEST, read_body)).rows == []
        assert vendor.asked[0].headers["accept-encoding"] == "gzip"


# ---- the request ----------------------------------------------------------------------------------


OWN = {"a": "b", "nonce": "its own"}


async def test_what_is_sent() -> None:
    request = VendorRequest("report", "/report", method="PUT", params={"q": "1 2"}, headers=OWN, json={"c": 1})
    numbers = iter(range(2))
    async with (
        answering(lambda _: {"rows": []}) as (url, vendor),
        client_of(f"{url}/prefix/", sign=lambda: {"nonce": str(next(numbers))}) as client,
    ):
        await client.call(request, read_body)
        await client.call(VendorRequest("report", "/report", method="GET"), read_body)
    first, second = vendor.asked
    assert (first.method, first.path, first.body) == ("PUT", "/prefix/report", {"c": 1})
    assert (first.headers["a"], first.headers["nonce"]) == ("b", "0")  # what is signed counts
    assert (second.method, second.body, second.headers["nonce"]) == ("GET", None, "1")


async def test_credentials_are_not_kept_with_how_requests_begin() -> None:
    kept = []
    async with answering(lambda _: {"rows": []}) as (url, vendor), client_of(url) as client:
        for token in ("old", "new"):
            headers = {"accept": "application/json", "token": token}
            await client.call(VendorRequest("report", "/report", headers=headers), read_body)
            kept.append(transport._begun.cache_info().misses)
    assert kept[0] == kept[1]
    assert [it.headers["token"] for it in vendor.asked] == ["old", "new"]
    assert [it.headers["accept"] for it in vendor.asked] == 2 * ["application/json"]


@pytest.mark.parametrize("value", ["密", "two\r\nlines", "a\r\nsmuggled: b", "a\nsmuggled: b", "a\0", "a "])
@pytest.mark.parametrize("is_signed", [False, True])
async def test_a_credential_that_fits_no_header_is_not_shown(value: str, *, is_signed: bool) -> None:
    unfit = {"token": CREDENTIAL + value}
    request = VendorRequest("report", "/report", headers={} if is_signed else unfit)
    async with asking(lambda _: {"rows": []}, sign=lambda: unfit if is_signed else {}) as (client, vendor):
        error = await failure(client, request)
    assert type(error) is FatalVendorError
    assert vendor.asked == []


async def test_a_reply_shows_neither_headers_nor_body() -> None:
    replies: list[VendorReply] = []
    async with asking(lambda _: JSONResponse(CREDENTIAL, headers={"Set-GUID": CREDENTIAL})) as (client, _):
        await client.call(REQUEST, replies.append)
    assert CREDENTIAL not in repr(replies[0])
    assert replies[0].status == 200


async def test_the_clocks_are_compared_by_the_date_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    for date, skew in ((f"Date: {format_datetime(NOW - timedelta(minutes=7), usegmt=True)}\r\n", 420.0), ("", None)):
        answer = f"{head}{date}\r\n".encode()
        async with raw(lambda _, writer, answer=answer: write(writer, answer)) as client:  # type: ignore[misc]
            assert await client.call(REQUEST, VendorReply.clock_skew_s) == skew


# ---- health ---------------------------------------------------------------------------------------


async def test_health_follows_the_last_answers() -> None:
    async with asking(lambda _: Response(status_code=500)) as (client, vendor):
        assert client.health().state is SourceState.UNKNOWN
        states = []
        for _ in range(3):
            await failure(client)
            states.append(client.health().state)
        assert states == [SourceState.DEGRADED, SourceState.DEGRADED, SourceState.DOWN]
        vendor.answer = lambda _: {"rows": []}
        await client.call(REQUEST, read_body)
        health = client.health()
    assert health.state is SourceState.UP
    assert health.last_success_at is not None
    assert health.last_error is not None
    assert health.last_error.code is SourceErrorCode.UNAVAILABLE


async def test_a_fault_of_ours_is_no_failure_of_the_source() -> None:
    def stumble(_: VendorReply) -> None:
        raise ZeroDivisionError

    async with asking(lambda _: {"rows": []}) as (client, _):
        with pytest.raises(ZeroDivisionError):
            await client.call(REQUEST, stumble)
        assert client.health().state is SourceState.UNKNOWN
        await client.call(REQUEST, read_body)


async def test_what_a_vendor_does_not_have_is_no_failure_of_it() -> None:
    def refuse(_: VendorReply) -> None:
        raise UnsupportedError("no such report", source="acme", endpoint="report")

    async with asking(lambda _: {}) as (client, _):
        with pytest.raises(UnsupportedError):
            await client.call(REQUEST, refuse)
        assert client.health().state is SourceState.UNKNOWN
