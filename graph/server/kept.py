"""Whole answers that are kept for a while, and given again to whoever asks just the same and may see as much.

Nothing is priced, executed or written then. An answer is kept for as long as `Cache-Control` allows its client to keep
it. What may still change in it serves others only where it would serve a walk that begins when they ask: for a second.
"""

from collections import OrderedDict
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from graph import clock
from graph.freshness import Freshness, seconds_to
from graph.identity import Identity, Scope
from graph.paging.shelf import JOIN_S
from graph.paging.windows import from_seconds, to_seconds
from graph.settings import CacheSettings
from graph.telemetry.metrics import CACHE_LOOKUPS

MOST = 16  # one answer takes at most this part of what there is
ENTRY_BYTES = 700  # of an answer beside its own and those that were asked, so that a million small ones are bounded too

_HIT, _MISS = (CACHE_LOOKUPS.labels("answers", outcome) for outcome in ("hit", "miss"))


class Question(NamedTuple):
    """What makes two requests the same: what was sent, byte by byte, by whom, and how it is to be answered.

    Attributes:
        method: GET or POST.
        sent: The query string of the one, the body of the other.
        media: The type of the answer; None is none that there is.
        is_packed: Whether it may be compressed.
        scopes: What who asks may read.
        sources: Whose rows it may see.
        is_gateway: Whether it comes by way of the gateway, which may ask more.
    """

    method: str
    sent: bytes
    media: str | None
    is_packed: bool
    scopes: frozenset[Scope]
    sources: frozenset[str] | None
    is_gateway: bool

    @classmethod
    def of(cls, method: str, sent: bytes, media: str | None, identity: Identity, *, is_packed: bool) -> "Question":
        """The question of one request."""
        return cls(method, sent, media, is_packed, identity.scopes, identity.sources, identity.is_gateway)


class KeptAnswer(msgspec.Struct, frozen=True):
    """One answer.

    Attributes:
        body: Its bytes.
        good_until: How long its client may keep it.
        kept_until: How long it is given again.
        gone_at: Likewise, by the monotonic clock, since the other one may be set back.
        operation: The name of what was asked, as the log tells it.
        is_packed: Whether the body is compressed.
    """

    body: bytes
    good_until: datetime
    kept_until: datetime
    gone_at: float
    operation: str | None = None
    is_packed: bool = False

    @classmethod
    def of(
        cls, body: bytes, extensions: dict[str, Any] | None, freshness: Freshness, operation: str | None
    ) -> "KeptAnswer":
        """What is kept of an answer: it will have cost no request to a vendor.

        Args:
            body: Of the answer, which ends with its extensions where it has any.
            extensions: What it tells beside its data.
            freshness: How long it is good.
            operation: The name of what was asked.
        """
        until = _kept_until(freshness)
        gone_at = clock.monotonic() + (until - clock.now()).total_seconds()
        return cls(_free(body, extensions), freshness.until, until, gone_at, operation)

    @property
    def max_age_s(self) -> int:
        """For how many whole seconds from now its client may keep it."""
        return seconds_to(self.good_until)


class KeptAnswers:
    """Answers by what was asked; those unused for longest go first.

    Args:
        max_bytes: About how much it holds at most; 0 keeps none.

    Attributes:
        bytes: About how much it holds.
    """

    def __init__(self, max_bytes: int) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Question, KeptAnswer] = OrderedDict()

    @classmethod
    def of(cls, settings: CacheSettings) -> "KeptAnswers":
        """Those of a configuration."""
        return cls(settings.answers_mb * 2**20 if settings.enabled else 0)

    @property
    def is_on(self) -> bool:
        """Whether any are kept."""
        return self._max_bytes > 0

    def find(self, question: Question) -> KeptAnswer | None:
        """The answer, where it is kept and still good."""
        if not self.is_on:
            return None
        kept = self._kept.get(question)
        if kept is not None and kept.kept_until > clock.now() and kept.gone_at > clock.monotonic():
            self._kept.move_to_end(question)
            _HIT.inc()
            return kept
        if kept is not None:
            self._drop(question)
        _MISS.inc()
        return None

    def keep(self, question: Question, answer: KeptAnswer) -> None:
        """Keep an answer, unless it is long, in the place of any other."""
        if question in self._kept:
            self._drop(question)
        weight = _weight(question, answer)
        if weight > self._max_bytes // MOST:
            return
        self._kept[question] = answer
        self.bytes += weight
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, question: Question) -> None:
        self.bytes -= _weight(question, self._kept.pop(question))


def _weight(question: Question, answer: KeptAnswer) -> int:
    return ENTRY_BYTES + len(question.sent) + len(answer.body)


def _kept_until(freshness: Freshness) -> datetime:
    """As `read_recent` has it: what would serve a walk that begins now."""
    if freshness.read_at is None:
        return freshness.until
    return min(freshness.until, from_seconds(to_seconds(freshness.read_at) + JOIN_S + 1))


def _free(body: bytes, extensions: dict[str, Any] | None) -> bytes:
    """A body that tells of no request to any vendor."""
    cost = (extensions or {}).get("cost")
    if not cost or not cost["actual"]:
        return body
    by_source = [{**one, "actual": 0} for one in cost["bySource"]]
    told = {**(extensions or {}), "cost": {**cost, "actual": 0, "bySource": by_source}}
    return body.removesuffix(msgspec.json.encode(extensions) + b"}") + msgspec.json.encode(told) + b"}"
