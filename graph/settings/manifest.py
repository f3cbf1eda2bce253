"""The manifest of trusted documents: a JSON file that a front end's build writes.

Either an object with a text by each id, as Relay and graphql-codegen write it, or Apollo's
`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "body", ...}]}`.
"""

from pathlib import Path

import msgspec

APOLLO = "apollo-persisted-query-manifest"


class _Operation(msgspec.Struct):
    id: str
    body: str


class _Apollo(msgspec.Struct):
    version: int
    operations: list[_Operation]


def read_manifest(path: Path) -> dict[str, str]:
    """The texts of a manifest by their ids.

    Raises:
        ValueError: it cannot be read; says why, in words that go behind a key.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    try:
        tree = msgspec.json.decode(raw)
        if isinstance(tree, dict) and tree.get("format") == APOLLO:
            return _of_apollo(msgspec.convert(tree, _Apollo))
        return msgspec.convert(tree, dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"{path} is neither a JSON object of texts nor a manifest of Apollo's") from None


def manifest_fault(path: Path) -> str | None:
    """Why a manifest cannot be read; None where it can."""
    try:
        read_manifest(path)
    except ValueError as error:
        return str(error)
    return None


def _of_apollo(manifest: _Apollo) -> dict[str, str]:
    if manifest.version != 1:
        raise ValueError(f"version {manifest.version} of Apollo's manifest is not known, but 1")
    texts: dict[str, str] = {}
    for operation in manifest.operations:
        if texts.setdefault(operation.id, operation.body) != operation.body:
            raise ValueError(f"two documents have the id {operation.id[:80]}")
    return texts
