"""The weights of fields as the SDL tells them, for gateways: of one source of each vendor, whatever is configured.

`prices` goes by the same weights of the adapters, but by the sources there are, and by how much of what is asked.
"""

from strawberry.federation.schema_directives import Cost, ListSize

from graph.paging.args import DEFAULT_SIZE
from graph.paging.listing import FIRST_PAGE_BUDGET
from graph.records import Capability
from graph.vendors import VENDORS
from graph.vendors.base import Adapter
from graph.vendors.costs import Weight

ADAPTERS = [spec.create_adapter for spec in VENDORS.values()]

PAGE = ListSize(
    assumed_size=DEFAULT_SIZE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)


def dearest(name: str) -> Cost:
    """What a verb costs for one object, at the vendor where it costs most."""
    return Cost(weight=max(_weight(adapter, name) for adapter in ADAPTERS))


def together(name: str) -> Cost:
    """What a verb costs at all vendors."""
    return Cost(weight=sum(_weight(adapter, name) for adapter in ADAPTERS))


def lists(capability: Capability) -> Cost:
    """What the first page of a list by range costs at the vendors that have it; of the others what goes on is read."""
    ranged = [adapter for adapter in ADAPTERS if capability in adapter.capabilities]
    live = sum(adapter.costs.live for adapter in ADAPTERS if adapter not in ranged)
    pages = sum(FIRST_PAGE_BUDGET + adapter.costs.plan for adapter in ranged)
    return Cost(weight=pages + (live if capability is Capability.LIST_CONFERENCES else 0))


def narrowed(capability: Capability) -> Cost:
    """What the first page of a list of one room or media resource costs, at the vendor where it costs most."""
    ranged = [adapter for adapter in ADAPTERS if capability in adapter.capabilities]
    return Cost(weight=max(FIRST_PAGE_BUDGET + adapter.costs.plan for adapter in ranged))


def _weight(adapter: type[Adapter], name: str) -> int:
    found: Weight | int = getattr(adapter.costs, name)
    return found.of(1) if isinstance(found, Weight) else found
