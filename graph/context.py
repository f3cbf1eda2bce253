"""What one request carries through the schema: the sources, what was read of them, and its own loaders."""

from dataclasses import dataclass, field

from graph.cache.store import WindowStore
from graph.fleet import Fleet
from graph.identity import ANYBODY, Identity
from graph.loaders import Loaders
from graph.settings import AppSettings


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
        refused: The places in the document where something was refused, and told so.
    """

    fleet: Fleet
    store: WindowStore
    settings: AppSettings
    request_id: str
    loaders: Loaders
    identity: Identity = ANYBODY
    refused: set[tuple[str, ...]] = field(default_factory=set)

    @classmethod
    def create(
        cls,
        fleet: Fleet,
        store: WindowStore,
        settings: AppSettings,
        request_id: str,
        identity: Identity = ANYBODY,
    ) -> "Context":
        """Make the context of a request, on the loop that answers it.

        Args:
            fleet: The configured sources.
            store: What was read lately.
            settings: The configuration.
            request_id: Names the request.
            identity: Who asks.
        """
        visible = fleet.restricted(identity.sources)
        return cls(visible, store, settings, request_id, Loaders(visible), identity)
