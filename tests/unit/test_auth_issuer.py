"""The keys of an issuer: how often it is asked for them, and what happens when they change or it is down."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from authorities import Authority
from clocks import own_clock
from issuing import AUDIENCE, ISSUER, issuing, private_key, public_entry, token
from jwt.algorithms import RSAAlgorithm
from starlette.responses import JSONResponse, RedirectResponse, Response

from graph.errors import UnauthenticatedError
from graph.server import issuer as module
from graph.server.issuer import FRESH_S, KEEP_S, MAX_BYTES, MAX_KEYS, PAUSE_S, Issuer
from graph.server.jwt import Tokens
from graph.settings import JwtSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return own_clock(monkeypatch)


async def knows(keys: Issuer, kid: str, algorithm: str = "RS256") -> bool:
    return await keys.key(kid, algorithm) is not None


async def test_the_keys_are_read_once_for_all_who_wait_for_them() -> None:
    async with issuing() as issuer:
        issuer.vendor.delay_s = 0.05
        keys = Issuer(f"{issuer.url}/jwks.json")
        assert all(await asyncio.gather(*(knows(keys, "rsa-1") for _ in range(50))))
        assert await knows(keys, "ec-1", "ES256")
        assert issuer.asked == 1
        await keys.aclose()


async def test_whoever_stops_waiting_leaves_the_reading_to_the_others() -> None:
    async with issuing() as issuer:
        issuer.vendor.delay_s = 0.05
        keys = Issuer(f"{issuer.url}/jwks.json")
        first = asyncio.create_task(knows(keys, "rsa-1"))
        second = asyncio.create_task(knows(keys, "rsa-1"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert issuer.asked == 1
        await keys.aclose()


async def test_a_new_key_is_found_and_one_that_was_withdrawn_forgotten(time: list[float]) -> None:
    async with issuing() as issuer:
        keys = Issuer(f"{issuer.url}/jwks.json")
        assert await knows(keys, "rsa-1")
        issuer.published = [public_entry("rsa-2"), public_entry("rsa-1")]
        time[0] += PAUSE_S
        assert await knows(keys, "rsa-2")
        issuer.published = [public_entry("rsa-2")]
        assert await knows(keys, "rsa-1")
        time[0] += FRESH_S + 1
        assert not await knows(keys, "rsa-1")
        assert await knows(keys, "rsa-2")
        assert issuer.asked == 3
        await keys.aclose()


async def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(time: list[float]) -> None:
    async with issuing() as issuer:
        keys = Issuer(f"{issuer.url}/jwks.json")
        for _ in range(3):
            known = await asyncio.gather(*(knows(keys, f"rsa-unknown-{number}") for number in range(300)))
            assert not any(known)
            assert await knows(keys, "rsa-1")
            time[0] += PAUSE_S
        assert issuer.asked == 3
        await keys.aclose()


async def test_known_keys_go_on_for_a_while_when_the_issuer_is_down(time: list[float]) -> None:
    async with issuing() as issuer:
        keys = Issuer(f"{issuer.url}/jwks.json")
        assert await knows(keys, "rsa-1")
        issuer.answer = JSONResponse({"keys": [public_entry("rsa-2")]}, 503)
        time[0] += KEEP_S
        assert await knows(keys, "rsa-1")
        assert issuer.asked == 2
        assert not await knows(keys, "rsa-2")
        time[0] += 1
        assert not await knows(keys, "rsa-1")
        issuer.answer = None
        assert not await knows(keys, "rsa-1")
        time[0] += PAUSE_S
        assert await knows(keys, "rsa-1")
        await keys.aclose()


async def test_an_issuer_that_cannot_be_reached_is_no_fault_of_ours() -> None:
    async with issuing() as issuer:
        keys = Issuer(f"{issuer.url}/jwks.json")
    assert not await knows(keys, "rsa-1")
    await keys.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"{", b"[]", b"5", b"{}", b'{"keys": 5}', b'{"keys": {}}', b'{"keys": [5, null, {}]}', b"\xff"),
        *(b"[" * 100_000, b" " * (MAX_BYTES + 1)),
    ],
    ids=lambda answer: repr(answer[:12]),
)
async def test_what_is_no_set_of_keys_has_none_and_the_known_ones_go_on(answer: bytes, time: list[float]) -> None:
    async with issuing() as issuer:
        keys = Issuer(f"{issuer.url}/jwks.json")
        issuer.answer = Response(answer)
        assert not await knows(keys, "rsa-1")
        issuer.answer = None
        time[0] += PAUSE_S
        assert await knows(keys, "rsa-1")
        assert issuer.asked == 2
        await keys.aclose()


async def test_a_redirect_is_not_followed() -> None:
    async with issuing() as issuer:
        issuer.answer = RedirectResponse("/other.json", 302)
        keys = Issuer(f"{issuer.url}/jwks.json")
        assert not await knows(keys, "rsa-1")
        assert [asked.path for asked in issuer.vendor.asked] == ["/jwks.json"]
        await keys.aclose()


async def test_an_issuer_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    async with issuing() as issuer:
        issuer.vendor.delay_s = 5.0
        keys = Issuer(f"{issuer.url}/jwks.json")
        async with asyncio.timeout(4):
            assert not await knows(keys, "rsa-1")
        await keys.aclose()


async def test_only_public_keys_for_signatures_that_are_long_enough_are_taken() -> None:
    private = RSAAlgorithm.to_jwk(private_key("rsa-2"), as_dict=True)
    secret = {"kty": "oct", "kid": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
    async with issuing() as issuer:
        issuer.published = [
            {**private, "kid": "private", "key_ops": ["verify"]},
            secret,
            public_entry("short-1"),
            public_entry("rsa-2", use="enc"),
            public_entry("rsa-3", key_ops=["encrypt"]),
            public_entry("rsa-4", n="!"),
            public_entry("rsa-5", kty="EC", crv="P-256"),
            public_entry("ec-2", crv="secp256k1"),
            public_entry("ec-3", x="AA"),
            {**public_entry("rsa-1"), "kid": ["rsa-1"]},
            public_entry("rsa-6", alg="PS256", use="sig"),
        ]
        keys = Issuer(f"{issuer.url}/jwks.json")
        for entry in issuer.published[:-2]:
            for algorithm in ("RS256", "ES256", "EdDSA"):
                assert not await knows(keys, entry["kid"], algorithm), entry["kid"]
        assert await knows(keys, "rsa-6", "PS256")
        assert not await knows(keys, "rsa-6", "RS256")
        await keys.aclose()


async def test_a_set_of_very_many_keys_is_not_read_to_its_end() -> None:
    async with issuing() as issuer:
        one = public_entry("rsa-1")
        issuer.published = [{**one, "kid": str(number)} for number in range(MAX_KEYS + 1)]
        keys = Issuer(f"{issuer.url}/jwks.json")
        assert await knows(keys, str(MAX_KEYS - 1))
        assert not await knows(keys, str(MAX_KEYS))
        await keys.aclose()


@contextlib.asynccontextmanager
async def company_issuer(company: Authority) -> AsyncIterator[str]:
    """Where an issuer's keys are that proves itself by an authority of its own."""
    body = json.dumps({"keys": [public_entry("rsa-1")]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + body)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=company.server()) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/jwks.json"


async def test_an_issuer_may_have_an_authority_of_its_company(tmp_path: Path) -> None:
    """Which is trusted where it is configured, and nowhere else."""
    company = Authority(tmp_path)
    async with company_issuer(company) as url:
        settings = JwtSettings(jwks_url=url, issuer=ISSUER, audience=AUDIENCE, ca_file=company.file)
        for trusting in (settings, msgspec.structs.replace(settings, ca_file=None)):
            tokens = Tokens(trusting)
            refusal = contextlib.nullcontext() if trusting.ca_file else pytest.raises(UnauthenticatedError)
            with refusal:
                assert (await tokens.identify(token())).name.startswith("jwt-")
            await tokens.aclose()
