"""The ASGI application: `create_app(settings)`."""

from graph.server.app import create_app

__all__ = ["create_app"]
