"""Who asks, by keys, and whether a gateway does."""

import hmac
from pathlib import Path
from typing import Any

import pytest
from callers import GATEWAY_SECRET, bearer, hashed, keys
from clocks import own_clock
from starlette.datastructures import Headers

from graph.errors import ConfigError, UnauthenticatedError
from graph.identity import ALL_SCOPES, ANYBODY, DEFAULT_SCOPES, Identity, Scope
from graph.server.auth import MAX_CREDENTIAL, RELOAD_S, Guard
from graph.settings import AuthSettings, KeySettings, Secret, SourceSettings, parse

pytestmark = pytest.mark.anyio


async def asks(guard: Guard, *headers: tuple[str, str]) -> Identity:
    return await guard.authenticate(Headers(raw=[(name.encode(), value.encode()) for name, value in headers]))


async def refused(guard: Guard, *headers: tuple[str, str]) -> str:
    """Why, in the words of the log."""
    with pytest.raises(UnauthenticatedError) as error:
        await asks(guard, *headers)
    assert error.value.message == "A valid credential is needed."
    return error.value.reason


async def test_without_authentication_anybody_may_ask_whatever_is_sent() -> None:
    guard = Guard(AuthSettings())
    assert await asks(guard) == ANYBODY
    assert await asks(guard, bearer("anything")) == ANYBODY
    assert ANYBODY.scopes == ALL_SCOPES


async def test_a_key_is_its_caller_with_scopes_and_sources() -> None:
    settings = AuthSettings(
        mode="keys",
        keys=[
            KeySettings(name="one", sha256=hashed("first")),
            KeySettings(name="two", sha256=hashed("second"), scopes=["pii:read"], sources=["a", "b"]),
            KeySettings(name="three", sha256=hashed("third"), scopes=[], sources=[]),
        ],
    )
    guard = Guard(settings)
    assert await asks(guard, bearer("first")) == Identity(name="one", scopes=DEFAULT_SCOPES)
    second = Identity(name="two", scopes=frozenset({Scope.PII_READ}), sources=frozenset({"a", "b"}))
    assert await asks(guard, ("authorization", "bearer second")) == second
    third = await asks(guard, bearer("third"))
    assert (third.scopes, third.sources) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "no credential"),
        ([("authorization", "")], "no bearer"),
        ([("authorization", "key of one")], "no bearer"),
        ([("authorization", "Basic key of one")], "no bearer"),
        ([("authorization", "Bearer")], "no bearer"),
        ([("authorization", "Bearer ")], "no bearer"),
        ([bearer("key of three")], "unknown key"),
        ([bearer("key of one ")], "unknown key"),
        ([bearer(hashed("key of one"))], "unknown key"),
        ([bearer("ключ")], "no bearer"),
        ([bearer("key of one"), bearer("key of one")], "several credentials"),
        ([bearer("x" * (MAX_CREDENTIAL + 1))], "too long"),
        ([("x-api-key", "key of one")], "no credential"),
    ],
)
async def test_without_a_known_key_nobody_is_known(headers: list[tuple[str, str]], reason: str) -> None:
    assert await refused(Guard(keys("one", "two")), *headers) == reason


