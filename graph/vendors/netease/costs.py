"""What asking NetEase costs: one request for whatever is asked, and one for each meeting whose members are wanted."""

from graph.vendors.costs import Costs, Weight

_DETAIL = Weight(each=1)

COSTS = Costs(
    plan=1,
    count=1,
    live=1,
    conferences=_DETAIL,
    conferences_met=_DETAIL,
    members_of=_DETAIL,
    usage=Weight(once=1),
)
