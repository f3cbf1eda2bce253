"""Documents that clients name, before processes: what replicas share of them, and a manifest at start-up."""

import asyncio
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from processes import confgraph
from replicating import Replicas, replicas
from valkeys import RunningValkey, running_valkey

pytestmark = pytest.mark.anyio

PATIENCE_S = 100  # of a test: far more than any deadline
QUERY = "query Sources { sources { name } }"


@pytest.fixture
def valkey() -> Iterator[RunningValkey]:
    with running_valkey() as valkey:
        yield valkey


async def told(both: Replicas, replica: int, name: str, **more: object) -> Any:
    """What a replica answers to who names a document: its data, or the message of its error."""
    body = {**more, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}
    answer = (await both.http.post(f"{both.urls[replica]}/graphql", json=body)).json()
    return answer["errors"][0]["message"] if "errors" in answer else answer["data"]


async def test_a_replica_answers_a_document_that_only_the_other_one_was_sent(
    valkey: RunningValkey, tmp_path: Path
) -> None:
    """By its hash; without the Valkey each still answers what it was sent itself."""
    name = sha256(QUERY.encode()).hexdigest()
    bad = "{ nothing }"
    bad_name = sha256(bad.encode()).hexdigest()
    async with asyncio.timeout(PATIENCE_S), replicas(tmp_path, valkey.url) as both:
        for replica in (0, 1):
            assert await told(both, replica, name) == "PersistedQueryNotFound"
        sources = await told(both, 0, name, query=QUERY)
        assert len(sources["sources"]) == 5
        assert await told(both, 1, name) == sources
        await told(both, 0, bad_name, query=bad)
        assert await told(both, 1, bad_name) == "PersistedQueryNotFound"
        other = QUERY.replace("name", "vendor")
        other_name = sha256(other.encode()).hexdigest()
        valkey.kill()
        assert await told(both, 1, name) == sources
        await told(both, 0, other_name, query=other)
        assert await told(both, 1, other_name) == "PersistedQueryNotFound"
        assert len((await told(both, 0, other_name))["sources"]) == 5


@pytest.mark.parametrize(
    ("manifest", "workers", "said"),
    [
        ("[]", "1", "neither a JSON object of texts nor a manifest of Apollo's"),
        (json.dumps({"abc": "{ nothing }"}), "2", "document abc: Cannot query field 'nothing' on type 'Query'."),
    ],
    ids=["shape", "document"],
)
def test_a_manifest_that_is_no_good_ends_the_start(manifest: str, workers: str, said: str, tmp_path: Path) -> None:
    """With status 2 and a line that names the key, before any process serves."""
    path = tmp_path / "manifest.json"
    path.write_text(manifest, encoding="utf-8")
    ended = confgraph("serve", "--port", "0", "--workers", workers, CONFGRAPH_SERVER__TRUSTED_DOCUMENTS=str(path))
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("confgraph: server.trusted_documents: ")
    assert line.endswith(said)
