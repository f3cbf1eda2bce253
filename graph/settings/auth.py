"""`[auth]`: who may ask, and how a caller proves who it is."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from graph.identity import Scope
from graph.settings.addresses import certificates_fault, is_loopback, url_fault
from graph.settings.base import Settings
from graph.settings.secret import Secret, fits_header

KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")
SCOPES = tuple(scope.value for scope in Scope)
# Those with a public key: whoever can check a token of another algorithm can also make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class KeySettings(Settings, frozen=True):
    """`[[auth.keys]]`: a caller that sends a key.

    Attributes:
        name: What logs and limits call it.
        sha256: Of the key, in hex: who reads the configuration cannot ask with it.
        scopes: What it may read; None is all but pii:read.
        sources: The names of the sources it may see; None is all.
    """

    name: str
    sha256: str
    scopes: list[str] | None = None
    sources: list[str] | None = None

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = []
        if not KEY_NAME.fullmatch(self.name):
            found.append("name: expected 1 to 64 letters, digits, '.', '_' and '-'")
        if not SHA256.fullmatch(self.sha256):
            found.append("sha256: expected 64 hex digits in lower case")
        if not set(SCOPES).issuperset(self.scopes or ()):
            found.append(f"scopes: expected some of {_words(SCOPES)}")
        return found


class JwtSettings(Settings, frozen=True):
    """`[auth.jwt]`: callers that send a token of an issuer.

    Attributes:
        jwks_url: Where the issuer's public keys are.
        ca_file: Certificates in PEM of authorities that may vouch for it, besides those everybody trusts.
        issuer: What the claim `iss` must say.
        audience: What the claim `aud` must say, or hold.
        algorithms: Those that a token may be signed with.
        scopes_claim: The claim with what the caller may read; a token without has all but pii:read.
        sources_claim: The claim with the sources that it may see; a token without has all.
        leeway_s: How much the clocks may differ.
    """

    jwks_url: str
    issuer: str
    audience: str
    ca_file: Path | None = None
    algorithms: list[str] = msgspec.field(default_factory=lambda: ["RS256", "ES256"])
    scopes_claim: str = "scope"
    sources_claim: str = "sources"
    leeway_s: float = 10.0

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = []
        if fault := _jwks_fault(self.jwks_url):
            found.append(f"jwks_url: {fault}")
        if self.ca_file and (fault := certificates_fault(self.ca_file)):
            found.append(f"ca_file: {fault}")
        found += [
            f"{key}: Expected `str`, got an empty one"
            for key in ("issuer", "audience", "scopes_claim", "sources_claim")
            if not getattr(self, key)
        ]
        if not self.algorithms or not set(ALGORITHMS).issuperset(self.algorithms):
            found.append(f"algorithms: expected some of {_words(ALGORITHMS)}")
        if not 0 <= self.leeway_s <= 300:
            found.append("leeway_s: expected 0 to 300")
        return found


class AuthSettings(Settings, frozen=True):
    """`[auth]`.

    Attributes:
        mode: `none` (whoever reaches the port may ask everything), `keys` or `jwt`.
        insist_on_none: Let mode `none` listen on other addresses than loopback, and answer to other hosts.
        keys: The callers of mode `keys`.
        jwt: Whose tokens are good in mode `jwt`.
        gateway_secret: What a federated gateway sends besides its caller's credential.
        entities_by_gateway_only: Whether `_entities` is for requests with that secret alone.
        names_are_pii: Whether names and accounts of people need pii:read too.
    """

    mode: Literal["none", "keys", "jwt"] = "none"
    insist_on_none: bool = False
    keys: list[KeySettings] = msgspec.field(default_factory=list)
    jwt: JwtSettings | None = None
    gateway_secret: Secret | None = None
    entities_by_gateway_only: bool = False
    names_are_pii: bool = False

    @property
    def is_for_loopback(self) -> bool:
        """Whether nothing but being on this machine lets callers in."""
        return self.mode == "none" and not self.insist_on_none

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = [*self._mode_faults()]
        for key in ("name", "sha256"):
            counts = Counter(getattr(one, key) for one in self.keys)
            found += [
                f"keys[{number}].{key}: another key has the same"
                for number, one in enumerate(self.keys)
                if counts[getattr(one, key)] > 1
            ]
        secret = self.gateway_secret
        if secret and not (len(secret.reveal()) >= 16 and fits_header(secret.reveal())):
            found.append("gateway_secret: expected at least 16 characters that fit a header")
        if self.entities_by_gateway_only and not secret:
            found.append("entities_by_gateway_only: needs a gateway_secret")
        return found

    def source_faults(self, sources: Sequence[str]) -> list[str]:
        """One fault for each key that names a source which is none of these."""
        return [
            f"keys[{number}].sources: expected some of {_words(sources)}"
            for number, key in enumerate(self.keys)
            if not set(sources).issuperset(key.sources or ())
        ]

    def _mode_faults(self) -> Iterator[str]:
        """What is given is used: a list of keys that nobody looks at would be taken for protection."""
        if self.mode == "keys" and not self.keys:
            yield 'keys: missing; mode "keys" needs at least one, `confgraph key NAME` makes it'
        if self.mode == "jwt" and not self.jwt:
            yield 'jwt: missing; mode "jwt" needs this table'
        if self.keys and self.mode != "keys":
            yield f'keys: given, and mode is "{self.mode}"'
        if self.jwt and self.mode != "jwt":
            yield f'jwt: given, and mode is "{self.mode}"'


def _words(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _jwks_fault(url: str) -> str | None:
    if fault := url_fault(url.partition("?")[0]):
        return fault
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        return "expected https://; keys that come over plain http may be anybody's"
    return None
