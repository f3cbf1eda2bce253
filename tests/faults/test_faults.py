"""One source in trouble, four that are well: over real sockets, for each trouble and each vendor that it can befall."""

import asyncio
import contextlib
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import httpx
import pytest
from faults.troubles import ALL, CASES, TROUBLES, Patient, wrong_row
from faulty import Faulty, Line, Streams
from starlette.types import ASGIApp
from walking import CONFERENCES, SPAN, Key, Page, Stage, key, staged, truth

from graph.errors import SourceErrorCode

pytestmark = pytest.mark.anyio

PATIENCE_S = 30  # of a test: far more than any deadline
MIB = 2**20
MAX_BODY_MB = 1
BUFFERS = 12 * MIB  # what may be on its way on a connection that nobody reads any more
MOST_MEMORY = 32 * MIB
MOST_REQUESTS = 60  # to a source in trouble, for two pages
LATER = [code.value for code in SourceErrorCode]  # the breaker may be open by then
QUERY = CONFERENCES.replace("source { name } status", "source { name } status error { code message }")
SMALL_PAGES = {"hexmeet": 4, "netease": 12, "systec": 3, "quanshi": 4, "huawei": 2}
TAKES_TIME = ("hang", "drip", "429")  # they last as long as a source may take


@contextlib.asynccontextmanager
async def ward(monkeypatch: pytest.MonkeyPatch, vendor: str, name: str) -> AsyncIterator[tuple[Stage, Patient]]:
    """Five sources, one of which is going to be in trouble; the others have all the time they may want."""
    async with Line() as line:
        timeout_s = 0.4 if name in TAKES_TIME else 4
        settings = {"timeout_s": timeout_s, "breaker_open_s": 0.2, "max_body_mb": MAX_BODY_MB}
        sources = {vendor: {**settings, "base_url": line.url, "page_size": SMALL_PAGES[vendor]}}
        faulty: list[Faulty] = []

        def wrap(name: str, app: ASGIApp) -> ASGIApp:
            if name != vendor:
                return app
            faulty.append(Faulty(app))
            return faulty[0]

        server = {"request_timeout_s": 6}
        async with staged(monkeypatch, 100, sources=sources, server=server, wrap=wrap) as stage:
            line.to = stage.sandbox.urls[vendor]
            yield stage, Patient(vendor, stage.world, line, faulty[0])


async def ask(stage: Stage, size: int, after: str | None = None) -> Page:
    """One page: an answer in good time, whatever befalls a vendor."""
    page: Page = (await stage.client.data(QUERY, d=SPAN, order="START_DESC", first=size, after=after))["conferences"]
    return page


async def walk(stage: Stage, after: str | None = None) -> list[Page]:
    """The pages behind a cursor, as a client reads them who waits for a source that is down."""
    pages: list[Page] = []
    while not pages or pages[-1]["pageInfo"]["hasNextPage"]:
        page = await ask(stage, 20, after)
        pages.append(page)
        after = page["pageInfo"]["endCursor"]
        if not page["complete"] and not page["nodes"]:
            await asyncio.sleep(0.1)
    return pages


def rows_of(pages: Sequence[Page]) -> list[Key]:
    return [key(row) for page in pages for row in page["nodes"]]


def told(page: Page) -> dict[str, tuple[str, str | None]]:
    """Status and code of each source."""
    return {it["source"]["name"]: (it["status"], it["error"] and it["error"]["code"]) for it in page["sources"]}


@contextlib.contextmanager
def bounded(patient: Patient) -> Iterator[None]:
    """No more of a body without end is read, or held, than is allowed."""
    streams = patient.faulty.fault
    if not isinstance(streams, Streams):
        yield
        return
    asked = patient.faulty.requests
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < MOST_MEMORY
    assert 0 < streams.sent < (patient.faulty.requests - asked) * (MAX_BODY_MB * MIB + BUFFERS)


@pytest.mark.parametrize(("name", "vendor"), CASES)
async def test_a_source_in_trouble_takes_nothing_with_it(
    monkeypatch: pytest.MonkeyPatch, name: str, vendor: str
) -> None:
    """The answers are in time and name the fault, the others' rows are all there, and no row is lost by it."""
    trouble = TROUBLES[name]
    async with asyncio.timeout(PATIENCE_S), ward(monkeypatch, vendor, name) as (stage, patient):
        rows = truth(stage)
        others = [row for row in rows if row[1] != vendor]
        assert 0 < len(others) < len(rows)
        await trouble.begin(patient)
        with bounded(patient):
            first = await ask(stage, 1000)
            second = await ask(stage, 1000, first["pageInfo"]["endCursor"])
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{stage.client.url}/healthz")).text == "ok\n"
        assert patient.faulty.requests < MOST_REQUESTS

        for page in (first, second):
            how = told(page)
            assert how.pop(vendor) in {("FAILED", code) for code in (trouble.codes if page is first else LATER)}
            assert {status for status, _ in how.values()} <= {"OK", "LIVE_ONLY"}
            assert not page["complete"]
            assert page["pageInfo"]["hasNextPage"]
        assert [row for row in rows_of([first]) if row[1] != vendor] == others

        await patient.recover()
        pages = [first, second, *await walk(stage, second["pageInfo"]["endCursor"])]
        assert Counter(rows_of(pages)) == Counter(rows)


@pytest.mark.parametrize("vendor", ALL)
async def test_a_row_that_cannot_be_read_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
    """All others are there, its own source's too; once it can be read, it is there again."""
    async with asyncio.timeout(PATIENCE_S), ward(monkeypatch, vendor, "wrong row") as (stage, patient):
        rows = truth(stage)
        patient.faulty.fault = wrong_row(patient)
        pages = await walk(stage)
        met = rows_of(pages)
        assert met == [row for row in rows if row in met]
        missing = [row for row in rows if row not in met]
        assert {row[1] for row in missing} == {vendor}
        assert len(missing) < sum(row[1] == vendor for row in rows)
        for page in pages:
            status, code = told(page)[vendor]
            assert status in ("OK", "LIVE_ONLY")
            assert code == (None if page["complete"] else "BAD_PAYLOAD")
        assert not all(page["complete"] for page in pages)

        await patient.recover()
        stage.move(timedelta(minutes=1))
        pages = await walk(stage)
        assert all(page["complete"] for page in pages)
        assert rows_of(pages) == truth(stage)


@pytest.mark.parametrize("name", ["refused", "hang", "500", "429", "garbage"])
@pytest.mark.parametrize("vendor", ALL)
async def test_what_was_read_lately_is_served_while_its_source_is_down(
    monkeypatch: pytest.MonkeyPatch, name: str, vendor: str
) -> None:
    """No row is missing; the source says that its rows are of before, and why."""
    trouble = TROUBLES[name]
    async with asyncio.timeout(PATIENCE_S), ward(monkeypatch, vendor, name) as (stage, patient):
        rows = truth(stage)
        assert rows_of(await walk(stage)) == rows
        stage.monotonic_s += 60
        await trouble.begin(patient)
        page = await ask(stage, 1000)
        assert page["complete"]
        assert rows_of([page]) == rows
        how = told(page)
        assert how.pop(vendor) in {("STALE", code) for code in trouble.codes}
        assert {status for status, _ in how.values()} <= {"OK", "LIVE_ONLY"}
