"""The configured sources, and asking several of them at once without one failure emptying the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from graph import clock
from graph.cache.store import WindowStore
from graph.errors import UnknownSourceError, UnsupportedError, VendorError
from graph.freshness import note_fault
from graph.records import Capability, SourceError, SourceHealth, SourceResult, SourceResultStatus
from graph.settings import AppSettings, SourceSettings, account_of
from graph.transport.client import VendorClient
from graph.transport.local_quotas import LocalQuotas
from graph.transport.quotas import Quotas
from graph.vendors import VENDORS
from graph.vendors.base import Adapter, VendorSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """One configured account at one vendor, with its adapter and connections."""

    name: str
    spec: VendorSpec
    settings: SourceSettings
    adapter: Adapter
    client: VendorClient

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can be asked for."""
        return self.adapter.capabilities

    @cached_property
    def settle(self) -> timedelta:
        """After how long what has ended hardly changes any more."""
        return timedelta(hours=self.settings.settle_hours)

    def has_settled(self, instant: datetime | None) -> bool:
        """Whether what had ended at an instant hardly changes any more; None is no end."""
        return instant is not None and instant <= clock.now() - self.settle

    def health(self) -> SourceHealth:
        """How it fared lately."""
        return self.client.health()


@dataclass(frozen=True)
class Gathered(Generic[T]):
    """What several sources answered: the values of those that could, and what each contributed."""

    values: Mapping[str, T] = field(default_factory=dict)
    results: Mapping[str, SourceResult] = field(default_factory=dict)


class Fleet:
    """All sources of this process, by name."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = {source.name: source for source in sources}
        self._in_order = sorted(self.sources.values(), key=lambda source: source.name)

    def select(self, names: Sequence[str] | None = None, vendors: Iterable[str] | None = None) -> list[Source]:
        """The sources meant by a filter, ordered by name; `vendors` are VendorSpec names, None means all.

        Raises:
            UnknownSourceError: a name is not configured.
        """
        for name in names or ():
            if name not in self.sources:
                raise UnknownSourceError(f"There is no source named {name[:64]!r}.")
        wanted = self.sources if names is None else set(names)
        kinds = None if vendors is None else set(vendors)
        return [s for s in self._in_order if s.name in wanted and (kinds is None or s.spec.name in kinds)]

    def restricted(self, names: Collection[str] | None) -> "Fleet":
        """The part of it that is as if no other sources were configured; None is all of it."""
        if names is None:
            return self
        return Fleet(source for source in self.sources.values() if source.name in names)

    async def gather(
        self, names: Sequence[str] | None, capability: Capability, ask: Callable[[Source], Awaitable[T]]
    ) -> Gathered[T]:
        """Ask some sources, or all, at once; one that fails or cannot is told in `results`, the others answer.

        Raises:
            UnknownSourceError: a name is not configured.
        """
        values: dict[str, T] = {}

        async def one(source: Source) -> SourceResult:
            if capability not in source.capabilities:
                return SourceResult(source_name=source.name, status=SourceResultStatus.UNSUPPORTED)
            try:
                values[source.name] = await ask(source)
            except VendorError as error:
                return failed(source.name, error)
            return SourceResult(source_name=source.name, status=SourceResultStatus.OK, as_of=clock.now())

        results = await asyncio.gather(*(one(source) for source in self.select(names)))
        return Gathered(values, {result.source_name: result for result in results})

    async def aclose(self) -> None:
        """Close every source's connections."""
        await asyncio.gather(*(source.client.aclose() for source in self.sources.values()))


def failed(source: str, error: VendorError) -> SourceResult:
    """What a source that raised contributed."""
    unsupported = isinstance(error, UnsupportedError)
    status = SourceResultStatus.UNSUPPORTED if unsupported else SourceResultStatus.FAILED
    if not unsupported:
        note_fault()
    return SourceResult(source_name=source, status=status, error=SourceError.of(error))


def build_fleet(settings: AppSettings, quotas: Quotas | None = None, store: WindowStore | None = None) -> Fleet:
    """Make the sources of a configuration. Needs a running event loop; opens no connection yet.

    Args:
        settings: The configuration.
        quotas: Counts what is limited per account; by default what this process uses alone.
        store: Keeps what was read lately; by default each source keeps its own.
    """
    counted = quotas or LocalQuotas()
    return Fleet(_source(name, table, counted, store) for name, table in settings.sources.items())


def _source(name: str, settings: SourceSettings, quotas: Quotas, store: WindowStore | None) -> Source:
    spec = VENDORS[settings.vendor]
    client = VendorClient(name, settings, quotas, account_of(settings))
    adapter = spec.create_adapter(name, settings, client)
    adapter.store = store or adapter.store
    return Source(name, spec, settings, adapter, client)
