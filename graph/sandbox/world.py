"""The seeded world behind the emulators: what truly happened, whatever a vendor's format makes of it.

The world lies around its anchor: `days` of past, some conferences going on, and a day of future, so that
things begin and end while a sandbox runs. It is generated a day at a time from the seed and never kept whole:
a million conferences cost no more memory than the days being looked at.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from operator import attrgetter
from random import Random

from graph import clock
from graph.sandbox import names
from graph.sandbox.attendance import make_attendances, make_phone_legs
from graph.sandbox.model import (
    VENDORS,
    Fate,
    Phase,
    WorldAttendance,
    WorldConference,
    WorldMcu,
    WorldOrganization,
    WorldPerson,
    WorldPhoneLeg,
    WorldRoom,
)
from graph.sandbox.population import find_namesakes, make_mcus, make_organizations, make_people, make_rooms
from graph.sandbox.schedule import SHARES, around_anchor, day_counts, draw_duration, draw_starts

__all__ = [
    "LEAD",
    "LONGEST",
    "MOST_CONFERENCES",
    "VENDORS",
    "Fate",
    "Phase",
    "World",
    "WorldAttendance",
    "WorldConference",
    "WorldMcu",
    "WorldOrganization",
    "WorldPerson",
    "WorldPhoneLeg",
    "WorldRoom",
]

LOCAL = timezone(timedelta(hours=8))  # where the days of the world lie
EPOCH = date(2000, 1, 1)
DAYS = 60
PER_DAY = 100_000  # a serial is the day's number, then the place in the day
MOST_CONFERENCES = DAYS * PER_DAY  # of a world of so many days
KEPT_CONFERENCES = 60_000  # of the days looked at last
LONGEST = timedelta(hours=25)  # no conference lasts longer
LEAD = timedelta(days=4)  # none is booked longer before its start
BOOKED = {"hexmeet": 0.3, "netease": 0.55, "systec": 1.0, "quanshi": 0.6, "huawei": 1.0}
MASK = (1 << 64) - 1
FACTORS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)  # odd, so that they can be undone
INVERSES = tuple(pow(factor, -1, 1 << 64) for factor in FACTORS)
_sort_time = attrgetter("sort_time")


class World:
    """What happened at all vendors. The same arguments make the same world.

    Attributes:
        seed: Another seed is another world.
        days: How many days of past there are before the day of the anchor.
        anchor: The instant around which things are going on; by default now.
        agent, companies, departments, people, mcus: Who and what takes part; `companies[0]` holds the accounts.
    """

    def __init__(
        self, seed: int = 1, conferences: int = 3000, days: int = DAYS, anchor: datetime | None = None
    ) -> None:
        if conferences < 0 or days < 1:
            raise ValueError("a world has at least no conferences and one day")
        if conferences > days * PER_DAY:
            raise ValueError(f"a day has room for {PER_DAY} conferences")
        self.seed = seed
        self.days = days
        self.anchor = (anchor or clock.now()).astimezone(UTC).replace(microsecond=0)
        rng = Random(f"{seed} people")
        self.agent = make_organizations([names.AGENT], 101_000, rng)[0]
        self.companies = make_organizations(names.COMPANIES, 31_310_000, rng)
        self.departments = make_organizations(names.DEPARTMENTS, 33_930_000, rng)
        self.people: tuple[WorldPerson, ...] = make_people(self.departments, rng)
        self.mcus: tuple[WorldMcu, ...] = make_mcus()
        self._namesakes = find_namesakes(self.people)
        self._rooms = {vendor: make_rooms(rng) for vendor in VENDORS}
        self._first = self.anchor.astimezone(LOCAL).date() - timedelta(days=days)
        dates = [self._first + timedelta(days=i) for i in range(days + 2)]
        self._counts = {
            vendor: day_counts(seed, vendor, dates, days, conferences * share) for vendor, share in SHARES.items()
        }
        self._specials = {
            vendor: around_anchor(seed, vendor, self.anchor, days, conferences) if conferences else []
            for vendor in VENDORS
        }
        self._salt = rng.getrandbits(64)
        self._kept: OrderedDict[tuple[str, int], tuple[WorldConference, ...]] = OrderedDict()
        self._kept_count = 0

    def __repr__(self) -> str:
        return f"World(seed={self.seed}, days={self.days}, anchor={self.anchor.isoformat()})"

    # ---- looking ------------------------------------------------------------------------------

    def rooms(self, vendor: str) -> tuple[WorldRoom, ...]:
        """The rooms of a vendor."""
        return self._rooms[vendor]

    def all(self, vendor: str) -> Iterator[WorldConference]:
        """Every conference of a vendor, ascending by sort time, then serial."""
        for index in range(self.days + 2):
            yield from self._day(vendor, index)

    def between(self, vendor: str, start: datetime, end: datetime) -> Iterator[WorldConference]:
        """The conferences with start <= sort time < end, ascending by sort time, then serial."""
        first = max(0, self._index(start))
        last = min(self.days + 1, self._index(end))
        for index in range(first, last + 1):
            day = self._day(vendor, index)
            yield from day[bisect_left(day, start, key=_sort_time) : bisect_left(day, end, key=_sort_time)]

    def live(self, vendor: str, now: datetime) -> list[WorldConference]:
        """The conferences going on at an instant, ascending."""
        begun = self.between(vendor, now - LONGEST, now + timedelta(seconds=1))
        return [conference for conference in begun if conference.phase(now) is Phase.LIVE]

    def get(self, vendor: str, serial: int) -> WorldConference | None:
        """The conference with a serial."""
        number, ordinal = divmod(serial, PER_DAY)
        index = number - (self._first - EPOCH).days
        if not 0 <= index < self.days + 2:
            return None
        day = self._day(vendor, index)
        return day[ordinal] if ordinal < len(day) else None

    def find(self, key: int) -> WorldConference | None:
        """The conference with a key, of whatever vendor."""
        if not 0 <= key <= MASK:
            return None
        mixed = key * INVERSES[1] & MASK
        mixed = ((mixed ^ mixed >> 32) * INVERSES[0] & MASK) ^ self._salt
        place, serial = mixed >> 48, mixed & (1 << 48) - 1
        return self.get(VENDORS[place], serial) if place < len(VENDORS) else None

    # ---- what a conference asks of its world --------------------------------------------------

    def key_of(self, vendor: str, serial: int) -> int:
        """64 well mixed bits that can be undone."""
        mixed = ((VENDORS.index(vendor) << 48 | serial) ^ self._salt) * FACTORS[0] & MASK
        return (mixed ^ mixed >> 32) * FACTORS[1] & MASK

    def attendances_of(self, conference: WorldConference) -> tuple[WorldAttendance, ...]:
        """Who was in a conference: `conference.attendances` keeps the answer."""
        return make_attendances(conference, self.people, self._namesakes, self.mcus)

    def phone_legs_of(self, conference: WorldConference) -> tuple[WorldPhoneLeg, ...]:
        """Whom a conference dialled: `conference.phone_legs` keeps the answer."""
        return make_phone_legs(conference, self.people)

    # ---- a day at a time ----------------------------------------------------------------------

    def _index(self, instant: datetime) -> int:
        """The day of an instant, counted from the first of the world."""
        return (instant.astimezone(LOCAL).date() - self._first).days

    def _day(self, vendor: str, index: int) -> tuple[WorldConference, ...]:
        """The conferences of a day, out of memory where it was looked at lately."""
        place = (vendor, index)
        day = self._kept.get(place)
        if day is not None:
            self._kept.move_to_end(place)
            return day
        day = self._kept[place] = tuple(self._generate(vendor, index))
        self._kept_count += len(day)
        while self._kept_count > KEPT_CONFERENCES and len(self._kept) > 1:
            self._kept_count -= len(self._kept.popitem(last=False)[1])
        return day

    def _generate(self, vendor: str, index: int) -> Iterator[WorldConference]:
        """Make the conferences of a day, ascending."""
        day = self._first + timedelta(days=index)
        midnight = datetime(day.year, day.month, day.day, tzinfo=LOCAL).astimezone(UTC)
        rng = Random(f"{self.seed} day {vendor} {day}")
        plan: list[tuple[int, int | None]] = [(s, None) for s in draw_starts(rng, self._counts[vendor][index])]
        for start, lasts in self._specials[vendor]:
            if self._index(start) == index:
                plan.append((int((start - midnight).total_seconds()), lasts))
        plan.sort(key=lambda entry: entry[0])
        serial = (day - EPOCH).days * PER_DAY
        for ordinal, (second, duration) in enumerate(plan):
            yield self._conference(vendor, serial + ordinal, midnight + timedelta(seconds=second), duration, rng)

    def _conference(self, vendor: str, serial: int, at: datetime, lasts: int | None, rng: Random) -> WorldConference:
        """Make one conference with a sort time; `lasts` is given for those that have to be held."""
        r = rng.random
        rooms, people = self._rooms[vendor], self.people
        room = rooms[int(r() * r() * len(rooms))]
        host = people[int(r() * len(people))]
        creator = host if r() < 0.8 else people[int(r() * len(people))]
        fate = Fate.HELD
        is_round = at.second == 0 and at.minute % 5 == 0
        if vendor == "netease" and lasts is None and is_round and r() < 0.3:
            fate = Fate.CANCELLED if r() < 0.5 else Fate.UNUSED
        created, planned_start, planned_end, cancelled = at, None, None, None
        if fate is not Fate.HELD or r() < BOOKED[vendor]:
            planned_start = at
            if not is_round:  # begun a little late, or early
                late = at.second + at.minute % 5 * 60
                planned_start = at + timedelta(seconds=300 - late if r() < 0.15 else -late)
            planned_end = planned_start + timedelta(minutes=(30, 30, 60, 60, 90, 120)[int(r() * 6)])
            lead = 600 + int(r() * r() * 3 * 86400)
            created = min(planned_start, at) - timedelta(seconds=lead)
            if fate is Fate.CANCELLED:
                cancelled = created + timedelta(seconds=int(r() * (lead - 1)))
        is_held = fate is Fate.HELD
        kind = r()
        title = f"{host.name}的会议" if kind < 0.4 else names.TITLES[int(r() * len(names.TITLES))]
        return WorldConference(
            world=self,
            vendor=vendor,
            serial=serial,
            fate=fate,
            number=f"10{room.id}",
            title=title,
            room=room,
            host=host,
            creator=creator,
            agent=self.agent,
            company=self.companies[0],
            created=created,
            scheduled_start=planned_start,
            scheduled_end=planned_end,
            start=at if is_held else None,
            end=at + timedelta(seconds=lasts or draw_duration(rng)) if is_held else None,
            cancelled=cancelled,
            is_extra=r() < 0.05,
            is_recorded=r() < 0.3,
            is_secure=r() < 0.2,
            error_code=1001 if r() < 0.005 else 0,
        )
