"""P3: cursors do not expire, stay short, tell damage and foreign lists, and places between rows keep rows apart."""

import string
from datetime import timedelta

import pytest
from cursors import encode_cursor
from hypothesis import given
from hypothesis import strategies as st
from paging_world import DAWN, DAY, Row, Vendor, World, key

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import InvalidArgumentError, InvalidCursorError
from graph.paging import PageArgs, resolve_window
from graph.paging.cursor import (
    Checkpoint,
    Cursor,
    CursorWriter,
    Cut,
    Key,
    beginning,
    cut_between,
    decode_cursor,
    end,
    tag_of,
)
from graph.paging.windows import EPOCH, Window

pytestmark = pytest.mark.anyio
NAME = "a_source_whose_name_is_32_long_x"
KEY = (1_790_000_000_123_456, NAME, "0123456789abcdef0123456789abcdef-0123")
KEYS = st.tuples(
    st.integers(0, 3), st.sampled_from(("a", "b")), st.text("xyz\N{CJK UNIFIED IDEOGRAPH-4F1A}", max_size=4)
)
CUTS = st.builds(lambda key, size, is_after: Cut(key[:size], is_after), KEYS, st.integers(0, 3), st.booleans())


def test_a_cursor_comes_back_as_it_was() -> None:
    places = {tag_of("a"): Checkpoint((5, None, "x"), is_after=True), tag_of("b"): Checkpoint((), is_after=False)}
    cursor = Cursor(KEY, 0, up=True, checkpoints=places, window=Window(DAWN, DAWN + DAY), began=1_800_000_000)
    assert decode_cursor(encode_cursor(cursor, "scope"), "scope") == cursor


@given(KEYS, st.booleans(), st.sampled_from((None, Window(DAWN, DAWN + DAY))))
def test_a_row_where_all_sources_stand_has_the_cursor_of_its_key(key: Key, up: bool, window: Window | None) -> None:
    writer = CursorWriter("scope", window, 1_800_000_000, up=up)
    assert writer.write_row(key) == writer.write(Cursor(key, 0, up))


def test_six_sources_in_debt_are_short() -> None:
    places = {tag_of(f"s{i}"): Checkpoint((KEY[0] + i, None, "0123456789"), is_after=True) for i in range(6)}
    window = Window(DAWN, DAWN + DAY)
    text = encode_cursor(Cursor(KEY, 0, up=True, checkpoints=places, window=window, began=1_800_000_000), "scope")
    assert len(text) < 512
    assert set(text) <= {*string.ascii_letters, *string.digits, "-", "_"}


