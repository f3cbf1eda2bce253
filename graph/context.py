"""What one request carries through the schema: the sources, what was read of them, and its own loaders."""

from dataclasses import dataclass, field
from typing import Any

from graph.cache.store import WindowStore
from graph.fleet import Fleet
from graph.identity import ANYBODY, Identity
from graph.live import LiveHub
from graph.loaders import Loaders
from graph.settings import AppSettings


@dataclass
class Values:
    """How many values the rows of an answer have.

    Attributes:
        count: Of all up to now.
    """

    count: int = 0


@dataclass(frozen=True)
class Context:
    """One request's context.

    Attributes:
        fleet: The sources that who asks may see.
        store: What was read lately, shared by all requests.
        settings: The configuration.
        request_id: Names the request in answers and logs.
        loaders: Made for this request alone.
        identity: Who asks.
        live: Watches what is going on, for all who subscribe to it.
        refused: The places in the document where something was refused, and told so.
        told: What the answer tells beside its data.
        values: How much of it there is.
    """

    fleet: Fleet
    store: WindowStore
    settings: AppSettings
    request_id: str
    loaders: Loaders
    identity: Identity = ANYBODY
    live: LiveHub = field(default_factory=LiveHub)
    refused: set[tuple[str, ...]] = field(default_factory=set)
    told: dict[str, Any] = field(default_factory=dict)
    values: Values = field(default_factory=Values)

    @classmethod
    def create(  # noqa: PLR0917 - what a process has, and what is the request's
        cls,
        fleet: Fleet,
        store: WindowStore,
        settings: AppSettings,
        request_id: str,
        identity: Identity = ANYBODY,
        live: LiveHub | None = None,
    ) -> "Context":
        """Make the context of a request, on the loop that answers it.

        Args:
            fleet: The configured sources.
            store: What was read lately.
            settings: The configuration.
            request_id: Names the request.
            identity: Who asks.
            live: Watches what is going on; by default for this request alone.
        """
        visible = fleet.restricted(identity.sources)
        return cls(visible, store, settings, request_id, Loaders(visible), identity, live or LiveHub())

    def renew(self) -> None:
        """Begin anew, for the next event of a subscription: what was read for the last one is not at hand any more."""
        self.loaders.renew()
        self.refused.clear()
        self.told.clear()
        self.values.count = 0
