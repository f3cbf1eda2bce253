"""The connection to the Valkey that replicas share: what it survives, and what it never tells."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from authorities import Authority
from faulty import Line
from valkeys import running_valkey

from graph.cache import valkey as valkeys
from graph.cache.shared import connected
from graph.settings import CacheSettings, Secret

pytestmark = pytest.mark.anyio

PASSWORD = "hush-password-of-the-cache"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkeys, "PAUSE_S", 0.0)


def ping(redis: Any) -> Awaitable[bool]:
    answer: Awaitable[bool] = redis.ping()
    return answer


@contextlib.asynccontextmanager
async def answering(reply: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port that answers everything with the same bytes, and what it was told."""
    told: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                told.append(data)
                writer.write(reply)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1], told


async def test_memory_makes_no_connection() -> None:
    async with connected(CacheSettings()) as valkey:
        assert valkey is None


async def test_one_that_never_was_there_is_away(capfd: pytest.CaptureFixture[str]) -> None:
    async with answering(b"") as (port, _):
        pass
    settings = CacheSettings(url=f"valkey://127.0.0.1:{port}/0", password=Secret(PASSWORD))
    async with connected(settings) as valkey:
        assert valkey
        assert [await valkey.ask(ping) for _ in range(3)] == [None, None, None]
    assert capfd.readouterr().err.count("shared cache away") == 1, "told once"


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$x\r\n", b"*x\r\n", b"-ERR \xff\r\n"])
async def test_something_else_that_listens_there_is_as_good_as_away(reply: bytes) -> None:
    async with answering(reply) as (port, _), connected(CacheSettings(url=f"valkey://127.0.0.1:{port}/0")) as valkey:
        assert valkey
        assert [await valkey.ask(ping) for _ in range(2)] == [None, None]


async def test_one_that_comes_back_is_asked_over_connections_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """The connections of before are given up together: else each would fail in its turn."""

    async def slow(redis: Any) -> bool:
        return bool(await redis.execute_command("WAIT", 1, 20) == 0)

    with running_valkey() as server:
        async with connected(CacheSettings(url=server.url)) as valkey:
            assert valkey
            assert await asyncio.gather(*(valkey.ask(slow) for _ in range(8))) == [True] * 8
            server.hang()
            assert await valkey.ask(ping) is None
            server.kill()
            server.start()
            assert [await valkey.ask(slow) for _ in range(2)] == [True, True]
            assert await asyncio.gather(*(valkey.ask(slow) for _ in range(8))) == [True] * 8
    told = capfd.readouterr().err
    assert (told.count("shared cache away"), told.count("shared cache back")) == (1, 1)


@pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"use_uvloop": is_it}) for is_it in (False, True)], ids=["asyncio", "uvloop"]
)
async def test_an_idle_connection_that_was_reset_is_no_fault() -> None:
    """It may count as an outage, but who asks meanwhile gets an answer."""
    with running_valkey() as server:
        async with Line() as line:
            line.to = f"http://127.0.0.1:{server.port}"
            async with connected(CacheSettings(url=line.url.replace("http:", "valkey:"))) as valkey:
                assert valkey
                assert await valkey.ask(ping)
                for end in line._ends:
                    end.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    end.transport.abort()
                await asyncio.sleep(0.1)
                assert await valkey.ask(ping) in (True, None)
                assert await valkey.ask(ping)


async def test_more_callers_than_connections_wait_their_turn() -> None:
    with running_valkey() as server:
        async with connected(CacheSettings(url=server.url)) as valkey:
            assert valkey
            assert all(await asyncio.gather(*(valkey.ask(ping) for _ in range(5 * valkeys.MAX_CONNECTIONS))))


async def test_the_password_is_sent_and_never_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One that was renewed in its file is read again once the old one was refused."""
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    with running_valkey() as server:
        async with connected(CacheSettings(url=server.url)) as admin:
            assert admin
            assert await admin.ask(lambda redis: redis.config_set("requirepass", f"{PASSWORD}-2"))
        settings = CacheSettings(url=server.url, password=Secret(PASSWORD, file))
        async with connected(settings) as valkey:
            assert valkey
            assert await valkey.ask(ping) is None
            file.write_text(f"{PASSWORD}-2", encoding="utf-8")
            assert await valkey.ask(ping) is None
            assert await valkey.ask(ping) is True
            shown = f"{valkey!r} {valkey} {settings!r} {vars(valkey)}"
    assert PASSWORD not in shown + capfd.readouterr().err


@pytest.mark.parametrize(
    ("host", "is_vouched_for", "is_good"),
    [("localhost", True, True), ("localhost", False, False), ("127.0.0.1", True, False)],
)
@pytest.mark.parametrize("scheme", ["valkeys", "rediss"])
async def test_tls_wants_a_good_certificate_of_that_name(
    scheme: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_vouched_for: bool, is_good: bool
) -> None:
    """Before anything is told: with the password, least of all."""
    authority = Authority(tmp_path)
    if is_vouched_for:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with answering(b"-ERR\r\n", authority.server()) as (port, told):
        settings = CacheSettings(url=f"{scheme}://{host}:{port}/0", password=Secret(PASSWORD))
        async with connected(settings) as valkey:
            assert valkey
            assert await valkey.ask(ping) is None
    assert (PASSWORD.encode() in b"".join(told)) == is_good
    assert bool(told) == is_good
