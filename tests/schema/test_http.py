"""GraphQL over HTTP: what comes before a query is executed."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from loglines import lines
from servers import serve

from graph.context import Context
from graph.server import app, create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
QUERY = b'{"query": "{ __typename }"}'
PRIVATE = "somebody@private.example"


SECURITY = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


def code(reply: httpx.Response) -> str:
    """The code of the only error of a reply that has nothing but that."""
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers.items() >= SECURITY.items()
    assert reply.headers["cache-control"] == "no-store"
    body = reply.json()
    (error,) = body.pop("errors")
    assert not body
    assert error["message"]
    assert error["extensions"]["requestId"] == reply.headers["x-request-id"]
    said: str = error["extensions"]["code"]
    return said


async def test_every_answer_tells_browsers_once_how_to_treat_it() -> None:
    page, foreign = {"origin": "https://app.example"}, {"host": "rebound.example"}
    app = create_app(AppSettings(server=ServerSettings(cors_origins=["https://app.example"])))
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
        replies = [
            await http.post("/graphql", content=QUERY, headers=JSON | page),
            await http.post("/graphql", content=QUERY, headers=JSON | {"accept": "text/event-stream"}),
            await http.options("/graphql", headers=page | {"access-control-request-method": "POST"}),
            await http.put("/graphql"),
            await http.post("/graphql", content=QUERY, headers=JSON | foreign),
            await http.get("/healthz"),
            await http.get("/healthz", headers=foreign),
            await http.get("/nothing"),
        ]
        shown = await http.get("/graphql", headers={"accept": "text/html"})
    assert [reply.status_code for reply in replies] == [200, 200, 204, 405, 403, 200, 403, 404]
    for reply in replies:
        assert {name: reply.headers.get_list(name) for name in SECURITY} == {key: [it] for key, it in SECURITY.items()}
    assert [len(shown.headers.get_list(name)) for name in SECURITY] == [1] * len(SECURITY)
    assert [reply.headers.get_list("cache-control") for reply in (*replies[1:], shown)] == [["no-store"]] * 8


@pytest.mark.parametrize(
    "body",
    [
        *(b'"x"', b"1", b"null", b"{", b"", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 40_000, b"{}", b"[]", b"[{}]"),
        *(b'{"query": 1}', b'{"query": ""}', b'{"query": "{ a }", "variables": []}', b'{"query": "\\ud800"}'),
        *(
            b'{"query": "{ a }", "variables": {"a": NaN}}',
            b'{"query": "{ a }", "variables": {"a": %s}}' % (b"1" * 9000),
        ),
        *(b'{"query": "\xff"}', '{"query": "{ __typename }"}'.encode("utf-16"), b'{"query": "{ a }", "extensions": 1}'),
        *(b'{"query": "{ __typename }", "operationName": %s}' % name for name in (b"1", b"[]", b'{"a": {}}', b"true")),
    ],
    ids=lambda body: repr(body[-24:]),
)
async def test_a_body_that_is_no_request_is_refused_and_never_a_fault_of_ours(
    body: bytes, http: httpx.AsyncClient
) -> None:
    reply = await http.post("/graphql", content=body, headers=JSON)
    assert (reply.status_code, code(reply)) == (400, "BAD_USER_INPUT")
    assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize("depth", [100, 500, 900])
async def test_variables_that_nest_deep_are_no_fault_of_ours(depth: int, http: httpx.AsyncClient) -> None:
    """As deep as can be parsed, in a scalar and in a type that does not nest."""
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    for query in (
        b"query Q($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        b"query Q($r: [String!]!) { conferences(filter: {sources: $r}) { complete } }",
        b"query Q($r: [ID!]!) { nodes(ids: $r) { id } }",
    ):
        body = b'{"query": "%s", "variables": {"r": [%s]}}' % (query, nested)
        reply = await http.post("/graphql", content=body, headers=JSON)
        codes = {error["extensions"]["code"] for error in reply.json()["errors"]}
        assert (reply.status_code, codes) == (200, {"BAD_USER_INPUT"})


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            None,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
        ),
        *("text/plain; application/json", "application/jsonx", "application/json, text/plain", "application/graphql"),
        *("application/json; charset=utf-16", "application/json; charset=latin1", "application/json charset=utf-8"),
        f"application/json{'; ' * 5000}x",
    ],
)
async def test_a_web_page_of_another_site_cannot_ask(content_type: str | None, http: httpx.AsyncClient) -> None:
    """It can send these without asking first, and with the credentials that a browser adds by itself."""
    headers = {} if content_type is None else {"content-type": content_type}
    reply = await http.post("/graphql", content=QUERY, headers=headers)
    assert (reply.status_code, code(reply)) == (415, "BAD_USER_INPUT")
    for allowed in (
        *("application/json", "application/json ; charset=utf-8", 'Application/JSON;Charset="UTF-8"'),
        "application/json;",
    ):
        reply = await http.post("/graphql", content=QUERY, headers={"content-type": allowed})
        assert reply.json()["data"] == {"__typename": "Query"}


async def test_a_compressed_body_is_not_unpacked(http: httpx.AsyncClient) -> None:
    for encoding in ("gzip", "br", "deflate", "identity, gzip"):
        headers = {**JSON, "content-encoding": encoding}
        reply = await http.post("/graphql", content=gzip.compress(QUERY), headers=headers)
        assert (reply.status_code, code(reply)) == (415, "BAD_USER_INPUT")
    reply = await http.post("/graphql", content=QUERY, headers={**JSON, "content-encoding": "identity"})
    assert reply.status_code == 200


async def test_a_get_may_only_query(http: httpx.AsyncClient) -> None:
    reply = await http.get(
        "/graphql",
        params={"query": "query A($if: Boolean = false) { __typename @include(if: $if) }", "variables": '{"if": true}'},
    )
    assert reply.json()["data"] == {"__typename": "Query"}
    for params in (
        *({}, {"query": ""}, {"query": "{ a }", "variables": "["}, {"query": "{ a }", "variables": "1"}),
        *({"query": "{ a }", "extensions": "[]"}, {"variables": '{"query": "{ a }"}'}),
        {"query": "{ a }", "variables": "[" * 3000},
    ):
        for accept in ("*/*", "image/*", "application/json"):
            reply = await http.get("/graphql", params=params, headers={"accept": accept})
            assert (reply.status_code, code(reply)) == (400, "BAD_USER_INPUT")
    for address in ("query=%ff", "query={a}&variables=%22%ed%a0%80%22", "query={a}&extensions=nonsense"):
        reply = await http.get(f"/graphql?{address}")
        assert (reply.status_code, code(reply)) == (400, "BAD_USER_INPUT")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        reply = await http.request(method, "/graphql", params={"query": "{ __typename }"})
        assert (reply.status_code, code(reply)) == (405, "BAD_USER_INPUT")
        assert reply.headers["allow"] == "GET, POST"


async def test_every_answer_has_the_headers_and_none_tells_the_server(http: httpx.AsyncClient) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/graphql?query={__typename}", 200)):
        reply = await http.get(path)
        assert reply.status_code == status
        assert reply.headers.items() >= SECURITY.items()
    for method, path, status in (
        *(("GET", "/", 404), ("GET", "/graphql/x", 404), ("POST", "/healthz", 405)),
        *(("GET", "/graphql/", 404), ("POST", "/graphql/", 404), ("GET", "/metrics/", 404)),
    ):
        reply = await http.request(method, path)
        assert (reply.status_code, code(reply)) == (status, "BAD_USER_INPUT")
        assert ("GraphQL is at /graphql." in reply.text) is (status == 404)
        assert "location" not in reply.headers
        assert set(reply.headers.get("allow", "").split(", ")) == ({"GET", "HEAD"} if status == 405 else {""})


async def test_a_fault_of_ours_is_told_by_its_code_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is executed, too."""

    def fail(*_: object) -> None:
        raise ValueError(PRIVATE)

    monkeypatch.setattr(Context, "create", fail)
    monkeypatch.setattr(app, "exposition", fail)
    for path in ("/graphql?query={__typename}", "/metrics"):
        transport = httpx.ASGITransport(running := create_app(AppSettings()), raise_app_exceptions=False)
        async with (
            running.router.lifespan_context(running),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
        ):
            reply = await http.get(path)
        assert (reply.status_code, code(reply)) == (500, "INTERNAL")
        told = capsys.readouterr().err
        assert PRIVATE not in told + reply.text
        (line,) = lines(told, "internal error")
        assert (line["error"], line["request_id"]) == ("ValueError", reply.headers["x-request-id"])


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


