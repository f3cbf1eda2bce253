"""Who was in a conference, and whom it dialled: made from the conference's key when somebody asks."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

from graph.sandbox import names
from graph.sandbox.model import WorldAttendance, WorldConference, WorldMcu, WorldPerson, WorldPhoneLeg

MOST_PEOPLE = 40
EARLY = ("netease", "systec")  # vendors with a lobby: people come in before the official start
BITRATES = (512, 1024, 2048, 2048, 4096)
PRICES_IN_FEN = (8, 15, 30)  # per minute


def make_attendances(
    conference: WorldConference,
    people: Sequence[WorldPerson],
    namesakes: Mapping[str, WorldPerson],
    mcus: Sequence[WorldMcu],
) -> tuple[WorldAttendance, ...]:
    """Spans ascending by join. The host is there from start to end, others come, go and come again."""
    start, end = conference.start, conference.end
    if start is None or end is None:
        return ()
    rng = Random(conference.key)
    r = rng.random
    length = int((end - start).total_seconds())
    lobby = min(90, length) if conference.vendor in EARLY else 0
    wanted = min(1 + int(rng.expovariate(1 / 6.6)), MOST_PEOPLE, conference.room.capacity)
    spans = [(0, length, conference.host)]  # in seconds from the start
    seen = {conference.host.account_id}
    while len(spans) < wanted:
        person = people[int(r() * len(people))]
        if person.account_id in seen:
            continue
        seen.add(person.account_id)
        join, leave = _span(r(), r(), r(), length, lobby)
        spans.append((join, leave, person))
        other = namesakes.get(person.account_id)
        if other is not None and other.account_id not in seen and len(spans) < wanted and r() < 0.5:
            seen.add(other.account_id)
            spans.append((join, leave, other))
        gap = 5 + int(r() * 300)
        if r() < 0.12 and leave + gap < length - 1:
            spans.append((leave + gap, leave + gap + 1 + int(r() * (length - leave - gap - 1)), person))
    spans.sort(key=lambda span: span[0])
    clients = names.CLIENTS_OF[conference.vendor]
    devices: dict[str, str] = {}
    made = []
    for ordinal, (join, leave, person) in enumerate(spans):
        client = devices.setdefault(person.account_id, clients[int(r() * len(clients))])
        models, version = names.CLIENTS[client]
        is_gateway = client in ("SIP", "PHONE")
        made.append(
            WorldAttendance(
                ordinal=ordinal,
                person=person,
                join=start + timedelta(seconds=join),
                leave=start + timedelta(seconds=leave),
                client=client,
                device_model=models[int(r() * len(models))],
                version=version,
                mcu=mcus[-1] if is_gateway else mcus[int(r() * (len(mcus) - 1))],
                bitrate_kbps=64 if client == "PHONE" else BITRATES[int(r() * len(BITRATES))],
                is_chair=person is conference.host,
                is_on_hold=r() < 0.05,
                media="both" if r() < 0.85 else ("listen" if r() < 0.7 else "speak"),
                error_code=1003 if r() < 0.01 else 0,
            )
        )
    return tuple(made)


def _span(kind: float, early: float, late: float, length: int, lobby: int) -> tuple[int, int]:
    """Join and leave: a fifth at the very start, a few from the lobby, the rest in the first half or any time."""
    if kind < 0.2:
        join = 0
    elif kind < 0.3 and lobby:
        join = -1 - int(early * lobby)
    else:
        join = int(early * early * (length - 1))
    stays = late if kind < 0.4 else min(1.0, 0.5 + late)
    return join, min(length, max(join, 0) + 1 + int(stays * (length - max(join, 0) - 1)))


def make_phone_legs(conference: WorldConference, people: Sequence[WorldPerson]) -> tuple[WorldPhoneLeg, ...]:
    """Legs of whole minutes, ascending by start, for a third of the conferences; now and then two quite the same."""
    start, end = conference.start, conference.end
    if conference.vendor != "systec" or start is None or end is None:
        return ()
    rng = Random(~conference.key)
    minutes = int((end - start).total_seconds()) // 60
    if minutes < 1 or rng.random() > 0.34:
        return ()
    legs = []
    for _ in range(rng.randint(1, 3)):
        lasts = rng.randint(1, minutes)
        begins = start + timedelta(seconds=rng.randint(0, 60 * (minutes - lasts)))
        legs.append((begins, rng.choice(people).phone, lasts, rng.choice(PRICES_IN_FEN)))
    if len(legs) > 1 and rng.random() < 0.1:
        legs[1] = legs[0]
    legs.sort(key=lambda leg: leg[:2])
    return tuple(
        WorldPhoneLeg(ordinal, number, begins, begins + timedelta(minutes=lasts), lasts * price)
        for ordinal, (begins, number, lasts, price) in enumerate(legs)
    )
