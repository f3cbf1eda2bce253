"""What callers may see: one table of what each field needs. It is enforced here, and printed for gateways.

Whose rows a caller may see is no matter of fields: its context has those sources alone, see `Fleet.restricted`.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cache
from typing import Any, NamedTuple

from graphql import GraphQLResolveInfo, GraphQLSchema, default_field_resolver, is_non_null_type
from graphql.pyutils import Path
from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import get_object_definition
from strawberry.utils.str_converters import to_camel_case

from graph.context import Context
from graph.errors import ForbiddenError
from graph.execution import seen_through
from graph.identity import Identity, Scope
from graph.settings import AuthSettings
from graph.vendors import VENDORS

# A type needs what all ways to it need; gateways come to entities by their keys, so they have to be told.
TYPES: dict[str, Scope | None] = {
    **dict.fromkeys(("Conference", "Call", "Member", "Room", "McuResource"), Scope.CONFERENCES_READ),
    "Source": None,  # whoever is known
}
FIELDS: dict[Scope, tuple[str, ...]] = {
    Scope.CONFERENCES_READ: (
        "Query.conferences",
        "Query.conference",
        "Query.calls",
        "Query.rooms",
        "Query.mcuResources",
        "Query.node",
        "Query.nodes",
        "Query._entities",
        "Subscription.liveConferences",
        "UsageGroup.room",
    ),
    Scope.STATISTICS_READ: (
        "Query.usage",
        "Query.usageBy",
        "Query.live",
        "Query.regionCounts",
        "Room.usage",
        "McuResource.utilization",
    ),
    Scope.PII_READ: ("Person.email", "Person.phoneNumber", "Member.phoneNumber", "Call.phoneNumber"),
    Scope.SOURCES_READ: ("Query.sources", "Source.health"),
}
# Personal where `auth.names_are_pii` says so. Many an account is named after its owner.
NAMES = ("Person.name", "Person.accountId", "Member.displayName", "Member.accountId", "Call.displayName")
# For gateways alone where `auth.entities_by_gateway_only` says so.
BY_GATEWAY = "Query._entities"

Resolver = Callable[..., Any]


class Rule(NamedTuple):
    """What one field needs."""

    scope: Scope
    by_gateway_only: bool = False

    def permits(self, identity: Identity) -> bool:
        """Whether a caller has it."""
        return self.scope in identity.scopes and (identity.is_gateway or not self.by_gateway_only)

    def refusal(self, identity: Identity) -> ForbiddenError:
        """What a caller is told who has it not."""
        if self.scope in identity.scopes:
            return ForbiddenError("This is for the gateway alone.")
        return ForbiddenError(f"This needs the scope {self.scope.value}.")


def rules_of(settings: AuthSettings) -> Mapping[str, Rule]:
    """The table of a configuration, by schema coordinate, such as `Person.email`."""
    return _rules(settings.names_are_pii, settings.entities_by_gateway_only)


@cache
def _rules(names_are_pii: bool, entities_by_gateway_only: bool) -> Mapping[str, Rule]:
    rules = {name: Rule(scope) for scope, names in FIELDS.items() for name in names}
    rules |= {name: Rule(scope) for name, scope in _marked_by_vendors()}
    if names_are_pii:
        rules |= dict.fromkeys(NAMES, Rule(Scope.PII_READ))
    rules[BY_GATEWAY] = rules[BY_GATEWAY]._replace(by_gateway_only=entities_by_gateway_only)
    return rules


def _marked_by_vendors() -> Iterator[tuple[str, Scope]]:
    """The fields of vendors, which say in their metadata what they need."""
    for spec in VENDORS.values():
        for kind in filter(None, (spec.conference_fields, spec.member_fields)):
            definition = get_object_definition(kind, strict=True)
            for field in definition.fields:
                if "scope" in field.metadata:
                    yield f"{definition.name}.{to_camel_case(field.python_name)}", field.metadata["scope"]


def sees(context: Context, coordinate: str) -> bool:
    """Whether who asks may see a field: a search looks at no other."""
    rule = rules_of(context.settings.auth).get(coordinate)
    return rule is None or rule.permits(context.identity)


# ---- enforced ---------------------------------------------------------------------------------------


def enforce(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> None:
    """Have the fields of a schema keep the rules; the others are resolved as before.

    A field that is refused is null, or a list of nulls where it cannot be null. The error of a field of many rows is
    told once, at the first.
    """
    for field, rule in _fields(schema, rules):
        if field.subscribe:
            field.subscribe = _gated(field.subscribe, rule)
            continue
        is_list = is_non_null_type(field.type)
        field.resolve = _guarded(field.resolve or default_field_resolver, rule, is_list=is_list)


def _guarded(resolve: Resolver, rule: Rule, *, is_list: bool) -> Resolver:
    def guarded(root: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        context = info.context
        if rule.permits(context.identity):
            return resolve(root, info, **arguments)
        place = _place(info.path)
        error = None if place in context.refused else rule.refusal(context.identity)
        context.refused.add(place)
        if is_list:
            (asked,) = arguments.values()
            return [error, *[None] * (len(asked) - 1)] if asked else []
        if error:
            raise error
        return None

    return seen_through(guarded, resolve, lambda context: rule.permits(context.identity))


def _gated(subscribe: Resolver, rule: Rule) -> Resolver:
    """What begins a subscription; one that is refused does not begin."""

    def gated(root: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        if not rule.permits(info.context.identity):
            raise rule.refusal(info.context.identity)
        return subscribe(root, info, **arguments)

    return gated


def _place(path: Path | None) -> tuple[str, ...]:
    """Where in the document a field stands, whichever rows it is of."""
    names = []
    while path:
        if isinstance(path.key, str):
            names.append(path.key)
        path = path.prev
    return tuple(names)


# ---- printed ----------------------------------------------------------------------------------------

DIRECTIVES = (RequiresScopes(scopes=[]), Authenticated())  # of each kind one, to be imported


def annotate(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> None:
    """Have the SDL of a schema tell the rules; gateways know `_entities` by the types alone."""
    for name, scope in TYPES.items():
        _add_directive(schema.type_map[name], Authenticated() if scope is None else _requires(scope))
    told = {name: rule for name, rule in rules.items() if name != BY_GATEWAY}
    for field, rule in _fields(schema, told):
        _add_directive(field, _requires(rule.scope))


def _requires(scope: Scope) -> RequiresScopes:
    return RequiresScopes(scopes=[[scope.value]])


def _add_directive(item: Any, directive: object) -> None:
    """Add to what the SDL says of a type or field, in this schema alone: schemas share Strawberry's definitions."""
    definition = copy(item.extensions[GraphQLCoreConverter.DEFINITION_BACKREF])
    definition.directives = [*(definition.directives or ()), directive]
    item.extensions = {**item.extensions, GraphQLCoreConverter.DEFINITION_BACKREF: definition}


def _fields(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> Iterator[tuple[Any, Rule]]:
    """The fields that have rules; the subgraph's own schema lacks some of the roots."""
    for coordinate, rule in rules.items():
        type_name, _, name = coordinate.partition(".")
        field = getattr(schema.type_map[type_name], "fields", {}).get(name)
        if field is not None:
            yield field, rule
