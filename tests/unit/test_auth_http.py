"""Authentication at the door: who is not known gets a GraphQL error, and nothing is done for it."""

from typing import Any

import httpx
import pytest
from answering import answering
from callers import GATEWAY_SECRET, bearer, key_settings, keys
from issuing import issuing, token
from loglines import lines, logging_from
from servers import serve

from graph.context import Context
from graph.identity import ANYBODY, DEFAULT_SCOPES, Identity
from graph.server import create_app
from graph.settings import AppSettings, AuthSettings, Secret, build
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
QUERY = {"query": "{ live { memberCount } }"}


def assert_unknown(reply: httpx.Response) -> None:
    """A reply tells nothing but that a credential is needed, and its own id."""
    extensions = {"code": "UNAUTHENTICATED", "requestId": reply.headers["x-request-id"]}
    assert reply.json() == {"errors": [{"message": "A valid credential is needed.", "extensions": extensions}]}
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


def settings_of(auth: AuthSettings, base_url: str = "http://127.0.0.1:9") -> AppSettings:
    """One source, and these callers."""
    source = {"vendor": "quanshi", "base_url": base_url, "token": "t"}
    built = build({"sources": {"one": source}}, TYPES, {})
    return AppSettings(auth=auth, sources=built.sources)


@pytest.fixture
def identities(monkeypatch: pytest.MonkeyPatch) -> list[Identity]:
    """Those that requests are executed for."""
    seen: list[Identity] = []
    create = Context.create

    def spy(*args: Any, **more: Any) -> Context:
        context = create(*args, **more)
        seen.append(context.identity)
        return context

    monkeypatch.setattr(Context, "create", spy)
    return seen


async def test_nothing_is_executed_for_who_is_not_known(identities: list[Identity]) -> None:
    async with (
        answering(lambda _: {"status": 0, "result": {"totalCount": 0, "confList": []}}) as (vendor_url, vendor),
        serve(create_app(settings_of(keys("one"), vendor_url))) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic a2V5IG9mIG9uZQ=="}):
            replies = [
                await http.post("/graphql", json=QUERY, headers=header),
                await http.get("/graphql", params=QUERY, headers=header),
                await http.post("/graphql", content=b"{", headers=header),
                await http.post("/graphql", json={"query": "{ nonsense"}, headers=header),
                await http.post("/graphql", json={"query": "{ __schema { types { name } } }"}, headers=header),
            ]
            for reply in replies:
                assert_unknown(reply)
        assert (identities, vendor.asked) == ([], [])
        reply = await http.post("/graphql", json=QUERY, headers=dict([bearer("key of one")]))
        assert reply.status_code == 200
        assert identities == [Identity(name="one", scopes=DEFAULT_SCOPES)]
        assert vendor.asked


async def test_the_context_knows_the_gateway_and_the_anonymous_caller(identities: list[Identity]) -> None:
    auth = AuthSettings(gateway_secret=Secret(GATEWAY_SECRET))
    async with serve(create_app(settings_of(auth))) as url, httpx.AsyncClient(base_url=url) as http:
        for header, status in ((GATEWAY_SECRET, 200), ("something else", 401)):
            reply = await http.post("/graphql", json=QUERY, headers={"x-confgraph-gateway": header})
            assert reply.status_code == status
        await http.post("/graphql", json=QUERY)
    assert [identity.is_gateway for identity in identities] == [True, False]
    assert identities[1] == ANYBODY


async def test_a_token_of_an_issuer_that_is_down_is_refused_and_one_of_a_running_one_is_not(
    identities: list[Identity],
) -> None:
    sent = token(scope="statistics:read", sources=["one"])
    async with issuing() as issuer:
        auth = AuthSettings(mode="jwt", jwt=issuer.settings())
        async with serve(create_app(settings_of(auth))) as url, httpx.AsyncClient(base_url=url) as http:
            reply = await http.post("/graphql", json=QUERY, headers=dict([bearer(sent)]))
            assert reply.status_code == 200
            reply = await http.post("/graphql", json=QUERY, headers=dict([bearer(sent[:-3])]))
            assert_unknown(reply)
    (identity,) = identities
    assert identity.sources == frozenset({"one"})
    async with serve(create_app(settings_of(auth))) as url, httpx.AsyncClient(base_url=url) as http:
        reply = await http.post("/graphql", json=QUERY, headers=dict([bearer(sent)]))
        assert_unknown(reply)


async def test_health_is_for_everybody_and_metrics_for_who_may_know_all_sources() -> None:
    callers = [
        key_settings("whole"),
        key_settings("unscoped", scopes=["statistics:read"]),
        key_settings("partial", sources=["one"]),
    ]
    auth = AuthSettings(mode="keys", keys=callers)
    async with serve(create_app(settings_of(auth))) as url, httpx.AsyncClient(base_url=url) as http:
        assert [(await http.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        assert_unknown(await http.get("/metrics"))
        for name in ("unscoped", "partial"):
            reply = await http.get("/metrics", headers=dict([bearer(f"key of {name}")]))
            assert reply.status_code == 403
            assert reply.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        reply = await http.get("/metrics", headers=dict([bearer("key of whole")]))
        assert "confgraph_requests_total" in reply.text


async def test_the_log_says_why_and_who_and_never_the_credential(capfd: pytest.CaptureFixture[str]) -> None:
    async with issuing() as issuer:
        auth = AuthSettings(mode="jwt", jwt=issuer.settings(), gateway_secret=Secret(GATEWAY_SECRET))
        sent = [token(), token(exp=1), token(aud="billing"), "secret-that-is-no-token", token("rsa-9")]
        with logging_from("debug"):
            async with serve(create_app(settings_of(auth))) as url, httpx.AsyncClient(base_url=url) as http:
                for one in sent:
                    await http.post("/graphql", json=QUERY, headers=dict([bearer(one)]))
                await http.post("/graphql", json=QUERY, headers={"x-confgraph-gateway": GATEWAY_SECRET + "!"})
    log = capfd.readouterr().err
    told = lines(log)
    reasons = [line["reason"] for line in told if line["event"] == "caller not known"]
    assert reasons == [
        *("ExpiredSignatureError", "InvalidAudienceError", "DecodeError", "unknown key", "gateway secret"),
    ]
    requests = [line for line in told if line["event"] == "request"]
    assert [line["outcome"] for line in requests[1:]] == ["refused"] * 5
    assert requests[0]["caller"].startswith("jwt-")
    assert all("caller" not in line for line in requests[1:])
    for hidden in (*sent, *(part for one in sent for part in one.split(".")), GATEWAY_SECRET, "corp.example", "ada@"):
        assert hidden not in log
