"""README.md says what is so."""

import ast
import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path
from tokenize import COMMENT, generate_tokens
from typing import get_args, get_origin

import msgspec
import pytest
from queries import Client

from graph.sandbox.server import Sandbox
from graph.sandbox.world import World
from graph.settings import AppSettings, Secret, Settings, SourceSettings, build, parse
from graph.vendors import VENDORS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TYPES = {spec.name: spec.settings for spec in VENDORS.values()}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", README, re.DOTALL | re.MULTILINE)


def shown(field: msgspec.structs.FieldInfo) -> str:
    """A default as the table shows it."""
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if value == "":
        return "empty"
    if value is None:
        return ""
    if isinstance(value, bool | list):
        return f"`{json.dumps(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def table() -> dict[str, str]:
    rows = re.findall(r"^\| (?:(\w+) )?`([\w.*]+)` \|(.*?)\|(.*?)\|$", README, re.MULTILINE)
    return {f"{vendor} {key}".strip(): default.strip() for vendor, key, default, _ in rows}


def test_the_settings_table_has_every_key_with_its_default() -> None:
    expected: dict[str, str] = {}

    def add(prefix: str, kind: type[Settings], skip: frozenset[str] = frozenset()) -> None:
        for field in msgspec.structs.fields(kind):
            inner = [one for one in get_args(field.type) if isinstance(one, type) and issubclass(one, Settings)]
            if inner:
                add(f"{prefix}{field.name}.{'*.' if get_origin(field.type) is list else ''}", inner[0])
            elif field.name not in skip:
                expected[f"{prefix}{field.name}"] = shown(field)

    for field in msgspec.structs.fields(AppSettings):
        if field.name != "sources":
            add(f"{field.name}.", type(field.default))
    add("sources.*.", SourceSettings)
    common = frozenset(field.name for field in msgspec.structs.fields(SourceSettings))
    for name, kind in TYPES.items():
        add(f"{name} ", kind, common)
    sizes = {
        name: shown(next(f for f in msgspec.structs.fields(kind) if f.name == "page_size"))
        for name, kind in TYPES.items()
    }
    expected["sources.*.page_size"] = ", ".join(f"{size} {name}" for name, size in sizes.items())
    assert table() == expected


def test_secrets_are_marked_in_the_table() -> None:
    for name, kind in TYPES.items():
        for field in msgspec.structs.fields(kind):
            if field.type is Secret:
                row = rf"^\| {name} `{field.name}` \| (required )?\| secret"
                assert re.search(row, README, re.MULTILINE), f"{name} {field.name}"


def test_the_configuration_example_loads() -> None:
    example, keys, jwt = blocks("toml")
    settings = parse(example, TYPES, {})
    assert list(settings.sources) == ["netease", "umeeting"]
    assert [parse(f"{table}\n{example}", TYPES, {}).auth.mode for table in (keys, jwt)] == ["keys", "jwt"]


@pytest.mark.anyio
async def test_the_queries_run_on_the_sandbox_without_errors() -> None:
    queries = blocks("graphql")
    (variables,) = map(json.loads, blocks("json"))
    assert len(queries) == 2
    async with (
        Sandbox(World(conferences=300)) as sandbox,
        Client(build({"sources": sandbox.settings()}, TYPES, {})) as client,
    ):
        for query in queries:
            answer = await client.ask(query, **(variables if "$" in query else {}))
            assert "errors" not in answer
            assert all(value is not None for value in answer["data"].values())


def remarks(text: str) -> Iterator[str]:
    """The docstrings and comments of a module, without the addresses of other pages."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, documented))
    comments = (token.string for token in generate_tokens(StringIO(text).readline) if token.type == COMMENT)
    return (re.sub(r"https?://\S+", "", one) for one in chain(docstrings, comments))


def test_the_pages_that_the_code_cites_are_pages_of_the_project() -> None:
    pages: set[str] = set()
    modules: list[Path] = []
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in (".git", ".venv", "node_modules")]
        pages.update(name for name in files if name.endswith(".md"))
        if Path(folder).relative_to(ROOT).parts[:1] in (("graph",), ("tests",), ("bench",)):
            modules += [Path(folder, name) for name in files if name.endswith(".py")]
    cited = {
        page: module
        for module in modules
        for remark in remarks(module.read_text(encoding="utf-8"))
        for page in re.findall(r"([\w-]+\.md)\b", remark)
    }
    assert {"README.md", "contracts.md"} <= cited.keys()
    assert {page: str(module) for page, module in cited.items() if page not in pages} == {}


def test_the_promises_that_tests_cite_are_numbered() -> None:
    page = (ROOT / "graph" / "paging" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^- \*\*(P\d), ", page, re.MULTILINE) == ["P1", "P2", "P3", "P4", "P5", "P6"]


def test_the_two_commands_stand_on_one_line_each() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    assert commands[0].endswith("confgraph serve")
    assert "pytest" in commands[1]


def test_the_gateways_that_are_shown_are_those_that_the_tests_run() -> None:
    folder = ROOT / "tests" / "e2e" / "node"
    shown = [re.sub(r"^   ", "", block, flags=re.MULTILINE).strip() for block in blocks("js")]
    hive, apollo = (
        (folder / name).read_text(encoding="utf-8") for name in ("gateway.config.mjs", "apollo-gateway.mjs")
    )
    assert len(shown) == 2
    assert shown[0] == hive.strip()
    assert shown[1] in apollo
