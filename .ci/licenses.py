"""List the licences of what runs with confgraph, by the metadata of what is installed.

`licenses.py` writes .github/LICENSES.md, `licenses.py --check` fails where that is stale.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
FILE = ROOT / ".github" / "LICENSES.md"
OURS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRA = "tracing"
PYTHON = {"python_version": "3.13", "python_full_version": "3.13.0"}  # the same list on any: no backports
HEAD = f"""# Licences

Of the packages that `pip install confgraph` brings along, and those of `confgraph[{EXTRA}]`. confgraph itself:
[MIT](../LICENSE). Made by `.ci/licenses.py`.

| package | licence | with |
|---|---|---|
"""


def main(options: list[str]) -> int:
    """Write the list, or compare it."""
    text = table()
    if "--check" not in options:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.name} is stale: run .ci/licenses.py")
        return 1
    return 0


def table() -> str:
    """The whole file."""
    always = closure(frozenset())
    extra = closure(frozenset({EXTRA})) - always
    rows = [(name, "confgraph") for name in always] + [(name, f"`confgraph[{EXTRA}]`") for name in extra]
    return HEAD + "".join(f"| {name} | {license_of(name)} | {where} |\n" for name, where in sorted(rows))


def closure(extras: frozenset[str]) -> set[str]:
    """All packages that are needed, those that others need too."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [*wanted(OURS["dependencies"])]
    for extra in extras:
        waiting += wanted(OURS["optional-dependencies"][extra])
    while waiting:
        name, needed = package = waiting.pop()
        if package not in seen:
            seen.add(package)
            waiting += wanted(distribution(name).requires or (), needed)
    return {name for name, _ in seen}


def wanted(requirements: Iterable[str], extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Which packages are wanted here, and with which extras, by who wants them with some extras itself."""
    for one in map(Requirement, requirements):
        if one.marker is None or any(one.marker.evaluate({**PYTHON, "extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(one.name), frozenset(one.extras)


def license_of(name: str) -> str:
    """What a package says of itself: in an expression, a short word, or a classifier.

    Raises:
        LookupError: it says nothing.
    """
    about = distribution(name).metadata
    classifiers = [text.rsplit(" :: ", 1)[1] for text in about.get_all("Classifier", []) if text.startswith("License")]
    words = [*about.get_all("License-Expression", []), *about.get_all("License", []), ", ".join(classifiers)]
    found: str | None = next((word for word in words if word and "\n" not in word), None)
    if found is None:
        raise LookupError(f"{name} names no licence")
    return found


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (LookupError, PackageNotFoundError) as error:
        sys.exit(str(error))
