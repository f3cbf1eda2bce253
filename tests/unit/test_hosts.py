"""Web pages cannot make the browser of somebody who may ask ask for them."""

from typing import Any

import httpx
import pytest
from callers import bearer, keys
from loglines import lines, logging_from
from servers import serve

from graph.server import create_app
from graph.settings import AppSettings, AuthSettings

pytestmark = pytest.mark.anyio

QUERY = {"query": "{ __typename }"}
ASKED = {"data": {"__typename": "Query"}}
PATHS = ("/healthz", "/readyz", "/metrics", "/nothing", "/graphql?query={__typename}")
LOOPBACK = (
    *("127.0.0.1", "127.0.0.1:8000", "localhost", "LocalHost:8000", "127.8.9.10:1", "[::1]", "[::1]:8000"),
    "localhost.localdomain",
)
FOREIGN = (
    *("rebound.example", "rebound.example:8000", "localhost.rebound.example", "127.0.0.1.rebound.example"),
    *("0.0.0.0:8000", "192.0.2.1:8000", "[2001:db8::1]", "::1", "[localhost", "", "localhost:x"),
    *("localhost@rebound.example", "rebound.example/localhost", "localhost rebound.example"),
)


def told(reply: httpx.Response) -> list[Any]:
    return [error["extensions"]["code"] for error in reply.json().get("errors", ())]


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_page_whose_name_leads_to_loopback_reads_nothing(host: str) -> None:
    """Of no path; it is told so by an error that has a code and the headers of every answer."""
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as http:
        replies = [await http.get(path, headers={"host": host}) for path in PATHS]
        replies.append(await http.post("/graphql", json=QUERY, headers={"host": host, "x-request-id": "abc-12345"}))
    for reply in replies:
        assert (reply.status_code, told(reply)) == (403, ["FORBIDDEN"])
        assert reply.headers["x-frame-options"] == "DENY"
    assert replies[-1].headers["x-request-id"] == "abc-12345"


@pytest.mark.parametrize("host", LOOPBACK)
async def test_whoever_is_on_this_machine_may_ask_by_any_name_of_it(host: str) -> None:
    async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as http:
        reply = await http.post("/graphql", json=QUERY, headers={"host": host})
        assert (reply.status_code, reply.json()["data"]) == (200, ASKED["data"])


async def test_the_log_says_why_and_not_for_whom(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_from("info"):
        async with serve(create_app(AppSettings())) as url, httpx.AsyncClient(base_url=url) as http:
            reply = await http.get("/healthz", headers={"host": "rebound.example"})
    (line,) = lines(log := capfd.readouterr().err, "request refused")
    assert (line["reason"], line["request_id"]) == ("host", reply.headers["x-request-id"])
    assert "rebound" not in log


@pytest.mark.parametrize("auth", [keys("one"), AuthSettings(insist_on_none=True)], ids=["keys", "insisted"])
async def test_any_host_is_answered_to_where_more_than_loopback_is_meant_to_ask(auth: AuthSettings) -> None:
    headers = dict([bearer("key of one"), ("host", "api.example")])
    async with serve(create_app(AppSettings(auth=auth))) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/healthz", headers=headers)).status_code == 200
        assert (await http.post("/graphql", json=QUERY, headers=headers)).status_code == 200


@pytest.mark.parametrize("auth", [AuthSettings(), keys("one"), AuthSettings(insist_on_none=True)])
async def test_a_page_of_another_site_cannot_ask_by_get(auth: AuthSettings) -> None:
    """Not with a link or a picture either; who types the address, and a page of the same origin, can."""
    known = dict([bearer("key of one")])
    async with serve(create_app(AppSettings(auth=auth))) as url, httpx.AsyncClient(base_url=url, headers=known) as http:
        for site, status in (
            ("cross-site", 403),
            ("Cross-Site", 403),
            ("same-origin", 200),
            ("none", 200),
            (None, 200),
        ):
            headers = {} if site is None else {"sec-fetch-site": site}
            reply = await http.get("/graphql", params=QUERY, headers=headers)
            assert (reply.status_code, told(reply)) == (status, ["FORBIDDEN"] if status == 403 else [])
