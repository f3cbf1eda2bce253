"""The published SDL in three composers, alone and beside subgraphs that have nodes and pages of their own."""

from pathlib import Path

import pytest
from e2e.composing import COMPOSERS, OTHERS, Supergraph, compose, print_own_sdl, sdl_of
from e2e.tools import NODE
from graphql import GraphQLObjectType, GraphQLSchema, build_schema, is_introspection_type
from processes import confgraph

pytestmark = NODE

# What the others add to our types.
JOINED = {
    "Query": {"node", "reviews", "bookings", "places"},
    "Conference": {"satisfaction", "reviews", "booking"},
    "Call": {"complaint"},
    "Room": {"location"},
    "McuResource": {"rack"},
}


def fields(schema: GraphQLSchema) -> dict[str, set[str]]:
    """The fields of every object type that clients see."""
    return {
        name: {field for field in type_.fields if not field.startswith("_")}
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_) and name != "_Service"
    }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return print_own_sdl(tmp_path_factory.mktemp("sdl"))


@pytest.fixture(scope="module")
def own_fields(own: Path) -> dict[str, set[str]]:
    return fields(build_schema(own.read_text(encoding="utf-8"), assume_valid_sdl=True))


def together(composer: str, own: Path) -> Supergraph:
    return compose(composer, {"confgraph": own, **{name: sdl_of(name) for name in OTHERS}})


@pytest.mark.parametrize("composer", COMPOSERS)
def test_the_sdl_composes_alone_and_all_of_it_is_reachable(
    composer: str, own: Path, own_fields: dict[str, set[str]]
) -> None:
    assert fields(compose(composer, {"confgraph": own}).api) == own_fields


@pytest.mark.parametrize("composer", COMPOSERS)
def test_it_composes_beside_others_that_have_nodes_and_pages_too(
    composer: str, own: Path, own_fields: dict[str, set[str]]
) -> None:
    """Query.node is the other's, PageInfo is everybody's, all fields of our entities are there, and our rules."""
    supergraph = together(composer, own)
    found = fields(supergraph.api)
    assert {name: found[name] for name in own_fields} == {
        name: names | JOINED.get(name, set()) for name, names in own_fields.items()
    }
    assert '@requiresScopes(scopes: [["pii:read"]])' in supergraph.sdl


def test_scopes_can_be_left_out_for_gateways_that_do_not_keep_them(own: Path) -> None:
    """Nothing else differs then."""
    plain = together("apollo", print_own_sdl(own.parent, "--without-scopes"))
    assert "equiresScopes" not in plain.sdl
    assert "@authenticated" not in plain.sdl
    assert fields(plain.api) == fields(together("apollo", own).api)


def test_the_command_prints_nothing_but_the_sdl() -> None:
    """A registry's command reads it from a pipe."""
    done = confgraph("schema")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("schema @link(")
    assert done.stdout.endswith("}\n")
