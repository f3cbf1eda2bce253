"""The seeded world: the same for the same arguments, made a day at a time, and lively around its anchor."""

import subprocess
import sys
import weakref
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

import pytest

from graph.sandbox.world import KEPT_CONFERENCES, LEAD, LONGEST, VENDORS, Fate, Phase, World, WorldConference

ANCHOR = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # a Friday noon in Beijing
QUIET = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)  # a Sunday before dawn there
LOCAL = timezone(timedelta(hours=8))
HALF_DAY = timedelta(hours=12)


@pytest.fixture(scope="module")
def world() -> World:
    return World(anchor=ANCHOR)


@pytest.fixture(scope="module")
def conferences(world: World) -> list[WorldConference]:
    return [conference for vendor in VENDORS for conference in world.all(vendor)]


def facts(world: World) -> list[object]:
    """All that a world is, as values."""
    found: list[object] = [world.people, world.mcus, world.agent, world.companies, world.departments]
    for vendor in VENDORS:
        found.append(world.rooms(vendor))
        for conference in world.all(vendor):
            values = vars(conference) | {"world": None}
            found += [values, conference.key, conference.attendances, conference.phone_legs]
    return found


def test_the_same_arguments_make_the_same_world() -> None:
    assert facts(World(3, 200, 10, ANCHOR)) == facts(World(3, 200, 10, ANCHOR))


def test_another_seed_makes_another_world() -> None:
    one, other = World(1, 200, 10, ANCHOR), World(2, 200, 10, ANCHOR)
    assert one.people != other.people
    assert {c.key for c in one.all("netease")}.isdisjoint(c.key for c in other.all("netease"))


def test_the_world_is_the_same_in_another_process() -> None:
    """Nothing hangs on the hash seed of a process."""
    code = (
        "from datetime import datetime, UTC; from graph.sandbox.world import World\n"
        "w = World(1, 100, 5, datetime(2026, 11, 20, 4, tzinfo=UTC))\n"
        "print([(c.key, [a.person.name for a in c.attendances]) for c in w.all('systec')])"
    )
    runs = {
        subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-X", "utf8", "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop()) > 1000


def test_the_anchor_is_now_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.clock.now", lambda: ANCHOR + timedelta(microseconds=9))
    assert World(conferences=0).anchor == ANCHOR


