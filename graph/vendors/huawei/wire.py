"""The bodies of Huawei's CC-Gateway, typed: what a record needs is required, the rest may be absent or null."""

from typing import Annotated

import msgspec

EpochMillis = Annotated[int, msgspec.Meta(ge=0, le=32_503_680_000_000)]  # up to the year 3000
Minutes = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Number = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]  # fits GraphQL's Int


class Outcome(msgspec.Struct):
    """What every answer says of itself, also one without a result."""

    retcode: Annotated[str, msgspec.Meta(max_length=32)]


class Address(msgspec.Struct, kw_only=True, rename="camel"):
    """One participant."""

    address_type: str
    address: str
    device_type: Number | None = None
    device_call_type: Number | None = None
    channel_attrib: Number | None = None
    channel_state: Number | None = None
    role: Number | None = None
    enter_time: EpochMillis | None = None


class Conf(msgspec.Struct, kw_only=True, rename="camel"):
    """One conference."""

    conf_id: int
    start_time: EpochMillis
    addresses: list[Address]
    conf_state: Number | None = None
    apply_conf_time: Minutes | None = None
    conf_have_been_time: Minutes | None = None


class Confs(msgspec.Struct):
    """The result as the sample has it; the table calls it a bare array."""

    confs: list[Conf]


class ConfsAnswer(msgspec.Struct):
    """A successful answer of queryconfinfos."""

    result: Confs | list[Conf]


class Guid(msgspec.Struct):
    """The result of updateGuid."""

    guid: str

    def __repr__(self) -> str:
        """Without the credential."""
        return "Guid(***)"


class GuidAnswer(msgspec.Struct):
    """A successful answer of updateGuid."""

    result: Guid


OUTCOME = msgspec.json.Decoder(Outcome)
CONFS_ANSWER = msgspec.json.Decoder(ConfsAnswer)
GUID_ANSWER = msgspec.json.Decoder(GuidAnswer)
