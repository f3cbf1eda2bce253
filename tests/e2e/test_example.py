"""The example application as a person uses it: built, served beside confgraph, and driven in a browser.

`PYTHONPATH=tests python tests/e2e/test_example.py` takes the README's picture of it anew.
"""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.tools import CHROMIUM, CHROMIUM_ARGUMENTS, CHROMIUM_PATH
from faulty import answers, passes
from playwright.async_api import ConsoleMessage, Page, Request, WebSocket, WebSocketRoute, async_playwright, expect
from processes import ENVIRONMENT, started
from replicating import Replicas, replicas

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "examples" / "frontend"
PICTURE = ROOT / ".github" / "images" / "example.png"
BUILT = pytest.mark.skipif(
    shutil.which("npm") is None or not (FOLDER / "node_modules").is_dir(),
    reason="needs Node, and `npm ci --prefix examples/frontend`",
)
pytestmark = [pytest.mark.anyio, CHROMIUM, BUILT]

CLOSED = (*CHROMIUM_ARGUMENTS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
CONFERENCES = 900
LIVE = re.compile(r"[1-9]\d* live in [a-z, ]*quanshi")
CONFERENCE = {"__typename": "Conference", "sourceName": "acme"}
AWAY_S = 4.0
DOWN = "netease"
ONE_TRY = {DOWN: {"retries": 0, "breaker_failures": 0}}
IDS = "query($filter: ConferenceFilter) { conferences(filter: $filter, first: 1000) { nodes { id } complete } }"
DETAILS = """
query($id: ID!) {
  node(id: $id) {
    ... on Conference { members(first: 100) { nodes { displayName } } calls(first: 100) { nodes { displayName } } }
  }
}
"""


class Example:
    """The application in a browser, before a confgraph whose vendors can be made to fail.

    Attributes:
        faults: What the console was told as an error or a warning, what was thrown, and what was asked of other hosts.
        filter: What was asked for last.
    """

    def __init__(self, page: Page, url: str, confgraph: Replicas) -> None:
        self.page = page
        self.confgraph = confgraph
        self.faults: list[str] = []
        self.filter: dict[str, Any] = {}
        self.url = url
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._watch)
        page.on("websocket", self._watch_socket)

    async def open(self) -> None:
        """Go there, and see the first rows."""
        await self.page.goto(self.url)
        await self.page.locator(".row").first.wait_for()

    async def choose(self, button: str) -> None:
        """Press one of the filters, and see rows again."""
        await self.page.get_by_role("button", name=button, exact=True).click()
        await self.page.locator(".skeleton").wait_for(state="detached")

    async def rows(self) -> list[str]:
        """The ids of the rows that are shown."""
        ids: list[str] = await self.page.locator(".row").evaluate_all("rows => rows.map(row => row.id)")
        return ids

    async def scroll(self, until: str) -> list[str]:
        """Scroll down until a text is there; the ids of all rows."""
        end = self.page.get_by_text(until, exact=True)
        while not await end.is_visible():
            await self.page.mouse.wheel(0, 2000)
            await self.page.wait_for_timeout(30)
        return await self.rows()

    async def ids(self) -> set[str]:
        """The ids of all conferences of the filter, by one query."""
        listed = (await self.confgraph.ask(0, IDS, filter=self.filter))["conferences"]
        assert listed["complete"]
        return {row["id"] for row in listed["nodes"]}

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.faults.append(f"asked for {request.url}")
        if request.method == "POST":
            self.filter = json.loads(request.post_data or "")["variables"].get("filter") or self.filter

    def _watch_socket(self, socket: WebSocket) -> None:
        if not socket.url.startswith(self.url.replace("http", "ws")):
            self.faults.append(f"asked for {socket.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application, built."""
    return build(tmp_path_factory.mktemp("example"))


def build(folder: Path) -> Path:
    """Check its types and build it."""
    npm = shutil.which("npm")
    assert npm
    command = [npm, "run", "build", "--silent", "--", "--outDir", str(folder), "--emptyOutDir"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextlib.contextmanager
def served(site: Path, confgraph: str, port: int = 0) -> Iterator[str]:
    """Serve it on a port, by default a free one, /graphql being passed on to a confgraph; gives its URL."""
    node, vite = shutil.which("node"), FOLDER / "node_modules" / "vite" / "bin" / "vite.js"
    assert node
    command = (node, str(vite), "preview", str(FOLDER), "--outDir", str(site), "--port", str(port), "--strictPort")
    with started(*command, CONFGRAPH_URL=confgraph, NO_COLOR="1") as process:
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:[1-9]\d*/", line):
                yield found[0]
                return
        raise AssertionError(process.communicate()[1])


@contextlib.asynccontextmanager
async def running(site: Path, folder: Path) -> AsyncIterator[Example]:
    """The application before a confgraph of its own; nothing is asked yet."""
    async with (
        replicas(folder, "memory://", number=1, conferences=CONFERENCES, sources=ONE_TRY) as confgraph,
        async_playwright() as playwright,
    ):
        with served(site, confgraph.urls[0]) as url:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CLOSED)
            try:
                page = await browser.new_page(viewport={"width": 1280, "height": 800}, timezone_id="Asia/Shanghai")
                yield Example(page, url, confgraph)
            finally:
                await browser.close()


async def test_scrolling_shows_every_conference_once(site: Path, tmp_path: Path) -> None:
    """Those that begin or end meanwhile aside."""
    async with running(site, tmp_path) as example:
        await example.open()
        await example.choose("7 days")
        first = await example.rows()
        before = await example.ids()
        shown = await example.scroll("That is all.")
        after = await example.ids()
        assert 0 < len(first) <= len(before) / 2
        assert len(shown) == len(set(shown)) > 100
        assert before & after <= set(shown) <= before | after
        assert example.faults == []


async def test_details_tell_members_and_calls(site: Path, tmp_path: Path) -> None:
    """They open by keyboard too, and Escape leads back to the row."""
    async with running(site, tmp_path) as example:
        await example.open()
        await example.choose("7 days")  # a holiday has no calls
        await example.choose("hexmeet")
        page, (first, *_) = example.page, await example.rows()
        await page.locator(".row").first.press("Enter")
        details = page.get_by_label("Details")
        known = (await example.confgraph.ask(0, DETAILS, id=first))["node"]
        for name in ("Members", "Calls"):
            people = [row["displayName"] for row in known[name.lower()]["nodes"]]
            assert people
            listed = details.get_by_label(name).get_by_role("listitem")
            await expect(listed).to_have_count(len(people))
            for person in people:
                await expect(listed.filter(has_text=person).first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(details).to_have_count(0)
        await expect(page.locator(".row").first).to_be_focused()
        assert example.faults == []


async def test_what_a_source_owes_is_told_and_comes_once_it_answers(site: Path, tmp_path: Path) -> None:
    async with running(site, tmp_path) as example:
        example.confgraph.vendors[DOWN].fault = answers(b"", 503)
        await example.open()
        page, notice = example.page, example.page.locator(".notice")
        await expect(notice).to_contain_text("Some conferences are missing.")
        await expect(notice).to_contain_text(DOWN)
        await expect(page.locator(f".row [data-vendor={DOWN.upper()}]")).to_have_count(0)
        await page.wait_for_load_state("networkidle")  # where the rows end within sight, it reads on by itself
        example.confgraph.vendors[DOWN].fault = passes
        await notice.get_by_role("button", name="Try again").click()
        await expect(notice).to_have_count(0)
        shown = await example.scroll("That is all.")
        assert await page.locator(f".row [data-vendor={DOWN.upper()}]").count() > 0
        assert len(shown) == len(set(shown))
        assert example.faults == []


async def test_what_is_going_on_is_counted_as_it_happens(site: Path, tmp_path: Path) -> None:
    async with running(site, tmp_path) as example:
        await example.open()
        await expect(example.page.locator(".live")).to_have_text(LIVE)
        assert example.faults == []


async def test_who_is_counted_comes_back_after_a_server_was_away(site: Path, tmp_path: Path) -> None:
    """Whoever is refused a connection tries again; meanwhile the badge says that it knows nothing."""
    async with running(site, tmp_path) as example:
        live = example.page.locator(".live")
        with served(site, example.confgraph.urls[0]) as example.url:
            await example.open()
            await expect(live).to_have_text(LIVE)
        await expect(live).to_have_text("reconnecting…")
        await asyncio.sleep(AWAY_S)
        await expect(live).to_have_text("reconnecting…")
        assert example.faults
        assert all("ERR_CONNECTION_REFUSED" in fault for fault in example.faults)
        with served(site, example.confgraph.urls[0], int(example.url.rsplit(":", 1)[1].strip("/"))):
            await expect(live).to_have_text(LIVE, timeout=30_000)


async def test_a_list_that_cannot_be_refreshed_stays(site: Path, tmp_path: Path) -> None:
    async with running(site, tmp_path) as example:
        await example.open()
        shown, notice = await example.rows(), example.page.locator(".notice")
        refresh = example.page.get_by_role("button", name="Refresh")
        await example.page.route("**/graphql", lambda route: route.abort())
        await refresh.click()
        await expect(notice).to_contain_text("could not be refreshed")
        assert await example.rows() == shown
        await example.page.unroute_all()
        until = example.filter["during"]["to"]
        await refresh.click()
        await expect(notice).to_have_count(0)
        assert await example.rows()
        assert example.filter["during"]["to"] > until
        assert all("ERR_FAILED" in fault for fault in example.faults)


async def test_what_ended_during_a_break_is_counted_no_more(site: Path, tmp_path: Path) -> None:
    """Here the test itself is at the other end of the WebSocket."""
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        going_on = ("one", "two") if len(sockets) == 1 else ("two",)

        def answer(message: str | bytes) -> None:
            asked = json.loads(message)
            if asked["type"] == "connection_init":
                socket.send('{"type": "connection_ack"}')
            elif asked["type"] == "subscribe":
                for conference in going_on:
                    event = {"kind": "STARTED", "conference": {**CONFERENCE, "id": conference}}
                    payload = {"data": {"liveConferences": {"__typename": "ConferenceEvent", **event}}}
                    socket.send(json.dumps({"id": asked["id"], "type": "next", "payload": payload}))

        socket.on_message(answer)

    async with running(site, tmp_path) as example:
        await example.page.route_web_socket("**/graphql", connect)
        await example.open()
        live = example.page.locator(".live")
        await expect(live).to_have_text("2 live in acme")
        await sockets[0].close(code=1012)
        await expect(live).to_have_text("1 live in acme", timeout=30_000)
        assert example.faults == []


async def test_a_narrow_screen_needs_no_scrolling_sideways(site: Path, tmp_path: Path) -> None:
    async with running(site, tmp_path) as example:
        await example.page.set_viewport_size({"width": 360, "height": 740})
        await example.open()
        width = "document.documentElement.scrollWidth"
        assert await example.page.evaluate(width) <= 360
        await example.page.locator(".row").first.click()
        await expect(example.page.get_by_label("Members")).to_be_visible()
        assert await example.page.evaluate(width) <= 360
        assert example.faults == []


async def take_picture(picture: Path) -> None:
    """Take a picture of the list beside the details of a conference that many joined."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(build(Path(folder, "site")), Path(folder)) as example:
            page = example.page
            await example.open()
            await example.choose("3 days")
            many = page.locator(".row", has=page.locator("[data-vendor=HEXMEET]")).filter(
                has_text=re.compile(r"\b[789] at once")
            )
            await many.first.click()
            await page.get_by_label("Calls").get_by_role("listitem").first.wait_for()
            await page.mouse.move(0, 0)
            await page.wait_for_timeout(500)
            picture.parent.mkdir(exist_ok=True)
            await page.screenshot(path=picture)


if __name__ == "__main__":
    asyncio.run(take_picture(PICTURE))
