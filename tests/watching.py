"""A world whose rows come, end and are dropped while it is paged through, and what each page must then be."""

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from answers import Row
from worlds import NOW

from graph.sandbox.attendance import make_attendances
from graph.sandbox.world import World, WorldAttendance, WorldConference, WorldMcu, WorldPhoneLeg

if TYPE_CHECKING:
    from walking import Stage

Thing = tuple[Hashable, ...]
Key = tuple[Any, ...]
Rows = Mapping[Key, object]  # by sort keys that ascend; the values are what is told of each row besides

SPARE_NODES = tuple(WorldMcu(name, "MRU", 10) for name in ("mru-aa-1", "mru-bj-11", "mru-cd-1", "mru-sh-2", "mru-zz-9"))
HOUR = timedelta(hours=1)


class DriftingWorld(World):
    """A world that can be taken apart and put together again.

    Attributes:
        gone: What is not there: conferences, as (vendor, serial); who was in one of them, or a telephone leg of it,
            as (vendor, serial, part); spare media nodes, which carry no calls, as (name,).
    """

    def __init__(self, conferences: int, days: int = 60, grain: timedelta = timedelta(seconds=1)) -> None:
        self.gone: set[Thing] = set()
        self._grain = grain
        super().__init__(conferences=conferences, days=days, anchor=NOW)

    @property
    def mcus(self) -> tuple[WorldMcu, ...]:
        """The media nodes."""
        return tuple(node for node in (*self._carriers, *SPARE_NODES) if (node.name,) not in self.gone)

    @mcus.setter
    def mcus(self, made: tuple[WorldMcu, ...]) -> None:
        self._carriers = made

    def _conference(self, vendor: str, serial: int, at: datetime, lasts: int | None, rng: Random) -> WorldConference:
        return super()._conference(vendor, serial, NOW - -(-(NOW - at) // self._grain) * self._grain, lasts, rng)

    def _shown(self, rows: Iterable[WorldConference]) -> Iterator[WorldConference]:
        """The rows that are there; those that miss a part are copies, of which nothing is known yet."""
        changed = {thing[:2] for thing in self.gone if len(thing) == 3}
        for row in rows:
            name = (row.vendor, row.serial)
            if name not in self.gone:
                yield replace(row) if name in changed else row

    def _kept_parts(self, row: WorldConference, parts: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(part for part in parts if (row.vendor, row.serial, part) not in self.gone)

    def all(self, vendor: str) -> Iterator[WorldConference]:
        return self._shown(super().all(vendor))

    def between(self, vendor: str, start: datetime, end: datetime) -> Iterator[WorldConference]:
        return self._shown(super().between(vendor, start, end))

    def get(self, vendor: str, serial: int) -> WorldConference | None:
        row = super().get(vendor, serial)
        return next(self._shown([row]), None) if row else None

    def attendances_of(self, conference: WorldConference) -> tuple[WorldAttendance, ...]:
        made = make_attendances(conference, self.people, self._namesakes, self._carriers)
        return self._kept_parts(conference, made)

    def phone_legs_of(self, conference: WorldConference) -> tuple[WorldPhoneLeg, ...]:
        return self._kept_parts(conference, super().phone_legs_of(conference))


def conferences(world: World, vendors: Iterable[str], start: datetime, end: datetime) -> list[Thing]:
    """The conferences of a range, as things that may be gone."""
    return [(vendor, row.serial) for vendor in vendors for row in world.between(vendor, start, end)]


class Drift:
    """What befalls a world between the pages of a walk: time goes by, rows come late and are dropped.

    Args:
        stage: The world's; what is gone there comes back first.
        seed: Of chance.
        step: From page to page.
        things: What comes late, what is dropped and what stays, a third each; nothing old, as what has settled is
            believed to stay for a day.
        most: How many things come and how many go from page to page, at most.
    """

    def __init__(self, stage: "Stage", seed: int, step: timedelta, things: Sequence[Thing], *, most: int) -> None:
        self._stage = stage
        self._rng = Random(seed)  # noqa: S311 - a made-up world is no secret
        self._step = step
        self._amounts = (0, 1, most)
        rows = list(things)
        self._rng.shuffle(rows)
        third = len(rows) // 3
        self._late, self._leaving = rows[:third], rows[third : 2 * third]
        stage.world.gone = set(self._late)
        stage.move(step)  # what was read of the world before is out of date

    def go_on(self) -> None:
        """One page later."""
        self._stage.move(self._step)
        gone = self._stage.world.gone
        for rows, change in ((self._late, gone.discard), (self._leaving, gone.add)):
            for _number in range(min(len(rows), self._rng.choice(self._amounts))):
                change(rows.pop())


@dataclass(frozen=True)
class Watched:
    """A list, and what it must be.

    Attributes:
        asked: The query of a page, and `given` its variables besides those of the page.
        path: Where the connection is in the answer.
        truth: The rows of the list now.
        tell: The key of a row, and what is told of it besides.
        descending: The list goes down by key.
    """

    asked: str
    path: Sequence[str]
    truth: Callable[[], Awaitable[Rows]]
    tell: Callable[[Row], tuple[Key, object]]
    descending: bool = False
    given: Mapping[str, object] = field(default_factory=dict)


async def watch(stage: "Stage", watched: Watched, size: int, drift: Drift, *, is_forward: bool) -> Counter[str]:
    """Walk while the world drifts: each page is the next rows of what is true when it is asked for, flags and all.

    So, as P1 has it, what was there all the time and kept its sort key comes exactly once, in order.

    Returns:
        How many rows stayed, left and came, and how many of those that came were met.
    """
    up = is_forward is not watched.descending
    forth, back = ("hasNextPage", "hasPreviousPage") if is_forward else ("hasPreviousPage", "hasNextPage")
    there = await watched.truth()
    stayed, ever = set(there), set(there)
    met: list[Key] = []
    async for page in stage.pages(watched.asked, watched.path, size, is_forward=is_forward, **watched.given):
        now = await watched.truth()
        rows = [watched.tell(row) for row in (page["nodes"] if is_forward else reversed(page["nodes"]))]
        keys = [at for at, _ in rows]
        ahead = {at for at in now if not met or (at > met[-1] if up else at < met[-1])}
        coming = sorted(ahead, reverse=not up)
        case = (size, is_forward, len(met))
        assert rows == [(at, now[at]) for at in coming[:size]], case
        assert page["pageInfo"][forth] == (len(coming) > size), case
        assert page["pageInfo"][back] == (len(ahead) < len(now)), case
        assert page["complete"], case
        met += keys
        stayed &= now.keys()
        ever |= now.keys()
        drift.go_on()
    assert [at for at in met if at in stayed] == sorted(stayed, reverse=not up)
    assert len(set(met)) == len(met)
    came = ever - there.keys()
    return Counter(stayed=len(stayed), left=len(there.keys() - stayed), came=len(came), met=len(came & set(met)))


async def watch_walks(
    stage: "Stage", watched: Watched, things: Sequence[Thing], sizes: Sequence[int], *, lasts: timedelta = 4 * HOUR
) -> Counter[str]:
    """Walk in pages of every size, both ways, each walk as long as is given, about; counts as `watch` has them."""
    seen: Counter[str] = Counter()
    for size in sizes:
        for is_forward in (True, False):
            stage.start_anew()
            step = lasts * min(1.0, size / len(await watched.truth()))
            drift = Drift(stage, size, step, things, most=size + 2)
            seen += await watch(stage, watched, size, drift, is_forward=is_forward)
    return seen


def assert_drifted(seen: Counter[str], least: int = 1) -> None:
    """Rows stayed, left and came, and of those that came some were met."""
    assert min(seen[word] for word in ("stayed", "left", "came", "met")) >= least, seen
