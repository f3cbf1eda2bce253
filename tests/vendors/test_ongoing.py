"""What goes on at the emulators while their world moves, past midnight, as a subscriber is told it over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from accounts import netease
from clocks import Pauses
from conftest import sample
from faulty import answers, passes
from holding import until
from mirrors import VIEWS, Mirror, mirror
from recorder import Recorder

from graph import clock
from graph.errors import UnsupportedError, VendorError
from graph.live import CHANGED, ENDED, STARTED, LiveHub, Subscription
from graph.records import Capability, Conference, ConferenceState, LiveConferenceEvent, Person
from graph.sandbox.world import World
from graph.vendors.base import Extras
from graph.vendors.netease.ongoing import ONGOING, read_ongoing

pytestmark = pytest.mark.anyio

ANCHOR = datetime(2026, 3, 4, 15, 40, tzinfo=UTC)  # 23:40 in Shanghai
WORLD = World(seed=5, conferences=900, days=4, anchor=ANCHOR)
STEP = timedelta(minutes=5)
STEPS = 10
SETTINGS: dict[str, dict[str, Any]] = {"quanshi": {}, "huawei": {}, "netease": {"live_from_list": True}}


class Account:
    """What a subscriber that keeps account knows.

    Attributes:
        live: What goes on, by id.
        kinds: The kinds of the events it was told.
        ended: What has ended, as it was told.
        outages: How often it was told of one.
    """

    def __init__(self) -> None:
        self.live: dict[str, Conference] = {}
        self.kinds: list[object] = []
        self.ended: list[Conference] = []
        self.outages = 0

    async def keep(self, subscription: Subscription) -> None:
        """Take note of all that is told."""
        async for news in subscription:
            if isinstance(news, LiveConferenceEvent):
                self._note(news)
            else:
                self.outages += 1

    def _note(self, event: LiveConferenceEvent) -> None:
        row = event.conference
        self.kinds.append(event.kind)
        assert (row.vendor_id in self.live) == (event.kind is not STARTED)
        if event.kind is ENDED:
            del self.live[row.vendor_id]
            self.ended.append(row)
        else:
            assert self.live.get(row.vendor_id) != row
            self.live[row.vendor_id] = row


class Stage:
    """One source whose world moves when the test says so, and somebody who keeps account of it."""

    def __init__(self, source: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source = source
        self.account = Account()
        self.now = ANCHOR
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(clock, "monotonic", lambda: self.now.timestamp())  # noqa: PLW0108 - it changes
        self._pauses = Pauses(monkeypatch)

    async def move(self) -> None:
        """Let some minutes pass, and a poll happen."""
        await self._pauses.begun()
        self.now += STEP
        await self._pauses.over()

    def goes_on(self) -> set[str]:
        """What does, by the world; as far as the source lists it."""
        vendor = self.source.source.name
        ids = {VIEWS[vendor].vendor_id(it) for it in WORLD.live(vendor, self.now)}
        listed = getattr(self.source.source.settings, "conf_ids", None)
        return ids if listed is None else ids & {str(it) for it in listed}

    async def knows_all(self) -> None:
        """Wait until the account is right."""
        await until(lambda: set(self.account.live) == self.goes_on())


@contextlib.asynccontextmanager
async def staged(vendor: str, monkeypatch: pytest.MonkeyPatch, subscribers: int = 1) -> AsyncIterator[Stage]:
    """A stage of one vendor, and so many who subscribe to it."""
    async with mirror(vendor, world=WORLD, **SETTINGS[vendor]) as source:
        stage, hub = Stage(source, monkeypatch), LiveHub()
        with contextlib.ExitStack() as stack:
            subscription, *_ = [stack.enter_context(hub.subscribe([source.source])) for _ in range(subscribers)]
            keeping = asyncio.create_task(stage.account.keep(subscription))
            try:
                await stage.knows_all()
                yield stage
            finally:
                await hub.aclose()
                await keeping


@pytest.mark.parametrize("vendor", SETTINGS)
async def test_whoever_keeps_account_of_events_knows_what_goes_on(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(vendor, monkeypatch) as stage:
        for _ in range(STEPS):
            await stage.move()
            await stage.knows_all()
        assert {STARTED, ENDED} <= set(stage.account.kinds)
        assert stage.account.outages == 0
        asked = await stage.source.adapter.list_live(Extras())
        assert {row.vendor_id: _people(row) for row in asked} == {
            name: _people(row) for name, row in stage.account.live.items()
        }


@pytest.mark.parametrize("vendor", SETTINGS)
async def test_time_alone_changes_nothing_and_people_who_come_do(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many changes as lists differ in anything but how long conferences have lasted."""
    async with staged(vendor, monkeypatch) as stage:
        changes = 0
        for _ in range(STEPS):
            before = dict(stage.account.live)
            await stage.move()
            await stage.knows_all()
            now = {row.vendor_id: row for row in await stage.source.adapter.list_live(Extras())}
            both = before.keys() & now.keys()
            changes += sum(_people(before[name]) != _people(now[name]) for name in both)
            await until(lambda: stage.account.kinds.count(CHANGED) >= changes)  # noqa: B023 - waited for at once
        assert stage.account.kinds.count(CHANGED) == changes
        assert changes > 0


