"""Callers that send a token: it is good as long as its issuer, whose keys are public, says so."""

from hashlib import blake2b
from typing import Any

import jwt

from graph.errors import UnauthenticatedError
from graph.identity import DEFAULT_SCOPES, Identity, Scope
from graph.server.issuer import Issuer
from graph.settings import JwtSettings

FAR = 2**40  # seconds
REQUIRED = ["exp", "iss", "aud"]
NAMING = ("sub", "client_id", "azp")  # the claims that tell callers apart, the best first


class Tokens:
    """Knows the callers of an issuer by their tokens."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._issuer = Issuer(settings.jwks_url, settings.ca_file)

    async def aclose(self) -> None:
        """Ask the issuer no more."""
        await self._issuer.aclose()

    async def identify(self, token: str) -> Identity:
        """Who sends a token.

        Raises:
            UnauthenticatedError: it is not good.
        """
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self._settings.algorithms:
                raise UnauthenticatedError("algorithm")
            key = await self._issuer.key(kid, algorithm) if isinstance(kid, str) else None
            if key is None:
                raise UnauthenticatedError("unknown key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway_s,
                options={"require": REQUIRED},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise UnauthenticatedError(type(error).__name__) from None
        return Identity(
            name=_name(claims),
            scopes=_scopes(claims, self._settings.scopes_claim),
            sources=_sources(claims, self._settings.sources_claim),
            expires_at=min(int(claims["exp"]), FAR) + self._settings.leeway_s,
        )


def _name(claims: dict[str, Any]) -> str:
    """What tells this caller from others, and nothing of it: a subject may be a person's address."""
    said = next((claims[claim] for claim in NAMING if isinstance(claims.get(claim), str)), "")
    return f"jwt-{blake2b(said.encode(errors='replace'), digest_size=8, key=b'confgraph caller').hexdigest()}"


def _scopes(claims: dict[str, Any], claim: str) -> frozenset[Scope]:
    if claim not in claims:
        return DEFAULT_SCOPES
    said = _words(claims[claim])
    return frozenset(scope for scope in Scope if scope.value in said)


def _sources(claims: dict[str, Any], claim: str) -> frozenset[str] | None:
    return _words(claims[claim]) if claim in claims else None


def _words(value: Any) -> frozenset[str]:
    """The words of a claim, a text or a list of them. What is neither has none: it allows nothing."""
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()
