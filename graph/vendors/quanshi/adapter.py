"""Quanshi: what is going on right now, `POST /confopenapi/conference/listbystatus` (developer.quanshi.com/en/api/656).

Limits: 50 rows a page is the most the vendor's documents show. No range, no look-up by id, no members, no calls.
Quirks: success is `status` 0 in the body; instants are epoch seconds, while their display copies (`startTimeStr`)
may say another time and are ignored; `guestPcode` is a passcode and is never read; the list shifts while it is read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from graph.cache.codec import FactCodec
from graph.errors import VendorAuthError, VendorError, VendorRefusedError
from graph.paging.drain import Drain
from graph.paging.feeds import RangedFeed
from graph.paging.rows import Rows, Slice
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import EPOCH, SECOND, Window
from graph.records import Capability, Conference, ConferenceState, Organization, Person, Record
from graph.settings import Secret, SourceSettings, fits_header
from graph.statistics import LiveCounts
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors.base import Adapter, Extras, with_fresh_secrets
from graph.vendors.quanshi import wire
from graph.vendors.quanshi.costs import COSTS

ENDPOINT = "listbystatus"
LISTING: FactCodec[wire.Listing] = FactCodec(wire.Listing)
MAX_PAGE_SIZE = 50
# Only 20713, "template does not exist", is documented; the others are what a refused token would say.
KINDS: dict[int, type[VendorError]] = {401: VendorAuthError, 403: VendorAuthError, 20713: VendorRefusedError}
STATES = {
    1: ConferenceState.SCHEDULED,
    2: ConferenceState.LIVE,
    4: ConferenceState.ENDED,
    5: ConferenceState.EXPIRED,
}


class QuanshiSettings(SourceSettings, frozen=True, kw_only=True):
    """A source at Quanshi.

    Attributes:
        token: The vendor's unified token.
        token_in: Where the token is sent.
        admin_user_id: The administrator whose conferences are listed; 0 leaves it to the vendor.
        filter_one_attendee: Leave conferences of one person out.
    """

    token: Secret
    token_in: Literal["header", "body"] = "header"  # noqa: S105 - a place, no token
    admin_user_id: int = 0
    filter_one_attendee: bool = False
    page_size: int = MAX_PAGE_SIZE

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = super().faults()
        if self.page_size > MAX_PAGE_SIZE:
            found.append(f"page_size: expected at most {MAX_PAGE_SIZE}")
        if self.token_in == "header" and not fits_header(self.token.reveal()):  # noqa: S105 - a place, no token
            found.append("token: expected printable ASCII, it is sent as a header")
        return found


class QuanshiFields(Record, frozen=True):
    """A Quanshi conference's own fields; their meaning stands in fields.py."""

    status: int
    event_id: int | None = None
    billing_code: str | None = None
    customer_code: str | None = None
    host_account_type: int | None = None
    host_account_type_name: str | None = None
    host_ip: str | None = None
    host_location: str | None = None
    is_secure: bool | None = None
    is_recorded: bool | None = None
    data_center: str | None = None
    conf_duration_seconds: int | None = None
    voip_count: int | None = None
    pstn_count: int | None = None
    video_count: int | None = None
    desktop_count: int | None = None
    mcu_count: int | None = None
    box_count: int | None = None
    raw_attendee_count: int | None = None
    raw_pstn_count: int | None = None


