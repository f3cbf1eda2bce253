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
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from graph import clock
from graph.cache.codec import FactCodec
from graph.errors import (
    RetriableVendorError,
    VendorAuthError,
    VendorError,
    VendorRefusedError,
    VendorUnavailableError,
)
from graph.paging.rows import Rows
from graph.paging.shelf import SNAPSHOT_TTL_S
from graph.records import Capability, Conference, ConferenceState, Member
from graph.settings import Secret, SourceSettings, fits_header
from graph.statistics import LiveCounts
from graph.transport.client import VendorClient
from graph.transport.lenient import left_out
from graph.transport.messages import Retry, VendorReply, VendorRequest
from graph.vendors.base import Adapter, Extras, whole_only
from graph.vendors.huawei import wire
from graph.vendors.huawei.costs import COSTS, costs_of
from graph.vendors.huawei.mapping import to_conference, to_number

ENDPOINT = "queryconfinfos"
RUNNING: FactCodec[wire.Running] = FactCodec(wire.Running)
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


class HuaweiSettings(SourceSettings, frozen=True, kw_only=True):
    """A source at Huawei.

    Attributes:
        agent_id: The agent who is signed in; an inspector sees all conferences, another agent only their own.
        guid: The credential of that agent's session.
        guid_mode: "static" uses it, and adopts any newer one that an answer brings; "refresh" also renews it.
        conf_ids: The conferences to list as live.
    """

    unaccounted: ClassVar[frozenset[str]] = SourceSettings.unaccounted | {"guid"}

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


