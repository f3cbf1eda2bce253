"""Supergraphs: what composers make of confgraph's SDL and of two subgraphs of others, which stand in `node/`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from e2e.tools import FOLDER, run_node
from graphql import GraphQLSchema, build_schema
from processes import confgraph

COMPOSERS = ("apollo", "hive", "wundergraph")
OTHERS = ("feedback", "facilities")


class Supergraph(NamedTuple):
    """What a composer made of subgraphs: the SDL for the gateway, and the schema that its clients see."""

    sdl: str
    api: GraphQLSchema


def print_own_sdl(folder: Path, *options: str) -> Path:
    """confgraph's SDL as it is published, in a file."""
    file = folder / f"confgraph{''.join(options)}.graphql"
    file.write_text(confgraph("schema", *options).stdout, encoding="utf-8")
    return file


def sdl_of(other: str) -> Path:
    """The SDL of a subgraph of others."""
    return FOLDER / f"{other}.graphql"


def compose(composer: str, files: Mapping[str, Path], urls: Mapping[str, str] | None = None) -> Supergraph:
    """Compose subgraphs, which must succeed without errors and without hints."""
    places = urls or {name: f"http://{name}.example/graphql" for name in files}
    given = [f"{name}={places[name]}={file}" for name, file in files.items()]
    result = json.loads(run_node("compose.mjs", composer, *given))
    assert result["errors"] == []
    assert result["hints"] == []
    return Supergraph(result["supergraph"], build_schema(result["api"]))
