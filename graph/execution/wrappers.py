"""Resolvers that wrap others, and say so, so that what they wrap can be asked for many rows at once."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from graphql import GraphQLFieldResolver

Resolver = TypeVar("Resolver", bound=Callable[..., Any])
IsOpen = Callable[[Any], bool]
Look = Callable[[Any, Any], Any]  # given what was found, and the info

_SEEN = "__seen_through__"
_LOOKED = "__looked_at__"


def seen_through(wrapper: Resolver, resolve: GraphQLFieldResolver, is_open: IsOpen) -> Resolver:
    """Let a resolver that wraps another one be passed by while it is open.

    Args:
        wrapper: The resolver of the field.
        resolve: The resolver that it wraps.
        is_open: Whether, for a context, it does nothing but call that one.
    """
    setattr(wrapper, _SEEN, (resolve, is_open))
    return wrapper


def looked_at(wrapper: Resolver, resolve: GraphQLFieldResolver, look: Look) -> Resolver:
    """Let it be known that a resolver looks at what another one finds, and does nothing else.

    Args:
        wrapper: The resolver of the field.
        resolve: The resolver that it wraps.
        look: Given what that one found and the info of the field at any row: what is found then, or it raises.
    """
    setattr(wrapper, _LOOKED, (resolve, look))
    return wrapper


class Unwrapped(NamedTuple):
    """A resolver without its wrappers.

    Attributes:
        resolve: The innermost one.
        conditions: It may be asked in their stead for contexts that all of these are true for.
        looks: What looks at what it finds, the first one first.
    """

    resolve: Any
    conditions: Sequence[IsOpen]
    looks: Sequence[Look]


def unwrapped(resolve: Any) -> Unwrapped:
    """Take the wrappers off a resolver, as far as they say what they are."""
    conditions: list[IsOpen] = []
    looks: list[Look] = []
    while True:
        if seen := getattr(resolve, _SEEN, None):
            resolve, is_open = seen
            conditions.append(is_open)
        elif looked := getattr(resolve, _LOOKED, None):
            resolve, look = looked
            looks.insert(0, look)
        else:
            return Unwrapped(resolve, conditions, looks)
