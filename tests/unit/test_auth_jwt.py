"""Tokens of an issuer that runs on loopback: which are good, and whose they are."""

import base64
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuing import AUDIENCE, ISSUER, TestIssuer, claims, issuing, private_key, public_entry, token

from graph.errors import UnauthenticatedError
from graph.identity import ALL_SCOPES, DEFAULT_SCOPES, Identity, Scope
from graph.server.jwt import Tokens

pytestmark = pytest.mark.anyio

AB, NONE = frozenset({"a", "b"}), frozenset[str]()


async def identified(issuer: TestIssuer, sent: str, **settings: Any) -> Identity:
    tokens = Tokens(issuer.settings(**settings))
    try:
        return await tokens.identify(sent)
    finally:
        await tokens.aclose()


def encoded(part: Any) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode(errors="replace")).rstrip(b"=").decode()


def signed_by_hand(header: Any, payload: Any, signature: bytes = b"x") -> str:
    return f"{encoded(header)}.{encoded(payload)}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_with_the_public_key() -> str:
    """HS256 over the bytes that everybody can read: a library that takes any algorithm would find it good."""
    pem = private_key("rsa-1").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}
    body = f"{encoded(header)}.{encoded(claims())}"
    hmac = jwt.get_algorithm_by_name("HS256")
    return f"{body}.{base64.urlsafe_b64encode(hmac.sign(body.encode(), pem)).rstrip(b'=').decode()}"


def with_payload_of(other: dict[str, Any]) -> str:
    head, _, signature = token().split(".")
    return f"{head}.{encoded(other)}.{signature}"


def by_another_key() -> str:
    return jwt.encode(claims(), private_key("rsa-2"), "RS256", headers={"kid": "rsa-1"})


def with_header(**header: Any) -> str:
    return jwt.encode(claims(), private_key("rsa-1"), "RS256", headers=header)


@pytest.mark.parametrize("kid", ["rsa-1", "ec-1", "ed-1"])
async def test_a_good_token_of_any_kind_of_key_is_known(kid: str) -> None:
    async with issuing() as issuer:
        issuer.published.append(public_entry("ed-1"))
        caller = await identified(issuer, token(kid), algorithms=["RS256", "ES256", "EdDSA"])
    assert (caller.scopes, caller.sources, caller.is_gateway) == (DEFAULT_SCOPES, None, False)


async def test_a_name_tells_callers_apart_and_holds_nothing_of_them() -> None:
    async with issuing() as issuer:
        names = [
            (await identified(issuer, token(**subject))).name
            for subject in (
                {},
                {"jti": "another of the same"},
                {"sub": "bob@corp.example"},
                {"sub": None, "client_id": "dashboard"},
                {"sub": None, "azp": "reports"},
                {"sub": None},
            )
        ]
    assert names[0] == names[1]
    assert len(set(names)) == 5
    assert not any(said in name for name in names for said in ("ada", "bob", "dashboard", "reports"))


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ("conferences:read pii:read", {Scope.CONFERENCES_READ, Scope.PII_READ}),
        (["conferences:read", "pii:read"], {Scope.CONFERENCES_READ, Scope.PII_READ}),
        ("openid profile sources:read", {Scope.SOURCES_READ}),
        (" ".join(scope.value for scope in Scope), set(ALL_SCOPES)),
        (["statistics:read", 5, None, ["pii:read"]], {Scope.STATISTICS_READ}),
        ("", set()),
        ([], set()),
        (5, set()),
        ({"pii:read": True}, set()),
        ("PII:READ pii:read,sources:read", set()),
    ],
)
async def test_the_scopes_are_what_the_claim_says_and_what_it_says_otherwise_allows_nothing(
    said: Any, scopes: set[Scope]
) -> None:
    async with issuing() as issuer:
        assert (await identified(issuer, token(scope=said))).scopes == scopes
        assert (await identified(issuer, token(scp=said), scopes_claim="scp")).scopes == scopes


@pytest.mark.parametrize(
    ("said", "sources"),
    [(["a", "b"], AB), ("a b", AB), ([], NONE), ("", NONE), (7, NONE), ({"a": 1}, NONE)],
)
async def test_the_sources_are_those_of_the_claim(said: Any, sources: frozenset[str]) -> None:
    async with issuing() as issuer:
        assert (await identified(issuer, token(sources=said))).sources == sources
        assert (await identified(issuer, token(companies=said), sources_claim="companies")).sources == sources


