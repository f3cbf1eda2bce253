"""What clients are told of errors: a code and the request's id, words of ours where they are ours, and nothing else's.

An error that nobody foresaw is masked as INTERNAL, and logged with where it happened: values in
its message and its frames may be credentials or personal data, so the log has neither.
"""

import re
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from graph.context import Context
from graph.errors import ConfgraphError, VendorError
from graph.telemetry.logs import log, told_of

MASKED = "Something went wrong inside confgraph. Its log tells more under the id of this request."
LONGEST = 500  # letters of a message: what it quotes of a request may be as long as that
MOST_PLACES = 10  # in the document, that a message is about
SUGGESTION = re.compile(r"\s*Did you mean [^?]*(\?|$)")
PYTHON = re.compile(r"""('[^']*'|"[^"]*")|\b(None|True|False)\b""")
NAMES = {"None": "null", "True": "true", "False": "false"}


class PresentedError(GraphQLError):
    """An error as the client gets it."""


def present(errors: Sequence[GraphQLError], context: object, *, is_executed: bool) -> list[GraphQLError]:
    """The errors of one result as the client may see them.

    Args:
        errors: What was raised.
        context: Of the request.
        is_executed: Whether they are of what was executed, rather than of what could not be.
    """
    request_id = getattr(context, "request_id", None)
    logged: set[int] = set()
    presented = [_present(error, request_id, logged, is_executed=is_executed) for error in errors]
    if isinstance(context, Context) and not context.settings.server.introspection:
        for error in presented:
            error.message = SUGGESTION.sub("", error.message)  # whoever guesses would be told the schema
    return presented


def forget_frames(errors: Sequence[BaseException]) -> None:
    """Cut off errors that were presented from the frames they came through.

    Those hold all of a request, and often the error itself: it would stay in memory until garbage is collected.
    """
    left: list[BaseException | None] = list(errors)
    met: set[int] = set()
    while left:
        error = left.pop()
        if error is not None and id(error) not in met:
            met.add(id(error))
            error.__traceback__ = None
            left += (error.__cause__, error.__context__, getattr(error, "original_error", None))


def _present(error: GraphQLError, request_id: str | None, logged: set[int], *, is_executed: bool) -> GraphQLError:
    if isinstance(error, PresentedError):
        return error
    cause = _cause(error)
    told: dict[str, Any] = {"requestId": request_id} if request_id else {}
    if isinstance(cause, ConfgraphError):
        message = cause.message if error.path is not None else error.message
        return _presented(error, message, _extensions(cause) | told)
    if isinstance(error, GraphQLSyntaxError):
        return _presented(error, error.message, {"code": "GRAPHQL_PARSE_FAILED", **told})
    if cause is None and not is_executed and error.path is None:  # the first event of a subscription has a path
        return _presented(error, _reworded(error.message), {"code": "GRAPHQL_VALIDATION_FAILED", **told})
    if _is_about_input(error, cause):
        return _presented(error, _reworded(error.message), {"code": "BAD_USER_INPUT", **told})
    if id(cause) not in logged:
        logged.add(id(cause))
        _log(error, cause, request_id)
    return _presented(error, MASKED, {"code": "INTERNAL", **told})


def _cause(error: GraphQLError) -> Exception | None:
    """What was raised first; None where graphql-core itself found fault with the request."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_about_input(error: GraphQLError, cause: Exception | None) -> bool:
    """Whether graphql-core refused a variable or an argument, rather than a value that we were about to serve."""
    if error.path is None:
        return cause is None or isinstance(cause, GraphQLError)
    return isinstance(cause, GraphQLError) and bool(cause.nodes)


def _extensions(cause: ConfgraphError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": cause.code}
    if isinstance(cause, VendorError):
        extensions["source"] = cause.source
        extensions["sourceErrorCode"] = cause.source_code.value
        if cause.retry_after_s is not None:
            extensions["retryAfterSeconds"] = round(cause.retry_after_s, 3)
    return extensions


def _presented(error: GraphQLError, message: str, extensions: dict[str, Any]) -> PresentedError:
    return PresentedError(
        shortened(message),
        nodes=error.nodes and error.nodes[:MOST_PLACES],
        source=error.source,
        positions=error.positions and list(error.positions)[:MOST_PLACES],
        path=error.path,
        extensions=extensions,
    )


def shortened(message: str) -> str:
    """As much of a message as is told."""
    return message if len(message) <= LONGEST else f"{message[:LONGEST]}…"


def _reworded(message: str) -> str:
    """What graphql-core says, in GraphQL's words: it names some values as Python does. What is quoted stays."""
    return PYTHON.sub(lambda found: found[1] or NAMES[found[2]], shortened(message))


def _log(error: GraphQLError, cause: Exception | None, request_id: str | None) -> None:
    path = ".".join(str(part) for part in error.path or ())
    log.error("internal error", request_id=request_id, path=path, **told_of(cause or error))
