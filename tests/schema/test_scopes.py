"""What callers may see of fields: refused ones are null with one error, and the schema tells what each needs."""

from collections.abc import Iterable
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_non_null_type
from schema.fakes import SCHEMA, FakeAdapter, call, conference, member, run

from graph.identity import ALL_SCOPES, ANYBODY, DEFAULT_SCOPES, Identity, Scope
from graph.records import Conference, McuResource, Person, Room
from graph.schema import build_schema, print_sdl
from graph.schema.scopes import TYPES, rules_of
from graph.settings import AppSettings, AuthSettings, Secret
from graph.vendors.quanshi.adapter import QuanshiFields

pytestmark = pytest.mark.anyio

RULES = rules_of(AuthSettings())
NAMED = AuthSettings(names_are_pii=True)
RANGE = '{from: "2026-03-10T00:00:00Z", to: "2026-03-11T00:00:00Z"}'
PAGE = f"filter: {{during: {RANGE}}}, first: 1000"
ROOM = Room(source_name="alpha", key="blue", name="blue", vendor_id="9", capacity=4)
MCU = McuResource(source_name="alpha", name="mru-1")
HOST = Person(account_id="acc-1", name="Wang Fang", email="wang@mail.example", phone_number="13800000001")
OWN = QuanshiFields(status=4, host_ip="10.1.2.3", host_location="Shanghai", data_center="dc-1")

ROOTS = {
    "conferences": f"conferences({PAGE}) {{ nodes {{ id }} }}",
    "conference": 'conference(source: "alpha", vendorId: "0") { id }',
    "calls": f"calls({PAGE}) {{ nodes {{ id }} }}",
    "rooms": "rooms { nodes { id } }",
    "mcuResources": f"mcuResources(filter: {{during: {RANGE}}}) {{ nodes {{ id }} }}",
    "node": f'node(id: "{ROOM.id}") {{ id }}',
    "usage": 'usage(of: CONFERENCES, days: {from: "2026-03-01", to: "2026-03-02"}) { count }',
    "usageBy": f"usageBy(dimension: ROOM, during: {RANGE}) {{ nodes {{ key }} }}",
    "live": "live { memberCount }",
    "regionCounts": "regionCounts(measure: ISSUED_CALLS) { nodes { count } }",
    "sources": "sources { name }",
}


def caller(*scopes: Scope, **more: Any) -> Identity:
    return Identity(name="somebody", scopes=frozenset(scopes), **more)


def rows(count: int) -> list[Conference]:
    return [conference("alpha", str(n), host=HOST, creator=HOST, vendor_fields=OWN, room=ROOM) for n in range(count)]


def alpha(count: int = 3) -> FakeAdapter:
    known = rows(count)
    return FakeAdapter(
        "alpha",
        known,
        members=[
            member(row, "m", display_name="Li Na", account_id="acc-2", phone_number="13800000002") for row in known
        ],
        calls=[call(row, f"{row.id}c", display_name="Zhao Lei", phone_number="13800000003") for row in known],
        rooms=[ROOM],
        mcus=[MCU],
    )


async def asked(query: str, identity: Identity, adapter: FakeAdapter | None = None, **more: Any) -> Any:
    """Data, and (code, path) of each error."""
    result = await run([adapter or alpha()], query, identity=identity, **more)
    return result.data, [(error.extensions["code"], error.path) for error in result.errors or ()]


# ---- the table --------------------------------------------------------------------------------------


def fields_of(names: Iterable[str]) -> dict[str, Any]:
    kinds = {name: SCHEMA._schema.type_map[name] for name in names}
    return {f"{kind}.{name}": field for kind, it in kinds.items() for name, field in getattr(it, "fields", {}).items()}


def test_every_rule_is_of_a_field_and_every_root_has_one() -> None:
    known = fields_of(SCHEMA._schema.type_map)
    assert set(RULES) <= set(known)
    assert set(rules_of(NAMED)) <= set(known)
    roots = fields_of({"Query", "Subscription"} & set(SCHEMA._schema.type_map))
    assert set(roots) - set(RULES) == {"Query._service"}
    assert {name.partition(".")[2] for name in RULES if name.startswith("Query.")} - {"nodes", "_entities"} == set(
        ROOTS
    )


def test_what_may_be_refused_can_be_null() -> None:
    """Of a subscription that is refused there is no event that would have to be null."""
    known = fields_of(SCHEMA._schema.type_map)
    never_null = {name for name in rules_of(NAMED) if is_non_null_type(known[name].type)}
    assert never_null == {"Query.nodes", "Query._entities", "Subscription.liveConferences"}


def test_all_that_is_personal_is_marked() -> None:
    marked = {name for name, rule in rules_of(NAMED).items() if rule.scope is Scope.PII_READ}
    suspicious = {"email", "phoneNumber", "hostIp", "hostLocation", "displayName", "accountId"}
    known = set(fields_of(SCHEMA._schema.type_map))
    assert marked == {name for name in known if name.partition(".")[2] in suspicious} | {"Person.name"}


