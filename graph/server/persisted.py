"""Documents that clients name instead of sending them: automatic persisted queries, as Apollo calls them.

A client sends the SHA-256 of a document. Where that is not known it is told so, and sends the document once along with
it. Whoever sent a document that was found right, it is known by its hash from then on: to this process for as long as
it keeps documents, and to the replicas that share a cache.

What the replicas share has a bounded number of places: a document takes the place that its hash says, and whatever
was there is forgotten. So nobody can fill the cache, whatever is sent.
"""

import re
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from graph.cache.codec import FactCodec
from graph.cache.shared import SharedTier
from graph.errors import BadUserInputError, PersistedQueryNotFoundError, PersistedQueryNotSupportedError
from graph.identity import Identity
from graph.schema.documents import KnownDocuments
from graph.server.refusals import Refused
from graph.server.requests import GraphQLRequest
from graph.server.trusted import TrustedDocuments

SHARED_S = 24 * 3600.0
PLACES = 8192
LONGEST_SHARED = 32_768  # bytes of a document; with all places taken these are 256 MB
HASH = re.compile(r"[0-9a-f]{64}")

_TEXT: FactCodec[str] = FactCodec(str)


class PersistedQueries:
    """Knows what documents requests mean.

    Args:
        known: The documents that this process found right.
        is_on: Whether a document may be named that is not in the manifest.
        trusted: The manifest; None where every document is answered.
    """

    def __init__(self, known: KnownDocuments, *, is_on: bool, trusted: TrustedDocuments | None) -> None:
        self._known = known
        self._is_on = is_on
        self._trusted = trusted
        self._shared: SharedTier | None = None

    def connect(self, shared: SharedTier | None) -> None:
        """Give it what replicas share; None where there is nothing."""
        self._shared = shared

    async def text_of(self, request: GraphQLRequest, identity: Identity) -> str:
        """The text of the document that a request sends or names.

        A gateway that proved itself makes its own documents, and may send any.

        Raises:
            Refused: it has neither a document nor a good name of one, or both do not go together.
            PersistedQueryNotFoundError: nobody sent a document of that hash.
            PersistedQueryNotSupportedError: nor would it be kept.
            ForbiddenError: it is not in the manifest.
        """
        name = _name_in(request)
        if self._trusted is not None and not identity.is_gateway:
            return self._trusted.text(name, request.query)
        if request.query:
            if self._is_on and name is not None and _hash_in(name) != _hash_of(request.query):
                raise _malformed("The hash is not that of the query.")
            return request.query
        if name is None:
            raise _malformed("A request needs a `query`, or the hash of one.")
        if not self._is_on:
            raise PersistedQueryNotSupportedError
        wanted = _hash_in(name)
        text = self._known.text(bytes.fromhex(wanted)) or await self._recall(wanted)
        if text is None:
            raise PersistedQueryNotFoundError
        return text

    async def keep(self, request: GraphQLRequest) -> None:
        """Tell the replicas of a document that came with its hash, once it was executed: if it was found right."""
        if self._shared is None or not self._is_on or not request.query or _name_in(request) is None:
            return
        key = _hash_of(request.query)
        if self._known.get(bytes.fromhex(key)) and len(request.query.encode()) <= LONGEST_SHARED:
            await self._shared.put(_place_of(key), request.query, SHARED_S, 0.0, _TEXT)

    async def _recall(self, wanted: str) -> str | None:
        """What a replica was sent."""
        kept = await self._shared.get(_place_of(wanted), _TEXT) if self._shared else None
        return kept.value if kept and _hash_of(kept.value) == wanted else None


def _name_in(request: GraphQLRequest) -> str | None:
    """What a request calls the document that it means; None where it does not say.

    Raises:
        Refused: it says so in a way that is not known.
    """
    given: Any = (request.extensions or {}).get("persistedQuery")
    if given is None:
        return request.document_id or None
    if not isinstance(given, dict) or given.get("version") != 1 or not isinstance(given.get("sha256Hash"), str):
        raise _malformed('`extensions.persistedQuery` must be {"version": 1, "sha256Hash": "..."}.')
    return str(given["sha256Hash"])


def _hash_in(name: str) -> str:
    found = name.removeprefix("sha256:")
    if not HASH.fullmatch(found):
        raise _malformed("The hash of a query is its SHA-256 in 64 hexadecimal digits, in lower case.")
    return found


def _hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _place_of(key: str) -> str:
    return f"document\n{int(key, 16) % PLACES}"


def _malformed(said: str) -> Refused:
    return Refused(BadUserInputError(said), HTTPStatus.BAD_REQUEST)
