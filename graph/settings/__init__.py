"""Configuration: reads a TOML file and the environment into frozen typed settings. Only it reads the environment.

`CONFGRAPH_SOURCES__NETEASE__APP_SECRET=...` overrides `app_secret` of `[sources.netease]`. Any secret may be
given as `<key>_file`. All faults are reported, one line each, with the key and never the value.
"""

from graph.settings.account import account_of
from graph.settings.addresses import is_loopback
from graph.settings.auth import AuthSettings, JwtSettings, KeySettings
from graph.settings.base import Settings
from graph.settings.reading import build, config_path, has_sources, load, metrics_folder, parse, share_metrics
from graph.settings.secret import Secret, fits_header
from graph.settings.tables import (
    AppSettings,
    CacheSettings,
    ExecutionSettings,
    LimitsSettings,
    ServerSettings,
    SourceSettings,
)

__all__ = [
    "AppSettings",
    "AuthSettings",
    "CacheSettings",
    "ExecutionSettings",
    "JwtSettings",
    "KeySettings",
    "LimitsSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "SourceSettings",
    "account_of",
    "build",
    "config_path",
    "fits_header",
    "has_sources",
    "is_loopback",
    "load",
    "metrics_folder",
    "parse",
    "share_metrics",
]
