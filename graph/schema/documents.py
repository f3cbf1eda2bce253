"""Parses and validates documents within the limits, and remembers those that were found right."""

import contextlib
import gc
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    validate,
)
from graphql.language.parser import Parser
from graphql.validation import validation_context
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graph.errors import BadUserInputError, LimitExceededError, RequestError
from graph.schema.limits import check, exceeded
from graph.schema.operations import Operation, ReadDocument
from graph.settings import LimitsSettings
from graph.telemetry.requests import name_operation
from graph.transport.meter import count_work

TOKEN_BYTES = 500  # what each word and sign of a parsed document takes up, as measured
READ_BYTES = 400  # and what is remembered of it once it was executed, in each of its ways
KEPT_BYTES = 24_000_000
LONGEST_KEPT = KEPT_BYTES // 8
REFUSED = 1  # the work, in requests to vendors, of telling what is wrong with a document
WORDS_OF_WORK = 500  # so many, read and validated, are as much work as a request to a vendor
MOST_FAULTS = 5  # each may print the whole document anew
TOO_LONG = "A number in the document has more digits than can be read."  # int() refuses thousands of them
TOO_MANY = f"There are more errors; validation stopped after {MOST_FAULTS}."
TOO_TANGLED = "The document repeats too many fields or fragments for all of them to be compared."

# Of graphql-core, which reads them whenever it validates: what may be compared, field with field and operation with
# fragment, before it gives up. Its own amounts take a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 40_000
validation_context.MAX_FRAGMENT_WORK = 15_000


def digest_of(text: str) -> bytes:
    """What a document is known by."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


class KnownDocuments:
    """Documents that were found right, whoever asked, by `digest_of` their text; those unused for longest go first."""

    def __init__(self) -> None:
        self.size = 0
        self._kept: OrderedDict[bytes, tuple[ReadDocument, int]] = OrderedDict()

    def get(self, key: bytes) -> ReadDocument | None:
        """The document, if it is known."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def text(self, key: bytes) -> str | None:
        """The text of the document, if it is known."""
        document = self.get(key)
        return document.node.loc.source.body if document and document.node.loc else None

    def keep(self, key: bytes, document: ReadDocument, size: int) -> None:
        """Remember one of so many bytes, unless it is long or there already."""
        if size > LONGEST_KEPT or key in self._kept:
            return
        self._kept[key] = document, size
        self.size += size
        while self.size > KEPT_BYTES:
            _, (_, dropped) = self._kept.popitem(last=False)
            self.size -= dropped


class OperationNameMissingError(CannotGetOperationTypeError):
    """Nobody can tell which of several operations is meant."""

    def __init__(self) -> None:
        super().__init__(None)

    def as_http_error_reason(self) -> str:
        """What the client is told."""
        return "The document has several operations: operationName says which one is meant."


class FaultyDocumentError(Exception):
    """A document that is not valid.

    Attributes:
        faults: What is wrong with it.
    """

    def __init__(self, faults: list[GraphQLError]) -> None:
        super().__init__()
        self.faults = faults


class Documents:
    """Parses and validates, unless a document is known.

    Args:
        schema: What documents are about.
        rules: What they are validated by.
        limits: How big they may be.
        known: Those that were found right.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        rules: Sequence[type[ASTValidationRule]],
        limits: LimitsSettings,
        known: KnownDocuments,
    ) -> None:
        self._schema = schema
        self._rules = rules
        self._limits = limits
        self._known = known

    def operation(self, text: str | None, name: str | None, kinds: Iterable[OperationType]) -> Operation:
        """The operation of a document that is to be executed.

        Args:
            text: The document.
            name: The operation's, where there are several.
            kinds: What it may be.

        Raises:
            MissingQueryError: there is no document.
            GraphQLSyntaxError: it cannot be parsed.
            LimitExceededError: it is too big for that.
            CannotGetOperationTypeError: it has no such operation.
            InvalidOperationTypeError: that is of another kind.
            FaultyDocumentError: it is not valid.
            OperationNameMissingError: it is, but has several operations, and none was chosen.
        """
        if not text:
            raise MissingQueryError
        key, tokens = digest_of(text), 0
        document = self._known.get(key)
        if is_new := document is None:
            with _uncollected():
                node, tokens = _parse(text, self._limits.max_tokens)
            document = ReadDocument(node, self._schema)
        operation = document.operation(name)
        if operation.kind not in kinds:
            raise InvalidOperationTypeError(operation.kind)
        name_operation(operation.kind.value, operation.name)
        if is_new:
            self._validate(document.node)
            size = (TOKEN_BYTES + READ_BYTES * document.ways) * tokens + 4 * len(text)
            self._known.keep(key, document, size)
        if name is None and document.has_several:
            raise OperationNameMissingError
        return operation

    def _validate(self, document: DocumentNode) -> None:
        with _uncollected():
            faults = _faults(self._schema, document, self._rules, self._limits)
        if faults:
            count_work(REFUSED)
            raise FaultyDocumentError(faults)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Looks for no garbage meanwhile: what is made here is in use, and going through all of it takes twice the time."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


def _parse(query: str, max_tokens: int) -> tuple[DocumentNode, int]:
    """A document and the number of its words."""
    parser = Parser(query, max_tokens=max_tokens)
    work = REFUSED
    try:
        document = parser.parse_document()
    except GraphQLSyntaxError:
        if parser.token_count > max_tokens:
            raise exceeded("has too many words and signs", "max_tokens", max_tokens) from None
        raise
    except RecursionError:
        raise LimitExceededError("The document nests too deep to be parsed.") from None
    else:
        work = 0
        return document, parser.token_count
    finally:
        count_work(work + parser.token_count // WORDS_OF_WORK)


def faults_of(
    text: str, schema: GraphQLSchema, rules: Sequence[type[ASTValidationRule]], limits: LimitsSettings
) -> list[str]:
    """What is wrong with a document that nobody asks yet."""
    try:
        document, _ = _parse(text, limits.max_tokens)
    except (GraphQLError, LimitExceededError) as error:
        return [error.message]
    return [error.message for error in _faults(schema, document, rules, limits)]


def _faults(schema: Any, document: DocumentNode, rules: Any, limits: LimitsSettings) -> list[GraphQLError]:
    """What is wrong with a document: the first things, if there are many."""
    try:
        check(document, limits)
    except LimitExceededError as error:
        return [_of(error)]
    errors = validate(schema, document, rules, max_errors=MOST_FAULTS)
    return [_translated(it, errors) for it in errors]


def _translated(found: GraphQLError, errors: Sequence[GraphQLError]) -> GraphQLError:
    if isinstance(found, ValidationAbortedError):
        return _of(LimitExceededError(TOO_MANY if len(errors) > MOST_FAULTS else TOO_TANGLED))
    if isinstance(found.original_error, ValueError):
        return _of(BadUserInputError(TOO_LONG), found)
    return found


def _of(cause: RequestError, found: GraphQLError | None = None) -> GraphQLError:
    return GraphQLError(cause.message, found.nodes if found else None, original_error=cause)
