"""An answer is given again, with no request to a vendor, to whoever asks the same and may see as much."""

import contextlib
import gzip
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from callers import bearer, key_settings
from faulty import Faulty, answers
from loglines import lines
from queries import Client
from servers import serve
from worlds import DAY, NOW, TYPES, Running, during, running, source_tables

from graph import clock
from graph.identity import Scope
from graph.server import create_app
from graph.server.answers import GRAPHQL, JSON
from graph.settings import AppSettings, build

pytestmark = pytest.mark.anyio

SETTLED = during(7, NOW - 10 * DAY)
YOUNG = during(0.5, NOW - 30 * timedelta(hours=1))
PAGE = """query Page($d: TimeRange!, $first: Int = 5) {
  conferences(filter: {during: $d, sources: ["netease", "systec"]}, first: $first) {
    nodes { id sourceName title members { totalCount nodes { displayName } } } } }"""
LIST = 'query($d: TimeRange!) { conferences(filter: {during: $d, sources: ["netease"]}) { nodes { id } } }'


async def ask(http: httpx.AsyncClient, query: str = PAGE, **headers: str) -> httpx.Response:
    """The answer to a query of a week that has settled."""
    body = {"query": query, "variables": {"d": SETTLED}}
    return await http.post("/graphql", json=body, headers=headers)


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=seconds))


async def looked_for(run: Running) -> dict[str, float]:
    """How many answers were looked for, by what came of it."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{run.client.url}/metrics")).text
    found = re.findall(r'^confgraph_cache_lookups_total\{outcome="(\w+)",tier="answers"\} (\S+)$', text, re.MULTILINE)
    return {outcome: float(count) for outcome, count in found}


async def test_an_answer_is_given_again_and_tells_that_no_vendor_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        before = await looked_for(run)
        first = await run.client.ask(PAGE, d=SETTLED)
        assert sum(run.requests().values()) == first["extensions"]["cost"]["actual"] > 2
        again = await run.client.ask(PAGE, d=SETTLED)
        assert run.requests() == {}
        assert again["data"] == first["data"]
        cost = again["extensions"]["cost"]
        assert cost["actual"] == 0
        assert {one["actual"] for one in cost["bySource"]} == {0}
        asked = {one["source"]: one["requested"] for one in first["extensions"]["cost"]["bySource"]}
        assert {one["source"]: one["requested"] for one in cost["bySource"]} == asked
        assert cost["requested"] == first["extensions"]["cost"]["requested"]
        after = await looked_for(run)
        assert {it: after[it] - before.get(it, 0) for it in after} == {"hit": 1, "miss": 1}


async def test_what_differs_in_anything_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Document, variables, operation name, method, media type."""
    documents = f"{PAGE} query Other {{ __typename }}"
    given = {"d": SETTLED, "first": 5}
    async with running(monkeypatch) as run, httpx.AsyncClient(base_url=run.client.url) as http:

        async def asked(query: str, operation: str | None, variables: Any, accept: str = JSON) -> httpx.Response:
            body = {"query": query, "operationName": operation, "variables": variables}
            return await http.post("/graphql", json=body, headers={"accept": accept})

        first = (await asked(documents, "Page", given)).json()["data"]
        assert (await asked(documents, "Page", given)).json()["data"] == first
        fewer = (await asked(documents, "Page", {**given, "first": 2})).json()["data"]
        assert fewer["conferences"]["nodes"] == first["conferences"]["nodes"][:2]
        assert (await asked(documents, "Other", given)).json()["data"] == {"__typename": "Query"}
        assert (await asked(documents, "Page", given, GRAPHQL)).headers["content-type"].startswith(GRAPHQL)
        renamed = (await asked(documents.replace("title", "name: title"), "Page", given)).json()["data"]
        assert "name" in renamed["conferences"]["nodes"][0]
        run.requests()
        query = {"query": PAGE, "variables": json.dumps(given)}
        replies = [await http.get("/graphql", params=query) for _ in range(2)]
        assert [reply.json()["data"] for reply in replies] == [first, first]
        assert [reply.json()["extensions"]["cost"]["actual"] for reply in replies] == [0, 0]
        assert run.requests() == {}  # what the rows were made of was kept, too


