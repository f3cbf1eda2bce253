"""The account in the keys of what is shared: another for whatever changes an answer, and unreadable."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.sandbox.world import World
from graph.settings import Secret, account_of, build
from graph.vendors import VENDORS

TYPES = {spec.name: spec.settings for spec in VENDORS.values()}
WORLD = World(conferences=0)
CHOICES = {
    "base_url": "https://elsewhere.example",
    "ca_file": Path("ca.pem"),
    "time_filter": "end",
    "time_zone": "UTC",
    "daily_duration_unit": "s",
    "token_in": "body",
    "guid_mode": "refresh",
}


def another(value: Any, name: str) -> Any:
    """Another value of a setting."""
    if name in CHOICES:
        return CHOICES[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, Secret):
        return Secret(value.reveal() + "x")
    if isinstance(value, list):
        return [*value, 12345]
    return value + 1 if isinstance(value, int | float) else value + "x"


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_changes_an_answer_makes_another_account(vendor: str) -> None:
    table = {"vendor": vendor, "base_url": "https://meeting.example", **VENDORS[vendor].emulator_settings(WORLD)}
    settings = build({"sources": {"s": table}}, TYPES, {}).sources["s"]
    account = account_of(settings)
    assert account == account_of(build({"sources": {"s": table}}, TYPES, {}).sources["s"]), "in every process"
    assert re.fullmatch("[0-9a-f]{32}", account)
    for field in msgspec.structs.fields(settings):
        changed = msgspec.structs.replace(settings, **{field.name: another(getattr(settings, field.name), field.name)})
        assert (account_of(changed) == account) == (field.name in settings.unaccounted), field.name


def test_how_a_source_is_asked_makes_no_other_account() -> None:
    """Workers and replicas that differ in it share what they read."""
    unaccounted = set.union(*(set(spec.settings.unaccounted) for spec in VENDORS.values()))
    assert unaccounted == {
        "allow_plain_http",
        "breaker_failures",
        "breaker_open_s",
        "ca_file",
        "guid",
        "max_body_mb",
        "max_connections",
        "max_open_scrolls",
        "max_requests_per_second",
        "page_size",
        "retries",
        "scroll_timeout_s",
        "timeout_s",
    }
