"""HexMeet's six URLs: what is sent, how a refusal is spelled, which scroll a page belongs to.

Success is `err_code` 0 in a 2xx answer. No other code is documented: those that follow HTTP are read as such,
and any failure of a scroll's later page that is not about the token means that the scroll is gone.

Whether a range includes its end is not documented either. A list is asked for a window's end, as its rows are
filtered again. Statistics cannot be: they are asked for the window's last millisecond instead, rows bearing no finer
times. That is exact for calls, whose times are whole seconds, and for conferences too where the vendor includes the
end; where it does not, one that began within that very millisecond is not counted.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Any, ClassVar, Generic, Self, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from graph.errors import (
    ConfigError,
    VendorAuthError,
    VendorCircuitOpenError,
    VendorError,
    VendorExpiredError,
    VendorPayloadError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnavailableError,
    VendorUnreachableError,
)
from graph.paging.windows import Window
from graph.settings import Secret, SourceSettings
from graph.transport.client import VendorClient
from graph.transport.deadline import within_deadline
from graph.transport.lenient import left_out
from graph.transport.messages import Retry, VendorReply, VendorRequest
from graph.vendors.base import with_fresh_secrets
from graph.vendors.hexmeet.scrolls import NoSlotError, Scroll, ScrollSlots
from graph.vendors.hexmeet.wire import (
    CallRow,
    ConferenceRow,
    Count,
    Envelope,
    Groups,
    Histogram,
    Page,
    R,
    Regions,
    Resources,
)

Body = TypeVar("Body", bound=Envelope)

_MILLISECOND = timedelta(milliseconds=1)
_NOTHING_OPENED = (
    VendorAuthError,
    VendorCircuitOpenError,
    VendorRefusedError,
    VendorThrottledError,
    VendorUnreachableError,
)


class HexmeetSettings(SourceSettings, frozen=True, kw_only=True):
    """`[sources.<name>]` of a HexMeet account.

    Attributes:
        token: The credential, sent in each body.
        agent_id: The reseller.
        company_id: The company whose conferences are reported.
        dept_id: The department; the reports on media resources and regions ignore it.
        domain_id: Sent in each URL, `null` being the vendor's own word.
        max_open_scrolls: How many scrolls may be open at once, each until `scroll_timeout_s` after its last
            touch; 0 is no limit.
        scroll_timeout_s: How long the vendor shall keep a scroll that is not read on.
    """

    unaccounted: ClassVar[frozenset[str]] = SourceSettings.unaccounted | {"max_open_scrolls", "scroll_timeout_s"}

    token: Secret
    agent_id: int
    company_id: int
    dept_id: int
    domain_id: str = "null"
    page_size: int = 500
    max_open_scrolls: int = 4
    scroll_timeout_s: int = 5

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = super().faults()
        if self.max_open_scrolls < 0:
            found.append("max_open_scrolls: expected 0 (no limit) or more")
        if not 1 <= self.scroll_timeout_s <= 3600:
            found.append("scroll_timeout_s: expected 1 to 3600")
        return found

    def share(self, parts: int) -> Self:
        """The settings of one of several processes that use the account together, and do not count together."""
        if 0 < self.max_open_scrolls < parts:
            raise ConfigError([f"max_open_scrolls: {self.max_open_scrolls} cannot be shared by {parts} processes"])
        return msgspec.structs.replace(super().share(parts), max_open_scrolls=self.max_open_scrolls // parts)


@dataclass(frozen=True)
class Report(Generic[Body]):
    """One URL, and the body it answers with.

    Attributes:
        needs_all: Rows that cannot be read make the whole answer wrong.
    """

    name: str
    decoder: "msgspec.json.Decoder[Body]"
    has_department: bool = True
    is_scroll: bool = False
    needs_all: bool = False


CONFERENCES = Report("term_conf_stats", msgspec.json.Decoder(Page[ConferenceRow]), is_scroll=True)
CALLS = Report("term_call_stats", msgspec.json.Decoder(Page[CallRow]), is_scroll=True)
HISTOGRAM = Report("datehistgram_stats", msgspec.json.Decoder(Histogram))
USAGE = replace(HISTOGRAM, needs_all=True)
COUNT = Report("datehistgram_stats", msgspec.json.Decoder(Count))
GROUPS = Report("term_stats", msgspec.json.Decoder(Groups))
RESOURCES = Report("term_datehistgram_stats", msgspec.json.Decoder(Resources), has_department=False)
REGIONS = Report("term_region_stats", msgspec.json.Decoder(Regions), has_department=False)
_GUID = attrgetter("guid")
_ENVELOPE = msgspec.json.Decoder(Envelope)


class Reports:
    """Asks one account for its reports."""

    def __init__(self, settings: HexmeetSettings, client: VendorClient) -> None:
        self._settings = settings
        self._client = client
        self._zone = ZoneInfo(settings.time_zone)
        self._scrolls = ScrollSlots(
            client.quotas,
            f"{client.source}:{client.account}:scrolls",
            settings.max_open_scrolls,
            settings.scroll_timeout_s,
            page_s=2 * client.timeout_s,  # a page that was refused is asked for once more, with fresh credentials
        )

    async def page(
        self, report: Report[Page[R]], window: Window, scroll: Scroll | None
    ) -> tuple[Page[R], Scroll | None]:
        """Read the first page of a range, or a scroll's next one.

        Returns:
            The page, and the scroll to read on with; None at the end.

        Raises:
            VendorThrottledError: no slot for another scroll became free in time.
            VendorExpiredError: the scroll cannot be read on; its window starts over.
        """
        if scroll is not None:
            scroll_id = scroll.take()
            if scroll_id is None:
                raise self._expired(report.name)
            await self._scrolls.read_on(scroll)
            return await self._read(report, window, scroll, scroll_id)
        try:
            return await self._read(report, window, await self._open_scroll(report.name))
        except VendorUnavailableError as error:
            is_told = error.status is not None or isinstance(error, VendorUnreachableError)
            if is_told or not self._client.may_repeat(error):
                raise
        # The connection broke, perhaps after a scroll was opened. That one keeps its slot until its timeout.
        return await self._read(report, window, await self._open_scroll(report.name))

    async def _read(
        self, report: Report[Page[R]], window: Window, scroll: Scroll, scroll_id: str | None = None
    ) -> tuple[Page[R], Scroll | None]:
        keep_alive = f"{self._settings.scroll_timeout_s}s"
        fields: dict[str, Any] = {"size": self._settings.page_size, "scroll_timeout": keep_alive}
        is_open = True
        try:
            page = await self.ask(report, window, scroll_id=scroll_id, **fields)
        except _NOTHING_OPENED:
            is_open = scroll_id is not None
            raise
        finally:
            await (self._scrolls.touch(scroll) if is_open else self._scrolls.forget(scroll))
        # Distinct rows: a row that comes twice must not end the scroll before its last one came.
        known = len(scroll.seen) + scroll.left_out
        scroll.seen.update(map(_GUID, page.buckets))
        scroll.left_out += left_out(page.buckets)
        met = len(scroll.seen) + scroll.left_out
        if not page.count or not (page.buckets or left_out(page.buckets)) or met >= page.total:
            return page, None
        if not page.scrollid:
            raise self._endless(report.name, "has fewer rows than its total and no scrollid to read on with")
        if met == known:
            raise self._endless(report.name, "brings the same rows again and again")
        scroll.next_id = page.scrollid
        return page, scroll

    async def ask(
        self,
        report: Report[Body],
        window: Window,
        *,
        zone: tzinfo | None = None,
        scroll_id: str | None = None,
        **fields: Any,
    ) -> Body:
        """Ask one question about a range.

        Args:
            report: The URL.
            window: The range to ask for.
            zone: Where its days begin; the source's zone by default.
            scroll_id: Reads a scroll on.
            fields: What this report wants beside the common fields.
        """
        settings = self._settings
        first, last = map(_whole_ms, window)
        if not report.is_scroll:
            last = max(first, last - _MILLISECOND)
        zone = zone or self._zone
        start = first.astimezone(zone).isoformat(timespec="milliseconds")
        end = last.astimezone(zone).isoformat(timespec="milliseconds")
        body = {
            "agent_id": settings.agent_id,
            "company_id": settings.company_id,
            **({"dept_id": settings.dept_id} if report.has_department else {}),
            "start_time": start,
            "end_time": end,
            "time_zone": start[-6:],
            **fields,
            **({"scrollid": scroll_id} if scroll_id else {}),
        }
        return await with_fresh_secrets(lambda: self._post(report, body), settings.token)

    async def _post(self, report: Report[Body], body: dict[str, Any]) -> Body:
        guid = secrets.token_hex(16)
        request = VendorRequest(
            endpoint=report.name,
            path=f"/report/agg/{report.name}",
            params={"domainId": self._settings.domain_id},
            json={**body, "guid": guid, "token": self._settings.token.reveal()},
            retry=_retry(report, body),
        )

        def read(reply: VendorReply) -> Body:
            whole = reply.decode_at_once(report.decoder, lambda it: it.err_code == 0 and _answers(it, guid))
            if whole is not None:
                return whole
            self._refuse(reply, guid, is_scroll_page="scrollid" in body)
            return reply.decode(report.decoder) if report.needs_all else reply.decode_rows(report.decoder)

        return await self._client.call(request, read)

    def _refuse(self, reply: VendorReply, guid: str, *, is_scroll_page: bool) -> None:
        """Raise what a reply that is no success stands for; `err_info` may quote a scroll id and is not passed on."""
        is_ok = reply.is_success
        envelope = reply.decode_envelope(_ENVELOPE) if is_ok else _peek(reply)
        code = envelope.err_code
        if is_ok and code == 0:
            if not _answers(envelope, guid):
                raise reply.payload_error("$.guid", "expected the guid of the request, found another")
            return
        kind: type[VendorError]
        if 401 in (code, reply.status) or 403 in (code, reply.status):
            kind, said = VendorAuthError, "refused the token"
        elif 429 in (code, reply.status) or "too many scroll" in str(envelope.err_info).lower():
            kind, said = VendorThrottledError, "has too many requests or scrolls open"
        elif is_scroll_page and (code or reply.status == 404):
            raise self._expired(reply.endpoint, status=reply.status, code=code)
        else:
            reply.raise_for_status()
            kind, said = VendorRefusedError, "refused the request"
        raise kind(
            f"{reply.endpoint} {said} ({_named(reply.status, code)}).",
            source=reply.source,
            endpoint=reply.endpoint,
            status=reply.status,
            vendor_code=str(code) if code else None,
            retry_after_s=reply.retry_after_s(),
        )

    def _expired(self, endpoint: str, status: int | None = None, code: int = 0) -> VendorExpiredError:
        return VendorExpiredError(
            f"A scroll of {endpoint} has expired or lost a page; its range must be read from the start.",
            source=self._client.source,
            endpoint=endpoint,
            status=status,
            vendor_code=str(code) if code else None,
        )

    def _endless(self, endpoint: str, what: str) -> VendorPayloadError:
        return VendorPayloadError(f"A scroll of {endpoint} {what}.", source=self._client.source, endpoint=endpoint)

    async def _open_scroll(self, endpoint: str) -> Scroll:
        try:
            return await self._scrolls.open(within_deadline(self._client.timeout_s))
        except NoSlotError as error:
            raise VendorThrottledError(
                f"{endpoint} was not asked: max_open_scrolls ({self._scrolls.limit}) are open.",
                source=self._client.source,
                endpoint=endpoint,
                retry_after_s=error.wait_s,
            ) from None


def _retry(report: Report[Any], body: Mapping[str, Any]) -> Retry:
    """An answer that was lost may have opened a scroll, or moved one on."""
    if not report.is_scroll:
        return Retry.ALWAYS
    return Retry.NEVER if "scrollid" in body else Retry.IF_UNDONE


def _answers(envelope: Envelope, guid: str) -> bool:
    """Whether it may be the answer to the request of a guid, which it need not repeat."""
    return envelope.guid in (None, "", guid)


def _peek(reply: VendorReply) -> Envelope:
    """The envelope of an answer that failed, whose body may be anything."""
    try:
        return reply.decode_envelope(_ENVELOPE)
    except VendorError:
        return Envelope(err_code=0)


def _named(status: int, code: int) -> str:
    return f"err_code {code}" if code else f"HTTP status {status}"


def _whole_ms(instant: datetime) -> datetime:
    """The first whole millisecond not before an instant: rows bear no finer times, so the same ones are in range."""
    instant = instant.astimezone(UTC)
    missing_us = -instant.microsecond % 1000
    return instant + timedelta(microseconds=missing_us) if missing_us else instant
