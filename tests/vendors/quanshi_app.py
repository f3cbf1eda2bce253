"""A Quanshi of a test's own: its documented body with other rows, served to an adapter over real HTTP."""

import contextlib
import copy
from collections.abc import AsyncIterator
from typing import Any

from answering import Answer, Asked, Vendor, answering
from clients import once
from conftest import sample

from graph.settings import Secret
from graph.vendors.quanshi.adapter import QuanshiAdapter, QuanshiSettings

SAMPLE = sample("quanshi-listbystatus")
ROW = SAMPLE["result"]["confList"][0]
TOKEN = "made-up-token"


@contextlib.asynccontextmanager
async def connected(answer: Answer, **settings: Any) -> AsyncIterator[tuple[QuanshiAdapter, Vendor]]:
    """An adapter over real HTTP to a vendor that answers so."""
    async with answering(answer) as (url, vendor):
        table = QuanshiSettings(
            **{"vendor": "quanshi", "base_url": f"{url}/prefix", "token": Secret(TOKEN), **settings}
        )
        client = once("meetings", table)
        try:
            yield QuanshiAdapter("meetings", table, client), vendor
        finally:
            await client.aclose()


def bodies(vendor: Vendor) -> list[Any]:
    return [asked.body for asked in vendor.asked]


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {**ROW, "conferenceId": str(number), **fields}


def paged(rows: list[dict[str, Any]], total: int | None = None) -> Answer:
    """A vendor that serves these rows by page and count."""

    def answer(asked: Asked) -> Any:
        body = asked.body
        start = (body["page"] - 1) * body["count"]
        body_of_page = copy.deepcopy(SAMPLE)
        body_of_page["result"] = {
            "totalCount": len(rows) if total is None else total,
            "confList": rows[start : start + body["count"]],
        }
        return body_of_page

    return answer
