"""Settings: what can never work is refused where it is read, what is meant is understood."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from index.sources.registry import KINDS, open_source, table_for
from index.sql_engine import describe
from recommender.errors import SettingError
from service.server import log_settings
from service.settings import CONFIG_FILE, Settings, load_settings

VALUES: dict[str, Any] = {
    "model": "hashing:64",
    "precision": "float32",
    "depth": 20,
    "half_life": 30.5,
    "boost": [{"field": "tags", "factor": 1.5, "equals": "news"}],
    "learn": "off",
    "weights": {"words": 0.3},
    "adopt_orphans": False,
    "root": "somewhere",
    "map": {"title": "headline"},
    "source": [{"kind": "feed", "url": "https://hunter2@sea.example/feed?api_key=hunter2"}],
    "url_template": "/articles/{id}",
    "timezone": "Europe/Berlin",
    "date_format": "%d/%m/%Y",
    "guess_language": False,
    "locale": "de",
    "heading": "Read on",
    "site_url": "https://www.example.org",
    "limit": 3,
    "min_score": 0.25,
    "fallback": "newest",
    "skip_linked": "drop",
    "site_pins": False,
    "index": "milvus",
    "milvus_uri": "http://milvus:19530",
    "milvus_alias": "other",
    "engine": "ray",
    "ray_address": "head:6379",
    "variant": {"bold": {"depth": 9}},
    "trust_related_blocks": True,
    "keep": 2,
    "keep_small": 3,
    "keep_small_hours": 6.5,
    "notify": "https://hooks.example/services/hunter2?key=hunter2",
    "full_build_at": "23:30",
    "max_drift": 0.5,
    "follow_seconds": 5.0,
    "max_loss": 0.2,
    "max_churn": 0.3,
    "max_weak": 0.4,
    "max_hub": 0.5,
    "min_recall": 0.9,
    "min_golden": 0.6,
    "max_golden_drop": 0.1,
    "decide_first": True,
    "host": "localhost",
    "port": 8080,
    "path_prefix": "/also",
    "workers": 2,
    "database": "postgresql+psycopg://someone:hunter2?hunter2@hunter2@db/decisions",
    "database_password": "hunter2",
    "cors_origins": ["https://www.example.org"],
    "cache_mb": 16,
    "max_age": 10,
    "stale_while_revalidate": 5,
    "max_body_kb": 64,
    "body_seconds": 2.5,
    "metrics": False,
    "metrics_port": 9100,
    "metrics_host": "localhost",
    "log_format": "json",
    "access_log": True,
    "trusted_proxies": ["10.0.0.0/8"],
    "identity_header": "X-User",
    "identity_role": "editor",
    "drafts": False,
    "draft_kb": 8,
    "draft_queue": 3,
    "draft_seconds": 7.5,
    "draft_rate": 12,
    "push_rate": 34,
    "ghost_secret": "sesame",
    "read_token": True,
    "clicks": True,
    "clicks_database": "postgresql+psycopg://someone@db/clicks",
    "keep_click_days": 30,
    "respect_do_not_track": False,
    "explore": 0.05,
}
"""For each setting a value that is not its default."""

NEEDS = {"identity_header": {"trusted_proxies": VALUES["trusted_proxies"]}}
"""What must be set beside a setting."""

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()


def as_text(value: Any) -> str:
    """A value as the environment has it."""
    return value if isinstance(value, str) else json.dumps(value)


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {as_toml(part)}' for key, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value)


def test_every_setting_is_tested_here() -> None:
    assert list(VALUES) == list(Settings.model_fields)


@pytest.mark.parametrize("name", VALUES)
def test_each_setting_can_be_set_in_three_ways_is_documented_and_logged(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {**NEEDS.get(name, {}), name: VALUES[name]}
    expected = load_settings(**given)
    assert getattr(expected, name) != getattr(load_settings(), name)
    (tmp_path / CONFIG_FILE).write_text(
        "".join(f"{key} = {as_toml(value)}\n" for key, value in given.items())
    )
    assert load_settings() == expected
    (tmp_path / CONFIG_FILE).unlink()
    for key, value in given.items():
        monkeypatch.setenv(f"ALSOLIKE_{key.upper()}", as_text(value))
    assert load_settings() == expected
    assert f"| `{name}` |" in REFERENCE
    with caplog.at_level("INFO", "alsolike"):
        log_settings(expected)
    assert f" {name}=" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@hunter2?x@h/db", "postgresql://***"),
        ("postgresql://u:p@hunter2/s@h/db", "postgresql://***"),
        ("postgresql://u:p@/hunter2@h/db", "postgresql://***"),
        ("postgresql://u/x:hunter2@h/db", "postgresql://***"),
        ("postgresql:///u:hunter2@h/db", "postgresql://***"),
        ("mysql://u@host:hunter2@h:3306/db?password=hunter2", "mysql://u%40host:***@h:3306/db"),
        ("postgresql://u@h:5432/db", "postgresql://u@h:5432/db"),
        ("sqlite:////a@b/c.db", "sqlite:////a%40b/c.db"),
    ],
)
def test_no_part_of_a_database_s_password_is_shown(url: str, shown: str) -> None:
    assert describe(url) == shown


def message(**settings: Any) -> str:
    with pytest.raises(SettingError) as caught:
        load_settings(**settings)
    return str(caught.value)


@pytest.mark.parametrize("service", ["", "NIGHTLY_", "METRICS_"])
def test_variables_that_kubernetes_or_astro_has_for_a_service_are_passed_over(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "SERVICE_HOST": "10.0.0.7",
        "SERVICE_PORT": "8000",
        "SERVICE_PORT_HTTP": "8000",
        "PORT": "tcp://10.0.0.7:8000",
    }
    for protocol in ("TCP", "UDP", "SCTP"):
        port = f"PORT_8000_{protocol}"
        told |= {
            port: f"{protocol.lower()}://10.0.0.7:8000",
            f"{port}_PROTO": protocol.lower(),
            f"{port}_PORT": "8000",
            f"{port}_ADDR": "10.0.0.7",
        }
    for name, value in told.items():
        monkeypatch.setenv(f"ALSOLIKE_{service}{name}", value)
    monkeypatch.setenv("ALSOLIKE_SERVICE", "http://10.0.0.7:8000")  # that of the Astro part
    monkeypatch.setenv("ALSOLIKE_LIMIT", "3")
    settings = load_settings()
    assert (settings.port, settings.metrics_port, settings.limit) == (8000, None, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALSOLIKE_XYZ", "1"),
        ("ALSOLIKE_SERVICES", "1"),
        ("ALSOLIKE_PORTS", "tcp://10.0.0.7:8000"),
        ("ALSOLIKE_PORT_8000_ICMP", "1"),
        ("ALSOLIKE_NIGHTLY_PORT", "8000"),
        ("ALSOLIKE_PORT", "http"),
    ],
)
def test_a_slip_in_the_environment_is_refused_all_the_same(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert name.removeprefix("ALSOLIKE_").lower() in message().lower()


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://www.example.org", "https://www.example.org"),
        ("HTTPS://WWW.Example.org/", "https://www.example.org"),
        ("https://www.example.org:443", "https://www.example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://example.org:443", "http://example.org:443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0::1]", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("*", "*"),
        ("null", "null"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(written: str, sent: str) -> None:
    assert load_settings(cors_origins=[written]).cors_origins == [sent]


@pytest.mark.parametrize(
    "written",
    [
        *("https://*.example.org", "www.example.org", "localhost:3000", "//example.org", ""),
        *("https://example.org/blog", "https://example.org?a", "https://a@example.org"),
        *("https://bücher.example", "https://a.example, https://b.example", "https://a:port"),
        *("https:///path", "http://127.1"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(written: str) -> None:
    said = message(cors_origins=["https://good.example", written])
    assert "cors_origins" in said
    assert repr(written) in said
    assert re.search(r"https://www\.example\.org|'\*'|xn--|is no IP address", said)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "HTTPS://example.org/hunter2",
            "file:///hunter2",
            "mail 'hunter2",
            " ",
            "http:///hunter2",
        ),
        *("http://[::1/hunter2", "http://a:b/hunter2", "http://u:hunter2@a/", "http://a/hunter2 b"),
    ],
)
def test_what_can_never_be_told_is_refused(written: str) -> None:
    said = message(notify=written)
    assert "notify" in said
    assert "hunter2" not in said
    assert load_settings(notify="mail -s 'at http://a' b").notify


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"metrics_port": 8000}, "metrics_port 8000"),
        ({"path_prefix": "also"}, "write it like /also"),
        ({"path_prefix": "/a/../b"}, "write it like /also"),
        ({"path_prefix": "/editor/x"}, "begins like a path of the service"),
        ({"metrics_port": 9000, "port": 9000, "host": "0.0.0.0"}, "metrics_port 9000"),
        ({"identity_header": "X User", "trusted_proxies": ["127.0.0.1"]}, "identity_header"),
        ({"identity_header": "", "trusted_proxies": ["127.0.0.1"]}, "identity_header"),
        ({"identity_header": "X-User"}, "trusted_proxies"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "host bits"),
        ({"trusted_proxies": ["::ffff:10.0.0.0/104"]}, "10.0.0.0/8"),
        ({"heading": " "}, "heading"),
        ({"host": ""}, "host"),
        ({"root": "~nobody-of-that-name/x"}, "root"),
        ({"model": "~nobody-of-that-name/x"}, "model"),
    ],
)
def test_what_can_never_work_is_refused(settings: dict[str, Any], told: str) -> None:
    assert told in message(**settings)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("max_lost = 0.3", "'max_lost' does not exist (did you mean max_loss?); docs/reference.md"),
        ("[variant.bold]\ndept = 3", "(did you mean depth?); a variant can have model, precision"),
        ('site_url = "example.org"', "= 'example.org': write an address with http:// or https://"),
        ('full_build_at = "24:00"', "= '24:00': write hours and minutes, like 03:00, or off"),
        ('milvus_alias = "a-b"', "write letters, digits and '_', like alsolike_news"),
        (
            "[[source]]\nkind = 'sql'\nread_token = true",
            "setting source: a table has no option 're",
        ),
        ("max_loss = 2", "setting max_loss = 2: must be 1 or less"),
        ('min_score = "low"', "setting min_score = 'low': must be a number"),
        ('skip_linked = "no"', "setting skip_linked = 'no': must be 'last', 'drop' or 'off'"),
        ("heading = 3", "setting heading = 3: must be text"),
        ('database = "mysql://x"', "setting database: write the URL of an SQLite file, like"),
        ('database = "alsolike.sqlite"', "setting database: write the URL of an SQLite file"),
        ("database_password = 987654", "setting database_password: must be text"),
        ("ghost_secret = 987654", "setting ghost_secret: must be text"),
        ('clicks_database = "sqlite://"', "setting clicks_database: write the URL of an SQLite"),
        ('path_prefix = "x"', "setting path_prefix = 'x': 'x' is not a path"),
        ("site_url = https://a.org", "(at line 1, column 12): text needs quotes, as in site_url"),
        ("limit = 3\nroot = /srv", '(at line 2, column 8): text needs quotes, as in root = "…"'),
        ("full_build_at = 23:30", "text needs quotes, as in full_build_at"),
        ("limit = 3\nlimit = 4", "(at end of document): limit stands there for the second time"),
        ('root = "a', "(at end of document), at root"),
        ('root = "a\nlimit = 3', "(at line 1, column 10), at root"),
        ("root", "Expected '='"),
    ],
)
def test_a_slip_in_the_file_is_told_with_what_is_expected(
    written: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG_FILE).write_text(written)
    assert told in message()
    assert not re.search("Value error|should match|Input should", message())


def test_no_option_of_a_source_is_taken_for_a_setting_of_the_site() -> None:
    options = {option.name for kind in KINDS.values() for option in dataclasses.fields(kind)}
    shared = options & Settings.model_fields.keys()
    table = {"map": {}, "url_template": "/{id}", "date_format": "%d/%m/%Y"} | dict.fromkeys(shared)
    assert Settings(source=[table]).source == [table]


def test_all_slips_of_the_file_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG_FILE).write_text('port = "high"\nlimit = 99\nlocales = "en"\n')
    assert message().startswith(
        "setting limit = 99: must be 50 or less; setting port = 'high': must be a whole number; "
        "setting 'locales' does not exist (did you mean locale?)"
    )


def test_a_slip_in_the_environment_is_told_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALSOLIKE_CORS_ORIGINS", "https://a.org")
    assert "variable ALSOLIKE_CORS_ORIGINS must be JSON" in message()
    monkeypatch.setenv("ALSOLIKE_KEPP", "3")
    assert "ALSOLIKE_KEPP names no setting (did you mean ALSOLIKE_KEEP?)" in message()


@pytest.mark.parametrize("name", ["root", "heading", "database_password"])
def test_bytes_that_are_not_utf8_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=f"^setting {name} has bytes that are not UTF-8"):
        load_settings(**{name: "r\udcff"})
    monkeypatch.setenv(f"ALSOLIKE_{name.upper()}", "r\udcff")
    with pytest.raises(SettingError, match=f"^setting {name} has bytes that are not UTF-8"):
        load_settings()


def test_ports_of_two_addresses_may_be_the_same() -> None:
    assert load_settings(host="10.0.0.7", metrics_port=8000).metrics_port == 8000


def test_a_settings_file_may_begin_with_a_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALSOLIKE_CONFIG", "~/a.toml")
    (tmp_path / "a.toml").write_bytes('\ufeffroot = "über"\r\nlimit = 3\r\n'.encode())
    settings = load_settings()
    assert (settings.root, settings.limit) == (Path("über"), 3)


def test_paths_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = load_settings(
        root="~/root", model="~/model", milvus_uri="~/m.db", database="sqlite:///~/d.sqlite"
    )
    assert settings.root == tmp_path / "root"
    assert settings.model == f"{tmp_path}/model"
    assert settings.milvus_uri == f"{tmp_path}/m.db"
    assert settings.database == f"sqlite:///{tmp_path}/d.sqlite"
    (tmp_path / "a.jsonl").touch()
    assert table_for("~/a.jsonl") == {"kind": "jsonl", "path": f"{tmp_path}/a.jsonl"}
    assert str(tmp_path) in open_source({"kind": "jsonl", "path": "~/a.jsonl"}).name
