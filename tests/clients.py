"""Vendor clients for tests."""

from typing import Any

import msgspec

from graph.settings import SourceSettings
from graph.transport.client import VendorClient
from graph.transport.local_quotas import LocalQuotas

CALM = {"retries": 0, "breaker_failures": 0, "max_requests_per_second": 0.0}


def once(source: str, settings: SourceSettings, **changes: Any) -> VendorClient:
    """A client that sends each request once, however the source fares, so that its answers can be told beforehand."""
    return VendorClient(source, msgspec.structs.replace(settings, **{**CALM, **changes}), LocalQuotas(), "account")
