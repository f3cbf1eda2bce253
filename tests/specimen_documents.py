"""Documents made at random for the schema of specimens."""

from random import Random

LEAVES = (
    *("text", "number", "share", "flag", "kind", "at", "day", "price", "key", "sureText", "sureKind", "sureAt"),
    *("tags", "words", "grid", "anything", "called", "doubled", "__typename"),
)
ASKED = ("later", "again: later(times: 5)", "atOnce", "fails", "lone { text child { number } }")
MANY = ("many", "five: many(times: 5)", "large: many(times: 7)", "least: many(times: 1)", "worst: many(times: 13)",
        "none: many(times: null)", "many @include(if: $yes)")  # fmt: skip
KIN = ("kin", "sureKin", "twin", "sureTwin")
DIRECTIVES = ("", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @include(if: $no)", " @skip(if: true)")
FRAGMENTS = {"P": "text kind", "Q": "sureText child { number text }"}
SHAPES = ("__typename", "... on Square { side area }", "... on Circle { radius @include(if: $yes) }",
          "... on Nicked { nick side manySides }", "... on Shape { area }",
          "... on Square { manySides laterSide }")  # fmt: skip

ROOTS = ("__typename", "more: __typename @include(if: $no)", "rowLater { text number child { text } doubled }",
         "sameLater: rowLater @skip(if: $no) { sureText }", "failsLater", "failsAtOnce",
         "rowsLater { text sureAt }", "rowsLater @include(if: $yes) { text kind }",
         "three: rowsLater(most: 3) { number }", "none: rowsLater(most: null) { number }")  # fmt: skip
SURE_ROOTS = ("failsSurely", "failsSurelyAtOnce")


def document(random: Random) -> str:
    """A query of one of the fields of `Query`, with the variables $yes and $no."""
    root = random.choice(("rows", "rowsOrNot", "row", "grown", "shapes", "shapesOrNot", "things", "squares"))
    if root in ("rows", "rowsOrNot", "row", "grown"):
        kind = "Grown" if root == "grown" else "Leaf"
        fragments = [] if root == "grown" else list(FRAGMENTS)
        selected = _leaf(random, 2, fragments, kind)
        if root == "grown":
            asked = random.sample(ASKED, random.randint(0, len(ASKED)))
            if random.random() < 0.1:
                asked.append("failsSurely")
            if random.random() < 0.5:
                asked += [_asked_at_once(random, 1) for _ in range(random.randint(1, 3))]
            parts = [selected, *asked]
            random.shuffle(parts)
            selected = " ".join(parts)
    else:
        own = ["side", "area", "z: area", "manySides"] if root == "squares" else ["area"] if root != "things" else []
        choices = own if root == "squares" else [*SHAPES, *own]
        selected, fragments = " ".join(random.sample(choices, min(3, len(choices)))), []
    spread = "".join(
        f" fragment {name} on Leaf {{ {FRAGMENTS[name]} }}" for name in fragments if f"...{name}" in selected
    )
    parts = [f"{root} {{ {selected} }}", *random.sample(ROOTS, random.choice((0, 0, 1, 2, 4)))]
    if random.random() < 0.05:
        parts.append(random.choice(SURE_ROOTS))
    random.shuffle(parts)
    return f"query($yes: Boolean!, $no: Boolean!) {{ {' '.join(parts)} }}{spread}"


def _asked_at_once(random: Random, depth: int) -> str:
    """Fields that are resolved for all rows at once, of rows and of objects in them."""
    name = random.choice((*MANY, *KIN, *KIN) if depth else MANY)
    if name in MANY:
        return name
    inner = [_asked_at_once(random, depth - 1) for _ in range(random.randint(0, 2))]
    others = random.sample(("text", "later", "kind", "failsSurely", "twin { text fails }", "__typename"), 2)
    alias = random.choice(("", "other: ", "another: "))
    return f"{alias}{name} {{ {' '.join([*inner, *others])} }}"


def _leaf(random: Random, depth: int, fragments: list[str], kind: str) -> str:
    parts = []
    for _ in range(random.randint(1, 8)):
        dice, directive = random.random(), random.choice(DIRECTIVES)
        if dice < 0.55:
            name = random.choice(LEAVES)
            alias = f"z_{name.strip('_')}: " if random.random() < 0.2 else ""
            parts.append(f"{alias}{name}{directive}")
        elif dice < 0.6:
            parts.append(f"secret{directive}")
        elif dice < 0.68:
            parts.append(f"shape{directive} {{ {' '.join(random.sample(SHAPES, 2))} }}")
        elif dice < 0.72:
            parts.append(f"thing{directive} {{ __typename ... on Square {{ side }} ... on Other {{ name }} }}")
        elif dice < 0.85 and depth:
            name = random.choice(("children", "child", "kids: children"))
            parts.append(f"{name}{directive} {{ {_leaf(random, depth - 1, fragments, 'Leaf')} }}")
        elif dice < 0.92 and depth:
            on = random.choice((f" on {kind}", ""))
            parts.append(f"...{on}{directive} {{ {_leaf(random, depth - 1, fragments, kind)} }}")
        elif fragments:
            parts.append(f"...{random.choice(fragments)}{directive}")
    return " ".join(parts) or "text"
