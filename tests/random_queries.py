"""Queries made at random, over all of the schema that asks vendors."""

from random import Random
from typing import Any

from answers import text
from worlds import DAY, NOW, Running, during

IDS = """
query($d: TimeRange!) {
  conferences(filter: {during: $d}, first: 40) { nodes { id room { id } members(first: 1) { nodes { id } } } }
  calls(filter: {during: $d}, first: 5) { nodes { id mcu { id } } }
}
"""


async def ids_of(run: Running) -> list[str]:
    """The ids of some objects of every kind."""
    found = await run.client.data(IDS, d=during(20))
    rows: list[dict[str, Any]] = found["conferences"]["nodes"]
    calls: list[dict[str, Any]] = found["calls"]["nodes"]
    objects = [*rows, *calls, *(member for row in rows for member in row["members"]["nodes"])]
    objects += [row["room"] for row in rows if row["room"]] + [call["mcu"] for call in calls if call["mcu"]]
    return [it["id"] for it in objects]


class Asker:
    """Makes queries.

    Args:
        seed: The same one makes the same queries.
        ids: Of objects there are.
    """

    def __init__(self, seed: int, ids: list[str]) -> None:
        self._random = Random(seed)  # noqa: S311 - to be repeatable
        self._ids = ids

    def query(self) -> str:
        """The next query."""
        roots = self._some(
            [
                f"conferences({self._conference_filter()}{self._size()}) {{ {self._page(self._conference())} }}",
                f"calls(filter: {{{self._during()}}}, {self._size()}) {{ {self._page(self._call())} }}",
                f"rooms(filter: {{{self._during()}}}, {self._size(20)}) {{ {self._page(self._room())} }}",
                f"mcuResources(filter: {{{self._during()}}}, {self._size(5)}) {{ {self._page(self._mcu())} }}",
                f"nodes(ids: {self._list(self._ids)}) {{ {self._object()} }}",
                'usage(of: CONFERENCES, days: {from: "2026-03-01", to: "2026-03-12"}) { count }',
                f"usageBy(dimension: ROOM, {self._during()}, {self._size()}) {{ {self._page('name')} }}",
                f"regionCounts(measure: ISSUED_CALLS, {self._size()}) {{ {self._page('region')} }}",
                "live { memberCount }",
            ],
            1,
        )
        return "{ " + " ".join(f"f{number}: {root}" for number, root in enumerate(roots)) + " }"

    def _some(self, parts: list[str], least: int = 0) -> list[str]:
        return self._random.sample(parts, self._random.randint(least, min(len(parts), 3)))

    def _list(self, texts: list[str]) -> str:
        chosen = self._random.sample(texts, min(len(texts), 12))
        return "[" + " ".join(f'"{it}"' for it in chosen) + "]"

    def _size(self, most: int = 120) -> str:
        return f"{self._random.choice(['first', 'last'])}: {self._random.choice([1, 3, most])}"

    def _during(self) -> str:
        end = NOW - self._random.choice([0, 1, 20]) * DAY
        start = end - self._random.choice([0.1, 1, 5, 40]) * DAY
        return f'during: {{from: "{text(start)}", to: "{text(end)}"}}'

    def _conference_filter(self) -> str:
        parts = self._some(
            [self._during(), "states: [CANCELLED]", "states: [LIVE ENDED]", 'search: "a"', 'search: "qzx"']
        )
        return f"filter: {{{' '.join({part.partition(':')[0]: part for part in parts}.values())}}}, "

    def _page(self, rows: str) -> str:
        return f"nodes {{ {rows} }} " + " ".join(
            self._some(["totalCount", "pageInfo { hasNextPage hasPreviousPage }", "sources { totalCount }"])
        )

    def _conference(self) -> str:
        members = f"members(first: 3) {{ {self._page('id conference { title }')} }}"
        calls = f"calls {{ {self._page('id conference { title memberCount }')} }}"
        return "id " + " ".join(self._some([members, calls, "memberCount", f"room {{ {self._room()} }}"]))

    def _call(self) -> str:
        parts = ["conference { title }", "conference { members { totalCount } }", "mcu { kind }", "room { capacity }"]
        return "id " + " ".join(self._some(parts)[:1])

    def _room(self) -> str:
        listed = f"conferences({self._during()}, first: 3) {{ {self._page('id memberCount')} }}"
        return "id " + " ".join(self._some(["vendorId", "capacity", f"usage({self._during()}) {{ count }}", listed]))

    def _object(self) -> str:
        kinds = {
            "Conference": self._conference(),
            "Call": self._call(),
            "Room": self._room(),
            "McuResource": self._mcu(),
        }
        return "id " + " ".join(f"... on {kind} {{ {fields} }}" for kind, fields in kinds.items())

    def _mcu(self) -> str:
        days = f"utilization({self._during()}) {{ peakRatio }}"
        return "id " + " ".join(self._some([days, f"calls({self._during()}, first: 3) {{ nodes {{ id }} }}"]))
