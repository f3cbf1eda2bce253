"""The playground as HTTP serves it, and its examples."""

import gzip
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from loglines import logging_from
from playgrounds import PLAYGROUND, Example, examples, has_rows
from queries import Client
from worlds import NOW, TYPES, running

from graph import cli
from graph.server.playground import POLICY, Playground
from graph.settings import build

pytestmark = pytest.mark.anyio

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
QUERIES = [example for example in examples() if example.query.startswith("query")]
KEYS = {"mode": "keys", "keys": [{"name": "one", "sha256": "0" * 64}]}


@asynccontextmanager
async def browser(**tables: Mapping[str, object]) -> AsyncIterator[httpx.AsyncClient]:
    """What a browser gets of a confgraph without sources."""
    async with (
        Client(build(tables, TYPES, {})) as client,
        httpx.AsyncClient(base_url=client.url, headers=BROWSER) as http,
    ):
        yield http


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("example", QUERIES, ids=lambda example: str(example.title))
async def test_every_example_yields_rows(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none has an error but the one that is there to show it."""
    async with running(monkeypatch, 400) as world:
        answer = await world.client.ask(example.query, **json.loads(example.dated(NOW)))
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == (["LOOKUP_LIMIT"] if example.title == "Data and an error" else [])
    assert has_rows(answer)


def test_there_is_an_example_for_every_report_and_one_subscription() -> None:
    asked = {name for example in examples() for name in example.fields}
    reports = {"conferences", "calls", "rooms", "mcuResources", "regionCounts", "usage", "usageBy", "live", "sources"}
    assert asked == reports | {"conference", "liveConferences"}
    assert len({example.title for example in examples()}) == len(examples())


@PLAYGROUND
async def test_a_browser_gets_a_page_that_may_run_nothing_but_its_own_scripts() -> None:
    async with browser() as http:
        page = await http.get("/graphql")
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"] == POLICY
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text)
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert named
        for name in named:
            assert name.startswith("./playground/")  # relative: a proxy may serve it below any path
            assert (await http.get(name.removeprefix("."))).status_code == 200


@PLAYGROUND
async def test_its_files_are_kept_by_browsers_and_sent_as_small_as_they_take_them() -> None:
    async with browser() as http:
        script = re.findall(r'src="\.(/playground/[^"]+)"', (await http.get("/graphql")).text)[0]
        small = await http.get(script, headers={"accept-encoding": "gzip, br"})
        plain = await http.get(script, headers={"accept-encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers
    assert small.content == plain.content
    for reply in (small, plain):
        assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["vary"] == "accept-encoding"
        assert reply.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("name", ["nothing.js", "..%2findex.html", "%2fetc%2fpasswd", "index.html", "", "a/b"])
async def test_no_other_file_is_served(name: str) -> None:
    async with browser() as http:
        reply = await http.get(f"/playground/{name}")
    assert reply.status_code == 404
    assert reply.json()["errors"]


@pytest.mark.parametrize("server", [{"playground": False}, {"introspection": False}])
async def test_where_it_is_off_browsers_are_answered_like_everybody(server: dict[str, object]) -> None:
    """So they are without introspection: it could tell nothing about the schema."""
    async with browser(server=server) as http:
        reply = await http.get("/graphql")
        assert reply.status_code == 400
        assert reply.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert (await http.get("/playground/index.js")).status_code == 404
        assert (await http.get("/")).status_code == 404


async def test_a_browser_is_led_from_the_address_that_is_printed_to_the_page() -> None:
    """Wherever it is served: by a relative address, with nothing of what the client sent."""
    async with browser() as http:
        reply = await http.get("/", headers={"host": "127.0.0.1:1", "x-forwarded-host": "evil.example"})
        assert (reply.status_code, reply.headers["location"]) == (307, "graphql")
        for method, accept in (("GET", "*/*"), ("POST", BROWSER["accept"]), ("HEAD", BROWSER["accept"])):
            assert (await http.request(method, "/", headers={"accept": accept})).status_code == 404


async def test_the_page_knows_whether_its_first_question_would_be_in_vain(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<div id="playground">', encoding="utf-8")
    for needs_key, headers, is_told in ((False, {}, False), (True, {}, True), (True, {"authorization": "x"}, False)):
        transport = httpx.ASGITransport(Playground(tmp_path, needs_key=needs_key))
        async with httpx.AsyncClient(transport=transport, base_url="http://playground") as http:
            assert ("data-needs-key" in (await http.get("/graphql", headers=headers)).text) is is_told


async def test_programs_do_not_get_the_page() -> None:
    async with browser() as http:
        assert (await http.get("/graphql", headers={"accept": "*/*"})).status_code == 400
        asked = await http.get("/graphql", params={"query": "{ __typename }"})
        assert asked.json()["data"] == {"__typename": "Query"}
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).json()["data"]


@PLAYGROUND
async def test_the_page_is_for_everybody_and_its_queries_are_not() -> None:
    async with browser(auth=KEYS) as http:
        assert "<script" in (await http.get("/graphql")).text
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 401


async def test_without_a_built_page_browsers_are_told_how_to_get_it(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(Playground(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://playground") as http:
        reply = await http.get("/graphql")
    assert reply.status_code == 200
    assert "pip install" in reply.text
    assert "<script" not in reply.text


@pytest.mark.parametrize("is_on", [True, False])
def test_the_log_tells_at_the_start_that_it_is_missing(
    is_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, whatever the number of workers; here the start ends at a port that is taken."""
    config = tmp_path / "confgraph.toml"
    source = 'vendor = "quanshi"\nbase_url = "https://vendor.example"\ntoken = "one"'
    config.write_text(f"server.playground = {json.dumps(is_on)}\n[sources.one]\n{source}", encoding="utf-8")
    monkeypatch.setattr(cli, "is_built", lambda: False)
    with logging_from("info"), socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        cli.serve(config=config, port=taken.getsockname()[1], workers=2)
    assert capsys.readouterr().err.count("the playground is missing") == is_on


def test_what_is_served_is_what_was_built(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the page", encoding="utf-8")
    (tmp_path / "playground").mkdir()
    (tmp_path / "playground" / "one.js.gz").write_bytes(gzip.compress(b"1"))
    assert Playground(tmp_path)._page == b"the page"
    assert list(Playground(tmp_path)._files) == ["one.js"]