async def test_who_may_not_introspect_is_told_no_names_and_the_gateway_gets_its_sdl() -> None:
    guesses = [
        ("{ source { name } }", {}),
        ("{ sources { nam } }", {}),
        ("{ conferences(frst: 1) { complete } }", {}),
        ("{ conferences(orderBy: START_DES) { complete } }", {}),
        ("{ node(id: 1) { ... on Conferenc { id } title } }", {}),
        ("query A($a: SortOrder) { __typename }", {}),
        ("query A($f: ConferenceFilter) { conferences(filter: $f) { complete } }", {"f": {"durin": 1}}),
        ("query A($f: ConferenceFilter) { conferences(filter: $f) { complete } }", {"f": {"states": ["LIV"]}}),
    ]
    for introspection in (True, False):
        settings = AppSettings(server=ServerSettings(introspection=introspection))
        async with serve(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as http:
            for query, variables in guesses:
                reply = await http.post("/graphql", json={"query": query, "variables": variables})
                said = [error["message"] for error in reply.json()["errors"]]
                assert any("Did you mean" in message for message in said) is introspection
                assert min(map(len, said)) > 20
            sdl = await http.post("/graphql", json={"query": "{ _service { sdl } }"})
            assert "type Conference" in sdl.json()["data"]["_service"]["sdl"]


async def test_readyz_follows_the_life_of_the_application() -> None:
    """Ready while it serves; draining before it has started and once it ends."""
    app = create_app(AppSettings())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/readyz")).status_code == 503
        async with app.router.lifespan_context(app):
            assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
