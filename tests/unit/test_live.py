"""What goes on is watched once for all who subscribe, and told to each as far as it can keep up."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from clocks import Pauses
from holding import until
from schema.fakes import NOW
from watchers import Figures, Watched, event, hub_of, live, polled, told

from graph import clock
from graph.errors import VendorThrottledError
from graph.live import LEAST_S, MOST_AFTER_FAILURES_S, MOST_S, Subscription
from graph.records import ConferenceState, Person
from graph.transport.deadline import start_deadline, within_deadline
from graph.transport.meter import count_request, start_meter

pytestmark = pytest.mark.anyio


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Pauses(monkeypatch)


async def rest(news: Subscription) -> list[object]:
    """Whatever is still told."""
    return [it async for it in news]


# ---- what is told -----------------------------------------------------------------------------------


async def test_what_begins_changes_and_ends_is_told_in_turn(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            assert await told(news) == ["STARTED 1"]
            alpha.conferences.append(live("2"))
            await polled(pauses)
            alpha.conferences[0] = live("1", title="another")
            await polled(pauses)
            del alpha.conferences[0]
            await polled(pauses)
            assert await told(news, 2) == ["STARTED 2", "ENDED 1"]


@pytest.mark.parametrize("change", [{"host": Person(name="another")}, {"member_count": 9}, {"members": ()}])
async def test_any_change_that_a_client_can_see_is_told(pauses: Pauses, change: dict[str, Any]) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news)
            alpha.conferences = [live("1", **change)]
            await polled(pauses)
            changed = await event(news)
            assert (changed.kind.name, changed.conference) == ("CHANGED", alpha.conferences[0])


async def test_what_grows_by_itself_is_no_news_but_is_told_along(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news)
            for minutes in (1, 2):
                alpha.conferences = [live("1", vendor_fields=Figures(minutes=minutes))]
                await polled(pauses)
            with hub.subscribe([alpha.watched]) as later:
                assert (await event(later)).conference.vendor_fields == Figures(minutes=2)
            alpha.conferences = [live("1", vendor_fields=Figures(minutes=3, seats=4))]
            await polled(pauses)
            changed = await event(news)
            assert (changed.conference.vendor_fields, news.spared) == (Figures(minutes=3, seats=4), 0)


async def test_an_event_tells_when_its_poll_began(pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            assert (await event(news)).at == NOW
            await pauses.begun()
            monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=2))
            alpha.conferences.clear()
            await polled(pauses)
            assert (await event(news)).at == NOW + timedelta(seconds=2)


async def test_what_ended_is_told_as_the_vendor_knows_it_and_else_as_it_was_seen(pauses: Pauses) -> None:
    """What only the list told of it stays."""
    alpha = Watched(conferences=[live("1", host=Person(name="boss")), live("2", title="last seen")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            seen = [(await event(news)).conference for _ in range(2)]
            ended = msgspec.structs.replace(seen[0], state=ConferenceState.ENDED, ended_at=NOW, host=None)
            alpha.conferences, alpha.past = [], [ended]
            await polled(pauses)
            assert (await event(news)).conference == msgspec.structs.replace(ended, host=Person(name="boss"))
            assert (await event(news)).conference == seen[1]


async def test_what_is_not_listed_but_found_to_go_on_has_not_ended(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1"), live("2")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news, 2)
            alpha.past = [alpha.conferences.pop(0)]
            await polled(pauses, 2)
            alpha.past = []
            alpha.conferences.clear()
            await polled(pauses)
            assert await told(news, 2) == ["ENDED 2", "ENDED 1"]
            assert news.spared == 0


async def test_a_row_that_could_not_be_read_has_not_ended(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1"), live("2")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news, 2)
            kept = alpha.conferences.pop(0)
            alpha.left_out = 1
            await polled(pauses)
            alpha.conferences, alpha.left_out = [kept], 0
            await polled(pauses)
            assert await told(news) == ["ENDED 2"]
            assert news.spared == 0


# ---- a source that fails ----------------------------------------------------------------------------


async def test_a_failing_source_ends_nothing_and_tells_so_once(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news)
            await pauses.begun()
            alpha.is_down = True
            await polled(pauses, 3)
            assert await told(news) == ["down"]
            with hub.subscribe([alpha.watched]) as later:
                assert await told(later, 2) == ["STARTED 1", "down"]
            alpha.is_down = False
            await polled(pauses)
            alpha.is_down = True
            await polled(pauses)
            assert await told(news) == ["down"]
            alpha.is_down = False
            alpha.conferences.clear()
            await polled(pauses)
            assert await told(news) == ["ENDED 1"]


async def test_an_outage_that_is_over_is_not_told_any_more(pauses: Pauses) -> None:
    alpha = Watched()
    alpha.is_down = True
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await pauses.begun()
            alpha.is_down = False
            alpha.conferences.append(live("1"))
            await polled(pauses)
            assert await told(news) == ["STARTED 1"]


async def test_a_fault_of_ours_ends_the_subscription_and_the_next_one_begins_anew(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news)
            await pauses.begun()
            row, alpha.conferences[0] = alpha.conferences[0], "no row"  # type: ignore[call-overload]  # that is the fault
            await pauses.end()
            await until(lambda: news._fault is not None)
            alpha.conferences[0] = row
            with hub.subscribe([alpha.watched]) as other:  # though the first has yet to learn of it
                assert await told(other) == ["STARTED 1"]
                with pytest.raises(AttributeError):
                    await told(news)
                alpha.conferences.clear()
                await polled(pauses)
                assert await told(other) == ["ENDED 1"]


# ---- one loop, at a pace ----------------------------------------------------------------------------


async def test_fifty_subscribers_cost_one_loop_which_ends_with_the_last(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub, asyncio.timeout(10):
        with contextlib.ExitStack() as stack:
            everybody = [stack.enter_context(hub.subscribe([alpha.watched])) for _ in range(50)]
            assert await asyncio.gather(*map(told, everybody)) == [["STARTED 1"]] * 50
            alpha.conferences.append(live("2"))
            await polled(pauses)
            assert await asyncio.gather(*map(told, everybody)) == [["STARTED 2"]] * 50
            assert alpha.polls == 2
        await until(lambda: not pauses.count)
        assert alpha.polls == 2
        with hub.subscribe([alpha.watched]) as news:
            assert await told(news, 2) == ["STARTED 1", "STARTED 2"]
        assert alpha.polls == 3


async def test_polls_come_slowly_where_nothing_happens_and_fast_where_something_does(pauses: Pauses) -> None:
    alpha = Watched()
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]):
            await pauses.begun()
            await polled(pauses, 6)
            assert pauses.lengths == sorted(pauses.lengths)
            assert (pauses.lengths[0] < MOST_S, pauses.lengths[-1]) == (True, MOST_S)
            alpha.conferences.append(live("1"))
            await polled(pauses)
            assert pauses.lengths[-1] == LEAST_S


async def test_a_failing_source_is_left_alone_for_longer_and_longer(pauses: Pauses) -> None:
    alpha = Watched()
    alpha.is_down = True
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]):
            await pauses.begun()
            await polled(pauses, 6)
            assert pauses.lengths == [4, 8, 16, 32, 60, 60, 60]
            assert max(pauses.lengths) == MOST_AFTER_FAILURES_S


async def test_a_source_that_says_when_to_come_back_is_left_alone_until_then(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def throttled(*_: object) -> None:
        raise VendorThrottledError("Too often.", source="alpha", endpoint="live", retry_after_s=21.0)

    alpha = Watched()
    monkeypatch.setattr(alpha, "list_live", throttled)
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]):
            await pauses.begun()
            assert pauses.lengths == [21.0]


async def test_a_poll_has_its_own_time_and_is_charged_to_nobody(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []
    alpha = Watched()
    listed = alpha.list_live

    async def noting(*asked: object) -> object:
        left.append(within_deadline(10**6))
        count_request("alpha")
        return await listed(*asked)  # type: ignore[arg-type]  # passed on as it is

    monkeypatch.setattr(alpha, "list_live", noting)
    start_deadline(0.0)
    counted = start_meter()
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]):
            await pauses.begun()
    assert 0.5 * alpha.settings.timeout_s < left[0] <= alpha.settings.timeout_s
    assert counted == {}


# ---- slow subscribers -------------------------------------------------------------------------------


async def test_a_slow_subscriber_is_told_what_it_comes_to_and_how_much_it_was_spared(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1"), live("2"), live("3")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news, 3)
            alpha.conferences = [live("1", title="a"), live("2", title="a"), live("4")]
            await polled(pauses)  # 3 ends, 4 begins
            alpha.conferences = [live("1", title="b"), live("3"), live("5")]
            await polled(pauses)  # 2 and 4 end, 3 begins again
            alpha.conferences = [live("1", title="c"), live("3"), live("5", title="c")]
            await polled(pauses)
            newest = [await event(news) for _ in range(4)]
            assert {(it.kind.name, it.conference.vendor_id, it.conference.title) for it in newest} == {
                ("CHANGED", "1", "c"),
                ("ENDED", "2", "a"),
                ("CHANGED", "3", None),
                ("STARTED", "5", "c"),
            }


async def test_who_was_spared_events_is_told_how_many(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            await told(news)
            for title in "abc":
                alpha.conferences = [live("1", title=title)]
                await polled(pauses)
            assert ((await event(news)).conference.title, news.spared) == ("c", 2)
            alpha.conferences = [live("1", title="d")]
            await polled(pauses)
            assert ((await event(news)).conference.title, news.spared) == ("d", 0)


async def test_what_waits_for_a_subscriber_that_never_reads_is_bounded(pauses: Pauses) -> None:
    alpha = Watched()
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]) as news:
            for number in range(100):
                alpha.conferences = [live(str(number))]
                await polled(pauses)
            alpha.conferences = [live("last")]
            await polled(pauses)
            assert await told(news) == ["STARTED last"]
            assert news.spared == 200


async def test_a_fast_subscriber_does_not_wait_for_a_slow_one(pauses: Pauses) -> None:
    alpha = Watched()
    async with hub_of(alpha) as hub:
        with hub.subscribe([alpha.watched]), hub.subscribe([alpha.watched]) as fast:
            for number in range(5):
                alpha.conferences.append(live(str(number)))
                await polled(pauses)
                assert await told(fast) == [f"STARTED {number}"]


# ---- the end ----------------------------------------------------------------------------------------


async def test_closing_ends_every_subscription_and_all_polls(pauses: Pauses) -> None:
    alpha = Watched(conferences=[live("1")])
    async with hub_of(alpha) as hub, asyncio.timeout(10):
        with hub.subscribe([alpha.watched]) as news, hub.subscribe([alpha.watched]) as other:
            await told(news)
            waiting = asyncio.create_task(rest(news))
            await pauses.begun()
            await hub.aclose()
            assert [await waiting, await rest(other)] == [[], []]
            assert not pauses.count
        with hub.subscribe([alpha.watched]) as late:
            assert await rest(late) == []
        assert alpha.polls == 1
