"""What asking SYSTEC costs.

A meeting is asked for by uuid, without days first and then in the two stretches of a month, one meeting after the
other; where uuids are passed over, all the days are read. One that was met before is read from its days.
"""

from graph.vendors.costs import Costs, Weight

MOST_REQUESTS = 40  # for one answer out of a whole range: 12,000 meetings, in some seconds
_LOOKUP = Weight(once=4, each=3)
_AGAIN = Weight(once=4, each=1, batch=20)

COSTS = Costs(
    conferences=_LOOKUP,
    conferences_met=_AGAIN,
    calls=_LOOKUP,
    members_of=_AGAIN,
    calls_of=_AGAIN,
    rooms=Weight(each=2),
    room_list=MOST_REQUESTS,
    usage_by=MOST_REQUESTS,
)
