"""Huawei AICC CC-Gateway: running conferences by id, `POST .../agentconf/{agentid}/queryconfinfos`.

Links: support.huaweicloud.com/intl/en-us/api-cec/cec_07_0485.html (the report), cec_07_0358 (updateGuid).
Limits: 20 ids a request. No list, no range, nothing of conferences that have ended.
Quirks: success is `retcode` "0" (text); ids that are unknown, ended or of others are left out, so rows are matched
by `confId`; `result` is documented as an array and sent as an object. The Guid expires two minutes after its last
renewal, and any answer may bring a new one as `Set-GUID`. The agent must be signed in: nobody signs in here.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import msgspec

from graph import clock
from graph.errors import (
    RetriableVendorError,
    VendorAuthError,
    VendorError,
    VendorRefusedError,
    VendorUnavailableError,
)
from graph.ids import faint_hash
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.paging.windows import EPOCH
from graph.records import (
    Capability,
    ClientType,
    Conference,
    ConferenceState,
    MediaDirection,
    Member,
    MemberRole,
    Person,
    Record,
)
from graph.settings import Secret, SourceSettings, fits_header
from graph.statistics import LiveCounts
from graph.transport.client import VendorClient
from graph.transport.messages import VendorReply, VendorRequest
from graph.vendors.base import Adapter, Extras
from graph.vendors.huawei import wire

ENDPOINT = "queryconfinfos"
MAX_PAGE_SIZE = 20
MAX_BATCHES = 4  # at a time
RENEW_AFTER_S = 60.0
RETRY_RENEWAL_S = 5.0
KINDS: dict[str, type[VendorError]] = {
    "000-002": VendorRefusedError,
    "000-003": VendorAuthError,
    "000-006": VendorRefusedError,
    "100-006": VendorAuthError,
    "100-007": VendorUnavailableError,
}
PHONE, AGENT = "6", "9"
CLIENTS = {PHONE: ClientType.PHONE, AGENT: ClientType.AGENT}
ROLES: dict[int | None, MemberRole] = {0: MemberRole.PARTICIPANT, 1: MemberRole.CHAIR}
MEDIA: dict[int | None, MediaDirection] = {
    1: MediaDirection.LISTEN_ONLY,
    2: MediaDirection.SPEAK_ONLY,
    3: MediaDirection.BOTH,
}
ON_HOLD: dict[int | None, bool] = {0: False, 1: True, 2: False}


class HuaweiSettings(SourceSettings, frozen=True, kw_only=True):
    """A source at Huawei.

    Attributes:
        agent_id: The agent who is signed in; an inspector sees all conferences, another agent only their own.
        guid: The credential of that agent's session.
        guid_mode: "static" uses it, and adopts any newer one that an answer brings; "refresh" also renews it.
        conf_ids: The conferences to list as live.
    """

    agent_id: str
    guid: Secret
    guid_mode: Literal["static", "refresh"] = "static"
    conf_ids: list[int] = msgspec.field(default_factory=list)
    page_size: int = MAX_PAGE_SIZE

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = super().faults()
        if not re.fullmatch(r"[0-9]{3,6}", self.agent_id):
            found.append("agent_id: expected 3 to 6 digits")
        if self.page_size > MAX_PAGE_SIZE:
            found.append(f"page_size: expected at most {MAX_PAGE_SIZE}")
        if not fits_header(self.guid.reveal()):
            found.append("guid: expected printable ASCII, it is sent as a header")
        return found


class HuaweiFields(Record, frozen=True, kw_only=True):
    """A Huawei conference's own fields; their meaning stands in fields.py."""

    conf_state: int | None = None
    applied_minutes: int | None = None
    elapsed_minutes: int | None = None


class HuaweiMember(Record, frozen=True, kw_only=True):
    """A Huawei participant's own fields; their meaning stands in fields.py."""

    address_type: int | None = None
    device_type: int | None = None
    device_call_type: int | None = None
    channel_attrib: int | None = None
    channel_state: int | None = None
    role: int | None = None


