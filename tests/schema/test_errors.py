"""Errors: each has a code, ours keep their words, all others are masked and logged without values."""

import asyncio
from typing import Any

import pytest
from loglines import lines
from schema.fakes import FakeAdapter, LiveAdapter, conference, data, failure, run

from graph.errors import VendorThrottledError, VendorUnavailableError
from graph.fleet import Fleet, Source
from graph.loaders import ConferenceKey, Loaders
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

ONE = '{conference(source: "alpha", vendorId: "1"){title durationSeconds}}'
SECRET = "token-5150 of Ann Example"
RANGE = "query($r: TimeRange) {conferences(filter: {during: $r}){complete}}"


class Broken(FakeAdapter):
    """Fails as it is told to."""

    error: Exception

    async def get_conferences(self, *_: Any, **__: Any) -> Any:
        raise self.error


def broken(error: Exception) -> Broken:
    adapter = Broken("alpha")
    adapter.error = error
    return adapter


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{nothing}", "GRAPHQL_VALIDATION_FAILED"),
        ("{conferences(first: 1.5){complete}}", "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) {conferences(first: $n){complete}}", "BAD_USER_INPUT"),
    ],
)
async def test_the_code_tells_the_stage_that_refused(query: str, code: str) -> None:
    for _ in range(2):  # the second time from the caches of documents
        result = await run([], query)
        assert {error.extensions["code"] for error in result.errors} == {code}
        assert {error.extensions["requestId"] for error in result.errors} == {"request-1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-01-01T00:00:00", "offset"),
        ("2026-01-01 00:00:00", "offset"),
        ("2026-01-01", "instant"),
        ("20260101T000000Z", "instant"),
        ("yesterday", "instant"),
        ("2026-02-30T00:00:00Z", "no such day"),
        ("2026-01-01T25:00:00Z", "no such day"),
        ("0001-01-01T00:00:00+14:00", "no such day"),
        (1767225600, "instant"),
    ],
)
async def test_instants_are_refused_in_words_a_person_understands(text: str | int, words: str) -> None:
    to = "2026-03-01T00:00:00Z"
    literal = f'"{text}"' if isinstance(text, str) else text
    for query, variables in (
        (RANGE, {"r": {"from": text, "to": to}}),
        (f'{{conferences(filter: {{during: {{from: {literal}, to: "{to}"}}}}){{complete}}}}', {}),
    ):
        code, message = await failure([], query, **variables)
        assert code == "BAD_USER_INPUT"
        assert words in message


async def test_any_offset_is_accepted_and_utc_comes_out() -> None:
    alpha = FakeAdapter("alpha", [conference("alpha", "1")])
    for start, end in (
        ("2026-03-10T18:59:59+08:00", "2026-03-10T11:00:00.000001Z"),
        ("2026-03-10T03:00:00-08:00", "2026-03-10t11:00:01z"),
    ):
        query = RANGE.replace("complete", "nodes{startedAt}")
        answer = await data([alpha], query, r={"from": start, "to": end})
        assert answer["conferences"]["nodes"] == [{"startedAt": "2026-03-10T11:00:00Z"}]


async def test_the_widest_range_that_can_be_written_is_accepted() -> None:
    """No arithmetic on its ends may leave the calendar."""
    alpha = FakeAdapter("alpha", [conference("alpha", "1")])
    for order in ("START_ASC", "START_DESC"):
        query = RANGE.replace("filter:", f"orderBy: {order}, filter:")
        answer = await data([alpha], query, r={"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"})
        assert answer == {"conferences": {"complete": True}}


async def test_days_are_refused_likewise() -> None:
    for day in ("2026-02-30", "20260201", "2026-02-01T00:00:00Z"):
        query = f'{{usage(of: CALLS, days: {{from: "{day}", to: "2026-03-01"}}){{count}}}}'
        assert (await failure([], query))[0] == "BAD_USER_INPUT"
    query = '{usage(of: CALLS, days: {from: "2026-03-02", to: "2026-03-01"}){count}}'
    assert (await failure([], query))[0] == "INVALID_ARGUMENT"


async def test_a_vendors_failure_passes_with_what_helps() -> None:
    error = VendorThrottledError("detail is busy.", source="alpha", endpoint="detail", retry_after_s=3)
    result = await run([broken(error)], ONE)
    assert result.data == {"conference": None}
    (told,) = result.errors
    assert told.message == "alpha: detail is busy."
    assert told.extensions == {
        "code": "VENDOR_ERROR",
        "source": "alpha",
        "sourceErrorCode": "THROTTLED",
        "retryAfterSeconds": 3,
        "requestId": "request-1",
    }


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), AssertionError(SECRET)])
async def test_what_nobody_foresaw_is_masked_and_logged_without_values(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    result = await run([broken(error)], ONE)
    (told,) = result.errors
    assert told.extensions == {"code": "INTERNAL", "requestId": "request-1"}
    logged = capsys.readouterr().err
    (line,) = lines(logged)
    assert (line["level"], line["event"], line["request_id"]) == ("error", "internal error", "request-1")
    assert (line["error"], line["path"]) == (type(error).__name__, "conference")
    assert line["where"][0].startswith("graph/schema/conference.py:")
    assert line["where"][-1].endswith("in get_conferences")
    for text in (told.message, str(told), logged):
        assert SECRET not in text
        assert "5150" not in text


async def test_a_value_that_cannot_be_served_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """graphql-core quotes it; its words are not passed on."""
    alpha = FakeAdapter("alpha", [conference("alpha", "1", title="Standup", duration_seconds=2**40 + 51)])
    result = await run([alpha], ONE)
    assert result.data == {"conference": {"title": "Standup", "durationSeconds": None}}
    (told,) = result.errors
    assert told.extensions["code"] == "INTERNAL"
    assert str(2**40 + 51) not in told.message + capsys.readouterr().err


async def test_a_list_that_is_torn_inside_is_masked_whatever_the_feed() -> None:
    class Torn(LiveAdapter):
        async def list_live(self, *_: Any) -> Any:
            raise ZeroDivisionError(SECRET)

    code, message = await failure([Torn("gamma")], "{conferences{complete}}")
    assert code == "INTERNAL"
    assert SECRET not in message


async def test_a_cancelled_batch_does_not_hang_its_callers() -> None:
    answer = await asyncio.wait_for(run([broken(asyncio.CancelledError())], ONE), 5)  # type: ignore[arg-type]
    assert [error.extensions["code"] for error in answer.errors] == ["VENDOR_ERROR"]


async def test_a_loader_that_was_cancelled_before_its_batch_began_asks_nobody() -> None:
    alpha = FakeAdapter("alpha", [conference("alpha", "1")])
    loaders = Loaders(Fleet([Source("alpha", VENDORS["systec"], alpha.settings, alpha, alpha.client)]))
    asking = asyncio.ensure_future(loaders.conferences.get(ConferenceKey("alpha", "1")))
    await asyncio.sleep(0)
    loaders.cancel()
    with pytest.raises(VendorUnavailableError):
        await asyncio.wait_for(asking, 5)
    assert alpha.asked == []
    await alpha.client.aclose()
