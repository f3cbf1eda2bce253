"""Authentication as an operator sets it up: with the command line, files and processes."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from issuing import AUDIENCE, ISSUER, public_entry, token
from loglines import lines
from processes import confgraph, listening_url, running

SOURCE = '[sources.one]\nvendor = "quanshi"\nbase_url = "http://127.0.0.1:9"\ntoken = "t"\n'
QUERY = {"query": "{ __typename }"}


def local(process: subprocess.Popen[str]) -> str:
    """The URL of a process that listens on all addresses, on loopback."""
    return re.sub(r"//[\d.]+:", "//127.0.0.1:", listening_url(process))


def status(url: str, credential: str | None) -> int:
    headers = {"authorization": f"Bearer {credential}"} if credential else {}
    return httpx.post(f"{url}/graphql", json=QUERY, headers=headers, timeout=30).status_code


def written(folder: Path, text: str) -> str:
    file = folder / "confgraph.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@contextlib.contextmanager
def issuer(folder: Path) -> Iterator[str]:
    """A process that serves the files of a folder; its URL."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stdout
        port = re.search(r"port (\d+)", process.stdout.readline())
        assert port
        try:
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            process.terminate()


def test_a_key_that_the_command_makes_lets_its_caller_in(tmp_path: Path) -> None:
    """On any address; no other key does, and the log names the caller and never a key."""
    made = confgraph("key", "dashboard")
    assert made.returncode == 0
    key, _, table = made.stdout.partition("\n")
    assert len(key) >= 43
    assert confgraph("key", "dashboard").stdout != made.stdout
    (entry,) = tomllib.loads(table)["auth"]["keys"]
    assert entry == {"name": "dashboard", "sha256": sha256(key.encode()).hexdigest()}
    config = written(tmp_path, f'[auth]\nmode = "keys"\n{table}\n[server]\nhost = "0.0.0.0"\nport = 0\n{SOURCE}')
    with running("serve", "--config", config, CONFGRAPH_SERVER__LOG_LEVEL="debug") as process:
        url = local(process)
        assert [status(url, credential) for credential in (key, None, key[:-1], entry["sha256"])] == [
            *(200, 401, 401, 401),
        ]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert [line.get("caller") for line in lines(err, "request")] == ["dashboard", None, None, None]
    assert [line["reason"] for line in lines(err, "caller not known")] == [
        "no credential",
        "unknown key",
        "unknown key",
    ]
    assert key[:-1] not in err
    assert entry["sha256"] not in err


@pytest.mark.parametrize("name", ["", 'quo"te'])
def test_a_key_needs_a_name_that_can_be_logged(name: str) -> None:
    made = confgraph("key", "--", name)
    assert made.returncode == 2
    assert made.stderr.startswith("confgraph: name: expected")
    assert made.stdout == ""


def test_tokens_of_an_issuer_in_another_process(tmp_path: Path) -> None:
    """Of several workers too; one that the issuer has not signed is refused."""
    published = tmp_path / "published"
    published.mkdir()
    (published / "jwks.json").write_text(json.dumps({"keys": [public_entry("rsa-1"), public_entry("ec-1")]}))
    with issuer(published) as issuer_url:
        jwt = f'jwks_url = "{issuer_url}/jwks.json"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
        config = written(tmp_path, f'[auth]\nmode = "jwt"\n[auth.jwt]\n{jwt}{SOURCE}')
        with running("serve", "--config", config, "--port", "0", "--workers", "2") as process:
            url = listening_url(process)
            sent = [token("rsa-1"), token("ec-1"), token("rsa-2"), token(aud="billing"), None]
            assert [status(url, one) for one in sent] == [200, 200, 401, 401, 401]


def test_without_authentication_other_addresses_than_loopback_are_insisted_on(tmp_path: Path) -> None:
    open_to_all = f'[server]\nhost = "0.0.0.0"\nport = 0\n{SOURCE}'
    refused = confgraph("serve", "--config", written(tmp_path, open_to_all))
    assert refused.returncode == 2
    assert "confgraph: auth.mode:" in refused.stderr
    insisting = written(tmp_path, f"[auth]\ninsist_on_none = true\n{open_to_all}")
    with running("serve", "--config", insisting) as process:
        assert status(local(process), None) == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    (warning,) = (line for line in lines(err) if line["level"] == "warning")
    assert warning["event"].startswith("auth.mode is none")


def test_the_sandbox_stays_on_loopback_whoever_may_ask() -> None:
    refused = confgraph("serve", "--host", "0.0.0.0", "--port", "0", CONFGRAPH_AUTH__INSIST_ON_NONE="true")  # noqa: S104
    assert refused.returncode == 2
    assert "confgraph: sources: missing" in refused.stderr
