"""What a real browser lets the pages of other sites do."""

from typing import Any

import pytest
from e2e.tools import CHROMIUM, CHROMIUM_ARGUMENTS, CHROMIUM_PATH
from playwright.async_api import Page, async_playwright
from servers import serve
from starlette.responses import HTMLResponse

from graph.server import create_app
from graph.settings import AppSettings, ServerSettings

pytestmark = [pytest.mark.anyio, CHROMIUM]

ASK = """async ([url, method]) => {
  const query = "{ __typename }";
  const body = { method, headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) };
  const address = method === "GET" ? `${url}/graphql?query=${encodeURIComponent(query)}` : `${url}/graphql`;
  try {
    const reply = await fetch(address, method === "GET" ? {} : body);
    return { ...(await reply.json()).data, id: reply.headers.get("x-request-id") };
  } catch (error) {
    return error.name;
  }
}"""


async def ask(page: Page, url: str) -> list[Any]:
    """What a page gets by each method."""
    return [await page.evaluate(ASK, [url, method]) for method in ("GET", "POST")]


async def test_a_browser_lets_the_pages_of_one_origin_ask_and_no_others() -> None:
    """The other page comes from the same server by another name, which is another site."""
    async with serve(HTMLResponse("<title>An application</title>")) as address, async_playwright() as playwright:
        named = address.replace("127.0.0.1", "localhost")
        settings = AppSettings(server=ServerSettings(cors_origins=[named]))
        browser = await playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_ARGUMENTS)
        try:
            page = await browser.new_page()
            async with serve(create_app(settings)) as url:
                await page.goto(named)
                for answer in await ask(page, url):
                    assert answer["__typename"] == "Query"
                    assert answer["id"]
                await page.goto(address)
                assert await ask(page, url) == ["TypeError", "TypeError"]
        finally:
            await browser.close()
