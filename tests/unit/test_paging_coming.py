"""What comes in during a walk, ahead of where it stands, is met; a list read whole is kept by how old its range is."""

from datetime import datetime, timedelta

import pytest
from paging_world import DAWN, DAY, MINUTE, Row, Vendor, World, key

from graph import clock
from graph.cache.store import WindowStore
from graph.paging import Listing, PageArgs, SnapshotFeed
from graph.paging.rows import Rows
from graph.paging.windows import Window

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("is_forward", [True, False])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sources", [1, 3])
async def test_a_row_that_comes_in_before_the_next_row_of_its_source_is_met(
    *, sources: int, descending: bool, is_forward: bool
) -> None:
    vendors = [
        Vendor(name, [Row(DAWN + (n + at / 4) * DAY, name, f"{n}") for n in range(6)], settle=999 * DAY)
        for at, name in enumerate("abc"[:sources])
    ]
    world = World(vendors, Window(DAWN, DAWN + 9 * DAY), descending=descending)
    step = MINUTE if is_forward is not descending else -MINUTE
    met: list[Row] = []

    def insert(row: Row) -> None:
        met.append(row)
        if len(row.id) < 2:
            (its,) = (vendor for vendor in vendors if vendor.source == row.source)
            its.rows.append(row._replace(at=row.at + step, id=f"{row.id}+"))

    pages = await world.walk(1, is_forward=is_forward, between=lambda page: insert(page.nodes[0]))
    met.append(pages[-1].nodes[0])
    assert met == (world.truth() if is_forward else world.truth()[::-1])
    assert len(met) >= 2 * 6 * sources - 1


def whole_list(answers: list[Rows[Row]], store: WindowStore, *, is_settled: bool | None) -> Listing[Row]:
    """A list whose rows are the next of some answers, each time they are read."""

    async def read() -> Rows[Row]:
        return answers.pop(0)

    feed = SnapshotFeed("s", read, identity=lambda row: row.id, is_settled=is_settled, store_key="s")
    return Listing([feed], key=key, scope="list", store=store)


@pytest.mark.parametrize(
    ("is_settled", "left_out", "ages_s"),
    [(None, 0, (1, 3)), (False, 0, (8, 12)), (True, 0, (80_000, 90_000)), (True, 1, (8, 12))],
)
async def test_how_long_a_whole_list_serves_the_pages_of_a_walk(
    monkeypatch: pytest.MonkeyPatch, is_settled: bool | None, left_out: int, ages_s: tuple[int, int]
) -> None:
    """One of now for two seconds, of a range for ten; of a settled one, that lacks nothing, for a day."""
    now = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    monkeypatch.setattr(clock, "now", lambda: DAWN + timedelta(seconds=now))
    rows = [Row(DAWN + n * MINUTE, "s", f"{n}") for n in range(9)]
    answers = [Rows.of(rows, left_out), Rows.of(rows, left_out)]
    listing = whole_list(answers, WindowStore(), is_settled=is_settled)
    page = await listing.page(PageArgs.parse(3, None, None, None))
    for at, left in zip(ages_s, (1, 0), strict=True):
        now = at
        after = await listing.page(PageArgs.parse(3, page.end_cursor, None, None))
        assert after.nodes == rows[3:6]
        assert len(answers) == left


@pytest.mark.parametrize(("age_s", "is_good"), [(0.5, True), (2.5, False)])
async def test_a_whole_list_is_as_old_as_what_it_was_made_of(
    monkeypatch: pytest.MonkeyPatch, age_s: float, is_good: bool
) -> None:
    """Rows that another request asked for bear the time when it did: who begins a walk later does without them."""
    now = DAWN + DAY
    monkeypatch.setattr(clock, "now", lambda: now)

    def answer(read_at: datetime) -> Rows[Row]:
        return Rows.of([Row(DAWN, "s", read_at.isoformat())], read_at=read_at)

    answers = [answer(now), answer(now + timedelta(seconds=age_s))]
    listing = whole_list(answers, WindowStore(), is_settled=False)
    assert (await listing.page(PageArgs())).results["s"].as_of == now
    now += timedelta(seconds=age_s)
    page = await listing.page(PageArgs())
    assert len(answers) == is_good
    assert page.results["s"].as_of == now - is_good * timedelta(seconds=age_s)
