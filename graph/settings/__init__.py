"""Configuration: a TOML file and the environment, made into frozen typed settings. Sole reader of the environment.

`CONFGRAPH_SOURCES__NETEASE__APP_SECRET=...` overrides `app_secret` of `[sources.netease]`. Any secret may be
given as `<key>_file`. Every fault is reported, one line each, naming its key and never its value.
"""

from graph.settings.reading import build, config_path, has_sources, load, parse
from graph.settings.secret import Secret, fits_header
from graph.settings.tables import (
    AppSettings,
    AuthSettings,
    CacheSettings,
    ExecutionSettings,
    ServerSettings,
    Settings,
    SourceSettings,
)

__all__ = [
    "AppSettings",
    "AuthSettings",
    "CacheSettings",
    "ExecutionSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "SourceSettings",
    "build",
    "config_path",
    "fits_header",
    "has_sources",
    "load",
    "parse",
]
