"""The house plan, enforced: imports go down, libraries stay in their rooms, files stay short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.vendors import VENDORS

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "graph").rglob("*.py"))

# From the top of the house down: a room may import from its own floor's siblings only where named in SAME_FLOOR.
FLOORS = [
    ["cli", "__main__"],
    ["server"],
    ["sandbox.server"],
    ["schema", "execution"],
    ["context"],
    ["loaders", "reports", "live"],
    ["batches"],
    ["fleet"],
    ["vendors"],
    ["cache", "transport", "paging"],
    ["sandbox.world"],  # the truth: emulators read it, it reads nothing but time
    ["settings"],
    ["statistics"],
    ["records"],
    ["ids"],
    ["telemetry", "identity", "freshness"],
    ["errors", "clock"],
    ["__init__"],
]
SAME_FLOOR = {
    ("__main__", "cli"),
    ("schema", "execution"),
    ("paging", "cache"),
    ("paging", "transport"),
    ("cache", "transport"),
}

FENCES = {
    "strawberry": r"graph/(schema|execution|server)/.*|graph/vendors/\w+/fields\.py",
    "graphql": r"graph/(schema|execution|server)/.*",
    "httpx": r"graph/(transport|vendors)/.*",
    "httptools": r"graph/transport/connection\.py|graph/server/http11\.py",
    "starlette": r"graph/(server|sandbox)/.*|graph/vendors/(\w+/emulator\w*|base|twin)\.py",
    "aiodataloader": r"graph/batches\.py",
    "redis": r"graph/cache/.*",
    "structlog": r"graph/telemetry/.*",
    "prometheus_client": r"graph/telemetry/.*",
    "opentelemetry": r"graph/telemetry/.*",
    "jwt": r"graph/server/.*",
    "uvicorn": r"graph/sandbox/.*|graph/server/(connections|http11|serving)\.py",
    "anyio": r"graph/cli\.py",
    "websockets": r"graph/server/connections\.py",
}


def modules_imported(path: Path) -> Iterator[str]:
    """Every module a file imports, those in functions and for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("graph"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "graph").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def room(module: str) -> str:
    """The room of a dotted name below `graph`."""
    if module.startswith("sandbox"):
        return "sandbox.server" if module.startswith("sandbox.server") else "sandbox.world"
    return module.split(".", maxsplit=1)[0]


def floor(name: str) -> int:
    """How far down a room lies; it is a fault of the plan when it has no place there."""
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    here = room(module_name(path))
    for module in modules_imported(path):
        if not module.startswith("graph."):
            continue
        there = room(module.removeprefix("graph."))
        if there == here or module == "graph.__version__":
            continue
        is_type_only = name_of(path) == "graph/vendors/base.py" and there == "sandbox.world"
        assert floor(here) < floor(there) or (here, there) in SAME_FLOOR or is_type_only, f"{here} imports {module}"


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for module in modules_imported(path):
        allowed = FENCES.get(module.split(".")[0])
        if allowed:
            assert re.fullmatch(allowed, name_of(path)), f"{module} does not belong into {name_of(path)}"


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_vendors_keep_to_themselves(path: Path) -> None:
    """A vendor imports no other vendor, and an emulator nothing of its adapter."""
    match = re.fullmatch(r"graph/vendors/(\w+)/(\w+)\.py", name_of(path))
    if not match:
        return
    for module in modules_imported(path):
        other = re.match(r"graph\.vendors\.(\w+)(?:\.(\w+))?", module)
        if not other or other[1] in ("base", "costs") or (other[1] == "twin" and match[2].startswith("emulator")):
            continue
        assert other[1] == match[1], f"{name_of(path)} imports {module}"
        if match[2].startswith("emulator"):
            assert (other[2] or "").startswith("emulator"), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_vendor_names_stay_at_home(path: Path) -> None:
    """A sixth vendor touches its folder and one registry line: no other code tells vendors apart."""
    home = name_of(path)
    if home.startswith(("graph/vendors/", "graph/sandbox/")):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        words = []
        if isinstance(node, ast.Name):
            words = [node.id]
        elif isinstance(node, ast.Attribute):
            words = [node.attr]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in VENDORS:
            words = [node.value]
        for word in words:
            assert not any(vendor in word.lower() for vendor in VENDORS), f"{home} names {word}"


@pytest.mark.parametrize("path", [*CODE, *sorted((ROOT / "tests").rglob("*.py"))], ids=name_of)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_only_settings_reads_the_environment_and_only_clock_the_time() -> None:
    for path in CODE:
        text = path.read_text(encoding="utf-8")
        if name_of(path) != "graph/settings/reading.py":
            assert "os.environ" not in text, name_of(path)
        if name_of(path) != "graph/clock.py":
            assert not re.search(r"datetime\.now\(|time\.(time|monotonic|perf_counter)\(", text), name_of(path)
