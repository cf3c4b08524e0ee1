"""Configuration that the docs print is taken by the programs that it is for."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from service.serving.static_export import file_name
from tests.support.real_servers import need

DOCS = Path(__file__).parents[2] / "docs"
FENCED = re.compile(r"^ *```([\w-]+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> dict[str, str]:
    """Every block of a kind, by its page and place."""
    return {
        f"{page.stem}-{number}": text
        for page in sorted(DOCS.glob("*.md"))
        for number, (found, text) in enumerate(FENCED.findall(page.read_text()))
        if found == kind
    }


def each(kind: str) -> pytest.MarkDecorator:
    found = blocks(kind)
    return pytest.mark.parametrize("text", found.values(), ids=found)


def done(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@each("nginx")
def test_nginx_takes_every_block_for_it(text: str, tmp_path: Path) -> None:
    nginx = need("nginx", "/usr/sbin")
    if " ssl" in text:
        text = re.sub(r"(ssl_certificate(?:_key)?) \S+;", rf"\1 {tmp_path}/tls.pem;", text)
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        done(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=related.example.org", "-keyout", str(key), "-out", str(certificate)),
        )
        (tmp_path / "tls.pem").write_text(certificate.read_text() + key.read_text())
    text = text.replace("/var/cache/nginx", str(tmp_path))
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/errors;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{text}\n}}\n"
    )
    done(nginx, "-t", "-c", str(configuration), "-e", str(tmp_path / "errors"))


@each("cron")
def test_every_line_for_cron_names_a_time_and_a_command(text: str) -> None:
    for line in text.splitlines():
        if "=" in line.split()[0]:
            continue
        *times, command = line.split(maxsplit=5)
        assert len(times) == 5, line
        assert all(re.fullmatch(r"[\d*/,-]+", one) for one in times), line
        done("bash", "-n", "-c", command)
        assert "%" not in command, "cron would break the line there"


@each("yaml")
def test_every_yaml_block_is_read(text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict)


@each("json")
def test_every_json_block_is_read(text: str) -> None:
    assert json.loads(text)


@each("sh")
def test_a_shell_reads_every_block_for_it(text: str) -> None:
    done("bash", "-n", "-c", text)


@each("js")
def test_every_script_is_read(text: str, tmp_path: Path) -> None:
    node = need("node")
    (tmp_path / "block.mjs").write_text(text)
    done(node, "--check", str(tmp_path / "block.mjs"))


def test_the_printed_script_names_files_as_the_export_does(tmp_path: Path) -> None:
    node = need("node")
    ids = ["plain", ".dot", "..", "a~b", "10.1000/182", "(x)!*'", "ü b%2F", "日本", "😀"]
    (script,) = blocks("js").values()
    (tmp_path / "names.mjs").write_text(
        f"console.log(JSON.stringify({json.dumps(ids)}.map((id) => {{ {script} return name; }})))"
    )
    named = json.loads(done(node, str(tmp_path / "names.mjs")))
    assert named == [file_name(article_id) for article_id in ids]


def test_every_kind_of_block_is_checked_or_only_shown() -> None:
    checked = {"sh", "python", "toml", "php", "nginx", "cron", "yaml", "json", "js"}
    shown = {"html", "apache", "jsx", "astro", "go-html-template", "console"}
    kinds = {kind for page in DOCS.glob("*.md") for kind, _ in FENCED.findall(page.read_text())}
    assert kinds <= checked | shown
