"""The endpoint /graphql over HTTP: who asks, what for, and the answer, with its id, its place and its deadline."""

from http import HTTPStatus

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.errors import BadUserInputError
from graph.freshness import start_freshness
from graph.server.answers import GRAPHQL, JSON, WrittenAnswer, answer, best_of, pack, reads_gzip
from graph.server.auth import Guard
from graph.server.cors import Origins
from graph.server.disconnects import WhileConnected
from graph.server.events import EVENTS, Events
from graph.server.headers import RequestHeaders, request_id_of
from graph.server.kept import KeptAnswer, KeptAnswers, Question
from graph.server.operations import Operations, codes_of
from graph.server.refusals import Refused, refused
from graph.server.requests import read_sent, request_of
from graph.settings import AppSettings
from graph.telemetry.requests import ToldRequest
from graph.transport.deadline import start_deadline
from graph.transport.meter import count_work

MEDIA = (JSON, GRAPHQL)
OFFERS = (*MEDIA, EVENTS)
BY_GET = frozenset({OperationType.QUERY})
BY_POST = frozenset({OperationType.QUERY, OperationType.MUTATION})
BYTES_OF_WORK = 2**20  # of an answer that is kept: to send so many is as much work as a request to a vendor


class GraphQLView:
    """The endpoint.

    Args:
        operations: Executes what is asked.
        settings: The configuration.
        guard: Knows who asks.
        origins: Whose web pages may ask.
        events: Answers who wants a stream of events.
        playground: Answers a browser that is pointed here with no query; None is nobody.
    """

    def __init__(
        self,
        operations: Operations,
        settings: AppSettings,
        guard: Guard,
        origins: Origins,
        *,
        events: Events,
        playground: ASGIApp | None = None,
    ) -> None:
        self._operations = operations
        self._settings = settings
        self._guard = guard
        self._playground = playground
        self._origins = origins
        self._events = events
        self._kept = KeptAnswers.of(settings.cache)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. It bears an id, the client's own where that is harmless."""
        headers = RequestHeaders(scope)
        if self._playground and _is_browser(scope, headers):
            await self._playground(scope, receive, send)
            return
        request_id = request_id_of(headers)
        accepted = best_of(", ".join(headers.getlist("accept")), OFFERS)
        if accepted == EVENTS:
            await self._events.answer(scope, receive, send, request_id)
            return
        with self._operations.door.place() as place:
            with ToldRequest(request_id, headers) as told:
                start_deadline(self._settings.server.request_timeout_s)
                try:
                    identity = await self._guard.authenticate(headers)
                    told.caller = identity.name
                    place.take(identity.name)
                    async with self._operations.door.spending(identity.name):
                        max_kb = self._settings.limits.max_body_kb
                        sent = await read_sent(scope, headers, receive, max_kb, self._origins)
                        packs = reads_gzip(headers)
                        question = Question.of(scope["method"], sent, accepted, identity, is_packed=packs)
                        if kept := self._kept.find(question):
                            response = await self._again(question, kept, told, headers, request_id)
                        else:
                            context = self._operations.context_of(request_id, identity)
                            response = await self._execute(question, context, told, receive)
                except ClientDisconnect:
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, the client is told no more than a code
                    told.outcome, told.codes, response = refused(error, request_id, accepted or JSON)
            await pack(response, headers)
            await response(scope, receive, send)

    async def _execute(self, question: Question, context: Context, told: ToldRequest, receive: Receive) -> Response:
        """Execute one operation of a kind that is allowed, as long as its client waits for it."""
        request = request_of(question.method, question.sent)
        query = await self._operations.text_of(request, context.identity)
        if question.media is None:
            raise Refused(BadUserInputError(f"An answer is {' or '.join(MEDIA)}."), HTTPStatus.NOT_ACCEPTABLE)
        freshness = start_freshness()
        kinds = BY_GET if question.method == "GET" else BY_POST
        try:
            with WhileConnected(receive):
                result = await self._operations.execute(query, request, context, kinds)
        except InvalidOperationTypeError as error:
            raise _not_allowed(error.operation_type) from None
        codes = codes_of(result)
        age_s = 0 if codes else freshness.max_age_s
        response = answer(result, codes, question.media, _headers(context.request_id, age_s))
        if age_s and self._kept.is_on and told.kind == "query" and not freshness.is_of_now:
            kept = KeptAnswer.of(bytes(response.body), result.extensions, freshness, told.operation)
            self._kept.keep(question, kept)
        return response

    async def _again(
        self, question: Question, kept: KeptAnswer, told: ToldRequest, headers: Headers, request_id: str
    ) -> Response:
        """Give an answer that was kept, from the second time on as it was compressed then."""
        told.kind, told.operation, told.outcome = "query", kept.operation, "ok"
        count_work(len(kept.body) // BYTES_OF_WORK)
        said = _headers(request_id, kept.max_age_s)
        if kept.is_packed:
            said["content-encoding"] = "gzip"
        response = WrittenAnswer(kept.body, question.media or JSON, said)
        if question.is_packed and not kept.is_packed:
            await pack(response, headers)
            if "content-encoding" in response.headers:
                self._kept.keep(question, msgspec.structs.replace(kept, body=bytes(response.body), is_packed=True))
        return response


def _headers(request_id: str, age_s: int) -> dict[str, str]:
    """What an answer is called, and for how long it is good."""
    said = {"x-request-id": request_id}
    if age_s:
        said["cache-control"] = f"private, max-age={age_s}"
    return said


def _is_browser(scope: Scope, headers: Headers) -> bool:
    """Whether a person looks at the endpoint, rather than a program asking it."""
    is_plain = scope["method"] == "GET" and not scope["query_string"]
    return is_plain and "text/html" in headers.get("accept", "")


def _not_allowed(operation: OperationType) -> Refused:
    if operation is OperationType.SUBSCRIPTION:
        error = BadUserInputError(f"Subscriptions are answered as {EVENTS}, or over a WebSocket.")
        return Refused(error, HTTPStatus.NOT_ACCEPTABLE)
    error = BadUserInputError("A GET may only query.")
    return Refused(error, HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "POST"})