def test_looking_at_a_day_makes_no_other_day(world: World) -> None:
    """What a day holds does not hang on what was looked at before."""
    fresh = World(anchor=ANCHOR)
    midnight = datetime(2026, 11, 4, tzinfo=LOCAL)
    day = list(fresh.between("hexmeet", midnight, midnight + timedelta(days=1) - timedelta(seconds=1)))
    assert len(fresh._kept) == 1
    assert [c.serial for c in day] == [c.serial for c in world.all("hexmeet") if c.serial // 100_000 == 9804]
    assert "attendances" not in vars(day[0])


def test_totals_and_mix(world: World, conferences: list[WorldConference]) -> None:
    past = Counter(c.vendor for c in conferences if c.sort_time < world.anchor)
    assert sum(past.values()) == pytest.approx(3000, rel=0.05)
    for vendor, share in {"hexmeet": 0.35, "netease": 0.3, "systec": 0.25, "quanshi": 0.05, "huawei": 0.05}.items():
        assert past[vendor] / sum(past.values()) == pytest.approx(share, abs=0.02)
    rows = [len(c.attendances) for c in conferences]
    assert sum(rows) + sum(len(c.phone_legs) for c in conferences) == pytest.approx(20_000, rel=0.1)
    assert min(n for n, c in zip(rows, conferences, strict=True) if c.fate is Fate.HELD) == 1
    assert 30 <= max(rows) <= 60
    assert World(anchor=ANCHOR, conferences=0).live("hexmeet", ANCHOR) == []


def test_rows_ascend_and_ranges_are_half_open(world: World) -> None:
    for vendor in VENDORS:
        rows = list(world.all(vendor))
        places = [(c.sort_time, c.serial) for c in rows]
        assert places == sorted(set(places))
        start, end = rows[20].sort_time, rows[90].sort_time
        assert list(world.between(vendor, start, end)) == [c for c in rows if start <= c.sort_time < end]
        assert list(world.between(vendor, end, start)) == []
        assert list(world.between(vendor, ANCHOR - timedelta(days=999), ANCHOR + timedelta(days=999))) == rows


def test_rows_are_found_by_serial_and_key(world: World, conferences: list[WorldConference]) -> None:
    assert len({c.key for c in conferences}) == len(conferences)
    assert all(0 <= c.key < 1 << 64 for c in conferences)
    for conference in conferences[::7]:
        assert world.get(conference.vendor, conference.serial) is conference
        assert world.find(conference.key) is conference
    for serial in (-1, 0, 99_999, conferences[0].serial + 99_000, 10**15):
        assert world.get("hexmeet", serial) is None
    for key in (-1, 0, 1, conferences[0].key ^ 1, 1 << 64):
        assert world.find(key) is None


def test_weekends_are_quiet_and_some_days_empty(conferences: list[WorldConference], world: World) -> None:
    days = {world.anchor.astimezone(LOCAL).date() - timedelta(days=n) for n in range(1, 61)}
    for vendor in VENDORS:
        per_day = Counter(c.sort_time.astimezone(LOCAL).date() for c in conferences if c.vendor == vendor)
        assert any(day.weekday() < 5 and per_day[day] == 0 for day in days)
        workdays = sum(per_day[day] for day in days if day.weekday() < 5)
        assert workdays > 10 * sum(per_day[day] for day in days if day.weekday() >= 5)
    hours = Counter(c.sort_time.astimezone(LOCAL).hour for c in conferences)
    assert hours[10] > 5 * hours[3]


def test_starts_are_tied_within_and_across_vendors(conferences: list[WorldConference]) -> None:
    at = Counter(c.sort_time for c in conferences)
    within = Counter((c.vendor, c.sort_time) for c in conferences)
    assert sum(n > 1 for n in within.values()) > 30
    assert sum(n > len([v for v in VENDORS if within[v, time]]) > 1 for time, n in at.items()) > 10
    assert max(within.values()) >= 3
    assert (
        0.2 < sum(c.sort_time.second == 0 and c.sort_time.minute % 5 == 0 for c in conferences) / len(conferences) < 0.7
    )


def test_times_are_whole_utc_seconds_in_their_order(conferences: list[WorldConference]) -> None:
    for c in conferences:
        times = [t for t in (c.created, c.scheduled_start, c.scheduled_end, c.start, c.end, c.cancelled) if t]
        assert all(t.tzinfo is UTC and t.microsecond == 0 for t in times)
        assert c.created == min(times)
        assert (c.scheduled_start is None) == (c.scheduled_end is None)
        if c.scheduled_start and c.scheduled_end:
            assert c.scheduled_start < c.scheduled_end
        if c.start and c.end:
            assert c.start < c.end
            assert abs(c.start - (c.scheduled_start or c.start)) < timedelta(minutes=5)
        if c.cancelled and c.scheduled_start:
            assert c.cancelled < c.scheduled_start


def test_durations(conferences: list[WorldConference]) -> None:
    lengths = [(c.end - c.start).total_seconds() for c in conferences if c.start and c.end]
    usual = sum(600 <= length <= 7200 for length in lengths)
    assert usual > 0.9 * len(lengths)
    assert min(lengths) < 30
    assert len([length for length in lengths if length > 7200]) > 20
    longest = [(c.vendor, c.end - c.start) for c in conferences if c.start and c.end and c.end - c.start > HALF_DAY]
    assert longest == [("hexmeet", timedelta(hours=24, minutes=8))]


def test_no_conference_exceeds_the_bounds_that_twins_search_by(conferences: list[WorldConference]) -> None:
    """Nor are they so wide that they say nothing."""
    lasted = [c.end - c.start for c in conferences if c.start and c.end]
    leads = [c.sort_time - c.created for c in conferences]
    assert LONGEST / 2 < max(lasted) <= LONGEST
    assert LEAD / 2 < max(leads) <= LEAD


def test_only_netease_has_fates(conferences: list[WorldConference]) -> None:
    fates = Counter((c.vendor, c.fate) for c in conferences)
    assert {vendor for vendor, fate in fates if fate is not Fate.HELD} == {"netease"}
    assert fates["netease", Fate.CANCELLED] > 30
    assert fates["netease", Fate.UNUSED] > 30
    for c in conferences:
        assert (c.cancelled is not None) == (c.fate is Fate.CANCELLED)
        assert (c.start is not None) == (c.end is not None) == (c.fate is Fate.HELD)
        assert c.start is not None or (c.attendances, c.phone_legs) == ((), ())
    kinds = Counter(c.scheduled_start is None for c in conferences if c.vendor == "netease" and c.start)
    assert min(kinds[True], kinds[False]) > 200


def test_attendances(conferences: list[WorldConference]) -> None:
    """Rejoins do not overlap, nobody is at HexMeet outside the conference, and the host is always there."""
    rejoins, namesakes, lobby = 0, 0, 0
    for c in conferences:
        if c.start is None or c.end is None:
            continue
        rows = c.attendances
        assert [a.ordinal for a in rows] == list(range(len(rows)))
        assert [a.join for a in rows] == sorted(a.join for a in rows)
        assert all(a.join < a.leave <= c.end for a in rows)
        early = [a for a in rows if a.join < c.start]
        assert not early or c.vendor in ("netease", "systec")
        lobby += len(early)
        people = Counter(a.person.account_id for a in rows)
        assert len(people) <= min(40, c.room.capacity)
        rejoins += sum(n > 1 for n in people.values())
        names = Counter((a.person.name, a.join) for a in rows)
        namesakes += sum(n > 1 for n in names.values())
        for account in people:
            spans = [a for a in rows if a.person.account_id == account]
            assert all(before.leave < after.join for before, after in pairwise(spans))
            assert len({a.client for a in spans}) == 1
        assert [(a.join, a.leave) for a in rows if a.is_chair] == [(c.start, c.end)]
    assert rejoins > 500
    assert namesakes > 10
    assert lobby > 300


def test_phone_legs(conferences: list[WorldConference]) -> None:
    with_legs = [c for c in conferences if c.phone_legs]
    systec = [c for c in conferences if c.vendor == "systec"]
    assert {c.vendor for c in with_legs} == {"systec"}
    assert 0.2 < len(with_legs) / len(systec) < 0.4
    assert {len(c.phone_legs) for c in with_legs} == {1, 2, 3}
    assert any(len({(leg.number, leg.start) for leg in c.phone_legs}) < len(c.phone_legs) for c in with_legs)
    for c in with_legs:
        assert [leg.ordinal for leg in c.phone_legs] == list(range(len(c.phone_legs)))
        for leg in c.phone_legs:
            minutes, rest = divmod((leg.end - leg.start).total_seconds(), 60)
            assert minutes >= 1
            assert rest == 0
            assert leg.fen % minutes == 0
            assert c.start
            assert c.end
            assert c.start <= leg.start < leg.end <= c.end


def test_people_and_rooms_are_made_up(world: World) -> None:
    assert len(world.people) == 300
    assert len({p.account_id for p in world.people}) == len({p.agent_id for p in world.people}) == 300
    assert len({p.name for p in world.people}) == 288
    assert any(p.name.isascii() for p in world.people)
    assert any(p.province is None for p in world.people)
    for person in world.people:
        assert person.phone.startswith("+861000000")
        assert person.email.endswith("@example.com")
        assert person.ip.startswith(("192.0.2.", "198.51.100."))
    for vendor in VENDORS:
        rooms = world.rooms(vendor)
        assert len({r.id for r in rooms}) == len({r.host_id for r in rooms}) == 20
        assert len({r.name for r in rooms}) == 19
        assert {r.capacity for r in rooms} == {10, 20, 50, 100, 200}
    assert Counter(m.kind for m in world.mcus) == {"MRU": 3, "GATEWAY": 1}


def test_numbers_belong_to_rooms(conferences: list[WorldConference]) -> None:
    pairs = {(c.number, c.room.id) for c in conferences}
    assert len(pairs) == len({number for number, _ in pairs})
    assert all(len(number) == 11 and number.isdecimal() for number, _ in pairs)


@pytest.mark.parametrize("anchor", [ANCHOR, QUIET])
@pytest.mark.parametrize(("conferences", "days"), [(3000, 60), (20, 1)])
def test_much_goes_on_at_the_anchor(anchor: datetime, conferences: int, days: int) -> None:
    """At any hour there are live conferences that stay, live ones that end soon, and others that come and go."""
    world = World(conferences=conferences, days=days, anchor=anchor)
    for vendor in VENDORS:
        live = world.live(vendor, anchor)
        assert len(live) >= 6
        later = world.live(vendor, anchor + timedelta(hours=2))
        assert len([c for c in live if c in later]) >= 3
        soon = world.live(vendor, anchor + timedelta(minutes=20))
        assert any(c not in soon for c in live)
        coming = world.between(vendor, anchor + timedelta(seconds=1), anchor + timedelta(minutes=11))
        assert any(c.end and c.end < anchor + timedelta(minutes=15) for c in coming)


def test_a_bigger_world_has_more_than_a_page_of_quanshi_live() -> None:
    assert len(World(conferences=30_000, anchor=ANCHOR).live("quanshi", ANCHOR)) > 50


def test_there_is_a_day_of_future(world: World) -> None:
    phases: Counter[Phase] = Counter()
    for vendor in VENDORS:
        coming = list(world.between(vendor, ANCHOR + timedelta(seconds=1), ANCHOR + timedelta(days=1)))
        assert sum(c.start is not None for c in coming) >= 5
        phases.update(c.phase(ANCHOR) for c in coming)
    assert phases[Phase.SCHEDULED] > 10
    assert phases[Phase.UNBORN] > 10
    assert list(world.between("netease", ANCHOR + timedelta(hours=48), ANCHOR + timedelta(days=9))) == []


def test_phases_follow_time(conferences: list[WorldConference]) -> None:
    second = timedelta(seconds=1)
    held = next(c for c in conferences if c.scheduled_start and c.start and c.end)
    assert held.start
    assert held.end
    steps = [(held.created, Phase.SCHEDULED), (held.start, Phase.LIVE), (held.end, Phase.ENDED)]
    assert held.phase(held.created - second) is Phase.UNBORN
    for (at, phase), (until, _) in pairwise([*steps, (held.end + timedelta(days=9), Phase.ENDED)]):
        assert (held.phase(at), held.phase(until - second)) == (phase, phase)
    cancelled = next(c for c in conferences if c.cancelled)
    assert cancelled.cancelled
    assert cancelled.phase(cancelled.cancelled - second) in (Phase.SCHEDULED, Phase.UNBORN)
    assert cancelled.phase(cancelled.cancelled) is Phase.CANCELLED
    unused = next(c for c in conferences if c.fate is Fate.UNUSED)
    assert unused.scheduled_end
    assert unused.phase(unused.scheduled_end - second) is Phase.SCHEDULED
    assert unused.phase(unused.scheduled_end) is Phase.UNUSED


def test_a_start_to_come_is_not_known_yet(conferences: list[WorldConference]) -> None:
    late = next(c for c in conferences if c.start and c.scheduled_start and c.start > c.scheduled_start)
    assert late.start
    assert late.sort_time == late.sort_time_at(late.start) == late.start
    assert late.sort_time_at(late.start - timedelta(seconds=1)) == late.scheduled_start


def test_memory_is_bounded_in_a_big_world() -> None:
    """A walk over days of a world of 200,000 keeps no more conferences than it may."""
    world = World(conferences=200_000, days=10, anchor=ANCHOR)
    assert sum(len(c.attendances) for c in islice(world.all("quanshi"), 100)) > 500
    walked = [weakref.ref(c) for c in islice(world.all("hexmeet"), 65_000)]
    kept = sum(ref() is not None for ref in walked)
    assert world._kept_count == sum(map(len, world._kept.values())) <= KEPT_CONFERENCES
    assert 0 < kept <= KEPT_CONFERENCES
    assert len(walked) == 65_000


@pytest.mark.parametrize(("conferences", "days"), [(-1, 5), (5, 0), (1_000_000, 5)])
def test_impossible_worlds_are_refused(conferences: int, days: int) -> None:
    with pytest.raises(ValueError, match="day"):
        World(conferences=conferences, days=days)
