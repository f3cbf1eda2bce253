"""The types of a body, taken apart once: which places hold structs, rows and enum numbers.

A struct may say more of its fields in class variables, by their names in the body: `unread` are documented ones that
are of no use here, `sometimes` are those that may be left out, `vital` are those that may be left out or null, but tell
something else then: what cannot be read must not be taken for that. An enum number says with `known` which ones are
documented.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec

_KNOWN = "known"


def known(*values: int | str) -> msgspec.Meta:
    """In an annotation: the values of an enum that are documented. Others are let in, and told as drift."""
    return msgspec.Meta(extra={_KNOWN: frozenset(values)})


@dataclass(frozen=True)
class Field:
    """A field of a struct.

    Attributes:
        name: In Python.
        wire: In the body.
        is_required: Without it its struct cannot be read.
        must_fit: Its struct cannot be read with a value here that cannot.
        may_lack: Whether a body that is as documented may have none.
    """

    name: str
    wire: str
    shape: "Shape"
    is_required: bool
    must_fit: bool
    may_lack: bool


@dataclass(frozen=True, eq=False)
class Shape:
    """What may stand at one place of a body.

    Attributes:
        decoder: Reads the place, all of it or nothing.
        struct: The struct that an object is made into, where one may stand here.
        fields: Its fields.
        documented: What may stand in such an object by its documents, which is more than its fields.
        expected: Fields that by its documents it has, and that it can be read without.
        item: The shape of each row, where an array of structs may stand here.
        known: The documented values, where an enum stands here.
        enums: Those of the fields where an enum stands, or below which one does.
        has_enums: Whether an enum stands here or below.
    """

    decoder: "msgspec.json.Decoder[Any]"
    struct: "Callable[..., Any] | None" = None
    fields: tuple[Field, ...] = ()
    documented: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()
    item: "Shape | None" = None
    known: frozenset[Any] | None = None
    enums: tuple[Field, ...] = ()
    has_enums: bool = False

    @property
    def has_fields(self) -> bool:
        """Whether structs stand here, alone or in an array."""
        return self.struct is not None or self.item is not None


@cache
def shape_of(decoder: "msgspec.json.Decoder[Any]") -> Shape:
    """The shape of the bodies that a decoder reads."""
    annotation: Any = decoder.type
    return _shape(annotation, decoder.strict, decoder.dec_hook)


@cache
def _shape(annotation: Any, strict: bool, dec_hook: "Callable[[type, Any], Any] | None") -> Shape:
    parts = list(_parts(annotation))
    struct = next((part for part in parts if _is_struct(part)), None)
    row = next((get_args(part)[0] for part in parts if get_origin(part) is list), None)
    item = None if row is None else _shape(row, strict, dec_hook)
    fields = tuple(_fields(struct, strict, dec_hook)) if struct else ()
    values = _known(annotation)
    enums = tuple(field for field in fields if field.shape.has_enums)
    return Shape(
        decoder=msgspec.json.Decoder(annotation, strict=strict, dec_hook=dec_hook),
        struct=cast("Callable[..., Any] | None", struct),
        fields=fields,
        documented=_said(struct, "unread").union(field.wire for field in fields),
        expected=frozenset(field.wire for field in fields if not field.is_required and not field.may_lack),
        item=item if item and item.struct else None,
        known=values,
        enums=enums,
        has_enums=values is not None or bool(enums) or bool(item and item.struct and item.has_enums),
    )


def _fields(struct: Any, strict: bool, dec_hook: "Callable[[type, Any], Any] | None") -> Iterator[Field]:
    sometimes, vital = _said(struct, "sometimes"), _said(struct, "vital")
    for field in msgspec.structs.fields(struct):
        yield Field(
            name=field.name,
            wire=field.encode_name,
            shape=_shape(field.type, strict, dec_hook),
            is_required=field.required,
            must_fit=field.required or field.encode_name in vital,
            may_lack=field.encode_name in sometimes,
        )


def _said(struct: Any, name: str) -> frozenset[str]:
    """What a struct and those it extends say."""
    bases = (get_origin(struct) or struct).__mro__ if struct else ()
    return frozenset(word for base in bases for word in cast("Mapping[str, Any]", vars(base)).get(name, ()))


def _parts(annotation: Any) -> Iterator[Any]:
    """What may stand here, unions and annotations taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif annotation is not NoneType:
        yield annotation


def _known(annotation: Any) -> frozenset[Any] | None:
    origin = get_origin(annotation)
    if origin is Annotated:
        metas = [meta for meta in annotation.__metadata__ if isinstance(meta, msgspec.Meta)]
        found = next((meta.extra[_KNOWN] for meta in metas if meta.extra and _KNOWN in meta.extra), None)
        return found if found is not None else _known(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return next((found for part in get_args(annotation) if (found := _known(part)) is not None), None)
    return None


def _is_struct(part: Any) -> bool:
    kind = get_origin(part) or part
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
