"""Look up what is installed among known vulnerabilities: `audit.py FILE`, pinned as `pip freeze` writes it.

Status 1 where one is found. Where nobody can be asked it says so, and that is no failure: a machine without a network
can run all the rest.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

SERVICES = ("pypi", "osv")
TIMEOUT_S = 300


def main(pinned: str) -> int:
    """Ask one service after the other, until one knows any of the packages."""
    with tempfile.TemporaryDirectory() as folder:
        program = install(Path(folder))
        for service in SERVICES if program else ():
            if report := ask(str(program), service, pinned):
                said, is_good = judge(report)
                print(*said, sep="\n")
                return 0 if is_good else 1
    print("NOT AUDITED: no service that knows vulnerabilities could be reached")
    return 0


def install(folder: Path) -> Path | None:
    """The program, in an environment of its own: its dependencies are not ours."""
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit>=2.10,<3"]
    done = _run(command)
    return folder / "bin" / "pip-audit" if done is not None and done.returncode == 0 else None


def ask(program: str, service: str, pinned: str) -> list[dict[str, Any]] | None:
    """What a service knows of each package; None where it knows nothing of any."""
    options = ["--format", "json", "--progress-spinner", "off", "--vulnerability-service", service]
    done = _run([program, *options, "--disable-pip", "--no-deps", "--requirement", pinned])
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"] if done else []
    except (ValueError, KeyError, TypeError):
        return None
    return packages if any("vulns" in package for package in packages) else None


def judge(packages: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """What to say of the packages, and whether no vulnerability is known."""
    bad = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version'}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    said = [f"{len(packages) - len(unknown)} packages audited, {len(bad)} vulnerabilities known", *bad]
    return said + ([f"not audited: {', '.join(unknown)}"] if unknown else []), not bad


def _run(command: list[Any]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
