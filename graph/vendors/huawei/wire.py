"""The bodies of Huawei's CC-Gateway, typed: what a record needs is required, the rest may be absent or null."""

from typing import Annotated, ClassVar

import msgspec

from graph.transport.numbers import Int32
from graph.transport.shapes import known

EpochMillis = Annotated[int, msgspec.Meta(ge=0, le=32_503_680_000_000)]  # up to the year 3000
Minutes = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class Outcome(msgspec.Struct):
    """What every answer says of itself, also one without a result."""

    retcode: Annotated[str, msgspec.Meta(max_length=32)]


class Address(msgspec.Struct, kw_only=True, rename="camel"):
    """One participant."""

    address_type: Annotated[str, known("6", "9")]
    address: str
    device_type: Annotated[Int32, known(0, 1, 2, 3, 4, 5, 6, 7)] | None = None
    device_call_type: Annotated[Int32, known(0, 1, 2)] | None = None
    channel_attrib: Annotated[Int32, known(1, 2, 3)] | None = None
    channel_state: Annotated[Int32, known(0, 1, 2)] | None = None
    role: Annotated[Int32, known(0, 1)] | None = None
    enter_time: EpochMillis | None = None


class Conf(msgspec.Struct, kw_only=True, rename="camel"):
    """One conference."""

    conf_id: int
    start_time: EpochMillis
    addresses: list[Address]
    conf_state: Annotated[Int32, known(0, 1)] | None = None
    apply_conf_time: Minutes | None = None
    conf_have_been_time: Minutes | None = None


class Confs(msgspec.Struct):
    """The result as the sample has it; the table calls it a bare array."""

    confs: list[Conf]


class Answer(msgspec.Struct):
    """Base of successful answers."""

    unread: ClassVar[frozenset[str]] = frozenset({"message", "retcode"})


class Running(msgspec.Struct):
    """What is known of some conferences.

    Attributes:
        confs: Those that go on.
        left_out: How many could not be read.
        torn: How many addresses could not be read, by conference, where there are any.
    """

    confs: list[Conf]
    left_out: int = 0
    torn: dict[int, int] = msgspec.field(default_factory=dict)


class ConfsAnswer(Answer):
    """A successful answer of queryconfinfos."""

    result: Confs | list[Conf]


class Guid(msgspec.Struct):
    """The result of updateGuid."""

    guid: str

    def __repr__(self) -> str:
        """Without the credential."""
        return "Guid(***)"


class GuidAnswer(Answer):
    """A successful answer of updateGuid."""

    result: Guid


OUTCOME = msgspec.json.Decoder(Outcome)
CONFS_ANSWER = msgspec.json.Decoder(ConfsAnswer)
GUID_ANSWER = msgspec.json.Decoder(GuidAnswer)
