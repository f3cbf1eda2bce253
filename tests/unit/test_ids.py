"""Ids: a function of kind, source and key, which damage does not survive."""

import base64
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidIdError
from graph.ids import GlobalId, IdKind, decode_id, encode_id, faint_hash, short_hash

SOURCES = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
KINDS = st.sampled_from(IdKind)
ALPHABET = string.ascii_letters + string.digits + "-_"
AN_ID = encode_id(IdKind.CONFERENCE, "hexmeet", "c1")


@given(KINDS, SOURCES, st.text(max_size=100))
def test_any_key_comes_back(kind: IdKind, source: str, key: str) -> None:
    text = encode_id(kind, source, key)
    assert decode_id(text) == GlobalId(kind, source, key)
    assert set(text) <= set(ALPHABET)


def test_ids_never_change() -> None:
    """Clients keep ids: this text must stay what it is for ever."""
    assert AN_ID == "Q5eFgCxoZXhtZWV0AGMx"


@given(st.tuples(KINDS, SOURCES, st.text()), st.tuples(KINDS, SOURCES, st.text()))
def test_two_objects_never_share_an_id(one: tuple[IdKind, str, str], other: tuple[IdKind, str, str]) -> None:
    assert (encode_id(*one) == encode_id(*other)) == (one == other)


@given(KINDS, SOURCES, st.text(), st.data())
def test_one_changed_character_is_noticed(kind: IdKind, source: str, key: str, data: st.DataObject) -> None:
    text = encode_id(kind, source, key)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda letter: letter != text[at]))
    with pytest.raises(InvalidIdError):
        decode_id(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("cut", range(1, len(AN_ID)))
def test_a_cut_id_is_noticed(cut: int) -> None:
    with pytest.raises(InvalidIdError):
        decode_id(AN_ID[:cut])


@given(st.text())
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidIdError, match="not an id of confgraph"):
        decode_id(text)


def _sealed(body: bytes, kind: bytes = b"C") -> str:
    """A text with a right checksum over a body that no id has."""

    raw = kind + zlib.crc32(kind + body).to_bytes(4, "big") + body
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        _sealed(b"no separator"),
        _sealed(b"hexmeet\0c1", kind=b"068f"),
        _sealed(b"hexmeet\0\xff"),
        AN_ID + "=",
        AN_ID + "====",
        AN_ID + "\n",
        " " + AN_ID,
        encode_id(IdKind.CONFERENCE, "hexmeet", "??>>").replace("-", "+").replace("_", "/"),
        "\ud800",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError):
        decode_id(text)


def test_an_id_longer_than_any_vendor_has_keys_is_none() -> None:
    """So that none of them is kept in memory, whole as they are."""
    assert decode_id(encode_id(IdKind.ROOM, "hexmeet", "k" * 700)).key == "k" * 700
    before = decode_id.cache_info().currsize
    for number in range(9):
        with pytest.raises(InvalidIdError):
            decode_id(encode_id(IdKind.ROOM, "hexmeet", f"{number}{'k' * 800}"))
    assert decode_id.cache_info().currsize == before


def test_short_hashes_are_ten_hex_digits_that_never_change() -> None:
    assert short_hash("13800000000", "2024-05-01") == short_hash("13800000000", "2024-05-01")
    assert len(short_hash("")) == 10
    assert short_hash("a", "bc") != short_hash("ab", "c")
    assert short_hash("a", "b") == "bdaac9cbab"


def test_faint_hashes_are_four_hex_digits_so_that_many_numbers_share_each() -> None:
    hashes = [faint_hash(str(number), "2024-05-01") for number in range(13_800_000_000, 13_800_200_000)]
    assert {len(text) for text in hashes} == {4}
    assert 2**16 * 0.9 < len(set(hashes)) <= 2**16
    assert faint_hash("a", "bc") != faint_hash("ab", "c")
    assert faint_hash("a", "b") == "068f"
