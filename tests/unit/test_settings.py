"""Configuration: the file and the environment made into typed settings, every fault named and no value shown."""

import json
import pickle
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from graph.errors import ConfigError
from graph.settings import AppSettings, Secret, SourceSettings, build, config_path, has_sources, load, parse


class AcmeSettings(SourceSettings, frozen=True, kw_only=True):
    """A vendor of the test's own."""

    token: Secret
    spare: Secret | None = None
    place: Literal["header", "body"] = "header"
    conf_ids: list[int] = msgspec.field(default_factory=list)
    is_eager: bool = False

    def faults(self) -> list[str]:
        return [*super().faults(), *(["conf_ids: no zero"] if 0 in self.conf_ids else [])]


VENDORS: dict[str, type[SourceSettings]] = {"acme": AcmeSettings}
HEAD = '[sources.a]\nvendor = "acme"\nbase_url = "https://acme.example/api"\n'
GOOD = HEAD + 'token = "hush-secret"\n'


def settings_of(text: str, environ: dict[str, str] | None = None, base: Path = Path()) -> AppSettings:
    return parse(text, VENDORS, environ or {}, base)


def source_of(text: str, environ: dict[str, str] | None = None, base: Path = Path()) -> AcmeSettings:
    source = settings_of(text, environ, base).sources["a"]
    assert isinstance(source, AcmeSettings)
    return source


def faults_of(text: str, environ: dict[str, str] | None = None, base: Path = Path()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, environ, base)
    return caught.value.faults


def test_defaults() -> None:
    settings = settings_of(GOOD)
    assert (settings.server.host, settings.server.port, settings.server.page_budget) == ("127.0.0.1", 8000, 10)
    source = source_of(GOOD)
    assert (source.timeout_s, source.time_zone, source.time_filter) == (10, "Asia/Shanghai", "start")
    assert (source.max_conference_hours, source.settle_hours, source.lookup_days) == (25, 50, 31)
    assert source.token.reveal() == "hush-secret"


def test_the_environment_wins_over_the_file_and_takes_the_type_of_its_key() -> None:
    environ = {
        "CONFGRAPH_SERVER__PORT": "9000",
        "CONFGRAPH_SERVER__INTROSPECTION": "false",
        "CONFGRAPH_SOURCES__A__TOKEN": "12345",
        "CONFGRAPH_SOURCES__A__TIMEOUT_S": "2.5",
        "CONFGRAPH_SOURCES__A__CONF_IDS": "[7, 8]",
        "CONFGRAPH_SOURCES__A__IS_EAGER": "true",
        "CONFGRAPH_SOURCES__A__PLACE": "body",
        "CONFGRAPH_CONFIG": "not a key",
        "OTHER__THING": "not ours",
    }
    settings = settings_of("[server]\nport = 1\n" + GOOD, environ)
    assert (settings.server.port, settings.server.introspection) == (9000, False)
    source = source_of(GOOD, environ)
    assert (source.token.reveal(), source.timeout_s, source.place) == ("12345", 2.5, "body")
    assert (source.conf_ids, source.is_eager) == ([7, 8], True)


def test_the_environment_alone_can_configure_a_source() -> None:
    environ = {
        "CONFGRAPH_SOURCES__MY_ACME__VENDOR": "acme",
        "CONFGRAPH_SOURCES__MY_ACME__BASE_URL": "http://127.0.0.1:9101",
        "CONFGRAPH_SOURCES__MY_ACME__TOKEN": "t",
    }
    assert has_sources(environ)
    assert not has_sources({"CONFGRAPH_SERVER__PORT": "1"})
    assert list(load(None, VENDORS, environ).sources) == ["my_acme"]


