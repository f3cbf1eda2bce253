"""Nothing is told to a vendor that cannot prove who it is, and no setting changes that."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from answering import answering
from asking import CREDENTIAL, REQUEST, Body, asking, client_of, failure, hang, read_body
from authorities import DAY, Authority
from mirrors import TYPES
from starlette.responses import RedirectResponse

from graph.errors import ConfigError, SourceErrorCode, VendorRefusedError, VendorTimeoutError, VendorUnreachableError
from graph.settings import build
from graph.transport.connections import tls_context

pytestmark = pytest.mark.anyio

UNREACHED = "acme: report could not be reached"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"rows":[]}'


@contextlib.asynccontextmanager
async def speaking(tls: ssl.SSLContext | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """The port of a vendor, and what it was told."""
    told: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            told.append(await reader.read(65536))
            writer.write(OK)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1], told


async def test_a_company_may_have_an_authority_of_its_own(tmp_path: Path) -> None:
    company = Authority(tmp_path)
    async with speaking(company.server()) as (port, told), client_of(f"https://localhost:{port}") as stranger:
        await failure(stranger)
        assert CREDENTIAL.encode() not in b"".join(told)
        async with client_of(f"https://localhost:{port}", ca_file=company.file) as client:
            assert await client.call(REQUEST, read_body) == Body([])
    assert CREDENTIAL.encode() in b"".join(told)


@pytest.mark.parametrize(
    ("host", "name", "lasts", "is_trusted"),
    [
        ("localhost", "localhost", DAY, False),
        ("127.0.0.1", "localhost", DAY, True),
        ("localhost", "vendor.example", DAY, True),
        ("localhost", "localhost", timedelta(hours=-1), True),
    ],
    ids=["unknown authority", "address instead of name", "another name", "run out"],
)
async def test_a_bad_certificate_is_told_nothing(
    host: str, name: str, lasts: timedelta, tmp_path: Path, *, is_trusted: bool
) -> None:
    company, other = Authority(tmp_path), Authority(tmp_path, "other")
    file = company.file if is_trusted else other.file
    async with (
        speaking(company.server(name, lasts)) as (port, told),
        client_of(f"https://{host}:{port}", ca_file=file) as client,
    ):
        error = await failure(client)
    assert type(error) is VendorUnreachableError
    assert error.source_code is SourceErrorCode.UNAVAILABLE
    assert error.message == f"{UNREACHED}: its certificate is not to be trusted."
    assert b"".join(told) == b""


async def test_a_vendor_that_speaks_no_tls_is_told_nothing() -> None:
    async with speaking(None) as (port, told), client_of(f"https://localhost:{port}") as client:
        error = await failure(client)
    assert type(error) is VendorUnreachableError
    assert error.message == f"{UNREACHED}: no TLS of version 1.2 or later could be agreed on."
    assert CREDENTIAL.encode() not in b"".join(told)


async def test_a_vendor_that_never_agrees_on_a_key_is_waited_for_no_longer_than_any() -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang(reader, writer)
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server, asyncio.timeout(10):
        async with client_of(f"https://localhost:{server.sockets[0].getsockname()[1]}", timeout_s=0.2) as client:
            assert type(await failure(client)) is VendorTimeoutError
        await gone.wait()


async def test_tls_of_yesterday_is_refused(tmp_path: Path) -> None:
    """Its ciphers could be agreed on by both sides, were it not for its age."""
    company = Authority(tmp_path)
    tls = company.server()
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    async with (
        speaking(tls) as (port, told),
        client_of(f"https://localhost:{port}", ca_file=company.file) as client,
    ):
        assert type(await failure(client)) is VendorUnreachableError
    assert b"".join(told) == b""


def test_an_authority_of_the_company_comes_besides_those_everybody_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which the environment of the process takes none away, and adds none."""
    known = tls_context().cert_store_stats()["x509_ca"]
    company = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(company.file))
    assert known > 50
    tls_context.cache_clear()
    assert tls_context().cert_store_stats()["x509_ca"] == known
    context = tls_context(company.file)
    assert context.cert_store_stats()["x509_ca"] == known + 1
    assert context.check_hostname
    assert (context.verify_mode, context.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("is_off_host", [False, True])
async def test_redirects_carry_credentials_nowhere(status: int, *, is_off_host: bool) -> None:
    async with answering(lambda _: {"rows": []}) as (url, elsewhere):
        place = f"{url}/report" if is_off_host else "/elsewhere"
        async with asking(lambda _: RedirectResponse(place, status)) as (client, vendor):
            error = await failure(client)
    assert type(error) is VendorRefusedError
    assert error.status == status
    assert [asked.path for asked in vendor.asked] == ["/report"]
    assert elsewhere.asked == []


# ---- settings -------------------------------------------------------------------------------------


def faults(base: Path = Path(), **changed: object) -> list[str]:
    """What is wrong with a source that has changed settings."""
    table = {"vendor": "quanshi", "base_url": "https://vendor.example", "token": "t", **changed}
    try:
        build({"sources": {"a": table}}, TYPES, {}, base)
    except ConfigError as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize("host", ["vendor.example", "10.0.0.7", "[fd00::7]", "localhost.example", "127.0.0.1.example"])
def test_plain_http_leaves_the_machine_only_where_somebody_insists(host: str) -> None:
    (fault,) = faults(base_url=f"http://{host}/prefix")
    assert fault.startswith("sources.a.base_url: expected https://")
    assert faults(base_url=f"http://{host}/prefix", allow_plain_http=True) == []
    assert faults(base_url=f"https://{host}/prefix") == []


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "127.1.2.3:80", "[::1]:1"])
def test_plain_http_may_stay_on_the_machine(host: str) -> None:
    assert faults(base_url=f"http://{host}") == []


def broken(folder: Path) -> None:
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda _: None, "cannot be read: No such file or directory"),
        (lambda folder: (folder / "ca.pem").mkdir(), None),
        (lambda folder: (folder / "ca.pem").write_text("no certificate"), "expected certificates in PEM"),
        (broken, "expected certificates in PEM"),
    ],
    ids=["absent", "folder", "text", "broken"],
)
def test_a_ca_file_is_looked_into_at_the_start(
    make: Callable[[Path], object], fault: str | None, tmp_path: Path
) -> None:
    make(tmp_path)
    (found,) = faults(tmp_path, ca_file="ca.pem")
    assert found.startswith("sources.a.ca_file: ")
    assert fault is None or found == f"sources.a.ca_file: {fault}"


def test_a_ca_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    Authority(tmp_path, "ca")
    assert faults(tmp_path, ca_file="ca.pem") == []
    assert faults(ca_file=str(tmp_path / "ca.pem")) == []
    assert faults(ca_file=5) == ["sources.a.ca_file: Expected `str`, got `int`"]
