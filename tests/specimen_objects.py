"""Objects for the schema of specimens, good and faulty, made at random."""

import decimal
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import strawberry
from specimens import Awaited, Circle, Kind, Nicked, Other, Raising, Row, Square


class Text(str):
    __slots__ = ()


class Again:
    """Can be gone through more than once, and is no list."""

    def __iter__(self) -> Any:
        return iter(["g", "h"])


INSTANT = datetime(2026, 1, 11, 19, 57, 10, 627000, tzinfo=timezone(timedelta(hours=8)))
GOOD: dict[str, list[Any]] = {
    "text": ["x", "研发", "", None],
    "number": [0, 5, -(2**31), 2**31 - 1, None],
    "share": [1.5, 0.0, 3, None],
    "flag": [True, False, None],
    "kind": [Kind.A, Kind.C, None],
    "at": [INSTANT, INSTANT.astimezone(UTC), None],
    "day": [INSTANT.date(), None],
    "price": [decimal.Decimal("1.10"), None],
    "key": ["id", 5, None],
    "sure_text": ["n"],
    "sure_kind": [Kind.B],
    "sure_at": [INSTANT],
    "tags": [["a", "b"], [], ("q",)],
    "words": [["a", None], None, []],
    "grid": [[[1, 2], []], None, ([None],)],
    "anything": [{"a": [1]}, None],
    "secret": ["hush", None],
    "renamed": [1, None],
}
BAD: dict[str, list[Any]] = {
    "text": [5, True, 1.5, [1], Text("z"), ValueError("value")],
    "number": ["7", True, 1.0, 1.5, 2**31, "x", float("nan")],
    "share": ["1.5", True, float("inf"), "q"],
    "flag": [1, 0, "yes"],
    "kind": ["a", "zzz", 3, []],
    "at": ["2026", INSTANT.date(), 5],
    "day": ["x"],
    "price": [5, "x"],
    "key": [True, 1.5, [1]],
    "sure_text": [None, 5, [2]],
    "sure_kind": [None, "q"],
    "sure_at": [None, 3],
    "tags": [None, ["a", None], "str", 5, {"a": 1}, Again()],
    "words": ["str", 7, [[1]]],
    "grid": [[None], [[1], 5], [["x"]]],
    "anything": [[None]],
    "secret": [[1]],
    "renamed": ["x"],
}


def row(random: Random, depth: int, faulty: float, *, casts: bool) -> Any:
    """A row of `Leaf`; each attribute is faulty with that probability."""
    made = {name: random.choice(BAD[name] if random.random() < faulty else good) for name, good in GOOD.items()}
    made["children"] = (
        [row(random, depth - 1, faulty, casts=casts) for _ in range(random.randint(0, 2))] if depth else []
    )
    made["child"] = row(random, depth - 1, faulty, casts=casts) if depth and random.random() < 0.6 else None
    twin = row(random, 0, faulty, casts=casts) if depth == 2 and random.random() < 0.8 else None
    made["twin"] = made["sure_twin"] = twin
    made["shape"] = shape(random, faulty, casts=casts)
    made["thing"] = random.choice([Square(area=1.0, side=1), Other(name="o"), None])
    if random.random() < faulty / 4:
        made["children"] = None
    for name in list(made):
        if random.random() < faulty / 20:
            del made[name]
    odd = random.random()
    if odd < faulty / 4:
        made.pop("text", None)
        return Raising(made)
    if odd < faulty / 2:
        made.pop("number", None)
        return Awaited(made)
    return Row(made)


def shape(random: Random, faulty: float, *, casts: bool) -> Any:
    """A value for `Shape` or `Figure`; a cast tells for one object what its class does not."""
    if random.random() < faulty:
        side: Any = random.choice([None, "q", 2**40])
        return random.choice(
            [
                Square(area=random.choice([1.0, None, "x", 3]), side=side),  # type: ignore[arg-type]
                Other(name="o"),
                Row({"area": 1.0, "side": 3}),
                strawberry.cast(Square, Row({"area": 1.0, "side": 3})) if casts else Other(name="p"),
                ValueError("value"),
                None,
            ]
        )
    return random.choice(
        [
            Square(area=2.0, side=4),
            Circle(area=None, radius=5),
            Nicked(area=1.0, side=2, nick="n"),
            Circle(area=1.5, radius=None),
        ]
    )


def root(random: Random, faulty: float, *, casts: bool) -> Any:
    """What the fields of `Query` are read from."""
    rows: Any = [row(random, 2, faulty, casts=casts) for _ in range(random.randint(0, 6))]
    shapes = [shape(random, faulty, casts=casts) for _ in range(random.randint(0, 6))]
    holes: list[Any] = [None] if random.random() < 0.2 else []
    return Row(
        {
            "rows": tuple(rows) if random.random() < 0.1 else rows + (holes if random.random() < faulty else []),
            "rows_or_not": rows + holes,
            "row": rows[0] if rows else None,
            "grown": rows + holes,
            "shapes": shapes,
            "shapes_or_not": shapes + holes,
            "things": shapes,
            "squares": [one for one in shapes if isinstance(one, Square)],
        }
    )
