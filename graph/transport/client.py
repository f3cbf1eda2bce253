"""One HTTP client per source: sends vendor requests in good time, in turn, and only while the source is well.

An adapter describes the request and reads the reply; what is learned from HTTP itself becomes an error here.
Nothing of a request or a body is ever put into an error: both hold credentials and personal data.

A request passes the breaker, waits while the source wants a pause, takes its turn among those of all who ask, waits
for the next of so many per second, and is sent; if that fails and it may be, after a pause once more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from graph import clock
from graph.errors import (
    FatalVendorError,
    RetriableVendorError,
    UnsupportedError,
    VendorError,
    VendorGarbageError,
    VendorThrottledError,
    VendorTimeoutError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.records import SourceHealth
from graph.settings import SourceSettings
from graph.telemetry.calls import VendorCall
from graph.telemetry.metrics import VENDOR_RETRIES
from graph.transport.bodies import TooLongError, unpacked
from graph.transport.breaker import Breaker, is_failure
from graph.transport.connection import message_of, start_of
from graph.transport.connections import HEADERS, Connections, why_unreached
from graph.transport.deadline import within_deadline
from graph.transport.drift import Drift
from graph.transport.health import Health
from graph.transport.messages import Retry, VendorReply, VendorRequest
from graph.transport.meter import count_request
from graph.transport.pace import Pace
from graph.transport.quotas import Quotas
from graph.transport.retries import Retries
from graph.transport.turns import Turns

T = TypeVar("T")
_Pairs: TypeAlias = tuple[tuple[str, str], ...]

MANY_BEGINNINGS = 1000
_OF_NONE: _Pairs = tuple(HEADERS.items())
_OF_JSON: _Pairs = (*_OF_NONE, ("content-type", "application/json"))
_OF_FORM: _Pairs = (*_OF_NONE, ("content-type", "application/x-www-form-urlencoded"))
_USUAL = frozenset(dict(_OF_JSON))
NEARLY_FULL = 0.9  # of its time: the rest may have gone by in our own queue


@dataclass(slots=True)
class _Call:
    """What one call has left and has done.

    Attributes:
        ends_at: When its time is over, on the monotonic clock.
        seconds: The time it got.
        is_probe: It finds out for all whether the source is back.
        asked_at: When it was first sent.
    """

    ends_at: float
    seconds: float
    is_probe: bool
    asked_at: float | None = None

    @property
    def left_s(self) -> float:
        return self.ends_at - clock.monotonic()

    @property
    def asked_s(self) -> float:
        """How long the source had."""
        return 0.0 if self.asked_at is None else clock.monotonic() - self.asked_at


class VendorClient:
    """Sends requests to one source. Make one per source and keep it: its connections are pooled.

    Attributes:
        source: Its name.
        timeout_s: For one call, with all its waiting and repetitions.
        quotas: What is counted for all who share the account.
        account: Stands for the account in the names of quotas.
        sign: Gives the headers that must be fresh for each request, in the place of the request's own of the same name;
            none that the client writes.
        drift: What it answered unlike its contract.
    """

    def __init__(
        self,
        source: str,
        settings: SourceSettings,
        quotas: Quotas,
        account: str,
        sign: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self.source = source
        self.timeout_s = settings.timeout_s
        self.quotas = quotas
        self.account = account
        self.sign = sign
        self.drift = Drift(source)
        self._base_url = settings.base_url.rstrip("/")
        self._max_body = settings.max_body_mb * 1_000_000
        self._breaker = Breaker(source, settings.breaker_failures, settings.breaker_open_s)
        self._pace = Pace(source, account, settings.max_requests_per_second, quotas)
        self._turns = Turns(source, settings.max_connections)
        self._retries = Retries(settings.retries)
        self._retried = VENDOR_RETRIES.labels(source)
        self._health = Health()
        self._connections = Connections(self._max_body, settings.ca_file)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._connections.aclose()

    def health(self) -> SourceHealth:
        """How the source fared lately."""
        return self._health.report(is_left_alone=self._breaker.is_open)

    async def call(self, request: VendorRequest, read: Callable[[VendorReply], T]) -> T:
        """Send a request and read its reply.

        Args:
            request: What to send.
            read: Makes the result of the reply, or raises the VendorError that the vendor's own code stands for.

        Raises:
            VendorTimeoutError: no whole answer within `timeout_s`, or within the deadline of the request.
            VendorUnavailableError: no connection, or one that broke.
            VendorThrottledError: it was not sent, since its turn would come too late.
            VendorCircuitOpenError: it was not sent, since the source keeps failing.
            VendorGarbageError: the body is longer than `max_body_mb`.
            VendorError: whatever `read` raised.
        """
        seconds = within_deadline(self.timeout_s)
        if not seconds:
            said = f"The time of this request was used up before {request.endpoint} was asked."
            raise VendorTimeoutError(said, source=self.source, endpoint=request.endpoint)
        with self._breaker.passage(request.endpoint) as is_probe:
            call = _Call(clock.monotonic() + seconds, seconds, is_probe)
            try:
                result = await self._repeat(request, read, call)
            except VendorError as error:
                self._learn(error, call)
                raise
            self._breaker.succeed()
            self._health.succeed()
            return result

    def may_repeat(self, error: RetriableVendorError) -> bool:
        """Whether a request that failed may be made anew by its maker, who has more to do than to send it again.

        It is one of the repetitions that a request has, and paid for like any other.
        """
        if self._retries.pause_s(error, Retry.ALWAYS, 0, within_deadline(self.timeout_s)) is None:
            return False
        self._retried.inc()
        return True

    def _learn(self, error: VendorError, call: _Call) -> None:
        """Note what a failed call says of the source."""
        failed = is_failure(error, had_full_time=call.asked_s >= NEARLY_FULL * self.timeout_s)
        if failed is None or isinstance(error, UnsupportedError):
            return
        if failed:
            self._breaker.fail(error, call.ends_at - call.seconds)
        else:
            self._breaker.succeed()
        self._health.fail(error)

    async def _repeat(self, request: VendorRequest, read: Callable[[VendorReply], T], call: _Call) -> T:
        """Send it, and again while that may help."""
        times = 0
        while True:
            try:
                return await self._wait_and_send(request, read, call)
            except RetriableVendorError as error:
                if call.is_probe:
                    raise
                pause_s = self._retries.pause_s(error, request.retry, times, call.left_s)
                if pause_s is None:
                    raise
            self._retried.inc()
            times += 1
            await clock.sleep(pause_s)

    async def _wait_and_send(self, request: VendorRequest, read: Callable[[VendorReply], T], call: _Call) -> T:
        """Send it once, when its time has come."""
        endpoint = request.endpoint
        while True:
            await self._pace.wait_for_rest(endpoint, call.left_s)
            await self._turns.take(endpoint, call.left_s)
            try:
                await self._pace.wait_for_turn(endpoint, call.left_s)
                if self._pace.rest_s:  # another was throttled meanwhile
                    continue
                if self._breaker.is_open and not call.is_probe:  # others failed meanwhile
                    raise self._breaker.refusal(endpoint)
                if call.asked_at is None:
                    call.asked_at = clock.monotonic()
                    self._retries.earn()
                return await self._exchange(request, read, call)
            finally:
                self._turns.pass_on()

    async def _exchange(self, request: VendorRequest, read: Callable[[VendorReply], T], call: _Call) -> T:
        count_request(self.source)
        with VendorCall(self.source, request.endpoint) as told:
            try:
                reply = await self._send(request, call)
                result = read(reply)
            except VendorError as error:
                told.outcome = error.source_code.value.lower()
                if isinstance(error, VendorThrottledError):
                    self._pace.rest(error.retry_after_s or 0.0)
                raise
            told.outcome = "ok"
            return result

    async def _send(self, request: VendorRequest, call: _Call) -> VendorReply:
        where: dict[str, Any] = {"source": self.source, "endpoint": request.endpoint}
        if self._connections.is_closed:
            raise VendorUnavailableError(f"{request.endpoint} is not asked any more.", **where)
        try:
            content, usual = _packed(request)
            headers = (*usual, *(it for it in request.headers.items() if it[0] in _USUAL))
            own = {name: value for name, value in request.headers.items() if name not in _USUAL}
            address = self._base_url + request.path
            url, start = _begun(request.method, address, tuple(request.params.items()), headers)
            fresh = {**own, **(self.sign() if self.sign else {}), "content-length": str(len(content))}
            answer = await self._connections.ask(url, message_of(start, fresh, content), call.left_s)
            body = unpacked(answer.body, answer.encoding, self._max_body)
            return VendorReply(self.source, request.endpoint, answer.status, answer.headers, body, self.drift)
        except TimeoutError:
            said = f"{request.endpoint} gave no whole answer within {call.seconds:.3g} s."
            raise VendorTimeoutError(said, **where) from None
        except TooLongError:
            said = f"{request.endpoint} answered with more than max_body_mb ({self._max_body // 1_000_000})."
            raise VendorGarbageError(said, **where) from None
        except (httpx.LocalProtocolError, UnicodeError, httpx.InvalidURL):  # a credential that fits no header
            raise FatalVendorError(f"{request.endpoint} could not be asked.", **where) from None
        except httpx.ConnectError as error:
            said = f"{request.endpoint} could not be reached{why_unreached(error)}."
            raise VendorUnreachableError(said, **where) from None
        except httpx.HTTPError:
            raise VendorUnavailableError(f"{request.endpoint} broke the connection.", **where) from None


def _packed(request: VendorRequest) -> tuple[bytes, _Pairs]:
    """The body of a request, and the headers that any with such a body has."""
    if request.json is not None:
        return msgspec.json.encode(request.json), _OF_JSON
    if request.form is not None:
        return urlencode(request.form).encode("ascii"), _OF_FORM
    return b"", _OF_NONE


@lru_cache(MANY_BEGINNINGS)
def _begun(method: str, address: str, params: _Pairs, headers: _Pairs) -> tuple[httpx.URL, bytes]:
    """Where a request goes, and how it begins: no credential, as it is kept. Of headers of one name the last counts."""
    url = httpx.URL(address, params=params)
    return url, start_of(method, url, dict(headers))
