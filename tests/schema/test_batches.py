"""Batches: what is asked for one by one is read together, and each who asks waits for himself."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from schema.fakes import FakeAdapter

from graph.batches import SourceLoader
from graph.errors import VendorUnavailableError
from graph.fleet import Fleet, Source
from graph.loaders import VendorKey
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio


class Lengths(SourceLoader[VendorKey, int]):
    """The length of each key, once it may be told; no key is empty."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self.batches: list[list[str]] = []
        self.has_begun = asyncio.Event()
        self.may_tell = asyncio.Event()

    async def read(self, source: Source, keys: Sequence[VendorKey]) -> Sequence[int | Exception]:  # noqa: ARG002
        """Note what is asked."""
        self.batches.append([key.key for key in keys])
        self.has_begun.set()
        await self.may_tell.wait()
        return [len(key.key) or ValueError("empty") for key in keys]


@pytest.fixture
async def lengths() -> AsyncIterator[Lengths]:
    adapters = [FakeAdapter(name) for name in ("alpha", "beta")]
    fleet = Fleet(Source(one.source, VENDORS["systec"], one.settings, one, one.client) for one in adapters)
    yield Lengths(fleet)
    await fleet.aclose()


def key(text: str, source: str = "alpha") -> VendorKey:
    return VendorKey(source, text)


async def test_what_is_asked_in_one_turn_is_one_batch_for_each_source(lengths: Lengths) -> None:
    lengths.may_tell.set()
    asking = [lengths.get(key("a")), lengths.get(key("bb")), lengths.get(key("a")), lengths.get(key("ccc", "beta"))]
    assert await asyncio.gather(*asking) == [1, 2, 1, 3]
    assert lengths.batches == [["a", "bb"], ["ccc"]]
    assert await lengths.get(key("a")) == 1
    assert len(lengths.batches) == 2, "what is known is not read again"


async def test_many_keys_are_told_in_their_order_with_what_went_wrong(lengths: Lengths) -> None:
    lengths.may_tell.set()
    one, wrong, two = await lengths.get_all([key("a"), key(""), key("bb")])
    assert (one, two, str(wrong)) == (1, 2, "empty")
    with pytest.raises(ValueError, match="empty"):
        await lengths.get(key(""))
    assert lengths.batches == [["a", "", "bb"]], "an error stays the answer"


async def test_who_is_cancelled_leaves_the_others_alone(lengths: Lengths) -> None:
    leaver, stayer = (asyncio.ensure_future(lengths.get(key("a"))) for _ in range(2))
    await lengths.has_begun.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    lengths.may_tell.set()
    assert await stayer == 1
    assert await lengths.get(key("a")) == 1


async def test_a_batch_that_is_given_up_leaves_the_others_alone(
    lengths: Lengths, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = lengths.read

    async def give_up(source: Source, keys: Sequence[VendorKey]) -> Sequence[int | Exception]:
        if source.name == "beta":
            raise asyncio.CancelledError
        return await read(source, keys)

    monkeypatch.setattr(lengths, "read", give_up)
    given_up, stayer = (asyncio.ensure_future(lengths.get(key("a", source))) for source in ("beta", "alpha"))
    await lengths.has_begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    lengths.may_tell.set()
    assert await stayer == 1
    with pytest.raises(VendorUnavailableError):
        await given_up


async def test_nobody_waits_for_what_was_given_up(lengths: Lengths) -> None:
    asking = asyncio.ensure_future(lengths.get(key("a")))
    await lengths.has_begun.wait()
    lengths.cancel()
    with pytest.raises(VendorUnavailableError):
        await asking
    with pytest.raises(VendorUnavailableError):
        await lengths.get(key("bb"))
    assert lengths.batches == [["a"]], "nothing is read any more"
