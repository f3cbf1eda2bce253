"""What asking Quanshi costs: whatever is asked, the whole list of what goes on is read, 50 conferences a page."""

from graph.vendors.costs import Costs, Weight

_PAGES = 10

COSTS = Costs(live=_PAGES, conferences=Weight(once=_PAGES), conferences_met=Weight(once=_PAGES))
