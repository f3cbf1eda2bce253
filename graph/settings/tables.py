"""What can be configured: one type per table, with its defaults and what no type can say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from graph.errors import ConfigError
from graph.settings.addresses import certificates_fault, is_origin, is_private, url_fault
from graph.settings.auth import AuthSettings
from graph.settings.base import Settings
from graph.settings.manifest import manifest_fault
from graph.settings.secret import Secret
from graph.telemetry.traces import can_trace


class SourceSettings(Settings, frozen=True):
    """What every source has. A vendor adds its own keys and its page size.

    Attributes:
        base_url: Scheme, host and an optional prefix; the documented path is appended.
        ca_file: Certificates in PEM of authorities that may vouch for the vendor, besides those everybody trusts.
        allow_plain_http: Send credentials over http:// to another machine.
        timeout_s: For one vendor request: waiting for its turn, its repetitions and its whole body included.
        max_connections: Requests at the vendor at once; more wait their turn.
        max_requests_per_second: More wait their turn; 0 is no limit.
        retries: How often a request that may be sent again is, at most, when the vendor is briefly unwell.
        breaker_failures: After so many failures in a row the source is left alone for a while; 0 is never.
        breaker_open_s: For how long it is left alone; then one request tries.
        max_body_mb: A longer answer is not read on.
        time_filter: What the vendor's range filters.
        max_conference_hours: No conference lasts longer: how far back to read for legs that come with theirs.
        settle_hours: Older windows hardly change any more.
        lookup_days: How far back to search where a vendor has no look-up by id.
        unaccounted: The keys that change nothing in what is answered, and credentials that are renewed all the time:
            they make no other account of a source.
    """

    unaccounted: ClassVar[frozenset[str]] = frozenset(
        {
            "ca_file",
            "allow_plain_http",
            "timeout_s",
            "max_connections",
            "max_requests_per_second",
            "retries",
            "breaker_failures",
            "breaker_open_s",
            "max_body_mb",
            "page_size",
        }
    )

    vendor: str
    base_url: str
    ca_file: Path | None = None
    allow_plain_http: bool = False
    timeout_s: float = 10.0
    max_connections: int = 20
    max_requests_per_second: float = 100.0
    retries: int = 2
    breaker_failures: int = 5
    breaker_open_s: float = 10.0
    max_body_mb: int = 32
    page_size: int = 100
    time_zone: str = "Asia/Shanghai"
    time_filter: Literal["start", "end", "overlap", "creation"] = "start"
    max_conference_hours: int = 25
    settle_hours: int = 50
    lookup_days: int = 31

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = [*self._address_faults()]
        if not 0 < self.timeout_s <= 600:
            found.append("timeout_s: expected more than 0 and at most 600")
        ranges = {
            "max_connections": (1, 1000),
            "retries": (0, 10),
            "breaker_failures": (0, 1000),
            "max_body_mb": (1, 1024),
            "page_size": (1, 10_000),
            "max_conference_hours": (1, 1000),
            "lookup_days": (1, 3660),
        }
        for key, (least, most) in ranges.items():
            if not least <= getattr(self, key) <= most:
                found.append(f"{key}: expected {least} to {most}")
        if not 0 <= self.max_requests_per_second <= 100_000:
            found.append("max_requests_per_second: expected 0 (no limit) to 100000")
        if not 0 < self.breaker_open_s <= 3600:
            found.append("breaker_open_s: expected more than 0 and at most 3600")
        if not 2 * self.max_conference_hours <= self.settle_hours <= 100_000:
            found.append("settle_hours: expected at least twice max_conference_hours, and at most 100000")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            found.append("time_zone: expected a name such as Asia/Shanghai")
        return found

    def _address_faults(self) -> Iterator[str]:
        if fault := url_fault(self.base_url):
            yield f"base_url: {fault}"
        elif not (self.allow_plain_http or is_private(self.base_url)):
            yield "base_url: expected https://; http:// would show credentials on the way (allow_plain_http)"
        if self.ca_file and (fault := certificates_fault(self.ca_file)):
            yield f"ca_file: {fault}"

    def share(self, parts: int) -> Self:
        """The settings of one of several processes that use the account together, and do not count together.

        Raises:
            ConfigError: there is too little of something to give each a part; names the key.
        """
        return msgspec.structs.replace(
            self,
            max_connections=max(1, self.max_connections // parts),
            max_requests_per_second=self.max_requests_per_second / parts,
        )


class ServerSettings(Settings, frozen=True):
    """`[server]`.

    Attributes:
        cors_origins: Origins whose web pages may ask, such as https://app.example; "*" is all.
        persisted_queries: Know documents by their hashes, once somebody sent them.
        trusted_documents: A manifest; no other documents are answered.
        metrics: Serve /metrics for Prometheus.
        tracing: Send OpenTelemetry spans, as the variables OTEL_* say; needs the extra `tracing`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    request_timeout_s: float = 15.0
    page_budget: int = 10
    introspection: bool = True
    persisted_queries: bool = True
    trusted_documents: Path | None = None
    cors_origins: list[str] = msgspec.field(default_factory=list)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    playground: bool = True
    metrics: bool = True
    tracing: bool = False

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = []
        if not 0 <= self.port <= 65535:
            found.append("port: expected 0 to 65535")
        if not 0 < self.request_timeout_s <= 600:
            found.append("request_timeout_s: expected more than 0 and at most 600")
        if self.page_budget < 1:
            found.append("page_budget: expected at least 1")
        if self.trusted_documents and (fault := manifest_fault(self.trusted_documents)):
            found.append(f"trusted_documents: {fault}")
        if self.cors_origins != ["*"] and not all(map(is_origin, self.cors_origins)):
            found.append('cors_origins: expected origins as browsers send them, "https://app.example", or only "*"')
        if self.tracing and not can_trace():
            found.append("tracing: needs the extra of that name: pip install '.[tracing]'")
        return found


