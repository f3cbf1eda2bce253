"""What asking HexMeet costs.

Nothing can be asked for by id, so rows are searched for, a page of a scroll each: how many is not known beforehand.
Groups are asked for a hundred at first, and again for more, six times at the most.
"""

from graph.vendors.costs import Costs, Weight

_GROUPS = 6
_SEARCH = Weight(once=12, each=1, batch=20)
_SCAN = Weight(once=3, each=1, batch=10)

COSTS = Costs(
    plan=1,
    count=1,
    live=1,
    conferences=_SEARCH,
    conferences_met=_SEARCH,
    calls=_SEARCH,
    members_of=_SCAN,
    calls_of=_SCAN,
    rooms=Weight(once=_GROUPS),
    room_ids=Weight(once=_GROUPS),
    capacities=Weight(once=11),
    mcu_resources=Weight(once=2 * _GROUPS),
    room_list=_GROUPS,
    mcu_list=_GROUPS,
    regions=1,
    usage=Weight(once=1, each=1, batch=90),  # one more wherever clocks change
    usage_by=_GROUPS,
)
