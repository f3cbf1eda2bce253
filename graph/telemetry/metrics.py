"""The metrics, as /metrics serves them. Labels are few and known: no ids, no names of people.

Where several workers serve one port, each keeps its counts in a file of a folder that they share, and whichever is
asked adds them up. The library decides that when it is imported, by the variable that `share_metrics` of
`graph.settings` sets before the workers start.
"""

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)

REQUESTS = Counter("confgraph_requests", "GraphQL requests answered.", ["outcome"])
REQUEST_SECONDS = Histogram("confgraph_request_seconds", "Time to answer a GraphQL request.", buckets=SECONDS)
VENDOR_REQUESTS = Counter("confgraph_vendor_requests", "Requests sent to vendors.", ["source", "endpoint", "outcome"])
VENDOR_SECONDS = Histogram("confgraph_vendor_seconds", "Time a vendor took to answer.", ["source"], buckets=SECONDS)
VENDOR_RETRIES = Counter("confgraph_vendor_retries", "Requests sent to vendors again.", ["source"])
VENDOR_QUEUE = Gauge(
    "confgraph_vendor_queue_depth", "Vendor requests that wait their turn.", ["source"], multiprocess_mode="livesum"
)
BREAKER_OPEN = Gauge(
    "confgraph_breaker_open", "1 while a source is left alone.", ["source"], multiprocess_mode="livemax"
)
SUBSCRIPTIONS = Gauge("confgraph_subscriptions", "Subscriptions open now.", multiprocess_mode="livesum")
CACHE_LOOKUPS = Counter("confgraph_cache_lookups", "Windows, facts and whole answers looked for.", ["tier", "outcome"])
DRIFT = Counter(
    "confgraph_contract_drift", "What vendors answered unlike their contract.", ["source", "endpoint", "field", "kind"]
)


def exposition(folder: str | None) -> bytes:
    """All metrics as text: of this process, or of all that keep theirs in a folder."""
    if folder is None:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_process(pid: int, folder: str) -> None:
    """Drop what a process that is gone said of its present state; what it counted stays."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