@pytest.mark.parametrize("type_name", [name for name, scope in TYPES.items() if scope])
def test_no_way_to_an_object_leads_around_its_rule(type_name: str) -> None:
    """Whatever a caller without the scope follows, it comes to no such type, and to no union or interface of it."""
    schema = SCHEMA._schema
    seen: set[str] = set()
    open_types = ["Query", "Subscription"]
    while open_types:
        name = open_types.pop()
        if name in seen:
            continue
        seen.add(name)
        for field_name, field in getattr(schema.type_map[name], "fields", {}).items():
            rule = RULES.get(f"{name}.{field_name}")
            if rule is None or rule.scope is not TYPES[type_name]:
                kind: Any = get_named_type(field.type)
                open_types += [kind.name]
                open_types += [it.name for it in schema.get_possible_types(kind)] if is_abstract_type(kind) else []
    assert type_name not in seen
    assert isinstance(schema.type_map[type_name], GraphQLObjectType)


# ---- enforced ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", Scope)
async def test_a_root_is_an_error_without_its_scope_and_asks_nobody(scope: Scope) -> None:
    """Its siblings are answered."""
    mine = {name for name in ROOTS if RULES[f"Query.{name}"].scope is scope}
    source = alpha()
    query = "{ __typename " + " ".join(ROOTS.values()) + " }"
    data, errors = await asked(query, caller(*(ALL_SCOPES - {scope})), source)
    assert {name for name in ROOTS if data[name] is None} >= mine
    assert [path for code, path in errors if code == "FORBIDDEN"] == [[name] for name in ROOTS if name in mine]
    nobody = alpha()
    data, errors = await asked(query, caller(), nobody)
    assert data == {"__typename": "Query", **dict.fromkeys(ROOTS)}
    assert {code for code, _ in errors} == {"FORBIDDEN"}
    assert nobody.verbs == []


async def test_one_with_all_scopes_gets_everything() -> None:
    people = "host { email phoneNumber name }"
    query = f"{{ conferences({PAGE}) {{ nodes {{ {people} }} }} sources {{ health {{ state }} }} }}"
    data, errors = await asked(query, ANYBODY)
    assert errors == []
    assert data["conferences"]["nodes"][0]["host"]["phoneNumber"] == HOST.phone_number
    assert data["sources"][0]["health"]["state"] == "UNKNOWN"


async def test_lists_that_cannot_be_null_are_of_nulls() -> None:
    """`nodes` and `_entities` leave their siblings alone too; one error says why."""
    query = """query($ids: [ID!]!, $r: [_Any!]!) {
      nodes(ids: $ids) { id } _entities(representations: $r) { __typename } none: nodes(ids: []) { id } sources { name }
    }"""
    representations = [{"__typename": "Room", "id": ROOM.id}] * 3
    given = {"ids": [ROOM.id, "broken"], "r": representations}
    source = alpha()
    data, errors = await asked(query, caller(Scope.SOURCES_READ), source, **given)
    assert data == {"nodes": [None] * 2, "_entities": [None] * 3, "none": [], "sources": [{"name": "alpha"}]}
    assert errors == [("FORBIDDEN", ["nodes", 0]), ("FORBIDDEN", ["_entities", 0])]
    assert source.verbs == []


async def test_a_field_of_many_rows_is_refused_once_wherever_it_stands() -> None:
    query = f"""{{ conferences({PAGE}) {{ nodes {{
      host {{ name email phoneNumber }} creator {{ phoneNumber }}
      members {{ nodes {{ displayName phoneNumber }} }} calls {{ nodes {{ displayName number: phoneNumber }} }}
      vendorFields {{ ... on QuanshiConferenceFields {{ hostIp hostLocation dataCenter }} }}
    }} }} }}"""
    data, errors = await asked(query, caller(*DEFAULT_SCOPES), alpha(200))
    nodes = data["conferences"]["nodes"]
    assert (
        nodes
        == [
            {
                "host": {"name": "Wang Fang", "email": None, "phoneNumber": None},
                "creator": {"phoneNumber": None},
                "members": {"nodes": [{"displayName": "Li Na", "phoneNumber": None}]},
                "calls": {"nodes": [{"displayName": "Zhao Lei", "number": None}]},
                "vendorFields": {"hostIp": None, "hostLocation": None, "dataCenter": "dc-1"},
            }
        ]
        * 200
    )
    places: list[list[str | int]] = [
        ["host", "email"],
        ["host", "phoneNumber"],
        ["creator", "phoneNumber"],
        ["vendorFields", "hostIp"],
        ["vendorFields", "hostLocation"],
        ["members", "nodes", 0, "phoneNumber"],
        ["calls", "nodes", 0, "number"],
    ]
    assert {code for code, _ in errors} == {"FORBIDDEN"}
    assert sorted(map(str, (path for _, path in errors))) == sorted(
        str(["conferences", "nodes", 0, *it]) for it in places
    )


