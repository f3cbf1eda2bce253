"""The GraphQL schema: `build_schema(settings)`.

What clients see: `query` and `subscription` (the roots), `conference`, `call`, `room`, `mcu`, `region`, `usage` and
`live` (types and their root fields), `member`, `person`, `source` and `vendor_fields` (other types), `connection`,
`node`, `federation`, `enums` and `scalars` (shared by all).

How rows are found: `selection` (the selected fields), `narrowing` (filters), `lists` (lists by time), `whole_lists`
(all others), `of_conference` (members and calls), `storage` (cache keys).

How requests are checked: `documents`, `operations` and `arguments` (read a document), `limits` (its size), `weights`,
`prices` and `cost` (its predicted cost), `scopes` (who may see what), `values` (the size of the answer), `errors` (what
errors reveal). `served` puts all of this together.
"""

from typing import Any

from strawberry.schema.config import StrawberryConfig

from graph.execution import StockExecutor, compiled_executor
from graph.schema.documents import KnownDocuments
from graph.schema.federation import Schema
from graph.schema.member import Member
from graph.schema.query import Query, SubgraphQuery
from graph.schema.scalars import SCALARS
from graph.schema.scopes import rules_of
from graph.schema.served import ServedSchema
from graph.schema.subscription import Subscription
from graph.settings import AppSettings


def build_schema(
    settings: AppSettings, known: KnownDocuments | None = None, *, tells_scopes: bool = True
) -> ServedSchema:
    """Make the schema that is served.

    Args:
        settings: Limits, and who may see what.
        known: Remembers the documents that were found right; by default it remembers them for itself.
        tells_scopes: Whether its SDL says what needs which scope; a gateway that cannot keep such rules refuses it.
    """
    options: dict[str, Any] = {"types": [Member], "config": StrawberryConfig(scalar_map=SCALARS)}
    options["subscription"] = Subscription
    is_compiled = settings.execution.compiled
    options["execution_context_class"] = compiled_executor(types_by_class=True) if is_compiled else StockExecutor
    options["rules"] = rules_of(settings.auth)
    subgraph = Schema(query=SubgraphQuery, tells_rules=tells_scopes, **options)
    options |= {"subgraph": subgraph, "calls_at_once": is_compiled}
    return ServedSchema(query=Query, settings=settings, known=known or KnownDocuments(), **options)


def print_sdl(schema: Schema) -> str:
    """The subgraph SDL, as it is published to a registry and answered by `_service`.

    Query.node and Query.nodes are left out of it, so that the subgraph composes with others that have their own; the
    schema that is served has them.
    """
    return schema.sdl
