"""Tables as Markdown has them."""

from collections.abc import Iterator, Sequence


def table(heads: str, rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """A table as Markdown has it."""
    names = heads.split(", ")
    for row in (names, [":--", *["--:"] * (len(names) - 1)], *rows):
        yield f"| {' | '.join(map(shown, row))} |"
    yield ""


def shown(cell: object) -> str:
    """A cell as text; what is not known stays empty."""
    return "" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell)