def test_the_configuration_is_the_option_else_the_variable() -> None:
    environ = {"CONFGRAPH_CONFIG": "from.env"}
    assert config_path(Path("given"), environ) == Path("given")
    assert config_path(None, environ) == Path("from.env")
    assert config_path(None, {}) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD + "tokn = 1", "sources.a.tokn: unknown key"),
        (GOOD + "[sever]", "sever: unknown key"),
        (GOOD + "[server]\nprt = 1", "server.prt: unknown key"),
        (GOOD + '[server]\nport = "8000"', "server.port: Expected `int`, got `str`"),
        (GOOD + "[server]\nport = true", "server.port: Expected `int`, got `bool`"),
        (GOOD + "[server]\nport = 65536", "server.port: expected 0 to 65535"),
        (GOOD + "[server]\npage_budget = 0", "server.page_budget: expected at least 1"),
        ("server = 5\n" + GOOD, "server: expected a table"),
        (HEAD, "sources.a.token: missing"),
        (HEAD + 'token = ""', "sources.a.token: Expected `str`, got an empty one"),
        (HEAD + "token = 5", "sources.a.token: Expected `str`, got `int`"),
        (GOOD + 'place = "footer"', 'sources.a.place: expected one of "header", "body"'),
        (GOOD + 'conf_ids = ["1"]', "sources.a.conf_ids: Expected `int`, got `str`"),
        (GOOD + "conf_ids = [0]", "sources.a.conf_ids: no zero"),
        ('[sources.a]\nvendor = "nobody"', "sources.a.vendor: unknown vendor; expected one of acme"),
        ("[sources.a]\ntoken = 5", "sources.a.vendor: missing; expected one of acme"),
        ("[sources]\na = 5", "sources.a: expected a table"),
        ("sources = 5", "sources: expected a table"),
        (GOOD + "timeout_s = 0", "sources.a.timeout_s: expected more than 0 and at most 600"),
        (GOOD + "timeout_s = nan", "sources.a.timeout_s: expected more than 0 and at most 600"),
        (GOOD + "page_size = 0", "sources.a.page_size: expected 1 to 10000"),
        (GOOD + "lookup_days = 99999999999", "sources.a.lookup_days: expected 1 to 3660"),
        (GOOD + 'token_file = "t"', "sources.a.token_file: given beside token"),
        (HEAD + 'token_file = "absent"', "sources.a.token_file: cannot be read: No such file or directory"),
        (HEAD + 'token_file = "."', "sources.a.token_file: cannot be read: Is a directory"),
        (HEAD + 'token_file = "a\\u0000b"', "sources.a.token_file: cannot be read: not a text file"),
        (HEAD + "token_file = 5", "sources.a.token_file: Expected `str`"),
        (HEAD + 'token_file = "blank"', "sources.a.token_file: is empty"),
    ],
)
def test_a_fault_names_its_key(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "blank").write_text(" \n")
    assert faults_of(text, base=tmp_path) == [fault]


@pytest.mark.parametrize(
    "address",
    [
        *("ftp://a.example", "acme.example", "http://", "http://a?b=1", "http://a#b", "http://[a"),
        *("http://a:99999", "http://a:0", "http://a:b", "http://a b", "http://a\\n"),
    ],
)
def test_a_base_url_that_cannot_be_asked_is_refused(address: str) -> None:
    text = GOOD.replace("https://acme.example/api", address)
    assert faults_of(text) == ["sources.a.base_url: expected http:// or https://, a host and an optional prefix"]


def test_credentials_in_a_base_url_are_refused_unseen() -> None:
    faults = faults_of(GOOD.replace("acme.example", "root:pa55@acme.example"))
    assert faults == ["sources.a.base_url: credentials do not belong into an address"]


@pytest.mark.parametrize(
    "origin",
    [
        *("app.example", "https://app.example/", "https://App.example", "https://app.example:443", "http://a:80"),
        *("https://*.example", "null", "", "ftp://a.example", "https://a.example https://b.example", "https://a@b"),
    ],
)
def test_an_origin_is_given_as_browsers_send_it(origin: str) -> None:
    for given in ([origin], ["https://app.example", origin]):
        (fault,) = faults_of(f"{GOOD}[server]\ncors_origins = {json.dumps(given)}")
        assert fault.startswith("server.cors_origins: expected origins")


