"""Every object of the world is found again by its id, and by its other keys."""

import pytest
from answers import FRAGMENTS, Row
from worlds import during, running

pytestmark = pytest.mark.anyio

CORE = FRAGMENTS.partition("fragment Attendance")[0]


async def test_a_conference_is_found_again_by_its_id_and_by_its_vendors_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same object, whichever way it is asked for; ids differ between all conferences."""
    listed = "{ conferences(first: 1000) { nodes { id ...Core } } }" + CORE
    by_id = "query($ids: [ID!]!) { nodes(ids: $ids) { id ...Core } }" + CORE
    by_key = "query($source: String!, $key: String!) { conference(source: $source, vendorId: $key) { id } }"
    async with running(monkeypatch) as run:
        rows = (await run.client.data(listed))["conferences"]["nodes"]
        assert len({row["id"] for row in rows}) == len(rows)
        chosen = list({row["sourceName"]: row for row in rows}.values())
        assert len(chosen) == 5
        found = (await run.client.data(by_id, ids=[row["id"] for row in chosen]))["nodes"]
        for row, again in zip(chosen, found, strict=True):
            is_partial = row["sourceName"] == "netease"  # its detail names neither host nor creator
            assert again == (row | {"host": None, "creator": None} if is_partial else row)
        for row in chosen:
            answer = await run.client.data(by_key, source=row["sourceName"], key=row["vendorId"])
            assert answer["conference"]["id"] == row["id"]


async def test_what_belongs_to_conferences_is_found_again_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members, calls, rooms and media nodes of every vendor that has them; their ids all differ."""
    fields = {
        "Member": "id sourceName vendorId displayName phoneNumber joinedAt leftAt",
        "Call": "id sourceName vendorId startedAt phoneNumber displayName",
        "Room": "id sourceName name vendorId",
        "McuResource": "id sourceName name kind",
    }
    listed = f"""
    query($d: TimeRange!) {{
      conferences(first: 100) {{
        nodes {{
          members(first: 1000) {{ nodes {{ {fields["Member"]} }} }}
          calls(first: 1000) {{ nodes {{ {fields["Call"]} }} }}
          room {{ {fields["Room"]} }}
        }}
      }}
      mcuResources(filter: {{during: $d}}) {{ nodes {{ {fields["McuResource"]} }} }}
    }}"""
    again = "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {} {{ {} }} }} }}"
    async with running(monkeypatch, 1000) as run:
        data = await run.client.data(listed, d=during(1))
        rows = data["conferences"]["nodes"]
        found: dict[str, list[Row]] = {
            "Member": [member for row in rows for member in row["members"]["nodes"]],
            "Call": [call for row in rows for call in row["calls"]["nodes"]],
            "Room": list({row["room"]["id"]: row["room"] for row in rows if row["room"]}.values()),
            "McuResource": data["mcuResources"]["nodes"],
        }
        ids = [it["id"] for of_type in found.values() for it in of_type]
        assert len(set(ids)) == len(ids)
        for name, sources in (("Member", 4), ("Call", 2), ("Room", 2), ("McuResource", 1)):
            last = {it["sourceName"]: it for it in found[name]}  # one of each source, and one more
            wanted = [*last.values(), found[name][0]]
            assert len(last) == sources, name
            query = again.format(name, fields[name])
            nodes = (await run.client.data(query, ids=[it["id"] for it in wanted]))["nodes"]
            assert nodes == [{"__typename": name, **it} for it in wanted]


async def test_entities_are_found_by_each_of_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = """
    query($d: TimeRange!) {
      conferences(first: 100) { nodes { id sourceName vendorId } }
      rooms(filter: {during: $d, sources: ["hexmeet"]}, first: 2) { nodes { id sourceName name } }
      mcuResources(filter: {during: $d}, first: 1) { nodes { id sourceName name } }
    }"""
    entities = """
    query($refs: [_Any!]!) {
      _entities(representations: $refs) {
        __typename ... on Conference { id } ... on Room { id } ... on McuResource { id }
      }
    }"""
    async with running(monkeypatch) as run:
        data = await run.client.data(listed, d=during(2))
        named = {"Conference": "conferences", "Room": "rooms", "McuResource": "mcuResources"}
        rows = [{"__typename": name, **row} for name, root in named.items() for row in data[root]["nodes"]]
        by_id = [{"__typename": row["__typename"], "id": row["id"]} for row in rows]
        by_key = [{name: value for name, value in row.items() if name != "id"} for row in rows]
        assert len(rows) > 8
        for refs in (by_id, by_key):
            assert (await run.client.data(entities, refs=refs))["_entities"] == by_id
