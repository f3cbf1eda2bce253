"""Adapters under test: accounts at a vendor of the test's own, and the documented bodies with changes."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from clients import once
from conftest import sample
from recorder import Recorder
from servers import serve

from graph.paging.windows import Window
from graph.settings import Secret
from graph.vendors.netease.adapter import NeteaseAdapter, NeteaseSettings
from graph.vendors.systec.adapter import SystecAdapter, SystecSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECRETS = ("hush-key-for-tests", "hush-secret-for-tests")
NETEASE_DAY = Window(datetime(2020, 12, 15, 16, tzinfo=UTC), datetime(2020, 12, 16, 16, tzinfo=UTC))
NETEASE_DAY_MS = (1608048000000, 1608134400000)
SYSTEC_DAY = Window(datetime(2017, 8, 30, 16, tzinfo=UTC), datetime(2017, 8, 31, 16, tzinfo=UTC))


def at(text: str) -> datetime:
    """An instant as clocks in Shanghai show it."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@contextlib.asynccontextmanager
async def netease(vendor: Recorder, **settings: Any) -> AsyncIterator[NeteaseAdapter]:
    """A NetEase source named `ne`."""
    async with serve(vendor) as url:
        keys = {"app_key": Secret(SECRETS[0]), "app_secret": Secret(SECRETS[1])}
        table = NeteaseSettings(**{"vendor": "netease", "base_url": url, **keys, **settings})
        async with contextlib.aclosing(once("ne", table)) as client:
            yield NeteaseAdapter("ne", table, client)


@contextlib.asynccontextmanager
async def systec(vendor: Recorder, **settings: Any) -> AsyncIterator[SystecAdapter]:
    """A SYSTEC source named `sy`."""
    async with serve(vendor) as url:
        keys = {"api_key": Secret(SECRETS[0]), "api_secret": Secret(SECRETS[1])}
        table = SystecSettings(**{"vendor": "systec", "base_url": url, **keys, **settings})
        async with contextlib.aclosing(once("sy", table)) as client:
            yield SystecAdapter("sy", table, client)


def netease_row(**changes: Any) -> dict[str, Any]:
    """The first documented row with some changes; None takes a key away."""
    changed = sample("netease-list")["ret"]["list"][0] | changes
    return {key: value for key, value in changed.items() if value is not None}


def netease_page(*rows: Any, total: int | None = None, pages: int = 1) -> dict[str, Any]:
    """A page of the list."""
    body: dict[str, Any] = sample("netease-list")
    body["ret"]["list"] = list(rows)
    body["ret"]["query"] |= {"totalCount": len(rows) if total is None else total, "totalPageCount": pages}
    return body


def netease_refusal(code: int) -> dict[str, Any]:
    """The documented failure with another code."""
    return {**sample("netease-error-401"), "code": code}


def systec_row(**changes: Any) -> dict[str, Any]:
    """The documented row with some changes."""
    return {**sample("systec-detail")["data"]["meetings"][0], **changes}


def systec_page(*rows: Any, total: int | None = None, has_next: bool = False) -> dict[str, Any]:
    """A page of the detail."""
    body: dict[str, Any] = sample("systec-detail")
    counted = {"total_record": len(rows) if total is None else total, "has_next_page": has_next}
    body["data"] |= {"meetings": list(rows), **counted}
    return body