class QuanshiAdapter(Adapter):
    """One account at Quanshi."""

    capabilities = frozenset({Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY})
    states: ClassVar[frozenset[ConferenceState]] = frozenset({ConferenceState.LIVE})
    embeds: ClassVar[Extras] = Extras()
    grows: ClassVar[tuple[str, ...]] = ("conf_duration_seconds",)
    costs = COSTS

    def __init__(self, source: str, settings: QuanshiSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self._settings = settings

    async def list_live(self, extras: Extras) -> Rows[Conference]:  # noqa: ARG002 - nothing can be read along
        """Read every conference that is going on: the rows of status 2.

        Returns:
            Each conference once, in no order; without those that cannot be read.

        Raises:
            VendorPayloadError: the pages repeat each other.
            VendorUnavailableError: the list kept shifting while it was read.
        Shape: {"status", "result": {"totalCount", "confList": [{"conferenceId", "confName", ...}]}, "request_id"}
        Units: `startTime`, `stopTime` epoch seconds, `stopTime` 0 is none; `confDuration` seconds.
        Source: contracts.md 4, sample quanshi-listbystatus.json
        """
        listing = await self._current_list()
        live = (self._to_conference(row) for row in listing.rows if STATES.get(row.status) is ConferenceState.LIVE)
        return Rows.of(live, listing.left_out)

    async def get_conferences(
        self,
        vendor_ids: Sequence[str],
        extras: Extras,  # noqa: ARG002 - nothing can be read along
        near: datetime | None = None,  # noqa: ARG002 - what is listed is now
    ) -> list[Conference | Exception | None]:
        """Find conferences on the list, read once for all ids; one that is no longer on it is None.

        The vendor has no look-up by id, hence no GET_CONFERENCES; but an id that was served live must work again
        while it is live.

        Shape: as in `list_live`.
        Units: as in `list_live`.
        Source: contracts.md 4, 6.8
        """
        if not vendor_ids:
            return []
        try:
            listing = await self._current_list()
        except VendorError as error:
            return [error] * len(vendor_ids)
        listed = {row.conference_id: row for row in listing.rows}
        absent = self.absent_from(ENDPOINT, listing.left_out)
        return [self._to_conference(listed[key]) if key in listed else absent for key in vendor_ids]

    async def read_live(self) -> LiveCounts:
        """Count the listed conferences, whatever their status, and the people in them.

        Shape: as in `list_live`; `totalCount`, and `attendeeCnt` of every row.
        Units: numbers of conferences and of attendees.
        Source: contracts.md 6.5
        """
        listing = await self._current_list()
        if listing.left_out:
            raise self.incomplete(ENDPOINT, listing.left_out)
        members = sum(row.attendee_cnt for row in listing.rows)
        return LiveCounts(conference_count=listing.total, member_count=members)

    async def check(self) -> str:
        """Read one row.

        Shape: as in `list_live`.
        Units: a number of conferences.
        Source: contracts.md 4
        """
        page = await self._read_page(1, 1)
        return f"{page.total_count} conferences on the list"

    # ---- requests -----------------------------------------------------------------------------

    async def _current_list(self) -> wire.Listing:
        """The list and its count, read once for all who ask for either at about the same time."""
        return await self.share(ENDPOINT, self._read_list, SNAPSHOT_TTL_S, codec=LISTING)

    async def _read_list(self) -> wire.Listing:
        """The whole list, each row once, and the vendor's count of it; read again where it shifted meanwhile."""
        feed = RangedFeed(
            source=self.source,
            read=self._read_slice,
            time=lambda _: EPOCH,  # the list has no range: whatever is on it is read
            identity=lambda row: row.conference_id,
            grid=self.grid,
            page_size=self.page_size,
            has_stateless_pages=self.has_stateless_pages,
        )
        drain = Drain(feed, Window(EPOCH, EPOCH + SECOND))
        while not drain.is_done:
            await drain.read_page()
        return wire.Listing(drain.total or 0, list(drain.rows.values()), drain.left_out)

    async def _read_slice(self, _: Window, token: object | None) -> Slice[wire.Row]:
        number = token if isinstance(token, int) else 1
        page = await self._read_page(number, self.page_size)
        missing = left_out(page.conf_list)
        goes_on = bool(page.conf_list or missing) and number * self.page_size < page.total_count
        return Slice(page.conf_list, page.total_count, number + 1 if goes_on else None, left_out=missing)

    async def _read_page(self, number: int, count: int) -> wire.Page:
        return await with_fresh_secrets(
            lambda: self.client.call(self._request(number, count), self._to_page), self._settings.token
        )

    def _request(self, number: int, count: int) -> VendorRequest:
        body: dict[str, Any] = {
            "page": number,
            "count": count,
            "filterOneAttendee": self._settings.filter_one_attendee,
        }
        headers = {"accept": "application/json"}
        if self._settings.admin_user_id:
            body["adminUserId"] = self._settings.admin_user_id
        if self._settings.token_in == "body":  # noqa: S105 - a place, no token
            body["token"] = self._settings.token.reveal()
        else:
            headers["token"] = self._settings.token.reveal()
        return VendorRequest(ENDPOINT, "/confopenapi/conference/listbystatus", headers=headers, json=body)

    # ---- mappings -----------------------------------------------------------------------------

    def _to_page(self, reply: VendorReply) -> wire.Page:
        """The page, or the error that a code stands for; HTTP says what kind it is only where the code is not known."""
        outcome = reply.decode_envelope(wire.OUTCOME)
        code, request_id = outcome.status, outcome.request_id or None
        if code not in KINDS:
            reply.raise_for_status(vendor_code=str(code) if code else None, request_id=request_id)
        if code:
            raise KINDS.get(code, VendorRefusedError)(
                f"{ENDPOINT} was refused with code {code}.",
                source=self.source,
                endpoint=ENDPOINT,
                status=reply.status,
                vendor_code=str(code),
                request_id=request_id,
                retry_after_s=reply.retry_after_s(),
            )
        return reply.decode_rows(wire.ANSWER).result

    def _to_conference(self, row: wire.Row) -> Conference:
        state = STATES.get(row.status, ConferenceState.UNKNOWN)
        started_at = _to_instant(row.start_time)
        organization = _to_organization(row)
        host = Person(
            account_id=_to_id(row.host_id),
            name=row.host_name or None,
            email=row.host_email or None,
            phone_number=row.host_mobile or None,
            organization=organization,
        )
        return Conference(
            source_name=self.source,
            vendor_id=row.conference_id,
            state=state,
            sort_time=started_at,
            title=row.conf_name or row.title or None,
            started_at=started_at,
            ended_at=_to_instant(row.stop_time) if row.stop_time else None,
            # Only of an ended conference is it the length; else it may be the planned one.
            duration_seconds=row.conf_duration if state is ConferenceState.ENDED else None,
            host=None if host == Person() else host,
            member_count=row.attendee_cnt,
            department=organization,
            vendor_fields=_to_fields(row),
        )


def _to_fields(row: wire.Row) -> QuanshiFields:
    return QuanshiFields(
        # The first by place: more than fifteen names would be put into a dict for each row.
        row.status,
        row.event_id,
        row.billing_code or None,
        row.customer_code or None,
        row.host_account_type,
        row.host_account_type_str or None,
        row.host_ip or None,
        row.host_location or None,
        row.is_secure_conf,
        row.is_record,
        row.data_center or None,
        conf_duration_seconds=row.conf_duration,
        voip_count=row.voip_cnt,
        pstn_count=row.pstn_cnt,
        video_count=row.video_cnt,
        desktop_count=row.desktop_cnt,
        mcu_count=row.mcu_cnt,
        box_count=row.box_cnt,
        raw_attendee_count=row.raw_attendee_cnt,
        raw_pstn_count=row.raw_pstn_cnt,
    )


def _to_organization(row: wire.Row) -> Organization | None:
    organization = Organization(vendor_id=_to_id(row.host_org_id), name=row.host_org_name or None)
    return None if organization == Organization() else organization


def _to_instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _to_id(number: int | None) -> str | None:
    return None if number is None else str(number)
