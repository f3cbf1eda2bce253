"""Callers that have keys."""

from hashlib import sha256
from typing import Any

from graph.settings import AuthSettings, KeySettings

GATEWAY_SECRET = "hush-between-gateway-and-us"


def hashed(key: str) -> str:
    """What the configuration has of a key."""
    return sha256(key.encode()).hexdigest()


def key_settings(name: str, **more: Any) -> KeySettings:
    """A caller whose key is `key of <name>`."""
    return KeySettings(name=name, sha256=hashed(f"key of {name}"), **more)


def keys(*names: str, **more: Any) -> AuthSettings:
    """Callers who may ask all but what is personal."""
    return AuthSettings(mode="keys", keys=[key_settings(name) for name in names], **more)


def bearer(credential: str) -> tuple[str, str]:
    """The header that a credential is sent in."""
    return ("authorization", f"Bearer {credential}")
