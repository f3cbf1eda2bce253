"""Python that is written line by line, and the objects it names."""

from collections.abc import Callable
from typing import Any


class Code:
    """The source of one function in the making, and of those inside it."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._objects: dict[str, object] = {}
        self._count = 0

    def line(self, depth: int, text: str) -> None:
        """Add a line, indented so many times."""
        self._lines.append(" " * depth + text)

    def variable(self) -> str:
        """A name that no other variable has."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: object) -> str:
        """A name for an object that the function uses."""
        self._count += 1
        name = f"c{self._count}"
        self._objects[name] = value
        return name

    def mark(self) -> int:
        """Where the source has come to, to go back there."""
        return len(self._lines)

    def drop(self, mark: int) -> None:
        """Take back what was written since."""
        del self._lines[mark:]

    def function(self, name: str) -> Callable[..., Any]:
        """Compile it all; the function that bears a name."""
        # Only names made here, attribute names of the schema's own types and literals by repr() are in it.
        exec(compile("\n".join(self._lines), f"<compiled {name}>", "exec"), self._objects)  # noqa: S102
        function: Callable[..., Any] = self._objects[name]  # type: ignore[assignment]
        return function