NOW = int(time.time())
UNSIGNED: Any = None
REFUSED: dict[str, Callable[[], str]] = {
    "expired": lambda: token(exp=NOW - 60),
    "without exp": lambda: token(exp=None),
    "exp that is no number": lambda: token(exp="soon"),
    "endless exp": lambda: token(exp=float("inf")),
    "not yet": lambda: token(nbf=NOW + 86_400),
    "of another issuer": lambda: token(iss="https://other.example"),
    "without iss": lambda: token(iss=None),
    "for somebody else": lambda: token(aud="billing"),
    "for several others": lambda: token(aud=["billing", "shop"]),
    "without aud": lambda: token(aud=None),
    "unsigned": lambda: jwt.encode(claims(), UNSIGNED, "none", headers={"kid": "rsa-1"}),
    "unsigned in capitals": lambda: signed_by_hand({"alg": "NONE", "kid": "rsa-1"}, claims(), b""),
    "signed with the public key": signed_with_the_public_key,
    "by an algorithm that is not listed": lambda: token(algorithm="RS512"),
    "without algorithm": lambda: signed_by_hand({"kid": "rsa-1"}, claims()),
    "algorithms in a list": lambda: signed_by_hand({"alg": ["RS256"], "kid": "rsa-1"}, claims()),
    "by another key": by_another_key,
    "by a key of another kind": lambda: with_header(kid="ec-1"),
    "ec over rsa": lambda: jwt.encode(claims(), private_key("ec-1"), "ES256", headers={"kid": "rsa-1"}),
    "by a key that is not published": lambda: token("rsa-3"),
    "that brings its own key": lambda: with_header(kid="rsa-3", jwk=public_entry("rsa-1"), jku="http://127.0.0.1/"),
    "without kid": with_header,
    "with a kid that is no text": lambda: signed_by_hand({"alg": "RS256", "kid": 1}, claims()),
    "with other claims": lambda: with_payload_of(claims(scope="pii:read")),
    "with a payload that is no object": lambda: signed_by_hand({"alg": "RS256", "kid": "rsa-1"}, [1]),
    "with a payload elsewhere": lambda: signed_by_hand(
        {"alg": "RS256", "kid": "rsa-1", "b64": False, "crit": ["b64"]}, claims()
    ),
    "with a demand that nobody knows": lambda: with_header(kid="rsa-1", crit=["x"], x=1),
    "deep": lambda: signed_by_hand("[" * 5000, {}),
    "no token": lambda: "a.b",
    "no base64": lambda: "§.§.§",
    "empty parts": lambda: "..",
    "not text": lambda: "\udcff.\udcff.\udcff",
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_no_other_token_is_good_and_the_caller_is_not_told_why(kind: str) -> None:
    async with issuing() as issuer:
        tokens = Tokens(issuer.settings())
        with pytest.raises(UnauthenticatedError) as refused:
            await tokens.identify(REFUSED[kind]())
        assert refused.value.message == UnauthenticatedError("anything").message
        assert refused.value.__cause__ is None
        assert await tokens.identify(token())
        await tokens.aclose()


ODD: list[Any] = [None, True, -1, 1e300, float("nan"), "", "x", "\ud800", [], ["x", 1], {}, {"x": [None]}]


@pytest.mark.parametrize("value", ODD, ids=repr)
async def test_odd_values_where_a_token_has_others_are_no_fault_of_ours(value: Any) -> None:
    """In the header, and in the claims of tokens that the issuer has signed all the same."""
    headers = ("alg", "kid", "typ", "cty", "crit", "b64", "zip", "jwk", "jku", "x5c")
    named = ("iss", "aud", "exp", "nbf", "iat", "sub", "jti", "azp", "client_id", "scope", "sources")
    good = {"alg": "RS256", "kid": "rsa-1"}
    rs256 = jwt.get_algorithm_by_name("RS256")
    sent = [({**good, name: value}, claims()) for name in headers]
    sent += [(good, {**claims(), name: value}) for name in named]
    sent += [(good, value), (value, claims())]
    async with issuing() as issuer:
        tokens = Tokens(issuer.settings())
        for header, payload in sent:
            signed = f"{encoded(header)}.{encoded(payload)}".encode()
            signature = rs256.sign(signed, private_key("rsa-1"))
            with contextlib.suppress(UnauthenticatedError):
                assert isinstance(await tokens.identify(signed_by_hand(header, payload, signature)), Identity)
        await tokens.aclose()


async def test_clocks_may_differ_by_the_leeway() -> None:
    async with issuing() as issuer:
        sent = token(exp=int(time.time()) - 30)
        assert await identified(issuer, sent, leeway_s=60.0)
        with pytest.raises(UnauthenticatedError):
            await identified(issuer, sent, leeway_s=5.0)


async def test_one_audience_of_several_is_enough() -> None:
    async with issuing() as issuer:
        assert await identified(issuer, token(aud=["billing", AUDIENCE], iss=ISSUER))
