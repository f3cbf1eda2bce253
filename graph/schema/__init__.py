"""The GraphQL schema: `build_schema(settings)`."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from graphql import NoSchemaIntrospectionCustomRule
from strawberry.extensions import AddValidationRules, SchemaExtension
from strawberry.schema.config import StrawberryConfig

from graph.context import Context
from graph.execution import compiled_executor
from graph.schema.cost import CostLimit
from graph.schema.documents import Documents, KnownDocuments
from graph.schema.federation import Schema
from graph.schema.member import Member
from graph.schema.query import Query, SubgraphQuery
from graph.schema.scalars import SCALARS
from graph.schema.scopes import rules_of
from graph.schema.subscription import Subscription
from graph.settings import AppSettings
from graph.telemetry.requests import name_operation


class _NoIntrospection(AddValidationRules):
    def __init__(self) -> None:
        super().__init__([NoSchemaIntrospectionCustomRule])


class _NamedOperation(SchemaExtension):
    """Gives what is told of a request the name of what it asks for."""

    def on_validate(self) -> Iterator[None]:  # the first step at which there is a document
        name_operation(self.execution_context.operation_type.value, self.execution_context.operation_name)
        yield


class _Told(SchemaExtension):
    """Tells what its resolvers have an answer tell beside its data."""

    def get_results(self) -> dict[str, Any]:
        context = self.execution_context.context
        return dict(context.told) if isinstance(context, Context) else {}


def build_schema(settings: AppSettings, known: KnownDocuments | None = None, *, tells_scopes: bool = True) -> Schema:
    """Make the schema that is served.

    Args:
        settings: Limits, and who may see what.
        known: Remembers the documents that were found right; by default it remembers them for itself.
        tells_scopes: Whether its SDL says what needs which scope; a gateway that cannot keep such rules refuses it.
    """
    limits = settings.limits
    extensions: list[Callable[[], SchemaExtension]] = [
        _NamedOperation,
        partial(Documents, limits, known or KnownDocuments()),
        partial(CostLimit, limits),
        _Told,
    ]
    if not settings.server.introspection:
        extensions.insert(0, _NoIntrospection)
    options: dict[str, Any] = {"types": [Member], "config": StrawberryConfig(scalar_map=SCALARS)}
    options["subscription"] = Subscription
    if settings.execution.compiled:
        options["execution_context_class"] = compiled_executor(types_by_class=True)
    options["rules"] = rules_of(settings.auth)
    subgraph = Schema(query=SubgraphQuery, tells_rules=tells_scopes, **options)
    return Schema(query=Query, extensions=extensions, subgraph=subgraph, max_errors=limits.max_errors, **options)


def print_sdl(schema: Schema) -> str:
    """The subgraph SDL, as it is published to a registry and answered by `_service`.

    Query.node and Query.nodes are left out of it, so that the subgraph composes with others that have their own; the
    schema that is served has them.
    """
    return schema.sdl
