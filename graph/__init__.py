"""confgraph: one GraphQL API over the reporting interfaces of five video-conferencing vendors."""

__version__ = "0.1.0"
