"""Web pages of other origins: those that are named may ask, and no others."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from callers import bearer, keys
from servers import serve

from graph.server import create_app
from graph.settings import AppSettings, AuthSettings, ServerSettings

pytestmark = pytest.mark.anyio

PAGE = "https://app.example"
OTHERS = ("https://app.example.evil", "http://app.example", "https://app.example:8443", "null", "https://APP.example")
QUERY = {"query": "{ __typename }"}
KNOWN = dict([bearer("key of one")])


@contextlib.asynccontextmanager
async def asking(origins: list[str], auth: AuthSettings | None = None) -> AsyncIterator[httpx.AsyncClient]:
    settings = AppSettings(server=ServerSettings(cors_origins=origins), auth=auth or AuthSettings())
    async with serve(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    """What a browser sends before a page may ask."""
    asked = {"access-control-request-method": method, "access-control-request-headers": "authorization,content-type"}
    return {"origin": origin, **asked}


def allowed(reply: httpx.Response) -> dict[str, str]:
    return {key: value for key, value in reply.headers.items() if key.startswith("access-control-")}


def only_error(reply: httpx.Response) -> Any:
    (error,) = reply.json()["errors"]
    assert error["extensions"]["requestId"] == reply.headers["x-request-id"]
    return error["extensions"]["code"]


async def test_a_page_that_is_named_may_ask_and_read() -> None:
    """The question before comes without a credential; the answer shows the id, and when to come back."""
    async with asking([PAGE], keys("one")) as http:
        reply = await http.options("/graphql", headers=preflight(PAGE))
        assert (reply.status_code, reply.content) == (204, b"")
        assert allowed(reply) == {
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": "authorization,content-type",
            "access-control-expose-headers": "x-request-id, retry-after",
            "access-control-max-age": "600",
        }
        for header, status in ((KNOWN, 200), ({}, 401)):
            reply = await http.post("/graphql", json=QUERY, headers={"origin": PAGE, **header})
            assert reply.status_code == status
            assert allowed(reply) == {
                "access-control-allow-origin": PAGE,
                "access-control-expose-headers": "x-request-id, retry-after",
            }
            assert "origin" in reply.headers["vary"].lower().split(", ")


@pytest.mark.parametrize("origin", OTHERS)
async def test_a_page_that_is_not_named_reads_nothing(origin: str) -> None:
    async with asking([PAGE]) as http:
        reply = await http.options("/graphql", headers=preflight(origin))
        assert (reply.status_code, only_error(reply), allowed(reply)) == (403, "FORBIDDEN", {})
        reply = await http.post("/graphql", json=QUERY, headers={"origin": origin})
        assert allowed(reply) == {}
        headers = {"origin": origin, "sec-fetch-site": "cross-site"}
        reply = await http.get("/graphql", params=QUERY, headers=headers)
        assert (reply.status_code, only_error(reply), allowed(reply)) == (403, "FORBIDDEN", {})


async def test_a_get_of_another_site_is_answered_for_a_page_that_is_named() -> None:
    """Not for its links and pictures, which have no origin."""
    async with asking([PAGE]) as http:
        for origin, status in ((PAGE, 200), (None, 403)):
            headers = {"sec-fetch-site": "cross-site"} | ({"origin": origin} if origin else {})
            reply = await http.get("/graphql", params=QUERY, headers=headers)
            assert reply.status_code == status


async def test_what_no_page_asks_depends_on_the_origin_as_well() -> None:
    """Else a cache could give a page an answer that it may not read."""
    async with asking([PAGE]) as http:
        reply = await http.post("/graphql", json=QUERY)
        assert "origin" in reply.headers["vary"].lower().split(", ")
        assert allowed(reply) == {}


async def test_all_pages_may_ask_where_callers_prove_who_they_are() -> None:
    async with asking(["*"], keys("one")) as http:
        for origin in (PAGE, *OTHERS):
            assert (await http.options("/graphql", headers=preflight(origin))).status_code == 204
            reply = await http.post("/graphql", json=QUERY, headers={"origin": origin, **KNOWN})
            assert reply.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in reply.headers


async def test_by_default_no_page_of_another_origin_may_ask() -> None:
    async with asking([]) as http:
        reply = await http.options("/graphql", headers=preflight(PAGE))
        assert (reply.status_code, only_error(reply), allowed(reply)) == (405, "BAD_USER_INPUT", {})
        assert allowed(await http.post("/graphql", json=QUERY, headers={"origin": PAGE})) == {}


async def test_only_the_endpoint_is_open_to_pages() -> None:
    async with asking([PAGE]) as http:
        for path in ("/metrics", "/healthz", "/nothing"):
            assert allowed(await http.get(path, headers={"origin": PAGE})) == {}
