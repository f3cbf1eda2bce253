"""An issuer of tokens on loopback, with keys of its own, that counts how often it is asked for them."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from answering import Vendor, answering
from credentials import made
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from graph.settings import JwtSettings

ISSUER, AUDIENCE = "https://issuer.example", "confgraph"


@cache
def private_key(kid: str) -> Any:
    """The private key of an id, of the kind that its first word says; generated once."""
    kind = kid.partition("-")[0]
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ed":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "short" else 2048)


def public_entry(kid: str, **more: Any) -> dict[str, Any]:
    """A key as a set shows it."""
    kinds: dict[str, Any] = {"ec": ECAlgorithm, "ed": OKPAlgorithm}
    kind = kinds.get(kid.partition("-")[0], RSAAlgorithm)
    return {**kind.to_jwk(private_key(kid).public_key(), as_dict=True), "kid": kid, **more}


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token, with changes; None leaves one out."""
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada@corp.example", "exp": int(time.time()) + 600, **changes}
    return {name: value for name, value in made.items() if value is not None}


def token(kid: str = "rsa-1", algorithm: str | None = None, **changes: Any) -> str:
    """A token signed with the key of that id."""
    by_kind = {"ec": "ES256", "ed": "EdDSA"}.get(kid.partition("-")[0], "RS256")
    return made(jwt.encode(claims(**changes), private_key(kid), algorithm or by_kind, headers={"kid": kid}))


@dataclass
class TestIssuer:
    """What it publishes may be changed at any time; `answer` instead of a set where it is not None."""

    __test__ = False

    url: str = ""
    published: list[dict[str, Any]] = field(default_factory=lambda: [public_entry("rsa-1"), public_entry("ec-1")])
    answer: Any = None
    vendor: Vendor = field(init=False)

    @property
    def asked(self) -> int:
        """How often it was asked for its keys."""
        return len(self.vendor.asked)

    def settings(self, **changes: Any) -> JwtSettings:
        """Those that trust it."""
        return JwtSettings(
            **{"jwks_url": f"{self.url}/jwks.json", "issuer": ISSUER, "audience": AUDIENCE, "leeway_s": 0.0, **changes}
        )

    def table(self) -> str:
        """`[auth]` in a file."""
        settings = {key: getattr(self.settings(), key) for key in ("jwks_url", "issuer", "audience")}
        return '[auth]\nmode = "jwt"\n[auth.jwt]\n' + "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items())


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[TestIssuer]:
    """An issuer that runs."""
    issuer = TestIssuer()
    async with answering(lambda _: {"keys": issuer.published} if issuer.answer is None else issuer.answer) as running:
        issuer.url, issuer.vendor = running
        yield issuer