def test_every_origin_may_only_be_let_in_where_callers_prove_who_they_are() -> None:
    own = ["https://app.example", "http://localhost:5173", "http://127.0.0.1:1", "http://[::1]:5173"]
    assert settings_of(f"{GOOD}[server]\ncors_origins = {json.dumps(own)}").server.cors_origins == own
    everybody = GOOD + '[server]\ncors_origins = ["*"]\n'
    (fault,) = faults_of(everybody)
    assert fault.startswith('server.cors_origins: "*"')
    known = '[[auth.keys]]\nname = "a"\nsha256 = "' + "0" * 64 + '"\n'
    with_keys = f'{everybody}[auth]\nmode = "keys"\n{known}'
    assert settings_of(with_keys).server.cors_origins == ["*"]
    assert faults_of(with_keys.replace('["*"]', '["*", "https://app.example"]'))


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../passwd", "Asia", "x" * 300])
def test_a_time_zone_must_exist(zone: str) -> None:
    assert faults_of(GOOD + f'time_zone = "{zone}"') == ["sources.a.time_zone: expected a name such as Asia/Shanghai"]


@pytest.mark.parametrize(("hours", "settle"), [(25, 49), (25, 10**12)])
def test_the_settling_time_covers_the_longest_conference_twice(hours: int, settle: int) -> None:
    (fault,) = faults_of(GOOD + f"max_conference_hours = {hours}\nsettle_hours = {settle}")
    assert fault.startswith("sources.a.settle_hours: expected at least twice max_conference_hours")


@pytest.mark.parametrize("name", ["A", "1a", "a__b", "a-b", "a" * 33, "陈"])
def test_a_source_name_is_plain(name: str) -> None:
    (fault,) = faults_of(GOOD.replace("[sources.a]", f'[sources."{name}"]'))
    assert fault.startswith(f"sources.{name}: a source's name is")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("SERVER__PORT", "eighty", "server.port: Expected `int`, got `str`"),
        ("SOURCES__A__CONF_IDS", "7,8", "sources.a.conf_ids: Expected a list as JSON"),
        ("SOURCES__A__CONF_IDS", '["7"]', "sources.a.conf_ids: Expected `int`, got `str`"),
        ("SOURCES__A__TOKN", "x", "sources.a.tokn: unknown key"),
        ("SOURCES__A", "x", "sources.a: expected a table"),
        ("SOURCES__A__TOKEN__FILE", "x", "CONFGRAPH_SOURCES__A__TOKEN__FILE: token is no table"),
        ("SERVER_PORT", "1", "CONFGRAPH_SERVER_PORT: two underscores stand between levels: CONFGRAPH_SERVER__PORT"),
        ("SERVER", "8111", "CONFGRAPH_SERVER: two underscores stand between levels: CONFGRAPH_SERVER__KEY"),
        (
            "AUTH_JWT_CA_FILE",
            "x",
            "CONFGRAPH_AUTH_JWT_CA_FILE: two underscores stand between levels: CONFGRAPH_AUTH__JWT__CA_FILE",
        ),
        (
            "SOURCES_A_TOKEN",
            "x",
            "CONFGRAPH_SOURCES_A_TOKEN: two underscores stand between levels: CONFGRAPH_SOURCES__A__TOKEN",
        ),
        (
            "SOURCES_B_TOKEN",
            "x",
            "CONFGRAPH_SOURCES_B_TOKEN: two underscores stand between levels: CONFGRAPH_SOURCES__NAME__KEY",
        ),
        (
            "LIMIT__MAX_COST",
            "1",
            "CONFGRAPH_LIMIT__MAX_COST: no such table; expected one of server, auth, cache, limits, execution, sources",
        ),
    ],
)
def test_a_fault_of_the_environment_names_its_key(name: str, value: str, fault: str) -> None:
    assert faults_of(GOOD, {f"CONFGRAPH_{name}": value}) == [fault]


@pytest.mark.parametrize("service", ["CONFGRAPH", "CONFGRAPH_SERVER", "CONFGRAPH_CACHE", "CONFGRAPH_SOURCES_A"])
def test_what_a_cluster_sets_for_a_service_of_such_a_name_is_no_fault(service: str) -> None:
    links = {
        f"{service}_PORT": "tcp://10.0.0.1:8000",
        f"{service}_PORT_8000_TCP_ADDR": "10.0.0.1",
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT_HTTP": "8000",
    }
    assert settings_of(GOOD, links).server == settings_of(GOOD).server


