"""The command line, tried as an operator would."""

import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from loglines import lines
from processes import confgraph, listening_url, running

from graph.sandbox.world import MOST_CONFERENCES

QUERY = "{ conferences(first: 5) { nodes { sourceName } complete } sources { name } }"
HUAWEI = """
[sources.cc]
vendor = "huawei"
base_url = "http://127.0.0.1:9"
agent_id = "101"
guid = "{}"
"""
HUAWEI_VARIABLES: dict[str, Any] = {
    "CONFGRAPH_SOURCES__CC__VENDOR": "huawei",
    "CONFGRAPH_SOURCES__CC__BASE_URL": "http://127.0.0.1:9",
    "CONFGRAPH_SOURCES__CC__AGENT_ID": "101",
    "CONFGRAPH_SOURCES__CC__GUID": "g",
}


def ask(url: str, query: str) -> dict[str, object]:
    reply = httpx.post(f"{url}/graphql", json={"query": query}, timeout=30)
    assert reply.status_code == 200, reply.text
    answer: dict[str, object] = reply.json()
    return answer


def test_serve_without_configuration_serves_the_sandbox_and_ends_with_status_zero() -> None:
    with running("serve", "--port", "0") as process:
        url = listening_url(process)
        answer = ask(url, QUERY)
        assert "errors" not in answer
        data = answer["data"]
        assert isinstance(data, dict)
        assert len(data["conferences"]["nodes"]) == 5
        assert data["conferences"]["complete"] is True
        assert [source["name"] for source in data["sources"]] == ["hexmeet", "huawei", "netease", "quanshi", "systec"]
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        assert httpx.get(f"{url}/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out == ""
    (warning,) = (line for line in lines(err) if line["level"] == "warning")
    told = "no configuration: serving made-up conferences from the sandbox; give --config or CONFGRAPH_CONFIG"
    assert warning["event"] == told


def test_the_log_is_json_from_the_level_that_is_configured() -> None:
    with running("serve", "--port", "0", CONFGRAPH_SERVER__LOG_LEVEL="debug") as process:
        ask(listening_url(process), QUERY)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    told = lines(err)
    assert {line["source"] for line in told if line["event"] == "vendor request"} >= {"hexmeet", "netease", "systec"}
    (request,) = (line for line in told if line["event"] == "request")
    assert {line["request_id"] for line in told if line["event"] == "vendor request"} == {request["request_id"]}


def test_workers_share_one_port() -> None:
    with running("serve", "--port", "0", "--workers", "2") as process:
        url = listening_url(process)
        for _ in range(4):
            with httpx.Client() as client:
                reply = client.post(f"{url}/graphql", json={"query": "{ sources { name } }"}, timeout=30)
            assert len(reply.json()["data"]["sources"]) == 5
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_check_against_a_running_sandbox(tmp_path: Path) -> None:
    """Every source works; with one wrong credential that one fails, and the status says so."""
    with running("sandbox", "--port", "0", "--conferences", "300") as process:
        assert process.stdout
        lines: list[str] = []
        while not (lines and lines[-1].startswith("conf_ids")):
            lines.append(process.stdout.readline())
        config = tmp_path / "sandbox.toml"
        config.write_text("".join(lines), encoding="utf-8")
        good = confgraph("check", "--config", str(config))
        assert good.returncode == 0, good.stdout + good.stderr
        assert good.stdout.count(" ok ") == 5

        wrong: dict[str, Any] = {"CONFGRAPH_SOURCES__NETEASE__APP_SECRET": "wrong-secret-9", "COLUMNS": "200"}
        bad = confgraph("check", "--config", str(config), **wrong)
        assert bad.returncode == 1
        assert bad.stdout.count(" ok ") == 4
        assert bad.stdout.count(" FAILED ") == 1
        assert "wrong-secret-9" not in bad.stdout + bad.stderr
        (failed,) = (line for line in bad.stdout.splitlines() if "FAILED" in line)
        name, vendor, _, detail = (cell.strip() for cell in failed.split("│")[1:-1])
        assert (name, vendor) == ("netease", "netease")
        assert detail.startswith("UNAUTHENTICATED: ")
        assert name not in detail


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "sources: expected at least one table"),
        ("[servre]\n" + HUAWEI.format("g"), "servre: unknown key"),
        (HUAWEI.format("g") + "gid = 1\n", "sources.cc.gid: unknown key"),
        (HUAWEI.format("g").replace('"101"', "101"), "sources.cc.agent_id: Expected `str`, got `int`"),
        (HUAWEI.format("g").replace("guid", "# guid"), "sources.cc.guid: missing"),
        (HUAWEI.format("g").replace("huawei", "zoom"), "sources.cc.vendor: unknown vendor"),
        ("[server]\nhost = '0.0.0.0'\n" + HUAWEI.format("g"), "auth.mode:"),
        ("[server\n", "configuration: not TOML"),
    ],
)
def test_a_faulty_configuration_ends_with_status_two_and_names_the_key(text: str, fault: str, tmp_path: Path) -> None:
    config = tmp_path / "confgraph.toml"
    config.write_text(text, encoding="utf-8")
    done = confgraph("serve", "--config", str(config))
    assert done.returncode == 2
    assert f"confgraph: {fault}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_fault_has_a_line_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "confgraph.toml"
    config.write_text("[sources.a]\nvendor = 'quanshi'\n[sources.B]\nvendor = 'quanshi'\n", encoding="utf-8")
    done = confgraph("check", "--config", str(config))
    assert done.returncode == 2
    faults = [line.removeprefix("confgraph: ").split(":")[0] for line in done.stderr.splitlines()]
    assert faults == ["sources.a.base_url", "sources.a.token", "sources.B"]


def test_a_missing_file_is_a_configuration_fault() -> None:
    done = confgraph("serve", CONFGRAPH_CONFIG="no-such-file.toml")
    assert done.returncode == 2
    assert "no-such-file.toml cannot be read" in done.stderr


def test_a_taken_port_ends_with_status_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("serve", "sandbox"):
            done = confgraph(command, "--port", port)
            assert done.returncode == 1, command
            assert "Traceback" not in done.stderr
            assert port in done.stderr


@pytest.mark.parametrize("conferences", ["-1", str(MOST_CONFERENCES + 1)])
def test_a_sandbox_of_more_than_the_world_can_hold_is_a_configuration_fault(conferences: str) -> None:
    done = confgraph("sandbox", "--port", "0", "--conferences", conferences)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"confgraph: --conferences: expected 0 to {MOST_CONFERENCES}\n"


def test_a_host_that_is_no_name_ends_with_status_one() -> None:
    done = confgraph(
        "serve", "--host", "a..b", "--port", "0", CONFGRAPH_AUTH__INSIST_ON_NONE="true", **HUAWEI_VARIABLES
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("confgraph: a..b:0: ")
    assert "Traceback" not in done.stderr


def test_schema_check_fails_when_the_file_is_stale(tmp_path: Path) -> None:
    printed = confgraph("schema")
    assert printed.returncode == 0
    file = tmp_path / "schema.graphql"
    file.write_text(printed.stdout, encoding="utf-8")
    assert confgraph("schema", "--check", cwd=tmp_path).returncode == 0
    file.write_text(printed.stdout + "#\n", encoding="utf-8")
    stale = confgraph("schema", "--check", cwd=tmp_path)
    assert stale.returncode == 1
    assert "stale" in stale.stderr
    file.unlink()
    absent = confgraph("schema", "--check", cwd=tmp_path)
    assert absent.returncode == 1
    assert absent.stderr == "confgraph: schema.graphql not found: confgraph schema > schema.graphql\n"
