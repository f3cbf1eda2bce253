"""What one request carries through the schema: the sources, what was read of them, and its own loaders."""

from dataclasses import dataclass

from graph.cache.memory import WindowStore
from graph.fleet import Fleet
from graph.loaders import Loaders
from graph.settings import AppSettings


@dataclass(frozen=True)
class Context:
    """One request's context.

    Attributes:
        fleet: The configured sources.
        store: The windows that were read lately, shared by all requests.
        settings: The configuration.
        request_id: Names the request in answers and logs.
        loaders: Made for this request alone.
    """

    fleet: Fleet
    store: WindowStore
    settings: AppSettings
    request_id: str
    loaders: Loaders

    @classmethod
    def create(cls, fleet: Fleet, store: WindowStore, settings: AppSettings, request_id: str) -> "Context":
        """Make the context of a request, on the loop that answers it."""
        return cls(fleet, store, settings, request_id, Loaders(fleet))