@given(st.integers(0, 200), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_any_changed_character_is_noticed(at: int, character: str) -> None:
    text = encode_cursor(Cursor(KEY, 0, up=True), "scope")
    at %= len(text)
    damaged = text[:at] + character + text[at + 1 :]
    if damaged != text:
        with pytest.raises(InvalidCursorError):
            decode_cursor(damaged, "scope")


@given(st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        decode_cursor(text, "scope")


def test_a_cursor_of_another_scope_is_refused() -> None:
    with pytest.raises(InvalidCursorError, match="another field"):
        decode_cursor(encode_cursor(Cursor(KEY, 0, up=True), "scope"), "other scope")


def test_a_forged_cursor_of_other_types_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        Cut(("text",), is_after=True).is_above((5, "a", "b"))


@given(KEYS, KEYS)
def test_the_place_between_two_rows_has_one_behind_and_one_ahead(
    one: tuple[int, str, str], other: tuple[int, str, str]
) -> None:
    if one == other:
        return
    up = one < other
    cut = cut_between(one, other, up=up)
    assert cut.is_passed(one, up=up)
    assert not cut.is_passed(other, up=up)
    assert beginning(up=up).is_behind(cut, up=up)
    assert cut.is_behind(end(up=up), up=up)
    assert Cut(one, not up).is_behind(cut, up=up) or cut == Cut(one, not up)


@given(CUTS, CUTS, KEYS)
def test_places_are_ordered_as_the_rows_around_them(mine: Cut, theirs: Cut, key: tuple[int, str, str]) -> None:
    assert not (mine.is_behind(theirs, up=True) and theirs.is_behind(mine, up=True))
    assert mine.is_behind(theirs, up=True) == theirs.is_behind(mine, up=False)
    if mine.is_behind(theirs, up=True):
        assert theirs.is_above(key) or not mine.is_above(key)


@pytest.mark.parametrize(
    "args",
    [(1, None, 1, None), (1, None, None, "x"), (None, "x", 1, None), (None, "x", None, "x"), (-1, None, None, None),
     (None, None, -1, None), (1001, None, None, None), (None, None, 1001, None)],
)  # fmt: skip
def test_arguments_that_do_not_go_together_are_refused(
    args: tuple[int | None, str | None, int | None, str | None],
) -> None:
    with pytest.raises(InvalidArgumentError):
        PageArgs.parse(*args)


@pytest.mark.parametrize("args", [(None, "", None, None), (None, None, 5, ""), (0, "", None, None)])
def test_an_empty_cursor_is_refused(args: tuple[int | None, str | None, int | None, str | None]) -> None:
    with pytest.raises(InvalidCursorError):
        PageArgs.parse(*args)


def test_arguments_left_out_mean_twenty_from_the_start() -> None:
    assert PageArgs.parse(None, None, None, None) == PageArgs(is_forward=True, size=20, cursor=None)
    assert PageArgs.parse(None, None, None, "x") == PageArgs(is_forward=False, size=20, cursor="x")
    assert PageArgs.parse(None, None, 0, None) == PageArgs(is_forward=False, size=0, cursor=None)


def test_a_default_range_is_the_one_of_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: DAWN)
    first = resolve_window(PageArgs(), "s", None, DAY)
    assert first == Window(DAWN - DAY, DAWN)
    cursor = encode_cursor(Cursor(KEY, 0, up=True, window=first), "s")
    monkeypatch.setattr(clock, "now", lambda: DAWN + 400 * DAY)
    assert resolve_window(PageArgs(cursor=cursor), "s", None, DAY) == first
    given_window = Window(DAWN, DAWN + timedelta(hours=1))
    assert resolve_window(PageArgs(cursor=cursor), "s", given_window, DAY) == given_window
    with pytest.raises(InvalidCursorError):
        resolve_window(PageArgs(cursor=encode_cursor(Cursor(KEY, 0, up=True), "s")), "s", None, DAY)


@pytest.mark.parametrize("micros", [1, 500_000, 999_999])
def test_a_default_range_is_rounded_outward_to_seconds(monkeypatch: pytest.MonkeyPatch, micros: int) -> None:
    """Those who ask in the same second ask for the same, of which nothing is left out."""
    monkeypatch.setattr(clock, "now", lambda: DAWN + timedelta(microseconds=micros))
    assert resolve_window(PageArgs(), "s", None, DAY) == Window(DAWN - DAY, DAWN + timedelta(seconds=1))


async def test_a_cursor_from_a_clock_that_is_ahead_is_no_burden() -> None:
    """A replica's clock may be some minutes ahead: what was read by now is then good enough."""
    vendor = Vendor("s", [Row(DAWN + i * DAY, "s", f"r{i}") for i in range(9)])
    world = World([vendor], Window(DAWN, DAWN + 30 * DAY), store=WindowStore())
    ahead = (clock.now() - EPOCH) // timedelta(seconds=1) + 600
    place = Cursor(key(vendor.rows[5]), 0, up=False, began=ahead)
    page = await world.first(5, encode_cursor(place, "list"))
    assert [row.id for row in page.nodes] == ["r4", "r3", "r2", "r1", "r0"]
    assert vendor.requests == 1
