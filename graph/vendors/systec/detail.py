"""Reading SYSTEC's report: a page at a time, or the whole of some days.

Pages are numbered and may stand still where the vendor takes no notice of the number: a paging that brings nothing
new for a while is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import inf
from typing import NamedTuple

from graph.errors import VendorPayloadError, VendorRefusedError, VendorUnavailableError
from graph.records import Conference
from graph.settings import Secret
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors.base import Extras, with_fresh_secrets
from graph.vendors.systec import wire
from graph.vendors.systec.mapping import to_conference

DAY = timedelta(days=1)
MONTH = timedelta(days=28)
PATIENCE = 3
STARTS_REMEMBERED = 20_000
TRIES = 3
NOTHING = Extras()


class Stretch(NamedTuple):
    """The days of one request, in the source's zone; `to` is the day after the last."""

    first: date
    to: date


class Page(NamedTuple):
    """One page: its meetings, how many there are in all, whether more pages follow, and how many cannot be read."""

    rows: list[Conference]
    total: int
    has_next: bool
    left_out: int = 0


class Meetings(dict[str, Conference]):
    """Meetings by uuid.

    Attributes:
        left_out: How many could not be read.
    """

    left_out: int = 0


class Met:
    """The uuids that a paging brought so far."""

    def __init__(self) -> None:
        self._uuids: set[str] = set()
        self._left_out = 0
        self._pages_in_vain = 0

    def add(self, page: Page) -> bool:
        """Note a page; whether the paging still gets on."""
        known = len(self._uuids) + self._left_out
        self._uuids |= {row.vendor_id for row in page.rows}
        self._left_out = min(page.total, self._left_out + page.left_out)
        self._pages_in_vain = 0 if len(self._uuids) + self._left_out > known else self._pages_in_vain + 1
        return self._pages_in_vain < PATIENCE


@dataclass
class Allowance:
    """How many requests a whole read may still send."""

    left: float = inf


class DetailReport:
    """The report of one account; remembers when the meetings began that it met.

    Args:
        source: The source's name.
        client: Where requests go.
        credentials: Key and secret.
        zone: Of the days asked for, and of the times answered.
        page_size: Rows a request.
    """

    def __init__(
        self, source: str, client: VendorClient, credentials: tuple[Secret, Secret], zone: tzinfo, page_size: int
    ) -> None:
        self.starts: dict[str, datetime] = {}
        self._source = source
        self._client = client
        self._key, self._secret = credentials
        self._zone = zone
        self._page_size = page_size

    def stretches(self, start: datetime, end: datetime) -> list[Stretch]:
        """The days that hold a range, oldest first, cut where the vendor would cut them silently."""
        first = start.astimezone(self._zone).date()
        to = (end - timedelta(microseconds=1)).astimezone(self._zone).date() + DAY
        days = [first + timedelta(days=n) for n in range(0, (to - first).days, MONTH.days)]
        return [Stretch(day, min(day + MONTH, to)) for day in days]

    async def page(
        self,
        stretch: Stretch | None,
        number: int = 1,
        *,
        extras: Extras = NOTHING,
        host_id: str | None = None,
        uuid: str | None = None,
        page_size: int | None = None,
        needs_all: bool = False,
    ) -> Page:
        """Send one request; once more with credentials read again, where they were refused and are others now.

        Args:
            stretch: The days; None leaves them to the vendor.
            number: Of the page, from 1.
            extras: Participants, telephony.
            host_id: Only this room.
            uuid: Only this meeting; the vendor may pass it over.
            page_size: Rows, where not as many as usual.
            needs_all: Whether a row that cannot be read is an error, as it may be the one looked for.
        """
        chosen = {
            "from": stretch and stretch.first.isoformat(),
            "to": stretch and stretch.to.isoformat(),
            "page_number": str(number),
            "page_size": str(page_size or self._page_size),
            "host_id": host_id,
            "uuid": uuid,
            "show_participants": "true" if extras.members else None,
            "show_telephony_usage": "true" if extras.calls else None,
        }
        form = {key: value for key, value in chosen.items() if value is not None}
        read = wire.read_whole if needs_all else wire.read_data
        data = await with_fresh_secrets(lambda: self._send(form, read), self._key, self._secret)
        rows = [to_conference(row, self._source, self._zone, extras) for row in data.meetings]
        self._remember(rows)
        missing = left_out(data.meetings)
        return Page(rows, data.total_record, data.has_next_page and bool(rows or missing), missing)

    def goes_on(self, page: Page, met: Met) -> bool:
        """Whether pages follow a page.

        Raises:
            VendorPayloadError: they would never end: the last ones brought no meeting that was not met before.
        """
        if page.has_next and not met.add(page):
            said = "The paging of detail does not end: the same meetings come again and again."
            raise VendorPayloadError(said, source=self._source, endpoint="detail")
        return page.has_next

    async def drain(self, stretch: Stretch, extras: Extras, allowance: Allowance | None = None) -> Meetings:
        """Every meeting of a stretch; read again, at most twice, where the total changed meanwhile.

        Raises:
            VendorRefusedError: it takes more requests than are allowed.
        """
        allowance = allowance or Allowance()
        for _ in range(TRIES):
            rows = Meetings()
            totals: set[int] = set()
            met, number, goes_on = Met(), 0, True
            while goes_on:
                number += 1
                self._need(1, allowance)
                allowance.left -= 1
                page = await self.page(stretch, number, extras=extras)
                rows.update((row.vendor_id, row) for row in page.rows)
                rows.left_out += page.left_out
                totals.add(page.total)
                goes_on = self.goes_on(page, met)
                if goes_on:
                    self._need(-(-page.total // self._page_size) - number, allowance)
            if len(totals) == 1:
                return rows
        raise VendorUnavailableError("detail changed while it was read.", source=self._source, endpoint="detail")

    async def read(self, stretches: list[Stretch], extras: Extras, allowance: Allowance | None = None) -> Meetings:
        """Every meeting of some stretches; raises as `drain` does."""
        allowance = allowance or Allowance()
        self._need(len(stretches), allowance)
        rows = Meetings()
        for stretch in stretches:
            part = await self.drain(stretch, extras, allowance)
            rows.update(part)
            rows.left_out += part.left_out
        return rows

    def _need(self, requests: int, allowance: Allowance) -> None:
        if requests > allowance.left:
            said = "There are too many meetings in this range to read them all for one answer: ask for a shorter range."
            raise VendorRefusedError(said, source=self._source, endpoint="detail")

    async def _send(self, form: Mapping[str, str], read: Callable[[VendorReply], wire.Data]) -> wire.Data:
        signed = {"api_key": self._key.reveal(), "api_secret": self._secret.reveal(), **form}
        return await self._client.call(VendorRequest("detail", "/umeeting/share/detail", form=signed), read)

    def _remember(self, rows: Iterable[Conference]) -> None:
        self.starts |= {row.vendor_id: row.sort_time for row in rows}
        while len(self.starts) > STARTS_REMEMBERED:
            del self.starts[next(iter(self.starts))]