class HuaweiAdapter(Adapter):
    """One agent's view of the conferences at Huawei."""

    states: ClassVar[frozenset[ConferenceState]] = frozenset({ConferenceState.LIVE})
    embeds: ClassVar[Extras] = Extras()

    def __init__(self, source: str, settings: HuaweiSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self.chosen_at_once = settings.page_size
        self.capabilities = frozenset({Capability.GET_CONFERENCES, Capability.LIST_MEMBERS})
        if settings.conf_ids:
            self.capabilities |= {Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY}
        self._settings = settings
        self._guid = settings.guid.reveal()
        self._renew_at = clock.monotonic() + RENEW_AFTER_S
        self._batches = asyncio.Semaphore(MAX_BATCHES)

    async def list_live(self, extras: Extras) -> list[Conference]:  # noqa: ARG002 - members always come along
        """Read those conferences of `conf_ids` that are going on.

        Returns:
            Each conference once, in no order.

        Shape: {"retcode", "message", "result": {"confs": [{"confId", "addresses": [...], ...}]}}
        Units: `startTime`, `enterTime` epoch milliseconds; `applyConfTime`, `confHaveBeenTime` minutes.
        Source: contracts.md 5, sample huawei-queryconfinfos.json
        """
        return [self._to_conference(conf) for conf in await self._current_live()]

    async def get_conferences(
        self,
        vendor_ids: Sequence[str],
        extras: Extras,  # noqa: ARG002 - members always come along
        near: datetime | None = None,  # noqa: ARG002 - there is nothing to search
    ) -> list[Conference | Exception | None]:
        """Read conferences by confId, in batches; one that is not going on, or not the agent's to see, is None.

        Shape: as in `list_live`; the body is {"confIds": [number, ...]}.
        Units: as in `list_live`.
        Source: contracts.md 5, sample huawei-queryconfinfos-request.json
        """
        numbers = [_to_number(text) for text in vendor_ids]
        found = await self._query(number for number in numbers if number is not None)
        answers = [None if number is None else found.get(number) for number in numbers]
        return [self._to_conference(conf) if isinstance(conf, wire.Conf) else conf for conf in answers]

    async def read_members(self, conferences: Sequence[Conference]) -> list[tuple[Member, ...] | VendorError]:
        """Read the participants of conferences again: they come with their conference, while it goes on.

        Shape: as in `list_live`.
        Units: as in `list_live`.
        Source: contracts.md 5
        """
        found = await self._query(int(conference.vendor_id) for conference in conferences)
        gone = VendorRefusedError(
            "The conference has ended, and its members are not kept.", source=self.source, endpoint=ENDPOINT
        )
        answers = [found.get(int(conference.vendor_id), gone) for conference in conferences]
        return [self._to_members(conf) if isinstance(conf, wire.Conf) else conf for conf in answers]

    async def read_live(self) -> LiveCounts:
        """Count those conferences of `conf_ids` that are going on, and the distinct addresses in all of them.

        Shape: as in `list_live`.
        Units: numbers of conferences and of addresses.
        Source: contracts.md 6.5
        """
        live = await self._current_live()
        addresses = {address.address for conf in live for address in conf.addresses}
        return LiveCounts(conference_count=len(live), member_count=len(addresses))

    async def check(self) -> str:
        """Ask for the first of `conf_ids`, or for a conference that cannot be.

        Shape: as in `list_live`.
        Units: none.
        Source: contracts.md 5
        """
        await self._ask((self._settings.conf_ids or [0])[:1])
        return "the agent's session is alive"

    # ---- requests -----------------------------------------------------------------------------

    async def _current_live(self) -> list[wire.Conf]:
        """Those of `conf_ids` that go on, read once for all who list or count them at about the same time."""
        if not self._settings.conf_ids:
            raise self.unsupported("list of live conferences")
        return await self.share(ENDPOINT, self._read_live, SNAPSHOT_TTL_S)

    async def _read_live(self) -> list[wire.Conf]:
        live = []
        for conf in (await self._query(self._settings.conf_ids)).values():
            if isinstance(conf, VendorError):
                raise conf
            live.append(conf)
        return live

    async def _query(self, conf_ids: Iterable[int]) -> dict[int, wire.Conf | VendorError]:
        """What is known of some conferences; those of a batch that failed have its error."""
        ids = list(dict.fromkeys(conf_ids))
        batches = [ids[start : start + self.page_size] for start in range(0, len(ids), self.page_size)]
        answers = await asyncio.gather(*(self._read_batch(batch) for batch in batches))
        return {key: conf for answer in answers for key, conf in answer.items()}

    async def _read_batch(self, batch: list[int]) -> dict[int, wire.Conf | VendorError]:
        async with self._batches:
            try:
                confs = await self._ask(batch)
            except VendorError as error:
                return dict.fromkeys(batch, error)
        return {conf.conf_id: conf for conf in confs if conf.conf_id in batch}

    async def _ask(self, conf_ids: list[int]) -> list[wire.Conf]:
        """One request; with a newer Guid once again, where there is one to be had."""
        guid = await self._current_guid()
        try:
            return await self._send(guid, conf_ids)
        except VendorAuthError:
            if not await self._replace_guid(guid):
                raise
            return await self._send(self._guid, conf_ids)

    async def _send(self, guid: str, conf_ids: list[int]) -> list[wire.Conf]:
        path = f"/agentgateway/resource/agentconf/{self._settings.agent_id}/queryconfinfos"
        request = VendorRequest(ENDPOINT, path, headers=_headers(guid), json={"confIds": conf_ids})
        return await self.client.call(request, lambda reply: self._to_confs(reply, guid))

    # ---- the Guid -----------------------------------------------------------------------------

    async def _current_guid(self) -> str:
        """The Guid to send, renewed in time; where that fails for the moment, the old one is still good for a while."""
        if self._settings.guid_mode == "refresh" and clock.monotonic() > self._renew_at:
            with contextlib.suppress(RetriableVendorError):
                await self.share("updateGuid", self._renew_guid)
        return self._guid

    async def _replace_guid(self, refused: str) -> bool:
        """Get a newer Guid than the one refused; False where there is none to be had."""
        if self._guid != refused:  # another request got one meanwhile
            return True
        if self._settings.guid_mode == "static":
            return self._reload_guid()
        await self.share("updateGuid", self._renew_guid)
        return True

    async def _renew_guid(self) -> None:
        """Renew the Guid. Shared, since one that is given up half-way would leave nobody with a Guid that is good."""
        sent = self._guid
        path = f"/agentgateway/resource/onlineagent/{self._settings.agent_id}/updateGuid"
        request = VendorRequest("updateGuid", path, method="PUT", headers=_headers(sent))
        try:
            self._adopt(await self.client.call(request, lambda reply: self._to_guid(reply, sent)))
        except VendorAuthError:
            if not self._reload_guid():
                raise
        except RetriableVendorError:
            self._renew_at = clock.monotonic() + RETRY_RENEWAL_S
            raise

    def _reload_guid(self) -> bool:
        if is_new := self._settings.guid.reload():
            self._adopt(self._settings.guid.reveal())
        return is_new

    def _adopt(self, guid: str) -> None:
        self._guid = guid
        self._renew_at = clock.monotonic() + RENEW_AFTER_S

    # ---- mappings -----------------------------------------------------------------------------

    def _to_confs(self, reply: VendorReply, sent: str) -> list[wire.Conf]:
        self._adopt_from(reply, sent)
        self._raise_refusal(reply)
        result = reply.decode(wire.CONFS_ANSWER).result
        return result.confs if isinstance(result, wire.Confs) else result

    def _to_guid(self, reply: VendorReply, sent: str) -> str:
        self._adopt_from(reply, sent)
        self._raise_refusal(reply)
        return reply.decode(wire.GUID_ANSWER).result.guid

    def _adopt_from(self, reply: VendorReply, sent: str) -> None:
        """Keep the Guid that an answer brings, refused or not; a late answer to an older Guid brings an older one."""
        # Documented both bare and as a cookie would write it.
        guid = reply.headers.get("set-guid", "").partition(";")[0].strip().removeprefix("JSESSIONID=")
        if sent == self._guid and guid not in ("", sent) and fits_header(guid):
            self._adopt(guid)

    def _raise_refusal(self, reply: VendorReply) -> None:
        """Raise what a code stands for; HTTP says what kind of error it is only where the code is not known."""
        code = reply.decode_envelope(wire.OUTCOME).retcode
        if code not in KINDS:
            reply.raise_for_status(vendor_code=None if code == "0" else code)
        if code == "0":
            return
        kind = KINDS.get(code, VendorRefusedError)
        why = ": the Guid is unknown, or expired after 120 s" if kind is VendorAuthError else ""
        raise kind(
            f"{reply.endpoint} was refused with code {code}{why}.",
            source=self.source,
            endpoint=reply.endpoint,
            status=reply.status,
            vendor_code=code,
            retry_after_s=reply.retry_after_s(),
        )

    def _to_conference(self, conf: wire.Conf) -> Conference:
        started_at = _to_instant(conf.start_time)
        applied = None if conf.apply_conf_time is None else timedelta(minutes=conf.apply_conf_time)
        host = next((_to_person(address) for address in conf.addresses if address.role == 1), None)
        return Conference(
            source_name=self.source,
            vendor_id=str(conf.conf_id),
            state=ConferenceState.LIVE,
            sort_time=started_at,
            started_at=started_at,
            scheduled_start_at=started_at,
            scheduled_end_at=None if applied is None else started_at + applied,
            planned_duration_seconds=None if applied is None else int(applied.total_seconds()),
            host=None if host == Person() else host,
            member_count=len({address.address for address in conf.addresses}),
            vendor_fields=HuaweiFields(
                conf_state=conf.conf_state,
                applied_minutes=conf.apply_conf_time,
                elapsed_minutes=conf.conf_have_been_time,
            ),
            members=self._to_members(conf),
        )

    def _to_members(self, conf: wire.Conf) -> tuple[Member, ...]:
        ordinals: Counter[str] = Counter()
        members = []
        # In an order of their own, not the vendor's, so that equal keys are told apart alike each time.
        for address in sorted(conf.addresses, key=lambda it: (it.enter_time or 0, it.address)):
            # An id is no place for a telephone number.
            key = f"{address.enter_time or 0}.{faint_hash(str(conf.conf_id), address.address)}"
            members.append(self._to_member(conf, address, f"{key}.{ordinals[key]}"))
            ordinals[key] += 1
        return tuple(members)

    def _to_member(self, conf: wire.Conf, address: wire.Address, vendor_id: str) -> Member:
        person = _to_person(address)
        return Member(
            source_name=self.source,
            conference_vendor_id=str(conf.conf_id),
            vendor_id=vendor_id,
            account_id=person.account_id,
            phone_number=person.phone_number,
            joined_at=None if address.enter_time is None else _to_instant(address.enter_time),
            client_type=CLIENTS.get(address.address_type, ClientType.UNKNOWN),
            role=ROLES.get(address.role),
            media_direction=MEDIA.get(address.channel_attrib),
            on_hold=ON_HOLD.get(address.channel_state),
            vendor_fields=HuaweiMember(
                address_type=_to_number(address.address_type),
                device_type=address.device_type,
                device_call_type=address.device_call_type,
                channel_attrib=address.channel_attrib,
                channel_state=address.channel_state,
                role=address.role,
            ),
        )


def _headers(guid: str) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=UTF-8", "Guid": guid}


def _to_person(address: wire.Address) -> Person:
    return Person(
        account_id=address.address or None if address.address_type == AGENT else None,
        phone_number=address.address or None if address.address_type == PHONE else None,
    )


def _to_number(text: str) -> int | None:
    """The 64-bit number written so and not otherwise; None for any other text."""
    number = int(text) if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) else None
    return number if number is not None and number < 2**63 else None


def _to_instant(millis: int) -> datetime:
    return EPOCH + timedelta(milliseconds=millis)
