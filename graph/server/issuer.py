"""The public keys of an issuer of tokens: read from it, kept for a while, and read anew when they may have changed."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from graph import clock
from graph.telemetry.logs import log
from graph.transport.download import Download, DownloadError

FRESH_S = 300.0  # a key that the issuer withdrew is good for no longer while the issuer can be asked
KEEP_S = 3600.0  # nor for longer than this while it cannot
PAUSE_S = 10.0  # between two readings: whoever sends tokens of unknown keys makes us ask no more often
TIMEOUT_S = 3.0
MAX_BYTES = 256_000
MAX_KEYS = 100
LEAST_RSA_BITS = 2048
# The kind of key that each algorithm needs.
KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "EC P-256",
    "ES384": "EC P-384",
    "ES512": "EC P-521",
    "EdDSA": "OKP Ed25519",
}
READERS: dict[str, Any] = {
    "RSA": RSAAlgorithm,
    **dict.fromkeys(("EC P-256", "EC P-384", "EC P-521"), ECAlgorithm),
    "OKP Ed25519": OKPAlgorithm,
}

# By id and kind: the algorithm that a key is for, None being all that go with its kind, and the key.
Keys = dict[tuple[str, str], tuple[str | None, Any]]


class Issuer:
    """What one issuer publishes at its `jwks_url`.

    Args:
        jwks_url: Where that is.
        ca_file: Certificates of authorities that may vouch for it, besides those everybody trusts.
    """

    def __init__(self, jwks_url: str, ca_file: Path | None = None) -> None:
        self._download = Download(jwks_url, MAX_BYTES, TIMEOUT_S, ca_file)
        self._keys: Keys = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Ask it no more."""
        if self._reading:
            self._reading.cancel()
        await self._download.aclose()

    async def key(self, kid: str, algorithm: str) -> Any:
        """The public key of that id for that algorithm; None where there is none, also where that is of another kind.

        Args:
            kid: As a token names it.
            algorithm: One of KINDS.
        """
        if self._age_s > FRESH_S:
            await self._read_again()
        found = self._known(kid, algorithm)
        if found is None:  # the issuer may have a new one
            await self._read_again()
            found = self._known(kid, algorithm)
        return found

    @property
    def _age_s(self) -> float:
        return float("inf") if self._read_at is None else clock.monotonic() - self._read_at

    def _known(self, kid: str, algorithm: str) -> Any:
        for_algorithm, key = self._keys.get((kid, KINDS[algorithm]), (None, None))
        return key if self._age_s <= KEEP_S and for_algorithm in (None, algorithm) else None

    async def _read_again(self) -> None:
        """Read the keys, unless that was tried just now. All who wait for it wait for one reading."""
        if self._reading is None:
            if self._tried_at is not None and clock.monotonic() - self._tried_at < PAUSE_S:
                return
            self._tried_at = clock.monotonic()
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)  # whoever stops waiting leaves it to the others

    async def _read(self) -> None:
        try:
            self._keys = _keys_of(await self._download.read())
            self._read_at = clock.monotonic()
        except DownloadError as error:
            log.warning("keys of the issuer not read", reason=str(error))
        finally:
            self._reading = None


def _keys_of(body: bytes) -> Keys:
    """The keys of a JWK set that are of use here.

    Raises:
        DownloadError: it is no such set.
    """
    try:
        entries = json.loads(body)["keys"][:MAX_KEYS]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise DownloadError("no key set") from None
    keys: Keys = {}
    for entry in entries:
        # One that is broken, or of a new kind, takes nothing from the others.
        with contextlib.suppress(jwt.PyJWTError, ValueError, TypeError, LookupError, AttributeError):
            kind = " ".join(entry[part] for part in ("kty", "crv") if part in entry)
            key = READERS[kind].from_jwk(entry)
            if _is_usable(entry, key):
                keys[entry["kid"], kind] = entry.get("alg"), key
    return keys


def _is_usable(entry: Mapping[str, Any], key: Any) -> bool:
    """Whether signatures may be checked with a key: it is for that, public, and long enough."""
    is_for_signatures = entry.get("use", "sig") == "sig" and "verify" in entry.get("key_ops", ["verify"])
    is_long_enough = entry["kty"] != "RSA" or key.key_size >= LEAST_RSA_BITS
    return is_for_signatures and "d" not in entry and is_long_enough
