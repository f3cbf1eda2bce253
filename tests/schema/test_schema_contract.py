"""What clients and gateways see of the schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_client_schema,
    get_introspection_query,
    print_ast,
)
from graphql import build_schema as build_graphql_schema
from graphql.utilities import get_default_value_ast
from schema.fakes import SCHEMA, data, run

from graph.schema import build_schema, print_sdl
from graph.settings import AppSettings, ServerSettings

CONTRACT = build_graphql_schema((Path(__file__).parent / "contract.graphql").read_text(encoding="utf-8"))

pytestmark = pytest.mark.anyio


async def ours() -> GraphQLSchema:
    """The schema as introspection shows it."""
    return build_client_schema(await data([], get_introspection_query(descriptions=True)))


def facts(kind: GraphQLNamedType) -> Iterator[str]:
    """All that clients may rely on in a type, one text each."""
    yield f"{type(kind).__name__} {kind.name}"
    if isinstance(kind, GraphQLEnumType):
        yield from (f"{kind.name}.{value}" for value in kind.values)
    elif isinstance(kind, GraphQLUnionType):
        yield from (f"{kind.name} = {member.name}" for member in kind.types)
    elif isinstance(kind, GraphQLInputObjectType):
        yield from (f"{kind.name}.{name}: {field.type}" for name, field in kind.fields.items())
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        yield from (f"{kind.name} implements {interface.name}" for interface in kind.interfaces)
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}: {field.type}"
            for argument, value in field.args.items():
                default = get_default_value_ast(value)
                yield f"{kind.name}.{name}({argument}: {value.type} = {print_ast(default) if default else ''})"


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    return [kind for name, kind in schema.type_map.items() if not name.startswith("__")]


async def test_every_name_of_the_contract_is_there_with_its_nullability() -> None:
    there = {fact for kind in own_types(await ours()) for fact in facts(kind)}
    wanted = [fact for kind in own_types(CONTRACT) for fact in facts(kind)]
    assert len(wanted) > 400
    assert [fact for fact in wanted if fact not in there] == []


async def test_everything_is_described() -> None:
    silent = []
    for kind in own_types(await ours()):
        if kind.name.startswith(("_", "link__")):
            continue  # federation's own; its specification describes them
        members: dict[str, object] = {kind.name: kind}
        for name, member in getattr(kind, "fields", getattr(kind, "values", {})).items():
            if not name.startswith("_"):
                members[f"{kind.name}.{name}"] = member
                members |= {f"{kind.name}.{name}({key})": value for key, value in getattr(member, "args", {}).items()}
        silent += [name for name, member in members.items() if not getattr(member, "description", None)]
    assert silent == []


async def test_no_argument_has_null_as_its_default() -> None:
    for kind in own_types(await ours()):
        for field in getattr(kind, "fields", {}).values():
            for value in [field, *getattr(field, "args", {}).values()]:
                assert getattr(value, "default_value", Undefined) is not None


async def test_the_subgraph_composes_with_others_that_have_node() -> None:
    sdl = print_sdl(SCHEMA)
    query = sdl[sdl.index("type Query") :].split("\n}")[0]
    assert "conferences(" in query
    assert "node(" not in query
    assert "nodes(" not in query
    assert "type PageInfo @shareable" in sdl
    for entity, keys in {
        "Conference": ["id", "sourceName vendorId"],
        "Call": ["id"],
        "Room": ["id", "sourceName name"],
        "McuResource": ["id", "sourceName name"],
    }.items():
        (line,) = (line for line in sdl.splitlines() if line.startswith(f"type {entity} "))
        assert line.count("@key") == len(keys)
        assert all(f'@key(fields: "{key}")' in line for key in keys)
    assert "specs.apollo.dev/federation/v2.9" in sdl


async def test_gateways_are_told_the_same_sdl() -> None:
    assert (await data([], "{_service{sdl}}"))["_service"]["sdl"] == print_sdl(SCHEMA)


async def test_introspection_can_be_switched_off() -> None:
    settings = AppSettings(server=ServerSettings(introspection=False))
    for schema, is_refused in ((build_schema(settings), True), (SCHEMA, False)):
        result = await run([], "{__schema{queryType{name}}}", schema=schema)
        codes = {error.extensions["code"] for error in result.errors or ()}
        assert codes == ({"GRAPHQL_VALIDATION_FAILED"} if is_refused else set())