class CacheSettings(Settings, frozen=True):
    """`[cache]`.

    Attributes:
        url: `memory://`, or where the Valkey or Redis is that several processes share: `valkey://host:port/0`
            (`redis://` is the same, `valkeys://` and `rediss://` speak TLS).
        username: Of an account there, where it has one.
        password: Of that account.
        enabled: Keep what was read for a while, so that the next page finds it.
        max_mb: What one process keeps in its memory.
        answers_mb: What it keeps of whole answers besides, to give them again; 0 is none.
        stale_s: For how long what was read may still be served, marked STALE, while its source is down; 0 is never.
    """

    url: str = "memory://"
    username: str = ""
    password: Secret | None = None
    enabled: bool = True
    max_mb: int = 256
    answers_mb: int = 32
    stale_s: float = 600.0

    @property
    def is_shared(self) -> bool:
        """Whether several processes share one cache."""
        return self.url != "memory://"

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        found = []
        if self.is_shared and (fault := _cache_url_fault(self.url)):
            found.append(f"url: {fault}")
        if not self.is_shared and (self.username or self.password):
            found.append("url: memory:// takes no username and no password")
        if not 1 <= self.max_mb <= 1_000_000:
            found.append("max_mb: expected 1 to 1000000")
        if not 0 <= self.answers_mb <= 1_000_000:
            found.append("answers_mb: expected 0 (none) to 1000000")
        if not 0 <= self.stale_s <= 86_400:
            found.append("stale_s: expected 0 (never) to 86400")
        return found


