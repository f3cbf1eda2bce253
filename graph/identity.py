"""Who asks: what a caller may see, whatever way it proved who it is."""

from enum import Enum

import msgspec


class Scope(Enum):
    """What a caller may read."""

    CONFERENCES_READ = "conferences:read"
    STATISTICS_READ = "statistics:read"
    PII_READ = "pii:read"
    SOURCES_READ = "sources:read"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One caller.

    Attributes:
        name: What logs and limits call it; never a credential.
        scopes: What it may read.
        sources: The names of the sources it may see; None is all.
        is_gateway: Whether a federated gateway that proved so stands between.
    """

    name: str
    scopes: frozenset[Scope]
    sources: frozenset[str] | None = None
    is_gateway: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether it may read what needs this scope."""
        return scope in self.scopes


ALL_SCOPES = frozenset(Scope)
DEFAULT_SCOPES = ALL_SCOPES - {Scope.PII_READ}
ANYBODY = Identity(name="anonymous", scopes=ALL_SCOPES)
