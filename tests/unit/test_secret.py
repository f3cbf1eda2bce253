"""A credential cannot be printed or written down by accident, whatever is done with what holds it."""

import copy
import io
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from graph.settings import Secret, SourceSettings

WORD = "hush-hush-0042"


class Table(SourceSettings, frozen=True, kw_only=True):
    """What a vendor has."""

    token: Secret


@dataclass
class Holder:
    token: Secret


def table() -> Table:
    return Table(vendor="acme", base_url="https://acme.example", token=Secret(WORD))


def in_rich(thing: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


PRINTERS: list[Callable[[Any], object]] = [
    repr,
    str,
    ascii,
    "{}".format,
    "{!r}".format,
    lambda thing: f"{thing}",
    lambda thing: f"{thing:>40}",
    "%s".__mod__,
    pprint.pformat,
    in_rich,
    vars,
    dir,
    bytes,
    json.dumps,
    lambda thing: json.dumps(thing, default=str),
    lambda thing: json.dumps(thing, default=vars),
    lambda thing: json.dumps(thing, default=lambda it: it.__getstate__()),
    msgspec.json.encode,
    msgspec.msgpack.encode,
    msgspec.to_builtins,
    lambda thing: msgspec.json.encode(thing, enc_hook=str),
    msgspec.structs.asdict,
    asdict,
    pickle.dumps,
    lambda thing: pickle.dumps(thing, protocol=0),
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("make", [lambda: Secret(WORD), lambda: Holder(Secret(WORD)), table, lambda: [Secret(WORD)]])
@pytest.mark.parametrize("show", PRINTERS)
def test_whatever_shows_it_shows_stars_or_fails(show: Callable[[Any], object], make: Callable[[], object]) -> None:
    try:
        shown = show(make())
    except Exception as error:  # noqa: BLE001 - whichever it is
        shown = "".join(traceback.format_exception(error))
    assert WORD not in (shown.decode(errors="replace") if isinstance(shown, bytes) else f"{shown!r} {shown}")


def test_it_is_there_for_those_who_ask_for_it(tmp_path: Path) -> None:
    assert Secret(WORD).reveal() == WORD
    assert table().token.reveal() == WORD
    with pytest.raises(TypeError, match="written down"):
        pickle.dumps(Secret(WORD, tmp_path))
    with pytest.raises(AttributeError):
        Secret(WORD).note = WORD  # type: ignore[attr-defined]
