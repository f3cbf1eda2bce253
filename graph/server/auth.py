"""Who asks: finds it out from the headers of a request, or from the first message of a WebSocket.

A caller that is not known learns nothing of why; the log has a word for it, and never the credential.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec
from starlette.datastructures import Headers

from graph import clock
from graph.errors import UnauthenticatedError
from graph.identity import ANYBODY, DEFAULT_SCOPES, Identity, Scope
from graph.settings import AuthSettings, KeySettings, Secret
from graph.telemetry.logs import log

GATEWAY_HEADER = "x-confgraph-gateway"
MAX_CREDENTIAL = 8192
RELOAD_S = 5.0  # a wrong secret makes us look into its file no more often


class _Callers(Protocol):
    """Knows callers by what they send."""

    async def identify(self, credential: str) -> Identity: ...

    async def aclose(self) -> None: ...


class Keys:
    """Knows callers by their keys, of which it has the hashes alone."""

    def __init__(self, keys: Sequence[KeySettings]) -> None:
        self._known = [(bytes.fromhex(key.sha256), _identity(key)) for key in keys]

    async def identify(self, credential: str) -> Identity:
        """Who has this key. Takes as long whether and where it is found.

        Raises:
            UnauthenticatedError: nobody.
        """
        offered = sha256(credential.encode()).digest()
        found = [identity for known, identity in self._known if hmac.compare_digest(known, offered)]
        if not found:
            raise UnauthenticatedError("unknown key")
        return found[0]

    async def aclose(self) -> None:
        """It has nothing to close."""


class Guard:
    """Knows who asks."""

    def __init__(self, settings: AuthSettings) -> None:
        self._callers: _Callers | None = None
        if settings.mode == "keys":
            self._callers = Keys(settings.keys)
        elif settings.jwt:
            from graph.server.jwt import Tokens  # noqa: PLC0415 - slow to import, and most know callers by other means

            self._callers = Tokens(settings.jwt)
        self._gateway = _Gateway(settings.gateway_secret) if settings.gateway_secret else None

    async def aclose(self) -> None:
        """Ask nobody any more who somebody is."""
        if self._callers:
            await self._callers.aclose()

    async def authenticate(self, headers: Headers) -> Identity:
        """Who sends a request with these headers.

        Raises:
            UnauthenticatedError: nobody who is known.
        """
        return await self._known(headers.getlist(GATEWAY_HEADER), headers.getlist("authorization"))

    async def authenticate_connection(self, payload: Mapping[str, object], headers: Headers) -> Identity:
        """Who opens a WebSocket with this payload of `connection_init`.

        What the payload does not say, the headers of the handshake may: a browser can set none, other clients can.

        Raises:
            UnauthenticatedError: nobody who is known.
        """

        def said(name: str) -> Sequence[object]:
            return [value for key, value in payload.items() if key.lower() == name] or headers.getlist(name)

        return await self._known(said(GATEWAY_HEADER), said("authorization"))

    async def _known(self, secrets: Sequence[object], authorizations: Sequence[object]) -> Identity:
        try:
            is_gateway = self._gateway is not None and self._gateway.sent(secrets)
            identity = await self._callers.identify(_bearer(authorizations)) if self._callers else ANYBODY
        except UnauthenticatedError as error:
            log.warning("caller not known", reason=error.reason)
            raise
        return msgspec.structs.replace(identity, is_gateway=True) if is_gateway else identity


class _Gateway:
    """Knows the gateway by the secret that it shares with us."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._reloaded_at = clock.monotonic()

    def sent(self, offered: Sequence[object]) -> bool:
        """Whether it sends a request with these secrets.

        Raises:
            UnauthenticatedError: somebody else does, who says so.
        """
        if not offered:
            return False
        if len(offered) > 1 or not (self._is(offered[0]) or (self._may_have_changed() and self._is(offered[0]))):
            raise UnauthenticatedError("gateway secret")
        return True

    def _is(self, offered: object) -> bool:
        said = offered.encode(errors="replace") if isinstance(offered, str) else b""
        return hmac.compare_digest(self._secret.reveal().encode(), said)

    def _may_have_changed(self) -> bool:
        if clock.monotonic() - self._reloaded_at < RELOAD_S:
            return False
        self._reloaded_at = clock.monotonic()
        return self._secret.reload()


def _bearer(authorizations: Sequence[object]) -> str:
    if len(authorizations) != 1:
        raise UnauthenticatedError("several credentials" if authorizations else "no credential")
    (said,) = authorizations
    scheme, _, credential = said.partition(" ") if isinstance(said, str) else ("", "", "")
    if scheme.lower() != "bearer" or not credential or not credential.isascii():
        raise UnauthenticatedError("no bearer")
    if len(credential) > MAX_CREDENTIAL:
        raise UnauthenticatedError("too long")
    return credential


def _identity(key: KeySettings) -> Identity:
    return Identity(
        name=key.name,
        scopes=DEFAULT_SCOPES if key.scopes is None else frozenset(map(Scope, key.scopes)),
        sources=None if key.sources is None else frozenset(key.sources),
    )
