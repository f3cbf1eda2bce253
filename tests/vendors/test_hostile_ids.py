"""Whatever a client calls an id, a name, a time or a cursor, vendors get the requests of their documents alone."""

import base64
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from wiretap import NUMBER, Sent, Wiretap, fits
from worlds import Running, during, running

from graph.ids import IdKind, encode_id, to_base64url
from graph.paging import cursor as cursors
from graph.vendors import VENDORS

pytestmark = pytest.mark.anyio

MARK = "h0stile"
AT_ONCE = 8  # so few that all errors fit into an answer
HOSTILE = [
    "",
    " ",
    "\0",
    f"{MARK}\0",
    f"../../{MARK}",
    f"..%2f..%2f{MARK}",
    f"/{MARK}/../..",
    f"..\\{MARK}",
    f"http://{MARK}.example/",
    f"//{MARK}.example",
    f"@{MARK}.example",
    f"{MARK}?a=b&c=d#e",
    f"a&host_id={MARK}",
    f"1\r\nX-{MARK}: 1",
    f"1\r\n\r\nPOST /{MARK} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"1\n{MARK}",
    f"1\u2028{MARK}",
    f"1\u0085{MARK}",
    f'1, "{MARK}": 1',
    f'"}}, {{"{MARK}": "',
    f'{{"$ne": "{MARK}"}}',
    f"1' OR '{MARK}'='",
    f"${{jndi:ldap://{MARK}}}",
    f"%0d%0a{MARK}",
    "１２３４５",  # digits to Python's \d and int()
    "١٢٣٤٥",
    "²³",
    "1_000",
    "+1",
    "-1",
    " 1",
    "1 ",
    "1\n",
    "007",
    "0x10",
    "1e3",
    "1.0",
    "NaN",
    "Infinity",
    "true",
    "null",
    "[1]",
    "1,2",
    str(2**63),
    "9" * 19,
    "9" * 4000,
    "a" * 4000,
    "=" * 50,
    "A===",
    "\U0001f480",
    "\ufeff1",
    "\u202e1",
    "0" * 31 + "O",
    "0123456789ABCDEF0123456789ABCDEF",
    "__proto__",
]
NO_TEXTS = ["\ud800", f"\udfff{MARK}"]  # halves of pairs: no Unicode at all
# Where an id goes, and one that nobody knows: it shows that ids do get there, and that the line is listened in to.
IDS = {
    "netease": ("meetingUniqueId", "4077", NUMBER),
    "systec": ("uuid", "Zz0+/w==", r"[\w+/-]{1,64}={0,2}"),
    "huawei": ("confIds", "4078", NUMBER),
}

BY_ID = """
query ($source: String!, $ids: [String!]!, $nodes: [ID!]!, $keys: [_Any!]!, $room: ID, $text: String!) {
  chosen: conferences(filter: {sources: [$source], vendorIds: $ids}, first: 1000) {
    nodes { id members { nodes { id } } calls { nodes { id } } }
  }
  searched: conferences(filter: {sources: [$source], search: $text}, first: 1) { nodes { id } }
  called: calls(filter: {sources: [$source], search: $text}, first: 1) { nodes { id } }
  roomy: conferences(filter: {sources: [$source], room: $room}, first: 1) { nodes { id } }
  one: conference(source: $source, vendorId: $text) { id members { nodes { id } } calls { nodes { id } } }
  nodes(ids: $nodes) { id ... on Conference { members { nodes { id } } calls { nodes { id } } } }
  _entities(representations: $keys) {
    ... on Conference { id members { nodes { id } } calls { nodes { id } } }
    ... on Room { id capacity conferences(first: 1) { nodes { id } } }
    ... on McuResource { id calls(first: 1) { nodes { id } } }
  }
}
"""


def mutants() -> Iterator[str]:
    """What is nearly an id of some vendor."""
    chance = random.Random(20)  # noqa: S311 - the same ones each time
    shapes = ["4077", "Zz0+/w==", "0123456789abcdef" * 2, "01234567-89ab-cdef-0123-456789abcdef", "host_1", "a:b:0"]
    for _ in range(150):
        text = list(chance.choice(shapes))
        for _ in range(chance.randint(1, 3)):
            text.insert(chance.randint(0, len(text)), chance.choice("\0\r\n\t /\\.:;,&=?#%@+'\"{}[]<>|^~１٣é\u2028"))
        yield "".join(text)


async def ask(here: Running, query: str, **variables: Any) -> dict[str, Any]:
    """An answer; the request is ASCII, with escapes, so that it can hold what is no Unicode text."""
    body = json.dumps({"query": query, "variables": variables})
    reply = await here.client._http.post("/graphql", content=body, headers={"content-type": "application/json"})
    answer: dict[str, Any] = reply.json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert not codes & {"INTERNAL", "LIMIT_EXCEEDED", "RATE_LIMITED"}, answer["errors"]
    return answer


def named_by(source: str, texts: Sequence[str]) -> dict[str, Any]:
    """The variables that name everything in a source by these texts."""
    nodes = [encode_id(kind, source, text) for kind in IdKind for text in texts]
    nodes += [encode_id(IdKind.MEMBER, source, f"{text}\n{text}") for text in texts]
    keys = [
        {"__typename": name, "sourceName": source, key: text}
        for name, key in (("Conference", "vendorId"), ("Room", "name"), ("McuResource", "name"))
        for text in texts
    ]
    keys += [{"__typename": "Call", "id": encode_id(IdKind.CALL, source, text)} for text in texts]
    return {"source": source, "ids": list(texts), "nodes": nodes, "keys": keys}


