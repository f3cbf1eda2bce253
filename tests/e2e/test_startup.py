"""What serves is there when `listening on` is told: no client waits for a module that is read meanwhile."""

import os
import subprocess
import sys

import httpx
from processes import Running, listening_url, started

from graph.vendors import VENDORS

QUERY = """
{
  conferences(first: 3) { nodes { id title room { id } members { nodes { id } } calls { nodes { id } } } complete }
  rooms { nodes { id } }
  live { conferenceCount }
  sources { health { state } }
}
"""


def imported(process: Running) -> set[str]:
    """The modules that Python has told on stderr to have imported, but for its own."""
    size = os.fstat(process.log.fileno()).st_size
    told = os.pread(process.log.fileno(), size, 0).decode().splitlines()  # where the process writes stays as it is
    names = {line.rpartition("|")[2].strip() for line in told if line.startswith("import time:")}
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def test_no_request_imports_anything() -> None:
    with started(sys.executable, "-X", "importtime", "-m", "graph", "serve", "--port", "0") as process:
        url = listening_url(process)
        at_start = imported(process)
        assert {"graph.server.app", "graph.vendors.hexmeet.adapter", "starlette.routing"} <= at_start
        with httpx.Client(base_url=url, timeout=30) as client:
            answer = client.post("/graphql", json={"query": QUERY}).json()
            assert "errors" not in answer
            assert answer["data"]["conferences"]["complete"]
            assert client.get("/graphql", params={"query": "{ __typename }"}).status_code == 200
            assert client.post("/graphql", json={"query": "{ nothing }"}).json()["errors"]
            stream = {"accept": "text/event-stream"}
            assert client.post("/graphql", json={"query": "{ __typename }"}, headers=stream).status_code == 200
            assert client.get("/metrics").status_code == 200
        assert imported(process) == at_start


def test_nobody_waits_for_what_a_configuration_may_have_no_use_for() -> None:
    """Twins, a Valkey, tokens and traces are imported where one has."""
    code = "import sys, graph.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own code
    found = set(done.stdout.split())
    assert {"graph.server.app", "graph.vendors.hexmeet.adapter"} <= found
    unused = {"graph.sandbox.server", "graph.sandbox.world", "redis", "jwt", "cryptography", "opentelemetry"}
    assert not found & {*unused, *(f"graph.vendors.{name}.emulator" for name in VENDORS)}