class HuaweiAdapter(Adapter):
    """One agent's view of the conferences at Huawei."""

    states: ClassVar[frozenset[ConferenceState]] = frozenset({ConferenceState.LIVE})
    embeds: ClassVar[Extras] = Extras()
    grows: ClassVar[tuple[str, ...]] = ("elapsed_minutes",)
    costs = COSTS

    def __init__(self, source: str, settings: HuaweiSettings, client: VendorClient) -> None:
        super().__init__(source, settings, client)
        self.chosen_at_once = settings.page_size
        self.costs = costs_of(len(settings.conf_ids), settings.page_size)
        self.capabilities = frozenset({Capability.GET_CONFERENCES, Capability.LIST_MEMBERS})
        if settings.conf_ids:
            self.capabilities |= {Capability.LIST_LIVE_CONFERENCES, Capability.LIVE_SUMMARY}
        self._settings = settings
        self._guid = settings.guid.reveal()
        self._renew_at = clock.monotonic() + RENEW_AFTER_S
        self._batches = asyncio.Semaphore(MAX_BATCHES)

    async def list_live(self, extras: Extras) -> Rows[Conference]:  # noqa: ARG002 - members always come along
        """Read those conferences of `conf_ids` that are going on.

        Returns:
            Each conference once, in no order; without those that cannot be read.

        Shape: {"retcode", "message", "result": {"confs": [{"confId", "addresses": [...], ...}]}}
        Units: `startTime`, `enterTime` epoch milliseconds; `applyConfTime`, `confHaveBeenTime` minutes.
        Source: contracts.md 5, sample huawei-queryconfinfos.json
        """
        live = await self._current_live()
        rows = (to_conference(conf, self.source, live.torn.get(conf.conf_id, 0)) for conf in live.confs)
        return Rows.of(map(whole_only, rows), live.left_out)

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
        numbers = [to_number(text) for text in vendor_ids]
        found = await self._query(number for number in numbers if number is not None)
        answers = [None if number is None else found.get(number) for number in numbers]
        return [whole_only(row) if isinstance(row, Conference) else row for row in answers]

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
        return [row.members or () if isinstance(row, Conference) else row for row in answers]

    async def read_live(self) -> LiveCounts:
        """Count those conferences of `conf_ids` that are going on, and the distinct addresses in all of them.

        Shape: as in `list_live`.
        Units: numbers of conferences and of addresses.
        Source: contracts.md 6.5
        """
        live = await self._current_live()
        if missing := live.left_out + sum(live.torn.values()):
            raise self.incomplete(ENDPOINT, missing)
        addresses = {address.address for conf in live.confs for address in conf.addresses}
        return LiveCounts(conference_count=len(live.confs), member_count=len(addresses))

    async def check(self) -> str:
        """Ask for the first of `conf_ids`, or for a conference that cannot be.

        Shape: as in `list_live`.
        Units: none.
        Source: contracts.md 5
        """
        await self._ask((self._settings.conf_ids or [0])[:1])
        return "the agent's session is alive"

    # ---- requests -----------------------------------------------------------------------------

    async def _current_live(self) -> wire.Running:
        """Those of `conf_ids` that go on, read once for all who list or count them at about the same time."""
        if not self._settings.conf_ids:
            raise self.unsupported("list of live conferences")
        return await self.share(ENDPOINT, self._read_live, SNAPSHOT_TTL_S, codec=RUNNING)

    async def _read_live(self) -> wire.Running:
        live = wire.Running([])
        for _, part in await self._read(self._settings.conf_ids):
            if isinstance(part, VendorError):
                raise part
            live = wire.Running(live.confs + part.confs, live.left_out + part.left_out, live.torn | part.torn)
        return live

    async def _query(self, conf_ids: Iterable[int]) -> dict[int, Conference | VendorError]:
        """What is known of some conferences; those of a batch that failed, or of which one cannot be read, fail."""
        found: dict[int, Conference | VendorError] = {}
        for batch, part in await self._read(conf_ids):
            if isinstance(part, VendorError):
                found |= dict.fromkeys(batch, part)
                continue
            if absent := self.absent_from(ENDPOINT, part.left_out):
                found |= dict.fromkeys(batch, absent)
            torn = part.torn
            found |= {conf.conf_id: to_conference(conf, self.source, torn.get(conf.conf_id, 0)) for conf in part.confs}
        return found

    async def _read(self, conf_ids: Iterable[int]) -> list[tuple[list[int], wire.Running | VendorError]]:
        """The answers about some conferences, batch by batch."""
        ids = list(dict.fromkeys(conf_ids))
        batches = [ids[start : start + self.page_size] for start in range(0, len(ids), self.page_size)]
        return list(zip(batches, await asyncio.gather(*map(self._read_batch, batches)), strict=True))

    async def _read_batch(self, batch: list[int]) -> wire.Running | VendorError:
        async with self._batches:
            try:
                confs = await self._ask(batch)
            except VendorError as error:
                return error
        wanted = list({conf.conf_id: conf for conf in confs if conf.conf_id in batch}.values())
        torn = {conf.conf_id: missing for conf in wanted if (missing := left_out(conf.addresses))}
        return wire.Running(wanted, left_out(confs), torn)

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
                await self.share("updateGuid", self._renew_guid, is_lasting=True)
        return self._guid

    async def _replace_guid(self, refused: str) -> bool:
        """Get a newer Guid than the one refused; False where there is none to be had."""
        if self._guid != refused:  # another request got one meanwhile
            return True
        if self._settings.guid_mode == "static":
            return self._reload_guid()
        await self.share("updateGuid", self._renew_guid, is_lasting=True)
        return True

    async def _renew_guid(self) -> None:
        """Renew the Guid. Shared, since one that is given up half-way would leave nobody with a Guid that is good."""
        sent = self._guid
        path = f"/agentgateway/resource/onlineagent/{self._settings.agent_id}/updateGuid"
        request = VendorRequest("updateGuid", path, method="PUT", headers=_headers(sent), retry=Retry.IF_UNDONE)
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

    # ---- replies ------------------------------------------------------------------------------

    def _to_confs(self, reply: VendorReply, sent: str) -> list[wire.Conf]:
        self._adopt_from(reply, sent)
        self._raise_refusal(reply)
        result = reply.decode_rows(wire.CONFS_ANSWER).result
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


def _headers(guid: str) -> dict[str, str]:
    return {"content-type": "application/json; charset=UTF-8", "Guid": guid}
