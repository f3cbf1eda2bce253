"""The playground as a person uses it: in a browser, with the network closed.

`PYTHONPATH=tests python tests/e2e/test_playground.py` takes the README's picture of it anew.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from e2e.tools import CHROMIUM, CHROMIUM_ARGUMENTS, CHROMIUM_PATH, confgraph_process
from playgrounds import PLAYGROUND, examples, has_rows
from playwright.sync_api import ConsoleMessage, Page, Route, WebSocket, expect, sync_playwright

pytestmark = [CHROMIUM, PLAYGROUND]

PICTURE = Path(__file__).parent.parent.parent / ".github" / "images" / "playground.png"
PATIENCE_MS = 30_000
NOTED_MS = 1500  # GraphiQL notes by then what a tab has, headers too; its history keeps that
CLOSED = (*CHROMIUM_ARGUMENTS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
KEY = "cgk_a-key-for-this-test-only"
KEYS = {
    "CONFGRAPH_AUTH__MODE": "keys",
    "CONFGRAPH_AUTH__KEYS": json.dumps([{"name": "one", "sha256": sha256(KEY.encode()).hexdigest()}]),
}


class Playground:
    """The page in a browser.

    Attributes:
        page: Of Playwright.
        faults: What the console was told as an error or a warning, what was thrown, and what was asked of other hosts.
        sockets: The WebSockets that were opened.
        variables: What was sent as such last.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.sockets: list[WebSocket] = []
        self.variables: dict[str, Any] | None = None
        self._url = url
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.context.route("**/*", self._admit)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("websocket", self._connect)
        page.goto(f"{url}/graphql")
        page.locator(".graphiql-query-editor .view-line").first.wait_for()

    def open(self, title: str) -> None:
        """Open an example."""
        self.page.get_by_label("Examples", exact=True).get_by_role("button", name=re.compile(f"^{title} ")).click()

    def start(self) -> None:
        """Execute what is in the editor, or stop it."""
        self.page.locator(".graphiql-execute-button").click()

    def run(self) -> dict[str, Any]:
        """Execute what is in the editor, and see its answer."""
        with self.page.expect_response(f"{self._url}/graphql") as reply:
            self.start()
        answer: dict[str, Any] = reply.value.json()
        self.variables = (reply.value.request.post_data_json or {}).get("variables")
        self.shows('"data"' if "data" in answer else '"errors"')
        return answer

    def shows(self, text: str) -> None:
        """Wait until a text is among what was answered."""
        expect(self.page.locator(".result-window")).to_contain_text(text, timeout=PATIENCE_MS)

    def enter(self, editor: str, text: str) -> None:
        """Paste other variables or headers."""
        self.page.get_by_role("button", name=editor, exact=True).click()
        self._paste(".graphiql-editor-tool .graphiql-editor:not(.hidden)", text)

    def write(self, query: str) -> None:
        """Paste another query."""
        self._paste(".graphiql-query-editor .view-lines", query)

    def _paste(self, editor: str, text: str) -> None:
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.locator(editor).click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")

    def _admit(self, route: Route) -> None:
        if route.request.url.startswith(f"{self._url}/"):
            route.continue_()
        else:
            self.faults.append(f"asked for {route.request.url}")
            route.abort()

    def _connect(self, socket: WebSocket) -> None:
        self.sockets.append(socket)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)


@contextlib.contextmanager
def opened(environment: Mapping[str, str] = MappingProxyType({}), *, width: int = 1280) -> Iterator[Playground]:
    """The playground of a confgraph over the sandbox."""
    with confgraph_process(**environment) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CLOSED)
        try:
            yield Playground(browser.new_page(viewport={"width": width, "height": 800}), url)
        finally:
            browser.close()


def test_every_example_runs_and_pages_follow_one_another() -> None:
    with opened() as playground:
        for example in examples():
            if example.query.startswith("query"):
                playground.open(example.title)
                answer = playground.run()
                assert set(answer["data"]) == example.fields
                assert has_rows(answer), example.title
                assert ("errors" in answer) == (example.title == "Data and an error")

        playground.open("Page by page")
        ids: list[str] = []
        for _ in range(3):
            page = playground.run()["data"]["conferences"]
            ids += [row["id"] for row in page["nodes"]]
            assert playground.variables
            after = {**playground.variables, "after": page["pageInfo"]["endCursor"]}
            playground.enter("Variables", json.dumps(after))
        assert len(ids) == len(set(ids)) == 15
        assert playground.faults == []


def test_the_docs_tell_what_can_be_asked() -> None:
    with opened() as playground:
        page = playground.page
        page.get_by_role("button", name="Show Documentation Explorer").click()
        page.get_by_role("link", name="Query", exact=True).click()
        page.get_by_role("link", name="conferences", exact=True).click()
        docs = page.get_by_role("region", name="Documentation Explorer")
        expect(docs).to_contain_text("Conferences of every source, merged into one list ordered by sort time")
        expect(docs).to_contain_text("ConferenceFilter")
        assert playground.faults == []


