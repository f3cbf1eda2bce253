"""The store: what was read lately, in this process and, where replicas share a Valkey, in all of them.

Memory is looked at first and never waits; what is found in the shared tier is kept here for the rest of its life.
What comes without a codec stays in the process. Equal work at the same time is done once, by one of all replicas.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, cast

from graph.cache.codec import ERRORS, Codec
from graph.cache.flights import Flights
from graph.cache.leases import Lease
from graph.cache.memory import Memory, StoredWindow
from graph.cache.shared import SharedTier
from graph.errors import VendorError
from graph.settings import CacheSettings
from graph.telemetry.metrics import CACHE_LOOKUPS

if TYPE_CHECKING:
    from graph.cache.valkey import Valkey

T = TypeVar("T")

ERROR_TTL_S = 0.5

_HIT, _MISS, _STALE = (CACHE_LOOKUPS.labels("memory", outcome) for outcome in ("hit", "miss", "stale"))
_SHARED_HIT, _SHARED_MISS, _SHARED_STALE = (
    CACHE_LOOKUPS.labels("shared", outcome) for outcome in ("hit", "miss", "stale")
)


class WindowStore:
    """Windows and facts by key.

    Args:
        max_bytes: About how much this process keeps.
        enabled: False keeps nothing: every page reads for itself.
        stale_s: For how long a value can be had as stale, after it ceased to be fresh.
        valkey: What is shared with other processes; None where nothing is.
    """

    def __init__(
        self,
        max_bytes: float = 256 * 2**20,
        *,
        enabled: bool = True,
        stale_s: float = 600.0,
        valkey: "Valkey | None" = None,
    ) -> None:
        self.enabled = enabled
        self.memory = Memory(max_bytes)
        self._valkey = valkey if enabled else None
        self._shared = SharedTier(self._valkey) if self._valkey else None
        self._stale_s = stale_s
        self._flights = Flights()

    @classmethod
    def of(cls, settings: CacheSettings, valkey: "Valkey | None" = None) -> "WindowStore":
        """The store of a configuration."""
        return cls(settings.max_mb * 2**20, enabled=settings.enabled, stale_s=settings.stale_s, valkey=valkey)

    @property
    def is_shared(self) -> bool:
        """Whether it is shared with other processes."""
        return self._shared is not None

    # ---- windows ------------------------------------------------------------------------------

    async def find_window(
        self,
        lists: Sequence[str],
        instant: datetime,
        *,
        up: bool,
        since: datetime,
        codec: Codec[StoredWindow[Any]] | None = None,
        may_be_stale: bool = False,
    ) -> StoredWindow[Any] | None:
        """The window of a list that reaches farthest from an instant: upward from it, or downward to just before it.

        Args:
            lists: Where to look: the first that has any.
            instant: Where.
            up: Which way.
            since: Only one that has all rows which were there at this instant.
            codec: Of the list's windows, where they are shared.
            may_be_stale: Also one that is not fresh any more.
        """
        for name in lists:
            found = self.memory.find_window(name, instant, up=up, since=since, may_be_stale=may_be_stale)
            if found is not None:
                (_STALE if may_be_stale else _HIT).inc()
                return found
        _MISS.inc()
        if self._shared is None or codec is None:
            return None
        kept = await self._shared.find_window(
            lists, instant, up=up, since=since, codec=codec, may_be_stale=may_be_stale
        )
        if kept is None:
            _SHARED_MISS.inc()
            return None
        (_SHARED_STALE if may_be_stale else _SHARED_HIT).inc()
        name, (window, fresh_s, stale_s) = kept
        self.memory.put_window(name, window, fresh_s, stale_s)
        return window

    async def put_window(
        self,
        name: str,
        window: StoredWindow[Any],
        fresh_s: float,
        codec: Codec[StoredWindow[Any]] | None = None,
    ) -> None:
        """Keep a window of a list."""
        if self.enabled:
            self.memory.put_window(name, window, fresh_s, self._stale_s)
            if self._shared is not None and codec is not None:
                await self._shared.put_window(name, window, fresh_s, self._stale_s, codec)

    # ---- facts --------------------------------------------------------------------------------

    async def remember(
        self,
        name: str,
        value: T,
        fresh_s: float,
        codec: Codec[T] | None = None,
        *,
        may_get_stale: bool = False,
    ) -> None:
        """Keep a fact."""
        if self.enabled:
            stale_s = self._stale_s if may_get_stale else 0.0
            self.memory.put(name, value, fresh_s, stale_s)
            if self._shared is not None and codec is not None:
                await self._shared.put(name, value, fresh_s, stale_s, codec)

    async def recall(self, name: str, codec: Codec[T] | None = None, *, may_be_stale: bool = False) -> T | None:
        """The fact of that name, or None."""
        value = cast("T | None", self.memory.get(name, may_be_stale=may_be_stale))
        if value is not None:
            (_STALE if may_be_stale else _HIT).inc()
            return value
        _MISS.inc()
        if self._shared is None or codec is None:
            return None
        kept = await self._shared.get(name, codec, may_be_stale=may_be_stale)
        if kept is None:
            _SHARED_MISS.inc()
            return None
        (_SHARED_STALE if may_be_stale else _SHARED_HIT).inc()
        self.memory.put(name, kept.value, kept.fresh_s, kept.stale_s)
        return kept.value

    # ---- single flight --------------------------------------------------------------------------

    async def once(
        self,
        name: str,
        work: Callable[[], Awaitable[T]],
        *,
        look: Callable[[], Awaitable[T | None]] | None = None,
        said: Codec[T] | None = None,
        is_patient: bool = False,
        is_lasting: bool = False,
    ) -> T:
        """Do a piece of work, or wait for it where it is being done already, in this process or in another.

        The work keeps its own result. It belongs to nobody: see `Flights`.

        Args:
            name: Equal names, equal work.
            work: What to do.
            look: Finds the result where another process did it; without, every process works for itself.
            said: Writes a result that `look` would not find.
            is_patient: Whether a failure of a moment ago will do, instead of another try.
            is_lasting: It goes on though all who waited were cancelled.

        Raises:
            VendorError: what it failed with, for all who wait.
        """
        if is_patient and (told := self.memory.get(f"error\n{name}")) and (failure := ERRORS.decode(told)) is not None:
            raise failure
        return await self._flights.once(
            name, lambda: self._do(name, work, look, said, is_patient=is_patient), is_lasting=is_lasting
        )

    async def _do(
        self,
        name: str,
        work: Callable[[], Awaitable[T]],
        look: Callable[[], Awaitable[T | None]] | None,
        said: Codec[T] | None,
        *,
        is_patient: bool,
    ) -> T:
        try:
            if self._valkey is None or look is None:
                return await work()
            return await self._do_for_all(Lease(self._valkey, name), work, look, said, is_patient=is_patient)
        except VendorError as error:
            if self.enabled:  # written, since an error itself holds on to all that was at hand when it came about
                self.memory.put(f"error\n{name}", ERRORS.encode(error), ERROR_TTL_S)
            raise

    async def _do_for_all(
        self,
        lease: Lease,
        work: Callable[[], Awaitable[T]],
        look: Callable[[], Awaitable[T | None]],
        said: Codec[T] | None,
        *,
        is_patient: bool,
    ) -> T:
        """Work under a lease; while another process has it, wait for what that finds."""
        if is_patient and (error := await lease.last_error()) is not None:
            raise error
        while True:
            async with lease.held() as is_mine:
                if is_mine:
                    found = await look()  # somebody may have finished just before
                    return found if found is not None else await _work_for_all(lease, work, said)
            told = await lease.follow(said)
            if told is None:
                told = await look()
            if told is not None:
                return told


class OwnStore(WindowStore):
    """What one page keeps for itself: it is gone with the page, and nobody else waits for its work."""

    def __init__(self) -> None:
        super().__init__(inf)

    async def once(self, name: str, work: Callable[[], Awaitable[T]], **_: object) -> T:  # noqa: ARG002 - the same for all
        """Do a piece of work."""
        return await work()


async def _work_for_all(lease: Lease, work: Callable[[], Awaitable[T]], said: Codec[T] | None) -> T:
    """Work, and tell those who wait elsewhere how it ended."""
    try:
        result = await work()
    except VendorError as error:
        await lease.tell(error=error)
        raise
    await lease.tell(said=said.encode(result) if said else None)
    return result
