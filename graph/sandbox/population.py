"""The people, organizations, rooms and media nodes of a world: made once, from the seed."""

import string
from collections.abc import Sequence
from random import Random

from graph.sandbox import names
from graph.sandbox.model import WorldMcu, WorldOrganization, WorldPerson, WorldRoom

PEOPLE = 300
NAMESAKES = 12  # people who bear the name of another one
ROOMS = 20
HOST_ID = string.ascii_letters + string.digits + "-_"


def make_organizations(words: Sequence[str], first_id: int, rng: Random) -> tuple[WorldOrganization, ...]:
    """One organization per name, with ascending ids that leave gaps."""
    return tuple(WorldOrganization(first_id + 1000 * i + rng.randrange(1000), word) for i, word in enumerate(words))


def make_people(departments: Sequence[WorldOrganization], rng: Random) -> tuple[WorldPerson, ...]:
    """Chinese and English names; numbers and addresses of ranges that nobody has."""
    chinese = [surname + given for surname in names.SURNAMES for given in names.GIVEN_NAMES]
    english = [f"{first} {last}" for first in names.FIRST_NAMES for last in names.LAST_NAMES]
    rng.shuffle(chinese)
    rng.shuffle(english)
    unique = (chinese + english)[: PEOPLE - NAMESAKES]
    everyone = [*unique, *unique[:: len(unique) // NAMESAKES][:NAMESAKES]]
    rng.shuffle(everyone)
    return tuple(
        WorldPerson(
            account_id=str(rng.randrange(10**16, 10**18)),
            agent_id=1001 + 7 * i,
            name=name,
            email=f"person{i:03d}@example.com",
            phone=f"+861000000{i:04d}",
            ip=f"{'192.0.2' if i % 2 else '198.51.100'}.{1 + i % 254}",
            province=None if rng.random() < 0.04 else rng.choice((*names.PROVINCES, "北京", "北京", "上海", "广东")),
            department=rng.choice(departments),
        )
        for i, name in enumerate(everyone)
    )


def find_namesakes(people: Sequence[WorldPerson]) -> dict[str, WorldPerson]:
    """The other bearer of a name, by account id."""
    found: dict[str, WorldPerson] = {}
    first: dict[str, WorldPerson] = {}
    for person in people:
        other = first.setdefault(person.name, person)
        if other is not person:
            found[other.account_id] = person
            found[person.account_id] = other
    return found


def make_rooms(rng: Random) -> tuple[WorldRoom, ...]:
    """The rooms of one vendor; the last one bears the name of the first."""
    ids = rng.sample(range(10**8, 10**9), ROOMS)
    rooms = []
    for i, room_id in enumerate(ids):
        capacity = names.CAPACITIES[i % len(names.CAPACITIES)]
        place = names.DEPARTMENTS[i // 3 % len(names.DEPARTMENTS)]
        name = f"{place} {capacity} 方会议室 {i + 1}" if i % 3 else f"Room {i + 1} for {capacity}"
        rooms.append(WorldRoom(room_id, "".join(rng.choices(HOST_ID, k=26)), name, capacity))
    rooms[-1] = WorldRoom(rooms[-1].id, rooms[-1].host_id, rooms[0].name, rooms[0].capacity)
    return tuple(rooms)


def make_mcus() -> tuple[WorldMcu, ...]:
    """The media nodes."""
    return tuple(WorldMcu(*row) for row in names.MCUS)
