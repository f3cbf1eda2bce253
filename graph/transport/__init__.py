"""One HTTP client per source, and the deadline of the request it serves."""