def unmarked(sent: Sequence[Sent]) -> bool:
    """Whether nothing of a marked text came along, however it was written."""
    return not any(MARK in f"{one.path}{one.query}{one.headers}{one.body!r}" for one in sent)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_hostile_ids_reach_no_vendor(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*HOSTILE, *mutants()]
    tap = Wiretap()
    async with running(monkeypatch, 40, wrap=tap.wrap) as here:
        for start in range(0, len(texts), AT_ONCE):
            part = texts[start : start + AT_ONCE]
            room = encode_id(IdKind.ROOM, vendor, part[0])
            answer = await ask(here, BY_ID, **named_by(vendor, part), room=room, text=part[0])
            assert answer["data"], answer["errors"]
        field, good, shape = IDS.get(vendor, ("none", "x", "none"))
        await ask(here, BY_ID, **named_by(vendor, [good]), room=None, text=good)
        listed: Any = here.sandbox.settings()["huawei"]["conf_ids"]
    assert tap.sent
    assert tap.faults() == []
    assert unmarked(tap.sent)
    # No text was taken for another id than it is. A member's begins with its conference's, and so does a phone leg's.
    ids = tap.values(field)
    assert (good in ids) == (vendor in IDS)
    named = {part for text in texts for part in (text, text.partition("\n")[0], text.partition(":")[0])}
    assert ids <= {good, *map(str, listed), *(text for text in named if fits(shape, text))}


async def test_what_is_no_text_is_refused_at_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Wiretap()
    async with running(monkeypatch, 40, wrap=tap.wrap) as here:
        for text in NO_TEXTS:
            named = {"source": "systec", "ids": [text], "nodes": [text], "keys": [], "room": text, "text": text}
            answer = await ask(here, BY_ID, **named)
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert tap.sent == []


TIMES = """
query ($from: DateTime!, $to: DateTime!, $near: DateTime!, $zone: String!) {
  conferences(filter: {during: {from: $from, to: $to}}, first: 2) { nodes { id } }
  calls(filter: {during: {from: $from, to: $to}}, first: 2) { nodes { id } }
  regionCounts(measure: ISSUED_CALLS, during: {from: $from, to: $to}) { nodes { region } }
  conference(source: "hexmeet", vendorId: "0123456789abcdef0123456789abcdef", startedNear: $near) { id }
  usage(of: CONFERENCES, days: {from: "2026-03-01", to: "2026-03-02"}, timeZone: $zone) { count }
}
"""
INSTANTS = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "2026-03-01T00:00:00Z\r\nX: 1",
    "２０２６-03-01T00:00:00Z",
    "2026-03-01t00:00:00.123456789z",
    "2026-03-01T00:00:00+23:59",
    "2026-03-01T00:00:00-00:30",
]
ZONES = ["../../etc/passwd", "/etc/localtime", "Asia/Shanghai\0", "Asia/Shanghai\r\n", "", ".", "A" * 5000]


async def test_hostile_times_and_zones_reach_no_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Wiretap()
    good = {**during(1), "near": "2026-03-12T00:00:00Z", "zone": "Asia/Shanghai"}
    async with running(monkeypatch, 40, wrap=tap.wrap) as here:
        for zone in ZONES:
            await ask(here, TIMES, **{**good, "zone": zone})
        for instant in INSTANTS:
            for changed in ({"from": instant}, {"to": instant}, {"near": instant}):
                await ask(here, TIMES, **{**good, **changed})
    assert {sent.vendor for sent in tap.sent} >= {"hexmeet", "netease", "systec"}
    assert tap.faults() == []


PAGE = """
query ($after: String!, $backward: Boolean!) {
  conferences(first: 2, after: $after) @skip(if: $backward) { nodes { id } pageInfo { endCursor } }
  back: conferences(last: 2, before: $after) @include(if: $backward) { nodes { id } pageInfo { startCursor } }
}
"""


def forged(cursor: str) -> Iterator[str]:
    """Cursors that are whole, with what no page ever put into one."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    instants = (-(2**63), -(2**62), -1, 0, 1, 2**53, 2**62, 2**63 - 1)
    texts = [text for text in HOSTILE if len(text) < 200]
    keys = [[instant, "netease", "1"] for instant in instants] + [[0, text, text] for text in texts]
    keys += [[], [0], ["0"], [0, 1, 2], ["x", "y", "z"], [0, "a", "b", "c"]]
    changes: list[dict[str, Any]] = [{"key": key} for key in keys]
    changes += [{"window": (start, end)} for start in instants for end in instants]
    changes += [{"began": instant} for instant in instants]
    places = [[True], [False, 0, text] if (text := texts[3]) else [], [True, "0"], [False, -(2**63)], [True, 2**62]]
    changes += [{"checkpoints": {cursors.tag_of(name): place}} for name in VENDORS for place in places]
    for change in changes:
        body = msgspec.msgpack.encode(msgspec.structs.replace(cursors._DECODER.decode(raw[4:]), **change))
        yield to_base64url(cursors._digest(body) + body)


async def test_what_stands_in_forged_cursors_reaches_no_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Wiretap()
    async with running(monkeypatch, 40, wrap=tap.wrap) as here:
        first = await here.client.data("{ conferences(first: 2) { nodes { id } pageInfo { endCursor } } }")
        cursor = first["conferences"]["pageInfo"]["endCursor"]
        assert (await ask(here, PAGE, after=cursor, backward=False))["data"]["conferences"]["nodes"]
        tap.sent.clear()
        for number, text in enumerate(forged(cursor)):
            await ask(here, PAGE, after=text, backward=bool(number % 2))
        for text in HOSTILE:
            answer = await ask(here, PAGE, after=text, backward=False)
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID_CURSOR"}
    assert tap.sent, "some are followed: a cursor grants nothing"
    assert tap.faults() == []
    assert unmarked(tap.sent)
