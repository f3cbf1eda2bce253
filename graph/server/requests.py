"""What a client asks for: one GraphQL request, from the body of a POST or the address of a GET."""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from graph.errors import BadUserInputError, ForbiddenError
from graph.server.bodies import read_body
from graph.server.cors import Origins
from graph.server.refusals import Refused

CONTENT_TYPE = re.compile(r'application/json[ \t]*(;[ \t]*(charset="?utf-8"?[ \t]*)?)*', re.IGNORECASE)
TEXTS, OBJECTS = ("query", "operationName", "documentId"), ("variables", "extensions")
KINDS = dict.fromkeys(TEXTS, "a text") | dict.fromkeys(OBJECTS, "an object")
FIELD = re.compile(r"`\$\.(\w+)`$")


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """One request; what was sent as null, or as an empty text, is absent.

    Attributes:
        query: The text of the document.
        variables: Their values by name.
        operation_name: Which operation of the document is meant.
        extensions: What goes beyond the specification, such as the hash of a persisted query.
        document_id: What a document is called that is not sent.
    """

    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


_decoder = msgspec.json.Decoder(GraphQLRequest)


async def read_request(
    scope: Scope, headers: Headers, receive: Receive, max_kb: int, origins: Origins
) -> GraphQLRequest:
    """Read the request of a client; raises what `read_sent` and `request_of` do."""
    return request_of(scope["method"], await read_sent(scope, headers, receive, max_kb, origins))


async def read_sent(scope: Scope, headers: Headers, receive: Receive, max_kb: int, origins: Origins) -> bytes:
    """Read what a client sent: the query string of a GET, the body of a POST.

    Args:
        scope: Of the HTTP request.
        headers: Of the HTTP request.
        receive: Gives its body; of a GET none is looked at.
        max_kb: A longer body is not read on.
        origins: Whose pages may ask although they are of another site.

    Raises:
        Refused: it cannot be a GraphQL request; its body is too long, or not there before the deadline.
        ClientDisconnect: the client has gone.
    """
    if scope["method"] == "GET":
        _check_site(headers, origins)
        return bytes(scope["query_string"])
    if scope["method"] != "POST":
        error = BadUserInputError("GraphQL is asked by GET or POST.")
        raise Refused(error, HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "GET, POST"})
    _check_content(headers)
    return await read_body(headers, receive, max_kb)


def request_of(method: str, sent: bytes) -> GraphQLRequest:
    """The request that was sent so.

    Raises:
        Refused: it is none.
    """
    return _from_address(sent) if method == "GET" else _from_body(sent)


def _check_site(headers: Headers, origins: Origins) -> None:
    """A link or a picture on a page of another site is no request, though a browser sends it as one."""
    is_foreign = headers.get("sec-fetch-site", "").strip().lower() == "cross-site"
    if is_foreign and not origins.allow(headers.get("origin")):
        raise Refused(ForbiddenError("Web pages of another site cannot ask by GET."), HTTPStatus.FORBIDDEN)


def _check_content(headers: Headers) -> None:
    """Neither is a form: a browser sends one without asking first, but never as JSON."""
    if not _is_json(", ".join(headers.getlist("content-type"))):
        error = BadUserInputError("The body must be JSON in UTF-8: content-type: application/json.")
        raise Refused(error, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refused(BadUserInputError("The body must not be compressed."), HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


@lru_cache(64)  # programs send few different ones
def _is_json(content_type: str) -> bool:
    return CONTENT_TYPE.fullmatch(content_type.strip()) is not None


def _from_body(body: bytes) -> GraphQLRequest:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        if body.lstrip()[:1] == b"[":
            raise _malformed("Requests are not answered in batches: send one at a time.") from None
        raise _malformed(_said(error) or "The body must be a JSON object that can be read.") from None
    except (ValueError, RecursionError):  # a ValueError where it is no UTF-8, or half of a character, too
        raise _malformed("The body must be JSON in UTF-8.") from None


def _from_address(query_string: bytes) -> GraphQLRequest:
    try:
        given: dict[str, Any] = dict(parse_qsl(query_string.decode(), keep_blank_values=True, errors="strict"))
        for name in ("variables", "extensions"):
            given[name] = msgspec.json.decode(given[name]) if given.get(name) else None
        return msgspec.convert(given, GraphQLRequest)
    except msgspec.ValidationError as error:
        raise _malformed(_said(error) or "The address holds values that cannot be read.") from None
    except (ValueError, RecursionError):
        raise _malformed("The address must be UTF-8, and its `variables` and `extensions` JSON.") from None


def _said(error: msgspec.ValidationError) -> str | None:
    """Which part of a request is of a wrong type."""
    found = FIELD.search(str(error))
    return f"`{found[1]}` must be {KINDS[found[1]]} or null." if found and found[1] in KINDS else None


def _malformed(said: str) -> Refused:
    return Refused(BadUserInputError(said), HTTPStatus.BAD_REQUEST)
