"""What is kept and told besides answers holds no credential, and nobody's name, number or address."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from faulty import Fault, answers, changes, drips, swells
from marked import (
    CANARIES,
    FAULTS,
    QUERY,
    Ear,
    Told,
    asked,
    everything,
    leaks,
    world,
)
from store_replicas import raw
from valkeys import RunningValkey, running_valkey

from graph.server.auth import GATEWAY_HEADER

pytestmark = pytest.mark.anyio

PERSON = "王测Marked"  # nobody of the world
PHONE = "13900009999"
EMAIL = "marked.person@example.com"
MADE_UP = {PERSON, PHONE, EMAIL}

MORE = """
query More($during: TimeRange!, $person: String!, $phone: String!) {
  found: conferences(filter: {during: $during, search: $person}) { nodes { id } pageInfo { endCursor } }
  called: calls(filter: {during: $during, search: $phone}) { nodes { id } pageInfo { endCursor } }
  conferences(filter: {during: $during}, first: 60) {
    edges {
      cursor
      node {
        id
        members(first: 20) { edges { cursor node { id vendorId displayName phoneNumber } } }
        calls(first: 20) { edges { cursor node { id vendorId displayName phoneNumber } } }
        host { name email phoneNumber }
      }
    }
  }
  calls(filter: {during: $during}, first: 60) { edges { cursor node { id vendorId displayName phoneNumber } } }
  usageBy(dimension: ROOM, during: $during) { edges { cursor node { key } } }
  conference(source: "netease", vendorId: $person) { id }
  other: conference(source: "systec", vendorId: $phone) { id }
}
"""
WORDS = {"errors", "message"}
OPAQUE = WORDS | {"id", "cursor", "startCursor", "endCursor", "error"}


def people() -> set[str]:
    """All that the world knows of its people, and what a client and faulty vendors say of one more."""
    known = {text for person in world().people for text in (person.name, person.email, person.phone, person.ip)}
    return MADE_UP | known | {person.phone.removeprefix("+86") for person in world().people}


def parts(value: Any, names: set[str]) -> Iterator[object]:
    """The parts of an answer with these names."""
    if isinstance(value, list):
        for item in value:
            yield from parts(item, names)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in names:
                yield item
            else:
                yield from parts(item, names)


def more() -> dict[str, Any]:
    return {"during": asked()["during"], "person": PERSON, "phone": PHONE}


@pytest.mark.parametrize("number", ["4.8100000000000005", "1.1000000000000001", "8.100000000000001e-05"])
def test_the_noise_of_a_measured_number_is_no_leak(number: str) -> None:
    assert leaks({"10000000000", "+8610000000000"}, f"process_cpu_seconds_total {number}\n") == []


@pytest.mark.parametrize("said", ["{}", "1.{}", "4.{}!", "+86{}", "x4.81{}5", "10.0.0.{}", "{}.8100000000000005.jp"])
def test_a_number_of_somebody_is_a_leak_wherever_else_it_stands(said: str) -> None:
    assert leaks({PHONE}, [{"message": said.format(PHONE)}]) == [PHONE]


async def test_nobody_is_told_of_besides_in_answers(told: Told) -> None:
    ear = Ear()
    async with everything(ear.listens) as (client, _):
        answers = [await client.ask(MORE, **more()), await client.ask(QUERY, **asked())]
        answers.append(await client.ask(f'{{ conferences(filter: {{search: "{PERSON}", {PHONE}: 1}}) {{ nodes }} }}'))
    assert len(leaks(people(), answers)) > 100, "the answers are about people"
    assert leaks(people(), list(parts(answers[:2], OPAQUE)), told()) == []


def numbers_are_people(body: bytes) -> bytes:
    """Texts stand where numbers belong; codes of success stay."""
    return re.sub(rb"(?<=[:\[,])\s*\d{3,}(?=[,}\]])", f'"{PERSON} {PHONE}"'.encode(), body)


def texts_are_people(body: bytes) -> bytes:
    """Every text is somebody's address, times and ids too."""
    return re.sub(rb'(?<=:)\s*"[^"]{2,}"', f'"{EMAIL}"'.encode(), body)