@contextlib.asynccontextmanager
async def guarded(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """A confgraph for callers with keys, among them two who may see the same."""
    auth = {
        "mode": "keys",
        "keys": [
            {"name": it.name, "sha256": it.sha256, "scopes": it.scopes, "sources": it.sources}
            for it in (
                key_settings("one", scopes=["conferences:read"], sources=["netease", "systec"]),
                key_settings("twin", scopes=["conferences:read"], sources=["systec", "netease"]),
                key_settings("company", scopes=["conferences:read"], sources=["systec"]),
                key_settings("stranger", scopes=["statistics:read"], sources=["netease", "systec"]),
                key_settings("whole", scopes=[it.value for it in Scope], sources=["netease", "systec"]),
            )
        ],
    }
    async with running(monkeypatch) as run:
        settings = build({"auth": auth, "sources": source_tables(run.sandbox, {})}, TYPES, {})
        async with serve(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
            yield run, http


async def test_only_who_may_see_the_same_is_given_what_another_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """By scopes and sources, not by name; and nobody who is not known."""
    query = PAGE.replace(', sources: ["netease", "systec"]', "")
    async with guarded(monkeypatch) as (run, http):

        async def asked(name: str) -> dict[str, Any]:
            answer: dict[str, Any] = (await ask(http, query, **dict([bearer(f"key of {name}")]))).json()
            return answer

        one = await asked("one")
        assert {row["sourceName"] for row in one["data"]["conferences"]["nodes"]} == {"netease", "systec"}
        run.requests()
        twin = await asked("twin")
        assert (twin["data"], run.requests()) == (one["data"], {})
        assert twin["extensions"]["cost"]["actual"] == 0
        company = await asked("company")
        assert {row["sourceName"] for row in company["data"]["conferences"]["nodes"]} == {"systec"}
        assert [one["source"] for one in company["extensions"]["cost"]["bySource"]] == ["systec"]
        stranger = await asked("stranger")
        assert stranger["data"] == {"conferences": None}
        assert [error["extensions"]["code"] for error in stranger["errors"]] == ["FORBIDDEN"]
        assert (await asked("whole"))["data"] == one["data"]
        nobody = await ask(http, query)
        assert (nobody.status_code, nobody.json().get("data")) == (401, None)


async def test_each_answer_has_its_own_id_line_and_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(monkeypatch) as run, httpx.AsyncClient(base_url=run.client.url) as http:
        replies = [await ask(http, **{"x-request-id": f"request-000{n}"}) for n in range(2)]
        assert [reply.headers["x-request-id"] for reply in replies] == ["request-0000", "request-0001"]
    told = lines(capsys.readouterr().err, "request")
    assert [line["request_id"] for line in told] == ["request-0000", "request-0001"]
    same = [{name: line[name] for name in ("caller", "kind", "operation", "outcome")} for line in told]
    assert same == 2 * [{"caller": "anonymous", "kind": "query", "operation": "Page", "outcome": "ok"}]


async def test_what_has_settled_is_given_again_for_an_hour_that_runs_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        hits = (await looked_for(run)).get("hit", 0)
        for seconds, left, known in ((0, 3600, 0), (1.5, 3598, 1), (3599.5, 0, 2), (3600, 3600, 2)):
            at(monkeypatch, seconds)
            reply = await run.client.reply(PAGE, d=SETTLED)
            assert reply.headers["cache-control"] == (f"private, max-age={left}" if left else "no-store")
            assert (await looked_for(run))["hit"] == hits + known


@pytest.mark.parametrize("seconds", [1.5, 2])
async def test_what_may_change_is_given_again_only_while_it_serves_a_walk_that_begins(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client may keep it for longer; but who begins a walk gets every row that is there by then."""
    async with running(monkeypatch) as run:
        first = await run.client.reply(LIST, d=YOUNG)
        assert first.headers["cache-control"] == "private, max-age=10"
        assert run.requests() == {"netease list": 1}
        at(monkeypatch, seconds)
        again = await run.client.reply(LIST, d=YOUNG)
        if seconds < 2:
            assert again.headers["cache-control"] == "private, max-age=8"
            assert run.requests() == {}
        else:
            assert again.headers["cache-control"] == "private, max-age=10"
            assert run.requests() == {"netease list": 1}


@pytest.mark.parametrize("query", ["{ nothing }", "{", '{ node(id: "x") { id } }', "{ __typename node(id: 5) { id } }"])
async def test_an_answer_with_an_error_is_made_anew(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells the id of its request."""
    async with running(monkeypatch) as run, httpx.AsyncClient(base_url=run.client.url) as http:
        for n in range(2):
            reply = await ask(http, query, **{"x-request-id": f"request-000{n}"})
            assert {error["extensions"]["requestId"] for error in reply.json()["errors"]} == {f"request-000{n}"}


async def test_how_sources_fare_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ sources { name health { state } } }"
    async with running(monkeypatch) as run:
        before = (await run.client.data(query))["sources"]
        assert {it["health"]["state"] for it in before} == {"UNKNOWN"}
        await run.client.data(LIST, d=SETTLED)
        after = {it["name"]: it["health"]["state"] for it in (await run.client.data(query))["sources"]}
        assert after["netease"] == "UP"


async def test_an_answer_that_lacks_something_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    fronts: dict[str, Faulty] = {}

    def front(vendor: str, app: Any) -> Any:
        return fronts.setdefault(vendor, Faulty(app))

    once = {"retries": 0, "breaker_failures": 0}
    query = LIST.replace("} } }", "} complete } }")
    async with running(monkeypatch, wrap=front, sources={"netease": once}) as run:
        fronts["netease"].fault = answers(b"", 503)
        assert (await run.client.data(query, d=SETTLED))["conferences"]["complete"] is False
        fronts["netease"].fault = answers(b"", 502)
        assert (await run.client.data(query, d=SETTLED))["conferences"]["complete"] is False
        assert fronts["netease"].requests >= 2


async def test_who_reads_gzip_is_given_an_answer_that_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    query = PAGE.replace("$first: Int = 5", "$first: Int = 50")
    async with running(monkeypatch) as run, httpx.AsyncClient(base_url=run.client.url) as http:
        plain = [await ask(http, query, **{"accept-encoding": "identity"}) for _ in range(2)]
        assert [reply.headers.get("content-encoding") for reply in plain] == [None, None]
        packed = []
        for _ in range(3):
            async with http.stream(
                "POST",
                "/graphql",
                json={"query": query, "variables": {"d": SETTLED}},
                headers={"accept-encoding": "gzip"},
            ) as reply:
                assert reply.headers["content-encoding"] == "gzip"
                packed.append(b"".join([part async for part in reply.aiter_raw()]))
                assert reply.headers["content-length"] == str(len(packed[-1]))
        assert [gzip.decompress(body) for body in packed] == [plain[1].content] * 3


@pytest.mark.parametrize("cache", [{"answers_mb": 0}, {"enabled": False}])
async def test_no_answer_is_kept_where_that_is_off(cache: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch) as run:
        settings: AppSettings = build({"cache": cache, "sources": source_tables(run.sandbox, {})}, TYPES, {})
        before = await looked_for(run)
        async with Client(settings) as client:
            query = '{ live(sources: ["netease"]) { memberCount } conferences(first: 1) { nodes { id } } }'
            told = [await client.ask(query) for _ in range(2)]
        assert told[0]["data"] == told[1]["data"]
        assert await looked_for(run) == before