def _people(row: Conference) -> object:
    """All of a conference that changes in this world but for its length."""
    return row.state, row.member_count, row.host, row.members, _counts(row)


def _counts(row: Conference) -> dict[str, object]:
    fields = row.vendor_fields
    return {name: getattr(fields, name) for name in fields.__struct_fields__ if name.endswith(("_count", "_state"))}


async def test_an_ended_meeting_is_told_as_its_detail_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the host that only the list told."""
    async with staged("netease", monkeypatch) as stage:
        hosts: dict[str, Person | None] = {}
        for _ in range(STEPS):
            hosts |= {name: row.host for name, row in stage.account.live.items()}
            await stage.move()
            await stage.knows_all()
        assert stage.account.ended
        for row in stage.account.ended:
            assert (row.state, row.host) == (ConferenceState.ENDED, hosts[row.vendor_id])
            assert row.ended_at is not None
            assert row.duration_seconds is not None


@pytest.mark.parametrize("vendor", SETTINGS)
async def test_an_outage_ends_nothing(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(vendor, monkeypatch) as stage:
        known = len(stage.account.kinds)
        stage.source.faulty.fault = answers(b"", 503)
        for _ in range(3):
            await stage.move()
        await until(lambda: stage.account.outages == 1)
        assert len(stage.account.kinds) == known
        stage.source.faulty.fault = passes
        await stage.move()
        await stage.knows_all()
        assert stage.account.outages == 1


@pytest.mark.parametrize("vendor", SETTINGS)
async def test_fifty_subscribers_cost_the_vendor_as_much_as_one(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = []
    for subscribers in (1, 50):
        async with staged(vendor, monkeypatch, subscribers=subscribers) as stage:
            for _ in range(4):
                await stage.move()
                await stage.knows_all()
            spent.append(stage.source.faulty.requests)
    assert spent[0] == spent[1] >= 5


# ---- a list that only tells what goes on if it is so configured -------------------------------------


async def test_todays_list_is_read_for_status_2_as_far_back_as_a_meeting_may_have_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vendor = Recorder(sample("netease-list"))
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    async with netease(vendor, live_from_list=True, max_conference_hours=10) as adapter:
        assert Capability.LIST_LIVE_CONFERENCES in adapter.capabilities
        assert await adapter.list_live(Extras()) == ()  # none of the documented ones goes on
    body = vendor.asked[0].json
    assert body["status"] == "2"
    assert body["startTime"] == (ANCHOR - timedelta(hours=10)).timestamp() * 1000
    assert 0 <= body["endTime"] - datetime(2026, 3, 4, 16, tzinfo=UTC).timestamp() * 1000 < 1000  # Shanghai's midnight


async def test_what_goes_on_is_written_for_other_replicas_as_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: ANCHOR)
    async with mirror("netease", world=WORLD) as source:
        read = await read_ongoing(source.adapter)
        written = ONGOING.encode(read)
    assert written
    assert len(read.rows) == len(WORLD.live("netease", ANCHOR)) > 0
    assert ONGOING.decode(written) == msgspec.structs.replace(read, keys=[() for _ in read.rows])


async def test_without_the_setting_the_list_is_not_read_so() -> None:
    vendor = Recorder(sample("netease-list"))
    async with netease(vendor) as adapter:
        assert Capability.LIST_LIVE_CONFERENCES not in adapter.capabilities
        with pytest.raises(UnsupportedError) as caught:
            await adapter.list_live(Extras())
        assert isinstance(caught.value, VendorError)
    assert vendor.asked == []
