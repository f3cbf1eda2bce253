"""A Huawei of a test's own: its documented body with other rows, served to an adapter over real HTTP."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from answering import Answer, Asked, Vendor, answering
from clients import once
from conftest import sample
from starlette.responses import JSONResponse, Response

from graph.records import Conference
from graph.settings import Secret
from graph.vendors.base import Extras
from graph.vendors.huawei.adapter import HuaweiAdapter, HuaweiSettings

SAMPLE = sample("huawei-queryconfinfos")
CONF = SAMPLE["result"]["confs"][0]
GUID = "3b4e8d6a-made-up.AgentGateway1"
MODES = ["static", "refresh"]

QUERY = "/agentgateway/resource/agentconf/101/queryconfinfos"
RENEWAL = "/agentgateway/resource/onlineagent/101/updateGuid"


def refusal(code: str, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return JSONResponse({"message": f"Guid {GUID} refused", "retcode": code, "result": None}, status, headers)


def confs(*found: dict[str, Any]) -> dict[str, Any]:
    return {**SAMPLE, "result": {"confs": list(found)}}


def conf(number: int, **fields: Any) -> dict[str, Any]:
    return {**CONF, "confId": number, **fields}


def all_of(asked: Asked) -> Any:
    return confs(*(conf(number) for number in reversed(asked.body["confIds"])))


@contextlib.asynccontextmanager
async def connected(answer: Answer, **settings: Any) -> AsyncIterator[tuple[HuaweiAdapter, Vendor]]:
    """An adapter over real HTTP to a vendor that answers so."""
    async with answering(answer) as (url, vendor):
        table = HuaweiSettings(
            **{"vendor": "huawei", "base_url": url, "agent_id": "101", "guid": Secret(GUID), **settings}
        )
        client = once("agents", table)
        try:
            yield HuaweiAdapter("agents", table, client), vendor
        finally:
            await client.aclose()


def ids_asked(vendor: Vendor) -> list[list[int]]:
    return [asked.body["confIds"] for asked in vendor.asked if asked.path == QUERY]


def guids(vendor: Vendor) -> list[tuple[str, str]]:
    kinds = {QUERY: "query", RENEWAL: "renewal"}
    return [(kinds[asked.path], asked.headers["guid"]) for asked in vendor.asked]


async def get_one(adapter: HuaweiAdapter, vendor_id: str = "1029888") -> Conference:
    (conference,) = await adapter.get_conferences([vendor_id], Extras())
    assert isinstance(conference, Conference)
    return conference