def test_a_subscription_tells_what_goes_on_until_it_is_stopped() -> None:
    with opened() as playground:
        playground.open("As it happens")
        playground.start()
        playground.shows('"liveConferences"')
        playground.shows('"STARTED"')
        (socket,) = playground.sockets
        with socket.expect_event("close"):
            playground.start()
        assert playground.faults == []


def test_another_example_ends_the_subscription_of_the_one_before() -> None:
    """Else its events would come between the answers of the other."""
    with opened() as playground:
        playground.open("As it happens")
        playground.start()
        playground.shows('"STARTED"')
        (socket,) = playground.sockets
        with socket.expect_event("close"):
            playground.open("Sources")
        assert has_rows(playground.run())
        assert playground.faults == []


def test_on_a_telephone_the_answer_goes_below_the_query() -> None:
    """And the examples make room for the one that is opened."""
    with opened(width=390) as playground:
        page = playground.page
        page.get_by_role("button", name="Show Examples").click()
        playground.open("Sources")
        expect(page.get_by_label("Examples", exact=True)).to_have_count(0)
        assert has_rows(playground.run())
        answer, query = (page.locator(name).bounding_box() for name in (".result-window", ".graphiql-query-editor"))
        assert answer
        assert query
        assert answer["width"] > 200
        assert answer["y"] >= query["y"] + query["height"]
        assert playground.faults == []


def test_a_key_goes_along_and_is_kept_nowhere() -> None:
    """With the query, and with the first message of a subscription's socket."""
    with opened(KEYS) as playground:
        assert playground.run()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        playground.enter("Headers", json.dumps({"Authorization": f"Bearer {KEY}"}))
        assert has_rows(playground.run())
        page = playground.page
        playground.open("As it happens")
        page.wait_for_timeout(NOTED_MS)
        playground.start()
        playground.shows('"STARTED"')
        (fault,) = playground.faults  # of what was asked without it
        assert "401" in fault
        page.reload()
        page.locator(".graphiql-query-editor .view-line").first.wait_for()
        kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        assert "graphiql:queries" in kept
        assert KEY not in kept


def test_the_docs_come_with_a_key_and_are_not_asked_for_without() -> None:
    """Another key has them read again; what is no key, or half of one, does not."""
    with opened(KEYS) as playground:
        page = playground.page
        docs = page.get_by_role("region", name="Documentation Explorer")
        page.get_by_role("button", name="Show Documentation Explorer").click()
        expect(docs).to_contain_text("No GraphQL schema available")
        assert playground.faults == []
        playground.enter("Headers", '{"Authorization": "Bearer')
        page.wait_for_timeout(NOTED_MS)
        assert playground.faults == []
        playground.enter("Headers", '{"Authorization": "Bearer of nobody"}')
        expect(docs).to_contain_text("Error fetching schema", timeout=PATIENCE_MS)
        playground.enter("Headers", json.dumps({"Authorization": f"Bearer {KEY}"}))
        expect(docs).to_contain_text("Root Types", timeout=PATIENCE_MS)
        assert playground.faults
        assert all("401" in fault for fault in playground.faults)


def test_examples_take_the_tab_in_which_nothing_was_written() -> None:
    with opened() as playground:
        page, written = playground.page, []
        tabs = page.locator(".graphiql-tab-button")
        for title in ("Sources", "Calls", "Rooms"):
            playground.open(title)
            expect(tabs).to_have_count(1)
        assert has_rows(playground.run())
        playground.open("Sources")
        expect(page.locator(".result-window")).not_to_contain_text('"data"')
        for number in range(9):
            playground.write(f"query Written{number} {{ __typename }}")
            written.append(f"Written{number}")
            expect(tabs).to_have_text(written)
            playground.open("Sources")
            expect(tabs).to_have_count(number + 2)
        expect(tabs).to_have_text([*written, "Sources"])
        expect(page.get_by_role("tab", selected=True)).to_be_in_viewport(ratio=0.9)
        tabs.first.click()
        expect(page.get_by_role("tab", selected=True)).to_be_in_viewport(ratio=0.9)
        playground.open("Rooms")
        expect(tabs).to_have_count(10)
        assert playground.faults == []


def take_picture() -> None:
    """Of the playground with an example and its answer."""
    with opened() as playground:
        playground.open("Usage per day")
        playground.run()
        playground.page.mouse.move(30, 400)
        playground.page.wait_for_timeout(2000)  # until scroll bars and what points at buttons are gone
        PICTURE.parent.mkdir(exist_ok=True)
        playground.page.screenshot(path=PICTURE)


if __name__ == "__main__":
    take_picture()