async def test_names_are_personal_where_a_setting_says_so() -> None:
    query = f"""{{ conferences({PAGE}) {{ nodes {{
      title room {{ name }} host {{ name accountId }}
      members {{ nodes {{ displayName accountId }} }} calls {{ nodes {{ displayName }} }}
    }} }} }}"""
    more: dict[str, Any] = {"schema": build_schema(AppSettings(auth=NAMED)), "auth": NAMED}
    for identity, host, name in (
        (caller(*DEFAULT_SCOPES), {"name": None, "accountId": None}, None),
        (ANYBODY, {"name": "Wang Fang", "accountId": "acc-1"}, "Li Na"),
    ):
        data, errors = await asked(query, identity, alpha(1), **more)
        (node,) = data["conferences"]["nodes"]
        assert node["room"] == {"name": "blue"}
        assert node["host"] == host
        assert node["members"]["nodes"][0]["displayName"] == name
        assert {code for code, _ in errors} == ({"FORBIDDEN"} if name is None else set())


async def test_a_search_looks_only_at_what_its_caller_may_see() -> None:
    """Else it would tell whose conference it is."""

    async def found(word: str, identity: Identity, auth: AuthSettings) -> tuple[int, int]:
        filtered = f'filter: {{during: {RANGE}, search: "{word}"}}'
        query = f"{{ conferences({filtered}) {{ totalCount nodes {{ id }} }} calls({filtered}) {{ nodes {{ id }} }} }}"
        data, errors = await asked(query, identity, auth=auth)
        assert errors == []
        assert data["conferences"]["totalCount"] == len(data["conferences"]["nodes"])
        return len(data["conferences"]["nodes"]), len(data["calls"]["nodes"])

    lesser = caller(*DEFAULT_SCOPES)
    assert await found("wang fang", lesser, AuthSettings()) == (3, 0)
    assert await found("zhao", lesser, AuthSettings()) == (0, 3)
    assert await found("wang fang", lesser, NAMED) == (0, 0)
    assert await found("zhao", lesser, NAMED) == (0, 0)
    assert await found("blue", lesser, NAMED) == (3, 0)
    assert await found("wang fang", ANYBODY, NAMED) == (3, 0)
    for word in ("13800000001", "wang@mail", "10.1.2.3", "acc-1"):
        assert await found(word, ANYBODY, AuthSettings()) == (0, 0)


async def test_entities_can_be_for_the_gateway_alone() -> None:
    auth = AuthSettings(gateway_secret=Secret("x" * 16), entities_by_gateway_only=True)
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Room { id } } }"
    schema = build_schema(AppSettings(auth=auth))
    more: dict[str, Any] = {"schema": schema, "auth": auth, "r": [{"__typename": "Room", "id": ROOM.id}]}
    refused = ({"_entities": [None]}, [("FORBIDDEN", ["_entities", 0])])
    gateway = Identity(name="gateway", scopes=ALL_SCOPES, is_gateway=True)
    assert await asked(query, ANYBODY, **more) == refused
    assert await asked(query, caller(Scope.PII_READ, is_gateway=True), **more) == refused
    assert await asked(query, gateway, **more) == ({"_entities": [{"id": ROOM.id}]}, [])


# ---- printed ----------------------------------------------------------------------------------------


def test_the_sdl_tells_what_fields_need() -> None:
    """A gateway that reads it refuses the same; entities have it at their types, since it finds them by their keys."""
    for auth, has_names in ((AuthSettings(), False), (NAMED, True), (AuthSettings(), False)):
        sdl = print_sdl(build_schema(AppSettings(auth=auth)))
        lines = sdl.splitlines()
        personal = '@requiresScopes(scopes: [["pii:read"]])'
        assert sum(line.startswith("  phoneNumber: String") and line.endswith(personal) for line in lines) == 3
        assert (
            sum(line.startswith("  displayName: String") and line.endswith(personal) for line in lines) == 2 * has_names
        )
        for name, scope in TYPES.items():
            (line,) = (line for line in lines if line.startswith(f"type {name} "))
            assert (f'@requiresScopes(scopes: [["{scope.value}"]])' if scope else "@authenticated") in line
        told = sum("@requiresScopes(" in line for line in lines)
        rules = rules_of(auth)
        served_by_us_alone = {"Query.node", "Query.nodes", "Query._entities"}
        assert told == len(rules.keys() - served_by_us_alone) + sum(scope is not None for scope in TYPES.values())
        assert {'"@requiresScopes"', '"@authenticated"'} <= {line.strip() for line in lines[:10]}
