"""The GraphQL schema: `build_schema(settings)`."""

from typing import Any

from graphql import NoSchemaIntrospectionCustomRule
from strawberry.extensions import AddValidationRules, ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig

from graph.schema.federation import Schema
from graph.schema.member import Member
from graph.schema.query import Query, SubgraphQuery
from graph.schema.scalars import SCALARS
from graph.settings import AppSettings

CACHED_DOCUMENTS = 1000


class _NoIntrospection(AddValidationRules):
    def __init__(self) -> None:
        super().__init__([NoSchemaIntrospectionCustomRule])


class _ParserCache(ParserCache):
    def __init__(self) -> None:
        super().__init__(CACHED_DOCUMENTS)


class _ValidationCache(ValidationCache):
    def __init__(self) -> None:
        super().__init__(CACHED_DOCUMENTS)


def build_schema(settings: AppSettings) -> Schema:
    """Make the schema that is served."""
    extensions: list[type[SchemaExtension]] = [_ParserCache, _ValidationCache]
    if not settings.server.introspection:
        extensions.insert(0, _NoIntrospection)
    options: dict[str, Any] = {"types": [Member], "config": StrawberryConfig(scalar_map=SCALARS)}
    subgraph = Schema(query=SubgraphQuery, **options)
    return Schema(query=Query, extensions=extensions, subgraph=subgraph, **options)


def print_sdl(schema: Schema) -> str:
    """The subgraph SDL, as it is published to a registry and answered by `_service`.

    Query.node and Query.nodes are left out of it, so that the subgraph composes with others that have their own; the
    schema that is served has them.
    """
    return schema.sdl