async def test_a_key_is_compared_with_all_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the first nor the last nor none can be told from how much is compared."""
    compared: list[bool] = []

    def compare(a: bytes, b: bytes, of: Any = hmac.compare_digest) -> bool:
        compared.append(of(a, b))
        return compared[-1]

    monkeypatch.setattr(hmac, "compare_digest", compare)
    guard = Guard(keys("one", "two", "three"))
    for name in ("one", "two", "three"):
        assert (await asks(guard, bearer(f"key of {name}"))).name == name
        assert (len(compared), sum(compared)) == (3, 1)
        compared.clear()
    await refused(guard, bearer("key of nobody"))
    assert compared == [False] * 3


async def test_a_gateway_proves_itself_besides_its_caller() -> None:
    guard = Guard(keys("one", gateway_secret=Secret(GATEWAY_SECRET)))
    gateway = ("x-confgraph-gateway", GATEWAY_SECRET)
    assert not (await asks(guard, bearer("key of one"))).is_gateway
    caller = await asks(guard, bearer("key of one"), gateway)
    assert (caller.name, caller.is_gateway) == ("one", True)
    assert await refused(guard, gateway) == "no credential"
    for wrong in (GATEWAY_SECRET[:-1], GATEWAY_SECRET.upper(), "", "тайна"):
        assert await refused(guard, bearer("key of one"), ("x-confgraph-gateway", wrong)) == "gateway secret"
    assert await refused(guard, bearer("key of one"), gateway, gateway) == "gateway secret"


async def test_a_gateway_may_stand_before_anybody_and_without_a_secret_nobody_is_one() -> None:
    gateway = ("x-confgraph-gateway", GATEWAY_SECRET)
    assert (await asks(Guard(AuthSettings(gateway_secret=Secret(GATEWAY_SECRET))), gateway)).is_gateway
    assert await asks(Guard(AuthSettings()), gateway) == ANYBODY


async def test_a_gateway_secret_of_a_file_is_read_again_and_not_for_each_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = own_clock(monkeypatch)
    file = tmp_path / "secret"
    file.write_text(GATEWAY_SECRET)
    settings = parse(f'[auth]\ngateway_secret_file = "{file}"', {}, {}).auth
    guard = Guard(settings)
    new = ("x-confgraph-gateway", "another-secret-of-the-gateway")
    file.write_text(new[1])
    assert await refused(guard, new) == "gateway secret"
    time[0] += RELOAD_S
    assert (await asks(guard, new)).is_gateway
    assert await refused(guard, ("x-confgraph-gateway", GATEWAY_SECRET)) == "gateway secret"


async def test_a_websocket_brings_its_credential_in_its_first_message() -> None:
    guard = Guard(keys("one", gateway_secret=Secret(GATEWAY_SECRET)))
    for name in ("Authorization", "authorization"):
        assert (await guard.authenticate_connection({name: "Bearer key of one"}, Headers())).name == "one"
    forged: list[dict[str, object]] = [
        {},
        {"Authorization": None},
        {"Authorization": ["Bearer key of one"]},
        {"Authorization": "Bearer key of two"},
        {"Authorization": "Bearer \ud800"},
        {"Authorization": "Bearer key of one", "authorization": "Bearer key of one"},
        {"token": "key of one"},
    ]
    for payload in forged:
        with pytest.raises(UnauthenticatedError):
            await guard.authenticate_connection(payload, Headers())
    assert await Guard(AuthSettings()).authenticate_connection({}, Headers()) == ANYBODY


async def test_what_the_first_message_of_a_websocket_does_not_say_its_handshake_may() -> None:
    """A credential of the message counts more: it is nearer to the person."""
    guard = Guard(keys("one", "two", gateway_secret=Secret(GATEWAY_SECRET)))
    handshake = Headers(dict([bearer("key of one"), ("x-confgraph-gateway", GATEWAY_SECRET)]))
    caller = await guard.authenticate_connection({}, handshake)
    assert (caller.name, caller.is_gateway) == ("one", True)
    assert (await guard.authenticate_connection({"authorization": "Bearer key of two"}, handshake)).name == "two"
    secret = {"X-Confgraph-Gateway": GATEWAY_SECRET}
    assert (await guard.authenticate_connection(secret, Headers(dict([bearer("key of one")])))).is_gateway
    wrong: list[dict[str, object]] = [
        {"Authorization": "Bearer key of three"},
        {"x-confgraph-gateway": [GATEWAY_SECRET]},
    ]
    for payload in wrong:
        with pytest.raises(UnauthenticatedError):
            await guard.authenticate_connection(payload, handshake)


HEX = "a" * 64
KEY = f'[[auth.keys]]\nname = "a"\nsha256 = "{HEX}"\n'
KEYS = f'[auth]\nmode = "keys"\n{KEY}'
JWT = """[auth]
mode = "jwt"
[auth.jwt]
jwks_url = "https://issuer.example/k?v=1"
issuer = "i"
audience = "confgraph"
"""
ALGORITHMS = 'expected some of "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"'
PLAIN = "expected https://; keys that come over plain http may be anybody's"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[auth]\nmode = "open"', 'auth.mode: expected one of "none", "keys", "jwt"'),
        ('[auth]\nmode = "keys"', 'auth.keys: missing; mode "keys" needs at least one, `confgraph key NAME` makes it'),
        ('[auth]\nmode = "jwt"', 'auth.jwt: missing; mode "jwt" needs this table'),
        (KEY, 'auth.keys: given, and mode is "none"'),
        (JWT.replace('"jwt"', '"none"'), 'auth.jwt: given, and mode is "none"'),
        ("[auth]\nkeys = 5", "auth.keys: Expected `array`, got `int`"),
        ("[auth]\nkeys = [5]", "auth.keys[0]: expected a table"),
        ("[auth]\njwt = []", "auth.jwt: expected a table"),
        (KEYS + "[[auth.keys]]\nname = 'b'", "auth.keys[1].sha256: missing"),
        (KEYS.replace(HEX, HEX.upper()), "auth.keys[0].sha256: expected 64 hex digits in lower case"),
        (KEYS.replace('"a"', '""'), "auth.keys[0].name: expected 1 to 64 letters, digits, '.', '_' and '-'"),
        (KEYS.replace('"a"', '"two words"'), "auth.keys[0].name: expected 1 to 64 letters, digits, '.', '_' and '-'"),
        (KEYS.replace('"a"', f'"{HEX}a"'), "auth.keys[0].name: expected 1 to 64 letters, digits, '.', '_' and '-'"),
        (KEYS.replace('"a"', '"-a"'), "auth.keys[0].name: expected 1 to 64 letters, digits, '.', '_' and '-'"),
        (KEYS.replace('"a"', '"a\\nb"'), "auth.keys[0].name: expected 1 to 64 letters, digits, '.', '_' and '-'"),
        (KEYS + "key = 'x'", "auth.keys[0].key: unknown key"),
        (KEYS + "sources = 'a'", "auth.keys[0].sources: Expected `array | null`, got `str`"),
        (
            KEYS + "scopes = ['pii']",
            'auth.keys[0].scopes: expected some of "conferences:read", "statistics:read", "pii:read", "sources:read"',
        ),
        (JWT + "algorithms = ['none']", f"auth.jwt.algorithms: {ALGORITHMS}"),
        (JWT + "algorithms = ['RS256', 'HS256']", f"auth.jwt.algorithms: {ALGORITHMS}"),
        (JWT + "algorithms = []", f"auth.jwt.algorithms: {ALGORITHMS}"),
        (JWT + "ca_file = 'nowhere.pem'", "auth.jwt.ca_file: cannot be read: No such file or directory"),
        (JWT + "leeway_s = 301", "auth.jwt.leeway_s: expected 0 to 300"),
        (JWT.replace('"confgraph"', '""'), "auth.jwt.audience: Expected `str`, got an empty one"),
        (JWT.replace("https://", "http://"), f"auth.jwt.jwks_url: {PLAIN}"),
        (JWT.replace("https://", "http://127.0.0.1."), f"auth.jwt.jwks_url: {PLAIN}"),
        (JWT.replace("https://", "https://me:pa55@"), "auth.jwt.jwks_url: credentials do not belong into an address"),
        (
            "[auth]\ngateway_secret = 'short'",
            "auth.gateway_secret: expected at least 16 characters that fit a header",
        ),
        ("[auth]\nentities_by_gateway_only = true", "auth.entities_by_gateway_only: needs a gateway_secret"),
    ],
)
def test_a_fault_names_its_key_also_in_a_list(text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, {}, {})
    assert error.value.faults == [fault]


def test_a_key_for_a_source_that_is_none_is_a_fault() -> None:
    source = '[sources.acme]\nvendor = "acme"\nbase_url = "https://acme.example"\n'
    vendors = {"acme": SourceSettings}
    assert parse(source + KEYS + "sources = ['acme']", vendors, {}).auth.keys[0].sources == ["acme"]
    with pytest.raises(ConfigError) as error:
        parse(source + KEYS + "sources = ['acme', 'other']", vendors, {})
    assert error.value.faults == ['auth.keys[0].sources: expected some of "acme"']


def test_keys_must_differ_in_name_and_hash() -> None:
    with pytest.raises(ConfigError) as error:
        parse(KEYS + KEY, {}, {})
    assert error.value.faults == [
        f"auth.keys[{n}].{key}: another key has the same"
        for key, n in (
            *(("name", 0), ("name", 1)),
            *(("sha256", 0), ("sha256", 1)),
        )
    ]


def test_a_good_table_of_each_mode() -> None:
    assert parse(JWT.replace("https://issuer.example", "http://127.0.0.1:5"), {}, {}).auth.jwt
    (key,) = parse(KEYS + "scopes = ['pii:read']", {}, {}).auth.keys
    assert (key.name, key.scopes, key.sources) == ("a", ["pii:read"], None)


def test_keys_may_come_from_the_environment_as_json() -> None:
    environ = {"CONFGRAPH_AUTH__MODE": "keys", "CONFGRAPH_AUTH__KEYS": f'[{{"name": "b", "sha256": "{HEX}"}}]'}
    assert [key.name for key in parse(KEYS, {}, environ).auth.keys] == ["b"]
    jwt = {
        f"CONFGRAPH_AUTH__JWT__{key}": value
        for key, value in (("ISSUER", "me"), ("LEEWAY_S", "3"), ("ALGORITHMS", '["ES256"]'))
    }
    table = parse(JWT, {}, jwt).auth.jwt
    assert table
    assert (table.issuer, table.leeway_s, table.algorithms) == ("me", 3.0, ["ES256"])
    for text in ("{", "{}", "5"):
        with pytest.raises(ConfigError) as error:
            parse("", {}, {"CONFGRAPH_AUTH__MODE": "keys", "CONFGRAPH_AUTH__KEYS": text})
        assert error.value.faults[0].startswith("auth.keys: Expected")