class LimitsSettings(Settings, frozen=True):
    """`[limits]`: what one request may ask for, and how much one caller.

    Attributes:
        max_tokens: Words and signs of a document.
        max_depth: How deep fields and fragments may nest.
        max_fields: Fields of an operation, those of a fragment counted wherever it is spread.
        max_root_fields: Fields at the top of an operation.
        max_width: Fields selected of one object, repetitions counted: validation compares each with each.
        max_aliases: Fields of an operation that have an alias.
        max_directives: Directives of an operation, those of a fragment counted wherever it is spread.
        max_page_rows: Rows that all pages of a request may have together, by what it asks for.
        max_values: Values that the rows of an answer may have.
        max_cost: Requests to vendors that a request may take, as predicted.
        max_errors: Errors of an answer; the rest is summed up in one.
        max_body_kb: A longer body of a request is not read on.
        max_concurrent_requests: Requests that one process answers at once; more are refused.
        max_concurrent_per_caller: Requests of one caller that one process answers at once.
        max_subscriptions: Subscriptions that one process keeps open at once; more are refused.
        max_subscriptions_per_caller: Subscriptions of one caller that one process keeps open at once.
        cost_per_second: Requests to vendors that one caller may cause, in the long run; 0 is no limit.
    """

    max_tokens: int = 5000
    max_depth: int = 30
    max_fields: int = 2000
    max_root_fields: int = 50
    max_width: int = 150
    max_aliases: int = 100
    max_directives: int = 100
    max_page_rows: int = 5_000_000
    max_values: int = 250_000
    max_cost: int = 2000
    max_errors: int = 100
    max_body_kb: int = 256
    max_concurrent_requests: int = 256
    max_concurrent_per_caller: int = 64
    max_subscriptions: int = 256
    max_subscriptions_per_caller: int = 16
    cost_per_second: float = 100.0

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        least = {"cost_per_second": 0}
        most = {"max_depth": 100, "max_body_kb": 1_000_000}  # what nests deeper exhausts the stack
        found = []
        for key in self.__struct_fields__:
            lowest, highest = least.get(key, 1), most.get(key, 1_000_000_000)
            if not lowest <= getattr(self, key) <= highest:
                found.append(f"{key}: expected {lowest} to {highest}")
        return found


class ExecutionSettings(Settings, frozen=True):
    """`[execution]`.

    Attributes:
        compiled: Answer plain fields by compiled functions; else graphql-core resolves each by itself.
    """

    compiled: bool = True


class AppSettings(Settings, frozen=True):
    """The whole configuration; `sources` by name, in the order given."""

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    cache: CacheSettings = CacheSettings()
    limits: LimitsSettings = LimitsSettings()
    execution: ExecutionSettings = ExecutionSettings()
    sources: dict[str, SourceSettings] = msgspec.field(default_factory=dict)

    def faults(self) -> list[str]:
        """What no table can say alone: one `key: fault` each."""
        found = []
        if "*" in self.server.cors_origins and self.auth.mode == "none":
            found.append('server.cors_origins: "*" lets any web page ask everything while auth.mode is "none"')
        if self.sources:
            found += [f"auth.{fault}" for fault in self.auth.source_faults(list(self.sources))]
        return found

    def share(self, parts: int) -> Self:
        """The configuration of one of several processes: the whole where they count together, else its part.

        Raises:
            ConfigError: a source has too little of something to give each a part.
        """
        if self.cache.is_shared:
            return self
        sources: dict[str, SourceSettings] = {}
        faults: list[str] = []
        for name, settings in self.sources.items():
            try:
                sources[name] = settings.share(parts)
            except ConfigError as error:
                advice = "run fewer, or let them count together in a cache that they share (cache.url)"
                faults += [f"sources.{name}.{fault}: {advice}" for fault in error.faults]
        if faults:
            raise ConfigError(faults)
        limits = msgspec.structs.replace(self.limits, cost_per_second=self.limits.cost_per_second / parts)
        return msgspec.structs.replace(self, sources=sources, limits=limits)


def _cache_url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("valkey", "valkeys", "redis", "rediss") and parts.hostname and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.query or parts.fragment or not re.fullmatch(r"/?|/[0-9]{1,3}", parts.path):
        return "expected memory:// or valkey://host:port/0"
    if parts.username or parts.password:
        return "credentials do not belong into an address; there is a key for each"
    return None
