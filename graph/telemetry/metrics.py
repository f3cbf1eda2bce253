"""The metrics of one process, as /metrics serves them. Labels are few and known: no ids, no names of people."""

from prometheus_client import Counter, Gauge, Histogram

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
CACHE_LOOKUPS = Counter("confgraph_cache_lookups", "Windows and facts looked for.", ["tier", "outcome"])
DRIFT = Counter(
    "confgraph_contract_drift", "What vendors answered unlike their contract.", ["source", "endpoint", "field", "kind"]
)
