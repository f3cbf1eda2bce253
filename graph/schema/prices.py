"""What each field may cost, by its type and name: requests to vendors, source by source, and rows of pages.

Prices are bounds as far as the weights of the adapters are: a list by range is priced at its whole page budget, and
every row at each source that may have it. Only what a field resolves by itself is its price; a field that is not in
the table costs nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from graph.errors import RequestError
from graph.fleet import Source
from graph.ids import GlobalId, IdKind, decode_id
from graph.paging.listing import FIRST_PAGE_BUDGET
from graph.records import Capability, ConferenceState, McuKind
from graph.schema.arguments import Arguments
from graph.schema.call import TOLD_BY_CALLS
from graph.schema.federation import identify
from graph.schema.selection import Selection
from graph.schema.usage import MOST_DAYS
from graph.vendors.costs import Weight

TYPES = {
    IdKind.CONFERENCE: "Conference",
    IdKind.MEMBER: "Member",
    IdKind.CALL: "Call",
    IdKind.ROOM: "Room",
    IdKind.MCU_RESOURCE: "McuResource",
}


class Extent(NamedTuple):
    """Where the objects of a selection come from, and how many there may be.

    Attributes:
        sources: Each of them may have all.
        pages: How many answers hold them.
        rows: How many each holds at the most.
        is_fresh: Conferences that were read with what is selected on them.
        is_known: Calls and members of conferences that are at hand.
    """

    sources: tuple[Source, ...]
    pages: int = 1
    rows: int = 1
    is_fresh: bool = False
    is_known: bool = False

    def able(self, capability: Capability) -> "Extent":
        """Only the sources that can do something."""
        return self._replace(sources=tuple(source for source in self.sources if capability in source.capabilities))


@dataclass
class Bill:
    """What a document adds up to.

    Attributes:
        sources: Those there are, by name.
        page_budget: List requests per source and page.
        requests: By source, each of which may have every row.
        total: Of all of them together, each row being of one source only.
        rows: Of all pages.
    """

    sources: dict[str, Source]
    page_budget: int
    requests: Counter[str] = field(default_factory=Counter)
    total: int = 0
    rows: int = 0

    def add(self, source: Source, requests: int) -> None:
        """Add requests to one source."""
        if requests:
            self.requests[source.name] += requests
            self.total += requests

    def each(self, extent: Extent, weight: Callable[[Source], Weight]) -> None:
        """Add what is asked for the objects of an answer together."""
        if not extent.sources:
            return
        weights = {source.name: weight(source) for source in extent.sources}
        alone = {name: it.of(extent.rows) for name, it in weights.items()}
        for name, requests in alone.items():
            if requests:
                self.requests[name] += extent.pages * requests
        # Dealt out among the sources, each of which begins a batch of its own, the rows cost no more than this.
        dealt = max(alone.values()) + sum(it.of(1) for it in weights.values())
        self.total += extent.pages * min(sum(alone.values()), dealt)

    def once(self, extent: Extent, requests: Callable[[Source], int]) -> None:
        """Add what is asked once for all objects of a request."""
        for source in extent.sources:
            self.add(source, requests(source))

    def page(self, extent: Extent, size: int) -> Extent:
        """The rows of a page that every object has."""
        pages = extent.pages * extent.rows
        self.rows += pages * size
        return Extent(extent.sources, pages, size)

    def named(self, arguments: Arguments, capability: Capability | None = None) -> Extent:
        """The sources that `sources` and `vendors` leave."""
        names, vendors = arguments.texts("sources"), arguments.texts("vendors")
        extent = Extent(
            tuple(
                source
                for source in self.sources.values()
                if (names is None or source.name in names) and (vendors is None or source.spec.name.upper() in vendors)
            )
        )
        return extent.able(capability) if capability else extent

    def ranged(self, source: Source, arguments: Arguments, below: Selection) -> int:
        """What a page of a list by range may cost, its count included."""
        costs = source.adapter.costs
        counted = costs.count if _is_counted(below) else 0
        if not arguments.size and not counted:
            return 0
        budget = self.page_budget if arguments.has_cursor else min(self.page_budget, FIRST_PAGE_BUDGET)
        return costs.plan + budget + counted


Price = Callable[[Bill, Extent, Arguments, Selection], "Extent | list[tuple[str, Extent]]"]


def _is_counted(connection: Selection) -> bool:
    return connection.has("totalCount") or connection.below("sources").has("totalCount")


# ---- lists ------------------------------------------------------------------------------------------


def _conferences(bill: Bill, _: Extent, arguments: Arguments, below: Selection) -> Extent:
    wanted = arguments.inner("filter")
    extent = bill.named(wanted)
    chosen = wanted.texts("vendorIds")
    for source in extent.sources:
        if chosen is None:
            bill.add(source, _conference_list(bill, source, wanted, arguments, below))
        else:
            bill.add(source, _chosen(source, len(set(chosen)), arguments, below))
    return bill.page(extent, arguments.size)._replace(is_fresh=True)


def _conference_list(bill: Bill, source: Source, wanted: Arguments, arguments: Arguments, below: Selection) -> int:
    """The list of one source; nothing where what is wanted leaves none of its rows."""
    is_ranged = Capability.LIST_CONFERENCES in source.capabilities
    if not is_ranged and Capability.LIST_LIVE_CONFERENCES not in source.capabilities:
        return 0
    states_wanted, room = wanted.texts("states"), wanted.text("room")
    if states_wanted is not None:
        states = {state.name for state in source.adapter.states if is_ranged or state is ConferenceState.LIVE}
        if states.isdisjoint(states_wanted):
            return 0
    if room is not None and source.name not in _by_source([room]):
        return 0
    if is_ranged:
        return bill.ranged(source, arguments, below)
    return source.adapter.costs.live if arguments.size or _is_counted(below) else 0


def _chosen(source: Source, ids: int, arguments: Arguments, below: Selection) -> int:
    """Conferences by id, some at a time, until a page is full and its other side is known."""
    adapter = source.adapter
    is_read_on = _is_counted(below) or bool(arguments.inner("filter").names - {"vendorIds", "sources"})
    if not is_read_on:
        ids = min(ids, arguments.size + 2 * adapter.chosen_at_once) if arguments.size else 0
    batches, rest = divmod(ids, adapter.chosen_at_once)
    return batches * adapter.costs.conferences.of(adapter.chosen_at_once) + adapter.costs.conferences.of(rest)


def _calls(bill: Bill, _: Extent, arguments: Arguments, below: Selection) -> Extent:
    extent = bill.named(arguments.inner("filter"), Capability.LIST_CALLS)
    bill.once(extent, lambda source: bill.ranged(source, arguments, below))
    return bill.page(extent, arguments.size)


def _rooms(bill: Bill, _: Extent, arguments: Arguments, below: Selection) -> Extent:
    extent = bill.named(arguments.inner("filter"), Capability.LIST_ROOMS)
    bill.once(extent, lambda source: source.adapter.costs.room_list)
    rows = bill.page(extent, arguments.size)
    if below.rows().has("capacity"):
        bill.each(rows, lambda source: source.adapter.costs.capacities)
    return rows


def _mcu_resources(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    wanted = arguments.inner("filter")
    extent = bill.named(wanted, Capability.LIST_MCU_RESOURCES)
    kinds = 1 if wanted.text("kind") else len(McuKind)
    bill.once(extent, lambda source: kinds * source.adapter.costs.mcu_list)
    return bill.page(extent, arguments.size)


def _region_counts(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    extent = bill.named(arguments, Capability.COUNT_REGIONS)
    bill.once(extent, lambda source: source.adapter.costs.regions)
    return bill.page(extent, arguments.size)


# ---- reports ----------------------------------------------------------------------------------------


def _usage(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    days = arguments.inner("days")
    count = 1
    with suppress(TypeError, ValueError):
        count = (date.fromisoformat(days.text("to") or "") - date.fromisoformat(days.text("from") or "")).days + 1
    extent = bill.named(arguments, Capability.USAGE)
    bill.once(extent, lambda source: source.adapter.costs.usage.of(min(max(count, 1), MOST_DAYS)))
    return extent


def _usage_by(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    dimension = f"USAGE_BY_{arguments.text('dimension')}"
    extent = bill.named(arguments)
    if dimension in Capability.__members__:
        extent = extent.able(Capability[dimension])
    bill.once(extent, lambda source: source.adapter.costs.usage_by)
    return bill.page(extent, arguments.size)


def _live(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    extent = bill.named(arguments, Capability.LIVE_SUMMARY)
    bill.once(extent, lambda source: source.adapter.costs.live)
    return extent


def _live_conferences(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    """One event: the polls are not for this subscriber alone, and charged to nobody."""
    return bill.named(arguments, Capability.LIST_LIVE_CONFERENCES)


# ---- by id ------------------------------------------------------------------------------------------


def _conference(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> Extent:
    source = bill.sources.get(arguments.text("source") or "")
    extent = Extent((source,) if source else (), is_fresh=True)
    bill.each(extent, lambda source: source.adapter.costs.conferences)
    return extent


def _nodes(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> list[tuple[str, Extent]]:
    return _by_id(bill, _ids([*(arguments.texts("ids") or ()), arguments.text("id") or ""]))


def _entities(bill: Bill, _: Extent, arguments: Arguments, __: Selection) -> list[tuple[str, Extent]]:
    wanted = []
    for representation in arguments.objects("representations"):
        with suppress(Exception):  # whatever it is, it is told in its place
            wanted.append(identify(representation)[0])
    return _by_id(bill, wanted)


def _by_id(bill: Bill, wanted: Iterable[GlobalId]) -> list[tuple[str, Extent]]:
    """Objects by what their ids tell, those of a kind and source together."""
    found = []
    for (kind, name), count in Counter((it.kind, it.source_name) for it in set(wanted)).items():
        source = bill.sources.get(name)
        if source is None:
            continue
        extent = Extent((source,), rows=count, is_fresh=True, is_known=kind is IdKind.MEMBER)
        costs = source.adapter.costs
        weights = {
            IdKind.CONFERENCE: (costs.conferences,),
            IdKind.MEMBER: (costs.conferences, costs.members_of),
            IdKind.CALL: (costs.calls,),
            IdKind.ROOM: (costs.rooms,),
            IdKind.MCU_RESOURCE: (costs.mcu_resources,),
        }
        bill.add(source, sum(weight.of(count) for weight in weights[kind]))
        found.append((TYPES[kind], extent))
    return found


def _ids(texts: Iterable[str]) -> list[GlobalId]:
    """What ids name; those that name nothing cost nothing."""
    found = []
    for text in texts:
        with suppress(RequestError):
            found.append(decode_id(text))
    return found


def _by_source(texts: Iterable[str]) -> set[str]:
    return {wanted.source_name for wanted in _ids(texts)}


# ---- joins ------------------------------------------------------------------------------------------


def _members_of(bill: Bill, extent: Extent, arguments: Arguments, below: Selection) -> Extent:
    extent = extent.able(Capability.LIST_MEMBERS)
    _member_count(bill, extent, arguments, below)
    return bill.page(extent, arguments.size)._replace(is_known=True)


def _member_count(bill: Bill, extent: Extent, _: Arguments, __: Selection) -> Extent:
    bill.each(_without(extent, "members"), lambda source: source.adapter.costs.members_of)
    return extent


def _count_of_members(bill: Bill, extent: Extent, arguments: Arguments, below: Selection) -> Extent:
    needy = tuple(source for source in extent.sources if source.adapter.member_count_needs_members)
    return _member_count(bill, extent._replace(sources=needy), arguments, below)


def _calls_of(bill: Bill, extent: Extent, arguments: Arguments, _: Selection) -> Extent:
    extent = extent.able(Capability.LIST_CALLS)
    bill.each(_without(extent, "calls"), lambda source: source.adapter.costs.calls_of)
    return bill.page(extent, arguments.size)._replace(is_known=True)


def _without(extent: Extent, extra: str) -> Extent:
    """The sources whose conferences come without what is selected on them."""
    return extent._replace(
        sources=tuple(it for it in extent.sources if not (extent.is_fresh and getattr(it.adapter.embeds, extra)))
    )


def _conference_of(bill: Bill, extent: Extent, _: Arguments, below: Selection) -> Extent:
    if not extent.is_known and not below.names <= TOLD_BY_CALLS:
        bill.each(extent, lambda source: source.adapter.costs.conferences_met)
    return extent._replace(is_fresh=False)


def _room_id(bill: Bill, extent: Extent, _: Arguments, __: Selection) -> Extent:
    bill.each(extent, lambda source: source.adapter.costs.room_ids)
    return extent


def _capacity(bill: Bill, extent: Extent, _: Arguments, __: Selection) -> Extent:
    bill.each(extent, lambda source: source.adapter.costs.capacities)
    return extent


def _room_usage(bill: Bill, extent: Extent, _: Arguments, __: Selection) -> Extent:
    bill.once(extent, lambda source: source.adapter.costs.usage_by)
    return extent


def _room_conferences(bill: Bill, extent: Extent, arguments: Arguments, below: Selection) -> Extent:
    bill.each(extent, lambda source: Weight(each=bill.ranged(source, arguments, below)))
    return bill.page(extent, arguments.size)._replace(is_fresh=True)


def _mcu_calls(bill: Bill, extent: Extent, arguments: Arguments, below: Selection) -> Extent:
    bill.each(extent, lambda source: Weight(each=bill.ranged(source, arguments, below)))
    return bill.page(extent, arguments.size)


def _utilization(bill: Bill, extent: Extent, _: Arguments, __: Selection) -> Extent:
    bill.once(extent, lambda source: len(McuKind) * source.adapter.costs.mcu_list)
    return extent


PRICES: dict[tuple[str, str], Price] = {
    ("Query", "conferences"): _conferences,
    ("Query", "conference"): _conference,
    ("Query", "calls"): _calls,
    ("Query", "rooms"): _rooms,
    ("Query", "mcuResources"): _mcu_resources,
    ("Query", "regionCounts"): _region_counts,
    ("Query", "usage"): _usage,
    ("Query", "usageBy"): _usage_by,
    ("Query", "live"): _live,
    ("Query", "node"): _nodes,
    ("Query", "nodes"): _nodes,
    ("Query", "_entities"): _entities,
    ("Subscription", "liveConferences"): _live_conferences,
    ("Conference", "members"): _members_of,
    ("Conference", "memberCount"): _count_of_members,
    ("Conference", "calls"): _calls_of,
    ("Call", "conference"): _conference_of,
    ("Member", "conference"): _conference_of,
    ("Room", "vendorId"): _room_id,
    ("Room", "capacity"): _capacity,
    ("Room", "usage"): _room_usage,
    ("Room", "conferences"): _room_conferences,
    ("McuResource", "calls"): _mcu_calls,
    ("McuResource", "utilization"): _utilization,
}
# Objects of these types come from the sources that list them alone.
LISTED = {"Room": Capability.LIST_ROOMS, "McuResource": Capability.LIST_MCU_RESOURCES, "Call": Capability.LIST_CALLS}
