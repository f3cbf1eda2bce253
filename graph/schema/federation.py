"""The subgraph's side of federation: the schema class, `_entities` and `_service`.

A representation names an object by its keys; everything else in it is ignored, and the object itself always comes
from its vendor. All representations are read together: the loaders make one batch per type and source of them.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, Undefined
from strawberry.federation.schema import FederationAny
from strawberry.printer import print_schema

from graph.errors import BadUserInputError, InvalidIdError, LimitExceededError
from graph.execution import call_at_once
from graph.ids import GlobalId, IdKind, decode_id
from graph.records import Room
from graph.schema.node import fetch_nodes
from graph.schema.scopes import DIRECTIVES, Rule, annotate, enforce
from graph.schema.selection import Selection
from graph.schema.source import Info
from graph.schema.values import count_values

MAX_ENTITIES = 1000
LONGEST_NAME = 40  # letters that are told of a name that is none of ours

# How each entity is named: its kind of id, and its other key beside sourceName.
ENTITIES: dict[str, tuple[IdKind, str | None]] = {
    "Conference": (IdKind.CONFERENCE, "vendorId"),
    "Call": (IdKind.CALL, None),
    "Room": (IdKind.ROOM, "name"),
    "McuResource": (IdKind.MCU_RESOURCE, "name"),
}


@strawberry.type(name="_Service", description="For gateways: what this subgraph offers.")
class Service:
    """Describes `Schema` to gateways."""

    sdl: str = strawberry.field(description="The subgraph's schema with its federation directives.")


class Schema(strawberry.federation.Schema):
    """A subgraph: its fields keep the rules, and entities are read in batches."""

    def __init__(
        self,
        *,
        rules: Mapping[str, Rule],
        tells_rules: bool = True,
        subgraph: "Schema | None" = None,
        calls_at_once: bool = False,
        **options: Any,
    ) -> None:
        """Make the schema.

        Args:
            rules: What its fields need.
            tells_rules: Whether its SDL has them, for gateways.
            subgraph: The schema whose SDL this one publishes; None is its own.
            calls_at_once: Whether resolvers are called without Strawberry's ceremony.
            options: Strawberry's.
        """
        self._tells_rules = tells_rules
        super().__init__(federation_version="2.9", **options)
        self._subgraph = subgraph or self
        _drop_null_defaults(self)
        if calls_at_once:
            call_at_once(self)
        count_values(self._schema)
        enforce(self._schema, rules)
        if tells_rules:
            annotate(self._schema, rules)

    @cached_property
    def sdl(self) -> str:
        """What gateways compose, printed once."""
        return print_schema(self._subgraph) + "\n"

    def _prepare_schema_directives(self) -> None:
        """Import what the rules are printed as; the fields get it when they are there."""
        if self._tells_rules:
            self._schema_directives_in_use.extend(DIRECTIVES)
        super()._prepare_schema_directives()

    async def entities_resolver(  # type: ignore[override]  # the base one is not asynchronous
        self,
        info: Info,
        representations: Annotated[
            list[FederationAny], strawberry.argument(description="The keys of the objects, with their __typename.")
        ],
    ) -> list[Any]:
        """Read the objects that a gateway names by their keys: the same order, each with its own error."""
        if len(representations) > MAX_ENTITIES:
            raise LimitExceededError(f"At most {MAX_ENTITIES} representations at once.")
        given: list[Any] = list(representations)
        answers: list[Any] = [None] * len(given)
        named: list[tuple[int, GlobalId, Selection]] = []
        for place, representation in enumerate(given):
            try:
                wanted, typename = identify(representation)
            except Exception as error:  # noqa: BLE001 - told in its place, whatever it is
                answers[place] = error
            else:
                named.append((place, wanted, Selection.of(info, typename)))
        found = await fetch_nodes(info.context, [(wanted, selection) for _, wanted, selection in named])
        for (place, wanted, _), record in zip(named, found, strict=True):
            # Rooms of some sources are known by something else than their names.
            is_other = isinstance(record, Room) and "id" not in given[place] and record.name != wanted.key
            answers[place] = None if is_other else record
        return answers


def identify(representation: object) -> tuple[GlobalId, str]:
    """What a representation names, and the name of its type.

    Raises:
        RequestError: it names nothing.
    """
    if not isinstance(representation, Mapping):
        raise BadUserInputError("A representation is an object.")
    typename = representation.get("__typename")
    if not isinstance(typename, str) or typename not in ENTITIES:
        found = f', not "{typename[:LONGEST_NAME]}"' if isinstance(typename, str) else ""
        raise BadUserInputError(f"A __typename of entities is one of {', '.join(ENTITIES)}{found}.")
    kind, key_name = ENTITIES[typename]
    if "id" in representation:
        wanted = decode_id(_text(typename, representation, "id"))
        if wanted.kind is not kind:
            raise InvalidIdError(f"This is not an id of a {typename}.")
        return wanted, typename
    if key_name is None:
        raise _lacks_key(typename)
    return GlobalId(
        kind, _text(typename, representation, "sourceName"), _text(typename, representation, key_name)
    ), typename


def _text(typename: str, representation: Mapping[str, object], key: str) -> str:
    value = representation.get(key)
    if not isinstance(value, str):
        raise _lacks_key(typename)
    return value


def _lacks_key(typename: str) -> BadUserInputError:
    key_name = ENTITIES[typename][1]
    natural = f", or `sourceName` and `{key_name}`" if key_name else ""
    return BadUserInputError(f"A representation of a {typename} needs its key as text: `id`{natural}.")


def _drop_null_defaults(schema: Schema) -> None:
    """Explicit null is absent everywhere, so `= null` says nothing."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - the schema is this object's own
        if isinstance(type_, GraphQLInputObjectType):
            inputs = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            inputs = [argument for field in type_.fields.values() for argument in field.args.values()]
        else:
            continue
        for item in inputs:
            if item.default_value is None:
                item.default_value = Undefined