def test_every_fault_is_told_at_once() -> None:
    text = '[server]\nport = "x"\nhots = ""\n[sources.a]\nvendor = "acme"\nplace = 5\n[sources.b]\n'
    assert faults_of(text) == [
        "server.port: Expected `int`, got `str`",
        "server.hots: unknown key",
        "sources.a.base_url: missing",
        "sources.a.token: missing",
        "sources.a.place: Expected `str`, got `int`",
        "sources.b.vendor: missing; expected one of acme",
    ]


def test_no_value_is_ever_shown() -> None:
    faults = faults_of(
        '[sources.a]\nvendor = "hush1"\n[sources.b]\nvendor = "acme"\nbase_url = "hush2"\ntoken = ["hush3"]\n'
        'place = "hush4"\ntimeout_s = "hush5"',
        {"CONFGRAPH_SOURCES__B__CONF_IDS": "hush6", "CONFGRAPH_SOURCES__B__IS_EAGER": "hush7"},
    )
    assert len(faults) == 6
    assert "hush" not in "\n".join(faults)
    settings = settings_of(GOOD)
    assert "hush-secret" not in f"{settings!r} {settings} {source_of(GOOD).token}"


def test_text_that_is_no_toml_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    (fault,) = faults_of("[sources")
    assert fault.startswith("configuration: not TOML: ")
    (tmp_path / "latin").write_bytes(b'a = "\xe9"')
    for name, said in (("absent", "cannot be read: No such file"), ("latin", "is not UTF-8"), (".", "cannot be read")):
        with pytest.raises(ConfigError, match=said):
            load(tmp_path / name, VENDORS, {})


def test_no_source_at_all_is_a_fault() -> None:
    with pytest.raises(ConfigError, match=r"at least one table such as .*--config"):
        load(None, VENDORS, {})


def test_a_secret_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "confgraph.toml").write_text(HEAD + 'token_file = "token"\nspare = "other"\n')
    source: Any = load(tmp_path / "confgraph.toml", VENDORS, {}).sources["a"]
    assert (source.token.reveal(), source.spare.reveal()) == ("from-file", "other")


def test_a_secret_is_read_again_only_when_its_file_has_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    token = source_of(HEAD + 'token_file = "token"', base=tmp_path).token
    assert not token.reload()
    file.write_text("new\n")
    assert token.reload()
    assert token.reveal() == "new"
    file.write_bytes(b"\xff")
    assert not token.reload()
    file.write_text("\n")
    assert not token.reload()
    file.unlink()
    assert not token.reload()
    assert token.reveal() == "new"
    assert not Secret("fixed").reload()


def test_settings_can_be_sent_to_workers() -> None:
    sent = pickle.loads(ForkingPickler.dumps(settings_of(GOOD)))  # noqa: S301 - our own bytes
    assert sent.sources["a"].token.reveal() == "hush-secret"


def test_tables_built_in_code_are_as_good_as_text() -> None:
    table = {"vendor": "acme", "base_url": "http://127.0.0.1:1", "token": "t"}
    assert list(build({"sources": {"a": table}}, VENDORS, {}).sources) == ["a"]


def test_a_secret_may_change_its_form_from_the_file_to_the_environment(tmp_path: Path) -> None:
    """Any value can come from the environment instead, whichever form the file gave it."""
    (tmp_path / "t").write_text("from-file")
    in_file, in_clear = HEAD + 'token_file = "t"', HEAD + 'token = "clear"'
    for text, environ, expected in (
        (in_file, {"CONFGRAPH_SOURCES__A__TOKEN": "env"}, "env"),
        (in_clear, {"CONFGRAPH_SOURCES__A__TOKEN_FILE": "t"}, "from-file"),
    ):
        settings = settings_of(text, environ, tmp_path).sources["a"]
        assert settings.token.reveal() == expected  # type: ignore[attr-defined]
