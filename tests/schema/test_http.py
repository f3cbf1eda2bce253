"""GraphQL over HTTP: what comes before a query is executed."""

import httpx
import pytest
from servers import serve

from graph.server import create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b'"x"', b"1", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b"{}", b"[]", b'{"query": 1}', b'{"query": ""}'],
    ids=lambda body: repr(body[:12]),
)
async def test_a_body_that_is_no_request_is_refused_and_never_a_fault_of_ours(body: bytes) -> None:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient() as http:
        reply = await http.post(f"{url}/graphql", content=body, headers=JSON)
        assert reply.status_code == 400
        assert (await http.get(f"{url}/healthz")).status_code == 200


async def test_the_request_id_of_a_client_is_kept_where_it_is_harmless() -> None:
    query = {"query": "{ __typename }"}
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as http:
        reply = await http.post("/graphql", json=query, headers={"x-request-id": "abc-12345"})
        assert reply.headers["x-request-id"] == "abc-12345"
        for harmful in ("short", "x" * 65, 'quote"quote"'):
            reply = await http.post("/graphql", json=query, headers={"x-request-id": harmful})
            assert reply.headers["x-request-id"] != harmful


async def test_introspection_can_be_turned_off() -> None:
    query = {"query": "{ __schema { queryType { name } } }"}
    for introspection in (True, False):
        settings = AppSettings(server=ServerSettings(introspection=introspection))
        async with serve(create_app(settings)) as url, httpx.AsyncClient() as http:
            answer = (await http.post(f"{url}/graphql", json=query)).json()
        if introspection:
            assert answer["data"]["__schema"]["queryType"]["name"] == "Query"
        else:
            assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_readyz_follows_the_life_of_the_application() -> None:
    """Ready while it serves; draining before it has started and once it ends."""
    app = create_app(AppSettings())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://confgraph") as http:
        assert (await http.get("/readyz")).status_code == 503
        async with app.router.lifespan_context(app):
            assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
