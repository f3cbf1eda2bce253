"""Who asks: what a caller may see, whatever way it proved who it is."""

from enum import Enum

import msgspec

from graph import clock


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
        expires_at: When its proof is no longer good, in seconds since 1970; None is never.
    """

    name: str
    scopes: frozenset[Scope]
    sources: frozenset[str] | None = None
    is_gateway: bool = False
    expires_at: float | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it may read what needs this scope."""
        return scope in self.scopes

    def left_s(self) -> float | None:
        """For how many seconds its proof is still good; None is without an end."""
        return None if self.expires_at is None else max(0.0, self.expires_at - clock.now().timestamp())


ALL_SCOPES = frozenset(Scope)
DEFAULT_SCOPES = ALL_SCOPES - {Scope.PII_READ}
ANYBODY = Identity(name="anonymous", scopes=ALL_SCOPES)
