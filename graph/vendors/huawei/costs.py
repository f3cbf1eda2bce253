"""What asking Huawei costs: a request for each batch of ids, and one to renew the Guid. Members come along."""

from graph.vendors.costs import Costs, Weight


def costs_of(listed: int, batch: int) -> Costs:
    """The costs of a source that lists so many conferences as live, so many a request."""
    query = Weight(once=1, each=1, batch=batch)
    return Costs(live=query.of(listed), conferences=query, conferences_met=query)


COSTS = costs_of(1, 20)
