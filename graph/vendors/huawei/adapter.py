"""Huawei AICC CC-Gateway: running conferences by id, `POST .../agentconf/{agentid}/queryconfinfos`.

Links: support.huaweicloud.com/intl/en-us/api-cec/cec_07_0485.html (the report), cec_07_0358 (updateGuid).
Limits: 20 ids a request. No list, no range, nothing of conferences that have ended.
Quirks: success is `retcode` "0" (text); ids that are unknown, ended or of others are left out, so rows are matched
by `confId`; `result` is documented as an array and sent as an object. The Guid expires two minutes after its last
renewal, and any answer may bring a new one as `Set-GUID`. The agent must be signed in: nobody signs in here.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

import msgspec

from graph import clock
from graph.errors import VendorAuthError, VendorError, VendorRefusedError, VendorUnavailableError
from graph.ids import short_hash
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
from graph.settings import Secret, SourceSettings
from graph.statistics import LiveCounts
from graph.transport.client import VendorClient, VendorReply, VendorRequest
from graph.vendors.base import Adapter, Extras
from graph.vendors.huawei import wire

ENDPOINT = "queryconfinfos"
MAX_PAGE_SIZE = 20
MAX_BATCHES = 4  # at a time
RENEW_AFTER_S = 60.0
GUID_CODES = ("100-006", "000-003")
EPOCH = datetime.fromtimestamp(0, UTC)
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
        if not _fits_header(self.guid.reveal()):
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
        self.capabilities = frozenset({Capability.GET_CONFERENCES, Capability.LIST_MEMBERS})
        if settings.conf_ids:
            self.capabilities |= {Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY}
        self._settings = settings
        self._guid = settings.guid.reveal()
        self._guid_at = clock.monotonic()
        self._renewing = asyncio.Lock()
        self._batches = asyncio.Semaphore(MAX_BATCHES)

    async def list_live(self, extras: Extras) -> list[Conference]:  # noqa: ARG002 - members always come along
        """Read those conferences of `conf_ids` that are going on.

        Returns:
            Each conference once, in no order.

        Shape: {"retcode", "message", "result": {"confs": [{"confId", "addresses": [...], ...}]}}
        Units: `startTime`, `enterTime` epoch milliseconds; `applyConfTime`, `confHaveBeenTime` minutes.
        Source: contracts.md 5, sample huawei-queryconfinfos.json
        """
        return [self._to_conference(conf) for conf in await self._read_live()]

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
        live = await self._read_live()
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

    async def _read_live(self) -> list[wire.Conf]:
        if not self._settings.conf_ids:
            raise self.unsupported("list of live conferences")
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
            return await self.client.call(self._request(guid, conf_ids), self._to_confs)
        except VendorAuthError:
            if not await self._replace_guid(guid):
                raise
            return await self.client.call(self._request(self._guid, conf_ids), self._to_confs)

    def _request(self, guid: str, conf_ids: list[int]) -> VendorRequest:
        path = f"/agentgateway/resource/agentconf/{self._settings.agent_id}/queryconfinfos"
        return VendorRequest(ENDPOINT, path, headers=_headers(guid), json={"confIds": conf_ids})

    # ---- the Guid -----------------------------------------------------------------------------

    async def _current_guid(self) -> str:
        if self._is_due():
            async with self._renewing:
                if self._is_due():
                    await self._renew_guid()
        return self._guid

    def _is_due(self) -> bool:
        return self._settings.guid_mode == "refresh" and clock.monotonic() - self._guid_at > RENEW_AFTER_S

    async def _replace_guid(self, refused: str) -> bool:
        """Get a newer Guid than the one refused; False where there is none to be had."""
        async with self._renewing:
            if self._guid != refused:  # another request got one meanwhile
                return True
            if self._settings.guid_mode == "refresh":
                await self._renew_guid()
                return True
            return self._reload_guid()

    async def _renew_guid(self) -> None:
        path = f"/agentgateway/resource/onlineagent/{self._settings.agent_id}/updateGuid"
        request = VendorRequest("updateGuid", path, method="PUT", headers=_headers(self._guid))
        try:
            self._adopt(await self.client.call(request, self._to_guid))
        except VendorAuthError:
            if not self._reload_guid():
                raise

    def _reload_guid(self) -> bool:
        is_new = self._settings.guid.reload()
        if is_new:
            self._adopt(self._settings.guid.reveal())
        return is_new

    def _adopt(self, guid: str) -> None:
        self._guid = guid
        self._guid_at = clock.monotonic()

    # ---- mappings -----------------------------------------------------------------------------

    def _to_confs(self, reply: VendorReply) -> list[wire.Conf]:
        self._raise_refusal(reply)
        result = reply.decode(wire.CONFS_ANSWER).result
        return result.confs if isinstance(result, wire.Confs) else result

    def _to_guid(self, reply: VendorReply) -> str:
        self._raise_refusal(reply)
        return reply.decode(wire.GUID_ANSWER).result.guid

    def _raise_refusal(self, reply: VendorReply) -> None:
        """Raise what the answer's status or code stands for; keep the Guid it brings, refused or not."""
        # Documented both bare and as a cookie would write it.
        guid = reply.headers.get("set-guid", "").partition(";")[0].strip().removeprefix("JSESSIONID=")
        if guid and _fits_header(guid):
            self._adopt(guid)
        reply.raise_for_status()
        code = reply.decode(wire.OUTCOME).retcode
        if code == "0":
            return
        kind: type[VendorError] = VendorRefusedError
        said = f"{reply.endpoint} was refused with code {code}."
        if code in GUID_CODES:
            kind = VendorAuthError
            said = f"{reply.endpoint} was refused with code {code}: the Guid is unknown, or expired after 120 s."
        elif code == "100-007":
            kind = VendorUnavailableError
            said = f"{reply.endpoint} failed at the vendor with code {code}."
        raise kind(said, source=self.source, endpoint=reply.endpoint, status=reply.status, vendor_code=code)

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
        for address in conf.addresses:
            # Hashed, since an id is no place for a telephone number.
            key = short_hash(str(conf.conf_id), address.address, str(address.enter_time))
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


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


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
