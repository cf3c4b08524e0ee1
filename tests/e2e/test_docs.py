"""What the docs say can be done, can be done; what they link to is there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main

from docs.reference import PAGE, reference
from index.articles.parse import FIELDS
from index.sources.registry import KINDS
from service.cli.alsolike import app
from service.settings import Settings
from tests.support.real_servers import missing

HERE = Path(__file__).parents[2]
PAGES = [HERE / "README.md", HERE / "index" / "sample" / "README.md", *(HERE / "docs").glob("*.md")]
NAMES = [str(page.relative_to(HERE)) for page in PAGES]
FENCED = re.compile(r"^(<!-- run -->\n)? *```([\w-]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"`(alsolike [^`]+)`")
HEREDOC = re.compile(r"<<'?(\w+)'?\n.*?^\1$", re.MULTILINE | re.DOTALL)
ROOT = typer.main.get_command(app)


def blocks(name):
    return [
        (bool(run), kind, text) for run, kind, text in FENCED.findall((HERE / name).read_text())
    ]


def prose(name):
    return FENCED.sub("", (HERE / name).read_text())


def anchors(page):
    """As forges make them from headings: lower case, no punctuation, hyphens for spaces."""
    found: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


@pytest.mark.parametrize("name", NAMES)
def test_every_internal_link_and_anchor_leads_somewhere(name):
    page = HERE / name
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_table_stands_on_one_line(name):
    for line in prose(name).splitlines():
        if line.startswith("|"):
            assert line.endswith("|"), line


def test_a_broken_anchor_would_be_noticed():
    assert "exit-codes" in anchors(HERE / "docs" / "operations.md")
    assert "nothing-such" not in anchors(HERE / "docs" / "operations.md")


def commands(name):
    """Every command that a page names, in its text or in a shell block."""
    lines = COMMAND.findall(prose(name))
    for _, kind, text in blocks(name):
        if kind == "sh":
            lines += [line.strip() for line in HEREDOC.sub("", text).splitlines()]
    return [line for line in lines if re.match(r"alsolike [a-z]", line)]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_option_exists(name):
    for line in commands(name):
        command, known = ROOT, set()
        words = shlex.split(line.replace("…", ""), comments=True)[1:]
        while hasattr(command, "commands"):
            assert words, line
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
            if hasattr(command, "commands") and not words:  # the group as such: `alsolike db`
                break
        for parameter in command.params:
            known |= {*parameter.opts, *parameter.secondary_opts}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known | {"--help"}, line


@pytest.mark.parametrize("name", NAMES)
def test_every_toml_block_holds_settings_that_exist(name):
    known = set(Settings.model_fields)
    for _, kind, text in blocks(name):
        found = set(tomllib.loads(text)) if kind == "toml" else set()
        if found & known:  # others are a part of one source's table
            assert found <= known


@pytest.mark.parametrize("name", NAMES)
def test_every_php_block_parses(name, tmp_path):
    texts = [text for _, kind, text in blocks(name) if kind == "php"]
    if texts and shutil.which("php") is None:
        missing("needs php")
    for text in texts:
        (tmp_path / "block.php").write_text(text)
        done = subprocess.run(
            ["php", "-l", str(tmp_path / "block.php")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def runnable(name):
    return [(kind, text) for run, kind, text in blocks(name) if run]


@pytest.mark.parametrize("name", [name for name in NAMES if runnable(name)])
def test_blocks_marked_as_runnable_run_in_their_order(name, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ALSOLIKE_MODEL": "hashing:256",
        "PYTHONPATH": str(HERE),
    }
    for kind, text in runnable(name):
        text = text.replace("Recommender()", "Recommender('hashing:256')")
        program = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[kind]
        done = subprocess.run(
            [*program, text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"


def test_something_is_runnable():
    assert sum(len(runnable(name)) for name in NAMES) >= 5


def test_the_reference_is_what_the_code_says():
    assert PAGE.read_text() == reference(), "python -m docs.reference writes it anew"


@pytest.mark.parametrize("name", NAMES)
def test_every_default_in_a_table_is_the_setting_s(name):
    for table in re.findall(r"^\| setting \| default .*\n((?:\|.*\n)+)", prose(name), re.MULTILINE):
        rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", table, re.MULTILINE)
        assert rows
        for setting, stated in rows:
            default = Settings.model_fields[setting].default
            assert stated in {str(default), json.dumps(default, default=str)}, setting


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_variable_and_test_named_in_text_exists(name):
    text = prose(name)
    settings = set(Settings.model_fields)
    for assigned in re.findall(r"`(\w+) = [^`]+`", text):
        known = {field for kind in KINDS.values() for field in kind.__dataclass_fields__}
        assert assigned in settings | known | {*FIELDS, "read", "map"}, assigned
    for variable in re.findall(r"`ALSOLIKE_([A-Z_]+)`", text):
        assert variable.lower() in settings | {"config", "milvus_token"}, variable
    for test in re.findall(r"`(test_\w+)`", text):
        assert list((HERE / "tests").glob(f"*/{test}.py")), test


def test_every_route_named_in_text_is_in_the_reference():
    known = set(re.findall(r"^\| `[A-Z]+ ([^`]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert len(known) > 20
    for name in NAMES:
        for route in re.findall(
            r"`(?:[A-Z]+ )?(/(?:v1|editor|livez|readyz)/?[^`? ]*)", prose(name)
        ):
            assert route in known | {"/v1"}, (name, route)


def test_every_claim_about_another_product_names_a_source():
    text = (HERE / "docs" / "compare.md").read_text()
    table, _, sources = text.partition("## Sources")
    numbers = set(re.findall(r"^(\d+)\. ", sources, re.MULTILINE))
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if row.startswith("| ")]
    rows = [cells for cells in rows if cells[0] not in {"---"} and "YARPP" not in cells]
    assert len(rows) > 20
    cited = set()
    for question, *others, _ in rows:
        assert len(others) == 8, question
        for cell in others:
            named = re.findall(r"\[(\d+)\]", cell)
            assert named or cell == "nd", f"{question}: {cell}"
            cited |= set(named)
    assert cited == numbers
