"""What deploy/ says fits the code. No container is run here."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import listening_url, running
from test_docs import TYPES, blocks

from graph.cli import _check_exposure
from graph.settings import AppSettings, parse

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
REPLICAS = re.findall(r"^  replica-\d:\n((?:    .*\n)+)", COMPOSE, re.MULTILINE)


def instruction(name: str) -> str:
    """What follows an instruction that the Dockerfile has once."""
    (found,) = re.findall(rf"^\s*{name} (.*)$", DOCKERFILE, re.MULTILINE)
    return str(found)


def settings_of(environment: dict[str, str]) -> AppSettings:
    """The README's example with an environment laid over it."""
    example, *_ = blocks("toml")
    return parse(example, TYPES, environment)


def test_the_image_is_made_of_files_that_are_there_and_reach_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE)
    for path in " ".join(copied).split():
        assert (ROOT / path).exists(), path
        assert f"!{path.rstrip('/')}" in ignored, path
    assert "-c .ci/constraints.txt" in instruction("RUN")


def test_the_image_serves_as_a_user_without_rights() -> None:
    user = instruction("USER")
    (uid,) = re.findall(
        rf"useradd --system --uid (\d+) --no-create-home --shell /usr/sbin/nologin {user}", instruction("RUN")
    )
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert f"chown {uid} " in page
    assert f"uid {uid}" in page
    assert DOCKERFILE.index("\nUSER") < DOCKERFILE.index("\nENTRYPOINT")
    assert [*json.loads(instruction("ENTRYPOINT")), *json.loads(instruction("CMD"))] == ["confgraph", "serve"]


def test_the_variables_of_the_image_are_settings() -> None:
    variables = dict(pair.split("=", 1) for pair in instruction("ENV").split())
    assert variables.pop("CONFGRAPH_CONFIG") == "/etc/confgraph/confgraph.toml"
    assert settings_of(variables).server.port == int(instruction("EXPOSE"))


def test_the_health_check_of_the_image_tells_whether_the_process_lives() -> None:
    _, _, words = re.sub(r"--\S+ +", "", instruction("HEALTHCHECK")).strip().partition("CMD ")
    python, *arguments = json.loads(words)
    assert python == "python"

    def is_healthy(url: str) -> bool:
        port = url.rsplit(":", 1)[-1]
        environment = {**os.environ, "CONFGRAPH_SERVER__PORT": port}
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False).returncode == 0  # noqa: S603 - our own

    with running("serve", "--port", "0") as process:
        url = listening_url(process)
        assert is_healthy(url)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert not is_healthy(url)


def test_the_replicas_share_a_valkey_and_listen_where_they_may() -> None:
    assert len(REPLICAS) == 2
    for replica in REPLICAS:
        assert "<<: *replica" in replica
        environment = dict(re.findall(r'^ +(CONFGRAPH_\w+): "?([^"\n]*)"?$', replica, re.MULTILINE))
        settings = settings_of(environment)
        assert settings.cache.url.startswith("valkey://valkey:")
        _check_exposure(settings)
    assert "network_mode: service:balancer" in COMPOSE


def test_the_balancer_knows_every_replica_and_is_published_on_loopback_only() -> None:
    balancer = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    ports = [re.findall(r'PORT: "(\d+)"', replica) for replica in REPLICAS]
    assert re.findall(r"127\.0\.0\.1:(\d+)", balancer) == [port for found in ports for port in found]
    assert "health_uri /readyz" in balancer
    assert re.findall(r"^    ports:\n((?:      - .*\n)+)", COMPOSE, re.MULTILINE) == ["      - 127.0.0.1:8000:8000\n"]


@pytest.mark.parametrize("path", ["../.ci/constraints.txt", "Caddyfile", "Dockerfile", "compose.yaml"])
def test_what_the_compose_file_and_its_page_name_is_there(path: str) -> None:
    assert (DEPLOY / path).is_file()


def test_the_user_s_own_configuration_is_never_committed() -> None:
    assert "source: ./confgraph.toml" in COMPOSE
    assert "/deploy/confgraph.toml" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