def fields_are_people(body: bytes) -> bytes:
    """Objects have fields that bear somebody's name and number."""
    return body.replace(b"{", f'{{"{PERSON}": 1, "{PHONE}": {{"{EMAIL}": "{PHONE}"}},'.encode())


SPOILT: dict[str, Fault] = {
    "numbers": changes(numbers_are_people),
    "texts": changes(texts_are_people),
    "fields": changes(fields_are_people),
    "429": answers(f"{PERSON} {PHONE}".encode(), 429, {"retry-after": EMAIL}),
    "500": answers(json.dumps({"message": PERSON, "err_info": PHONE, "msg": EMAIL}).encode(), 500),
    "redirect": answers(b"", 302, {"location": f"http://{PHONE}.example/{EMAIL}"}),
    "dripping": drips,
    "swelling": swells(),
    "not JSON": changes(lambda body: body[:-1] + f"{PERSON} {PHONE} {EMAIL}".encode()),
}


@pytest.mark.parametrize("kind", [*SPOILT, *FAULTS])
async def test_nobody_is_told_of_when_vendors_fail(kind: str, told: Told) -> None:
    async with everything({**SPOILT, **FAULTS}[kind], timeout_s=0.5, max_body_mb=1) as (client, _):
        answers = [await client.ask(MORE, **more()), await client.ask(QUERY, **asked())]
    contributions = answers[1]["data"]["conferences"]["sources"]
    assert kind == "fields" or any(part["error"] for part in contributions)
    said = told()
    assert leaks(people(), list(parts(answers, WORDS)), said) == []
    assert leaks(CANARIES, answers, said) == []
    assert kind not in ("fields", "numbers") or any("contract drift" in text for text in said)


async def contents(server: RunningValkey) -> tuple[list[str], list[str]]:
    """All keys of a Valkey, and all that stands under them; what expires meanwhile is left out."""
    values: list[Any] = []
    async with raw(server) as valkey:
        keys: list[Any] = await valkey.keys(b"*")
        for key in keys:
            kind = await valkey.type(key)
            assert kind in (b"string", b"zset", b"none")
            values += await valkey.zrange(key, 0, -1) if kind == b"zset" else [await valkey.get(key)]
    return [key.decode() for key in keys], [value.decode(errors="replace") for value in values if value]


async def test_the_shared_cache_has_no_credentials_and_its_keys_tell_nothing(told: Told) -> None:
    ear = Ear()
    with running_valkey() as server:
        async with everything(ear.listens, tables={"cache": {"url": server.url}}) as (client, _):
            await client.ask(MORE, **more())
            await client.data(QUERY, **asked())
            keys, values = await contents(server)
    assert len(keys) > 20
    assert len(leaks(people(), values)) > 100, "the rows are there"
    assert leaks(CANARIES | ear.all_heard, keys, values, told()) == []
    assert leaks(people(), keys) == []


async def test_what_callers_prove_themselves_with_is_not_told(told: Told) -> None:
    key, wrong_key, gateway = "hush-key-of-a-caller", "wrong-hush-key-of-a-caller", "hush-secret-of-the-gateway"
    digest = sha256(key.encode()).hexdigest()
    auth = {"mode": "keys", "keys": [{"name": "reader", "sha256": digest}], "gateway_secret": gateway}
    body = json.dumps({"query": QUERY, "variables": asked()})
    answers = []
    async with everything(Ear().listens, tables={"auth": auth}) as (client, _):
        for authorization, secret in ((key, gateway), (wrong_key, gateway), (key, f"wrong-{gateway}")):
            headers = {
                "content-type": "application/json",
                "authorization": f"Bearer {authorization}",
                GATEWAY_HEADER: secret,
            }
            reply = await client._http.post("/graphql", content=body, headers=headers)
            answers.append([reply.status_code, reply.text, *map(str, reply.headers.items())])
    assert [answer[0] for answer in answers] == [200, 401, 401]
    assert leaks({key, wrong_key, gateway, digest}, answers, told()) == []
