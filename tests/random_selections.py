"""Documents made at random over the whole schema: any field of any type, whatever it needs."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from answers import text
from graphql import (
    GraphQLEnumType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)
from worlds import DAY, NOW

from graph.ids import IdKind, decode_id

UNSURE = {"health"}  # tells what else was asked of a source lately
ENTITIES = {
    IdKind.CONFERENCE: "Conference",
    IdKind.CALL: "Call",
    IdKind.ROOM: "Room",
    IdKind.MCU_RESOURCE: "McuResource",
}


class Writer:
    """Writes documents.

    Args:
        random: The same one writes the same documents.
        schema: What there is.
        ids: Of objects there are.
        sources: Names of sources, some of which there may be none of.
        words: What is searched for; nothing is where there are none.
    """

    def __init__(
        self, random: Random, schema: GraphQLSchema, ids: list[str], sources: list[str], words: list[str]
    ) -> None:
        self._random = random
        self._schema = schema
        self._ids = ids
        self._sources = sources
        self._words = words

    def document(self) -> str:
        """The next one; its fields have no fragments but inline ones."""
        fields: dict[str, Any] = self._schema.type_map["Query"].fields  # type: ignore[attr-defined]
        names = [name for name in fields if name != "_service"]
        chosen = self._random.choices(names, k=self._random.randint(1, 3))
        return "{ " + " ".join(f"f{n}: {self._field(name, fields[name], 3)}" for n, name in enumerate(chosen)) + " }"

    def _field(self, name: str, field: Any, depth: int) -> str:
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            return name + self._arguments(field, depth)
        return f"{name}{self._arguments(field, depth)} {{ {' '.join(self._selections(inner, depth))} }}"

    def _selections(self, kind: Any, depth: int) -> Iterator[str]:
        """Some fields of a type; leaves alone once it is deep enough."""
        yield "__typename"
        if is_abstract_type(kind):
            for one in self._schema.get_possible_types(kind):
                # Fields of one name may differ in their types.
                fields = " ".join(
                    it if it == "__typename" else f"{one.name}_{it.partition(' ')[0].partition('(')[0]}: {it}"
                    for it in self._selections(one, depth)
                )
                yield f"... on {one.name} {{ {fields} }}"
            return
        leaves: list[str] = []
        others: list[str] = []
        for name, field in kind.fields.items():
            if name not in UNSURE:
                (leaves if is_leaf_type(get_named_type(field.type)) else others).append(name)
        page = [name for name in ("nodes", "edges", "node") if name in others]  # costs no depth: it is no join
        joins = self._some([name for name in others if name not in page], 3)
        for name in self._some(leaves, 6):
            yield self._field(name, kind.fields[name], depth)
        for name in page[:1] if depth else []:
            yield self._field(name, kind.fields[name], depth)
        for name in joins if depth else []:
            yield self._field(name, kind.fields[name], depth - 1)

    def _some(self, names: list[str], most: int) -> list[str]:
        return self._random.sample(names, min(len(names), self._random.randint(0, most)))

    # ---- arguments ------------------------------------------------------------------------------

    def _arguments(self, field: Any, depth: int) -> str:
        given = []
        for name, argument in field.args.items():
            is_given = is_required_argument(argument) or name == "first" or self._random.random() < 0.4
            value = self._value(name, get_nullable_type(argument.type), depth) if is_given else None
            if value is not None:
                given.append(f"{name}: {value}")
        return f"({', '.join(given)})" if given else ""

    def _value(self, name: str, kind: Any, depth: int) -> str | None:
        named = get_named_type(kind)
        if isinstance(named, GraphQLEnumType):
            return str(self._random.choice([*named.values]))
        known: dict[str, Callable[[], str]] = {
            "first": lambda: str(self._random.choice([1, 3, 40] if depth == 3 else [1, 2])),
            "during": self._during,
            "days": lambda: '{from: "2026-03-01", to: "2026-03-12"}',
            "filter": lambda: self._filter(named),
            "sources": lambda: self._list(self._sources, 2),
            "source": lambda: f'"{self._random.choice(self._sources)}"',
            "vendorId": lambda: f'"{self._vendor_id()}"',
            "id": lambda: f'"{self._random.choice(self._ids)}"',
            "ids": lambda: self._list(self._ids, 6),
            "representations": self._representations,
        }
        return known[name]() if name in known else None

    def _filter(self, kind: Any) -> str:
        parts = {"during": self._during()}
        if "sources" in kind.fields and self._random.random() < 0.3:
            parts["sources"] = self._list(self._sources, 2)
        if "search" in kind.fields and self._words and self._random.random() < 0.3:
            parts["search"] = f'"{self._random.choice(self._words)}"'
        if "room" in kind.fields and self._random.random() < 0.1:
            parts["room"] = f'"{self._random.choice([it for it in self._ids if decode_id(it).kind is IdKind.ROOM])}"'
        return f"{{{', '.join(f'{name}: {value}' for name, value in parts.items())}}}"

    def _during(self) -> str:
        days = self._random.choice([1, 5, 20])
        return f'{{from: "{text(NOW - days * DAY)}", to: "{text(NOW + DAY)}"}}'

    def _list(self, texts: list[str], most: int) -> str:
        chosen = self._random.sample(texts, self._random.randint(1, min(most, len(texts))))
        return "[" + ", ".join(f'"{it}"' for it in chosen) + "]"

    def _vendor_id(self) -> str:
        return self._random.choice([it.key for it in map(decode_id, self._ids) if it.kind is IdKind.CONFERENCE])

    def _representations(self) -> str:
        wanted = [it for it in self._random.sample(self._ids, min(6, len(self._ids))) if decode_id(it).kind in ENTITIES]
        return "[" + ", ".join(f'{{__typename: "{ENTITIES[decode_id(it).kind]}", id: "{it}"}}' for it in wanted) + "]"
