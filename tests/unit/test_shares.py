"""What each of several processes may use of an account, where they do not count together."""

from typing import Any

import msgspec
import pytest
from worlds import TYPES

from graph.errors import ConfigError
from graph.settings import AppSettings, build

HEX = {
    "vendor": "hexmeet",
    "base_url": "https://hex.example",
    "token": "t",
    "agent_id": 1,
    "company_id": 2,
    "dept_id": 3,
}
ROOMS = {"vendor": "quanshi", "base_url": "https://quanshi.example", "token": "t"}


def configuration(cache: dict[str, Any] | None = None, **sources: dict[str, Any]) -> AppSettings:
    return build({"cache": cache or {}, "sources": sources}, TYPES, {})


def test_each_gets_its_part_of_what_is_limited_and_the_rest_whole() -> None:
    limits = {"max_connections": 20, "max_requests_per_second": 100, "max_open_scrolls": 7}
    whole = configuration(hex={**HEX, **limits}, rooms={**ROOMS, "max_connections": 2})
    part = whole.share(3)
    parts = {"max_connections": 6, "max_requests_per_second": 100 / 3, "max_open_scrolls": 2}
    assert part.sources["hex"] == msgspec.structs.replace(whole.sources["hex"], **parts)
    assert part.sources["rooms"].max_connections == 1, "one at least"
    assert part.limits == msgspec.structs.replace(whole.limits, cost_per_second=whole.limits.cost_per_second / 3)
    assert msgspec.structs.replace(part, sources=whole.sources, limits=whole.limits) == whole


def test_no_limit_stays_none() -> None:
    part = configuration(hex={**HEX, "max_requests_per_second": 0, "max_open_scrolls": 0}).share(50).sources["hex"]
    assert (part.max_requests_per_second, getattr(part, "max_open_scrolls", None)) == (0, 0)


def test_fewer_scrolls_than_processes_are_refused_for_every_source_that_has_them() -> None:
    whole = configuration(a=HEX, b={**HEX, "max_open_scrolls": 5}, c={**HEX, "max_open_scrolls": 1}, rooms=ROOMS)
    with pytest.raises(ConfigError) as caught:
        whole.share(5)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "sources.a.max_open_scrolls",
        "sources.c.max_open_scrolls",
    ]
    assert all("cache.url" in fault and "fewer" in fault for fault in caught.value.faults)


def test_who_counts_together_has_the_whole() -> None:
    whole = configuration({"url": "valkey://127.0.0.1:6379/0"}, hex=HEX)
    assert whole.share(50) is whole
