"""Reads a TOML file and the environment into settings."""

import json
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import ConfigError
from graph.settings.auth import AuthSettings
from graph.settings.base import Settings
from graph.settings.secret import Secret
from graph.settings.tables import (
    AppSettings,
    CacheSettings,
    ExecutionSettings,
    LimitsSettings,
    ServerSettings,
    SourceSettings,
)

PREFIX = "CONFGRAPH_"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own word
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
TABLES: dict[str, type[Settings]] = {
    "server": ServerSettings,
    "auth": AuthSettings,
    "cache": CacheSettings,
    "limits": LimitsSettings,
    "execution": ExecutionSettings,
}


class EnvironmentText(str):
    """A value from the environment: text, whatever type its key wants."""

    __slots__ = ()


def config_path(option: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file to read: the option, else `CONFGRAPH_CONFIG`, else none."""
    named = environ.get(f"{PREFIX}CONFIG")
    return option or (Path(named) if named else None)


def has_sources(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment alone configures a source."""
    return any(name.startswith(f"{PREFIX}SOURCES__") for name in environ)


def metrics_folder(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where processes that serve together keep what they count; None where each is on its own."""
    return environ.get(METRICS_FOLDER) or None


def share_metrics(folder: str) -> None:
    """Let the processes that are started from now on keep what they count in a folder."""
    os.environ[METRICS_FOLDER] = folder


def load(
    path: Path | None,
    vendors: Mapping[str, type[SourceSettings]],
    environ: Mapping[str, str] = os.environ,
) -> AppSettings:
    """Read the configuration.

    Args:
        path: A TOML file, or None for the environment alone.
        vendors: The settings type of every known vendor, by the word for it.
        environ: The environment.

    Raises:
        ConfigError: with every fault found; no source at all is one.
    """
    text = "" if path is None else _read(path)
    settings = parse(text, vendors, environ, base=path.parent if path else Path())
    if not settings.sources:
        where = "" if path else "; no configuration was given by --config or CONFGRAPH_CONFIG"
        raise ConfigError([f"sources: expected at least one table such as [sources.netease]{where}"])
    return settings


def parse(
    text: str,
    vendors: Mapping[str, type[SourceSettings]],
    environ: Mapping[str, str] = os.environ,
    base: Path = Path(),
) -> AppSettings:
    """Make settings of TOML text; `base` is where relative `<key>_file` paths start."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"configuration: not TOML: {error}"]) from None
    return build(tree, vendors, environ, base)


def build(
    tree: dict[str, Any],
    vendors: Mapping[str, type[SourceSettings]],
    environ: Mapping[str, str] = os.environ,
    base: Path = Path(),
) -> AppSettings:
    """Make settings of tables, laying the environment over them.

    Raises:
        ConfigError: with every fault found.
    """
    faults: list[str] = []
    _overlay(tree, environ, faults)
    faults += [f"{key}: unknown key" for key in tree if key not in TABLES and key != "sources"]
    converted: dict[str, Any] = {
        key: table
        for key, kind in TABLES.items()
        if (table := _convert(tree.get(key, {}), kind, key, base, faults)) is not None
    }
    sources = tree.get("sources", {})
    if not isinstance(sources, dict):
        faults.append("sources: expected a table")
        sources = {}
    converted["sources"] = {
        name: settings
        for name, table in sources.items()
        if (settings := _source(name, table, vendors, base, faults)) is not None
    }
    if faults:
        raise ConfigError(faults)
    whole = AppSettings(**converted)
    if faults := whole.faults():
        raise ConfigError(faults)
    return whole


def _source(
    name: str, table: Any, vendors: Mapping[str, type[SourceSettings]], base: Path, faults: list[str]
) -> SourceSettings | None:
    where = f"sources.{name}"
    if not SOURCE_NAME.fullmatch(name) or "__" in name:
        faults.append(f"{where}: a source's name is a lower-case letter, then letters, digits and single '_'")
        return None
    if not isinstance(table, dict):
        faults.append(f"{where}: expected a table")
        return None
    vendor = table.get("vendor")
    kind = vendors.get(vendor) if isinstance(vendor, str) else None
    if kind is None:
        said = "missing" if vendor is None else "unknown vendor"
        faults.append(f"{where}.vendor: {said}; expected one of {', '.join(vendors)}")
        return None
    settings = _convert(table, kind, where, base, faults)
    return settings if isinstance(settings, SourceSettings) else None


def _convert(table: Any, kind: type[Settings], where: str, base: Path, faults: list[str]) -> Settings | None:
    """One table, field by field, so that every fault is found and no value is quoted."""
    if not isinstance(table, dict):
        faults.append(f"{where}: expected a table")
        return None
    before = len(faults)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    table = dict(table)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if _is_secret(field.type) and (file := table.pop(f"{name}_file", None)) is not None:
            if name in table:
                faults.append(f"{where}.{name}_file: given beside {name}")
            elif secret := _secret_file(base, file, f"{where}.{name}_file", faults):
                values[name] = secret
        elif name in table:
            values[name] = _read_value(table[name], field.type, f"{where}.{name}", base, faults)
        elif field.required:
            faults.append(f"{where}.{name}: missing")
        table.pop(name, None)
    faults += [f"{where}.{name}: unknown key" for name in table]
    if len(faults) > before:
        return None
    settings = kind(**values)
    faults += [f"{where}.{fault}" for fault in settings.faults()]
    return settings


def _read_value(value: Any, kind: Any, where: str, base: Path, faults: list[str]) -> Any:
    """The value of one key, which may be a table or a list of tables; after a fault anything."""
    inner = next((one for one in typing.get_args(kind) if isinstance(one, type) and issubclass(one, Settings)), None)
    try:
        if inner is None:
            return _value(value, kind, base)
        if typing.get_origin(kind) is not list:
            return _convert(value, inner, where, base, faults)
        tables = _value(value, list[Any], base)
    except msgspec.ValidationError as error:
        return faults.append(f"{where}: {_fault(error, kind)}")
    return [_convert(one, inner, f"{where}[{number}]", base, faults) for number, one in enumerate(tables)]


def _value(value: Any, kind: Any, base: Path) -> Any:
    def make(wanted: type, value: Any) -> Any:
        return _path(value, base) if wanted is Path else _secret(wanted, value)

    if not isinstance(value, EnvironmentText):
        return msgspec.convert(value, kind, dec_hook=make)
    if typing.get_origin(kind) is list:
        try:
            value = json.loads(value)
        except ValueError:
            raise msgspec.ValidationError("Expected a list as JSON") from None
        return msgspec.convert(value, kind)
    return msgspec.convert(str(value), kind, strict=False, dec_hook=make)


def _path(value: Any, base: Path) -> Path:
    if not isinstance(value, str):
        raise msgspec.ValidationError(f"Expected `str`, got `{type(value).__name__}`")
    return base / value


def _fault(error: msgspec.ValidationError, kind: Any) -> str:
    """What msgspec says, with the words a value may be instead of the unknown one it quotes."""
    text = str(error).split(" - at ")[0]
    words = ", ".join(f'"{word}"' for word in typing.get_args(kind))
    return f"expected one of {words}" if text.startswith("Invalid enum value") else text


def _is_secret(kind: Any) -> bool:
    return kind is Secret or (isinstance(kind, types.UnionType) and Secret in typing.get_args(kind))


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str) and value:
        return Secret(value)
    found = "an empty one" if value == "" else f"`{type(value).__name__}`"
    raise msgspec.ValidationError(f"Expected `str`, got {found}")


def _secret_file(base: Path, file: Any, where: str, faults: list[str]) -> Secret | None:
    if not isinstance(file, str):
        faults.append(f"{where}: Expected `str`")
        return None
    path = base / file
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        faults.append(f"{where}: cannot be read: {getattr(error, 'strerror', None) or 'not a text file'}")
        return None
    if not value:
        faults.append(f"{where}: is empty")
        return None
    return Secret(value, path)


def _overlay(tree: dict[str, Any], environ: Mapping[str, str], faults: list[str]) -> None:
    """Lay `CONFGRAPH_A__B=value` over `tree["a"]["b"]`."""
    linked = _linked(environ)
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        *tables, key = name[len(PREFIX) :].lower().split("__")
        if not tables:
            if not name.startswith(linked) and (meant := _meant(key, tree)):
                faults.append(f"{name}: two underscores stand between levels: {meant}")
            continue
        if tables[0] not in {*TABLES, "sources", *tree}:
            faults.append(f"{name}: no such table; expected one of {', '.join([*TABLES, 'sources'])}")
            continue
        node = tree
        for table in tables:
            child = node.setdefault(table, {})
            if not isinstance(child, dict):
                faults.append(f"{name}: {table} is no table")
                break
            node = child
        else:
            node[key] = EnvironmentText(text)
            other = key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"
            if not isinstance(node.get(other), EnvironmentText):
                node.pop(other, None)  # a secret may change its form on the way from the file to the environment


def _linked(environ: Mapping[str, str]) -> tuple[str, ...]:
    """How variables begin that Kubernetes sets: for a service confgraph-cache CONFGRAPH_CACHE_PORT, among others."""
    services = [name.removesuffix("SERVICE_HOST") for name in environ if name.endswith("_SERVICE_HOST")]
    return tuple(service + part for service in services for part in ("SERVICE_", "PORT"))


def _meant(name: str, tree: dict[str, Any]) -> str | None:
    """The variable that is meant by one without levels; None where it names no table: that is none of ours."""
    if name in TABLES:
        return f"{PREFIX}{name}__KEY".upper()
    sources = tree.get("sources")
    places = [["auth", "jwt"], *([table] for table in TABLES)]
    places += [["sources", source] for source in (sources if isinstance(sources, dict) else ())]
    for place in places:
        before = "_".join(place) + "_"
        if name.startswith(before):
            return PREFIX + "__".join([*place, name[len(before) :]]).upper()
    return f"{PREFIX}SOURCES__NAME__KEY" if name.startswith("sources_") else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"configuration: {path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"configuration: {path} is not UTF-8"]) from None
