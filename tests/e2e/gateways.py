"""Federation for real: emulators, confgraph, two subgraphs of others and a gateway, all but the first as processes."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from callers import GATEWAY_SECRET, hashed
from crowds import Crowd
from e2e.composing import OTHERS, compose, print_own_sdl, sdl_of
from e2e.tools import confgraph_process, node
from faulty import Faulty
from starlette.types import ASGIApp
from worlds import wrapped

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.vendors import VENDORS

GATEWAYS = ("apollo", "hive")
OPTIONS = {"apollo": ["--without-scopes"], "hive": []}  # what is published for the sake of each
CONFIG = """
[auth]
mode = "keys"
gateway_secret = "{secret}"
entities_by_gateway_only = true

[[auth.keys]]
name = "all"
sha256 = "{all}"
scopes = ["conferences:read", "statistics:read", "pii:read", "sources:read"]

[[auth.keys]]
name = "clerk"
sha256 = "{clerk}"
scopes = ["conferences:read"]
sources = ["hexmeet"]

{sources}
"""

# What fails is told at once, and is asked again the next time.
ENVIRONMENT = {
    "CONFGRAPH_CACHE__ENABLED": "false",
    "CONFGRAPH_SOURCES__SYSTEC__BREAKER_FAILURES": "0",
    "CONFGRAPH_SOURCES__SYSTEC__RETRIES": "0",
}


@dataclass
class Federation:
    """What runs, and what it was asked.

    Attributes:
        sandbox: The emulators, and how often each was asked.
        faulty: What each vendor's answers go through.
        crowd: How many requests of each report ran at the same time.
        confgraph: Its URL without a path.
        others: The URLs of the other subgraphs.
        gateways: The URLs of the gateways.
    """

    sandbox: Sandbox
    faulty: dict[str, Faulty]
    crowd: Crowd
    confgraph: str
    others: Mapping[str, str]
    gateways: dict[str, str] = field(default_factory=dict)

    def reply(
        self, query: str, *, caller: str | None = "all", via: str | None = None, **variables: Any
    ) -> httpx.Response:
        """What a gateway replies, or confgraph itself, which then takes the test for its gateway."""
        headers = {"authorization": f"Bearer key of {caller}"} if caller else {}
        if via is None:
            headers["x-confgraph-gateway"] = GATEWAY_SECRET
        url = self.gateways[via] if via else self.confgraph
        asked = {"query": query, "variables": variables}
        return httpx.post(f"{url}/graphql", json=asked, headers=headers, timeout=60)

    def ask(self, query: str, **how: Any) -> dict[str, Any]:
        """The whole answer, asked for as `reply` has it."""
        answer: dict[str, Any] = self.reply(query, **how).json()
        return answer

    def data(self, query: str, **how: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = self.ask(query, **how)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def give(self, other: str, **data: Any) -> None:
        """Let another subgraph have some data; what it was asked before is forgotten."""
        httpx.put(self.others[other], json=data, timeout=30).raise_for_status()
        self.asked_of(other)

    def asked_of(self, other: str) -> list[dict[str, Any]]:
        """What another subgraph was asked since this was called last."""
        asked: list[dict[str, Any]] = httpx.get(self.others[other], timeout=30).json()
        return asked

    def asked_of_confgraph(self) -> int:
        """How many GraphQL requests confgraph has answered."""
        headers = {"authorization": "Bearer key of all"}
        told = httpx.get(f"{self.confgraph}/metrics", headers=headers, timeout=30).text
        return sum(int(float(it)) for it in re.findall(r"^confgraph_requests_total\{.*\} (\S+)$", told, re.MULTILINE))

    def asked_of_vendors(self) -> dict[str, int]:
        """How many requests each report of each vendor had since this was called last."""
        counts = {f"{vendor} {path.rsplit('/', 1)[-1]}": n for (vendor, path), n in self.sandbox.requests.items()}
        self.sandbox.requests.clear()
        return counts


@contextlib.contextmanager
def federated(folder: Path, conferences: int = 600) -> Iterator[Federation]:
    """Run it all; confgraph answers `_entities` to its gateways alone."""
    faulty: dict[str, Faulty] = {}
    crowd = Crowd()

    def wrap(vendor: str, app: ASGIApp) -> ASGIApp:
        faulty[vendor] = Faulty(app)
        return crowd.around(vendor, faulty[vendor])

    vendors = {name: wrapped(spec, wrap) for name, spec in VENDORS.items()}
    with contextlib.ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        sandbox = Sandbox(World(conferences=conferences), vendors=vendors)
        stack.enter_context(portal.wrap_async_context_manager(sandbox))
        config = folder / "confgraph.toml"
        hashes = {name: hashed(f"key of {name}") for name in ("all", "clerk")}
        config.write_text(CONFIG.format(secret=GATEWAY_SECRET, sources=sandbox.to_toml(), **hashes), encoding="utf-8")
        url = stack.enter_context(confgraph_process("--config", str(config), **ENVIRONMENT))
        others = {name: stack.enter_context(node("subgraph.mjs", name)) for name in OTHERS}
        federation = Federation(sandbox, faulty, crowd, url, others)
        urls = {"confgraph": f"{url}/graphql", **others}
        for name in GATEWAYS:
            files = {"confgraph": print_own_sdl(folder, *OPTIONS[name]), **{name: sdl_of(name) for name in OTHERS}}
            supergraph = folder / f"{name}.graphql"
            supergraph.write_text(compose(name, files, urls).sdl, encoding="utf-8")
            federation.gateways[name] = stack.enter_context(
                node(f"{name}-gateway.mjs", str(supergraph), GATEWAY_SECRET=GATEWAY_SECRET)
            )
        yield federation
