"""Documented bodies through the schema: every value of a body has its place in the answer, or a reason to have none."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from enum import Enum
from typing import Any

from queries import Client
from servers import serve

from graph.sandbox.world import World
from graph.settings import build
from graph.vendors import VENDORS

TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
NOTHING = World(conferences=0, days=1)


class Exempt(Enum):
    """Why a documented field has no place in the schema."""

    ENVELOPE = "says of the request how it was answered"
    PAGING = "says where a page stands in the vendor's own paging"
    DISPLAY_COPY = "says what another field says, to be looked at"
    GAUGE_SUM = "adds samples of a gauge, which means nothing"
    SECRET = "lets in whoever knows it"


Said = Exempt | Mapping[str, Any]
"""A reason, or the values expected by their paths in the answer's data."""

Table = Mapping[str, Said]
"""What is said of each field of a body: by its path, `[]` standing for every place of an array."""


def exempt(reason: Exempt, *fields: str) -> dict[str, Said]:
    """Fields that share a reason."""
    return dict.fromkeys(fields, reason)


def rows(documented: str, shown: str, fields: Table) -> dict[str, Said]:
    """The fields of rows; all paths are below those of the rows."""
    return {
        f"{documented}.{field}": said
        if isinstance(said, Exempt)
        else {f"{shown}.{path}": values for path, values in said.items()}
        for field, said in fields.items()
    }


def faults(body: Any, table: Table, data: Any) -> list[str]:
    """What of a body is not listed, or is listed and not there, or does not come out as listed."""
    documented: dict[str, list[Any]] = {}
    for path, value in _leaves(body):
        documented.setdefault(path, []).append(value)
    found = [f"{path}: not listed" for path in documented if path not in table]
    found += [f"{path}: not documented" for path in table if path not in documented]
    text = json.dumps(data, ensure_ascii=False)
    for field, said in table.items():
        if said is Exempt.SECRET:
            found += [f"{field}: is told" for value in documented.get(field, ()) if str(value) in text]
        if isinstance(said, Exempt):
            continue
        for path, expected in said.items():
            if (value := at(data, path)) != expected:
                found.append(f"{field}: {path} is {value!r}, expected {expected!r}")
    return found


def at(data: Any, path: str) -> Any:
    """The value at a path, below a null null; a list of them where it passes through `[]`."""
    step, _, rest = path.partition(".")
    value = data[step.removesuffix("[]")]
    if step.endswith("[]"):
        values = [at(item, rest) for item in value] if rest else list(value)
        return [one for many in values for one in many] if "[]" in rest else values
    return at(value, rest) if rest and value is not None else value


def _leaves(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(body, dict) and body:
        for key, value in body.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(body, list) and body:
        for item in body:
            yield from _leaves(item, f"{path}[]")
    else:
        yield path, body


@contextlib.asynccontextmanager
async def documenting(vendor: str, bodies: Mapping[str, Any], **settings: object) -> AsyncIterator[Client]:
    """A confgraph with one source, named like its vendor, whose emulator answers documented bodies by report."""
    spec = VENDORS[vendor]
    async with serve(spec.create_emulator(NOTHING, documented=bodies)) as url:
        table = {"vendor": vendor, "base_url": url, **spec.emulator_settings(NOTHING), **settings}
        async with Client(build({"sources": {vendor: table}}, TYPES, {})) as client:
            yield client
